#!/bin/sh
# ./bench estimate: its numbers are those that Python makes of the raw files by the formulas of
# src/analysis/estimate.h; what it prints, the figure and the page are made of estimate.csv; what it
# cannot do it says in words.
. "$(dirname "$0")/real.sh"
need_command gnuplot python3
made=$root/tests/system/made-fleet
cd "$scratch" || exit

"$made" run
run "$bench" report run
exits 'a run of hold, storm and fleet' 0

# ---- numbers, from metrics.csv by other means ----

# expected DEVICES INTERVAL_S RECONNECTS_S CORES BYTES SHARE: "channel|quantity|value|low|high".
expected() {
  python3 - "$@" <<'PYTHON'
import csv, math, statistics, sys

devices, interval, reconnects, machine_cores, machine_bytes, share = map(float, sys.argv[1:])
T4 = 2.7764451051977987  # R: qt(.975, 4)
channel_of, values = {}, {}
for row in csv.DictReader(open("run/trials.csv")):
    channel_of[row["trial"]] = row["channel"]
for row in csv.DictReader(open("run/metrics.csv")):
    key = channel_of[row["trial"]], row["metric"]
    values.setdefault(key, []).append(float(row["value"]))

def cost(metric, scale=1):
    some = values[channel, metric]
    half = T4 * statistics.stdev(some) / math.sqrt(len(some))
    return statistics.mean(some) * scale, half * scale

def total(*parts):
    value = sum(factor * mean for factor, (mean, _) in parts)
    half = math.sqrt(sum((factor * half) ** 2 for factor, (_, half) in parts))
    return value, value - half, value + half

for channel in dict.fromkeys(channel_of.values()):
    tau = cost("clients_up")[0] / cost("published_rate")[0]
    messages = devices / interval
    held = devices - messages * tau
    cores = [it / share for it in total(
        (messages, cost("broker_cpu_per_message", 1e-6)),
        (devices * reconnects, cost("connect_cpu", 1e-6)),
        (held, cost("keepalive_cpu_per_hour", 1 / 3600)),
    )]
    brokers = [max(math.ceil(it), 1) for it in cores]
    memory = total((devices, cost("memory_per_connection")))
    machines = [max(math.ceil(b / machine_cores), math.ceil(m / machine_bytes))
                for b, m in zip(brokers, memory)]
    bandwidth = [it * 8 / 1e6 for it in total(
        (messages, cost("message_bytes")),
        (devices * reconnects, cost("connect_bytes")),
        (held, cost("keepalive_bytes_per_hour", 1 / 3600)),
    )]
    storm = [it / brokers[0] for it in total((devices, cost("connect_cpu", 1e-6)))]
    for name, found in (
        ("bandwidth", bandwidth), ("brokers", brokers), ("cores", cores),
        ("machines", machines), ("memory", memory), ("storm_time", storm),
        ("message_rate", (messages / brokers[0], 0, 0)),
        ("measured_rate", (cost("published_rate")[0], 0, 0)),
    ):
        print(channel, name, *(f"{it:.6g}" for it in found), sep="|")
PYTHON
}

# estimated DEVICES: the same, of estimate.csv.
estimated() {
  rows run/estimate.csv channel,quantity,value,ci_low,ci_high devices="$1" | grep -v '^|' |
    LC_ALL=C awk -F '|' '{ printf "%s|%s|%.6g|%.6g|%.6g\n", $1, $2, $3, $4, $5 }' | sort
}

run "$bench" estimate run --devices 1000000 --interval 3s --reconnects 1/day --broker-cores 16 \
  --broker-memory 64GiB
exits 'an estimate' 0
text=$out
is 'its columns' "$(head -n 1 run/estimate.csv)" \
  'channel,devices,interval_s,quantity,unit,value,ci_low,ci_high'
is 'is what Python makes of the raw files' "$(estimated 1000000)" \
  "$(expected 1000000 3 1.1574074074074073e-05 16 68719476736 1 | sort)"
is '... for fewer devices, too' "$(estimated 2000)" \
  "$(expected 2000 3 1.1574074074074073e-05 16 68719476736 1 | sort)"
