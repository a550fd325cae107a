#!/bin/sh
# What connecting costs: the probe's figures fit each other, the broker's log and, to the byte, what
# a capture sees on the wire; a resumed session is smaller than a full one; a refused client has a
# reason.
. "$(dirname "$0")/real.sh"
need_command openssl

# connect [OPTION...]: a run of this probe, short.
connect() {
  measure "$tiny" --probes connect --set probe.connect.duration=300ms \
    --set probe.connect.warmup=0s "$@"
}

trial_of() { # CHANNEL
  rows "$folder/trials.csv" trial channel="$1"
}

# value CHANNEL METRIC [PROCESS]
value() {
  rows "$folder/metrics.csv" value trial="$(trial_of "$1")" process="${3-client}" metric="$2"
}

log_of() { # CHANNEL
  printf '%s' "$folder"/log/broker-*-"$1"-*.log
}

# look CHANNEL: what must hold on every channel.
look() {
  holds "$1: the parts are the whole" 'all > 0 && (tcp + tls + mqtt - all) ^ 2 < (all * 1e-6) ^ 2' \
    all="$(value "$1" connect_time)" tcp="$(value "$1" tcp_time)" tls="$(value "$1" tls_time)" \
    mqtt="$(value "$1" mqtt_time)"
  holds '... the rate counts what there is between connections, too' \
    'n > 0 && rate > 0 && rate * mean / 1000 < 1.05 && made > n' n="$(value "$1" connections)" \
    rate="$(value "$1" connections_per_s)" mean="$(value "$1" connect_time)" \
    made="$(value "$1" connections_made)"
  is '... the distribution has them all' "$(rows "$folder/distributions.csv" count \
    trial="$(trial_of "$1")" metric=connect_time | awk '{ n += $1 } END { print n }')" \
    "$(value "$1" connections)"
  is '... they are those of the broker'\''s log' \
    "$(grep -c 'New client connected.* as client2-connect ' "$(log_of "$1")")" \
    "$(value "$1" connections_made)"
  holds '... client and broker worked for each' 'client > 0 && broker > 0' \
    client="$(value "$1" cpu_per_connection)" broker="$(value "$1" cpu_per_connection mosquitto)"
}

# ---- with a capture ----

# Two ports that nobody listens on: the broker's, and one that ends a capture.
port=$((20000 + $$ % 5000 * 2))
while grep -qi ":\($(printf '%04X\|%04X' "$port" $((port + 1)))\) 00000000" /proc/net/tcp; do
  port=$((port + 2))
done

# A capture begins when its file has a header, and is complete when what was sent last is in it.
# $scratch/packets then has "STREAM SOURCE-PORT DESTINATION-PORT LENGTH-OF-PAYLOAD".
capture() { # COMMAND...
  PATH=$PATH:/usr/sbin dumpcap -q -i lo -f "tcp port $port or tcp port $((port + 1))" -s 128 -B 64 \
    -w "$scratch/wire.pcapng" >"$scratch/dumpcap.log" 2>&1 &
  dumpcap=$!
  wait_for 60 has_begun && [ -s "$scratch/wire.pcapng" ] || return 1
  "$@"
  openssl s_client -connect 127.0.0.1:$((port + 1)) </dev/null >"$scratch/discard" 2>&1
  wait_for 240 is_captured
  kill -INT "$dumpcap"
  wait "$dumpcap"
}

# shellcheck disable=SC2317 # called by wait_for
has_begun() { # or never will
  [ -s "$scratch/wire.pcapng" ] || is_gone "$dumpcap"
}

# shellcheck disable=SC2317 # called by wait_for
is_captured() {
  tshark -n -r "$scratch/wire.pcapng" -Y '!tcp.analysis.retransmission' -T fields -e tcp.stream \
    -e tcp.srcport -e tcp.dstport -e tcp.len >"$scratch/packets" 2>"$scratch/tshark.log"
  awk -v end=$((port + 1)) '$3 == end { ended = 1 } END { exit !ended }' "$scratch/packets"
}

