#!/bin/sh
# What many clients take of a broker, and what becomes of their messages, against a truth from
# outside: what hold says of memory is what a loop of Python's finds that opens the same
# connections; the times of storm are those of the broker's log; every message is in it. What dies,
# refuses or cannot be is counted and named.
. "$(dirname "$0")/real.sh"
need_command python3

clients=40
# fleet PROBES [OPTION...]: short, with a few clients.
fleet() {
  fleet_probes=$1
  shift
  measure "$tiny" --probes "$fleet_probes" --set fleet.clients=$clients \
    --set fleet.keepalive=5s --set fleet.certificates=shared --set probe.hold.duration=200ms \
    --set probe.fleet.duration=1s --set probe.fleet.warmup=0s --set probe.fleet.interval=500ms "$@"
}

# value CHANNEL PROBE METRIC [PROCESS]: of the last attempt.
value() {
  rows "$folder/metrics.csv" value metric="$3" process="${4-fleet}" \
    trial="$(rows "$folder/trials.csv" trial channel="$1" probe="$2" status=ok | tail -n 1)"
}

# ---- a broker that is observed ----

# It lets no more in than $TEST_CONNECTIONS; with $TEST_AGAIN, once that file is there: when it is
# started again. Each broker's configuration is kept; its log has every message, and goes through a
# process that notes when each line came: $scratch/seen, "SECONDS LINE".
mkdir "$scratch/bin"
broker=$(PATH=$PATH:/usr/local/sbin:/usr/sbin command -v mosquitto)
cat >"$scratch/stamp.py" <<'END'
import sys, time
with open(sys.argv[1], "a", buffering=1) as seen:
    for line in sys.stdin:
        seen.write("%.6f %s" % (time.monotonic(), line))
        sys.stderr.write(line)
        sys.stderr.flush()
END
cat >"$scratch/bin/mosquitto" <<END
#!/bin/sh
[ "\$1" = -c ] || exec '$broker' "\$@"
limit=\${TEST_CONNECTIONS:-100000}
[ -z "\${TEST_AGAIN-}" ] || [ -e "\$TEST_AGAIN" ] || limit=100000
[ -z "\${TEST_AGAIN-}" ] || : >"\$TEST_AGAIN"
sed -i "s/^max_connections .*/max_connections \$limit/" "\$2"
cp "\$2" '$scratch/kept.conf'
[ ! -f "\${2%/*}/openssl.cnf" ] || cp "\${2%/*}/openssl.cnf" '$scratch/kept.cnf'
[ -z "\${TEST_SEEN-}" ] || {
  grep -q '^log_type all' "\$2" || echo 'log_type all' >>"\$2"
  rm -f '$scratch/pipe'
  mkfifo '$scratch/pipe'
  python3 -u '$scratch/stamp.py' "\$TEST_SEEN" <'$scratch/pipe' &
  exec 2>'$scratch/pipe'
}
exec '$broker' "\$@"
END
chmod +x "$scratch/bin/mosquitto"
observed=$PATH
PATH=$scratch/bin:$PATH

# ---- messages and times ----

TEST_SEEN=$scratch/seen
export TEST_SEEN
fleet fleet --channels mutual-tls
exits 'forty clients publish' 0
published=$(value mutual-tls fleet messages_published)
is '... all that the broker has had' "$published" \
  "$(grep -c 'Received PUBLISH from client2-m' "$TEST_SEEN")"
is '... all that it has passed on' "$(value mutual-tls fleet messages_received)" \
  "$(grep -c 'Sending PUBLISH to client1-fleet-1 ' "$TEST_SEEN")"
is '... to a topic of its own each' "$clients" "$(sed -n \
  's/.*Received PUBLISH from client2-m\([0-9]*\) .*bench\/fleet\/1-1\/0\/\1.*/\1/p' "$TEST_SEEN" |
  sort -u | wc -l)"
holds '... each twice in a second, each once in an interval' 'n == 2 * clients && rate == n' \
  n="$published" clients="$clients" rate="$(value mutual-tls fleet offered_rate)"
is '... nothing is lost, nothing comes twice' \
  "$(value mutual-tls fleet loss) $(value mutual-tls fleet messages_duplicated)" '0 0'
is '... the latencies of all are there' "$published" "$(rows "$folder/distributions.csv" count \
  metric=latency | awk '{ n += $1 } END { print n }')"
is '... a row for the host, of its clients' \
  "$(rows "$folder/metrics.csv" party,process,host metric=peak_memory process=clients)" \
  'client2|clients|local'