is 'what was asked for stands there' \
  "$(rows run/estimate.csv quantity,value channel= | tr '\n' ' ')" \
  'reconnects|1 broker_cores|16 broker_memory|68719476736 utilisation|100 '

# wide TEXT: lines of more than 80 columns.
wide() {
  printf '%s\n' "$1" | sed 's/±/+/g' | awk 'length > 80'
}

# ---- what is printed is what stands there ----

is 'no line is wider than 80 columns' "$(wide "$text")" ''
for channel in plain password mutual-tls; do
  is "brokers of $channel" "$(printf '%s\n' "$text" |
    awk -v name="$channel" '$1 == name { print $2 }')" \
    "$(rows run/estimate.csv value channel="$channel" quantity=brokers devices=1000000)"
done
contains 'it says what brokers are' "$(printf '%s\n' "$text" | tr '\n' ' ')" \
  'a broker fills one core at most'
contains 'and what it leaves out' "$text" 'The model leaves out:'
contains '... what a storm waits for, too' "$text" "the listening socket's queue"
sed 's/^\(plain,1000000,3,brokers,,\)[0-9]*/\177/' run/estimate.csv >changed
cp -r run copy
cp changed copy/estimate.csv
run "$root/scripts/estimate" copy
exits 'scripts/estimate, of the file alone' 0
matches '... shows what stands there' "$out" '^  plain  +77 '
matches '... in the answer, too' "$(printf '%s\n' "$out" | tr '\n' ' ')" \
  '1,000,000 devices take 77 brokers'
check 'the figure is there' test -s run/plots/estimate.svg
contains 'and on the page' "$(cat run/report.html)" 'What many devices take of a broker'
contains '... which says why its times have steps' "$(cat run/report.html)" \
  '(whole brokers share that: hence its steps)'

lacks 'near the measured rate nothing is said of that' "$text" 'was measured at'

# ---- options ----

run "$bench" estimate run --devices 5000 --interval 500ms --reconnects 2/h --utilisation 70%
exits 'other numbers' 0
is '... are computed with' "$(estimated 5000)" \
  "$(expected 5000 0.5 0.00055555555555555556 1 1e300 0.7 | sort)"
lacks '... without machines, of which nothing is said' "$out" machines
contains '... and the share of a core' "$(printf '%s\n' "$out" | tr '\n' ' ')" \
  'shall use 70 % of its core'
run "$bench" estimate run --devices 1 --interval 1h
exits 'a single device' 0
contains '... costs more than what was measured, which is said' \
  "$(printf '%s\n' "$out" | tr '\n' ' ')" 'it was measured at 20,000/s, but a broker gets 0/s'
contains '... and what to do' "$(printf '%s\n' "$out" | tr '\n' ' ')" \
  'measure nearer to that, say with --set probe.fleet.rate=1.'
matches '... takes a broker' "$(printf '%s\n' "$out" | tr '\n' ' ')" '1 devices? takes? 1 broker '
run "$bench" estimate run --devices 1000000 --interval 2500ms
contains 'an interval that is no whole number of seconds is said as it is' "$out" 'every 2.5 s'
run "$bench" estimate run --devices 1000000000 --interval 1ms
exits 'a billion devices, each a thousand times a second' 0
is '... in no line wider than 80 columns' "$(wide "$out")" ''

# Of one block: no interval but where the probe gives one.
"$made" single 1
run "$bench" estimate single --devices 1000 --interval 3s
exits 'a run of one block' 0
is '... has no interval of cores' \
  "$(rows single/estimate.csv ci_low,ci_high channel=plain quantity=cores devices=1000)" '|'
matches '... one of memory, of its probe' \
  "$(rows single/estimate.csv ci_low,ci_high channel=plain quantity=memory devices=1000)" \
  '^[0-9.]+\|[0-9.]+$'

# A channel without trials of one probe has a row, and no number.
cp -r single partly
awk -F , 'NR == FNR { if ($5 == "plain" && $6 == "storm") out[$1] = 1; next } !($1 in out)' \
  single/trials.csv single/metrics.csv >partly/metrics.csv
