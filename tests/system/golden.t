#!/bin/sh
# What bench computes and says of recorded runs is what it did when they were recorded: numbers,
# tables, sentences, exit status, several runs side by side; and what it lists and plans.
#
#   tests/golden/runs/*.tgz    raw files of real runs, made before there was a `# format` line:
#                  varied      [vary] of a channel and a probe, published values, both controls
#                  until       repetitions = until 60%: ended after 13 blocks
#                  operations  connect, latency and delivery of 30 B, with a meter
#                  faults      failed, void and skipped trials, blocks measured again
#                  failed      the same before the block was measured again
#                  cut         interrupted amid a block
#   tests/golden/RUN/          what is made of them, and of results/example*; RUN.tgz: the same
#   tests/golden/scenarios, mechanisms     see scenarios.t
#   tests/golden/*.txt         what list and check print
#
# Words are compared but for how they are wrapped, numbers but for the ninth digit. With --update
# tests/golden becomes what is computed today: see golden.sh.
. "$(dirname "$0")/lib.sh"
update=${1-}
. "$(dirname "$0")/golden.sh"
need_command gnuplot python3
export BENCH_NO_INSTALL=1

# ---- recorded runs ----

look_at() { # RUN: after `bench report`
  for name in summary comparisons ladder table findings; do
    same "$1: $name.csv" csv "$1/$name.csv" "$scratch/runs/$1/$name.csv"
  done
  for format in txt md tex; do
    same "... table.$format" words "$1/table.$format" "$scratch/runs/$1/table.$format"
  done
}

side_by_side() { # RUN...: reports them together
  together=$(printf '%s-' "$@")
  (cd "$scratch/runs" && "$bench" report "$@") >"$scratch/.out" 2>"$scratch/.err"
  printf '%s: exit status %d\n' "$*" $? >>"$scratch/status"
  out=$(cat "$scratch/.out") err=$(cat "$scratch/.err") status=0
  for run in "$@"; do
    look_at "$run"
  done
  find "$scratch/runs" -name runs.csv >"$scratch/tables"
  is "$*: one table side by side" "$(wc -l <"$scratch/tables")" 1
  same '... its figures' csv "side-by-side/${together%-}.csv" "$(cat "$scratch/tables")"
  rm "$(cat "$scratch/tables")"
}

mkdir "$scratch/runs"
for archive in "$golden"/runs/*.tgz "$root"/results/example-mechanisms.tgz; do
  tar -xzf "$archive" -C "$scratch/runs"
done
cp -r "$root/results/example" "$scratch/runs"
for name in summary.csv comparisons.csv ladder.csv table.txt table.md table.tex report.html \
  findings.csv table.csv; do
  rm -f "$scratch/runs"/*/"$name"
done
: >"$scratch/status"
side_by_side example varied until
side_by_side operations example-mechanisms
side_by_side faults failed cut
same 'exit status of the reports' words status.txt "$scratch/status"

# ---- what there is, and what would be measured ----

if [ -e "$root/scenarios/hosts.ini" ]; then
  skip 'list and check' 'scenarios/hosts.ini changes what they print'
else
  for kind in '' scenarios channels mechanisms probes settings metrics; do
    # shellcheck disable=SC2086 # without a kind there is no word
    "$bench" list $kind
  done >"$scratch/list" 2>&1
  same 'list' words list.txt "$scratch/list"
  for file in "$root"/scenarios/*.ini; do
    "$bench" check "$(basename "$file" .ini)"
  done 2>&1 | grep -v ' cannot be had: ' >"$scratch/check" # which depends on this host's OpenSSL
  same 'check of every scenario' words check.txt "$scratch/check"
  for seed in 1 2022 4294967295; do
    "$bench" check paper --set scenario.seed=$seed
    "$bench" check quick --set scenario.seed=$seed
  done 2>&1 | grep "first bring" >"$scratch/orders"
  same 'the order of trials, by seed' words orders.txt "$scratch/orders"
fi

pack_again example-mechanisms
finish
