#!/bin/sh
# Two hosts whose OpenSSL is not the same: what their defaults make of a run over TLS, and a
# scenario that names what one of them lacks, is said before anything is made or measured.
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
measure "$tiny" "$@" --channels 'tls mutual-tls-12 mutual-tls' --probes 'transport delivery'
exits 'other default groups there: refused' 3
matches '... the words have what each end negotiates' "$err" "subscriber on $there \
\(OpenSSL 3[^)]*\) .* secp256r1, .* publisher on local \(OpenSSL 3[^)]*\) .* x25519"
contains '... and what helps, for all channels that it is about' "$err" \
  ' --set channel.tls.tls.groups=x25519 --set channel.mutual-tls.tls.groups=x25519'
lacks '... and for no other' "$err" channel.mutual-tls-12
check '... before anything is made' test ! -e "$results" -a ! -e "$scratch/certs"

run "$bench" doctor --broker-host "$there" --set hosts.folder="$same" --set hosts.address=127.0.0.1
exits 'doctor says so beforehand' 3
matches '... with what helps' "$out" '^  IMPOSSIBLE .* --set channel.mutual-tls.tls.groups=x25519'
matches '... and what each would negotiate by itself' "$out" \
  '^  tls_by_default +TLSv1.3 TLS_[A-Z0-9_]+ secp256r1$'

measure "$tiny" "$@" --channels tls --probes 'transport delivery' \
  --set channel.tls.tls.groups=X25519
exits 'as the words say it: the run succeeds' 0
is '... all of it under that group' \
  "$(rows "$folder/trials.csv" status,tls_group | sort -u)" 'ok|x25519'
measure "$tiny" "$@" --channels tls --probes transport
exits 'where nobody subscribes, defaults may differ' 0

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
