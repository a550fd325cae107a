#!/bin/sh
# Other people's brokers as Debian configures them: Mosquitto with TLS and no word on versions, with
# TLS 1.2, and with shared keys; ejabberd; HAProxy, which serves known names alone, and nginx in
# front of a Mosquitto. Every probe measures each of them; what one does not keep of what a broker
# of ours would be asked for is a remark.
# shellcheck disable=SC2317 # functions are called by name
# In a network of its own, as ejabberd's packaged configuration takes the ports that are its own,
# and with names of its own.
if [ -z "${BENCH_TEST_ALONE-}" ] &&
  unshare --net --mount env PATH="$PATH:/usr/sbin:/sbin" ip link set lo up 2>/dev/null; then
  BENCH_TEST_ALONE=yes PATH=$PATH:/usr/sbin:/sbin
  export BENCH_TEST_ALONE PATH
  # shellcheck disable=SC2016 # for the shell there
  exec unshare --net --mount sh -c 'ip link set lo up && exec sh "$0"' "$0"
fi
. "$(dirname "$0")/real.sh"
need_root
export ERL_CRASH_DUMP="$scratch/erl_crash.dump" # not into the project
[ -n "${BENCH_TEST_ALONE-}" ] || skip_all 'needs a network namespace of its own'
need_command openssl
pki=$scratch/pki name=broker.example
secret=correct-horse-battery

# ---- their files: a CA of P-256, the broker's certificate, and one for each client ----

make_pki() {
  mkdir "$pki"
  printf 'subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:%s\n' "$name" >"$pki/names"
  certificate ca -x509 -days 30
  for party in broker client1 client2; do
    certificate "$party"
    openssl x509 -req -in "$pki/$party.crt" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -days 30 \
      -CAcreateserial -extfile "$pki/names" -out "$pki/$party.signed" 2>/dev/null
    mv "$pki/$party.signed" "$pki/$party.crt"
  done
  cat "$pki/broker.crt" "$pki/broker.key" >"$pki/broker.pem"
}
certificate() { # PARTY [OPTION...]: PARTY.key, and a request or a certificate in PARTY.crt
  party=$1
  shift
  openssl req "$@" -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$party" \
    -keyout "$pki/$party.key" -out "$pki/$party.crt" 2>/dev/null
}
make_pki
# Names whose first address nobody listens on, and one that has IPv6 alone.
printf '%s\n' '127.0.0.1 localhost' '::1 dual.example' "127.0.0.1 dual.example $name" \
  '::1 six.example' >"$scratch/hosts"
mount --bind "$scratch/hosts" /etc/hosts
printf '%s\n' "$secret" >"$scratch/secret"
printf '0123456789abcdef0123456789abcdef\n' >"$scratch/key"
chmod 600 "$scratch/secret" "$scratch/key"
chmod 755 "$scratch"

# ---- the brokers ----

started=''
is_listening() { # PORT
  ss -Hltn "sport = :$1" | grep -q .
}
up() { # NAME PORT COMMAND...: in the background; Erlang's servers take their time
  up_name=$1 up_port=$2
  shift 2
  "$@" >"$scratch/$up_name.log" 2>&1 &
  started="$started $!"
  wait_for 120 is_listening "$up_port" && return
  fail "$up_name comes up" "$(tail -n 5 "$scratch/$up_name.log")"
}
mosquitto_at() { # NAME PORT LINE...
  mosquitto_name=$1 mosquitto_port=$2
  shift 2
  printf '%s\n' 'user root' "listener $mosquitto_port 127.0.0.1" 'allow_anonymous true' "$@" \
    >"$scratch/$mosquitto_name.conf"
  up "$mosquitto_name" "$mosquitto_port" mosquitto -c "$scratch/$mosquitto_name.conf"
}
with_tls() { # the three lines of the manual's example
  printf '%s\n' "cafile $pki/ca.crt" "certfile $pki/broker.crt" "keyfile $pki/broker.key"
}
mosquitto_at clear 2000
mosquitto_at tls 2001 "$(with_tls)"
mosquitto_at old 2002 "$(with_tls)" 'tls_version tlsv1.2'
mosquitto_at mutual 2003 "$(with_tls)" 'require_certificate true'
printf 'device:%s\n' "$(cat "$scratch/key")" >"$scratch/keys"
mosquitto_at six 2010 'listener 2009 ::1'
mosquitto_at psk 2004 'psk_hint bench' "psk_file $scratch/keys"