# streams CHANNEL: "sent received", of TCP payload, for each of the probe's connections: up to the
# DISCONNECT, the last that a client sends. Their ports are in the broker's log; one that was used
# twice tells nothing.
streams() {
  sed -n 's/.*New client connected from [^ ]*:\([0-9]*\) as client2-connect .*/\1/p' \
    "$(log_of "$1")" >"$scratch/ports"
  awk -v ports="$scratch/ports" -v broker="$port" '
    BEGIN { while ((getline number < ports) > 0) probe[number] }
    $3 == broker && $2 in probe { uses[$2] += !($1 in of); of[$1] = $2 }
    $3 == broker && $4 { sent[$1] += $4; last[$1] = $4; before[$1] = received[$1] }
    $2 == broker { received[$1] += $4 }
    END {
      for (number in probe) if (!uses[number]) print "port " number ": no stream"
      for (stream in of)
        if (uses[of[stream]] == 1) print sent[stream] - last[stream], before[stream]
    }' "$scratch/packets"
}

# same_bytes CHANNEL: the probe gives for each connection what the capture has. (Of the thousands in
# clear, the log has but the first.)
same_bytes() {
  is "$1: each connection had the bytes that the probe tells of" "$(streams "$1" | sort -u)" \
    "$(value "$1" bytes_sent) $(value "$1" bytes_received)"
}

# Of Ed25519, as signatures of other kinds vary in length.
set -- --channels 'plain password ed25519' --set channel.ed25519.inherits=mutual-tls \
  --set channel.ed25519.tls.key_type=ed25519 --set channel.no-tickets.inherits=ed25519 \
  --set channel.no-tickets.tls.resumption=none
if ! has_command tshark; then
  connect "$@"
  skip 'the bytes are those of a capture' 'tshark is not installed'
elif ! capture connect "$@" --set "broker.port=$port"; then
  connect "$@"
  skip 'the bytes are those of a capture' "no capture: $(tail -n 1 "$scratch/dumpcap.log")"
elif ! grep -q 'dropped.*/0 ' "$scratch/dumpcap.log"; then
  skip 'the bytes are those of a capture' "lost packets: $(tail -n 1 "$scratch/dumpcap.log")"
else
  same_bytes plain
  same_bytes password
  same_bytes ed25519
fi
exits 'three channels' 0
is 'each is ok, in the TLS of its channel' \
  "$(rows "$folder/trials.csv" channel,status,tls_version,bytes | sort)" \
  'ed25519|ok|TLSv1.3|
password|ok||
plain|ok||'
look ed25519
is 'in clear: what CONNECT and CONNACK have' \
  "$(value plain bytes_sent) $(value plain bytes_received)" '29 4'
is '... and nothing of TLS' "$(value plain tls_time) $(value plain tls_bytes_sent)" '0 0'
is 'with a name and a password: these besides, with their lengths' \
  "$(value password bytes_sent)" $((29 + 2 + 5 + 2 + 24))
is 'under TLS: two records, and the handshake' \
  "$(value ed25519 bytes_sent) $(value ed25519 bytes_received)" \
  "$(($(value ed25519 tls_bytes_sent) + 29 + 22)) $(($(value ed25519 tls_bytes_received) + 4 + 22))"
full_sent=$(value ed25519 bytes_sent) full_received=$(value ed25519 bytes_received)
run "$bench" report "$folder"
exits 'it can be reported' 0
contains 'the table is about connections' "$(cat "$folder/table.txt")" 'Connections per s, 1/s'
if has_command gnuplot; then
  "$root/tests/system/svg-values" "$folder/plots/connect.svg" x >"$scratch/bars"
  is 'the figure has the parts that each channel has' \
    "$(awk -F '\t' '{ sub(/.*, /, "", $1); print $3 ", " $1 }' "$scratch/bars" | sort)" \
    'ed25519, CONNECT to CONNACK
ed25519, TCP
ed25519, TLS handshake
password, CONNECT to CONNACK
password, TCP
plain, CONNECT to CONNACK
plain, TCP'
  ends() { # STEP: where that of ed25519 does
    awk -F '\t' -v step="$1" '$1 ~ step && $3 == "ed25519" { print $5 }' "$scratch/bars"
  }
  holds '... which end where they must' '(tls - tcp_time - tls_time) ^ 2 < (all * 0.01) ^ 2 &&
    (mqtt - all) ^ 2 < (all * 0.01) ^ 2' tcp_time="$(value ed25519 tcp_time)" \
    tls_time="$(value ed25519 tls_time)" all="$(value ed25519 connect_time)" \
    tls="$(ends TLS)" mqtt="$(ends CONNECT)"
