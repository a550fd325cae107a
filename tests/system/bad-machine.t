#!/bin/sh
# A machine on which the experiment cannot work, or not all of it: programs that are missing, a
# folder that cannot be written, a port that is taken, a broker that does not come up.
. "$(dirname "$0")/real.sh"

# nothing_made NAME: neither a run's folder nor a broker's.
nothing_made() {
  is "$1" "$(find "$results" 2>/dev/null)$(list_brokers)" ''
}

# without PROGRAM COMMAND...: as `run`, where the program is an empty file that cannot be executed.
# Root can do that in a mount namespace, others in a user namespace besides, where these may be.
case $(id -u) in
0) namespaces='unshare --mount' ;;
*) namespaces='unshare --user --map-root-user --mount' ;;
esac
: >"$scratch/nothing"
chmod 644 "$scratch/nothing"
without() {
  hidden=$(PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin command -v "$1")
  shift
  # shellcheck disable=SC2016,SC2086 # for the shell in the namespace; several words
  run $namespaces sh -c '
    mount --bind "$0" "$1" && shift && exec env PATH=/usr/local/bin:/usr/bin:/bin "$@"' \
    "$scratch/nothing" "$hidden" "$@"
}
# shellcheck disable=SC2086 # several words
can_hide() {
  $namespaces mount --bind "$scratch/nothing" "$(command -v "$1")" 2>/dev/null
}

measure "$tiny" --quiet
exits 'on this machine it works' 0
first=$folder

# ---- programs ----

if can_hide gnuplot; then
  results=$scratch/none
  # The launcher would speak of the package first; this is about the program itself.
  BENCH_ROOT=$root
  export BENCH_ROOT
  program=${BENCH_BUILD:-build}
  case $program in
  /*) program=$program/bench ;;
  *) program=$root/$program/bench ;;
  esac
  without mosquitto "$program" run "$tiny" --output "$results" --certs "$scratch/no-certs"
  exits 'mosquitto is missing' 3
  contains 'its package is named' "$err" 'apt-get install mosquitto'
  nothing_made 'nothing was made'
  check 'no certificates either' test ! -e "$scratch/no-certs"
  without mosquitto "$program" doctor
  exits 'doctor: mosquitto is missing' 3
  matches 'doctor names its package' "$out" \
    '^  program\.mosquitto +MISSING.*apt-get install mosquitto$'

  without gnuplot "$program" report "$first"
  exits 'gnuplot is missing: report' 3
  contains 'gnuplot'\''s package is named' "$err" 'apt-get install gnuplot-nox'
  contains 'the table is shown all the same' "$out" 'Mbit/s'
  for name in summary.csv table.txt table.md table.tex; do
    check "$name is there all the same" test -s "$first/$name"
  done
  without gnuplot "$program" run "$tiny" --quiet --output "$scratch/results.g" \
    --certs "$scratch/certs"
  exits 'gnuplot is missing: run does not need it' 0

  without mosquitto "$bench" run "$tiny" --output "$results"
  exits 'the launcher without mosquitto, which must not install' 3
  contains 'it prints the line to type' "$err" 'apt-get install'
  unset BENCH_ROOT
else
  skip 'programs that are missing' 'no mount namespace here'
fi

# ---- folders ----

printf 'a file\n' >"$scratch/file"
results=$scratch/file
run "$bench" run "$tiny" --output "$scratch/file" --certs "$scratch/certs"
exits 'the results folder is a file' 3
contains 'it is named' "$err" "$scratch/file"
is 'the file is as it was' "$(cat "$scratch/file")" 'a file'
run "$bench" run "$tiny" --output "$scratch/no/such/folder" --certs "$scratch/certs"
exits 'the results folder has no parent' 3
contains 'it is named' "$err" "$scratch/no/such/folder: No such file"
run "$bench" run "$tiny" --channels 'plain mutual-tls' --output "$scratch/none" \
  --certs "$scratch/file"
exits 'the folder of certificates is a file' 3
contains 'it is named' "$err" "$scratch/file"
if can_be_nobody; then
  mkdir -m 755 "$scratch/theirs"
  mkdir -m 777 "$scratch/temporary"
  chmod 644 "$tiny"
  # shellcheck disable=SC2086 # several words
  run $nobody TMPDIR="$scratch/temporary" "$bench" run "$tiny" --output "$scratch/theirs" \
    --certs "$scratch/temporary/certs"
  exits 'the results folder is another user'\''s' 3
  contains 'it is named' "$err" "$scratch/theirs/"
  contains 'with the reason' "$err" 'Permission denied'
  is 'nothing was made there' "$(ls -A "$scratch/theirs")" ''
  # shellcheck disable=SC2086 # several words
  run $nobody "$bench" report "$first"
  exits 'report of another user'\''s run' 3
  contains 'the folder is named' "$err" "$first: a report is written into the run's folder"
  is 'no broker'\''s folder stays' "$(ls -A "$scratch/temporary")" ''
else
  skip 'a results folder of another user' 'not root, or the sources cannot be read by others'
fi
if unshare --mount --map-root-user true 2>/dev/null; then
  mkdir "$scratch/readonly"
  # shellcheck disable=SC2016 # for the shell in the namespace
  run unshare --mount --map-root-user sh -c 'mount -t tmpfs -o ro none "$0" && exec "$@"' \
    "$scratch/readonly" "$bench" run "$tiny" --output "$scratch/readonly" --certs "$scratch/certs"
  exits 'the results folder is on a read-only file system' 3
  contains 'that is said' "$err" 'Read-only file system'
else
  skip 'a read-only file system' 'no user namespaces here'
fi
# On an overlay, as in a container, files can be of another device than their folder.
mkdir "$scratch/overlay"
cat >"$scratch/on-overlay" <<'END'
mount -t tmpfs none "$0" && mkdir "$0/lower" "$0/upper" "$0/work" "$0/all" &&
  mount -t tmpfs none "$0/lower" && mount -t overlay -o \
  "xino=off,lowerdir=$0/lower,upperdir=$0/upper,workdir=$0/work" none "$0/all" &&
  env TMPDIR="$0/all" "$@" && ls "$0/all" >&2
END
on_overlay=$(cat "$scratch/on-overlay")
# shellcheck disable=SC2086 # words
if $namespaces sh -c "$on_overlay" "$scratch/overlay" true 2>/dev/null; then
  run $namespaces sh -c "$on_overlay" "$scratch/overlay" "$bench" run "$tiny" --quiet \
    --output "$scratch/results.overlay" --certs "$scratch/certs"
  exits 'a run whose temporary files are on an overlay' 0
  is 'leaves none of them' "$err" ''
else
  skip 'temporary files on an overlay' 'no overlay can be mounted here'
fi
results=$scratch/none
run env TMPDIR="$scratch/nowhere" "$bench" run "$tiny" --output "$scratch/results.t" \
  --certs "$scratch/certs"
exits 'the folder for temporary files is not there' 3
contains 'it is named' "$err" "$scratch/nowhere"

# ---- ports ----

# A listener of ours that greets like a broker which has nothing to say: accepts, and is silent.
cat >"$scratch/listen.conf" <<'END'
listener 0 127.0.0.1
allow_anonymous true
persistence false
END
i=0
while [ "$i" -lt 20 ]; do # a free port, found by trying
  port=$((20000 + ($$ + i * 1009) % 12000))
  sed -i "s/^listener.*/listener $port 127.0.0.1/" "$scratch/listen.conf"
  [ "$(id -u)" != 0 ] || grep -q '^user' "$scratch/listen.conf" ||
    echo 'user root' >>"$scratch/listen.conf"
  PATH=$PATH:/usr/sbin mosquitto -c "$scratch/listen.conf" >"$scratch/listen.log" 2>&1 &
  listener=$!
  wait_for 60 grep -q 'running\|Error' "$scratch/listen.log"
  if grep -q running "$scratch/listen.log"; then
    break
  fi
  wait "$listener"
  i=$((i + 1))
