#!/bin/sh
# repetitions = until: a run goes on until the comparison with the baseline is as precise as that,
# between a smallest and a largest number of blocks; also when it is killed in between and resumed.
. "$(dirname "$0")/real.sh"

# The real program, trials as short as they may be: any interval of 6 blocks is narrower than the
# generous precision, none is ever as narrow as the other.
generous='until 1000%' impossible='until 0.0001%'
sed -i -e 's/^channels = .*/channels = plain plain-again/' -e 's/^repetitions = .*/&\
repetitions_min = 6\
repetitions_max = 9/' "$tiny"

blocks() { # numbers and attempts of those in trials.csv, in this order
  rows "$folder/trials.csv" block,attempt | uniq | tr '\n' ' '
}

# ---- how it ends ----

measure "$tiny" --repetitions "$generous"
exits 'a generous precision: all is well' 0
contains 'the plan is the largest number of trials' "$out" ': at most 18 trials, '
contains 'the start tells how many blocks a verdict takes' "$out" \
  'verdicts equivalent takes 6 complete blocks, slower and faster 6 (1 comparison of a probe'
is 'it ends with the smallest number of blocks' "$(blocks)" '1|1 2|1 3|1 4|1 5|1 6|1 '
matches 'why, is said' "$out" \
  '^enough   every interval is narrower than 1000 % after 6 blocks \(widest [0-9.]+ %\)$'
matches 'scenario.ini has the rule, not the number' "$(cat "$folder/scenario.ini")" \
  "^repetitions = $generous\$"
run "$bench" run --resume "$folder" --certs "$scratch/certs"
exits 'it is complete' 0
is '... and nothing else is to say' "$out$err" \
  "$folder is complete: nothing is left to measure"
run "$bench" report "$folder"
exits 'it can be reported' 0
contains '... as whole' "$(rows "$folder/summary.csv" trials metric=throughput)" 6
lacks '... nothing of it is missing' "$out$err" 'planned'

measure "$tiny" --repetitions "$impossible"
exits 'an impossible precision: all is well' 0
is 'it ends with the largest number of blocks' "$(blocks)" \
  '1|1 2|1 3|1 4|1 5|1 6|1 7|1 8|1 9|1 '
matches 'that it was not reached, is said' "$out" \
  '^limit    after 9 blocks the widest interval is [0-9.]+ %, not narrower than 0.0001 %$'
run "$bench" run --resume "$folder" --certs "$scratch/certs"
contains 'it is complete all the same' "$out" 'is complete: nothing is left to measure'

measure "$tiny" --quiet --repetitions "$generous"
matches '--quiet says the next step alone' "$(printf '%s' "$out$err" | tr '\n' '|')" \
  '^next     [^|]*$'
measure "$tiny" --repetitions 2
lacks 'a fixed number: nothing is said of a precision' "$out" 'interval'
is '... it is that number' "$(blocks)" '1|1 2|1 '

# ---- killed and resumed ----

# go_on_after N SIGNAL PRECISION [OPTION...]: a run is ended by the signal when it has N trials, and
# goes on.
go_on_after() {
  go_on_trials=$1 go_on_signal=$2 go_on_precision=$3
  shift 3
  begin --repetitions "$go_on_precision" "$@"
  await_trials "$go_on_trials"
  kill -"$go_on_signal" "$driver"
  stop_waiting "$soon"
  check 'nothing of it is left' is_rest_gone_soon
  run "$bench" run --resume "$folder" --certs "$scratch/certs"
}

# once: every block is there once, but for the one that was interrupted, as its second attempt.
once() { # BLOCKS
  rows "$folder/trials.csv" block,attempt | sort | uniq -c | awk -v blocks="$1" '
    { split($2, id, "|"); if ($1 == 2) whole[id[1]]++; else if (id[2] == 1) cut++ }
    END {
      for (block = 1; block <= blocks; block++) if (whole[block] == 1) n++
      print n + 0, cut + 0 <= 1 ? "" : "cut: " cut
    }'
}

go_on_after 5 KILL "$generous"
exits 'killed before the smallest number: it goes on' 0
matches '... what is there is told' "$out" '^resumed  [0-9]+ of at most 18 trials are there; '
is '... to the same end' "$(once 6)" '6 '
is '... and no further' "$(rows "$folder/trials.csv" block | sort -un | tail -n 1)" 6
matches '... for the same reason' "$out" '^enough   every .* after 6 blocks '

