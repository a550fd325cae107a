#!/bin/sh
# A run that is interrupted, by signals, by SIGKILL at random instants, by a power cut that leaves
# half a line, goes on with --resume: nothing committed is lost, nothing is counted twice.
#
#   BENCH_TEST_SEED=N   the instants of another run of this test, which prints its own
. "$(dirname "$0")/real.sh"
tables='trials metrics distributions intervals proofs telemetry blocks'

# interrupt N OPTION...: a run is interrupted when it has N trials.
interrupt() {
  interrupt_after=$1
  shift
  begin "$@"
  await_trials "$interrupt_after"
  kill -INT "$driver"
  stop_waiting "$soon"
}

resume() { # [OPTION...]
  run "$bench" run --resume "$folder" --certs "$scratch/certs" "$@"
}

# lose_half_lines: the folder as a power cut may leave it, every table with half a row at its end.
lose_half_lines() {
  for table in $tables; do
    half=$(tail -n 1 "$folder/$table.csv" | cut -c 1-7)
    printf '%s' "$half" >>"$folder/$table.csv"
  done
}

# keep WHERE: the whole lines of all tables.
keep() {
  rm -rf "$1"
  mkdir "$1"
  for table in $tables; do
    [ ! -e "$folder/$table.csv" ] ||
      LC_ALL=C awk 'NR > 1 { print line } { line = $0 }' "$folder/$table.csv" >"$1/$table"
    # The last line counts if its end is there.
    [ -z "$(tail -c 1 "$folder/$table.csv" 2>/dev/null)" ] && [ -s "$folder/$table.csv" ] &&
      tail -n 1 "$folder/$table.csv" >>"$1/$table"
  done
}

# lost WHERE: the tables that do not begin with what was kept there.
lost() {
  for table in $tables; do
    [ ! -e "$1/$table" ] ||
      cmp -s -n "$(wc -c <"$1/$table")" "$1/$table" "$folder/$table.csv" || echo "$table.csv"
  done
}

# gaps CHANNELS PROBES BLOCKS: blocks of which not exactly the last attempt is complete, and blocks
# that are not there.
gaps() {
  rows "$folder/trials.csv" block,attempt,trial | awk -F '|' -v whole=$(($1 * $2)) -v blocks="$3" '
    { n[$1, $2]++; if ($2 > last[$1]) last[$1] = $2 }
    END {
      for (block = 1; block <= blocks; block++)
        for (attempt = 1; attempt <= last[block] || attempt == 1; attempt++)
          if ((n[block, attempt] == whole) != (attempt == last[block]))
            print "block " block ", attempt " attempt ": " n[block, attempt] + 0 " trials"
    }'
}

# doubled: keys that stand twice in a table.
doubled() {
  rows "$folder/trials.csv" trial,attempt | sort | uniq -d
  rows "$folder/metrics.csv" trial,attempt,party,process,metric | sort | uniq -d
  rows "$folder/distributions.csv" trial,attempt,metric,upper_bound | sort | uniq -d
  rows "$folder/intervals.csv" trial,attempt,party,start_s | sort | uniq -d
  rows "$folder/proofs.csv" block,attempt,channel,proof | sort | uniq -d
  rows "$folder/telemetry.csv" block,attempt,channel,sequence,status | grep -v duplicate |
    sort | uniq -d
  # Channel after channel a block is measured in pieces, each with readings of its own.
  grep -q '^order = sequential' "$folder/scenario.ini" ||
    rows "$folder/blocks.csv" block,attempt,host,metric | sort | uniq -d
}

# ---- Ctrl-C, and what is said then ----

interrupt 3 --set scenario.channels='plain password' --repetitions 5
exits 'interrupted' 130
matches 'the way to go on is told' "$err" \
  "^bench: to go on with it: .*bench run --resume $folder --certs $scratch/certs\$"
keep "$scratch/kept"
# shellcheck disable=SC2046 # the words of the command
run sh -c "$(printf '%s\n' "$err" | sed -n 's/^bench: to go on with it: //p')"
exits 'that command goes on, to the end' 0
matches 'how much is there is told' "$out" '^resumed +[2468] of 10 trials are there; '
is 'no row is lost' "$(lost "$scratch/kept")" ''
is 'no key is there twice' "$(doubled)" ''
is 'every block is whole, in its last attempt' "$(gaps 2 1 5)" ''
check 'at most the block that was interrupted was measured again' test \
  "$(rows "$folder/trials.csv" block attempt=2 | sort -u | wc -l)" -le 1
