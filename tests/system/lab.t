#!/bin/sh
# Two hosts on one machine, in a lab of network namespaces: what crosses the link, what each host
# keeps, what is refused, what is left. And what driver and agent say to each other.
. "$(dirname "$0")/real.sh"
need_command ip tc unshare nsenter perl
unshare --user --map-root-user --net true 2>/dev/null || [ "$(id -u)" = 0 ] ||
  skip_all 'no network namespace for an ordinary user here'

lab='--broker-host lab:a --publisher-host lab:b'
links=$(ip -o link | cut -d : -f 2)

find_agent() { # a or b: the process id of that agent
  find_process "[^ ]*bench agent --certs [^ ]*/lab-$1"
}

# An agent that hears nothing more ends: it takes half a minute, so it goes on beside the rest.
mkfifo "$scratch/silence"
env -u BENCH_TEST_ID "$bench" agent <"$scratch/silence" >"$scratch/silent.out" \
  2>"$scratch/silent.err" &
silent=$!
exec 8>"$scratch/silence"
printf '{"order": "beat"}\n' >&8
began=$(date +%s)

# ---- a run ----

# shellcheck disable=SC2086 # several words
measure "$tiny" $lab --set hosts.address= --set lab.rate=20Mbit/s \
  --channels 'plain password mutual-tls' --probes 'path transport delivery' \
  --set probe.path.duration=2s --set probe.transport.duration=2s \
  --set probe.delivery.duration=500ms
exits 'a run in a lab' 0
contains 'the hosts are named first' "$out" \
  'hosts    broker and subscriber lab:a (192.0.2.1), publisher lab:b'
is 'all was measured' "$(count "$folder/trials.csv" status=ok)" 9
is 'all proofs held' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
is 'its rate is proven, for each channel' \
  "$(rows "$folder/proofs.csv" channel,verdict proof=link-rate | LC_ALL=C sort)" 'mutual-tls|held
password|held
plain|held'
# A receiver that a busy machine lets wait at its start finds what has come in the meantime.
is 'nothing was faster than the link' "$(rows "$folder/trials.csv" probe,throughput_mbit_s |
  awk -F '|' '$1 != "delivery" && $2 > 22')" ''
check 'nor far below it' test \
  "$(rows "$folder/trials.csv" throughput_mbit_s probe=path | awk '$1 > 10' | wc -l)" -eq 3
check 'telemetry crossed the link' test \
  "$(rows "$folder/telemetry.csv" status | grep -c delivered)" -gt 10
is 'one kernel has one clock: no bound is given' \
  "$(rows "$folder/telemetry.csv" latency_bound_ms | sort -u)" ''

# ---- a link that is not what it was to be ----

# tc in another's hands: $1 is what it does when it sets, $2 when it is asked.
tc=$(PATH=$PATH:/usr/sbin:/sbin command -v tc)
mkdir "$scratch/bin"
put_tc() {
  printf '#!/bin/sh\ncase $* in *" add "*) %s ;; "-j "*) %s ;; esac\nexec "%s" "$@"\n' \
    "$1" "$2" "$tc" >"$scratch/bin/tc"
  chmod +x "$scratch/bin/tc"
}
shaped="$lab --set hosts.address= --set lab.rate=400kbit/s"
own_path=$PATH
PATH=$scratch/bin:$PATH

told='echo "[{\"kind\":\"tbf\",\"options\":{\"rate\":50000}}]"; exit'
put_tc "exec '$tc' \$(printf '%s' \"\$*\" | sed s/400000bit/800000bit/)" "$told"
# shellcheck disable=SC2086 # several words
measure "$tiny" $shaped
exits 'a link of twice the rate that it is said to have' 1
is '... breaks the proof of its rate' \
  "$(rows "$folder/proofs.csv" proof,verdict verdict=broken)" 'link-rate|broken'
matches '... and its trial is void' "$(rows "$folder/trials.csv" status,reason)" \
  '^void\|proof link-rate broken: expected [0-9.]+ to [0-9.]+ ms for 18 frames, observed [0-9.]+ ms'

put_tc : "echo '[]'; exit"
# shellcheck disable=SC2086 # several words
measure "$tiny" $shaped
exits 'a tc that does not say what it has set' 3
contains '... nothing is measured' "$err" 'lab.rate: tc does not tell what it has set'
PATH=$own_path