# What the package has in its configuration, but for the paths that only the service may write to.
start_haproxy() {
  {
    sed -e '/^[[:space:]]*\(chroot\|stats\|user\|group\|daemon\|log\)[[:space:]]/d' \
      /etc/haproxy/haproxy.cfg
    printf '%s\n' 'frontend mqtt' '  mode tcp' '  option tcplog' \
      "  bind 127.0.0.1:2005 ssl crt $pki/broker.pem strict-sni" '  default_backend mosquitto' \
      'frontend cloud' '  mode tcp' '  option tcplog' \
      "  bind 127.0.0.1:2007 ssl crt $pki/broker.pem strict-sni alpn mqtt" \
      '  tcp-request session reject unless { ssl_fc_alpn mqtt }' '  default_backend mosquitto' \
      'backend mosquitto' '  mode tcp' '  server one 127.0.0.1:2000'
  } >"$scratch/haproxy.cfg"
  up haproxy 2005 haproxy -db -f "$scratch/haproxy.cfg"
}
start_nginx() {
  {
    sed -e "s,/run/nginx.pid,$scratch/nginx.pid," -e "s,/var/log/nginx,$scratch," \
      /etc/nginx/nginx.conf
    printf '%s\n' 'stream {' '  server {' '    listen 127.0.0.1:2006 ssl;' \
      "    ssl_certificate $pki/broker.crt;" "    ssl_certificate_key $pki/broker.key;" \
      '    ssl_protocols TLSv1.2; # all that it takes by default before 1.23.4' \
      '    proxy_pass 127.0.0.1:2000;' '  }' '}'
  } >"$scratch/nginx.conf"
  up nginx 2006 nginx -c "$scratch/nginx.conf" -g 'daemon off;'
}
# Its own ejabberdctl, but of the files here, and not as the service's user.
write_ejabberdctl() {
  sed 's/^INSTALLUSER=.*/INSTALLUSER=/' /usr/sbin/ejabberdctl >"$scratch/ejabberdctl"
  grep -v '^[A-Z_]*PATH=' /etc/ejabberd/ejabberdctl.cfg >"$scratch/ejabberdctl.cfg"
  cat >"$scratch/ctl" <<CTL
HOME=$scratch/ejabberd ERL_DIST_PORT=5210 SCRIPT=/usr/sbin/ejabberdctl exec bash \\
  $scratch/ejabberdctl --config $scratch/ejabberd.yml --ctl-config $scratch/ejabberdctl.cfg \\
  --logs $scratch/ejabberd --spool $scratch/ejabberd "\$@"
CTL
}
start_ejabberd() { # with one listener more: MQTT over TLS, as its manual has it
  mkdir "$scratch/ejabberd"
  write_ejabberdctl
  awk -v pem="$pki/broker.pem" '{ gsub("/etc/ejabberd/ejabberd.pem", pem); print }
    /module: mod_mqtt$/ {
      print "    tls: false\n  -\n    port: 2008\n    module: mod_mqtt\n    tls: true"
    }' /etc/ejabberd/ejabberd.yml >"$scratch/ejabberd.yml"
  up ejabberd 2008 unshare --pid --fork --kill-child --mount-proc sh "$scratch/ctl" foreground
  for party in client1 client2; do
    wait_for 120 register "$party" || fail "$party is registered"
  done
}
register() { # USER
  sh "$scratch/ctl" register "$1" localhost "$secret" >"$scratch/register" 2>&1 ||
    grep -q 'already registered' "$scratch/register"
}
stop_all() { # first by the signal upon which nginx ends its workers
  for process in $started; do
    kill "$process" 2>/dev/null
    wait_for 3 is_gone "$process" || kill -KILL "$process"
  done
}

# ---- the channels ----

