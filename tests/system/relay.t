#!/bin/sh
# The link of a lab that is a relay of ours: what each frame goes through, against the time at which
# the kernel took it in and gave it out; and what a run over such links shows.
. "$(dirname "$0")/real.sh"
need_command ip tc unshare nsenter python3
user='--user --map-root-user'
[ "$(id -u)" = 0 ] && user=
# shellcheck disable=SC2086 # several words
unshare $user --net true 2>/dev/null || skip_all 'no network namespace for an ordinary user here'

# ---- frame by frame ----

# shellcheck disable=SC2086 # several words
run unshare $user --net "$root/tests/system/relay-frames" "$bench"
exits 'frames are sent through a relay' 0
figures=$out

# of NAME CONDITION: an awk expression of the figure x (and of v["OTHER-NAME"]).
of() {
  test_verdict=$(printf '%s\n' "$figures" | awk -v name="$1" "{ v[\$1] = \$2 + 0 }
    END { x = v[name]; exit !((name in v) && ($2)) }" && echo yes)
  is "$1: $2" "$test_verdict" yes
}

of limit 'x > 1000'
# Kernel and clock round to less than a tenth of a millisecond.
of delay-arrived 'x == 100'
of delay-least 'x >= 49.9'
of delay-quarter 'x < 70'
of delay-back-arrived 'x == 100'
of delay-back-least 'x >= 49.9'
of delay-back-quarter 'x < 70'
of jitter-least 'x >= 9.9'
of jitter-quarter 'x < 40'
# Evenly from 10 to 50 ms: of 80, the mean is 30 +- 1.3 and 40 are below 30, +- 4.5; five such each.
of jitter-mean 'x > 23.5'
of jitter-early 'x < 63'
# 5000 by 5 %: 250 +- 15.4.
of loss-lost 'x > 173 && x < 327'
of loss-told 'x == v["loss-lost"]'
of loss-other 'x == 0'
of rate-arrived 'x == 150'
of rate-ahead-ms 'x < 0.1'
of rate-late-ms 'x < 200'
# A queue of ten frames and a burst of one; a frame more for each 242 ms that the sending took.
of queue-arrived 'x >= 11 && x <= 13'
of queue-dropped 'x == 40 - v["queue-arrived"]'
# What does not fit into the 4096 places of the kernel's ring is counted, and what came too late.
of stopped-sum 'x == 6000'
of stopped-overrun 'x > 1500 && x < 2500'
of stopped-late 'x > 0.5'
for name in delay delay-back jitter loss rate queue; do
  of "$name-in-order" 'x == 1'
  of "$name-spoilt" 'x == 0'
done
of end 'x == 0'
of left 'x == 0'

# ---- a run ----

lab='--broker-host lab:a --publisher-host lab:b --set hosts.address='
links=$(ip -o link | cut -d : -f 2)
varied=$scratch/varied.ini
sed -e 's/^probes = .*/probes = latency/' -e 's/^channels = .*/channels = plain mutual-tls/' \
  "$tiny" >"$varied"
cat >>"$varied" <<'END'
[probe.latency]
duration = 1s
warmup   = 0s
rate     = 10
[lab]
loss = 0%
[vary]
lab.profile = lte-m satellite
END
# shellcheck disable=SC2086 # several words
measure "$varied" $lab --set vary.lab.delay='30ms 80ms'
exits 'a run over four kinds of link' 0
matches 'what the relay can carry is told first' "$out" \
  '^link     a relay, which carries up to [0-9.]+ Mbit/s each way here$'
is 'each channel is measured over each of them' \
  "$(rows "$folder/trials.csv" channel,variant status=ok | sed 's/profile=//; s/delay=//' |
    LC_ALL=C sort)" 'mutual-tls|lte-m 30ms
mutual-tls|lte-m 80ms
mutual-tls|satellite 30ms
mutual-tls|satellite 80ms
plain|lte-m 30ms
plain|lte-m 80ms
plain|satellite 30ms
plain|satellite 80ms'
is 'a round trip proves each' \
  "$(rows "$folder/proofs.csv" variant,expected,verdict proof=link-round-trip |
    LC_ALL=C sort -u)" 'profile=lte-m delay=30ms|60.0 to 110.0 ms|held
profile=lte-m delay=80ms|160.0 to 210.0 ms|held
profile=satellite delay=30ms|60.0 to 60.0 ms|held
profile=satellite delay=80ms|160.0 to 160.0 ms|held'
is '... and where it has a rate, a few full frames' \
  "$(rows "$folder/proofs.csv" verdict proof=link-rate | sort | uniq -c | tr -s ' ')" ' 8 held'
# A message goes to the broker and comes back; a busy machine can only be late.
rows "$folder/metrics.csv" trial,value metric=latency_min | sort >"$scratch/latencies"
rows "$folder/trials.csv" trial,variant | sort | join -t '|' "$scratch/latencies" - |
  tr '|=' '  ' >"$scratch/joined"
is 'a message takes two delays at the least' "$(awk '{
  sub("ms", "", $NF); n++; if ($2 < 2 * $NF - 0.1 || $2 > 2 * $NF + 150) print } END {
  if (n != 8) print n + 0 " of 8" }' "$scratch/joined")" ''
is 'factors.csv has what is varied of the link' \
  "$(rows "$folder/factors.csv" factor,value channel=plain variant='profile=lte-m delay=80ms' |
    sort -u)" 'lab.delay|80ms
lab.profile|lte-m'
contains 'the rest of each profile stands in scenario.ini' "$(cat "$folder/scenario.ini")" \
  '# profile=satellite delay=80ms: rate = 1Mbit/s queue = 256KiB jitter = 0s'