is '... and of how many of them were up' \
  "$(rows "$folder/metrics.csv" host,value metric=clients_up process=clients)" "local|$clients"
is '... in the TLS of the channel' "$(rows "$folder/trials.csv" status,tls_version,bytes)" \
  'ok|TLSv1.3|'

# A storm of mutual-tls, and how long it took by the log of the broker that was started last: from
# the first connection of a member (behind that by which the agent sees that it listens) until the
# last was let in. Again where other processes kept ours from a processor in between.
storm() {
  : >"$TEST_SEEN"
  fleet storm --channels mutual-tls
  log_s=$(awk '/mosquitto version .* running/ { n = 0 }
    / New connection from / && ++n == 2 { first = $1 }
    / New client connected .* as client2-m/ { last = $1 } END { print last - first }' "$TEST_SEEN")
  took_s=$(value mutual-tls storm time_100)
}
is_as_logged() {
  awk -v t="$took_s" -v log_s="$log_s" 'BEGIN { exit (t - log_s) ^ 2 > (0.05 + 0.1 * log_s) ^ 2 }'
}
for try in 1 2 3 4; do
  storm
  ! is_as_logged || break
done
exits 'a storm' 0
check "... takes as long as by the log (try $try: $took_s s, $log_s s)" is_as_logged
is '... the broker was started for the trial, and in it' 3 \
  "$(grep -c 'mosquitto version .* running' "$TEST_SEEN")"
is '... all were let in, before and after' $((2 * clients)) \
  "$(grep -c 'New client connected .* as client2-m' "$TEST_SEEN")"
is '... none resumed a session' "$(value mutual-tls storm resumed)" 0
is '... the times of all are there' "$clients" "$(rows "$folder/distributions.csv" count \
  metric=back | awk '{ n += $1 } END { print n }')"
holds '... the half of them first' '0 < half && half <= most && most <= all && all < 60' \
  half="$(value mutual-tls storm time_50)" most="$(value mutual-tls storm time_99)" \
  all="$(value mutual-tls storm time_100)"
unset TEST_SEEN

# ---- memory ----

# Opens the same connections to a broker of the same configuration, and reads its memory.
cat >"$scratch/hold.py" <<'END'
import socket, ssl, struct, subprocess, sys, time
program, conf, cnf, port, n, certs = sys.argv[1:7]
env = {"OPENSSL_CONF": cnf} if cnf else {}
broker = subprocess.Popen([program, "-c", conf], env=env, stderr=subprocess.DEVNULL)
context = None
if certs:
    context = ssl.create_default_context(cafile=certs + "/ca.crt")
    context.check_hostname = False
    context.load_cert_chain(certs + "/client2.crt", certs + "/client2.key")

def text(value):
    return struct.pack(">H", len(value)) + value.encode()

def connect(i):
    sock = socket.create_connection(("127.0.0.1", int(port)))
    if context:
        sock = context.wrap_socket(sock)
    body = text("MQTT") + b"\x04\x02" + struct.pack(">H", 5) + text("client2-m%d" % i)
    sock.sendall(b"\x10" + bytes([len(body)]) + body)
    assert sock.recv(4) == b"\x20\x02\x00\x00"
    return sock

def memory():
    time.sleep(0.2)
    with open("/proc/%d/smaps_rollup" % broker.pid) as lines:
        return [int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss_Anon")][0]

try:
    for attempt in range(100):
        try:
            held = [connect(0)]
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    x, y = [], []
    for count in (2, int(n) // 4, int(n) // 2, int(n)):
        held += [connect(i) for i in range(len(held), count)]
        x.append(count)
        y.append(memory())
    mx, my = sum(x) / 4, sum(y) / 4
    print(sum((a - mx) * (b - my) for a, b in zip(x, y)) / sum((a - mx) ** 2 for a in x))
finally:
    broker.kill()
END

port=$((20000 + $$ % 10000))
hold_beside() { # CHANNEL CERTS
  fleet hold --channels "$1" --set fleet.clients=400
  exits "$1: four hundred connections are held" 0
  sed "s/^listener .*/listener $port 127.0.0.1/" "$scratch/kept.conf" >"$scratch/own.conf"
  run python3 "$scratch/hold.py" "$broker" "$scratch/own.conf" "${2:+$scratch/kept.cnf}" "$port" \
    400 "$2"
  port=$((port + 1))
  exits '... and by a loop of its own' 0
  holds '... which finds the same memory for each' '(a - b) ^ 2 <= (0.1 * b) ^ 2' \
    a="$(value "$1" hold memory_per_connection)" b="$out"
  holds '... all were held' 'n == 400 && half == 200 && lost == 0' lost="$(value "$1" hold lost)" \
    n="$(value "$1" hold connections)" half="$(value "$1" hold connections_half)"
}
hold_beside plain ''
hold_beside mutual-tls "$scratch/certs/client2"

fleet hold --channels plain --set fleet.clients=2
exits 'two are enough for a slope' 0

fleet hold --channels plain --set fleet.clients=12 --set probe.hold.duration=5s
exits 'a few are kept alive' 0
# Much of the broker's time in that window is its own: it wakes ten times a second.
holds '... which costs what their pings do, not what an idle broker takes' \
  'hour_s * 12 * 5 / 3600 < 0.75 * broker_s' hour_s="$(value plain hold keepalive_cpu_per_hour)" \
  broker_s="$(value plain hold cpu_s mosquitto)"

# A control group of the broker's, with its host's agent: below that of this test, or of version 2
# beside it, where one that has processes has no groups for memory in it.
group=$(sed -n 's/^[0-9]*:memory:/\/sys\/fs\/cgroup\/memory/p' /proc/self/cgroup)
[ -n "$group" ] || group=/sys/fs/cgroup$(sed -n 's/^0::\(.*\)\/.*/\1/p' /proc/self/cgroup)
group=$group/bench-test-$$
cat >"$scratch/grouped" <<END
echo \$\$ >"$group/cgroup.procs"
exec "\$@"
END
hold_grouped() { # CHANNEL BROKER PUBLISHER
  fleet hold --channels "$1" --set fleet.clients=400 --set hosts.folder="$same" \
    --broker-host "$2" --publisher-host "$3"
  each=$(value "$1" hold group_memory_per_connection)
}
if mkdir "$group" 2>/dev/null && ls "$group"/memory.[cu]* >/dev/null 2>&1; then
  hold_grouped mutual-tls "exec:sh $scratch/grouped" local
  exits 'a broker in a control group of its own' 0
  holds '... whose memory for a connection is told, of all that is in it' \
    'group > 0.7 * own && group < 3 * own' own="$(value mutual-tls hold memory_per_connection)" \
    group="$each"
  hold_grouped plain "exec:sh $scratch/grouped" "exec:env BESIDE=2 sh $scratch/grouped"
  is '... but not where members are in it' "$status, $each" '0, '
  hold_grouped plain 'exec:env BESIDE=1' "exec:sh $scratch/grouped"
  is '... nor where the driver is' "$status, $each" '0, '
else
  skip 'the memory of a control group' 'no control group for memory can be made here'
fi
[ ! -d "$group" ] || wait_for "$soon" rmdir "$group" 2>/dev/null

# ---- a broker that refuses at its limit ----

TEST_CONNECTIONS=30
export TEST_CONNECTIONS
fleet fleet --channels plain
exits 'a broker takes no more than thirty connections' 0
is '... that is ok, of those that are up' "$(value plain fleet clients_up)" 29
matches '... the others are counted and named' "$(rows "$folder/trials.csv" reason)" \
  '^29 of 40 members were up: [0-9]+ [a-z]'
holds '... refused again and again, and never lost' 'refused >= 11 && lost == 0' \
  refused="$(value plain fleet refused)" lost="$(value plain fleet lost)"
holds '... what they had to publish is offered, not published' \
  'offered == 80 && published == 58' offered="$(value plain fleet offered_rate)" \
  published="$(value plain fleet messages_published)"

# Each of two hosts has one process with one member; the subscriber takes a place, too.
TEST_CONNECTIONS=2 TEST_AGAIN=$scratch/again
export TEST_AGAIN
fleet fleet --channels mutual-tls --set fleet.clients=2 --broker-host 'exec:env BESIDE=1' \
  --publisher-host local --publisher-host 'exec:env BESIDE=2' --set hosts.folder="$same"
exits 'a process none of whose members came up' 0
matches '... has no other TLS than the channel' "$(rows "$folder/trials.csv" \
  status,tls_version,reason)" '^ok\|TLSv1.3\|1 of 2 members were up: '
unset TEST_CONNECTIONS TEST_AGAIN
PATH=$observed

# ---- the largest rate, copies, a cut ----

printf '#!/bin/sh\nwhile :; do echo 2; sleep 0.05; done\n' >"$scratch/steady"
chmod +x "$scratch/steady"
fleet fleet --channels plain --set probe.fleet.rate=capacity --set probe.fleet.limit=100ms \
  --set hosts.meter="exec:$scratch/steady"
exits 'the largest rate' 0
is '... its steps are the intervals' "$(value plain fleet capacity_tried)" \
  "$(count "$folder/intervals.csv" party=client2)"
holds '... it is below one that was too much' 'rate < above' \
  rate="$(value plain fleet offered_rate)" above="$(value plain fleet capacity_above)"
holds '... what is offered at it is delivered meanwhile' 'delivered >= 0.95 * offered' \
  offered="$(value plain fleet offered_rate)" delivered="$(value plain fleet delivered_rate)"
holds '... its energy is for its own messages' '(each * rate - 2) ^ 2 < 0.02 ^ 2' \
  each="$(value plain fleet energy_per_unit all)" rate="$(value plain fleet delivered_rate)"
holds '... so is its CPU time' \
  'broker_s <= 1.1 && (broker_s * 1e6 / rate / each - 1) ^ 2 < 0.2 ^ 2' \
  broker_s="$(value plain fleet cpu_s mosquitto)" rate="$(value plain fleet delivered_rate)" \
  each="$(value plain fleet broker_cpu_per_message)"
holds '... and as good as a step must be' 'late <= 1 && loss <= 0.1 && p99 <= 100' \
  late="$(value plain fleet late)" loss="$(value plain fleet loss)" \
  p99="$(value plain fleet latency_p99)"
run "$bench" report "$folder"
exits '... it can be reported' 0
headline() { rows "$folder/definitions.csv" metric probe=fleet headline=yes; }
is '... it is what channels are compared by' "$(headline)" delivered_rate

# Processes with members that stand still now and then: what they cannot publish is no limit of the
# broker's, whichever rate is found.
while :; do
  for worker in $(find_process '.* worker fleet-clients$'); do
    kill -STOP "$worker" && sleep 0.06 && kill -CONT "$worker"
  done 2>/dev/null
  sleep 0.2
done &
halting=$!
fleet fleet --channels plain --set probe.fleet.rate=capacity --set probe.fleet.limit=100ms
kill "$halting"
contains 'a rate that was too much for the load generator is not blamed on the broker' \
  "$(rows "$folder/trials.csv" reason)" 'the load generator'

fleet fleet --channels plain --set probe.fleet.rate=10000000 --set probe.fleet.duration=300ms
exits 'a rate that is out of reach' 0
holds '... is not said to be published' 'published < offered / 2' \
  offered="$(value plain fleet offered_rate)" published="$(value plain fleet published_rate)"
contains '... and who was too slow is' "$(rows "$folder/trials.csv" reason)" \
  'the load generator was the limit'

fleet fleet --channels plain --set probe.fleet.subscribers=3 --set probe.fleet.qos=1 \
  --set probe.fleet.subscribers_per_topic=2 --set probe.fleet.rate=400
exits 'three shares of the topics, each for two subscribers' 0
is '... at a rate that was given channels are compared by what a message costs' "$(headline)" \
  broker_cpu_per_message
is '... have two copies of each message' "$(value plain fleet messages_published) \
$(value plain fleet messages_received) $(value plain fleet fan_out)" '400 800 2'

fleet storm --channels plain --set probe.storm.kind=cut
exits 'a cut without a link of ours' 0
contains '... says that the clients reset their connections' \
  "$(rows "$folder/trials.csv" reason)" 'the clients reset their connections'
if unshare --user --map-root-user --net true 2>/dev/null; then
  fleet storm --channels plain --set probe.storm.kind=cut --broker-host lab:a \
    --publisher-host lab:b --set hosts.address=
  is 'a cut of a lab'\''s link' "$status, $(rows "$folder/trials.csv" status,reason)" '0, ok|'
  is '... leaves the broker its ends, which those who come back take over' "$clients" \
    "$(grep -c 'Client client2-m[0-9]* already connected, closing old connection' \
      "$folder"/log/*.log)"
else
  skip 'a cut of a lab'\''s link' 'no user namespaces here'
fi

# ---- what dies ----

begin --probes 'hold fleet' --set fleet.clients=$clients --set fleet.keepalive=5s \
  --set probe.hold.duration=2s --set probe.fleet.duration=500ms
worker=$(await_process '.* worker hold-clients$')
kill -KILL "$worker"
stop_waiting 240
folder=$(find_run)
exits 'a process with members is killed: the run ends as one with a failed trial' 1
is '... which says so' "$(rows "$folder/trials.csv" probe,reason status=failed)" \
  'hold|hold-clients: ended by itself (killed by SIGKILL)'
is '... and is measured again with its block' \
  "$(rows "$folder/trials.csv" probe,status attempt=2 | tr '\n' ' ')" 'hold|ok fleet|ok '

# While connections are held nobody is asked anything.
# shellcheck disable=SC2317 # called by wait_for
has_pings() {
  grep -q ' Received PINGREQ from client2-m' "$TEST_SEEN" 2>/dev/null
}
# shellcheck disable=SC2317 # called by wait_for
has_failed() {
  folder=$(find_run)
  [ -f "$folder/trials.csv" ] && [ "$(count "$folder/trials.csv" status=failed)" -gt 0 ]
}
# shellcheck disable=SC2317 # called by wait_for
has_next_worker() {
  find_process '.* worker hold-clients$' | grep -qvxF "$workers"
}
TEST_SEEN=$scratch/held
export TEST_SEEN
PATH=$scratch/bin:$PATH
begin --probes hold --set fleet.clients=$clients --set fleet.keepalive=5s \
  --set probe.hold.duration=24h
check 'connections are held for a day' wait_for 120 has_pings
workers=$(find_process '.* worker hold-clients$')
kill -KILL "$(printf '%s\n' "$workers" | head -n 1)"
check '... a process with members is killed: that trial fails then' wait_for 60 has_failed
wait_for 120 has_next_worker
: >"$TEST_SEEN"
check '... they are held again' wait_for 120 has_pings
kill -KILL "$(find_process '[^ ]*/mosquitto -c ')"
stop_waiting 120
exits '... the broker is killed: so does that one' 1
is '... each says why' "$(rows "$folder/trials.csv" attempt,reason status=failed)" \
  '1|hold-clients: ended by itself (killed by SIGKILL)
2|the broker ended (killed by SIGKILL)'
unset TEST_SEEN
PATH=$observed

begin --probes fleet --set fleet.clients=$clients --set probe.fleet.duration=3s \
  --broker-host 'exec:env BESIDE=1' --publisher-host 'exec:env BESIDE=2' \
  --set hosts.folder="$same"
await_process '.* worker fleet-clients$' >"$scratch/worker"
agent=$(ps -o ppid= -p "$(cat "$scratch/worker")" | tr -d ' ')
kill -KILL "$agent"
stop_waiting 240
folder=$(find_run)
exits 'the agent of the publishers is killed: so is that one' 1
matches '... which names its host' "$(rows "$folder/trials.csv" reason status=failed)" \
  'host exec:env BESIDE=2: '
is '... and was measured again' "$(rows "$folder/trials.csv" status attempt=2)" ok

# ---- what cannot be ----

refuse() { # SETTING WORDS
  run "$bench" check fleet --set "$1"
  exits "$1 is refused" 2
  contains '... with what would be right' "$err" "$2"
}
refuse fleet.clients=0 'fleet.clients'
refuse fleet.clients=1 'fleet.clients: hold takes 2 members at least on each publisher'\''s host'
refuse probe.fleet.rate=0 "'0' is no rate; right would be interval"
refuse probe.fleet.interval=10us 'probe.fleet.interval'
refuse fleet.keepalive=1s 'fleet.keepalive'
refuse probe.fleet.interval=5h 'nothing may fall due in the measured time: 1000 members with an '\
'interval of 5h publish 0.556 messages in 10s; right would be an interval of at most 10000s'
run "$bench" check fleet --set probe.fleet.rate=capacity --set probe.fleet.limit=2s
exits 'a limit within which a broker may fall behind all the time is refused' 2
contains '... with how long a rate must be tried' "$err" \
  'probe.fleet.duration: 10s are too short for probe.fleet.limit, 2s'
contains '... to see that' "$err" 'right would be at least 20s'
run "$bench" check fleet --set probe.fleet.limit=2s
exits '... but not where no rate is sought' 0
run "$bench" check fleet --set fleet.clients=2 --set probe.fleet.interval=1h \
  --set probe.fleet.rate=capacity
exits 'an interval is no reason where the largest rate is sought' 0
run "$bench" check fleet --set fleet.clients=2 --set probe.fleet.rate=capacity \
  --set probe.fleet.duration=100ms --set probe.fleet.limit=10ms
exits '... but that nothing falls due at the rate that is tried first is' 2
contains '... as is said' "$err" 'probe.fleet.rate: nothing may fall due in the measured time: '\
'1 messages/s are 0.1 in 100ms; right would be a longer duration'
run "$bench" check fleet
exits 'the scenario fleet can be checked' 0
finish
