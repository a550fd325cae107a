#!/bin/sh
# MQTT 5 as a setting of a channel: all clients speak it, proofs know its codes, and what is sent is
# what its formulas say. Topics as a setting: the paper's own, and what can be none.
. "$(dirname "$0")/real.sh"

# ---- versions ----

measure "$tiny" --quiet --channels 'plain plain-mqtt5 password5 tls5' --probes 'path delivery' \
  --set channel.password5.inherits=password --set channel.password5.mqtt=5 \
  --set channel.tls5.inherits=mutual-tls-password --set channel.tls5.mqtt=5
exits 'four channels, three of them in MQTT 5: the run succeeds' 0
is 'every trial is ok' "$(rows "$folder/trials.csv" status | sort -u)" ok
is 'all proofs held' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
is 'the version is proven where it was asked for' \
  "$(rows "$folder/proofs.csv" channel,expected,observed proof=mqtt-as-asked | sort)" \
  'password5|MQTT 5|MQTT 5
plain-mqtt5|MQTT 5|MQTT 5
tls5|MQTT 5|MQTT 5'
is 'a refusal has a code of MQTT 5' \
  "$(rows "$folder/proofs.csv" expected,cause channel=password5 observed=refused | sort -u)" \
  'refused: connack 135|connack 134|connack 135'
# p2 is MQTT 3.1.1, p5 is MQTT 5.
versions() { # CHANNEL: of all clients that the broker has let in
  sed -n 's/.*New client connected from .* as \(client[^ ]*\) (\(p[0-9]\),.*/\1 \2/p' \
    "$folder/log"/broker-*-"$1"-attempt*.log | sort -u
}
is 'plain: every client speaks MQTT 3.1.1' "$(versions plain)" 'client1 p2
client1-delivery p2
client2 p2
client2-delivery p2
client2-proof p2'
for channel in plain-mqtt5 password5 tls5; do
  is "$channel: every client speaks MQTT 5" "$(versions $channel)" 'client1 p5
client1-delivery p5
client2 p5
client2-delivery p5
client2-proof p5'
done
theory() { # METRIC CHANNEL: of the delivery's trial
  rows "$folder/metrics.csv" value metric="$1" \
    trial="$(rows "$folder/trials.csv" trial channel="$2" probe=delivery)"
}
for channel in plain plain-mqtt5 tls5; do
  is "$channel: bytes on the wire are those of the formula" \
    "$(theory tcp_per_payload "$channel")" "$(theory tcp_per_payload_theory "$channel")"
done
check 'which are more in MQTT 5' awk -v older="$(theory tcp_per_payload_theory plain)" \
  -v newer="$(theory tcp_per_payload_theory plain-mqtt5)" 'BEGIN { exit !(newer > older) }'

for qos in 1 2; do
  measure "$tiny" --quiet --channels plain-mqtt5 --probes delivery \
    --set probe.delivery.qos=$qos --set telemetry.qos=$qos --set scenario.baseline=plain-mqtt5
  is "QoS $qos in MQTT 5: ok" "$status, $(rows "$folder/trials.csv" status)" '0, ok'
  is '... by the formula' "$(rows "$folder/metrics.csv" value metric=tcp_per_payload)" \
    "$(rows "$folder/metrics.csv" value metric=tcp_per_payload_theory)"
done

# ---- a broker that takes QoS 1 at most, and tells so in MQTT 5 alone ----

printf '%s\n' 'listener 0' 'allow_anonymous true' 'max_qos 1' 'max_queued_messages 0' \
  >"$scratch/limited.conf"
limited=''
for port in 21440 21441 21442 21443; do # one of them is free
  sed -i "s/^listener .*/listener $port 127.0.0.1/" "$scratch/limited.conf"
  PATH=$PATH:/usr/sbin mosquitto -c "$scratch/limited.conf" 2>"$scratch/limited.log" &
  limited=$!
  # shellcheck disable=SC2317 # called by wait_for
  is_decided() { grep -q ' running$' "$scratch/limited.log" || is_gone "$limited"; }
  wait_for "$soon" is_decided
  is_gone "$limited" || break
