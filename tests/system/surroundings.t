#!/bin/sh
# What spoils a run from outside: another run on the same host, a clock that is set, rights and
# permissions that are not there. It is named as what it is, where one looks, with what helps.
. "$(dirname "$0")/real.sh"

case ${BENCH_BUILD:-build} in
/*) spoilt=$BENCH_BUILD/tests/spoilt-machine.so ;;
*) spoilt=$root/${BENCH_BUILD:-build}/tests/spoilt-machine.so ;;
esac
said='another run measures on this host at the same time'

# told_of NAME: the report of $folder has it among its findings, for terminal and page.
told_of() {
  run "$bench" report "$folder"
  matches "$1: the terminal" "$(echo "$out" | tr -s '\n ' ' ')" "$2"
  matches "$1: the page" "$(tr -s '\n ' ' ' <"$folder/report.html")" "$2"
}

# ---- two runs at once ----

measure "$tiny" --quiet
exits 'a run by itself' 0
lacks '... is told of no other' "$out$err" 'another run'
is '... and there was none' \
  "$(rows "$folder/blocks.csv" before,after,unit metric=other_runs)" '0|0|runs'

results=$scratch/first
setsid "$bench" run "$tiny" --repetitions 200 --set probe.path.duration=300ms --output "$results" \
  --certs "$scratch/certs" >"$scratch/said" 2>&1 &
driver=$!
await_trials 1
measure "$tiny"
exits 'a second run begins' 0
contains '... and is told at once' "$out$err" "local: $said"
is '... as its record is' "$(rows "$folder/blocks.csv" before,after metric=other_runs)" '1|1'
told_of '... and its report' 'block 1, local: another run measured on this host'
if unshare --user --map-root-user --net true 2>/dev/null || [ "$(id -u)" = 0 ]; then
  measure "$tiny" --broker-host lab:a --publisher-host lab:b --set hosts.address=
  exits 'a third, in network namespaces of its own' 0
  contains '... is told, too' "$out$err" "lab:b: $said"
  lab=yes
else
  lab=no
  skip 'a third, in network namespaces of its own' 'no network namespaces here'
fi
if can_be_nobody; then
  mkdir -m 777 "$scratch/theirs"
  chmod 644 "$tiny"
  # shellcheck disable=SC2086 # several words
  run $nobody TMPDIR="$scratch/theirs" "$bench" run "$tiny" --output "$scratch/theirs/results" \
    --certs "$scratch/theirs/certs"
  exits 'one of another user' 0
  contains '... is told, too' "$out$err" "local: $said"
else
  skip 'one of another user' 'not root, or the sources cannot be read by others'
fi
run env BENCH_LOCKS="$scratch/nowhere" "$bench" run "$tiny" --output "$scratch/results.unlocked" \
  --certs "$scratch/certs"
exits 'one that can hold no lock: it runs all the same' 0
results=$scratch/results.unlocked
is '... and knows nothing of others' \
  "$(rows "$(find_run)/blocks.csv" before metric=other_runs)" ''
check 'the first is told at once when the second has begun' \
  wait_for 60 grep -q "local: $said" "$scratch/said"
kill -INT "$driver"
stop_waiting 60
results=$scratch/first
folder=$(find_run)
exits '... and is ended' 130
is '... whose block is on record, as are those before' \
  "$(rows "$folder/blocks.csv" before,after metric=other_runs | grep -xE '0\|[01]' | sort -u)" '0|0
0|1'
told_of '... and its report' 'blocks? [0-9, -]+, local: another run measured on this host'
if [ "$lab" = yes ]; then
  measure "$tiny" --broker-host lab:a --publisher-host lab:b --set hosts.address=
  lacks 'the two hosts of one run are no others to each other' "$out$err" "$said"
fi
# ---- a clock that is set ----

results=$scratch/set
setsid env LD_PRELOAD="$spoilt" ASAN_OPTIONS=verify_asan_link_order=0 \
  SPOILT_CLOCK="$scratch/ahead" "$bench" run "$tiny" --channels 'plain mutual-tls' \
  --repetitions 4 --set scenario.order=shuffled --set probe.path.duration=1s \
  --output "$results" --certs "$scratch/certs" >"$scratch/said" 2>&1 &
driver=$!
await_trials 3
echo 100000000 >"$scratch/ahead" # Mosquitto 2.0.21 dies after 2038
check 'the clock is set amid a run: that is said at once' wait_for 60 \
  grep -qE 'local: the clock was set 1157 days ahead: .*timedatectl' "$scratch/said"
stop_waiting 120
folder=$(find_run)
exits '... trials are void for it' 1
matches '... of the channel with certificates' \
  "$(rows "$folder/trials.csv" channel,reason status=void)" '^mutual-tls\|.*expired'
# Mosquitto 2.0.21 counts keep-alives by that clock, too, and ends the connections of that moment:
# one trial fails for that alone, and is made again.
is '... and of no other' "$(rows "$folder/trials.csv" status,reason channel=plain |
  sed 's/|telemetry-[a-z]*: MQTT connection lost: .*/|the connection of that moment/' |
  LC_ALL=C sort | uniq -c | awk '!($1 == 1 && /failed\|the connection of that moment$/) {
    sub(/^ *[0-9]+ /, ""); print }')" 'ok|'
