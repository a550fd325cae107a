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

# ---- a Raspberry Pi 5's own ----

# What one said: https://github.com/jfikar/RPi5-power, README.md.
mkdir "$scratch/pi5"
cat >"$scratch/recording" <<'END'
 3V7_WL_SW_A current(0)=0.00000000A
   3V3_SYS_A current(1)=0.06245952A
   1V8_SYS_A current(2)=0.16102850A
  DDR_VDD2_A current(3)=0.00780744A
  DDR_VDDQ_A current(4)=0.00000000A
   1V1_SYS_A current(5)=0.17566740A
    0V8_SW_A current(6)=0.32791250A
  VDD_CORE_A current(7)=10.87674000A
   3V3_DAC_A current(17)=0.00036630A
   3V3_ADC_A current(18)=0.00042735A
   0V8_AON_A current(16)=0.00579975A
      HDMI_A current(22)=0.01367520A
 3V7_WL_SW_V volt(8)=3.79999600V
   3V3_SYS_V volt(9)=3.30632200V
   1V8_SYS_V volt(10)=1.79828900V
  DDR_VDD2_V volt(11)=1.10292900V
  DDR_VDDQ_V volt(12)=0.60476130V
   1V1_SYS_V volt(13)=1.10439400V
    0V8_SW_V volt(14)=0.80256330V
  VDD_CORE_V volt(15)=0.89745940V
   3V3_DAC_V volt(20)=3.30494200V
   3V3_ADC_V volt(21)=3.30219400V
   0V8_AON_V volt(19)=0.79736190V
      HDMI_V volt(23)=5.07056000V
     EXT5V_V volt(24)=5.06788000V
      BATT_V volt(25)=3.01110800V
END
printf '#!/bin/sh\n[ "$*" = pmic_read_adc ] && exec cat "%s"\nexit 1\n' "$scratch/recording" \
  >"$scratch/pi5/vcgencmd"
chmod +x "$scratch/pi5/vcgencmd"
path=$PATH
PATH=$scratch/pi5:$path
measure "$tiny" --set hosts.meter=pi5
exits 'with a Raspberry Pi 5: all is well' 0
# By other means, rail by rail: 10.7998944...
is 'the power is the sum over the rails' "$(of_meter power | sed 's/|/ /' |
  awk '{ printf "%.4f %s", $1, $2 }')" '10.7999 W'
check 'its meter is ended with the run' is_rest_gone_soon
printf '#!/bin/sh\necho "error=1 error_msg=unknown"\n' >"$scratch/pi5/vcgencmd"
measure "$tiny" --set hosts.meter=pi5
exits 'an older Raspberry Pi' 3
contains '... is said to be none' "$err" 'this is no Raspberry Pi 5'
contains '... in the words of vcgencmd' "$err" 'error=1 error_msg=unknown'
printf '#!/bin/sh\necho "Can'\''t open device file: /dev/vcio"\nexit 255\n' >"$scratch/pi5/vcgencmd"
measure "$tiny" --set hosts.meter=pi5
exits 'a login that may not ask' 3
contains '... is told so' "$err" "Can't open device file: /dev/vcio"
PATH=$path

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
