#!/bin/sh
# Two Debian releases: this machine's, and a root of the other one (12 or 13) that
# scripts/debian-root makes, in which ./bench itself installs and builds. A wire joins them, and the
# shipped scenarios run with either as the broker's host: the same is measured. What leaves the
# group to the hosts is refused with words where the newer one has the broker, and measured as these
# say.
. "$(dirname "$0")/real.sh"
need_root
need_command debootstrap ip unshare nsenter git apt-get

release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
other=trixie
[ "$release" != trixie ] || other=bookworm
debian_root=$root/scripts/debian-root
export BENCH_DEBIAN_TREE="$scratch/tree"

# All that is mounted goes with the last process of the root's namespaces: before the folder does.
driver='' machine='' wire=''
# shellcheck disable=SC2317 # called by the trap
leave() {
  left=$?
  for pid in $driver $machine $wire; do
    kill -KILL "$pid" 2>/dev/null
  done
  wait
  return "$left"
}
trap 'leave; on_exit' EXIT

# ---- the other release ----

# In the background, as the trap of an interrupted shell waits for what is in the foreground.
start "$debian_root" "$other" true
stop_waiting 900
[ "$status" = 0 ] || skip_all "$(printf '%s\n' "$err" | grep . | tail -n 1)"

start env BENCH_DEBIAN_ROOT="$scratch/half" "$debian_root" "$other" true
check 'another root is begun' wait_for 120 test -e "$scratch/half.new"
kill -TERM "$driver"
stop_waiting 120
is 'half a root goes with a signal' "$status $(cd "$scratch" && echo half*)" \
  '130 half.lock half.log'
mkdir "$scratch/failing"
# shellcheck disable=SC2016 # its own argument
printf '#!/bin/sh\nmkdir -p "$4/etc"\necho E: gone\nexit 1\n' >"$scratch/failing/debootstrap"
chmod +x "$scratch/failing/debootstrap"
run env PATH="$scratch/failing:$PATH" BENCH_DEBIAN_ROOT="$scratch/half" "$debian_root" "$other" true
exits 'no root can be made' 3
contains '... that is said' "$err" "no root of $other: E: gone"
check '... and half a root goes' test ! -e "$scratch/half.new"
flock --no-fork "$scratch/half.lock" sleep 3603 &
machine=$!
start env BENCH_DEBIAN_ROOT="$scratch/half" "$debian_root" "$other" true
[ "$(await_process "flock 9")" ] || fail 'one waits for who makes the root'
kill -TERM "$driver"
stop_waiting 60
is 'it waits no longer than it may' "$status" 130
kill "$machine"
start "$debian_root" "$other" sleep 3602
[ "$(await_process 'sleep 3602')" ] || fail 'a command is executed there'
kill -KILL "$driver"
stop_waiting 60
check 'a command ends with the script, whatever ends that' is_rest_gone_soon
run "$debian_root" "$other" sh -c 'sed -n "s/^VERSION_CODENAME=//p" /etc/os-release; exit 7'
is 'a command says and exits as it likes' "$status $out" "7 $other"

# What the copy of a tree has: also of a mode that was changed and a file that was removed.
mkdir -p "$scratch/top/scripts"
cp "$debian_root" "$scratch/top/scripts/"
git -C "$scratch/top" init -q
echo 'echo changed' >"$scratch/top/changed"
: >"$scratch/top/removed"
git -C "$scratch/top" add .
in_copy() { # COMMAND...
  run env BENCH_DEBIAN_ROOT="${BENCH_DEBIAN_ROOT:-$root/build-debian-$other/root}" \
    BENCH_DEBIAN_TREE="$scratch/copy" "$scratch/top/scripts/debian-root" "$other" "$@"
}
in_copy ls
is 'a tree is copied' "$status $(printf '%s' "$out" | paste -sd ' ')" '0 changed removed scripts'
rm "$scratch/top/removed"
chmod +x "$scratch/top/changed"
in_copy sh -c './changed && ls'
is '... as it is later' "$status $(printf '%s' "$out" | paste -sd ' ')" '0 changed changed scripts'

"$debian_root" --own-network "$other" sleep 3600 &
machine=$!
first=$(await_process 'sleep 3600')
[ -n "$first" ] || skip_all 'no root can be entered here'
enter="nsenter --target $first --mount --uts --ipc --pid"
for name in TMPDIR BENCH_NO_INSTALL BENCH_BUILD CC; do
  alone="${alone-env} -u $name"
done
# shellcheck disable=SC2086 # lists
start $enter $alone BENCH_MESON_OPTIONS=-Doptimization=0 /opt/bench/bench --version
stop_waiting 900
exits "./bench installs and builds on Debian's $other" 0
if [ "$status" != 0 ]; then
  leave
  finish
fi

# ---- the wire ----

unshare --net sleep 3601 &
wire=$!
here=$(await_process 'sleep 3601')
ip link add bench-here netns "$here" type veth peer name bench-there netns "$first"
nsenter --net="/proc/$here/ns/net" sh -c 'ip link set lo up && ip link set bench-here up &&
  ip address add 192.0.2.2/24 dev bench-here'
