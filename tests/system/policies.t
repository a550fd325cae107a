#!/bin/sh
# Brokers that permit little: known identifiers, one connection each; known topics; few messages in
# flight, small ones. Every probe measures them, where they are told of it; else it is said which
# limit may be meant. Two runs at one broker do not disturb each other, nor does what is late of
# another. A broker that is not there fails its own trials only.
# shellcheck disable=SC2317 # functions are called by name
# In a network of its own, where such can be had: ports that are free stay free.
if [ -z "${BENCH_TEST_ALONE-}" ] &&
  unshare --net env PATH="$PATH:/usr/sbin:/sbin" ip link set lo up 2>/dev/null; then
  BENCH_TEST_ALONE=yes PATH=$PATH:/usr/sbin:/sbin
  export BENCH_TEST_ALONE PATH
  # shellcheck disable=SC2016 # for the shell there
  exec unshare --net sh -c 'ip link set lo up && exec sh "$0"' "$0"
fi
. "$(dirname "$0")/real.sh"
need_command ss mosquitto_pub mosquitto_passwd
started=''
is_listening() { # PORT
  ss -Hltn "sport = :$1" | grep -q .
}
mosquitto_at() { # NAME PORT LINE...
  name=$1 port=$2
  shift 2
  printf '%s\n' "user $(id -un)" "listener $port 127.0.0.1" 'allow_anonymous true' "$@" \
    >"$scratch/$name.conf"
  mosquitto -c "$scratch/$name.conf" >"$scratch/$name.log" 2>&1 &
  started="$started $!"
  wait_for "$soon" is_listening "$port" || fail "$name comes up" "$(cat "$scratch/$name.log")"
}
clues() {
  tail -n 5 "$scratch"/*.log
}
channel() { # NAME PORT [LINE...]
  printf '[channel.%s]\nuse = external\nexternal.port = %s\n' "$1" "$2"
  shift 2
  [ $# -eq 0 ] || printf '%s\n' "$@"
}
# The channels' sections on stdin.
scenario() {
  cat "$tiny" -
  cat <<'TIMES'
[probe.connect]
duration = 200ms
warmup = 0s
[probe.latency]
duration = 200ms
warmup = 0s
TIMES
}

# ---- one identifier for each client, and five topics ----

printf 'topic readwrite dev/%s\n' up data credit echo proof >"$scratch/topics"
chmod 600 "$scratch/topics"
mosquitto_at strict 3000 'clientid_prefixes dev-' "acl_file $scratch/topics" \
  'connection_messages true' 'log_type all'
mosquitto_at stock 3001 'log_type all'
mosquitto_at small 3002 'max_packet_size 20000'
mosquitto_at dropping 3003 'message_size_limit 20000'
{
  channel strict 3000 'external.client_id = dev-%c' 'external.telemetry_topic = dev/up' \
    'external.data_topic = dev/data' 'external.credit_topic = dev/credit' \
    'external.latency_topic = dev/echo' 'external.proof_topic = dev/proof'
  channel stock 3001
  channel small 3002
  channel dropping 3003
  channel narrow 3005
  channel absent 3009
} | scenario >"$scratch/policies.ini"
all='connect delivery latency'
measure "$scratch/policies.ini" --channels strict --probes "$all" --repetitions 2
exits 'known identifiers and topics: the run succeeds' 0
is '... every probe is measured' "$(rows "$folder/trials.csv" probe,status block=1 | sort |
  tr '\n' ' ')" 'connect|ok delivery|ok latency|ok '
is '... telemetry has arrived' "$(rows "$folder/telemetry.csv" status | sort -u)" delivered
is '... its numbers go on from one pause to the next' \
  "$(rows "$folder/telemetry.csv" sequence block=1 | sort -n | tr '\n' ' ')" \
  "$(seq "$(rows "$folder/telemetry.csv" sequence block=1 | wc -l)" | tr '\n' ' ')"
is '... under two identifiers' "$(sed -n 's/.* as \(dev-[^ ]*\) (.*/\1/p' "$scratch/strict.log" |
  sort -u | tr '\n' ' ')" 'dev-client1 dev-client2 '
lacks '... and none has ended the connection of another' "$(cat "$scratch/strict.log")" \
  'already connected'
measure "$scratch/policies.ini" --channels strict --probes latency \
  --set channel.strict.external.client_id=
exits 'an identifier that is not known: void' 1
contains '... as that' "$(rows "$folder/trials.csv" reason)" 'not authorised'
measure "$scratch/policies.ini" --channels strict --probes latency \
  --set channel.strict.external.latency_topic=
exits 'a topic that is not permitted: failed' 1
contains '... as that' "$(rows "$folder/trials.csv" reason)" \
  '/latency; the broker may not permit it'

# ---- two runs at one broker, and what is late ----

"$bench" run "$scratch/policies.ini" --channels stock --probes "$all" --repetitions 3 \
  --certs "$scratch/certs" --output "$scratch/other" >"$scratch/other.log" 2>&1 &
other=$!
measure "$scratch/policies.ini" --channels stock --probes "$all" --repetitions 3
exits 'two runs at one broker: one succeeds' 0
is '... its telemetry has arrived' "$(rows "$folder/telemetry.csv" status | sort -u)" delivered
check '... and so does the other' wait "$other"
lacks '... and none has ended a connection of the other' "$(cat "$scratch/stock.log")" \
  'already connected'
