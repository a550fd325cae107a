#!/bin/sh
# What spoils a run from outside: another run on the same host, a clock that is set, rights and
# permissions that are not there. It is named as what it is, where one looks, with what helps.
. "$(dirname "$0")/real.sh"

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
finish
