#!/bin/sh
# A meter's readings become joules of each trial, by the trapezoidal rule; a meter that says nothing
# or nonsense is refused before anything is measured, and one that ends amid a run costs the run
# nothing but its energy.
. "$(dirname "$0")/real.sh"

# meter NAME LINE...: a script; each LINE is shell.
meter() {
  path=$scratch/$1
  shift
  { printf '#!/bin/sh\n' && printf '%s\n' "$@"; } >"$path"
  chmod +x "$path"
}
of_meter() { # METRIC
  rows "$folder/metrics.csv" value,unit party=meter metric="$1"
}

# ---- a steady 2.5 W ----

meter steady 'while :; do echo 2.5; sleep 0.05; done'
measure "$tiny" --set hosts.meter="exec:$scratch/steady" --set probe.delivery.duration=400ms \
  --set scenario.probes='path delivery latency' --repetitions 2 \
  --set probe.latency.duration=100ms --set probe.latency.warmup=0s
exits 'with a meter: all is well' 0
is 'every trial has its energy' "$(of_meter energy | wc -l)" 6
is 'every trial has that of its messages or blocks' "$(of_meter energy_per_unit | wc -l)" 6
is 'the mean power is what the meter says' "$(of_meter power | sort -u)" '2.5|W'
# A trial takes what it was told to, or longer where the machine is busy.
is 'the energy of a trial is that power for its time' "$(rows "$folder/metrics.csv" \
  trial,value party=meter metric=energy | while IFS='|' read -r trial energy; do
  rows "$folder/trials.csv" duration_s trial="$trial" |
    awk -v e="$energy" '(e - 2.5 * $1) ^ 2 > (e * 0.01) ^ 2 { print e " J in " $1 " s" }'
done)" ''
per_message=$(rows "$folder/metrics.csv" value party=meter metric=energy_per_unit trial=2)
energy=$(rows "$folder/metrics.csv" value party=meter metric=energy trial=2)
is 'a message costs that by the messages of the measured time' "$(awk -v e="$energy" \
  -v m="$per_message" 'BEGIN { n = e / m; print (n > 1 && n - int(n + 0.5) < 0.01) }')" 1
check "the meter is ended with the run" is_rest_gone_soon
run "$bench" report "$folder"
exits 'it can be reported' 0
contains 'the page shows it' "$(cat "$folder/report.html")" 'mean power, W'
matches 'the summary has it' "$(rows "$folder/summary.csv" mean,unit metric=meter.all.power)" \
  '^2\.5\|W$'

# ---- without one ----

measure "$tiny"
exits 'without a meter: all is well' 0
is 'there is no energy' "$(of_meter energy)" ''
run "$bench" report "$folder"
lacks 'nor on the page' "$(cat "$folder/report.html")" 'id="energy"'

# ---- a meter that ends, falls silent, or talks nonsense later ----

meter ends 'echo 3'
measure "$tiny" --set hosts.meter="exec:$scratch/ends" --set probe.path.duration=5s
exits 'a meter that ends: all is well' 0
is '... but there is no energy' "$(of_meter energy)" ''
contains '... and a word of that' "$out" 'hosts.meter has given too few readings'
meter babbles 'while :; do echo 3; echo volts; sleep 0.1; done'
measure "$tiny" --set hosts.meter="exec:$scratch/babbles"
exits 'a meter that babbles in between: all is well' 0
is '... what it has told counts' "$(of_meter power)" '3|W'

# ---- what is refused ----

refused() { # NAME STATUS METER MESSAGE
  measure "$tiny" --set hosts.meter="$3"
  exits "$1: refused" "$2"
  contains '... in words' "$err" "$4"
  is '... before there is a run' "$folder" ''
}
refused 'no exec: in front' 2 "$scratch/steady" "is no meter; right would be exec:COMMAND"
refused 'no command' 2 'exec:' "is no meter; right would be exec:COMMAND"
refused 'a command that is not there' 3 "exec:$scratch/none" 'hosts.meter: exec:'
meter words 'echo Power is fine'
refused 'words' 3 "exec:$scratch/words" "said 'Power'; right would be a line a reading"
meter huge 'head -c 100000 /dev/zero | tr "\\0" 7; sleep 100'
refused 'a line without an end' 3 "exec:$scratch/huge" 'right would be a line a reading'
meter mute 'exit 4'
refused 'a command that ends without a word' 3 "exec:$scratch/mute" 'gave no reading'

finish