lacks '... but not as settings, which would be those of all' "$(cat "$folder/scenario.ini")" '
rate = 1Mbit/s'
matches '... what the scenario sets itself is one' "$(cat "$folder/scenario.ini")" '^loss = 0%$'
run "$bench" check "$folder/scenario.ini"
resolved=$out
# shellcheck disable=SC2086 # several words
run "$bench" check "$varied" $lab --set vary.lab.delay='30ms 80ms'
is 'scenario.ini is the same experiment' "$resolved" "$out"
matches 'the limit of the relay is told' "$(cat "$folder/environment.json")" \
  '"limit_bit_s": [1-9][0-9]{6}'
is 'what became of its frames stands in blocks.csv' "$(rows "$folder/blocks.csv" \
  host,metric,unit | grep relay_ | LC_ALL=C sort)" 'lab:a|relay_carried|frames
lab:a|relay_dropped|frames
lab:a|relay_late|frames
lab:a|relay_lost|frames
lab:a|relay_overrun|frames'
check '... which go on' test "$(rows "$folder/blocks.csv" before,after metric=relay_carried |
  awk -F '|' '{ print $2 - $1 }')" -gt 1000
is '... and the relay took all that came' \
  "$(rows "$folder/blocks.csv" after metric=relay_overrun)" 0
run "$bench" report "$folder"
exits 'it can be reported' 0
lacks '... and the relay was not the limit' "$(cat "$folder/findings.csv")" 'could not take'
contains '... a link is a variant of each probe' "$out" 'latency, profile=satellite delay=80ms'
lacks '... and nothing is missing' "$out" 'The run is incomplete'
is '... each is compared with the baseline over the same link' \
  "$(rows "$folder/comparisons.csv" probe channel=mutual-tls | wc -l)" 4

# ---- the slowest of the profiles, in the scenario that is shipped ----

measure post-quantum-links --channels mutual-tls --probes connect --repetitions 1 \
  --set vary.lab.profile=nb-iot --set probe.connect.duration=9s
exits 'connecting over NB-IoT' 0
# TCP, TLS and MQTT: a round trip each, of 800 ms at the least.
check 'what takes three round trips takes no less' awk -v "ms=$(rows "$folder/metrics.csv" value \
  metric=connect_time)" 'BEGIN { exit !(ms >= 2400) }'
run "$bench" report "$folder"
exits '... and it can be reported' 0
matches '... with what of its CPU time cryptography takes' \
  "$(rows "$folder/prediction.csv" channel,probe | sort -u)" '^mutual-tls\|connect$'

# ---- what cannot be had ----

# shellcheck disable=SC2086 # several words
measure "$tiny" $lab --set lab.delay=5ms --set lab.rate=100Gbit/s
exits 'more than the relay can carry' 3
matches '... its limit is told' "$err" \
  'the relay that delay, jitter and loss take carries [0-9]+ Mbit/s each way here, less than'
# shellcheck disable=SC2086 # several words
measure "$tiny" $lab --set lab.delay=5s --set lab.rate=100Mbit/s
exits 'more than it can hold' 3
contains '... is told' "$err" 'frames would be on their way at once, and the relay holds 32768'
for slow in 'lab.delay=6s' 'lab.jitter=4s' 'lab.rate=8kbit/s'; do
  # shellcheck disable=SC2086 # several words
  measure "$tiny" $lab --set "$slow"
  exits "a link that takes longer than its proof can wait: $slow" 3
  contains '... is told' "$err" \
    'a train of full frames may take 12.'
  # shellcheck disable=SC2086 # several words
  run "$bench" check "$tiny" $lab --set "$slow"
  exits '... by check, too' 2
done
measure "$tiny" --set vary.lab.delay='1ms 2ms'
exits 'a link is varied outside of a lab' 2
contains '... only a lab has one to shape' "$err" 'only the link of a lab can be shaped'
measure "$varied" --set vary.lab.broker_cpu='10 20'
exits 'what belongs to a host is not varied with the link' 2

# ---- more comes than the relay can take ----

# shellcheck disable=SC2086 # several words
begin $lab --set lab.delay=5ms --set probe.path.duration=6s
await_process '.* worker path-client$' >"$scratch/pid"
relay=$(find_process 'bench relay$')
kill -STOP "$relay"
enter='--user --preserve-credentials'
[ "$(id -u)" = 0 ] && enter=
# shellcheck disable=SC2086 # several words
nsenter $enter --net --target "$(cat "$scratch/pid")" python3 -c '
import socket
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(8000):
    out.sendto(bytes(100), ("192.0.2.1", 9))'
kill -CONT "$relay"
stop_waiting 120
folder=$(find_run)
exits 'a relay that was held up' 0
check '... has counted what it could not take' test \
  "$(rows "$folder/blocks.csv" after metric=relay_overrun)" -gt 1000
run "$bench" report "$folder"
matches '... and the report says that it was the limit' "$(cat "$folder/findings.csv")" \
  "block 1, lab:a: the link.s relay could not take up to [0-9]+ frames: it, not the link"

# ---- the relay is killed ----

# shellcheck disable=SC2086 # several words
start setsid "$bench" run "$varied" $lab --channels plain --set vary.lab.profile=lte-m \
  --output "$scratch/results.killed" --certs "$scratch/certs" --set probe.latency.duration=3s
await_process '.* worker latency-prober$' >"$scratch/pid"
kill -KILL "$(find_process 'bench relay$')"
stop_waiting 120
exits 'a relay that is killed in a trial: the trial fails, the run goes on' 1
contains '... it is the loss of its host, and said' "$out$err" \
  "the link's relay has ended: killed by SIGKILL"
is 'no interface is left' "$(ip -o link | cut -d : -f 2)" "$links"
check 'no process is left' is_rest_gone_soon
finish
