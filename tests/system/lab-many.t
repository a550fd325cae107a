#!/bin/sh
# A lab of many publishers' hosts on one machine: each has a link of its own to the broker's host,
# shaped for itself, and as many addresses as it is given. What is refused; what is left.
. "$(dirname "$0")/real.sh"
need_command ip ss tc unshare nsenter python3
unshare --user --map-root-user --net true 2>/dev/null || [ "$(id -u)" = 0 ] ||
  skip_all 'no network namespace for an ordinary user here'
links=$(ip -o link | cut -d : -f 2)

in_lab() { # COMMAND...: with eight publishers' hosts
  "$@" --broker-host lab:a --set hosts.address= \
    --set 'hosts.publishers=lab:b lab:c lab:d lab:e lab:f lab:g lab:h lab:i'
}
agent() { # a, b ...: the process id of that agent
  find_process "[^ ]*bench agent --certs [^ ]*/lab-$1"
}

# ---- a run ----

in_lab measure "$tiny" --set lab.rate=20Mbit/s --channels 'plain mutual-tls' \
  --probes 'path delivery' --set probe.path.duration=2s
exits 'a run with eight publishers'\'' hosts' 0
is 'every trial is ok' "$(rows "$folder/trials.csv" status | sort | uniq -c | tr -s ' ')" ' 4 ok'
is 'every proof held' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
is 'the rate of the link is proven, for each channel' \
  "$(rows "$folder/proofs.csv" channel,verdict proof=link-rate | sort | tr '\n' ' ')" \
  'mutual-tls|held plain|held '
is 'nothing was faster than the link' "$(rows "$folder/trials.csv" probe,throughput_mbit_s |
  awk -F '|' '$1 == "path" && $2 > 22')" ''
is 'each host is read off around a block' "$(rows "$folder/blocks.csv" host metric=load | sort |
  tr '\n' ' ')" 'lab:a lab:b lab:c lab:d lab:e lab:f lab:g lab:h lab:i '
is 'no interface is left' "$(ip -o link | cut -d : -f 2)" "$links"
check 'no process is left behind' is_rest_gone_soon

# ---- a fleet over all of them ----

# What is asked of ip, behind the network in which it is.
mkdir "$scratch/bin"
cat >"$scratch/bin/ip" <<END
#!/bin/sh
echo "\$(readlink /proc/self/ns/net) \$*" >>'$scratch/asked'
exec '$(PATH=$PATH:/usr/sbin:/sbin command -v ip)' "\$@"
END
chmod +x "$scratch/bin/ip"
path=$PATH
PATH=$scratch/bin:$PATH
in_lab measure "$tiny" --channels 'plain mutual-tls' --probes 'hold storm fleet' \
  --set lab.addresses=2 --set fleet.clients=24 --set probe.hold.duration=200ms \
  --set probe.storm.kind=cut --set probe.fleet.duration=1s --set probe.fleet.warmup=0s \
  --set probe.fleet.interval=200ms
PATH=$path
exits 'a fleet over eight hosts' 0
is 'every trial is ok' "$(rows "$folder/trials.csv" status | sort | uniq -c | tr -s ' ')" ' 6 ok'
is 'members are on each host' "$(rows "$folder/metrics.csv" host process=clients \
  metric=peak_memory | sort | uniq -c | tr -s ' ' | tr '\n' ',')" \
  "$(printf ' 6 lab:%s,' b c d e f g h i)"
is '... all of them, held, back, and up' "$(rows "$folder/metrics.csv" value process=fleet \
  metric=clients_up | sort | uniq -c | tr -s ' ')" ' 6 24'
is 'a storm has cut each link, on either channel' "$(grep ' link set bench0 down$' \
  "$scratch/asked" | sort | uniq -c | awk '{ print $1 }' | tr '\n' ' ')" '2 2 2 2 2 2 2 2 '

# ---- its links and addresses, while a run has it ----

# Three addresses a host, and six members there.
in_lab begin --set lab.rate=20Mbit/s --set lab.addresses=3 --probes fleet \
  --set fleet.clients=48 --set probe.fleet.duration=30s --set probe.fleet.interval=1s
await_process '.* worker fleet-clients$' >"$scratch/worker"
broker=$(agent a)
there() { # AGENT COMMAND...: in its network
  there_pid=$1
  shift
  nsenter ${nsenter_user:+--user --preserve-credentials} --net --target "$there_pid" "$@"
}
nsenter_user=''
[ "$(id -u)" = 0 ] || nsenter_user=yes
is 'the broker'\''s host has one address on a bridge' \
  "$(there "$broker" ip -4 -o address show scope global | awk '{ print $2, $4 }')" \
  'bench0 192.0.2.1/24'
is '... with a link from each' "$(there "$broker" ip -o link show master bench0 | wc -l)" 8
is '... each shaped' "$(there "$broker" tc qdisc show | grep -c 'tbf .* rate 20Mbit')" 8
for name in b i; do
  is "lab:$name sends at that rate, too" \
    "$(there "$(agent $name)" tc qdisc show dev bench0 | grep -c 'tbf .* rate 20Mbit')" 1
done
is 'each has its own address' "$(for name in b c d e f g h i; do
  there "$(agent $name)" ip -4 -o address show dev bench0 | awk '{ print $4 }'
done | tr '\n' ' ')" "$(seq -f '192.0.2.%g/24' -s ' ' 2 9) "

