#!/bin/sh
# What is measured where the wire is the limit: a link of known rate carries so much, whatever the
# size of a message; the benchmark shaped-rate has the formula, and more cells. What is too short
# for two messages fails, and says how long it must be.
. "$(dirname "$0")/real.sh"
need_command ip tc unshare nsenter

for cell in 1:1024:mutual-tls:delivery 5:30:plain:delivery 5:65536:mutual-tls:delivery \
  10:1048576:plain:delivery 10:4194304:mutual-tls:delivery 13.4:65536:plain:delivery \
  13.4:65536:mutual-tls:transport 40:65536:mutual-tls:delivery; do
  run env TRIALS=2 SECONDS_EACH=4 TRIES=4 "$root/tests/benchmarks/shaped-rate" "$cell"
  exits "$cell: what the wire can carry" 0
done

shaped() { # OPTION...
  measure "$tiny" --probes delivery --broker-host lab:a --publisher-host lab:b \
    --set hosts.address= --set probe.delivery.warmup=500ms "$@"
}

shaped --set lab.rate=10Mbit/s --set probe.delivery.payload=4MiB --set probe.delivery.duration=1s
exits 'a window too short for a message fails' 1
matches '... and says how long it must be' "$(rows "$folder/trials.csv" reason attempt=1)" \
  'a message of 4194304 bytes takes about [0-9.]+ s on this link: set probe.delivery.duration to'
shaped --set lab.rate=10Mbit/s --set probe.delivery.payload=64KiB --set probe.delivery.duration=1s
exits 'one message is much of the figure' 0
matches '... which is said' "$(rows "$folder/trials.csv" reason)" \
  '^one of [0-9]+ arrivals is [0-9.]+ % of this figure, more than a quarter of the margin: a '
finish
