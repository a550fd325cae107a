#!/bin/sh
# Post-quantum TLS with the real broker: where this OpenSSL has it, groups, key types and mixed
# chains are measured and proven, and each proof breaks when what it guards is sabotaged; where it
# has not, their trials are skipped with the reason, which is known beforehand.
. "$(dirname "$0")/sabotage.sh"
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

# ---- sabotage ----

sabotage 'classical groups will do' mutual-tls-pq-kex other-group-refused <<'END'
sed -i '/^Groups/d' "$private/openssl.cnf"
END

sabotage 'one of the groups asked for will not do' mutual-tls-pq-kex asked-group-accepted \
  --set channel.mutual-tls-pq-kex.tls.groups=X25519MLKEM768:MLKEM1024 <<'END'
sed -i 's/^Groups .*/Groups = X25519MLKEM768/' "$private/openssl.cnf"
END

sabotage 'classical certificates will do' mutual-tls-pq classical-refused <<'END'
sed -i '/^SignatureAlgorithms/d' "$private/openssl.cnf"
END
spare

# ---- each group, each level, mixed chains: by OpenSSL's client and by a capture ----

port=$((20000 + $$ % 5000 * 2))

# shellcheck disable=SC2317 # called by wait_for
listens() {
  grep -qi "$(printf ':%04X 00000000:0000 0A' "$port")" /proc/net/tcp
}

# shellcheck disable=SC2317 # called by wait_for
# s_client STORE GROUP SIGNATURES: into $client, by client2's certificate, what a handshake is, and
# into $client_bytes, how many were read and written: without what the probe's client does not
# offer.
s_client() {
  openssl s_client -connect "127.0.0.1:$port" -tls1_3 -groups "$2" -sigalgs "$3" \
    -ciphersuites TLS_AES_256_GCM_SHA384 -noservername -no_ticket -no_rx_cert_comp \
    -no_tx_cert_comp -keylogfile "$scratch/secrets" \
    -CAfile "$scratch/certs/$1/client2/ca.crt" -cert "$scratch/certs/$1/client2/client2.crt" \
    -key "$scratch/certs/$1/client2/client2.key" </dev/null >"$scratch/s_client" 2>&1
  client=$(sed -n 's/^Negotiated TLS1.3 group: //p; s/^Peer signature type: //p' \
    "$scratch/s_client" | sort | tr '\n' ' ')
  client_bytes=$(sed -n 's/^SSL handshake has read \([0-9]*\) .* written \([0-9]*\) .*/\1 \2/p' \
    "$scratch/s_client")
  [ -n "$client" ]
}

# shellcheck disable=SC2317 # called by wait_for
has_begun() { # or never will
  [ -s "$scratch/wire.pcapng" ] || is_gone "$dumpcap"
}

# Of the broker's port; a capture begins when its file has a header.
capture() {
  rm -f "$scratch/wire.pcapng" "$scratch/secrets"
  PATH=$PATH:/usr/sbin dumpcap -q -i lo -f "tcp port $port" -B 64 -w "$scratch/wire.pcapng" \
    >"$scratch/dumpcap.log" 2>&1 &
  dumpcap=$!
  wait_for "$soon" has_begun && [ -s "$scratch/wire.pcapng" ]
}

# of_capture FILTER FIELD...: what tshark has of the run's connections.
of_capture() {
  capture_filter=$1
  shift
  for capture_field; do
    set -- "$@" -e "$capture_field"
    shift
  done
  tshark -n -r "$scratch/wire.pcapng" -o "tls.keylog_file:$scratch/secrets" -Y "$capture_filter" \
    -T fields "$@" 2>/dev/null
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

# What both ends of s_client's connection, whose secrets are known, have signed with: the last of a
# packet's schemes is that of its CertificateVerify.
signed() {
  of_capture 'tls.handshake.type == 15' tls.handshake.sig_hash_alg | sed 's/.*,//' | sort -u
}

value() { # METRIC
  rows "$folder/metrics.csv" value process=client metric="$1"
}

same_bytes() { # NAME GOT EXPECTED: what ECDSA signs with varies in length
  if [ "$signature" != ecdsa_secp256r1_sha256 ]; then
    is "$1" "$2" "$3"
    return
  fi
  # shellcheck disable=SC2016 # awk's
  check "$1" awk -v got="$2" -v expected="$3" 'BEGIN {
    n = split(got, one)
    for (bad = split(expected, other) != n || !n; n; n--)
      bad += (one[n] - other[n]) ^ 2 > 64
    exit bad > 0
  }'
}

while read -r group number key ca signature scheme store more; do
  name="$key by $ca, $group"
  captured=no why='tshark is not installed'
  if has_command tshark; then
    capture && captured=yes || why="no capture: $(tail -n 1 "$scratch/dumpcap.log")"
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
  case $signature:$more in
  mldsa??: | mldsa??:mldsa??) is '... no classical key is let in' \
    "$(rows "$folder/proofs.csv" proof proof=classical-refused)" classical-refused ;;
  *) is '... classical keys are not said to be kept out' \
    "$(rows "$folder/proofs.csv" proof proof=classical-refused)" '' ;;
  esac
  is '... as openssl s_client has them' "$client" \
    "$(printf '%s\n' "$group" "$signature" | sort | tr '\n' ' ')"
  same_bytes '... and the bytes of a handshake' "$client_bytes" \
    "$(value tls_bytes_received) $(value tls_bytes_sent)"
  same_bytes '... both ways' "$(value handshake_bytes)" \
    "$(echo "$client_bytes" | awk '{ print $1 + $2 }')"
  if [ "$captured" = no ]; then
    skip '... a capture has the same' "$why"
    continue
  fi
  kill -INT "$dumpcap"
  wait "$dumpcap"
  is '... a capture has the same group alone' \
    "$(of_capture 'tls.handshake.type == 2' tls.handshake.extensions_key_share_group |
      sort -u)" "$number"
  is '... the same signature' "$(signed)" "$scheme"
  same_bytes '... and the bytes of a connection' "$(usual_bytes)" \
    "$(value bytes_sent) $(value bytes_received)"
done <<'END'
X25519MLKEM768 4588 ec:P-256 same ecdsa_secp256r1_sha256 0x0403 .
X25519MLKEM768 4588 mldsa:65 same mldsa65 0x0905 mldsa-65
MLKEM512 512 mldsa:44 same mldsa44 0x0904 mldsa-44
MLKEM1024 514 mldsa:87 same mldsa87 0x0906 mldsa-87
SecP256r1MLKEM768 4587 ed25519 mldsa:65 ed25519 0x0807 ed25519-by-mldsa-65 mldsa65
MLKEM768 513 mldsa:65 ed25519 mldsa65 0x0905 mldsa-65-by-ed25519 ed25519
SecP384r1MLKEM1024 4589 ed25519 same ed25519 0x0807 ed25519
END
finish