# lab:b has others' connections, too.
# shellcheck disable=SC2317 # called by wait_for
members_are_there() {
  there "$broker" ss -Htn state established 2>/dev/null | awk '{ print $4 }' |
    sed 's/:[0-9]*$//' | grep -E '^(198\.18|192\.0\.2\.[3-9])' | sort >"$scratch/peers"
  [ "$(wc -l <"$scratch/peers")" -ge 46 ]
}
check 'the members of a fleet come' wait_for 30 members_are_there
is '... and take turns with the addresses of their host' "$(uniq -c "$scratch/peers" |
  tr -s ' ')" "$(for host in 2 3 4 5 6 7 8 9; do
    printf ' 2 %s\n' 198.18.$host.1 198.18.$host.2
    [ $host = 2 ] || echo " 2 192.0.2.$host"
  done | sort -k 2)"

holds '... in as many processes as there are cores, at least one a host' \
  'n == 8 || n <= cores' n="$(find_process '.* worker fleet-clients$' | wc -w)" \
  cores="$(getconf _NPROCESSORS_ONLN)"

# Connections from further addresses of two hosts, and from none of another's.
cat >"$scratch/answer" <<'END'
import socket, sys
server = socket.create_server(("192.0.2.1", 7007))
for _ in range(int(sys.argv[1])):
    connection, peer = server.accept()
    connection.sendall(peer[0].encode())
    connection.close()
END
cat >"$scratch/ask" <<'END'
import socket, sys
for address in sys.argv[1:]:
    try:
        with socket.create_connection(("192.0.2.1", 7007), 10, (address, 0)) as connection:
            print(connection.recv(99).decode())
    except OSError:
        print("none", address)
END
there "$broker" python3 "$scratch/answer" 5 &
answers=$!
# shellcheck disable=SC2317 # called by wait_for
listens() {
  there "$broker" grep -q ':1B5F .* 0A ' /proc/net/tcp
}
wait_for "$soon" listens
is 'lab:b is reached by its further addresses' \
  "$(there "$(agent b)" python3 "$scratch/ask" 198.18.2.1 198.18.2.2 198.18.3.1 | tr '\n' ' ')" \
  '198.18.2.1 198.18.2.2 none 198.18.3.1 '
is '... lab:i by its own' "$(there "$(agent i)" python3 "$scratch/ask" 198.18.9.1 198.18.9.199 \
  192.0.2.9 | tr '\n' ' ')" '198.18.9.1 198.18.9.199 192.0.2.9 '
wait "$answers"
kill -KILL "$driver"
stop_waiting "$soon"
check 'killed: all ends' is_rest_gone_soon
is '... and no interface is left' "$(ip -o link | cut -d : -f 2)" "$links"

# ---- a host is lost ----

in_lab begin --repetitions 2 --set probe.path.duration=4s
await_process '.* worker path-client$' >"$scratch/worker"
kill -KILL "$(agent f)"
stop_waiting 120
folder=$(find_run)
exits 'a further host is lost' 1
matches '... which fails a trial, with its name' \
  "$(rows "$folder/trials.csv" attempt,reason status=failed)" '^1\|host lab:f: '
is '... one' "$(count "$folder/trials.csv" status=failed)" 1
is '... the lab is laid anew, and its block measured again' \
  "$(count "$folder/trials.csv" attempt=2 status=ok)" 1

# ---- what cannot be ----

told='lab.delay, lab.jitter and lab.loss are the links'\'' of a lab with two hosts, here are 9'
for option in lab.delay=10ms lab.loss=1% lab.profile=lte-m; do
  in_lab measure "$tiny" --set "$option"
  exits "$option with several publishers' hosts" 3
  contains '... is told' "$err" "$told"
  is '... before anything is recorded' "$folder" ''
  in_lab run "$bench" check "$tiny" --set "$option"
  exits '... which check knows, too' 2
  contains '... and tells' "$err" "$told"
done
fleet() { # CLIENTS DESCRIPTORS: as a fleet, each process with so many at most
  # shellcheck disable=SC2016 # for the shell there
  in_lab run sh -c 'ulimit -n "$0" && exec "$@"' "$2" "$bench" run "$tiny" --probes fleet \
    --set fleet.clients="$1" --output "$scratch/results.fleet" --certs "$scratch/certs"
}
fleet 4 4096
exits 'fewer members than hosts' 3
contains '... is told' "$err" "4 members cannot be on 8 publishers' hosts"
fleet 4000 4096
exits 'more connections than the broker has descriptors' 3
contains '... is told, with the number that can be, and what helps' "$err" \
  'there is room for 3775 members, not for 4000. Host lab:a: the broker may have 4096 descriptors'
fleet 800 256
contains 'more members than the hosts have descriptors: none for the broker' "$err" \
  'there is room for 0 members, not for 800'
is '... before anything is recorded' "$(find "$scratch/results.fleet" 2>/dev/null)" ''

# Two publishers' hosts on one machine, in one network.
# shellcheck disable=SC2016 # for the shell there
few_ports='ip link set lo up &&
  echo 40000 40999 >/proc/sys/net/ipv4/ip_local_port_range && exec "$@"'
# shellcheck disable=SC2086 # several words
run unshare ${nsenter_user:+--user --map-root-user} --net sh -c "$few_ports" - "$bench" run \
  "$tiny" --probes fleet --set fleet.clients=1500 --publisher-host 'exec:env A=1' \
  --publisher-host 'exec:env A=2' --set hosts.folder="$same" --output "$scratch/results.fleet" \
  --certs "$scratch/certs"
exits 'more members than two hosts have ports together' 3
matches '... is told' "$err" 'room for 74[0-9] members, not for 1500\. .* which 2 hosts share'
is '... before anything is recorded' "$(find "$scratch/results.fleet" 2>/dev/null)" ''
run "$bench" check "$tiny" --set lab.addresses=201
exits 'more addresses than a host can have' 2
contains '... is told' "$err" 'lab.addresses'
run "$bench" check "$tiny" --broker-host lab:a --publisher-host lab:b --publisher-host lab:b
exits 'a host twice' 2
finish
