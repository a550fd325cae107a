#!/bin/sh
# Who may do what (acl) and who may come in at all (client-id): the proofs of the shipped channels
# hold, and break when what they guard is sabotaged; what cannot work is refused.
. "$(dirname "$0")/sabotage.sh"

# ---- as shipped ----

always='accepted-before accepted-after wiretap-payload'
password='anonymous-refused wrong-password-refused wiretap-password'
acl='forbidden-publication-lost forbidden-subscription'
identifier='unknown-identifier-refused identifier-prefix-refused longer-identifier-refused'
measure "$tiny" --channels 'acl-file acl-qos acl-dynamic client-id' --probes 'path delivery' \
  --repetitions 2 --set scenario.baseline=acl-file --quiet
exits 'the shipped channels: the run succeeds' 0
is 'every trial is ok' "$(rows "$folder/trials.csv" status | sort -u)" ok
is 'telemetry may pass' "$(rows "$folder/telemetry.csv" status | sort -u)" delivered
is 'all proofs held' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
while read -r channel proofs; do
  expected=$always
  for mechanism in $proofs; do
    case $mechanism in
    password) expected="$expected $password" ;;
    acl) expected="$expected $acl" ;;
    identifier) expected="$expected $identifier" ;;
    *) expected="$expected $mechanism" ;;
    esac
  done
  # shellcheck disable=SC2086 # a list
  is "$channel: exactly its proofs were made" \
    "$(rows "$folder/proofs.csv" proof channel="$channel" block=1 | sort)" \
    "$(printf '%s\n' $expected | sort)"
done <<'END'
acl-file password acl
acl-qos password acl forbidden-qos
acl-dynamic password acl change-takes-effect
client-id identifier
END
is "Mosquitto's file refuses no subscription, the plugins do" \
  "$(rows "$folder/proofs.csv" channel,observed block=1 proof=forbidden-subscription | sort)" \
  'acl-dynamic|permitted: arrived; forbidden: refused; permitted: arrived
acl-file|permitted: arrived; forbidden: lost; permitted: arrived
acl-qos|permitted: arrived; forbidden: refused; permitted: arrived'
is 'what was forbidden is told' "$(rows "$folder/proofs.csv" cause block=1 proof=forbidden-qos)" \
  'client2 publishes to bench/proof/data at QoS 2, permitted at 0'
is 'an unknown identifier is refused by CONNACK' \
  "$(rows "$folder/proofs.csv" cause block=1 proof=unknown-identifier-refused)" 'connack 5'

identifiers() { # of the clients that were let in, without their sessions' names
  sed -n 's/.* as \([^ ]*\) (p2,.*/\1/p' "$folder"/log/broker-*client-id* |
    sed -E 's/-(proof|delivery)$//' | sort -u
}
ids=$(identifiers)
is 'two identifiers in two blocks: they are those of the run' "$(echo "$ids" | wc -l)" 2
hex='[0-9a-f]'
is '... and UUIDs' \
  "$(echo "$ids" | grep -cE "^$hex{8}-$hex{4}-4$hex{3}-[89ab]$hex{3}-$hex{12}\$")" 2

measure "$tiny" --quiet --channels client-id --probes delivery \
  --set scenario.baseline=client-id --set channel.client-id.client-id.form=name
is 'by name: the sessions are let in' \
  "$status $(identifiers | tr '\n' ' ')" '0 client1 client2 '
measure "$tiny" --quiet --channels client-id --set scenario.baseline=client-id \
  --set channel.client-id.client-id.form=mac
if [ "$status" = 0 ]; then
  ids=$(identifiers)
  matches 'by MAC address: client1 has it' "$ids" '^([0-9a-f]{2}:){5}[0-9a-f]{2}$'
  is '... and client2, on the same host, that with .2 behind it' \
    "$(echo "$ids" | tail -n 1)" "$(echo "$ids" | head -n 1).2"
else
  is 'by MAC address: none here' "$status" 3
  contains '... which is said' "$err" 'client-id.form: local: no MAC address is known of this host'
fi

# All together, and a topic of one's own.
measure "$tiny" --quiet --channels all --probes 'path delivery' --set scenario.baseline=all \
  --set channel.all.use='tls certificate client-id password acl payload' \
  --set channel.all.mqtt=5 \
  --set channel.all.password.user='the %c' --set channel.all.acl.by=dynamic-security \
  --set telemetry.topic='sites/a b/ü' --set telemetry.qos=2
exits 'with mutual TLS and a topic of ones own: the run succeeds' 0
is '... and all proofs held' "$(rows "$folder/proofs.csv" verdict | sort -u)" held

# Mosquitto's file denies without a word.
measure "$tiny" --quiet --channels acl-file --probes delivery --set scenario.baseline=acl-file \
  --set probe.delivery.topic=elsewhere
matches 'a probe'\''s topic that no rule permits: failed, and not slow' \
  "$status, $(rows "$folder/trials.csv" status,reason attempt=1)" \
  '^1, failed\|delivery-subscriber: nothing has arrived for [0-9.]+ s on topic elsewhere/1-1/data; '

# ---- sabotage ----

sabotage 'no rules at all' acl-file "$acl" <<'END'
sed -i '/^acl_file/d' "$conf"
END
sabotage 'who may read may write' acl-file forbidden-publication-lost <<'END'
sed -i 's/^topic read /topic readwrite /' "$private/acl"
END
sabotage 'who may write may read' acl-file forbidden-subscription <<'END'
sed -i 's/^topic write /topic readwrite /' "$private/acl"
END
sabotage 'what is permitted is lost, too' acl-file forbidden-publication-lost <<'END'
sed -i '/^topic write .*credit/d' "$private/acl"
END
is '... that is the reason' \
  "$(rows "$folder/proofs.csv" observed proof=forbidden-publication-lost)" \
  'permitted: lost; forbidden: lost; permitted: lost'