is 'the resumption is in environment.json' \
  "$(grep -cE '"(started_utc|commit)"' "$folder/environment.json")" \
  "$(($(grep -c '"commit"' "$folder/environment.json") + 2))"

cp -r "$folder" "$scratch/complete"
resume
exits 'a complete run: all is well' 0
is 'that is said, and nothing else' "$out$err" \
  "$folder is complete: nothing is left to measure"
is 'nothing is changed' "$(diff -r "$folder" "$scratch/complete")" ''
run "$bench" all --resume "$folder" --certs "$scratch/certs"
contains 'all --resume reports' "$out" 'path - raw TCP beside the live channel'
check 'with its files' test -s "$folder/summary.csv"

# ---- what does not go with it ----

# refused NAME WORDS [OPTION...]: --resume of $folder with these options, and nothing is changed.
refused() {
  refused_name=$1 refused_words=$2
  shift 2
  rm -rf "$scratch/before"
  cp -r "$folder" "$scratch/before"
  run "$bench" run --resume "$folder" --certs "$scratch/certs" "$@"
  exits "$refused_name: is refused" 2
  contains '... that is said' "$err" "$refused_words"
  is '... and nothing is changed' "$(diff -r "$folder" "$scratch/before")" ''
}

interrupt 3 --repetitions 8
refused 'a SCENARIO' '--resume takes no SCENARIO' "$tiny"
refused 'another seed' 'does not go with --seed' --seed 3
refused 'other channels' 'does not go with --channels' --channels plain
refused 'a setting' 'does not go with --set' --set telemetry.interval=1s
refused 'another folder' 'does not go with --output' --output "$scratch/other"
run "$bench" check --resume "$folder"
exits 'check has no --resume' 2
run "$bench" run --resume "$scratch"
exits 'a folder that is no run' 2
contains '... is called one' "$err" "environment.json is missing"

cp -r "$folder" "$scratch/interrupted"
# tampered NAME WORDS FILE SED: with a file of the run edited.
tampered() {
  rm -rf "$folder"
  cp -r "$scratch/interrupted" "$folder"
  sed -i -e "$4" "$folder/$3"
  refused "$1" "$2"
}
tampered 'a changed seed' 'scenario.ini is not the scenario that the run began with' \
  scenario.ini 's/^seed = .*/seed = 7/'
tampered 'a longer probe' 'scenario.ini is not the scenario that the run began with' \
  scenario.ini 's/^duration = 100ms/duration = 200ms/'
tampered 'another plan' 'this program plans other trials' \
  environment.json 's/"plan_sha256": "./&f/'
tampered 'a trial of another channel' 'trials.csv:2: channel: '\''other'\'' is not as planned' \
  trials.csv '2s/plain/other/'
tampered 'a run of an older program' 'has no scenario_sha256' \
  environment.json 's/scenario_sha256/scenario/'
rm -rf "$folder"
cp -r "$scratch/interrupted" "$folder"
rm "$folder/metrics.csv"
refused 'a record with a table missing' 'metrics.csv is missing'

begin --repetitions 200
await_trials 1
run "$bench" run --resume "$folder" --certs "$scratch/certs"
exits 'a run that is going on: a second driver is refused' 2
contains '... that is said' "$err" 'another bench is measuring into it'
kill -INT "$driver"
stop_waiting "$soon"
exits '... and the first is not disturbed' 130

# ---- a power cut ----

folder=$scratch/interrupted
keep "$scratch/kept"
lose_half_lines
resume --quiet
exits 'half a line at the end of each table: the run goes on' 0
is '... no whole row is lost' "$(lost "$scratch/kept")" ''
is '... no key is there twice' "$(doubled)" ''
is '... every block is whole' "$(gaps 1 1 8)" ''
run "$bench" report "$folder"
exits '... and it can be reported' 0
lacks '... no line is half' "$err" 'half written'

# ---- blocks with a failed trial ----

