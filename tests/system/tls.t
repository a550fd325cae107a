#!/bin/sh
# What TLS can be asked for, with the real broker on one side: versions, ciphers, suites, groups,
# key types, tickets, revocation, shared keys. Each has its proofs, and each proof breaks when what
# it guards is sabotaged. No key is seen where it does not belong.
. "$(dirname "$0")/sabotage.sh"
tls=tls_version,tls_cipher,tls_group,tls_signature

# proofs CHANNEL: the names of those that were made, on one line.
proofs() {
  rows "$folder/proofs.csv" proof channel="$1" | sort | tr '\n' ' '
}

negotiated() { # CHANNEL
  rows "$folder/proofs.csv" observed channel="$1" proof=negotiated-as-asked
}

# ---- as shipped ----

measure "$tiny" --quiet --channels 'tls mutual-tls-crl mutual-tls-12 psk' \
  --set scenario.baseline=tls --probes 'transport delivery'
exits 'all shipped channels of TLS: the run succeeds' 0
always='accepted-after accepted-before'
is 'tls: exactly its proofs were made' "$(proofs tls)" "$always negotiated-as-asked \
older-version-refused other-ca-distrusted other-group-refused other-host-distrusted \
other-suite-refused plaintext-refused ticket-resumes wiretap-payload "
is 'mutual-tls-crl: the same, and those of certificates' "$(proofs mutual-tls-crl)" "$always \
expired-refused negotiated-as-asked no-certificate-refused older-version-refused \
other-ca-distrusted other-group-refused other-host-distrusted other-suite-refused \
plaintext-refused revoked-refused stranger-refused ticket-resumes wiretap-payload "
is 'mutual-tls-12: a newer version and another cipher, too' "$(proofs mutual-tls-12)" "$always \
expired-refused negotiated-as-asked newer-version-refused no-certificate-refused \
older-version-refused other-ca-distrusted other-cipher-refused other-host-distrusted \
other-signature-refused plaintext-refused stranger-refused ticket-resumes wiretap-payload "
is 'psk: keys in place of certificates' "$(proofs psk)" "$always negotiated-as-asked \
newer-version-refused no-key-refused older-version-refused other-cipher-refused \
other-group-refused plaintext-refused ticket-resumes unknown-identity-refused wiretap-payload \
wrong-key-refused "
is 'all of them held' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
is 'a refusal has the cause that it should have' \
  "$(rows "$folder/proofs.csv" proof,cause observed=refused channel=psk | sort)" \
  'newer-version-refused|alert 70 protocol_version
no-key-refused|alert 40 handshake_failure
older-version-refused|alert 70 protocol_version
other-cipher-refused|alert 40 handshake_failure
other-group-refused|alert 40 handshake_failure
plaintext-refused|closed
unknown-identity-refused|alert 115 unknown_psk_identity
wrong-key-refused|alert 20 bad_record_mac'
is 'a revoked certificate, too' "$(rows "$folder/proofs.csv" cause proof=revoked-refused)" \
  'alert 44 certificate_revoked'
is 'psk and its control differ in the certificates alone' \
  "$(negotiated psk | sed 's/-PSK-/-ECDSA-/; s/$/ ecdsa_secp256r1_sha256/')" \
  "$(negotiated mutual-tls-12)"
matches 'which is TLS 1.2 with a fresh exchange of keys' "$(negotiated psk)" \
  '^TLSv1\.2 ECDHE-PSK-CHACHA20-POLY1305 [a-zA-Z0-9]+$'
for probe in transport delivery; do
  is "$probe: as the proofs found it" "$(rows "$folder/trials.csv" \
    "$tls" channel=psk probe=$probe | tr '|' ' ' | sed 's/ $//')" "$(negotiated psk)"
done

# ---- as asked ----

