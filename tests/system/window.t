#!/bin/sh
# A path so long that what may be on its way at once decides what delivery measures: that is said,
# and not of a path that is merely full.
. "$(dirname "$0")/real.sh"
need_command python3

# Their broker, behind a relay: 50 ms each way, so a message and its credit take 200 ms.
printf 'listener 0 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n' >"$scratch/theirs.conf"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
sed -i "s/^listener 0/listener $port/" "$scratch/theirs.conf"
mosquitto -c "$scratch/theirs.conf" >/dev/null 2>&1 &
theirs=$!
"$root/tests/system/delay-relay" "$port" 50 >"$scratch/relayed" &
relay=$!
check 'the relay is there' wait_for "$soon" test -s "$scratch/relayed"
far="--channels far --set scenario.baseline=far --set channel.far.use=external
  --set channel.far.external.address=127.0.0.1
  --set channel.far.external.port=$(cat "$scratch/relayed") --set hosts.congestion=default"
set -- --quiet --probes delivery --set probe.delivery.payload=64KiB \
  --set probe.delivery.duration=3s --set probe.delivery.warmup=1s

wait_share() { # how long the publisher waited for credit, in whole per cent
  share=$(rows "$folder/metrics.csv" value metric=credit_wait party=client2 | cut -d . -f 1)
  echo "${share:-0}"
}

# shellcheck disable=SC2086 # several words
measure "$tiny" "$@" $far --set probe.delivery.window=1MiB
exits 'a window that is small for a long path' 0
check 'the rate is the window over the time there and back' awk -v "rate=$(rows \
  "$folder/trials.csv" throughput_mbit_s)" 'BEGIN { exit !(rate > 5 && rate < 50) }'
check 'the publisher has waited most of the time' test "$(wait_share)" -gt 50
contains 'and the trial says so' "$(rows "$folder/trials.csv" reason)" \
  'limited by probe.delivery.window'
check 'the time there and back is known' awk -v "ms=$(rows "$folder/metrics.csv" value \
  metric=message_loop)" 'BEGIN { exit !(ms >= 200 && ms < 2000) }'
run "$bench" report "$folder"
contains 'the report says so' "$(echo "$out" | tr -s '\n ' ' ')" 'limited by probe.delivery.window'

# A window where the broker is what limits: its publisher waits as well.
measure "$tiny" "$@" --channels plain
exits 'a window without such a path' 0
check 'the publisher waits here, too' test "$(wait_share)" -gt 5
lacks 'but the window does not limit' "$(rows "$folder/trials.csv" reason)" \
  'limited by probe.delivery.window'

kill "$theirs" "$relay"
wait "$theirs" "$relay" 2>/dev/null
finish