done
cat - "$tiny" >"$scratch/limited.ini" <<END
[channel.limited]
use = external
external.port = $port
[channel.limited-mqtt5]
inherits = limited
mqtt = 5
END
libraries=libmosquitto
run "$bench" check "$tiny" --set telemetry.library=paho
[ "$status" -ne 0 ] || libraries="$libraries paho"
at() { # CHANNEL QOS [OPTION...]
  at_channel=$1 at_qos=$2
  shift 2
  measure "$scratch/limited.ini" --quiet --channels "$at_channel" \
    --set scenario.baseline="$at_channel" --set probe.latency.duration=100ms \
    --set probe.delivery.qos="$at_qos" --set probe.latency.qos="$at_qos" "$@"
}
asked='QoS 2 was asked for'
for channel in limited limited-mqtt5; do
  case $channel in
  limited) words="MQTT: the broker grants QoS 1 to the subscription to [^ ]+, and $asked" ;;
  *) words="MQTT: the broker takes QoS 1 at most, and $asked" ;;
  esac
  at $channel 1 --probes 'delivery latency' --set telemetry.qos=1
  is "$channel, QoS 1: ok" "$status, $(rows "$folder/trials.csv" status | sort -u)" '0, ok'
  lacks "$channel, Nagle's wait is no long path" "$(rows "$folder/trials.csv" reason)" limited
  for library in $libraries; do
    at $channel 2 --probes 'delivery latency' --set probe.delivery.library="$library" \
      --set probe.latency.load=path
    exits "$channel, QoS 2, delivery with $library and latency: failed" 1
    for role in delivery-subscriber latency-prober; do
      matches '... in words' "$(rows "$folder/trials.csv" reason | sort -u)" "^$role: $words"
    done
    at $channel 2 --probes path --set telemetry.qos=2 --set telemetry.library="$library"
    exits "$channel, QoS 2, telemetry with $library: nothing can be measured" 3
    matches '... in words' "$err" "telemetry-subscriber: $words"
  done
done
kill "$limited"

# ---- topics ----

topic='Пәтер/қонақ_бөлме/кондиционер/күй'
sed -e "/^\[telemetry\]/a topic = $topic" -e "/^\[probe.delivery\]/a topic = $topic" \
  "$tiny" >"$scratch/paper-topic.ini"
mkdir "$scratch/report"
measured=$((measured + 1))
results=$scratch/results.$measured
run env LC_ALL=C "$bench" all "$scratch/paper-topic.ini" --channels 'plain plain-mqtt5' \
  --probes delivery --output "$results" --certs "$scratch/certs" --verbose
folder=$(find_run)
exits 'the paper'\''s topic: all succeeds' 0
is 'every trial is ok' "$(rows "$folder/trials.csv" status | sort -u)" ok
is 'all telemetry is delivered' "$(rows "$folder/telemetry.csv" status | sort -u)" delivered
contains 'it is shown while it is measured' "$out$err" "received #1 on $topic, "
is 'it is in the resolved scenario, twice' "$(grep -cxF "topic = $topic" "$folder/scenario.ini")" 2
contains 'it is on the page' "$(cat "$folder/report.html")" "$topic"
measure "$folder/scenario.ini" --quiet --channels plain
exits 'the resolved scenario measures again' 0
is 'under the same topic' "$(grep -cxF "topic = $topic" "$folder/scenario.ini")" 2

# What really is published: a topic below the probe's own, with the trial's number.
cat >"$scratch/short.ini" <<END
[scenario]
channels = plain
probes = delivery
repetitions = 2
[hosts]
address = 127.0.0.1
[telemetry]
topic = /leading and/trailing/
[probe.delivery]
duration = 100ms
warmup = 0s
topic = /
END
measure "$scratch/short.ini" --quiet
exits 'levels without a name: ok' 0
is '... nothing was lost' "$(rows "$folder/telemetry.csv" status | sort -u)" delivered

refused() { # NAME KEY VALUE WORDS
  printf '[scenario]\nchannels = plain\nprobes = delivery\n[%s]\ntopic = %s\n' "$2" "$3" \
    >"$scratch/bad.ini"
  run "$bench" check "$scratch/bad.ini"
  is "$1: refused" "$status" 2
  contains '... where, and why' "$err" "$scratch/bad.ini:5: [$2] topic: $4"
}
refused 'a wildcard' telemetry 'a/+/b' "'a/+/b' is no topic to publish to"
refused 'a wildcard of the probe'\''s' probe.delivery 'a/#' "'a/#' is no topic to publish to"
refused 'a topic of the broker'\''s' probe.delivery "\$SYS/a" "'\$SYS/a': topics that begin with"
refused 'no UTF-8' telemetry "$(printf 'caf\351')" 'is no UTF-8 text'
refused 'a non-character' telemetry "$(printf 'a/\357\277\277')" 'has a control character in it'

finish