# Channels based on tls: name, settings, what is negotiated, what is refused, the proof of tickets.
channels='' expected='' wanted=''
set -- --quiet --probes 'transport delivery'
while read -r name && read -r settings && read -r session && read -r own; do
  channels="$channels $name" expected="$expected$name $session
" wanted="$wanted$name $own
"
  set -- "$@" --set "channel.$name.inherits=tls"
  for setting in $settings; do
    set -- "$@" --set "channel.$name.tls.$setting"
  done
done <<'END'
suite
suites=TLS_AES_128_CCM_SHA256 groups=P-384
TLSv1.3 TLS_AES_128_CCM_SHA256 secp384r1 ecdsa_secp256r1_sha256
other-group other-suite ticket-resumes
groups
groups=secp521r1:X448 resumption=none
TLSv1.3 TLS_AES_256_GCM_SHA384 secp521r1 ecdsa_secp256r1_sha256
no-ticket-given other-group other-suite
ed25519
key_type=ed25519 groups=prime256v1 suites=TLS_CHACHA20_POLY1305_SHA256
TLSv1.3 TLS_CHACHA20_POLY1305_SHA256 secp256r1 ed25519
other-group other-suite ticket-resumes
rsa
key_type=rsa:2048 min_version=1.2 max_version=1.2 ciphers=ECDHE+AESGCM:!AES256 groups=X25519
TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 x25519 rsa_pss_rsae_sha256
newer-version other-cipher other-group other-signature ticket-resumes
ed12
key_type=ed25519 min_version=1.2 max_version=1.2
TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384 x25519 ed25519
newer-version other-cipher other-group other-signature ticket-resumes
dhe
key_type=rsa:2048 min_version=1.2 max_version=1.2 ciphers=DHE+AES256:ECDHE+AES256 resumption=none
TLSv1.2 DHE-RSA-AES256-GCM-SHA384 rsa_pss_rsae_sha256
newer-version no-ticket-given other-cipher other-signature
system
groups=default suites=default signatures=default
TLSv1.3 TLS_AES_256_GCM_SHA384 GROUP ecdsa_secp256r1_sha256
ticket-resumes
END
group=$(openssl version | grep -q ' 3\.[0-4]\.' && echo x25519 || echo X25519MLKEM768)
expected=$(printf %s "$expected" | sed "s/GROUP/$group/")
measure "$tiny" "$@" --channels "$channels" --set scenario.baseline=suite
exits 'other settings: the run succeeds' 0
is 'every proof held' "$(rows "$folder/proofs.csv" channel,proof,cause verdict=broken)" ''
is 'what was asked for was negotiated' "$(for name in $channels; do
  echo "$name $(negotiated "$name")"
done)" "$(printf %s "$expected")"
is 'and the broker takes nothing else' "$(for name in $channels; do
  echo "$name $(rows "$folder/proofs.csv" proof channel="$name" | sed 's/-refused$//' |
    grep -E '^(newer|no-ticket|other-(cipher|group|signature|suite)|ticket)' | sort | tr '\n' ' ')"
done)" "$(printf %s "$wanted" | sed 's/$/ /')"
is 'all trials have it' "$(rows "$folder/trials.csv" "channel,$tls" \
  status=ok | sort -u | tr -s '|' ' ')" "$(printf %s "$expected" | sort)"
set --
for cipher in PSK-AES128-GCM-SHA256 DHE-PSK-AES128-GCM-SHA256:ECDHE-PSK-CHACHA20-POLY1305 \
  PSK-AES128-CCM8:@SECLEVEL=0; do
  set -- "$@" --set "channel.psk.psk.ciphers=$cipher" --set channel.psk.psk.resumption=none
  measure "$tiny" --quiet --channels psk --set scenario.baseline=psk "$@" \
    --probes 'transport delivery' --set channel.psk.psk.key_size=16B
  is "psk by $cipher" "$status, $(rows "$folder/trials.csv" tls_cipher,status | sort -u)" \
    "0, ${cipher%%:*}|ok"
