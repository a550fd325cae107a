#!/bin/sh
# Post-quantum TLS with the real broker: where this OpenSSL has it, groups, key types and mixed
# chains are measured and proven; where it has not, their trials are skipped with the reason, which
# is known beforehand.
. "$(dirname "$0")/real.sh"
need_command openssl

# Both shipped channels beside the classical one.
measure_shipped() {
  measure "$tiny" --quiet --channels 'mutual-tls mutual-tls-pq-kex mutual-tls-pq' \
    --probes transport
}

# ---- not here ----

if ! openssl list -signature-algorithms | grep -q ML-DSA; then
  version=$(openssl version | sed 's/^\(OpenSSL [0-9]*\.[0-9]*\).*/\1/')
  kem="host local: $version has no ML-KEM: Debian 13 has"
  dsa="host local: $version has no ML-DSA: Debian 13 has"

  run "$bench" check "$tiny" --channels 'mutual-tls-pq-kex mutual-tls-pq' \
    --set scenario.baseline=mutual-tls-pq
  exits 'check: a channel that cannot be had here is no error' 0
  contains '... which it says of the groups' "$out" "cannot be had: $kem"
  contains '... and of the keys' "$out" "cannot be had: $dsa"
  run "$bench" doctor "$tiny" --channels 'mutual-tls mutual-tls-pq-kex'
  matches 'doctor: the host lacks it' "$out" \
    "^  mechanism\.tls +possible: all but post-quantum channels; $version has no ML-KEM"
  matches '... and which channel will be skipped' "$out" "^  skipped\.mutual-tls-pq-kex +$kem"
  lacks '... and no other' "$out" 'skipped.mutual-tls '

  measure_shipped
  exits 'a run with such channels succeeds' 0
  is '... what can be had is measured' "$(rows "$folder/trials.csv" status channel=mutual-tls |
    sort -u)" ok
  is '... the rest skipped, with the reason' \
    "$(rows "$folder/trials.csv" status,reason channel=mutual-tls-pq-kex | sort -u)" \
    "skipped|$kem"
  is '... of the keys' "$(rows "$folder/trials.csv" status,reason channel=mutual-tls-pq |
    sort -u)" "skipped|$dsa"
  check '... and has no certificates' test ! -e "$scratch/certs/mldsa-65"
  run "$bench" report "$folder"
  exits '... it can be reported' 0
  contains '... which repeats the reason' "$(cat "$folder/report.html")" "$kem"
  finish
fi

# ---- here ----

measure_shipped
exits 'the shipped channels: the run succeeds' 0
is '... all is ok' "$(rows "$folder/trials.csv" status | sort -u)" ok
is '... and proven' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
is '... under the group asked for' "$(rows "$folder/trials.csv" channel,tls_group |
  grep -- -pq | sort)" 'mutual-tls-pq-kex|X25519MLKEM768
mutual-tls-pq|X25519MLKEM768'
run "$bench" doctor "$tiny"
matches 'doctor says so' "$out" '^  mechanism\.tls +possible: also with ML-KEM and ML-DSA$'
finish
