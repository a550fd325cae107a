#!/bin/sh
# A path so long that what may be on its way at once decides what delivery measures: that is said,
# and not of a path that is merely full.
. "$(dirname "$0")/real.sh"
need_command ip unshare nsenter
unshare --user --map-root-user --net true 2>/dev/null || [ "$(id -u)" = 0 ] ||
  skip_all 'no network namespace for an ordinary user here'

# 100 ms each way: a message and its credit take 200 ms.
far='--broker-host lab:a --publisher-host lab:b --set hosts.address= --set lab.delay=100ms
  --set hosts.congestion=default'
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

finish
