#!/bin/sh
# The latency probe: percentiles, histograms and books that agree, at each quality of service, idle
# and loaded, with one connection and with many; and the delivery probe's promises.
. "$(dirname "$0")/real.sh"

cat >"$scratch/latency.ini" <<'END_OF_SCENARIO'
[scenario]
channels = plain
probes = latency
repetitions = 1
[hosts]
broker = local
publisher = local
address = 127.0.0.1
[probe.latency]
duration = 300ms
warmup = 50ms
rate = 400
END_OF_SCENARIO

value() { # METRIC [TRIAL]: of the prober, on client2's host
  rows "$folder/metrics.csv" value metric="$1" party=client2 process=client trial="${2:-1}"
}

# disagreeing: what of a trial's numbers does not fit together.
disagreeing() { # TRIAL
  rows "$folder/metrics.csv" metric,value party=client2 process=client trial="$1" >"$scratch/v"
  rows "$folder/distributions.csv" metric,unit,upper_bound,count trial="$1" >"$scratch/d"
  LC_ALL=C awk -F '|' '
    FILENAME ~ /v$/ { v[$1] = $2; next }
    {
      if ($2 != "ms" || $4 + 0 < 1) print "row: " $0
      if ($3 + 0 <= last[$1] + 0) print "bounds do not rise: " $0
      last[$1] = $3
      n[$1] += $4
      sum[$1] += $3 * $4
      if (2 * n[$1] >= v["messages_received"] && !($1 in median)) median[$1] = $3
    }
    END {
      split("latency_min latency_p50 latency_p90 latency_p99 latency_p99_9 latency_max", name, " ")
      before = 0
      for (i = 1; i <= 6; i++) {
        if (!(name[i] in v)) continue
        if (v[name[i]] < before || v[name[i]] <= 0) print name[i] " is " v[name[i]] " after " before
        before = v[name[i]]
      }
      if (v["latency_mean"] < v["latency_min"] || v["latency_mean"] > v["latency_max"])
        print "mean " v["latency_mean"]
      if (n["latency"] != v["messages_received"]) print n["latency"] " in the histogram"
      if (n["send_delay"] != v["messages_sent"]) print n["send_delay"] " delays"
      # A bound is at most 0.8 % above what is in its bucket.
      if (median["latency"] < v["latency_p50"] || median["latency"] > 1.009 * v["latency_p50"])
        print "median " median["latency"] " for " v["latency_p50"]
      mean = sum["latency"] / n["latency"]
      if (mean < v["latency_mean"] || mean > 1.009 * v["latency_mean"])
        print "mean " mean " for " v["latency_mean"]
      if (v["send_delay_p50"] > v["latency_p50"]) print "later sent than received"
      if (v["floor"] <= 0) print "floor " v["floor"]
      if (v["messages_lost"] != v["messages_sent"] - v["messages_received"]) print "lost"
    }' "$scratch/v" "$scratch/d"
}

# ---- on each channel ----

measure "$scratch/latency.ini" --set scenario.channels='plain password mutual-tls' \
  --set probe.latency.qos=1
exits 'latency on three channels: all is well' 0
is 'columns of the distributions' "$(head -n 1 "$folder/distributions.csv")" \
  'trial,attempt,metric,unit,upper_bound,count'
for trial in 1 2 3; do
  is "trial $trial: percentiles, histogram and books agree" "$(disagreeing "$trial")" ''
done
is 'each message is sent, and received' \
  "$(rows "$folder/metrics.csv" metric,value | grep -E '^messages_(sent|rec|dup)' | sort -u |
    tr '\n' ' ')" 'messages_duplicated|0 messages_received|120 messages_sent|120 '
is 'a percentile that so few messages do not show is left out' \
  "$(rows "$folder/metrics.csv" metric | grep -c 'latency_p99_9')" 0
is 'no trial has bytes or a throughput' \
  "$(rows "$folder/trials.csv" bytes,throughput_mbit_s,status | sort -u)" '||ok'
is 'the channel is the one that was asked for' \
  "$(rows "$folder/trials.csv" tls_version channel=mutual-tls)" TLSv1.3

# ---- QoS 0 and 2, one connection and a new one for each, with a load ----

measure "$scratch/latency.ini" --set probe.latency.qos=0 --set probe.latency.rate=2000 \
  --set probe.latency.duration=1s
exits 'QoS 0, and a rate of 2000 a second' 0
is '... they agree' "$(disagreeing 1)" ''
is '... with a percentile for 2000 messages' "$(value latency_p99_9 | grep -c .)" 1

