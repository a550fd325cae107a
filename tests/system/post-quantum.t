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

# ---- here: as shipped ----

measure_shipped
exits 'the shipped channels: the run succeeds' 0
is '... all is ok' "$(rows "$folder/trials.csv" status | sort -u)" ok
is '... and proven' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
is '... a client with classical groups alone is turned away' \
  "$(rows "$folder/proofs.csv" channel,cause proof=other-group-refused | grep -- -pq | sort)" \
  'mutual-tls-pq-kex|alert 40 handshake_failure
mutual-tls-pq|alert 40 handshake_failure'
is '... and one with the group asked for alone let in' \
  "$(rows "$folder/proofs.csv" channel,cause proof=asked-group-accepted | sort)" \
  'mutual-tls-pq-kex|connack 0
mutual-tls-pq|connack 0'
is '... group and signature are those asked for' \
  "$(rows "$folder/trials.csv" channel,tls_group,tls_signature | grep -- -pq | sort)" \
  'mutual-tls-pq-kex|X25519MLKEM768|ecdsa_secp256r1_sha256
mutual-tls-pq|X25519MLKEM768|mldsa65'
is '... and one with a classical certificate is turned away' \
  "$(rows "$folder/proofs.csv" channel,cause proof=classical-refused)" \
  'mutual-tls-pq|alert 116 certificate_required'
run "$bench" doctor "$tiny"
matches 'doctor says so' "$out" '^  mechanism\.tls +possible: also with ML-KEM and ML-DSA$'

# ---- each group, each level, mixed chains: bytes by OpenSSL's client and by a capture ----

port=$((20000 + $$ % 5000 * 2))

# shellcheck disable=SC2317 # called by wait_for
listens() {
  grep -qi "$(printf ':%04X 00000000:0000 0A' "$port")" /proc/net/tcp
}

# shellcheck disable=SC2317 # called by wait_for
# s_client STORE GROUP SIGNATURES: into $client, by client2's certificate, what a handshake is:
# without what the probe's client does not offer.
s_client() {
  openssl s_client -connect "127.0.0.1:$port" -tls1_3 -groups "$2" -sigalgs "$3" \
    -ciphersuites TLS_AES_256_GCM_SHA384 -noservername -no_ticket -no_rx_cert_comp \
    -no_tx_cert_comp -CAfile "$scratch/certs/$1/client2/ca.crt" \
    -cert "$scratch/certs/$1/client2/client2.crt" -key "$scratch/certs/$1/client2/client2.key" \
    </dev/null >"$scratch/s_client" 2>&1
  client=$(sed -n 's/^Negotiated TLS1.3 group: //p; s/^Peer signature type: //p
    s/^SSL handshake has read \([0-9]*\) bytes and written \([0-9]*\) bytes$/\1 \2/p' \
    "$scratch/s_client" | sort | tr '\n' ' ')
  [ -n "$client" ]
}

# of_capture FILTER FIELD...: what tshark has of the run's connections.
of_capture() {
  capture_filter=$1
  shift
  for capture_field; do
    set -- "$@" -e "$capture_field"
    shift
  done
  tshark -n -r "$scratch/wire.pcapng" -Y "$capture_filter" -T fields "$@" 2>/dev/null
}

# "SENT RECEIVED", of TCP payload, as most connections have it: up to the last words of the client,
# which are its DISCONNECT.
usual_bytes() {
  of_capture 'tcp.len > 0 && !tcp.analysis.retransmission' tcp.stream tcp.dstport tcp.len |
    awk -v broker="$port" '
      $2 == broker { before[$1] = up[$1] " " down[$1]; up[$1] += $3 }
      $2 != broker { down[$1] += $3 }
      END { for (stream in before) print before[stream] }' |
    sort | uniq -c | sort -n | awk 'END { print $2, $3 }'
}

value() { # METRIC
  rows "$folder/metrics.csv" value process=client metric="$1"
}

while read -r group number key ca signature store more; do
  name="$key by $ca, $group"
  if has_command dumpcap; then
    rm -f "$scratch/wire.pcapng"
    PATH=$PATH:/usr/sbin dumpcap -q -i lo -f "tcp port $port" -B 64 -w "$scratch/wire.pcapng" \
      >"$scratch/dumpcap.log" 2>&1 &
    dumpcap=$!
    wait_for "$soon" test -s "$scratch/wire.pcapng"
  fi
  begin --quiet --channels pq --set scenario.baseline=pq --set channel.pq.inherits=mutual-tls \
    --set "channel.pq.tls.groups=$group" --set "channel.pq.tls.key_type=$key" \
    --set "channel.pq.tls.ca_key_type=$ca" --set channel.pq.tls.resumption=none \
    --set "broker.port=$port" --probes connect --set probe.connect.warmup=0s \
    --set probe.connect.duration=1s
  wait_for "$soon" listens
  wait_for "$soon" s_client "$store" "$group" "$signature${more:+:$more}"
  stop_waiting 120
  folder=$(find_run)
  exits "$name: the run succeeds" 0
  is '... group and signature are those asked for' \
    "$(rows "$folder/trials.csv" status,tls_group,tls_signature)" "ok|$group|$signature"
  is '... all proofs held' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
  is '... as openssl s_client has them, and the bytes of a handshake' "$client" \
    "$(printf '%s\n' "$(value tls_bytes_received) $(value tls_bytes_sent)" "$group" \
      "$signature" | sort | tr '\n' ' ')"
  if has_command dumpcap; then
    kill -INT "$dumpcap"
    wait "$dumpcap"
    is '... a capture has the same group alone' \
      "$(of_capture 'tls.handshake.type == 2' tls.handshake.extensions_key_share_group |
        sort -u)" "$number"
    is '... and the bytes of a connection' "$(usual_bytes)" \
      "$(value bytes_sent) $(value bytes_received)"
  fi
done <<'END'
MLKEM512 512 mldsa:44 same mldsa44 mldsa-44
MLKEM768 513 mldsa:65 same mldsa65 mldsa-65
MLKEM1024 514 mldsa:87 same mldsa87 mldsa-87
SecP256r1MLKEM768 4587 ed25519 mldsa:65 ed25519 ed25519-by-mldsa-65 mldsa65
X25519MLKEM768 4588 mldsa:65 ed25519 mldsa65 mldsa-65-by-ed25519 ed25519
SecP384r1MLKEM1024 4589 ed25519 same ed25519 ed25519
END
finish