certs=$scratch/certs
is 'each host has its own keys, and the driver none but the CA'\''s' \
  "$(cd "$certs" && grep -rl 'PRIVATE KEY' . | sort | tr '\n' ' ')" \
  "./ca/ca.key ./lab-a/broker/broker.key ./lab-a/client1/client1.key $(
  )./lab-b/client2/client2.key ./lab-b/proof/expired.key \
./lab-b/proof/revoked.key ./lab-b/proof/stranger.key "

links_now=$(ip -o link | cut -d : -f 2)
is 'no interface is left' "$links_now" "$links"
check 'no process is left' is_rest_gone_soon

# ---- the way of a trial: how often the driver waits for an answer ----

cat >"$scratch/tap" <<'END_OF_TAP'
log=$1
shift
note='BEGIN { $| = 1; $sign = shift; open L, ">>", shift; select((select(L), $| = 1)[0]) }
  print L "$sign $_"; print'
perl -ne "$note" '>' "$log" | "$@" | perl -ne "$note" '<' "$log"
END_OF_TAP
host="exec:sh $scratch/tap $scratch/lines"
measure "$tiny" --broker-host "$host" --publisher-host "$host" --set hosts.folder="$same" \
  --probes 'path transport delivery' --repetitions 3
exits 'a run through a program that starts the agent' 0
# From the last result of a trial to the "go" of the next: orders that have an id are waited for.
is 'from trial to trial the driver waits for two answers at most' "$(awk '
  /^< .*"say": *"result"/ { trips = 0; result = 1 }
  /^> .*"id":/ { trips++ }
  /^> .*"order": *"broker-down"/ { result = 0 }
  /^> .*"do": *"go"/ && result { gaps++; if (trips > 2) print trips " trips"; result = 0 }
  END { if (gaps < 6) print "only " gaps + 0 " gaps were seen" }' "$scratch/lines")" ''
contains 'both sides give signs of life' "$(cat "$scratch/lines")" '{"order":"beat"}'

# ---- what is refused ----

printf '{"id": 1, "order": "lab", "place": 0, "cpu_percent": 0}\n' |
  "$bench" agent >"$scratch/answer"
contains 'no other network than a fresh one is touched' "$(cat "$scratch/answer")" \
  'this is no fresh network namespace'

# shellcheck disable=SC2016 # for the shell in the namespace
printf '{"id": 1, "order": "lab", "place": 0, "cpu_percent": 0}\n' |
  unshare --user --map-root-user --net sh -c '
    ip link add one type veth peer name other && exec "$0" agent' "$bench" >"$scratch/answer" 2>&1
contains 'one with more interfaces, none of them up, is fresh' "$(cat "$scratch/answer")" \
  'Cannot find device'

# A driver that got no answer would take the agent for lost, and nobody would hear why.
printf '{"id": 1, "order": "certificate-request", "holder": "broker", "chain": %s}\n' \
  '{"key_type": "ec:P-256"}' |
  "$bench" agent --certs "$(printf '/dev/null/\374')" >"$scratch/answer"
contains 'what is no UTF-8 can be told' "$(cat "$scratch/answer")" '/dev/null/?: Not a directory'

# shellcheck disable=SC2086 # several words
measure "$tiny" $lab --set hosts.address=198.51.100.7
check 'an address that is not there' test "$status" -ge 2
contains '... is named' "$err" 198.51.100.7

# Those whose process has ended: others on this machine may be in a lab, too.
groups() {
  find /sys/fs/cgroup -maxdepth 2 -name 'bench-lab-*' 2>/dev/null | while read -r group; do
    is_gone "${group##*-}" && printf '%s\n' "$group"
  done
}
# Groups that nobody has entered: one of another lab that begins at the same time, whose process is
# there, and one that was left behind (no process has a number like that).
begun='' left=''
for place in /sys/fs/cgroup /sys/fs/cgroup/cpu,cpuacct /sys/fs/cgroup/cpu; do
  if [ -e "$place/cgroup.controllers" ] || [ -e "$place/cpu.cfs_quota_us" ]; then
    mkdir "$place/bench-lab-$$" 2>/dev/null && begun=$place/bench-lab-$$
    mkdir "$place/bench-lab-2000000000" 2>/dev/null && left=$place/bench-lab-2000000000
    break
  fi
done
# (So little that a broker uses it up on a machine that is busy otherwise, too.)
# shellcheck disable=SC2086 # several words
measure "$tiny" $lab --set hosts.address= --set lab.broker_cpu=5 --probes 'path delivery' \
  --set probe.path.duration=1s --set probe.delivery.duration=1s