else
  skip 'the figure has the parts that each channel has' 'gnuplot is not installed'
fi

connect "$@" --channels 'plain ed25519 no-tickets'
exits 'with and without tickets' 0
is 'without them all of TLS is the handshake' "$(value no-tickets handshake_bytes)" \
  $(($(value no-tickets tls_bytes_sent) + $(value no-tickets tls_bytes_received)))
is '... as long as where they follow, but for the extension that asks for them' \
  $(($(value ed25519 handshake_bytes) - 4)) "$(value no-tickets handshake_bytes)"
holds '... and they count as TLS that was received' 'all > handshake + 500' \
  all=$(($(value ed25519 tls_bytes_sent) + $(value ed25519 tls_bytes_received))) \
  handshake="$(value ed25519 handshake_bytes)"
is '... in clear there is none' "$(value plain handshake_bytes)" 0

# ---- resumed, and side by side ----

connect "$@" --channels 'plain ed25519' --set probe.connect.session=resumed
exits 'resumed' 0
matches 'while it goes on, there is a line for a trial' "$out" \
  '^ *[0-9]+/2  [0-9 mins]+ left  plain connect, block 1: [0-9.]+ /s$'
holds 'a resumed session needs fewer bytes' 'sent + received < full_sent + full_received' \
  sent="$(value ed25519 bytes_sent)" full_sent="$full_sent" \
  received="$(value ed25519 bytes_received)" full_received="$full_received"
is '... and is of the same TLS' \
  "$(rows "$folder/trials.csv" status,tls_version channel=ed25519)" 'ok|TLSv1.3'
is '... under no signature, as none was made' \
  "$(rows "$folder/trials.csv" tls_group,tls_signature channel=ed25519)" 'x25519|'

connect --channels plain --set broker.connection_messages=no
is 'a broker that is told not to does not log who comes' \
  "$status, $(grep -c 'New client connected' "$(log_of plain)")" '0, 0'

connect --channels plain --set probe.connect.parallel=4
exits 'four at once' 0
is '... are four clients' "$(grep -o 'New client connected.* as client2-connect[^ ]* ' \
  "$(log_of plain)" | sed 's/.* as //' | sort -u | tr -d '\n')" \
  'client2-connect client2-connect-2 client2-connect-3 client2-connect-4 '

# ---- refused ----

mkdir "$scratch/bin"
broker=$(PATH=$PATH:/usr/local/sbin:/usr/sbin command -v mosquitto)
cat >"$scratch/bin/mosquitto" <<END
#!/bin/sh
[ "\$1" != -c ] || echo 'plugin $scratch/picky.so' >>"\$2"
exec '$broker' "\$@"
END
chmod +x "$scratch/bin/mosquitto"
# Turns away nobody but this probe's clients. Without Mosquitto's headers: what it needs of them.
cat >"$scratch/picky.c" <<'END'
#include <string.h>
struct basic_auth { void *future; const void *client; };
enum { BASIC_AUTH = 3, AUTH = 11, DEFER = 17 };
const char *mosquitto_client_id(const void *client);
int mosquitto_callback_register(void *, int, int (*)(int, void *, void *), const void *, void *);
int mosquitto_plugin_version(int count, const int *versions);
int mosquitto_plugin_init(void *id, void **data, void *options, int count);
int mosquitto_plugin_cleanup(void *data, void *options, int count);
static int judge(int event, void *data, void *own) {
    (void)event;
    (void)own;
    return strstr(mosquitto_client_id(((struct basic_auth *)data)->client), "-connect") ? AUTH
                                                                                        : DEFER;
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
if has_command cc && cc -shared -fPIC -o "$scratch/picky.so" "$scratch/picky.c"; then
  PATH=$scratch/bin:$PATH connect --channels plain
  exits 'a broker that refuses the probe' 1
  is '... makes the trial fail, with the reason' \
    "$(rows "$folder/trials.csv" status,reason | sort -u)" \
    'failed|connect-client: connection 1: the broker refused the client: connack 5, not authorized'
else
  skip 'a broker that refuses the probe' 'no C compiler'
fi
finish