channel() { # NAME PORT USE [LINE...]
  printf '[channel.%s]\nuse = external %s\nexternal.port = %s\n' "$1" "$3" "$2"
  shift 3
  [ $# -eq 0 ] || printf '%s\n' "$@"
}
all='connect delivery latency path transport transport-per-unit'
ca="external.ca = $pki/ca.crt"
# scenario CHANNELS: on stdin, the channels' sections
scenario() {
  cat "$tiny" -
  cat <<'TIMES'
[probe.connect]
duration = 1s
warmup = 0s
[probe.latency]
duration = 200ms
warmup = 0s
[probe.transport-per-unit]
duration = 100ms
warmup = 0s
TIMES
}
measured_whole() { # CHANNEL...: every probe of them has been measured
  for one; do
    is "$one: every probe is measured" \
      "$(rows "$folder/trials.csv" probe,status channel="$one" | LC_ALL=C sort | tr '\n' ' ')" \
      'connect|ok delivery|ok latency|ok path|ok transport-per-unit|ok transport|ok '
    is "$one: no proof is broken" "$(rows "$folder/proofs.csv" proof,observed,cause \
      channel="$one" verdict=broken)" ''
    is "$one: telemetry has arrived" \
      "$(rows "$folder/telemetry.csv" status channel="$one" | sort -u)" delivered
  done
}
takes() { # OPTION...: whether the broker of psk completes a handshake with this client
  openssl s_client -connect 127.0.0.1:2004 -psk_identity device -psk "$(cat "$scratch/key")" "$@" \
    </dev/null 2>&1 | grep -qE '^(New|Reused), TLS.* Cipher is [A-Z]'
}
remarks() { # CHANNEL PROOF...: which of its proofs are remarks, in the order of their names
  channel=$1
  shift
  is "$channel: what is weaker than asked for is a remark" \
    "$(rows "$folder/proofs.csv" proof channel="$channel" verdict=remark | sort | tr '\n' ' ')" \
    "$(printf '%s ' "$@")"
}

{
  channel clear 2000 ''
  channel tls 2001 tls "$ca"
  channel old 2002 tls "$ca"
  channel mutual 2003 'tls certificate' "$ca" "external.certificate = $pki/%c.crt" \
    "external.key = $pki/%c.key"
  channel psk 2004 psk 'psk.identity = device' "psk.secret = file:$scratch/key"
} | scenario >"$scratch/mosquitto.ini"
measure "$scratch/mosquitto.ini" --channels 'clear tls old mutual psk' \
  --probes "$all"
exits 'stock Mosquitto: the run succeeds' 0
measured_whole clear tls old mutual psk
remarks tls older-version-refused
remarks mutual older-version-refused
# Which versions a stock broker takes with PSK differs from release to release: a peer asks it.
# shellcheck disable=SC2046 # names of proofs
remarks psk $(takes -tls1_3 && echo newer-version-refused) \
  $(takes -tls1_1 -cipher PSK:@SECLEVEL=0 && echo older-version-refused) other-cipher-refused
contains '... said when it is seen' "$out" \
  'block 1  tls  the broker is not as strict as asked: older-version-refused'
run "$bench" report "$folder"
contains '... and in the report' "$out" \
  'tls: the broker is not as strict as the scenario asks: older-version-refused.'
paho='--set probe.delivery.library=paho --set telemetry.library=paho' libraries=libmosquitto
run "$bench" check "$tiny" --set telemetry.library=paho
case $err in
*'built without Paho C'*) skip 'the same with Paho C' 'built without Paho C' ;;
*) libraries='libmosquitto paho' ;;
esac
with_paho() { # WHAT SCENARIO CHANNELS [OPTION...]
  case $libraries in *paho) ;; *) return ;; esac
  what=$1 scenario=$2 channels=$3
  shift 3
  # shellcheck disable=SC2086 # several words
  measure "$scratch/$scenario.ini" --channels "$channels" --probes "$all" \
    $paho "$@"
  exits "$what, with Paho C" 0
  # shellcheck disable=SC2086 # several words
  measured_whole $channels
}
with_paho 'stock Mosquitto' mosquitto 'clear tls mutual' --set scenario.baseline=

# ---- what is weaker than the channel claims voids its trials; so does all, where asked for ----