done

# ---- seen from outside ----

# outside CHANNEL: what OpenSSL's own client, which offers all that it knows, negotiates with a
# broker of that channel's configuration: version, suite, group and signature.
outside() {
  outside_port=$(sed -n 's/^listener \([0-9]*\) .*/\1/p' "$scratch/$1.conf")
  OPENSSL_CONF=$scratch/$1.cnf "$broker" -c "$scratch/$1.conf" 2>"$scratch/$1.log" &
  outside_broker=$!
  wait_for "$soon" grep -q ' running$' "$scratch/$1.log"
  outside_store=$(sed -n 's/^certfile \(.*\)\/broker\/broker.crt$/\1/p' "$scratch/$1.conf")
  openssl s_client -connect "127.0.0.1:$outside_port" -CAfile "$outside_store/ca/ca.crt" \
    -cert "$outside_store/client1/client1.crt" -key "$outside_store/client1/client1.key" \
    </dev/null 2>&1 | awk '
    /^New, / { version = $2; suite = $NF; sub(",", "", version) }
    /^(Server|Peer) Temp Key: / { group = $4; sub(",", "", group) }
    /^Peer signing digest: / { digest = $NF }
    /^Peer signature type: / { signature = $NF }
    END { print version, suite, tolower(group), signature (signature ~ /_/ ? "" : digest) }' |
    sed 's/ECDSASHA256$/ecdsa_secp256r1_sha256/; s/RSA-PSSSHA256$/rsa_pss_rsae_sha256/
      s/Ed25519$/ed25519/'
  kill -TERM "$outside_broker"
  wait "$outside_broker"
}
# shellcheck disable=SC2016 # expanded there
printf '%s\n' 'grep -q ^certfile "$conf" || return 0' 'cp "$conf" "$scratch/$channel.conf"' \
  'cp "$private/openssl.cnf" "$scratch/$channel.cnf"' >"$scratch/sabotage"
for channel in tls mutual-tls mutual-tls-12 rsa ed; do
  export channel
  measure "$tiny" --quiet --channels "$channel" --set scenario.baseline="$channel" \
    --probes delivery --set channel.rsa.inherits=mutual-tls --set channel.ed.inherits=tls \
    --set channel.rsa.tls.key_type=rsa:2048 --set channel.ed.tls.key_type=ed25519
  is "$channel: OpenSSL's client negotiates what trials.csv has" "$(outside "$channel")" \
    "$(rows "$folder/trials.csv" "$tls" | tr '|' ' ')"
done
spare

# ---- sabotage ----

sabotage 'a newer version is spoken' mutual-tls-12 newer-version-refused <<'END'
sed -i '/^MaxProtocol/d' "$private/openssl.cnf"
END

sabotage 'other ciphers will do' mutual-tls-12 other-cipher-refused <<'END'
sed -i '/^ciphers/d' "$conf"
END

sabotage 'other suites and groups will do' tls 'other-suite-refused other-group-refused' <<'END'
sed -i '/^ciphers_tls1.3/d' "$conf"
sed -i '/^Groups/d' "$private/openssl.cnf"
END

sabotage 'other groups of TLS 1.2 will do' psk other-group-refused <<'END'
sed -i '/^Groups/d' "$private/openssl.cnf"
END

sabotage 'other signatures will do' mutual-tls-12 other-signature-refused <<'END'
sed -i '/^SignatureAlgorithms/d' "$private/openssl.cnf"
END

sabotage 'tickets are given' tls no-ticket-given --set channel.tls.tls.resumption=none <<'END'
sed -i '/^Options\|^NumTickets/d' "$private/openssl.cnf"
END

sabotage 'tickets for the cache are given' tls no-ticket-given \
  --set channel.tls.tls.resumption=none <<'END'
sed -i '/^NumTickets/d' "$private/openssl.cnf"
END

