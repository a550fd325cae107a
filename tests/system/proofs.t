#!/bin/sh
# The proofs of every shipped channel hold; and each breaks when what it guards is sabotaged: by a
# program called mosquitto, first on PATH, that spoils the configuration and then is the real one.
. "$(dirname "$0")/sabotage.sh"
session=tls_version,tls_cipher,tls_group,tls_signature
need_command openssl
BENCH_CA_PASSPHRASE='known to this test'
export BENCH_CA_PASSPHRASE

# ---- as shipped ----

measure "$tiny" --channels 'plain password mutual-tls mutual-tls-password' --probes \
  'path transport delivery' --quiet
exits 'all shipped channels: the run succeeds' 0
always='accepted-before accepted-after wiretap-payload'
password='anonymous-refused wrong-password-refused wiretap-password'
tls='negotiated-as-asked plaintext-refused older-version-refused other-ca-distrusted
  other-group-refused other-host-distrusted other-suite-refused
  ticket-resumes'
certificate='no-certificate-refused stranger-refused expired-refused'
sorted() { # WORD...
  printf '%s\n' "$@" | sort
}
while read -r channel proofs; do
  expected=$always
  for mechanism in $proofs; do
    case $mechanism in
    password) expected="$expected $password" ;;
    tls) expected="$expected $tls" ;;
    certificate) expected="$expected $certificate" ;;
    esac
  done
  # shellcheck disable=SC2086 # a list
  is "$channel: exactly its proofs were made" \
    "$(rows "$folder/proofs.csv" proof channel="$channel" | sort)" "$(sorted $expected)"
done <<'END'
plain
password password
mutual-tls tls certificate
mutual-tls-password tls certificate password
END
is 'all of them held' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
is 'the wiretap sees what is not encrypted, and nothing else' \
  "$(rows "$folder/proofs.csv" channel,proof,observed | grep wiretap | sort)" \
  'mutual-tls-password|wiretap-password|absent
mutual-tls-password|wiretap-payload|absent
mutual-tls|wiretap-payload|absent
password|wiretap-password|visible
password|wiretap-payload|visible
plain|wiretap-payload|visible'
is 'a refusal has the cause that it should have' \
  "$(rows "$folder/proofs.csv" proof,cause channel=mutual-tls-password observed=refused | sort)" \
  'anonymous-refused|connack 5
expired-refused|alert 45 certificate_expired
no-certificate-refused|alert 116 certificate_required
older-version-refused|alert 70 protocol_version
other-ca-distrusted|verify 19 self-signed certificate in certificate chain
other-group-refused|alert 40 handshake_failure
other-host-distrusted|verify 62 hostname mismatch
other-suite-refused|alert 40 handshake_failure
plaintext-refused|closed
stranger-refused|alert 48 unknown_ca
wrong-password-refused|connack 5'
matches 'version, cipher, group and signature were negotiated' \
  "$(rows "$folder/proofs.csv" observed channel=mutual-tls proof=negotiated-as-asked)" \
  '^TLSv1\.3 TLS_[A-Z0-9_]+ [A-Za-z0-9]+ ecdsa_secp256r1_sha256$'
negotiated=$(rows "$folder/proofs.csv" observed channel=mutual-tls proof=negotiated-as-asked)
for probe in transport delivery; do
  is "$probe over mutual TLS: the same is in trials.csv" "$(rows "$folder/trials.csv" \
    "$session" channel=mutual-tls probe=$probe | tr '|' ' ')" "$negotiated"
  is "$probe without TLS: nothing is" \
    "$(rows "$folder/trials.csv" "$session" channel=password probe=$probe)" \
    '|||'
done
is 'path enters no channel: nothing is, either' \
  "$(rows "$folder/trials.csv" "$session" channel=mutual-tls probe=path)" '|||'

# ---- sabotage ----

sabotage 'anonymous clients are let in' password anonymous-refused <<'END'
sed -i 's/^allow_anonymous false/allow_anonymous true/' "$conf"
END
run "$bench" report "$folder"
exits 'report of a run with a void channel' 0
contains 'shows it as void, with the reason' "$out" '1 void (proof anonymous-refused broken:'
is 'and has no figure for it' \
  "$(rows "$folder/summary.csv" trials,void,mean channel=password metric=throughput)" '0|1|'
check 'the chart is drawn' test -s "$folder/plots/throughput.svg"

sabotage 'nobody is asked for a password' password \
  'anonymous-refused wrong-password-refused' <<'END'
sed -i '/^password_file/d; s/^allow_anonymous false/allow_anonymous true/' "$conf"
END

