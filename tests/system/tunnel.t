#!/bin/sh
# A channel inside WireGuard between two hosts: what is proven, what breaks the proofs, what is left
# when it ends by force. And that what cannot be had on a host is skipped, with the reason, and no
# failure.
. "$(dirname "$0")/real.sh"
need_command ip unshare nsenter
lab='--broker-host lab:a --publisher-host lab:b --set hosts.address='
links=$(ip -o link | cut -d : -f 2)

# ---- where it cannot be had ----

measure "$tiny" --channels 'plain tunnel' --probes 'path delivery' --quiet
exits 'on one host: the run succeeds' 0
is '... and skips the tunnel, and nothing else' \
  "$(rows "$folder/trials.csv" channel,probe,status | sort)" 'plain|delivery|ok
plain|path|ok
tunnel|delivery|skipped
tunnel|path|skipped'
is '... for a reason' "$(rows "$folder/trials.csv" reason status=skipped | sort -u)" \
  "local: tunnel: broker and publisher are on one host, with no link between them to tunnel: use $(
  )--broker-host lab:a --publisher-host lab:b, or two machines"
is '... having measured nothing' \
  "$(rows "$folder/trials.csv" throughput_mbit_s,bytes,duration_s status=skipped | sort -u)" '||'
is '... nor proven anything' "$(rows "$folder/proofs.csv" proof channel=tunnel)" ''
is '... nor tried it again' "$(rows "$folder/trials.csv" attempt | sort -u)" 1
run "$bench" report "$folder"
exits 'a report of it' 0
matches '... says skipped' "$out" '^  tunnel +0 .* skipped$'
contains '... with the reason' "$out" '1 skipped (local: tunnel: broker and publisher are on one'
is '... has no ratio of it' "$(rows "$folder/comparisons.csv" ratio,verdict,reason |
  sort -u)" '|undecided|one of the two was skipped on these hosts'
contains '... and says so in the chart' "$(cat "$folder/plots/throughput.svg")" 'skipped'
run "$bench" run --resume "$folder" --certs "$scratch/certs"
exits 'a skipped trial is none that is left to measure' 0
contains '... says the program' "$out" 'is complete'

mkdir "$scratch/bin"
# shellcheck disable=SC2016 # expanded there
printf '#!/bin/sh\n[ "$1" = -c ] || exec %s "$@"\nexit 1\n' \
  "$(PATH=$PATH:/usr/local/sbin:/usr/sbin command -v mosquitto)" >"$scratch/bin/mosquitto"
chmod +x "$scratch/bin/mosquitto"
usual=$PATH PATH=$scratch/bin:$PATH
measure "$tiny" --channels 'plain tunnel' --probes delivery --quiet --repetitions 3 \
  --set scenario.order=sequential
PATH=$usual
exits 'a channel that is skipped is none that could come up when no other does' 3
contains '... and the run ends' "$err" 'no channel came up in 4 tries in a row; the last: '

measure "$tiny" --channels 'plain plain-again tunnel' --quiet --repetitions 'until 1000%' \
  --set scenario.repetitions_min=6 --set scenario.repetitions_max=9
exits 'as many repetitions as are needed' 0
is '... are not more for a channel that is skipped' \
  "$(count "$folder/trials.csv" channel=tunnel status=skipped)" 6

run "$bench" doctor
matches 'doctor tells whether it could be had' "$out" \
  '^  mechanism\.tunnel +(possible: (kernel|wireguard-go)|not possible: needs )'

user=
[ "$(id -u)" != 0 ] || user=$nobody
if [ -z "$user" ] || can_be_nobody; then
  mkdir -m 777 "$scratch/theirs"
  chmod 644 "$tiny"
  # shellcheck disable=SC2086 # several words
  run $user TMPDIR="$scratch/theirs" PATH="$PATH" "$bench" run "$tiny" --quiet \
    --channels 'plain tunnel' --broker-host local --publisher-host 'exec:env BESIDE=1' \
    --set hosts.folder="$same" --set hosts.congestion=default \
    --output "$scratch/theirs/results" --certs "$scratch/theirs/certs"
  exits 'an ordinary user: the run succeeds' 0
  is '... without the tunnel, which needs root' "$(rows "$scratch"/theirs/results/*/trials.csv \
    channel,status,reason | sed 's/|ok|.*/|ok/' | sort)" "plain|ok
tunnel|skipped|local: tunnel: needs root here (CAP_NET_ADMIN, to make an interface)"
else
  skip 'an ordinary user' 'an ordinary user cannot execute the program'
fi

# ---- settings ----

refuse() { # KEY=VALUE MESSAGE
  run "$bench" check "$tiny" --channels tunnel --set scenario.baseline=tunnel \
    --set "channel.tunnel.tunnel.$1"
  exits "$1 is refused" 2
  contains '... in words' "$err" "$2"
}
refuse network=10.1.2.3/30 '10.1.2.3/30 is an address in a network; right would be its first'
refuse network=10.1.2.0/31 'no IPv4 network of /8 to /30; right would be 10.229.77.0/30'
refuse network=fd00::/64 'no IPv4 network of /8 to /30'
refuse mtu=100 '576'

