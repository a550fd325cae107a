#!/bin/sh
# Somebody else's broker, of another make (RabbitMQ): the probes and the proofs of plain, password,
# tls and mutual TLS work against it, beside our own broker in one run; its processor time is not
# measured; what is wrong with it is said.
# shellcheck disable=SC2317 # functions are called by name
# In a network of its own, where such can be had: ports that are free stay free until they are used.
if [ -z "${BENCH_TEST_ALONE-}" ] &&
  unshare --net env PATH="$PATH:/usr/sbin:/sbin" ip link set lo up 2>/dev/null; then
  BENCH_TEST_ALONE=yes PATH=$PATH:/usr/sbin:/sbin
  export BENCH_TEST_ALONE PATH
  # shellcheck disable=SC2016 # for the shell there
  exec unshare --net sh -c 'ip link set lo up && exec sh "$0"' "$0"
fi
. "$(dirname "$0")/real.sh"
rabbit=/usr/lib/rabbitmq/bin/rabbitmq-server
[ -x "$rabbit" ] || skip_all 'needs rabbitmq-server'
need_command unshare openssl ss
export ERL_CRASH_DUMP="$scratch/erl_crash.dump" # not into the project
[ "$(id -u)" = 0 ] || skip_all 'needs root: the broker goes into a process namespace of its own'

# ---- two nodes: one lets everybody in, the other by password or by certificate ----

free_port() { # one that nobody listens on now
  perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1)
    ->sockport'
}
need_command perl
secret=correct-horse-battery
printf '%s\n' "$secret" >"$scratch/secret"
chmod 600 "$scratch/secret"

# A user's hash as RabbitMQ keeps it: four bytes of salt and SHA-256 of these and the password.
user() { # NAME
  hash=$({
    printf 'salt'
    printf 'salt%s' "$secret" | openssl dgst -sha256 -binary
  } | base64 -w 0)
  printf '{"name": "%s", "password_hash": "%s", "tags": "",
    "hashing_algorithm": "rabbit_password_hashing_sha256"}' "$1" "$hash"
}
permission() { # NAME
  printf '{"user": "%s", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}' "$1"
}
users='client1 client2 User1'
list() { # FUNCTION
  comma=''
  for name in $users; do
    printf '%s' "$comma"
    "$1" "$name"
    comma=,
  done
}

# start_node NAME PLAIN_PORT TLS_PORT LINE...: in the background; $node its process.
start_node() {
  home=$scratch/$1 name=$1
  mkdir "$home"
  echo '[rabbitmq_mqtt].' >"$home/plugins"
  printf '{"users": [%s], "vhosts": [{"name": "/"}], "permissions": [%s]}\n' "$(list user)" \
    "$(list permission)" >"$home/users.json"
  {
    printf '%s\n' 'listeners.tcp = none' 'log.console = true' 'log.file = false' \
      "load_definitions = $home/users.json" "mqtt.listeners.tcp.1 = 127.0.0.1:$2" \
      "mqtt.listeners.ssl.1 = 127.0.0.1:$3" "ssl_options.cacertfile = $certs/ca/ca.crt" \
      "ssl_options.certfile = $certs/broker/broker.crt" \
      "ssl_options.keyfile = $certs/broker/broker.key"
    shift 3
    printf '%s\n' "$@"
  } >"$home/node.conf"
  env -i BENCH_TEST_ID="$BENCH_TEST_ID" PATH="$PATH" HOME="$home" LANG=C.UTF-8 \
    RABBITMQ_NODENAME="bench-$name@localhost" \
    RABBITMQ_MNESIA_BASE="$home/mnesia" RABBITMQ_LOG_BASE="$home/log" \
    RABBITMQ_CONFIG_FILE="$home/node" RABBITMQ_ADVANCED_CONFIG_FILE="$home/advanced" \
    RABBITMQ_ENABLED_PLUGINS_FILE="$home/plugins" RABBITMQ_GENERATED_CONFIG_DIR="$home" \
    RABBITMQ_PID_FILE="$home/pid" RABBITMQ_CONF_ENV_FILE=/dev/null \
    RABBITMQ_DIST_PORT="$(free_port)" ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT="$epmd" \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}' \
    unshare --pid --fork --kill-child --mount-proc "$rabbit" >"$home/output" 2>&1 &
  nodes="$nodes $!"
}
is_up() { # NAME
  grep -qs "Server startup complete" "$scratch/$1/output"
}
stop_nodes() { # the namespace dies with its first process
  for node in $nodes; do
    kill -KILL "$node" 2>/dev/null
  done
}

certs=$scratch/certs nodes='' epmd=$(free_port)
run "$bench" certs make --certs "$certs" --set hosts.address=127.0.0.1
exits 'certificates for it are made beforehand' 0
open_port=$(free_port) open_tls=$(free_port) closed_port=$(free_port) closed_tls=$(free_port)
anonymous=anonymous_login # who everybody is, as RabbitMQ 4 names it
case $(ls /usr/lib/rabbitmq/lib) in
rabbitmq_server-3.*) anonymous=mqtt.default ;;
esac
start_node open "$open_port" "$open_tls" 'mqtt.allow_anonymous = true' \
  "${anonymous}_user = User1" "${anonymous}_pass = $secret" 'ssl_options.verify = verify_none'