sed -i 's/\(,plain,storm,.*\),ok,/\1,failed,/' partly/trials.csv
awk -F , 'NR == FNR { if ($5 == "plain" && $6 == "storm") out[$1] = 1; next } !($1 in out)' \
  single/trials.csv single/distributions.csv >partly/distributions.csv
run "$bench" estimate partly --devices 1000 --interval 3s
exits 'a channel whose storm failed' 0
matches '... has no number' "$out" '^  plain +- '
contains '... which is said' "$out" 'the run has not measured all costs of plain'
contains '... the answer is of another' "$(printf '%s\n' "$out" | tr '\n' ' ')" 'with password'

# ---- bad input ----

cksum run/estimate.csv >before
refused() { # NAME WORDS OPTION...
  name=$1 words=$2
  shift 2
  run "$bench" estimate "$@"
  exits "$name: exit status 2" 2
  contains '... in words' "$err" "$words"
}
refused 'no run' 'estimate of which run?'
refused 'no devices' 'estimate takes --devices and --interval' run --interval 3s
refused 'no interval' 'estimate takes --devices and --interval' run --devices 10
refused 'zero devices' "--devices: '0' is out of bounds; right would be a number from 1 to" \
  run --devices 0 --interval 3s
refused 'devices below zero' "--devices: '-5' is negative" run --devices -5 --interval 3s
refused 'half a device' "--devices: '0.5'" run --devices 0.5 --interval 3s
refused 'too many' "--devices: '1000000001' is out of bounds" run --devices 1000000001 --interval 3s
refused 'devices in words' "--devices: 'many' is not a number" run --devices many --interval 3s
refused 'an interval of nothing' "--interval: '0s' is out of bounds" run --devices 1 --interval 0s
refused 'an interval without a unit' "--interval: '3' lacks a unit" run --devices 1 --interval 3
refused 'an interval of microseconds' "--interval: '10us' is out of bounds" \
  run --devices 1 --interval 10us
refused 'reconnects without a time' "--reconnects: '1' is no number in a time" \
  run --devices 1 --interval 3s --reconnects 1
refused 'reconnects in a time that is none' "--reconnects: '1/year' ends in no time" \
  run --devices 1 --interval 3s --reconnects 1/year
refused 'reconnects below zero' "--reconnects: '-1/day' does not begin with a number" \
  run --devices 1 --interval 3s --reconnects -1/day
refused 'memory without a unit' "--broker-memory: '64' lacks a unit" \
  run --devices 1 --interval 3s --broker-memory 64
refused 'memory in decimal units' "--broker-memory: '64GB' has the wrong unit" \
  run --devices 1 --interval 3s --broker-memory 64GB
refused 'cores that are none' "--broker-cores: 'x' is not a number" \
  run --devices 1 --interval 3s --broker-cores x
refused 'more than a core' "--utilisation: '101%' is out of bounds" \
  run --devices 1 --interval 3s --utilisation 101%
refused 'no such run' "nowhere: no run folder" nowhere --devices 1 --interval 3s
refused 'a run that measured other things' 'has not measured what an estimate takes: connect_cpu' \
  "$root/results/example" --devices 1 --interval 3s
check '... nothing was written there' test ! -e "$root/results/example/estimate.csv"
refused 'an option of others' '--probes goes with' run --devices 1 --interval 3s --probes path
is 'nothing of all that has changed what was there' "$(cksum run/estimate.csv)" "$(cat before)"
run "$bench" report run --devices 5
exits 'its options, elsewhere' 2
contains '... in words' "$err" '--devices goes with estimate only'

# Metrics in a unit that nobody knows give no number, and no wrong one.
"$made" strange
sed -i 's/connect_cpu,us,/connect_cpu,ticks,/' strange/metrics.csv
refused 'a cost in an unknown unit' 'has not measured what an estimate takes: connect_cpu' \
  strange --devices 1 --interval 3s
run "$root/scripts/estimate" strange
exits 'scripts/estimate without an estimate' 2
contains '... says how one is made' "$err" './bench estimate RUN --devices N --interval T'
finish