done
connections=$(grep -c 'New connection' "$scratch/listen.log")
measure "$tiny" --set broker.port="$port"
exits 'the port is taken, by a broker even' 3
contains 'it is named, with the remedy' "$err" \
  "broker.port: $port is taken on 127.0.0.1; choose another, or 0 for a free one"
is 'no trial was measured against the stranger' "$(count "$folder/trials.csv")" 0
is 'it was not even spoken to' "$(grep -c 'New connection' "$scratch/listen.log")" "$connections"
is 'no broker'\''s folder stays' "$(list_brokers)" ''
check 'the stranger lives on' kill -0 "$listener"
kill "$listener"
wait "$listener" 2>/dev/null
measure "$tiny" --quiet --repetitions 2 --set broker.port="$port" --channels 'plain password'
exits 'the port is free again: all brokers come up on it' 0
is 'four trials' "$(count "$folder/trials.csv" status=ok)" 4
matches 'on that port' "$(cat "$folder"/log/*)" "listen socket on port $port"

measure "$tiny" --set hosts.address=192.0.2.1
exits 'an address that is none of this machine'\''s' 3
matches 'it is named' "$err" 'hosts\.address 192\.0\.2\.1 is no address of the broker.s host local'

# ---- a broker that does not come up ----

mkdir "$scratch/bin"
broker=$(PATH=$PATH:/usr/local/sbin:/usr/sbin command -v mosquitto)
cat >"$scratch/bin/mosquitto" <<END
#!/bin/sh
# The real one, but not with passwords (its settings are then nonsense).
! grep -q password_file "\$2" || echo 'nonsense true' >>"\$2"
exec "$broker" "\$@"
END
chmod +x "$scratch/bin/mosquitto"
PATH=$scratch/bin:$PATH
measure "$tiny" --channels 'plain password' --set scenario.order=sequential
exits 'one of two channels does not come up' 1
is 'its trials are failed, measured again, and failed again' \
  "$(rows "$folder/trials.csv" channel,attempt,status,throughput_mbit_s channel=password)" \
  'password|1|failed|
password|2|failed|'
matches 'with the reason' "$(rows "$folder/trials.csv" reason channel=password)" \
  'did not come up: .*broker ended.*nonsense'
is 'the other channel is measured' "$(rows "$folder/trials.csv" attempt,status channel=plain)" \
  '1|ok
2|ok'
run "$bench" report "$folder"
exits 'the report of that' 0
contains 'says that trials failed' "$out" failed
measure "$tiny" --channels 'password plain' --set scenario.order=sequential
exits 'the first of two channels does not come up: the run goes on' 1
is 'the other is measured' "$(rows "$folder/trials.csv" attempt,status channel=plain)" \
  '1|ok
2|ok'
measure "$tiny" --channels password
exits 'the only channel does not come up: the set-up cannot work' 3
matches 'with the reason' "$err" 'broker ended.*nonsense'
# shellcheck disable=SC2016 # for the program
sed -i '/password_file/d; s/^exec/[ "$1" = -h ] || exec sleep 60; &/' "$scratch/bin/mosquitto"
measure "$tiny"
exits 'a broker that never accepts' 3
contains 'is waited for, but not for ever' "$err" 'does not accept connections after 10 s'
printf 'no program\n' >"$scratch/bin/mosquitto"
measure "$tiny"
exits 'a broker that cannot be executed' 3
contains 'is named' "$err" "$scratch/bin/mosquitto"

is 'no broker'\''s folder stays at the end' "$(list_brokers)" ''
finish