sabotage 'no tickets are given' mutual-tls-12 ticket-resumes <<'END'
printf 'Options = -SessionTicket\n' >>"$private/openssl.cnf"
END

sabotage 'nobody looks for what was revoked' mutual-tls-crl revoked-refused <<'END'
sed -i '/^crlfile/d' "$conf"
END

sabotage 'an identity that should not be known is' psk unknown-identity-refused <<'END'
sed 's/^./x/' "$private/keys" >"$private/more" && cat "$private/more" >>"$private/keys"
END

sabotage 'the wrong key is the right one' psk 'accepted-before accepted-after negotiated-as-asked
  ticket-resumes wiretap-payload wrong-key-refused' <<'END'
awk -F : '{ print $1 ":" ($2 ~ /^0/ ? 1 : 0) substr($2, 2) }' "$private/keys" >"$private/other"
cat "$private/other" >"$private/keys"
END

sabotage 'no key is asked for' psk 'accepted-before accepted-after negotiated-as-asked
  newer-version-refused no-key-refused older-version-refused other-cipher-refused
  other-group-refused plaintext-refused ticket-resumes unknown-identity-refused wiretap-payload
  wrong-key-refused' <<'END'
sed -i '/^psk\|^ciphers\|^tls_version/d' "$conf"
END

# ---- the key ----

key=5ec7e7000102030405060708090a0b0c0d0e0f1011121314151617181a1b1c1d
printf '%s\n' "$key" >"$scratch/key"
chmod 600 "$scratch/key"
spare
measured=$((measured + 1))
results=$scratch/results.$measured
start "$bench" run "$tiny" --channels 'plain psk' --verbose --set probe.path.duration=2s \
  --set channel.psk.psk.secret="file:$scratch/key" --output "$results" --certs "$scratch/certs"
watch_run 240
folder=$(find_run)
exits 'a key of the user'\''s is used' 0
check 'the run was looked at' grep -qF 'worker path-client' "$scratch/seen"
is 'the key is in no command line nor environment' "$(grep -ci "$key" "$scratch/seen")" 0
is 'nor in what was said' "$(printf '%s\n' "$out" "$err" | grep -ci "$key")" 0
is 'nor in any file of the run' "$(grep -rliF "$key" "$folder")" ''
contains 'where it is stands in scenario.ini' "$(cat "$folder/scenario.ini")" \
  "psk.secret = file:$scratch/key"
printf 'correct horse battery staple\n' >"$scratch/key"
measure "$tiny" --channels psk --set scenario.baseline=psk \
  --set channel.psk.psk.secret="file:$scratch/key"
exits 'a file without a key' 3
contains 'is named, with the remedy' "$err" "psk.secret: the first line of file:$scratch/key is no"
lacks 'without what is in it' "$err" horse
check 'before anything starts' test ! -e "$results"

# ---- an address that means something on one link only ----

alone='ip link set lo up && ip -6 address add fe80::1/64 dev lo && exec "$@"'
as_user=$([ "$(id -u)" = 0 ] || echo --map-root-user)
PATH=$PATH:/usr/sbin:/sbin
# shellcheck disable=SC2086 # one option or none
if unshare $as_user --net sh -c "$alone" - true 2>/dev/null; then
  measured=$((measured + 1))
  results=$scratch/results.$measured
  run unshare $as_user --net sh -c "$alone" - "$bench" run "$tiny" --quiet --channels tls \
    --set scenario.baseline=tls --probes 'transport delivery' --set hosts.address=fe80::1%lo \
    --output "$results" --certs "$scratch/certs-link"
  folder=$(find_run)
  exits 'a link-local address with the name of its interface: the run succeeds' 0
  is 'the interface is no part of the address that is certified' \
    "$(rows "$folder/proofs.csv" verdict | sort -u)" held
else
  skip 'a link-local address' 'no network can be made here'
fi

is 'no broker'\''s folder stays' "$(list_brokers)" ''
finish
