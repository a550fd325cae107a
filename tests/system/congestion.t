#!/bin/sh
# One congestion control for all of a run: for every connection of it, both ends, whoever opened it;
# what cannot have it is refused, or told where it is measured.
# shellcheck disable=SC2317 # functions are called by name
# In a network of its own, where nobody else has connections, and with a default of its own.
. "$(dirname "$0")/alone.sh"
. "$(dirname "$0")/real.sh"
need_command ss
ipv4=/proc/sys/net/ipv4
echo reno >$ipv4/tcp_congestion_control || skip_all 'this namespace has no default of its own'
grep -qw cubic $ipv4/tcp_available_congestion_control || skip_all 'this kernel has no cubic'

# ---- what the kernel says of every connection, while a run goes on ----

look() { # until $scratch/enough is there, into $scratch/seen
  while [ ! -e "$scratch/enough" ]; do
    ss -tinHO state connected
    sleep 0.02
  done >"$scratch/seen"
}

watch() { # OPTION...: `measure` with these; $seen: the controls of all connections, without doubles
  rm -f "$scratch/enough"
  look &
  looker=$!
  measure "$tiny" --quiet "$@"
  touch "$scratch/enough"
  wait "$looker"
  seen=$(grep -oE ' (cubic|reno|bbr) ' "$scratch/seen" | sort -u | tr -d ' \n')
}

set -- --probes 'path transport delivery latency connect' --set telemetry.qos=1
for probe in path transport delivery latency connect; do
  set -- "$@" --set "probe.$probe.duration=300ms"
done
watch "$@" --channels 'plain mutual-tls' --set telemetry.connection=per-message
exits 'five probes, two channels' 0
check 'connections were seen' test "$(wc -l <"$scratch/seen")" -gt 20
is 'every one is under cubic, whatever the default here is' "$seen" cubic
is 'all is ok' "$(rows "$folder/trials.csv" status | sort -u)" ok
lacks 'nothing is remarked' "$(rows "$folder/trials.csv" reason)" 'hosts.congestion'
is 'the run tells what was asked' "$(grep '^congestion' "$folder/scenario.ini")" \
  'congestion = cubic'

watch "$@" --channels plain --set hosts.congestion=default
is "\`default\` leaves the kernel's own" "$seen" reno
lacks 'and nothing is remarked' "$(rows "$folder/trials.csv" reason)" 'hosts.congestion'

if "$bench" check "$tiny" --set probe.delivery.library=paho >/dev/null 2>&1; then
  watch --probes delivery --set probe.delivery.library=paho --set probe.delivery.duration=500ms
  is "Paho C's connections, too" "$seen" cubic
else
  skip "Paho C's connections, too" 'built without Paho C'
fi

# ---- a broker that is not ours ----

port=18830
printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$port" >"$scratch/theirs.conf"
mosquitto -c "$scratch/theirs.conf" >/dev/null 2>&1 &
theirs=$!
check 'their broker is there' wait_for "$soon" grep -qi ":$(printf %04X "$port") 00000000:0000 0A" \
  /proc/net/tcp
watch "$@" --probes 'path delivery' --channels theirs --set scenario.baseline=theirs \
  --set channel.theirs.use=external --set channel.theirs.external.address=127.0.0.1 \
  --set channel.theirs.external.port=$port
exits 'their broker is measured' 0
is 'keeps its own' "$seen" cubicreno
contains 'where the broker sends, that is remarked' \
  "$(rows "$folder/trials.csv" reason probe=delivery)" \
  'the broker sends under reno, not under cubic (hosts.congestion)'
lacks 'and nowhere else' "$(rows "$folder/trials.csv" reason probe=path)" 'hosts.congestion'
kill "$theirs"
wait "$theirs" 2>/dev/null

# ---- what cannot be had ----

run "$bench" run "$tiny" --quiet --set hosts.congestion=no-such --output "$scratch/none" \
  --certs "$scratch/certs"
exits 'one that the kernel has not' 3
contains 'is refused, with the host' "$err" \
  "host local: congestion control 'no-such' cannot be used"
check 'before anything is made' test ! -e "$scratch/none"
if can_be_nobody && ! grep -qw cubic $ipv4/tcp_allowed_congestion_control; then
  mkdir -m 777 "$scratch/theirs"
  # shellcheck disable=SC2086 # several words
  run $nobody TMPDIR="$scratch/theirs" "$bench" run "$tiny" --quiet --probes 'path delivery' \
    --output "$scratch/theirs/results" --certs "$scratch/theirs/certs"
  exits 'an ordinary user may not have it: measured all the same' 0
  results=$scratch/theirs/results
  folder=$(find_run)
  is 'each trial says so' "$(rows "$folder/trials.csv" reason |
    grep -c 'local keeps its own congestion control: another takes CAP_NET_ADMIN')" 2
else
  skip 'an ordinary user who may not have it' 'cubic is allowed to everybody here, or no root'
fi
run "$bench" check "$tiny" --set probe.path.congestion=cubic
exits 'a probe has none of its own' 2
finish
