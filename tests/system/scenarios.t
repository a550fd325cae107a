#!/bin/sh
# Every scenario that is shipped: it is understood, its resolved form is the same experiment, and
# all that it compares can be measured here, in the shortest of runs. Resolved scenarios, and the
# proofs and metrics of all mechanisms, are those of tests/golden (--update: become them).
. "$(dirname "$0")/real.sh"
# shellcheck disable=SC2034 # for golden.sh
update=${1-}
. "$(dirname "$0")/golden.sh"

# Those of the lab are measured on one host here: lab.t and tunnel.t have the lab.
here='--broker-host local --publisher-host local'
short='--repetitions 1'
for probe in connect latency delivery path transport transport-per-unit fleet; do
  short="$short --set probe.$probe.duration=100ms --set probe.$probe.warmup=0s"
done
short="$short --set telemetry.interval=20ms --set probe.latency.rate=100"
short="$short --set fleet.clients=20 --set probe.fleet.interval=100ms"
short="$short --set probe.hold.duration=100ms"
short="$short --set probe.connect.duration=300ms" # where a connection may take long

for file in "$root"/scenarios/*.ini; do
  name=$(basename "$file" .ini)
  [ "$name" != hosts ] || continue
  run "$bench" check "$name"
  exits "$name is understood" 0
  [ "$name" != post-quantum-links ] || continue # over the links of a lab: relay.t
  # shellcheck disable=SC2086 # options
  run "$bench" check "$name" $here $short
  plan=$out
  # What two others measure already, at length: paper's order is another, its trials are the same.
  [ "$name" != paper-order ] || continue
  # shellcheck disable=SC2086
  measure "$name" $here $short
  exits '... all of it can be measured' 0
  is '... but for what one host, or its OpenSSL, cannot have' "$(rows "$folder/trials.csv" \
    channel,status | grep -v '|ok$' | LC_ALL=C sort -u | tr '\n' ' ')" \
    "$({
      [ "$name" != mechanisms ] || printf '%s|skipped\n' tunnel tunnel-mutual-tls
      printf '%s\n' "$plan" | awk '/^ +cannot be had: / { print channel "|skipped" }
        { channel = $1 }'
    } | LC_ALL=C sort -u | tr '\n' ' ')"
  grep -v '^#' "$folder/scenario.ini" >"$scratch/resolved"
  [ -e "$root/scenarios/hosts.ini" ] ||
    same '... the resolved scenario is as it was' words "scenarios/$name.ini" "$scratch/resolved"
  [ "$name" != mechanisms ] || all=$folder
  run "$bench" check "$folder/scenario.ini"
  is '... the resolved scenario is the same experiment' "$out" "$plan"
done

# ---- what a run of all mechanisms proves and measures ----

# The cause that was seen is a matter of versions: compared where they are those of the recording.
# Post-quantum channels, which not every OpenSSL can have, are post-quantum.t's.
{
  printf '%s, %s\n' "$(mosquitto -h | head -n 1)" "$(openssl version | sed 's/\.[0-9]* .*//')"
  rows "$all/proofs.csv" channel,proof,expected,verdict,cause | grep -v '^mutual-tls-pq' |
    LC_ALL=C sort -u |
    sed 's/[0-9]* bytes passed/bytes passed/; s/[0-9]* files searched/files searched/'
} >"$scratch/proofs"
if ! is_updating && [ "$(head -n 1 "$kept/mechanisms/proofs.txt")" != "$(head -n 1 \
  "$scratch/proofs")" ]; then
  sed -i '1d; s/|[^|]*$//' "$kept/mechanisms/proofs.txt" "$scratch/proofs"
fi
same 'all mechanisms: proofs, and what they are to show' words mechanisms/proofs.txt \
  "$scratch/proofs"

# Percentiles need so many values, a quota its control group, message_loop a publisher that waited.
rows "$all/metrics.csv" party,process,metric,unit | grep -vE '_p9|\|quota\||\|message_loop\|' |
  LC_ALL=C sort -u >"$scratch/metrics"
same '... metrics' words mechanisms/metrics.txt "$scratch/metrics"

finish
