#!/bin/sh
# Every scenario that is shipped: it is understood, its resolved form is the same experiment, and
# all that it compares can be measured here, in the shortest of runs.
. "$(dirname "$0")/real.sh"

# Those of the lab are measured on one host here: lab.t and tunnel.t have the lab.
here='--broker-host local --publisher-host local'
short='--repetitions 1'
for probe in connect latency delivery path transport transport-per-unit; do
  short="$short --set probe.$probe.duration=100ms --set probe.$probe.warmup=0s"
done
short="$short --set telemetry.interval=20ms --set probe.latency.rate=100"
short="$short --set probe.connect.duration=300ms" # where a connection may take long

for file in "$root"/scenarios/*.ini; do
  name=$(basename "$file" .ini)
  [ "$name" != hosts ] || continue
  run "$bench" check "$name"
  exits "$name is understood" 0
  # shellcheck disable=SC2086 # options
  run "$bench" check "$name" $here $short
  plan=$out
  # What two others measure already, at length: paper's order is another, its trials are the same.
  [ "$name" != paper-order ] || continue
  # shellcheck disable=SC2086
  measure "$name" $here $short
  exits '... all of it can be measured' 0
  is '... but for what one host cannot have' "$(rows "$folder/trials.csv" channel,status |
    grep -v '|ok$' | LC_ALL=C sort -u | tr '\n' ' ')" \
    "$([ "$name" != mechanisms ] || echo 'tunnel-mutual-tls|skipped tunnel|skipped ')"
  run "$bench" check "$folder/scenario.ini"
  is '... the resolved scenario is the same experiment' "$out" "$plan"
done

finish
