#!/bin/sh
# Sealed payloads: every shipped channel is measured and proven, in both directions of trust; what
# is sealed is longer by what the formula says; nothing secret stays; and the proofs break, or the
# trial fails, when something between publisher and subscriber is not as it should be.
. "$(dirname "$0")/real.sh"

# ---- as shipped ----

guards='replay-detected tampering-detected wrong-key-not-opened'
all='payload-aes-128 payload-aes-256 payload-chacha payload-x25519 payload-p256 payload-rsa'
secret='a secret of fifty bytes, that nobody else can know'
printf '%s\n' "$secret" >"$scratch/secret"
chmod 600 "$scratch/secret"
mkdir "$scratch/bin"
broker=$(PATH=$PATH:/usr/local/sbin:/usr/sbin command -v mosquitto)
cat >"$scratch/bin/mosquitto" <<END
#!/bin/sh
# \$conf and \$private: the broker's configuration and folder.
conf=\$2 private=\${2%/*} scratch='$scratch'
[ "\$1" != -c ] || . '$scratch/sabotage'
exec '$broker' "\$@"
END
chmod +x "$scratch/bin/mosquitto"
PATH=$scratch/bin:$PATH
cat >"$scratch/sabotage" <<'END'
[ ! -e "$private/payload-secret" ] || cp "$private/payload-secret" "$scratch/generated"
END

measure "$tiny" --quiet --probes delivery --channels "plain $all payload-broker" \
  --set "channel.payload-aes-128.payload.secret=file:$scratch/secret"
exits 'all shipped channels: the run succeeds' 0
is 'everything was measured' "$(rows "$folder/trials.csv" status | sort | uniq -c | tr -s ' ')" \
  ' 8 ok'
for channel in $all payload-broker; do
  is "$channel: exactly its proofs were made" \
    "$(rows "$folder/proofs.csv" proof channel="$channel" | tr '\n' ' ')" \
    "accepted-before $guards wiretap-payload accepted-after "
done
is 'all of them held' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
is 'payloads cannot be read on the wire, though there is no TLS' \
  "$(rows "$folder/proofs.csv" observed,channel proof=wiretap-payload | sort | cut -d '|' -f 1 |
    uniq -c | tr -s ' ')" ' 7 absent
 1 visible'
is 'a subscriber tells why it opens no more than the right message' \
  "$(rows "$folder/proofs.csv" proof,cause channel=payload-rsa | grep -v 'accepted\|wiretap')" \
  'replay-detected|1 replayed
tampering-detected|2 not sealed, 5 changed or of another key
wrong-key-not-opened|1 changed or of another key'
is 'telemetry arrives' \
  "$(rows "$folder/telemetry.csv" channel,status | sort -u | grep -c 'delivered$')" 8

# A topic of 16 bytes or so and 1 KiB in clear; sealed, with header and tag besides.
growth() { # CHANNEL: by how many bytes a PUBLISH is longer than in clear, in theory and in fact
  trial=$(rows "$folder/trials.csv" trial channel="$1")
  plain=$(rows "$folder/trials.csv" trial channel=plain)
  for metric in tcp_per_payload_theory tcp_per_payload; do
    echo "$(rows "$folder/metrics.csv" value metric=$metric trial="$trial") \
      $(rows "$folder/metrics.csv" value metric=$metric trial="$plain")"
  done | awk '{printf "%.0f ", 1024 * ($1 - $2)}'
}
is 'shared: 42 bytes more' "$(growth payload-aes-128)" '42 42 '
is 'X25519: 58' "$(growth payload-x25519)" '58 58 '
is 'P-256: 59' "$(growth payload-p256)" '59 59 '
is 'RSA: 282' "$(growth payload-rsa)" '282 282 '
is 'throughput counts what was meant, not what was sent' \
  "$(rows "$folder/trials.csv" bytes channel=payload-rsa | awk '{print $1 % 1024}')" 0

is 'the broker had a secret to open with' "$(wc -c <"$scratch/generated" | tr -d ' ')" 65
check 'no secret from a file stays in the run'\''s folder' \
  test -z "$(grep -rlF "$secret" "$results")"
check 'none that was generated' test -z "$(grep -rlFf "$scratch/generated" "$results")"
check 'no private key' test -z "$(grep -rl 'PRIVATE KEY' "$results")"

: >"$scratch/sabotage"
# What cannot be opened leaves a complaint of OpenSSL's behind: TLS must not take it for its own.
measure "$tiny" --quiet --probes delivery --channels 'plain sealed over under' \
  --set 'channel.under.use=tls payload' --set channel.under.payload.key=rsa-oaep \
  --set 'channel.sealed.use=payload password' --set channel.sealed.payload.key=x25519 \
  --set 'channel.over.use=tls certificate payload' --set channel.over.payload.opened_by=broker \
  --set probe.delivery.qos=2
exits 'with passwords, TLS or mutual TLS, QoS 2: the run succeeds' 0
is 'a password stays visible where only the payload is sealed' "$(rows "$folder/proofs.csv" \
  proof,observed channel=sealed | grep wiretap)" 'wiretap-payload|absent
wiretap-password|visible'
is 'no message was opened twice' \
  "$(rows "$folder/metrics.csv" value metric=messages_replayed | sort -u)" 0

# ---- sabotage ----

sabotage() { # WHAT CHANNEL 'PROOF...' <COMMANDS: the channel is void for exactly these proofs
  cat >"$scratch/sabotage"
  measure "$tiny" --quiet --probes delivery --channels "$2" --set "scenario.baseline=$2"
  is "$1: $3" "$status, $(rows "$folder/proofs.csv" proof verdict=broken | tr '\n' ' ')" "1, $3 "
  is '... its trial is void and measured nothing' \
    "$(rows "$folder/trials.csv" status,throughput_mbit_s,bytes)" 'void||'
}
sabotage 'the broker opens nothing' payload-broker "$guards" <<'END'
sed -i '/^plugin/d' "$conf"
END
is '... and says what came instead' \
  "$(rows "$folder/proofs.csv" observed proof=replay-detected)" '2 of 2 read, 0 as written'

# Two plugins: one keeps all but the first of the proofs' messages to itself, so that nothing is
# left to be refused; one changes a bit of what is measured.
cat >"$scratch/meddle.c" <<'END'
#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <string.h>
int mosquitto_callback_register(mosquitto_plugin_id_t *, int, MOSQ_FUNC_generic_callback,
                                const void *, void *);
static int kept;
static int meddle(int event, void *data, void *own) {
    struct mosquitto_evt_message *message = data;
    (void)event;
    (void)own;
    if (CHANGES && strstr(message->topic, "/data"))
        ((char *)message->payload)[message->payloadlen - 1] ^= 1;
    if (strcmp(message->topic, "bench/proof/sentinel") == 0)
        kept = 0;
    if (!CHANGES && strstr(message->topic, "/proof/payload") && kept++)
        message->topic[0] = '$';
    return MOSQ_ERR_SUCCESS;
}
int mosquitto_plugin_version(int count, const int *versions) {
    (void)count;
    (void)versions;
    return 5;
}
int mosquitto_plugin_init(mosquitto_plugin_id_t *id, void **data, struct mosquitto_opt *options,
                          int count) {
    (void)data;
    (void)options;
    (void)count;
    return mosquitto_callback_register(id, MOSQ_EVT_MESSAGE, meddle, 0, 0);
}
int mosquitto_plugin_cleanup(void *data, struct mosquitto_opt *options, int count) {
    (void)data;
    (void)options;
    (void)count;
    return 0;
}
END
if has_command cc && cc -shared -fPIC -DCHANGES=0 -o "$scratch/keep.so" "$scratch/meddle.c" &&
  cc -shared -fPIC -DCHANGES=1 -o "$scratch/change.so" "$scratch/meddle.c"; then
  sabotage 'nothing wrong comes, so nothing is shown' payload-x25519 "$guards" <<'END'
echo "plugin $scratch/keep.so" >>"$conf"
END
  cat >"$scratch/sabotage" <<'END'
echo "plugin $scratch/change.so" >>"$conf"
END
  measure "$tiny" --quiet --probes delivery --channels payload-aes-128 \
    --set scenario.baseline=payload-aes-128 --set probe.delivery.duration=1s # some are sent
  is 'a broker that changes messages: the trial fails' "$status, $(rows "$folder/trials.csv" \
    status,attempt | tr '\n' ' ')" '1, failed|1 failed|2 '
  matches '... and the reason says so' "$(rows "$folder/trials.csv" reason)" \
    '^delivery-subscriber: messages could not be opened: [0-9]+ changed or of another key$'
  is '... its proofs held: it was honest to them' \
    "$(rows "$folder/proofs.csv" verdict | sort -u)" held
else
  skip 'nothing wrong comes, so nothing is shown' 'no C compiler'
fi

# ---- what makes no sense ----

refused() { # WHAT MESSAGE SETTING
  run "$bench" check "$tiny" --channels c --set scenario.baseline=c --set "$3" \
    --set "${4:-channel.c.use=payload}" ${5:+--set} ${5:+"$5"}
  is "$1 is refused" "$status" 2
  contains '... in words' "$err" "$2"
}
refused 'a broker that opens what is the subscriber'\''s' \
  'right would be payload.key = shared, not rsa-oaep' \
  channel.c.payload.key=rsa-oaep channel.c.use=payload channel.c.payload.opened_by=broker
refused 'an external broker that opens' 'an external broker has no plugin of ours' \
  channel.c.payload.opened_by=broker 'channel.c.use=payload external'
refused 'a secret for a key pair' 'the key pair of x25519 is always generated' \
  channel.c.payload.key=x25519 channel.c.use=payload channel.c.payload.secret=file:/nowhere
refused 'a secret in the scenario' 'a secret is never written here' channel.c.payload.secret=1234
refused 'an unknown cipher' "'aes-128-cbc' is none of: aes-128-gcm aes-256-gcm chacha20-poly1305" \
  channel.c.payload.cipher=aes-128-cbc
finish