# ---- on a host ----

can_tunnel=no
if [ "$(id -u)" = 0 ] && "$bench" doctor 2>/dev/null | grep -q 'mechanism.tunnel *possible'; then
  can_tunnel=yes
fi
if [ $can_tunnel = no ]; then
  skip 'the tunnel itself' 'needs root, wireguard-tools, wireguard-go and /dev/net/tun'
  finish
fi

# obey NAME PREPARATION: an agent in a fresh namespace, after these commands, prepares the broker's
# side and ends; then `ip` shows what is there. Into $answer and $left.
settings='"by": "auto", "network": "10.229.77.0/30", "port": "0", "mtu": "1420"'
common='"description": "", "use": "tunnel", "control": "none", "loss": "0%", "mqtt": "3.1.1"'
cat >"$scratch/orders" <<END
{"order": "channel", "channel": {"name": "t", "settings": {"channel": {$common},
 "tunnel": {$settings}}}, "secrets": {}, "address": "10.229.77.1", "outer": "192.0.2.1"}
{"order": "prepare", "id": 1, "broker": true, "alone": false, "outer": "192.0.2.1"}
END
tr -d '\n' <"$scratch/orders" | sed 's/}{/}\n{/; s/$/\n/' >"$scratch/lines"
obey() { # COMMANDS
  run unshare --net sh -c "ip link set lo up; $1
    \"\$0\" agent <'$scratch/lines'; echo; ip -o link; ip rule; ip -4 address" "$bench"
  answer=$(printf '%s\n' "$out" | grep '"id"')
  left=$(printf '%s\n' "$out" | sed '1,/"id"/d')
}
obey :
matches 'an agent prepares its side and tells a public key' "$answer" \
  '"ok".*"key": *"[A-Za-z0-9+/]{43}="'
lacks '... at its end nothing of it is left: no interface' "$left" bench-wg
lacks '... no rule, no address' "$left" 10.229.77

obey 'ip tuntap add dev bench-wg0 mode tun; ip address add 10.229.77.1/30 dev bench-wg0
  ip link set bench-wg0 up; ip rule add from 10.229.77.1 pref 22977 unreachable
  ip tuntap add dev other-wg0 mode tun'
matches 'what a killed one left is removed first' "$answer" '"ok"'
lacks '... the interface' "$left" bench-wg
lacks '... the rules' "$left" 10.229.77
contains '... and nobody else'\''s' "$left" other-wg0

obey 'ip tuntap add dev vpn0 mode tun; ip address add 10.229.0.1/16 dev vpn0; ip link set vpn0 up'
contains 'a network that is in use is refused' "$answer" \
  "tunnel.network: 10.229.77.0/30 is not free on this host, there is a route '10.229.0.0/16"
contains '... with what to do' "$answer" 'choose another'
contains '... and left alone' "$left" '10.229.0.1/16'
obey 'ip tuntap add dev net0 mode tun; ip address add 192.0.2.9/24 dev net0; ip link set net0 up
  ip route add default via 192.0.2.1'
matches 'a default route is no obstacle' "$answer" '"ok"'

# wireguard-go has a port only when it has heard that its interface is up, a while after `ip`.
mkdir "$scratch/late"
cat >"$scratch/late/wg" <<END
#!/bin/sh
if [ "\$1 \$3" = 'show listen-port' ] && mkdir '$scratch/late/asked' 2>/dev/null; then
  echo 0
else
  exec '$(command -v wg)' "\$@"
fi
END
chmod +x "$scratch/late/wg"
obey "PATH='$scratch/late':\$PATH"
check 'the port of a tunnel that comes up late was asked for' test -d "$scratch/late/asked"
matches '... again, until there is one' "$answer" '"port": *[1-9]'

# ---- proofs ----

# shellcheck disable=SC2086 # several words
measure "$tiny" $lab --channels 'plain tunnel tunnel-mutual-tls' --quiet \
  --probes 'path transport delivery'
exits 'in a lab: all is measured' 0
is '... nothing is skipped' "$(rows "$folder/trials.csv" status | sort -u)" ok
is 'exactly these proofs were made' "$(rows "$folder/proofs.csv" proof channel=tunnel | sort)" \
  'accepted-after
accepted-before
bypass-refused
link-round-trip
outer-link-refused
wiretap-payload'
is '... and held' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
is 'beside the tunnel the connection is refused' \
  "$(rows "$folder/proofs.csv" observed,cause proof=bypass-refused | sort -u)" \
  'refused|tcp 111 connection refused'
is 'on the link below it no payload is readable' \
  "$(rows "$folder/proofs.csv" channel,observed proof=wiretap-payload | sort)" \
  'plain|visible
tunnel-mutual-tls|absent
tunnel|absent'
matches '... where its datagrams were seen, and a control' \
  "$(rows "$folder/proofs.csv" cause channel=tunnel proof=wiretap-payload)" \
  '^[1-9][0-9]* datagrams of the tunnel, and a control in clear$'