go_on_after 14 INT "$impossible" --set scenario.repetitions_max=12
exits 'interrupted behind the smallest number: it goes on' 0
is '... to the largest' "$(once 12)" '12 '
matches '... which is said' "$out" '^limit    after 12 blocks '

# As if it had been killed when one block was missing, of which a row is there already.
measure "$tiny" --quiet --repetitions "$generous"
sed -i -e '/^[0-9]*,[0-9]*,6,/d' "$folder/trials.csv"
run "$bench" run --resume "$folder" --certs "$scratch/certs"
is 'one block less than is enough: that one is measured, and no other' "$(blocks)" \
  '1|1 2|1 3|1 4|1 5|1 6|2 '

# Of a channel that is void, a block that is measured has no value: two values are no six.
measure "$tiny" --quiet --repetitions "$generous"
sed -i -e '/,plain-again,/s/,[^,]*,[^,]*,[^,]*,ok,/,,,,void,/' "$folder/trials.csv"
run "$bench" run --resume "$folder" --certs "$scratch/certs"
exits 'a void channel: not all is well' 1
is '... values that are missing do not count as measured' "$(rows "$folder/trials.csv" block |
  sort -un | tail -n 1)" 9
matches '... which is said' "$out" \
  '^limit    after 9 blocks some channel has too few values for an interval that counts$'

# ---- a failed trial ----

# Where a terminal can be had, on one: the picture shows how many trials there are.
if has_command script; then
  measured=$((measured + 1))
  results=$scratch/results.$measured
  start setsid env TERM=xterm SHELL=/bin/sh script -qec "stty cols 100 rows 30; '$bench' run \
    '$tiny' --output '$results' --certs '$scratch/certs' --repetitions '$generous' \
    --set probe.path.duration=1s" "$scratch/typescript"
else
  begin --repetitions "$generous" --set probe.path.duration=1s
fi
kill -KILL "$(await_process '.* worker path-server$')"
stop_waiting 240
folder=$(find_run)
has_command script && tr -d '\r' <"$scratch/typescript" >"$scratch/.out"
exits 'a trial fails' 1
# (Block 1, as a rule; where the machine is busy and the blow came late, another.)
is '... its block is measured again when there are enough without it' "$(blocks)" \
  "1|1 2|1 3|1 4|1 5|1 6|1 7|1 $(rows "$folder/trials.csv" block status=failed)|2 "
matches '... and these are counted' "$(cat "$scratch/.out")" 'enough   every .* after 7 blocks '
if has_command script; then
  matches '... at first all are expected that there can be' "$(cat "$scratch/.out")" '\] 0/18  '
  matches '... at last those that there were: 7 blocks, and one again' \
    "$(cat "$scratch/.out")" '\[########################\] 16/16, 1 failed  finished'
else
  skip '... how many trials the picture counts' 'script is not installed'
fi

# ---- what is refused ----

refused() { # NAME WORDS OPTION...
  refused_name=$1 refused_words=$2
  shift 2
  run "$bench" run "$tiny" --output "$scratch/none" --certs "$scratch/certs" "$@"
  exits "$refused_name: refused" 2
  contains '... that is said' "$err" "$refused_words"
}

refused 'sequential order' \
  "--repetitions: 'until 1%' needs order = shuffled, where block after block is complete" \
  --repetitions 'until 1%' --set scenario.order=sequential
refused 'a baseline alone' \
  "--repetitions: 'until 1%' needs a channel to compare with the baseline, plain" \
  --repetitions 'until 1%' --channels plain
refused 'more at least than at most' \
  'repetitions_min: at least 10 blocks (repetitions_min) are more than at most 9' \
  --repetitions 'until 1%' --set scenario.repetitions_min=10
refused 'no precision' "--repetitions: 'until' lacks a precision; write, say, until 1%" \
  --repetitions until
refused 'no percentage' "--repetitions: '1' lacks a unit (%)" --repetitions 'until 1'
refused 'too few blocks for a verdict' "'5' is out of bounds" --set scenario.repetitions_min=5
check 'nothing was made' test ! -e "$scratch/none"

# ---- what check says ----

run "$bench" check "$tiny" --repetitions 'until 1%'
exits 'check' 0
contains 'says when it ends' "$out" \
  'until every interval of the comparison with plain is narrower than 1 %'
contains '... and between which bounds' "$out" \
  'at least 6, at most 9 blocks x 2 channels x 1 probe = 12 to 18 trials'

finish