measure "$scratch/latency.ini" --set probe.latency.qos=2 --set probe.latency.load=path
exits 'QoS 2, while a stream loads the link' 0
is '... they agree' "$(disagreeing 1)" ''
is '... and the load is told' "$(rows "$folder/metrics.csv" value metric=load_throughput |
  awk '$1 > 1 { print "flows" }')" flows
is '... which is none of the trial'"'"'s' "$(rows "$folder/trials.csv" bytes,status)" '|ok'
is '... nor are its steps' "$(count "$folder/intervals.csv")" 0

measure "$scratch/latency.ini" --set probe.latency.connection=per-message \
  --set scenario.channels=mutual-tls --set probe.latency.rate=20 --set probe.latency.qos=1
exits 'a new connection for each message' 0
is '... they agree' "$(disagreeing 1)" ''
# 20/s for 300 ms and 50 ms before; one to begin with, telemetry's and the proofs'.
check '... and the broker has seen as many' test \
  "$(grep -h 'New client connected' "$folder"/log/broker-* | grep -c 'client2-latency ')" -ge 7
check '... of which each takes a handshake: no message is as fast as without' \
  awk -v "min=$(value latency_min)" 'BEGIN { exit !(min > 0.3) }'

measure "$scratch/latency.ini" --set probe.latency.connection=per-message \
  --set scenario.channels=mutual-tls --set probe.latency.rate=100000 \
  --set probe.latency.duration=1s
exits 'a rate that cannot be held' 1
contains '... is a failed trial, not a nicer number' "$(rows "$folder/trials.csv" reason |
  head -n 1)" 'the publisher cannot hold 100000 messages/s'

# One that stands still for longer than two seconds and then catches up has measured its worst tail.
has_streams() { # PID: beside its first thread two that stay; those of the floor last 0.1 s
  tasks=$(ls "/proc/$1/task")
  sleep 0.5
  [ "$(echo "$tasks" | wc -l)" -ge 3 ] && [ "$(ls "/proc/$1/task")" = "$tasks" ]
}
begin --probes latency --set probe.latency.warmup=0s --set probe.latency.duration=6s \
  --set probe.latency.rate=100 --repetitions 1
prober=$(await_process '.* worker latency-prober$')
until has_streams "$prober" || is_gone "$driver"; do :; done
kill -STOP "$prober"
sleep 2.5
kill -CONT "$prober"
stop_waiting 240
folder=$(find_run)
exits 'a publisher that stood still for 2.5 s: its trial is kept' 0
is '... with all its messages' "$(value messages_received)" 600
check '... of which the slowest was as late' \
  awk -v "max=$(value latency_max)" 'BEGIN { exit !(max > 2400) }'
matches '... and says so' "$(rows "$folder/trials.csv" reason status=ok)" \
  '^the publisher was up to [2-9]\.[0-9] s late$'
run "$bench" report "$folder"
contains '... and so does the report' "$(tr '\n' ' ' <"$folder/table.txt")" \
  'latency of plain, 1 trial (first: the publisher was up to'

# ---- what each quality of service promises, of every message of a delivery ----

for qos in 0 1 2; do
  measure "$tiny" --set scenario.probes=delivery --set probe.delivery.payload=30B \
    --set probe.delivery.qos=$qos
  exits "delivery at QoS $qos" 0
  is '... none lost, none twice, all in order' \
    "$(rows "$folder/metrics.csv" metric,value process=receiver |
      grep -E '^messages_(lost|dup|reo)' | tr '\n' ' ')" \
    'messages_lost|0 messages_duplicated|0 messages_reordered|0 '
done

# ---- a killed run ----

measured=$((measured + 1))
results=$scratch/results.$measured
start setsid "$bench" run "$scratch/latency.ini" --repetitions 9 --output "$results" \
  --certs "$scratch/certs"
await_trials 2
kill -KILL "$driver"
wait "$driver" 2>/dev/null
wait_for "$soon" is_rest_gone
folder=$(find_run)
# As if the driver had died between the rows of a trial and its commit.
printf '9,1,latency,ms,0.25,7\n9,1,latency,ms,0.5' >>"$folder/distributions.csv"
run "$bench" run --resume "$folder" --certs "$scratch/certs"
exits 'a killed run goes on' 0
is '... no row of a distribution is there twice' \
  "$(rows "$folder/distributions.csv" trial,attempt,metric,upper_bound | sort | uniq -d)" ''
is '... every trial is there' "$(rows "$folder/trials.csv" trial status=ok | sort -u | wc -l)" 9

finish