# A plugin may overrule the password file. Without Mosquitto's headers: what it needs of them.
cat >"$scratch/plugin.c" <<'END'
struct basic_auth { void *future; void *client; char *username, *password; };
enum { BASIC_AUTH = 3, AUTH = 11, DEFER = 17 };
int mosquitto_callback_register(void *, int, int (*)(int, void *, void *), const void *, void *);
int mosquitto_plugin_version(int count, const int *versions);
int mosquitto_plugin_init(void *id, void **data, void *options, int count);
int mosquitto_plugin_cleanup(void *data, void *options, int count);
static int clients;
static int judge(int event, void *data, void *own) {
    const struct basic_auth *auth = data;
    (void)event;
    (void)own;
    clients++;
    if (LAST)
        return clients > LAST ? AUTH : DEFER;
    return auth->username ? 0 : DEFER;
}
int mosquitto_plugin_version(int count, const int *versions) {
    (void)count;
    (void)versions;
    return 5;
}
int mosquitto_plugin_init(void *id, void **data, void *options, int count) {
    (void)data;
    (void)options;
    (void)count;
    return mosquitto_callback_register(id, BASIC_AUTH, judge, 0, 0);
}
int mosquitto_plugin_cleanup(void *data, void *options, int count) {
    (void)data;
    (void)options;
    (void)count;
    return 0;
}
END
if has_command cc && cc -shared -fPIC -DLAST=0 -o "$scratch/any.so" "$scratch/plugin.c" &&
  cc -shared -fPIC -DLAST=4 -o "$scratch/few.so" "$scratch/plugin.c"; then
  sabotage 'any password will do' password wrong-password-refused <<'END'
echo "plugin $scratch/any.so" >>"$conf"
END
  sabotage 'in the end nobody is let in any more' password accepted-after <<'END'
echo "plugin $scratch/few.so" >>"$conf"
END
else
  skip 'any password will do' 'no C compiler'
fi

sabotage 'the right client is turned away' password 'accepted-before accepted-after
  wiretap-payload' <<'END'
printf 'User1:$7$101$c29tZXNhbHQ=$bm9uc2Vuc2U=\n' >"$private/passwords"
END

sabotage 'no TLS after all' mutual-tls "accepted-before accepted-after wiretap-payload
  $tls $certificate" <<'END'
sed -i '/^certfile\|^keyfile\|^tls_version\|^cafile\|^require_cert\|^ciphers/d' "$conf"
END

sabotage 'TLS 1.2 is spoken too' mutual-tls older-version-refused <<'END'
sed -i 's/^tls_version tlsv1.3/tls_version tlsv1.2/' "$conf"
END

sabotage 'even TLS 1.1 is spoken' mutual-tls older-version-refused \
  --set channel.mutual-tls.tls.min_version=1.2 --set channel.mutual-tls.tls.ciphers=default <<'END'
sed -i 's/^tls_version .*/tls_version tlsv1.1\nciphers DEFAULT:@SECLEVEL=0/' "$conf"
printf 'MinProtocol = TLSv1.1\n' >>"$private/openssl.cnf"
END

sabotage 'no certificate is asked for' mutual-tls "$certificate" <<'END'
sed -i 's/^require_certificate true/require_certificate false/' "$conf"
END

sabotage 'another CA is trusted besides' mutual-tls stranger-refused <<'END'
cat "$certs/broker/ca.crt" "$certs/proof/other-ca.crt" >"$private/both.crt"
sed -i "s,^cafile .*,cafile $private/both.crt," "$conf"
END

# No broker can be told to overlook an expiry: so the certificate is one that has not expired.
sabotage 'the expired certificate is accepted' mutual-tls expired-refused <<'END'
cp "$certs/client2/client2.crt" "$certs/proof/expired.crt"
cp "$certs/client2/client2.key" "$certs/proof/expired.key"
END

sabotage 'a client that should not know our CA does' mutual-tls other-ca-distrusted <<'END'
cp "$certs/ca/ca.crt" "$certs/proof/other-ca.crt"
END

# (Renewed by now, as the two above were.)
cat >"$scratch/extensions" <<'END'
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = IP:127.0.0.1, DNS:wrong.example
END
openssl x509 -req -in "$certs/broker/broker.csr" -CA "$certs/ca/ca.crt" -CAkey "$certs/ca/ca.key" \
  -passin env:BENCH_CA_PASSPHRASE -set_serial 4711 -days 2 -extfile "$scratch/extensions" \
  -out "$scratch/two-names.crt" 2>"$scratch/openssl.log" || diag "$(cat "$scratch/openssl.log")"
sabotage 'the broker is certified for another name besides' mutual-tls other-host-distrusted <<'END'
sed -i "s,^certfile .*,certfile $scratch/two-names.crt," "$conf"
END

sabotage 'TLS that encrypts nothing' clear wiretap-payload --set channel.clear.inherits=mutual-tls \
  --set channel.clear.tls.min_version=1.2 --set channel.clear.tls.max_version=1.2 \
  --set channel.clear.tls.ciphers=eNULL:@SECLEVEL=0 </dev/null
matches '... nothing else is wrong with it' \
  "$(rows "$folder/proofs.csv" observed channel=clear proof=negotiated-as-asked)" '^TLSv1\.2 .*NULL'
sabotage 'the same with a password' clear 'wiretap-payload wiretap-password' \
  --set channel.clear.inherits=mutual-tls-password \
  --set channel.clear.tls.min_version=1.2 --set channel.clear.tls.max_version=1.2 \
  --set channel.clear.tls.ciphers=eNULL:@SECLEVEL=0 </dev/null

spare
measure "$tiny" --quiet --channels 'plain password mutual-tls'
exits 'without sabotage all is well again' 0
is 'no broker'\''s folder stays' "$(list_brokers)" ''
finish