void() { # WHAT PROOF CHANNEL [OPTION...]
  what=$1 proof=$2 one=$3
  shift 3
  measure "$scratch/mosquitto.ini" --channels "$one" --probes connect --set scenario.baseline= "$@"
  exits "$what: void" 1
  matches "... because of $proof" "$(rows "$folder/trials.csv" status,reason)" \
    "^void\\|proof $proof broken"
}
void 'external.strict = yes' older-version-refused tls --set channel.tls.external.strict=yes
void 'no certificate asked for' no-certificate-refused mutual \
  --set channel.mutual.external.port=2001
void 'a port without TLS' accepted-before tls --set channel.tls.external.port=2000

if has_command haproxy && has_command nginx; then
  start_haproxy
  start_nginx
  {
    channel haproxy 2005 tls "$ca" "external.name = $name"
    channel nginx 2006 tls "$ca"
    channel cloud 2007 tls "$ca" "external.address = $name" 'external.alpn = mqtt'
  } | scenario >"$scratch/proxies.ini"
  measure "$scratch/proxies.ini" --channels 'haproxy nginx cloud' \
    --probes "$all"
  exits 'HAProxy and nginx before Mosquitto: the run succeeds' 0
  measured_whole haproxy nginx cloud
  remarks haproxy older-version-refused
  remarks nginx negotiated-as-asked older-version-refused
  with_paho 'a name and a protocol that must be asked for' proxies 'haproxy cloud'
  measure "$scratch/proxies.ini" --channels cloud --probes connect \
    --set channel.cloud.external.alpn=
  exits '... without the protocol: nobody gets in' 1
else
  skip 'HAProxy and nginx before Mosquitto' 'haproxy or nginx is not installed'
fi

# ---- names ----

{
  channel dual 2010 '' 'external.address = dual.example'
  channel six 2009 '' 'external.address = six.example'
  channel brackets 2009 '' 'external.address = [::1]'
  channel other 2001 tls "$ca" 'external.address = dual.example'
} | scenario >"$scratch/names.ini"
measure "$scratch/names.ini" --channels 'dual six brackets' --probes "$all"
exits 'names with several addresses, and IPv6: the run succeeds' 0
measured_whole dual six brackets
with_paho 'the same' names 'dual six brackets'
measure "$scratch/names.ini" --channels other --probes connect
exits 'a certificate for another name: void' 1
contains '... with both names' "$(rows "$folder/trials.csv" reason)" \
  "expected dual.example; the certificate is for 127.0.0.1, localhost, $name"

# ---- an encrypted key ----

for party in client1 client2; do
  openssl pkcs8 -topk8 -v2 aes256 -passout pass:secret12 -in "$pki/$party.key" \
    -out "$pki/$party.locked"
done
printf 'secret12\n' >"$scratch/passphrase"
chmod 600 "$scratch/passphrase"
locked="--channels mutual --probes delivery --set scenario.baseline=
  --set channel.mutual.external.key=$pki/%c.locked"
# shellcheck disable=SC2086 # several words
measure "$scratch/mosquitto.ini" $locked </dev/null
exits 'an encrypted key: refused, and nobody is asked' 3
contains '... as what it is' "$err" "$pki/client1.locked is an encrypted private key"
for library in $libraries; do
  # shellcheck disable=SC2086 # several words
  measure "$scratch/mosquitto.ini" $locked --set "probe.delivery.library=$library" \
    --set "channel.mutual.external.key_passphrase=file:$scratch/passphrase"
  exits "... its passphrase opens it, for $library" 0
done

if has_command ejabberdctl; then
  start_ejabberd
  {
    channel password 1883 password 'password.user = %c@localhost' \
      "password.secret = file:$scratch/secret"
    channel both 2008 'tls password' "$ca" 'password.user = %c@localhost' \
      "password.secret = file:$scratch/secret"
  } | scenario >"$scratch/ejabberd.ini"
  # On a busy machine it takes a while over a password.
  measure "$scratch/ejabberd.ini" --channels 'password both' --probes "$all" \
    --set probe.connect.duration=2s
  exits 'ejabberd: the run succeeds' 0
  measured_whole password both
else
  skip 'ejabberd' 'it is not installed'
fi

stop_all
finish