nsenter --net="/proc/$first/ns/net" sh -c 'ip link set lo up && ip link set bench-there up &&
  ip address add 192.0.2.1/24 dev bench-there'
printf '#!/bin/sh\nexec nsenter --net=/proc/%s/ns/net "%s" "$@"\n' "$here" "$bench" \
  >"$scratch/bench-here"
chmod +x "$scratch/bench-here"
bench=$scratch/bench-here
there="exec:$enter --net env -u TMPDIR"

# between BROKER COMMAND [OPTION...]: with the broker's host here or there.
between() {
  between_broker=$1
  shift
  if [ "$between_broker" = here ]; then
    set -- "$@" --broker-host local --publisher-host "$there" --set hosts.address=192.0.2.2
  else
    set -- "$@" --broker-host "$there" --publisher-host local --set hosts.address=192.0.2.1
  fi
  "$@" --set hosts.folder=/opt/bench
}
# Times as short as they may be, and fleets as small.
short='--repetitions 1 --quiet --set telemetry.interval=20ms --set probe.connect.duration=500ms'
for probe in path transport transport-per-unit delivery latency; do
  short="$short --set probe.$probe.duration=100ms --set probe.$probe.warmup=0s"
done
short="$short --set fleet.clients=40 --set probe.hold.duration=100ms"
short="$short --set probe.fleet.duration=500ms --set probe.fleet.interval=100ms"

tls='tls mutual-tls mutual-tls-crl mutual-tls-password mutual-tls-12 psk mutual-tls-pkcs11'
tls="$tls tunnel-mutual-tls"

statuses() { # of the trials
  rows "$folder/trials.csv" status | sort -u
}
handshakes() { # of the channels
  rows "$folder/trials.csv" channel,tls_version,tls_cipher,tls_group,tls_signature | sort -u
}

# ---- the older release has the broker ----

old=here new=there
[ "$other" = trixie ] || old=there new=here
for file in "$root"/scenarios/*.ini; do
  scenario=$(basename "$file" .ini)
  [ "$scenario" != post-quantum-links ] || continue # over the links of a lab: relay.t
  set --
  [ "$scenario" != mechanisms ] ||
    set -- --probes delivery --channels "plain token acl-dynamic $tls"
  # shellcheck disable=SC2086 # a list
  between "$old" measure "$scenario" $short "$@"
  may_be=none # on Debian 12 the post-quantum channels are skipped
  [ "${scenario#post-quantum}" = "$scenario" ] || may_be=skipped
  is "$scenario is measured" "$status, $(statuses | grep -vx "$may_be")" '0, ok'
  [ "$scenario" != mechanisms ] || expected=$(handshakes)
done

# ---- the newer one has it ----

# shellcheck disable=SC2086 # a list
between "$new" measure mechanisms $short --probes delivery \
  --channels "plain token acl-dynamic $tls"
is 'the protections are measured there, too' "$status, $(statuses)" '0, ok'
is '... by the same handshakes' "$(handshakes)" "$expected"
is '... one of each channel, at both ends' "$(handshakes | cut -d '|' -f 1 | uniq -d)" ''
contains '... that of mutual TLS is the pinned one' "$(handshakes)" \
  'mutual-tls|TLSv1.3|TLS_AES_256_GCM_SHA384|x25519|ecdsa_secp256r1_sha256'
between "$new" run "$bench" doctor
lacks '... and doctor has nothing against it' "$out" IMPOSSIBLE

# ---- left to the hosts: subscriber and publisher would differ ----

by_default='--set channel.mutual-tls.tls.groups=default'
# shellcheck disable=SC2086 # lists
between "$new" run "$bench" doctor $by_default
exits 'doctor says that the defaults differ' 3
matches '... and what helps' "$out" \
  '^  IMPOSSIBLE .*OpenSSL 3.* --set channel.mutual-tls.tls.groups=x25519$'
# shellcheck disable=SC2086 # lists
between "$new" measure paper $short $by_default
exits 'a run is refused' 3
check '... before anything is made' test ! -e "$results"
matches '... which end has what is said' "$err" "subscriber on .* \(OpenSSL 3\.[5-9][^)]*\) .* \
X25519MLKEM768, .* publisher on .* \(OpenSSL 3\.0[^)]*\) on x25519"
options=$(printf '%s\n' "$err" | grep -oE -e '--set channel\.[a-z-]+\.tls\.groups=[A-Za-z0-9]+')
# shellcheck disable=SC2086 # lists
between "$new" measure paper $short $options
is 'with the options that it names, it is measured' "$status, $(statuses)" '0, ok'

# shellcheck disable=SC2086 # a list
between "$new" measure paper $short --set channel.mutual-tls.tls.groups=X25519MLKEM768
is 'a group that one of them lacks is skipped' "$status, $(statuses)" '0, ok
skipped'
matches '... with the reason' "$(rows "$folder/trials.csv" reason channel=mutual-tls | sort -u)" \
  '^host .*: OpenSSL 3\.0 has no ML-KEM: Debian 13 has$'

leave
machine='' wire=''
finish
