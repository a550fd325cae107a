#!/bin/sh
# [vary]: every combination of varied settings is measured, recorded, resumed and reported as what
# it is; what cannot be varied is refused before anything starts.
. "$(dirname "$0")/real.sh"

aes=TLS_AES_128_GCM_SHA256 chacha=TLS_CHACHA20_POLY1305_SHA256
varied=$scratch/varied.ini
sed -e 's/^channels = .*/channels = plain mutual-tls plain-again/' \
  -e 's/^probes = .*/probes = transport delivery/' -e 's/^repetitions = .*/repetitions = 2/' \
  "$tiny" >"$varied"
cat >>"$varied" <<END
[vary]
channel.mutual-tls.tls.suites = $aes $chacha
probe.delivery.payload = 1024B 30B
END

# ---- the plan ----

run "$bench" check "$varied"
exits 'check: the scenario is understood' 0
contains '... the variants of a channel are named' "$out" "with suites=$chacha"
contains '... those of a probe, too' "$out" 'with payload=1KiB ('
contains '... all are counted' "$out" \
  '2 blocks x 4 variants of 3 channels x 3 variants of 2 probes = 24 trials'
run "$bench" check "$varied" --channels plain
contains 'a channel that is left out is not varied' "$out" \
  '2 blocks x 1 channel x 3 variants of 2 probes = 6 trials'

# ---- a run ----

measure "$varied"
exits 'all is well' 0
contains 'progress names the variant of the channel' "$out" "mutual-tls suites=$aes "
contains '... and that of the probe' "$out" 'delivery payload=30B, block '
is 'every variant of a channel has every one of the probes, once in a block' \
  "$(rows "$folder/trials.csv" channel,probe,variant status=ok | LC_ALL=C sort | uniq -c |
    sed 's/^ *//')" "$(sed "s/AES/$aes/; s/CHACHA/$chacha/" <<'END'
2 mutual-tls|delivery|suites=AES payload=1KiB
2 mutual-tls|delivery|suites=AES payload=30B
2 mutual-tls|delivery|suites=CHACHA payload=1KiB
2 mutual-tls|delivery|suites=CHACHA payload=30B
2 mutual-tls|transport|suites=AES
2 mutual-tls|transport|suites=CHACHA
2 plain-again|delivery|payload=1KiB
2 plain-again|delivery|payload=30B
2 plain-again|transport|
2 plain|delivery|payload=1KiB
2 plain|delivery|payload=30B
2 plain|transport|
END
)"
is 'the suite that a trial negotiated is that of its variant' \
  "$(rows "$folder/trials.csv" variant,tls_cipher channel=mutual-tls |
    sed 's/^suites=\([^ |]*\)[^|]*|\1$/same/' | sort -u)" same
is 'the messages of a trial have the size of its variant' \
  "$(rows "$folder/trials.csv" bytes variant=payload=1KiB | awk '$1 % 1024 || !$1' | wc -l)" 0
is 'variants are brought up each by itself, in every block' \
  "$(rows "$folder/trials.csv" block,position probe=transport | sort -u | wc -l)" 8
is '... so there is a broker log of each' "$(find "$folder/log" -type f | wc -l)" 8
is 'proofs say which variant they are of' \
  "$(rows "$folder/proofs.csv" channel,variant proof=negotiated-as-asked verdict=held |
    LC_ALL=C sort | uniq -c | sed 's/^ *//')" "2 mutual-tls|suites=$aes
2 mutual-tls|suites=$chacha"
is 'telemetry, too' "$(rows "$folder/telemetry.csv" channel,variant | LC_ALL=C sort -u)" \
  "mutual-tls|suites=$aes
mutual-tls|suites=$chacha
plain-again|
plain|"
is 'factors.csv says what a variant stands for' \
  "$(rows "$folder/factors.csv" factor,value channel=mutual-tls \
    variant="suites=$chacha payload=30B")" "channel.mutual-tls.tls.suites|$chacha
probe.delivery.payload|30B"
run "$bench" check "$folder/scenario.ini"
resolved=$out
run "$bench" check "$varied"
is 'scenario.ini is the same experiment' "$resolved" "$out"

# ---- its report ----

run "$bench" report "$folder"
exits 'it can be reported' 0
contains 'a varied channel is one for each variant' "$out" "  mutual-tls suites=$chacha"
contains '... below the variant of the probe' "$out" 'delivery, payload=30B'
lacks '... and nothing is missing' "$out" 'The run is incomplete'
lacks '... not a channel is without trials' "$out" 'not measured'
is 'each is compared with the baseline at the same variant of the probe' \
  "$(rows "$folder/comparisons.csv" probe,variant,blocks baseline=plain \
    channel="mutual-tls suites=$aes")" 'transport||2