case $status in
0)
  pass 'a limit of processor time'
  is '... it is recorded' "$(rows "$folder/metrics.csv" value party=broker process=host \
    metric=quota | sort -u)" 0.05
  is '... that of the other host is all of the machine' "$(rows "$folder/metrics.csv" value \
    party=client2 process=host metric=quota | sort -u)" "$(nproc)"
  run "$bench" report "$folder"
  matches '... and it is what holds the broker back' \
    "$(rows "$folder/ladder.csv" limit probe=delivery)" "CPU quota of the broker's host"
  lacks '... not the other host' "$(rows "$folder/ladder.csv" limit)" \
    "CPU quota of the publisher's host"
  is '... which removes what was left behind' "$(groups)" ''
  check '... and leaves alone what another lab begins' test -z "$begun" -o -d "$begun"
  ;;
*)
  exits 'a limit of processor time that cannot be had' 3
  matches '... the reason is told' "$err" 'host lab:a: a CPU limit needs (root|control groups)'
  ;;
esac
for group in $begun $left; do
  rmdir "$group" 2>/dev/null
done
is 'no control group is left' "$(groups)" ''

# ---- an ordinary user ----

if can_be_nobody && $nobody unshare --user --map-root-user --net true 2>/dev/null; then
  chmod 644 "$tiny"
  mkdir -m 777 "$scratch/theirs"
  # shellcheck disable=SC2086 # several words
  run $nobody TMPDIR="$scratch/theirs" PATH=/usr/local/bin:/usr/bin:/bin "$bench" run "$tiny" \
    $lab --set hosts.address= --set lab.rate=20Mbit/s --channels 'plain mutual-tls' --quiet \
    --output "$scratch/theirs/results" --certs "$scratch/theirs/certs"
  exits 'an ordinary user has a lab too' 0
  # shellcheck disable=SC2086 # several words
  run $nobody TMPDIR="$scratch/theirs" PATH=/usr/local/bin:/usr/bin:/bin "$bench" run "$tiny" \
    $lab --set hosts.address= --set lab.broker_cpu=50 --quiet \
    --output "$scratch/theirs/results" --certs "$scratch/theirs/certs"
  exits 'but no limit of processor time' 3
  matches '... the reason is told' "$err" 'a CPU limit needs (root|control groups)'
else
  skip 'an ordinary user has a lab too' 'not root, or no namespaces for others'
fi

# ---- the driver is killed ----

# shellcheck disable=SC2086 # several words
start setsid "$bench" run "$tiny" $lab --set hosts.address= --repetitions 50 \
  --set probe.path.duration=1s --set lab.publisher_cpu=80 --output "$scratch/results.killed" \
  --certs "$scratch/certs"
await_process '.* worker path-client$' >"$scratch/pid"
agent=$(find_agent a)
check 'the agents are in networks of their own' test \
  "$(readlink "/proc/$agent/ns/net")" != "$(readlink /proc/self/ns/net)"
kill -KILL "$driver"
stop_waiting "$soon"
check 'killed: agents, broker and workers end, and the namespaces with them' is_rest_gone_soon
is 'no interface is left' "$(ip -o link | cut -d : -f 2)" "$links"
is 'no control group is left' "$(groups)" ''
is 'no broker'\''s folder stays' "$(list_brokers)" ''

# ---- the driver is stopped for a while ----

# shellcheck disable=SC2086 # several words
start setsid "$bench" run "$tiny" $lab --set hosts.address= --repetitions 2 \
  --output "$scratch/results.stopped" --certs "$scratch/certs" --set probe.path.duration=1s
await_process '.* worker path-client$' >"$scratch/pid"
kill -STOP "$driver"
sleep 12
kill -CONT "$driver"
stop_waiting 240
exits 'a driver that was stopped for 12 s takes what was told meanwhile' 0

# ---- silence ----

if wait_for 120 is_gone "$silent"; then
  check 'an agent that hears nothing ends, after half a minute' test \
    $(($(date +%s) - began)) -ge 29
  contains '... and says why' "$(cat "$scratch/silent.err")" \
    'nothing was heard of the driver for 30 s'
else
  fail 'an agent that hears nothing ends'
  kill "$silent"
fi
exec 8>&-
check 'it has given signs of life until then' test "$(grep -c beat "$scratch/silent.out")" -gt 5
finish