begin --set scenario.channels='plain password' --repetitions 3 --set probe.path.duration=2500ms
broker=$(await_process '[^ ]*/mosquitto -c ')
await_process '.* worker path-client$' >"$scratch/worker"
kill -KILL "$broker"
await_trials 3
kill -INT "$driver"
stop_waiting "$soon"
exits 'a broker dies in block 1, the run is interrupted in block 2' 130
keep "$scratch/kept"
resume
exits 'resumed: it ends as one with a failed trial' 1
contains '... as one is told' "$err" 'trials: 1 failed, 0 void'
contains '... first the rest of the plan' "$out" '2 are measured once more after a failure'
is '... no row is lost' "$(lost "$scratch/kept")" ''
is '... first the interrupted block, then the missing one, then the failed one once more' \
  "$(rows "$folder/trials.csv" block,attempt | uniq | tr '\n' ' ')" '1|1 2|1 2|2 3|1 1|2 '
rm -rf "$scratch/before"
cp -r "$folder" "$scratch/before"
resume
exits '... which is not measured a third time' 1
contains '... the run is complete' "$out" 'is complete'
is '... and nothing was changed' "$(diff -r "$folder" "$scratch/before")" ''

# ---- the paper's order ----

interrupt 5 --set scenario.channels='plain password' --set scenario.order=sequential \
  --repetitions 6
keep "$scratch/kept"
resume
exits 'sequential: the run goes on' 0
is '... no row is lost' "$(lost "$scratch/kept")" ''
is '... no key is there twice' "$(doubled)" ''
is '... of every channel and block there is one' "$(rows "$folder/trials.csv" channel,block |
  sort -u | wc -l)" 12
check '... at most one block was measured again' test \
  "$(rows "$folder/trials.csv" block attempt=2 | sort -u | wc -l)" -le 1
is '... and that whole' "$(rows "$folder/trials.csv" channel attempt=2 | sort | tr '\n' ' ')" \
  "$([ "$(count "$folder/trials.csv" attempt=2)" -eq 0 ] || echo 'password plain ')"
run "$bench" report "$folder"
exits '... it can be reported' 0
is '... with all trials' "$(rows "$folder/summary.csv" trials metric=throughput | sort -u)" 6

# ---- killed again and again: two hosts, where a lab can be made ----

lab=''
if has_command tc && unshare --user --map-root-user --net true 2>/dev/null; then
  lab='--broker-host lab:a --publisher-host lab:b --set hosts.address='
else
  skip 'on a lab' 'no network namespace for an ordinary user here'
fi
seed=${BENCH_TEST_SEED:-$(date +%s)}
instants=$(awk -v seed="$seed" 'BEGIN {
  srand(seed)
  for (i = 0; i < 20; i++) printf "%.3f ", 0.1 + 0.8 * rand()
}')
diag "BENCH_TEST_SEED=$seed: $instants"
kills=0 losses='' folder=''
for instant in $instants; do
  if [ -z "$folder" ]; then
    # shellcheck disable=SC2086 # several words
    begin --set scenario.channels='plain password' --set scenario.probes='path delivery' \
      --repetitions 20 $lab
    await_trials 1
  else
    start setsid "$bench" run --resume "$folder" --certs "$scratch/certs"
  fi
  sleep "$instant"
  kill -KILL "$driver"
  stop_waiting "$soon"
  [ "$status" -ne 137 ] || kills=$((kills + 1))
  losses=$losses$([ "$kills" -lt 2 ] || lost "$scratch/kept")
  keep "$scratch/kept"
done
is "a run${lab:+ on a lab} is killed at 20 random instants, and resumed each time" "$kills" 20
diag "committed then: $(count "$folder/trials.csv") trials of 80"
resume --quiet
exits 'then it is resumed to its end' 0
is 'no row was ever lost' "$losses$(lost "$scratch/kept")" ''
is 'no key is there twice' "$(doubled)" ''
is 'every block is whole, in its last attempt' "$(gaps 2 2 20)" ''
is 'what was measured is ok' "$(rows "$folder/trials.csv" status | sort -u)" ok
run "$bench" report "$folder"
exits 'it can be reported' 0
is 'with every trial' "$(rows "$folder/summary.csv" trials metric=throughput | sort -u)" 20
check 'nothing goes on' is_rest_gone_soon
is 'no broker'\''s folder stays' "$(list_brokers)" ''

finish