delivery|payload=1KiB|2
delivery|payload=30B|2'
is 'summaries count the trials of each' \
  "$(rows "$folder/summary.csv" channel,trials metric=throughput variant=payload=30B)" "plain|2
mutual-tls suites=$aes|2
mutual-tls suites=$chacha|2
plain-again|2"
cp -r "$folder" "$scratch/second"
run "$bench" report "$folder" "$scratch/second" --output "$scratch/both"
exits 'two such runs stand side by side' 0
contains '... by their variants' "$out" "mutual-tls suites=$aes"

# ---- killed and resumed ----

# The trials that a plan has, by attempt: number, channel, probe, variant.
planned() {
  rows "$1/trials.csv" trial,channel,probe,variant | sort -n -u
}

whole=$folder tiny=$varied
begin --repetitions 2
await_trials 7
kill -KILL "$driver"
stop_waiting "$soon"
wait_for "$soon" is_rest_gone
run "$bench" run --resume "$folder" --certs "$scratch/certs"
exits 'killed: the run goes on, to the end' 0
is '... with the trials that it would have had' "$(planned "$folder")" "$(planned "$whole")"
is '... each block is whole in its last attempt' \
  "$(rows "$folder/trials.csv" block,attempt | sort | uniq -c | awk '
    { split($2, key, "|"); n[key[1]] = $1 }
    END { print n[1], n[2] }')" '12 12'
is '... no key is there twice' \
  "$(rows "$folder/proofs.csv" block,attempt,channel,variant,proof | sort | uniq -d
    rows "$folder/trials.csv" trial,attempt | sort | uniq -d)" ''

# tampered NAME WORDS FILE SED: a run with that file edited cannot go on.
tampered() {
  rm -rf "$scratch/tampered"
  cp -r "$folder" "$scratch/tampered"
  sed -i -e "$4" "$scratch/tampered/$3"
  run "$bench" run --resume "$scratch/tampered" --certs "$scratch/certs"
  exits "$1: is refused" 2
  contains '... that is said' "$err" "$2"
}
tampered 'other values' 'scenario.ini is not the scenario that the run began with' \
  scenario.ini 's/^\(probe.delivery.payload\) = .*/\1 = 1KiB 31B/'
tampered 'a trial of another variant' "payload=31B' is not as planned; trial " \
  trials.csv 's/payload=30B/payload=31B/'
tampered 'a proof of another variant' "variant: 'suites=X' is no variant of this channel" \
  proofs.csv "s/suites=$chacha\$/suites=X/"

# ---- what is refused ----

# refused NAME WORDS LINE: as the first line of [vary]; nothing is started.
refused() {
  sed "s/^\[vary\]/&\n$3/" "$varied" >"$scratch/bad.ini"
  measure "$scratch/bad.ini"
  exits "$1: is refused" 2
  contains '... with its place and why' "$err" \
    "bad.ini:$(($(grep -n '^\[vary\]' "$varied" | cut -d : -f 1) + 1)): [vary] $2"
  is '... and nothing is started' "$folder" ''
}
refused 'a setting of the whole run' \
  'telemetry.payload: is the same for a whole run; ' 'telemetry.payload = 30B 1KiB'
refused 'the baseline' 'channel.plain.tls.suites: plain is the baseline' \
  'channel.plain.tls.suites = A'
refused 'a control' 'channel.plain-again.tls.suites: plain-again is a control' \
  'channel.plain-again.tls.suites = A'
refused 'a value out of bounds' "probe.transport.duration: '1ms' is out of bounds" \
  'probe.transport.duration = 1s 1ms'
refused 'a value twice' "probe.transport.duration: names '1000ms' twice" \
  'probe.transport.duration = 1s 1000ms'
refused 'a combination that cannot be' \
  "channel.mutual-tls.tls.max_version: with max_version=1.2 suites=$aes: tls.max_version: " \
  'channel.mutual-tls.tls.max_version = 1.2 1.3'
run "$bench" check "$varied" --set vary.channel.gone.tls.suites=A
exits 'on the command line: is refused' 2
contains '... with its place and why' "$err" \
  "--set vary.channel.gone.tls.suites: 'gone' is none of the channels"

run "$bench" check "$varied" --set vary.probe.transport.warmup='0s 1s 2s' \
  --set vary.probe.transport.duration="$(seq -f '%gs' -s ' ' 1 25)"
exits 'too many combinations: are refused' 2
contains '... with what to do' "$err" 'more than 256 trials of every block; vary less at a time'

finish