start_node closed "$closed_port" "$closed_tls" 'mqtt.allow_anonymous = false' \
  'mqtt.ssl_cert_login = true' 'ssl_cert_login_from = common_name' \
  'ssl_options.verify = verify_peer' 'ssl_options.fail_if_no_peer_cert = true'
if ! wait_for 240 is_up open || ! wait_for 240 is_up closed; then
  tail -n 5 "$scratch/open/output" "$scratch/closed/output" >&2
  check 'RabbitMQ comes up' false
  stop_nodes
  finish
fi

# ---- every channel, beside our own broker ----

cat "$tiny" - >"$scratch/rabbit.ini" <<END
[channel.rabbit-plain]
use = external
external.port = $open_port
[channel.rabbit-password]
use = external password
external.port = $closed_port
password.secret = file:$scratch/secret
[channel.rabbit-tls]
use = external tls
external.port = $open_tls
[channel.rabbit-mutual-tls]
use = external tls certificate
external.port = $closed_tls
END
channels='plain rabbit-plain rabbit-password rabbit-tls rabbit-mutual-tls'
sed -i -e "s/^channels = .*/channels = $channels/" \
  -e 's/^probes = .*/probes = path transport delivery\nbaseline = plain/' "$scratch/rabbit.ini"
measure "$scratch/rabbit.ini" --repetitions 2
exits 'all channels: the run succeeds' 0
is 'every trial is ok' "$(rows "$folder/trials.csv" status | sort | uniq -c | tr -s ' ')" ' 30 ok'
is 'no proof is broken; it takes TLS 1.2, too, which is a remark' \
  "$(rows "$folder/proofs.csv" channel,proof,verdict block=1 | grep -v '|held$' | sort)" \
  'rabbit-mutual-tls|older-version-refused|remark
rabbit-tls|older-version-refused|remark'
for channel in password:anonymous-refused password:wrong-password-refused tls:plaintext-refused \
  tls:other-ca-distrusted mutual-tls:no-certificate-refused \
  mutual-tls:stranger-refused mutual-tls:expired-refused; do
  is "rabbit-${channel%:*}: ${channel#*:} is among them" "$(rows "$folder/proofs.csv" observed \
    block=1 channel="rabbit-${channel%:*}" proof="${channel#*:}")" refused
done
is 'the transport speaks the TLS that was negotiated with the broker' "$(rows \
  "$folder/trials.csv" tls_version,tls_cipher,tls_group,tls_signature channel=rabbit-tls block=1 |
  sed -n '/TLS/p' | sort -u | wc -l)" 1
is 'the processor time of our broker is measured, of the other not' \
  "$(rows "$folder/metrics.csv" trial process=mosquitto metric=cpu_s | wc -l)" 6
is 'its telemetry arrived' "$(rows "$folder/telemetry.csv" status channel=rabbit-mutual-tls |
  sort -u)" delivered
is 'the secret is nowhere in the run' "$(grep -rl "$secret" "$folder")" ''
run "$bench" report "$folder"
exits 'it can be reported' 0

# ---- a broker that protects less than the channel claims ----

measure "$scratch/rabbit.ini" --channels 'plain rabbit-password' --probes path \
  --set channel.rabbit-password.external.port="$open_port"
exits 'a broker that lets everybody in: void' 1
contains '... because of the proof' "$(rows "$folder/trials.csv" reason \
  channel=rabbit-password)" 'anonymous-refused'

# ---- a broker that is not there, and settings that say nothing ----

stop_nodes
wait 2>/dev/null
are_gone() { # Erlang's processes end after their namespace's first
  ! ss -Hltn "sport = :$open_port or sport = :$closed_port" | grep -q .
}
wait_for 30 are_gone || check 'RabbitMQ has ended' false
measure "$scratch/rabbit.ini" --channels rabbit-plain --probes path --set scenario.baseline=
exits 'nobody listens: the set-up cannot work' 3
contains '... said with its address' "$err" \
  "the external broker: cannot connect to 127.0.0.1 port $open_port"
refused() { # USE PATH=VALUE MESSAGE
  run "$bench" check "$tiny" --channels 'plain x' --set channel.x.use="$1" \
    --set "channel.x.$2"
  exits "$2 with use = $1: refused" 2
  contains '... in words' "$err" "$3"
}
refused external external.ca=/x 'says something with tls only'
refused 'external tls' external.certificate=/x 'is shown with certificate only'
refused 'external tls certificate' external.key=/x 'goes together with external.certificate'
run "$bench" check "$tiny" --channels 'plain x' --set channel.x.use='external tls certificate' \
  --set channel.x.external.certificate=/x --set channel.x.external.key=/y \
  --set channel.x.certificate.key_store=pkcs11
exits 'a certificate of its own, and keys of ours in a token: refused' 2
contains '... in words' "$err" 'external.certificate: and external.key are files'
refused 'external password' external.port=1883 'password.secret: an external broker knows none'
refused 'external token' external.port=1883 'token.secret: an external broker knows none'
refused 'external psk' external.port=8883 'psk.secret: an external broker knows none'
refused external external.port=0 'external.port'

finish