matches 'TLS inside it names the address in the tunnel' \
  "$(rows "$folder/proofs.csv" observed channel=tunnel-mutual-tls proof=negotiated-as-asked)" \
  TLSv1.3
check 'telemetry passes it' test \
  "$(rows "$folder/telemetry.csv" status channel=tunnel | grep -c delivered)" -gt 2
contains 'the resolved scenario names its settings' "$(cat "$folder/scenario.ini")" '10.229.77.0/30'
is 'no private key is written anywhere' \
  "$(grep -rliE 'private.?key' "$folder" --include='*.csv' --include='*.json' --include='*.log')" ''
is 'no interface is left' "$(ip -o link | cut -d : -f 2)" "$links"
check 'no process is left' is_rest_gone_soon

# ---- sabotage ----

mkdir "$scratch/bin"
broker=$(PATH=$PATH:/usr/local/sbin:/usr/sbin command -v mosquitto)
cat >"$scratch/bin/mosquitto" <<END
#!/bin/sh
# In the network of the broker's host. \$conf: its configuration; \$port; other: in that of client2.
conf=\$2
port=\$(sed -n 's/^listener \([0-9]*\) 10\.229\..*/\1/p' "\$conf")
other() {
  for pid in \$(grep -lz '/lab-b\$' /proc/[0-9]*/cmdline 2>/dev/null | cut -d / -f 3); do
    grep -qzxF "BENCH_TEST_ID=\$BENCH_TEST_ID" "/proc/\$pid/environ" &&
      nsenter --net --target "\$pid" "\$@" && return
  done
}
[ -z "\$port" ] || . '$scratch/sabotage'
exec '$broker' "\$@"
END
chmod +x "$scratch/bin/mosquitto"
path=$PATH
PATH=$scratch/bin:$PATH

sabotage() { # NAME 'PROOF...' <COMMANDS: the tunnel is void for exactly these proofs
  cat >"$scratch/sabotage"
  # shellcheck disable=SC2086 # several words
  measure "$tiny" $lab --channels 'plain tunnel' --quiet
  broken=$(rows "$folder/proofs.csv" channel,proof verdict=broken | sort | tr '\n' ' ')
  # shellcheck disable=SC2086 # a list
  is "$1: $2" "$status, $broken" "1, $(printf 'tunnel|%s ' $2)"
  is '... its trial is void' "$(rows "$folder/trials.csv" channel,status | sort)" 'plain|ok
tunnel|void'
}
sabotage 'the broker listens outside as well' bypass-refused <<'END'
echo "listener $port 192.0.2.1" >>"$conf"
END
sabotage 'it answers outside under its inner address' outer-link-refused <<'END'
ip -4 rule delete pref 22977
END
sabotage 'packets go past the tunnel' 'outer-link-refused wiretap-payload' <<'END'
ip -4 rule delete pref 22977
other ip route replace 10.229.77.1/32 via 192.0.2.1
END
is '... and were seen to' "$(rows "$folder/proofs.csv" observed channel=tunnel \
  proof=wiretap-payload)" visible
PATH=$path

# ---- ends by force ----

# shellcheck disable=SC2086 # several words
begin $lab --channels tunnel --set scenario.baseline=tunnel --set probe.path.duration=1min
await_process '.* worker path-client$' >"$scratch/pid"
for end in a b; do
  nsenter --net --target "$(find_process "[^ ]*bench agent --certs [^ ]*/lab-$end")" \
    ip -o link show bench-wg0 2>/dev/null | cut -d : -f 2
done >"$scratch/ends"
is 'both hosts have their end of it' "$(tr -d '\n' <"$scratch/ends")" ' bench-wg0 bench-wg0'
kill -KILL "$driver"
stop_waiting "$soon"
check 'the driver is killed: all of it ends' is_rest_gone_soon
is '... and no interface is left' "$(ip -o link | cut -d : -f 2)" "$links"

# shellcheck disable=SC2086 # several words
begin $lab --channels tunnel --set scenario.baseline=tunnel --set probe.path.duration=4s
await_process '.* worker path-client$' >"$scratch/pid"
kill -KILL "$(find_process '[^ ]*bench agent --certs [^ ]*/lab-a')"
stop_waiting 240
folder=$(find_run)
exits 'an agent is killed: its trial has failed' 1
is '... and is measured again, in a new tunnel' \
  "$(rows "$folder/trials.csv" attempt,status | sort)" '1|failed
2|ok'

if can_be_nobody && $nobody unshare --user --map-root-user --net test -w /dev/net/tun 2>/dev/null
then
  # shellcheck disable=SC2086 # several words
  run $nobody TMPDIR="$scratch/theirs" PATH=/usr/local/bin:/usr/bin:/bin "$bench" run "$tiny" \
    $lab --channels 'plain tunnel' --quiet --output "$scratch/theirs/lab" \
    --certs "$scratch/theirs/certs"
  exits 'an ordinary user'\''s lab' 0
  matches '... has a tunnel, too, or says why not' \
    "$(rows "$scratch"/theirs/lab/*/trials.csv status,reason channel=tunnel)" '^(ok\||skipped\|.+)'
fi
finish
