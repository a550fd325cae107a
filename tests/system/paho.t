#!/bin/sh
# Paho C as the client library of telemetry and delivery: all that is promised arrives, under the
# TLS that the channel asks for; what was measured has the same names as with libmosquitto.
. "$(dirname "$0")/real.sh"

run "$bench" list settings
for path in telemetry.library probe.delivery.library; do
  contains "list settings has $path" "$(printf '%s\n' "$out" | grep -A 1 -F "  $path ")" \
    'one of: libmosquitto paho; default libmosquitto'
done
run "$bench" check "$tiny" --set telemetry.library=mqttc
exits 'another library is refused' 2
contains 'with those there are' "$err" "'mqttc' is none of: libmosquitto paho"

run "$bench" check "$tiny" --set telemetry.library=paho
case $err in
*'built without Paho C'*)
  exits 'paho is refused' 2
  skip 'everything else' 'built without Paho C'
  finish
  ;;
esac
exits 'the scenario is fine' 0

# ---- what it delivers ----

paho() { # [OPTION...]
  measure "$tiny" --quiet --probes delivery --set telemetry.library=paho \
    --set probe.delivery.library=paho "$@"
}
of() { # METRIC [COLUMN=VALUE...]
  of_metric=$1
  shift
  rows "$folder/metrics.csv" value metric="$of_metric" "$@"
}

for qos in 0 1 2; do
  paho --channels 'plain password mutual-tls' --set probe.delivery.qos=$qos \
    --set telemetry.qos=$qos
  exits "QoS $qos on three channels: the run succeeds" 0
  is 'every trial is ok' "$(rows "$folder/trials.csv" status | sort -u)" ok
  is 'nothing is lost, doubled or out of order' "$(for metric in lost duplicated reordered; do
    of "messages_$metric"
  done | sort -u)" 0
  is 'each that was sent has arrived' "$(of messages_sent)" "$(of messages_received)"
  is 'telemetry has arrived' "$(rows "$folder/telemetry.csv" status | sort -u)" delivered
  is 'bytes on the wire are those of the formula' "$(of tcp_per_payload)" \
    "$(of tcp_per_payload_theory)"
done
check 'the version of the library is recorded' \
  grep -Eq '"paho": "1\.3\.[0-9]+"' "$folder/environment.json"
cp "$folder/metrics.csv" "$scratch/paho.csv"

measure "$tiny" --quiet --probes delivery --channels 'plain password mutual-tls' \
  --set probe.delivery.qos=2
names() { # FILE: but for one that stands only where a publisher has waited
  rows "$1" party,process,metric,unit | grep -v '|message_loop|' | sort -u
}
is 'the metrics have the same names as with libmosquitto' "$(names "$scratch/paho.csv")" \
  "$(names "$folder/metrics.csv")"

# ---- what the channel asks for ----

paho --channels 'mutual-tls-12 chosen psk token payload-aes-128 five' \
  --set channel.chosen.inherits=mutual-tls --set channel.five.inherits=mutual-tls-password \
  --set channel.chosen.tls.suites=TLS_CHACHA20_POLY1305_SHA256 \
  --set channel.chosen.tls.groups=P-384 --set channel.five.mqtt=5 \
  --set scenario.baseline=chosen --set telemetry.connection=per-message
exits 'TLS 1.2, a suite and a group, a shared key, a token, sealed payloads, MQTT 5: all pass' 0
is 'every trial is ok' "$(rows "$folder/trials.csv" status | sort -u)" ok
is 'the suite and the group are those asked for' \
  "$(rows "$folder/trials.csv" tls_version,tls_cipher,tls_group channel=chosen)" \
  'TLSv1.3|TLS_CHACHA20_POLY1305_SHA256|secp384r1'
for channel in mutual-tls-12 psk; do
  is "$channel: the version is capped" \
    "$(rows "$folder/trials.csv" tls_version channel=$channel)" TLSv1.2
done
is 'telemetry with a connection a message has arrived' \
  "$(rows "$folder/telemetry.csv" status | sort -u)" delivered

finish
