#!/bin/sh
# Who connects to the broker under test and is none of ours voids the trials from then on, with its
# address. No channel, proof or probe is taken for such a stranger. And a stranger finds an end of
# what it can make the broker hold.
. "$(dirname "$0")/real.sh"
need_command mosquitto_sub

# shellcheck disable=SC2317 # called by wait_for
configuration() { # the broker's, as long as it runs
  find "$TMPDIR" -path '*/bench-broker-*/mosquitto.conf' 2>/dev/null | head -n 1
}

# shellcheck disable=SC2317 # called by wait_for
is_configured() {
  grep -q '^allow_anonymous ' "$(configuration)" 2>/dev/null
}

# ---- strangers ----

# The strangers must find the time to come on a busy machine, too.
begin --probes 'path delivery' --set probe.path.duration=1s --set probe.delivery.duration=10s
wait_for 60 is_configured
port=$(sed -n 's/^listener \([0-9]*\) .*/\1/p' "$(configuration)")
limits=$(grep -cE '^(max_connections|memory_limit) [1-9][0-9]*$' "$(configuration)")
await_process '.* worker delivery-publisher$' >"$scratch/worker"
strangers=''
for _ in 1 2 3; do
  mosquitto_sub -p "$port" -t '#' >/dev/null 2>&1 &
  strangers="$strangers $!"
done
stop_waiting 240
# shellcheck disable=SC2086 # a list
kill $strangers
folder=$(find_run)
exits 'three others subscribe to everything: the run ends as one with void trials' 1
is 'what was measured before is ok' "$(rows "$folder/trials.csv" status probe=path)" ok
is 'the trial is void' \
  "$(rows "$folder/trials.csv" status,throughput_mbit_s probe=delivery)" 'void|'
matches 'with the address of the first' "$(rows "$folder/trials.csv" reason probe=delivery)" \
  'an uninvited client, from 127\.0\.0\.1:[0-9]+ \(client id auto-'
matches 'that is shown' "$out" 'delivery, block [0-9]+: void: the broker had an uninvited client'
is 'the broker has a limit of connections and one of memory' "$limits" 2
is '... and listens nowhere else' "$(grep -h 'listen socket' "$folder"/log/* |
  grep -vc "on port $port\.$")" 0

# ---- all of ours ----

channels=$(find "$root/scenarios/channels" -name '*.ini' -exec basename {} .ini \; | tr '\n' ' ')
measure "$tiny" --quiet --probes 'delivery connect latency' \
  --channels "$channels" --set scenario.baseline=plain --set probe.connect.duration=200ms \
  --set probe.connect.warmup=0s --set probe.latency.duration=100ms --set probe.latency.warmup=0s \
  --set probe.latency.connection=per-message --set telemetry.connection=per-message \
  --set probe.latency.qos=1 --set probe.delivery.qos=1
is 'no client of any channel is taken for a stranger' \
  "$(rows "$folder/trials.csv" channel,probe,reason status=void)" ''
check 'there were many' test "$(count "$folder/trials.csv" status=ok)" -gt 40
finish
