#!/bin/sh
# Two hosts whose OpenSSL is not the same: the channels measure the same nevertheless. What the
# hosts' defaults make of a run over TLS that leaves the group to them, and a scenario that names
# what one of them lacks, is said before anything is made or measured.
# shellcheck disable=SC2317 # functions are called by name
# In a network of its own: for a broker at a port that is free.
. "$(dirname "$0")/alone.sh"
. "$(dirname "$0")/real.sh"

# The broker's host: this machine, under an openssl.cnf of its own.
other() { # LINE...
  {
    printf 'openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n'
    printf '%s\n' "$@"
  } >"$scratch/openssl.cnf"
}
there="exec:env OPENSSL_CONF=$scratch/openssl.cnf"
set -- --quiet --broker-host "$there" --set hosts.folder="$same" --set scenario.baseline=tls

# ---- defaults that differ ----

other 'Groups = P-256:X25519'
run "$bench" doctor --broker-host "$there" --set hosts.folder="$same" --set hosts.address=127.0.0.1
exits 'doctor finds nothing wrong with them' 0
by_default='--set channel.tls.tls.groups=default --set channel.mutual-tls.tls.groups=default'
# shellcheck disable=SC2086 # a list
measure "$tiny" "$@" --channels 'tls mutual-tls-12 mutual-tls' --probes 'transport delivery' \
  $by_default
exits 'other default groups there: refused' 3
matches '... the words have what each end negotiates' "$err" "subscriber on $there \
\(OpenSSL 3[^)]*\) .* secp256r1, .* publisher on local \(OpenSSL 3[^)]*\) .* x25519"
contains '... and what helps, for all channels that it is about' "$err" \
  ' --set channel.tls.tls.groups=x25519 --set channel.mutual-tls.tls.groups=x25519'
lacks '... and for no other' "$err" channel.mutual-tls-12
check '... before anything is made' test ! -e "$results" -a ! -e "$scratch/certs"

run "$bench" doctor --broker-host "$there" --set hosts.folder="$same" \
  --set hosts.address=127.0.0.1 --set channel.mutual-tls.tls.groups=default
exits 'doctor says so beforehand' 3
matches '... with what helps' "$out" '^  IMPOSSIBLE .* --set channel.mutual-tls.tls.groups=x25519'
matches '... and what each would negotiate by itself' "$out" \
  '^  tls_by_default +TLSv1.3 TLS_[A-Z0-9_]+ secp256r1$'

if ! openssl list -signature-algorithms | grep -q ML-DSA; then
  measure "$tiny" "$@" --channels 'tls pq' --probes 'transport delivery' \
    --set channel.pq.inherits=tls --set channel.pq.tls.groups=default \
    --set channel.pq.tls.key_type=mldsa:65
  exits 'a channel that is skipped needs no group' 0
  is '... the other is measured' "$(rows "$folder/trials.csv" channel,status | sort -u)" \
    'pq|skipped
tls|ok'
fi

measure "$tiny" "$@" --channels 'tls mutual-tls-12 mutual-tls' --probes 'transport delivery'
exits 'as shipped: the run succeeds' 0
pinned=$folder
is '... all of it under one group and signature' "$(rows "$folder/trials.csv" \
  status,tls_group,tls_signature | sort -u)" 'ok|x25519|ecdsa_secp256r1_sha256'
measure "$tiny" "$@" --channels tls --probes transport --set channel.tls.tls.groups=default
exits 'where nobody subscribes, defaults may differ' 0
measure "$tiny" "$@" --channels tls --probes transport --set channel.tls.tls.groups=P-384
run "$bench" report "$pinned" "$folder"
exits 'both side by side' 0
contains '... are said not to be the same handshake' "$out" \
  'tls: group x25519 in A; secp384r1 in B: not the same handshake'
lacks '... but for what is the same' "$out" 'signature'

# ---- further publishers' hosts, which have none but members of a fleet ----

further() { # [OPTION...]: the last of two publishers' hosts has that openssl.cnf
  measure "$tiny" --quiet --broker-host 'exec:env BESIDE=1' --publisher-host local \
    --publisher-host "$there" --set hosts.folder="$same" --channels tls \
    --set scenario.baseline=tls --set channel.tls.tls.groups=default \
    --set channel.tls.tls.suites=default --set fleet.clients=6 --set probe.fleet.warmup=0s \
    --set probe.fleet.duration=300ms --set probe.fleet.interval=100ms "$@"
}
other 'Groups = P-256'
further --probes fleet
exits 'other default groups at a further publisher'\''s host: refused' 3
matches '... which is named, not the first' "$err" "subscriber on exec:env BESIDE=1 \
\(OpenSSL 3[^)]*\) .*, broker and publisher on $there \(OpenSSL 3[^)]*\) on secp256r1, "
further --probes delivery
exits '... but not where nobody publishes there' 0

other 'Ciphersuites = TLS_CHACHA20_POLY1305_SHA256'
further --probes fleet
is 'another suite there: the trial is void' "$status, $(rows "$folder/trials.csv" status)" '1, void'
matches '... and its host named' "$(rows "$folder/trials.csv" reason)" "client2 on $there has \
TLSv1.3 TLS_CHACHA20_POLY1305_SHA256 .*, the channel's client2 on local has TLSv1.3 TLS_AES_"

# ---- of somebody else's broker nobody knows the defaults ----

other 'Groups = P-256:X25519'
run "$bench" certs make --certs "$scratch/certs" --set hosts.address=127.0.0.1
printf '%s\n' 'user root' 'listener 8883 127.0.0.1' 'allow_anonymous true' \
  "certfile $scratch/certs/broker/broker.crt" "keyfile $scratch/certs/broker/broker.key" \
  >"$scratch/theirs.conf"
mosquitto -c "$scratch/theirs.conf" >"$scratch/theirs.log" 2>&1 &
theirs=$!
is_listening() {
  ss -Hltn 'sport = :8883' | grep -q .
}
check 'a broker of somebody else comes up' wait_for "$soon" is_listening
set -- "$@" --set channel.x.use='external tls' --set channel.x.external.address=127.0.0.1 \
  --set channel.x.external.port=8883 --set channel.x.external.ca="$scratch/certs/ca/ca.crt"
measure "$tiny" "$@" --channels x --probes 'transport delivery' --set scenario.baseline=x
kill -TERM "$theirs"
is 'its deliveries are void, all else is measured' "$status, $(rows "$folder/trials.csv" \
  probe,status | sort)" '1, delivery|void
transport|ok'
matches '... the reason has what each end has, and what helps' \
  "$(rows "$folder/trials.csv" reason status=void)" "client1 on $there has TLSv1.3 .* secp256r1 \
ecdsa_[a-z0-9_]*, the channel's client2 on local has TLSv1.3 .* [xX]25519[A-Z0-9]* \
ecdsa_[a-z0-9_]*; .* \
\(tls.groups\)$"

# ---- what one host lacks ----

other 'CipherString = DEFAULT:@SECLEVEL=4'
measure "$tiny" "$@" --channels tls --probes transport \
  --set channel.tls.tls.suites=TLS_AES_128_GCM_SHA256
exits 'a suite that one host may not use: refused' 3
matches '... the words name the host, its OpenSSL, the channel and the suite' "$err" "host $there \
\(OpenSSL 3[^)]*\): channel tls: tls.suites: 'TLS_AES_128_GCM_SHA256' .*; .* both hosts"
check '... before anything is measured' test ! -e "$results"

is 'no broker'\''s folder stays' "$(list_brokers)" ''
finish