is '... each is measured' "$(rows "$folder/trials.csv" trial channel=plain status=ok | sort -u |
  wc -l)" 4
told_of '... and its report' \
  'blocks? [0-9, -]+, local: the clock was set 1157 days ahead: certificates and tokens'
start env LD_PRELOAD="$spoilt" ASAN_OPTIONS=verify_asan_link_order=0 \
  SPOILT_CLOCK="$scratch/ahead" "$bench" run "$tiny" --repetitions 3 \
  --set probe.path.duration=1s --output "$scratch/back" --certs "$scratch/certs"
results=$scratch/back
await_trials 1
rm "$scratch/ahead"
stop_waiting 120
exits 'it is set back where nothing depends on it: nothing fails' 0
folder=$(find_run)
told_of '... but it is told' 'local: the clock was set 1157 days back:'

# ---- private files that others can read ----

run env LD_PRELOAD="$spoilt" ASAN_OPTIONS=verify_asan_link_order=0 \
  SPOILT_FOLDER="$scratch/vfat" "$bench" run "$tiny" --channels 'plain mutual-tls' \
  --output "$scratch/results.vfat" --certs "$scratch/vfat"
exits 'certificates on a file system without permissions' 3
matches '... are refused, with what helps' "$err" \
  "$scratch/vfat/.*: others could read it: this file system keeps no permissions .*--certs"
is '... and no key is left there' \
  "$(find "$scratch/vfat" -name '*.key' -o -name 'passphrase*' -o -name '*.draft')" ''
run env LD_PRELOAD="$spoilt" ASAN_OPTIONS=verify_asan_link_order=0 SPOILT_FOLDER="$TMPDIR" \
  "$bench" run "$tiny" --output "$scratch/results.temporary" --certs "$scratch/certs"
exits 'temporary files on such a one' 3
matches '... are refused, with what helps' "$err" \
  "$TMPDIR/bench-.*: others could read it: .*set TMPDIR"
is '... and nothing is left there' "$(ls -A "$TMPDIR")" ''
if can_be_nobody; then
  rm -rf "$scratch/theirs/certs"
  run "$bench" certs --certs "$scratch/theirs/certs"
  # shellcheck disable=SC2086 # several words
  run $nobody TMPDIR="$scratch/theirs" "$bench" run "$tiny" --channels 'plain mutual-tls' \
    --output "$scratch/theirs/results" --certs "$scratch/theirs/certs"
  exits 'certificates that sudo has left' 3
  matches '... are named, with what helps' "$err" \
    "theirs/certs/lock: Permission denied; $scratch/theirs/certs is root's, .* chown -R"
  $nobody "$bench" certs --certs "$scratch/theirs/own" >/dev/null
  chown -R root "$scratch/theirs/own/broker"
  # shellcheck disable=SC2086 # several words
  run $nobody TMPDIR="$scratch/theirs" "$bench" run "$tiny" --channels 'plain mutual-tls' \
    --output "$scratch/theirs/results" --certs "$scratch/theirs/own"
  exits 'one folder of them' 3
  matches '... is named, too' "$err" \
    "own/broker/broker.key: .*; $scratch/theirs/own/broker is root's"
else
  skip 'certificates that sudo has left' 'not root, or the sources cannot be read by others'
fi

# ---- root without its capabilities, as in a container ----

if unshare --net setpriv --bounding-set -sys_admin true 2>/dev/null; then
  for missing in net_admin sys_admin; do
    run setpriv --bounding-set "-$missing" --inh-caps "-$missing" "$bench" run "$tiny" \
      --broker-host lab:a --publisher-host lab:b --set hosts.address= \
      --output "$scratch/results.lab" --certs "$scratch/certs"
    exits "a lab without $missing" 3
    contains '... says which capability it is, and how a container gets it' "$err" \
      "root lacks CAP_$(echo "$missing" | tr '[:lower:]' '[:upper:]') here"
    contains '... as Docker does' "$err" "--cap-add"
    lacks '... and nothing about ordinary users' "$err" 'ordinary user'
  done
else
  skip 'a lab without capabilities' 'not root here'
fi
finish