sabotage 'every quality of service will do' acl-qos forbidden-qos <<'END'
sed -i 's/@[0-9,]*:/:/' "$private/rules"
END
sabotage 'no plugin' acl-qos "$acl forbidden-qos" <<'END'
sed -i '/^plugin/d' "$conf"
END
sabotage 'the change has no effect' acl-dynamic change-takes-effect <<'END'
sed -i 's/"priority": 2/"priority": 0/' "$private/dynamic-security.json"
END
sabotage 'nobody may change anything' acl-dynamic change-takes-effect <<'END'
sed -i 's/"iterations": 101/"iterations": 102/' "$private/dynamic-security.json"
END
sabotage 'what no rule denies may be published' acl-dynamic forbidden-publication-lost <<'END'
sed -i 's/"publishClientSend": false/"publishClientSend": true/' "$private/dynamic-security.json"
END
sabotage 'any identifier will do' client-id "$identifier" <<'END'
sed -i '/^plugin/d' "$conf"
END
sabotage 'a part of an identifier will do' client-id identifier-prefix-refused <<'END'
sed 's/.$//' "$private/registered" >"$private/parts"
cat "$private/parts" >>"$private/registered"
END
sabotage 'an unknown identifier is registered' client-id longer-identifier-refused <<'END'
sed 's/$/0/' "$private/registered" >"$private/longer"
cat "$private/longer" >>"$private/registered"
END
spare
measure "$tiny" --quiet --channels 'plain acl-dynamic client-id'
exits 'without sabotage all is well again' 0

# ---- plugins that were told nonsense: the broker does not start, and says why ----

plugins=${BENCH_BUILD:-$root/build}/src/plugin
refuses() { # NAME PLUGIN MESSAGE [OPTION]: with the file $scratch/told
  printf 'listener 0 %s/socket\nuser root\nplugin %s/%s.so\n%s\n' \
    "$scratch" "$plugins" "$2" "${4-}" >"$scratch/conf"
  run -t 60 mosquitto -c "$scratch/conf"
  case $status in
  0 | 124) fail "$1: the broker runs" ;;
  *) contains "$1" "$err" "Error: $2 plugin: $3" ;;
  esac
}
told="$scratch/told"
printf 'user one\npublish:a\npublish@7:b\n' >"$told"
refuses 'acl: a wrong rule' acl "$told:3: behind @ come qualities" "plugin_opt_rules $told"
refuses 'acl: no file' acl "$scratch/none: No such file" "plugin_opt_rules $scratch/none"
refuses 'acl: a folder' acl "$scratch: Input/output error" "plugin_opt_rules $scratch"
refuses 'acl: no option' acl 'plugin_opt_rules is missing'
refuses 'acl: a wrong option' acl 'there is no plugin_opt_rulez' "plugin_opt_rulez $told"
printf 'one\n\ntwo\n' >"$told"
refuses 'client_id: an empty line' client_id "$told: has an empty line" \
  "plugin_opt_registered $told"
printf 'one' >"$told"
refuses 'client_id: half a line' client_id "$told: holds no whole line" \
  "plugin_opt_registered $told"
refuses 'client_id: no file' client_id "$scratch/none: No such file" \
  "plugin_opt_registered $scratch/none"
refuses 'client_id: no option' client_id 'plugin_opt_registered is missing'
refuses 'client_id: a wrong option' client_id 'there is no plugin_opt_ids' "plugin_opt_ids $told"
refuses 'payload: no such cipher' payload 'plugin_opt_cipher: there is none of that number' \
  "plugin_opt_cipher 3"
refuses 'payload: no secret' payload 'plugin_opt_secret_file: no secret to open messages with' \
  "plugin_opt_cipher 0"

# ---- what cannot work is refused before anything starts ----

wrong() { # NAME MESSAGE <CHANNEL-SECTIONS
  { sed 's/^channels = .*/channels = c/' "$tiny" && cat; } >"$scratch/wrong.ini"
  run "$bench" check "$scratch/wrong.ini"
  is "$1" "$status $(echo "$err" | sed -n 's,.*wrong.ini:[0-9]*: ,,p')" "2 $2"
}
wrong 'a quality of service without the plugin' "[channel.c] acl.client2: 'publish@0:x' names a \
quality of service, which only acl.by = plugin knows; set that, or leave the @ out" <<'END'
[channel.c]
use           = password acl
password.user = %c
acl.client2   = publish@0:x
END
wrong 'no names' "[channel.c] use: acl goes by user names, and the clients of this channel have \
none; let password give them, with password.user = %c" <<'END'
[channel.c]
use = acl
END
wrong 'one name for both' "[channel.c] use: acl goes by user names, and here both clients are \
called 'User1'; set password.user = %c" <<'END'
[channel.c]
use = password acl
END
wrong 'no rule' "[channel.c] acl.client1: 'read:x' is no rule: it begins with neither publish, \
subscribe nor both; right would be OPERATION[@QOS,...]:TOPIC, as publish@0,1:bench/#" <<'END'
[channel.c]
use         = password acl
acl.client1 = read:x
END
wrong 'no such form' "[channel.c] client-id.form: 'imei' is none of: uuid mac serial name" <<'END'
[channel.c]
use            = client-id
client-id.form = imei
END
finish