head -c 1024 /dev/zero | tr '\0' A >"$scratch/late"
{
  until [ -e "$scratch/enough" ]; do
    mosquitto_pub -h 127.0.0.1 -p 3001 -t dev/data -f "$scratch/late"
    mosquitto_pub -h 127.0.0.1 -p 3001 -t dev/credit -m 12345678
    mosquitto_pub -h 127.0.0.1 -p 3001 -t dev/echo -m 123456789012345678901234567890
  done
} &
late=$!
measure "$scratch/policies.ini" --channels stock --probes 'delivery latency' \
  --set channel.stock.external.data_topic=dev/data \
  --set channel.stock.external.credit_topic=dev/credit \
  --set channel.stock.external.latency_topic=dev/echo
exits "another's messages on a trial's topics do not count" 0
: >"$scratch/enough"
wait "$late"

# ---- limits ----

for qos in 1 2; do
  measure "$scratch/policies.ini" --channels stock --probes 'delivery latency' \
    --set probe.delivery.qos=$qos --set probe.latency.qos=$qos --set broker.max_inflight=100
  exits "QoS $qos, with no more in flight than a stock broker takes" 0
done
limit() { # CHANNEL WORDS [OPTION...]
  channel=$1 words=$2
  shift 2
  measure "$scratch/policies.ini" --channels "$channel" --probes delivery \
    --set probe.delivery.payload=64KiB "$@"
  exits "$channel: failed" 1
  contains '... with the limit that may be meant' "$(rows "$folder/trials.csv" reason)" "$words"
}
limit small 'the broker may take no payload of 65536 bytes (probe.delivery.payload)'
limit small 'the broker may take no payload of 65536 bytes' --set channel.small.mqtt=5
limit dropping 'or the broker drops them: so large'
mosquitto_at narrow 3005 'max_queued_messages 1'
measure "$scratch/policies.ini" --channels narrow --probes delivery --set probe.delivery.qos=1 \
  --set scenario.baseline=
exits 'a queue of one message: failed' 1
contains '... with the limit that may be meant' "$(rows "$folder/trials.csv" reason)" \
  'external.max_inflight'

# ---- a broker that is not there ----

measure "$scratch/policies.ini" --channels 'absent plain' --probes 'path latency' --repetitions 3 \
  --set scenario.order=sequential
exits 'an absent broker: its trials fail' 1
is '... all of them' "$(rows "$folder/trials.csv" status channel=absent | sort -u)" failed
contains '... as that' "$(rows "$folder/trials.csv" reason channel=absent)" \
  'the external broker: cannot connect to 127.0.0.1 port 3009'
is '... and the other channel is measured' "$(rows "$folder/trials.csv" status channel=plain |
  sort -u)" ok

# ---- secrets and names as others have them ----

login() { # USER SECRET: a broker on port 3004 that knows this one user, and a file with the secret
  printf '%s\n' "$2" >"$scratch/secret"
  : >"$scratch/passwords"
  chmod 600 "$scratch/secret" "$scratch/passwords"
  mosquitto_passwd -b "$scratch/passwords" "$1" "$2"
  mosquitto_at login 3004 "password_file $scratch/passwords" 'allow_anonymous false'
}
try_login() { # WHAT [OPTION...]
  what=$1
  shift
  measure "$tiny" --channels cloud --probes delivery --set channel.cloud.use='external password' \
    --set channel.cloud.external.port=3004 --set channel.cloud.password.user="$user" \
    --set channel.cloud.password.secret="file:$scratch/secret" --set scenario.baseline= "$@"
  exits "$what" 0
}
long=$(printf '%065000d' 7)
for secret in x public "$long"; do
  user=hub.example/dev-1
  login "$user" "$secret"
  try_login "a password of ${#secret} bytes"
  kill -KILL "${started##* }"
  started=${started% *}
  wait_for "$soon" eval '! is_listening 3004'
done
matches '... a long one is looked for on the wire' "$(rows "$folder/proofs.csv" proof)" \
  '^wiretap-password$'
user='dev-%%c'
login 'dev-%c' x
try_login 'a name with %c in it'
contains '... whose short password was not looked for' \
  "$(rows "$folder/proofs.csv" cause proof=wiretap-payload)" 'so short a password'
run "$bench" check "$tiny" --set channel.x.use='external tls' --channels x \
  --set channel.x.external.ca=/nonexistent/ca.crt --set scenario.baseline=
exits 'check looks at the files that the run reads' 3
contains '... and names them' "$err" '/nonexistent/ca.crt: No such file or directory'

# ---- what docs/own-brokers.md shows of a provider's demands ----

if has_command haproxy && has_command openssl; then
  awk '/^## / { on = /provider/ } /^```$/ { code = 0 } on && code { print }
    /^```sh$/ { code = 1 }' "$root/docs/own-brokers.md" >"$scratch/steps"
  mkdir "$scratch/provider"
  printf 'bench() { "%s" "$@"; }\ncd "%s" || exit 9\nset -e\n' "$bench" "$scratch/provider" |
    cat - "$scratch/steps" >"$scratch/provider.sh"
  sed -i 's,^\./bench ,bench ,' "$scratch/provider.sh"
  run sh "$scratch/provider.sh"
  exits 'the steps of docs/own-brokers.md: all succeed' 0
  folder=$(find "$scratch/provider/results" -mindepth 1 -maxdepth 1 -type d)
  is '... every probe is measured' "$(rows "$folder/trials.csv" probe,status | sort -u |
    tr '\n' ' ')" 'connect|ok delivery|ok latency|ok '
  is '... telemetry has arrived' "$(rows "$folder/telemetry.csv" status | sort -u)" delivered
else
  skip 'the steps of docs/own-brokers.md' 'haproxy or openssl is not installed'
fi

for process in $started; do
  kill -KILL "$process" 2>/dev/null
done
finish
