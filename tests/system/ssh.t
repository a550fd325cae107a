#!/bin/sh
# A run across two hosts with a real sshd between them: what docs/two-pis.md has people type, what
# is measured, where the keys are; and what happens when the other host is not there, or goes away.
# shellcheck disable=SC2086 # $on_b is a list
. "$(dirname "$0")/remote.sh"
remote_up

# shortest FILE CHANNELS PROBES REPETITIONS: a scenario whose hosts are those of the command line.
# An ordinary user may not have all kinds of congestion control.
shortest() {
  cat >"$1" <<END
[scenario]
channels = $2
probes = $3
repetitions = $4
[hosts]
congestion = default
[telemetry]
interval = 20ms
[probe.path]
duration = 100ms
warmup = 0s
[probe.transport]
duration = 100ms
warmup = 0s
[probe.delivery]
duration = 100ms
warmup = 0s
payload = 1KiB
END
}
shortest "$tiny" plain path 1

across_options='--broker-host ssh://pi@pi-a'
across() { # [OPTION...]: into a folder of its own, like `measure`
  measured=$((measured + 1))
  results=$scratch/results.$measured
  run $on_b ./bench run "$tiny" $across_options --output "$results" "$@"
  folder=$(find_run)
}

begin() { # [OPTION...]: the same in the background
  measured=$((measured + 1))
  results=$scratch/results.$measured
  start $on_b ./bench run "$tiny" $across_options --output "$results" "$@"
}

# Whether nothing of ours runs on a Pi, and no broker's folder is there.
# shellcheck disable=SC2317 # called by wait_for
is_a_clean() {
  [ -z "$(find_on_a '.*(bench|mosquitto)')" ] &&
    [ -z "$(find "$a/tmp" -mindepth 1 -maxdepth 1 -name 'bench-*')" ]
}

# ---- before all is set up ----

across
exits 'an unknown host key' 3
contains 'says what to do' "$err" "connect once with \`ssh pi@pi-a\`"
let_in "$a" pi-a
mv "$a_home/.ssh/authorized_keys" "$a_home/"
across
exits 'a key that is refused' 3
contains 'says what to do' "$err" "\`ssh-copy-id pi@pi-a\`"
mv "$a_home/authorized_keys" "$a_home/.ssh/"
ssh-keygen -q -p -P '' -N geheim -f "$b_home/.ssh/id_ed25519" >/dev/null
across
exits 'a key under a passphrase, without an agent' 3
contains 'says what to do' "$err" "must be in an agent first (\`ssh-add\`)"
contains 'in the words of ssh, too' "$err" '(last words: pi@pi-a: Permission denied'
ssh-keygen -q -p -P geheim -N '' -f "$b_home/.ssh/id_ed25519" >/dev/null
across --broker-host ssh://pi@nowhere.invalid
exits 'a name that means nothing' 3
contains 'says what to do' "$err" 'there is no host of this name; write its address, or a Host'
for login in closed forced; do
  across --broker-host "ssh://$login@pi-a"
  exits "$login: a login that executes something else" 3
  contains 'is told' "$err" "host ssh://$login@pi-a: its login does not execute what it is told"
done
contains 'with what it has said instead' "$err" '(last words: only for backups'
# It is waited for as long as for an agent, and so beside all that follows.
$on_b ./bench run "$tiny" --broker-host ssh://reader@pi-a --output "$scratch/reader" \
  >"$scratch/reader.out" 2>"$scratch/reader.err" </dev/null &
reader=$!
across
exits 'no program there' 3
contains 'says what to do' "$err" "\`./bench deploy ssh://pi@pi-a\`"
is 'no folder was made for a run' "$folder" ''

# ---- what docs/two-pis.md has people type, but with times as short as they may be ----

for file in quick paper; do
  shortest "$clone/scenarios/$file.ini" 'plain password mutual-tls' 'path transport delivery' 2
done
git_b commit -am 'Shorter'
types './bench deploy ssh://pi@pi-a'
exits 'deploy' 0
types './bench doctor --broker-host ssh://pi@pi-a'
exits 'doctor, about both' 0
contains 'which names the other host' "$out" 'ssh://pi@pi-a'
types './bench check --broker-host ssh://pi@pi-a'
exits 'check' 0
logins=$(grep -c '^Accepted' "$a/log")
types './bench all quick --broker-host ssh://pi@pi-a'
exits 'quick, across' 0
is 'with one connection to the other host' $(($(grep -c '^Accepted' "$a/log") - logins)) 1
results=$clone/results
folder=$(find_run)
is 'every trial is ok' "$(rows "$folder/trials.csv" status | sort | uniq -c | tr -s ' ')" ' 18 ok'
is 'every proof held' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
is 'no telemetry was lost' "$(rows "$folder/telemetry.csv" status | sort -u)" delivered
contains 'there is a table' "$out" 'through the broker and counted at the subscriber'
check 'there is a chart' test -s "$clone/plots/${folder##*/}/throughput.svg"
contains 'the hosts are named first' "$out" \
  'broker and subscriber ssh://pi@pi-a (192.0.2.1), publisher local'
is 'it is sent from here' "$(rows "$folder/metrics.csv" party process=sender | sort -u)" client2

# environment KEY: a host's own; environment 8 KEY: of its network. Of both: broker, publisher.
environment() {
  [ $# -eq 2 ] || set -- 6 "$1"
  sed -n "s/^ \{$1\}\"$2\": \"\{0,1\}\([^\",]*\).*/\1/p" "$folder/environment.json" | tr '\n' ' '
}
commit=$(git -C "$clone" rev-parse HEAD)
is 'environment.json names both hosts' "$(environment spec)$(environment host)" \
  'ssh://pi@pi-a local pi-a pi-b '
is 'and the commit of what runs there' "$(environment commit)" "$commit $commit "
is 'the interface of either' "$(environment 8 interface)" 'eth0 eth0 '
is 'its MTU' "$(environment 8 mtu)" '1500 1500 '
contains 'and the route' "$(environment 8 route)" '192.0.2.1 dev eth0 src 192.0.2.2'

# ---- figure 5: whose keys and certificates are where ----

# files_of FOLDER: of the certificates below it, but for locks and those that proofs alone use.
files_of() {
  (cd "$1" && find . -type f ! -name '*lock' ! -name README.md ! -path './proof/*' | sort |
    tr '\n' ' ')
}
is 'on the host of broker and subscriber' "$(files_of "$deployed/certs")" \
  "$(for party in broker client1; do
    printf './%s ' $party/$party.crt $party/$party.csr $party/$party.key $party/ca.crt
    [ "$party" != broker ] || printf './%s ' broker/ca.crl
  done | tr ' ' '\n' | sort | tr '\n' ' ' | sed 's/^ //')"
is 'on the host of the publisher and of the CA' "$(files_of "$clone/certs")" \
  "$(printf './%s\n' ca/broker.crt ca/ca.crl ca/ca.crt ca/ca.key ca/client1.crt ca/client2.crt \
    ca/passphrase client2/ca.crt client2/client2.crt client2/client2.csr client2/client2.key |
    sort | tr '\n' ' ')"
secrets() { # FOLDER: the files below it that are a private key
  grep -rlE -e '-----BEGIN .*PRIVATE KEY' "$1" | grep -v "/\.ssh/\|/tests/\|/src/\|/build/" | sort
}
is 'no other private key is on the first' "$(secrets "$a")" "$(printf '%s\n' \
  "$a/etc-ssh/ssh_host_ed25519_key" "$deployed/certs/broker/broker.key" \
  "$deployed/certs/client1/client1.key")"
is 'and none is on the second' "$(secrets "$b")" "$(printf '%s\n' "$clone/certs/ca/ca.key" \
  "$clone/certs/client2/client2.key" "$clone/certs/proof/expired.key" \
  "$clone/certs/proof/revoked.key" "$clone/certs/proof/stranger.key")"

# elsewhere FOLDER KEY...: where in the folder a line of one of the keys is, in whatever file.
elsewhere() {
  elsewhere_folder=$1
  shift
  cat "$@" | grep -v -e '^-----' | grep -rlF -f - "$elsewhere_folder"
}
# shellcheck disable=SC2046 # lists
is 'nothing of the keys of the one is on the other' "$(elsewhere "$b" $(secrets "$deployed/certs")
  elsewhere "$a" $(secrets "$clone/certs"))" ''
for which in broker client1; do
  is "the certificate of $which is the one that the CA has issued" \
    "$(cat "$deployed/certs/$which/$which.crt")" "$(cat "$clone/certs/ca/$which.crt")"
done

# ---- hosts.ini, and a shell that prints ----

types 'cp scenarios/hosts.ini.example scenarios/hosts.ini'
cat >"$a_home/.bashrc" <<'END'
yes 'Welcome to pi-a' | head -c 200000
echo '{"protocol": "none of yours"'
printf 'no line end'
END
types './bench all'
exits 'the bare command, with hosts.ini and a shell that prints on stdout' 0
contains 'goes across' "$out" 'broker and subscriber ssh://pi@pi-a (192.0.2.1), publisher local'
rm "$a_home/.bashrc"
wait "$reader"
is 'a login that reads what is sent to it' $? 3
contains 'is told' "$(cat "$scratch/reader.err")" 'start-up file of its login'

# ---- other logins and addresses, and a command of the user's own ----

sed 's/^/[2001:db8::1]:2222,[fe80::a%eth0]:2222 /' "$a/etc-ssh/ssh_host_ed25519_key.pub" \
  >>"$b_home/.ssh/known_hosts"
printf 'RemoteCommand tmux attach\nRequestTTY yes\n' >"$b_home/.ssh/config"
across --broker-host "ssh://$odd_login@[2001:db8::1]:2222"
exits 'a login, an address and a port as they may be' 0
contains 'what ssh has reached is measured' "$out" '(2001:db8::1), publisher local'
across --channels tls --set scenario.baseline=tls --set hosts.address=fe80::a%eth0 \
  --broker-host 'ssh://CORP%5cpi%2blab%40corp@[fe80::a%eth0]:2222'
exits 'an address of the link, for ssh and for TLS' 0
rm "$b_home/.ssh/config"
results=$clone/results

# ---- interrupted twice, and resumed ----

rm -r "${results:?}"/* # so that there is only one
start $on_b ./bench all
await_trials 3
kill -INT "$driver"
stop_waiting "$soon"
exits 'interrupted' 130
check 'nothing is left there' wait_for "$soon" is_a_clean
contains 'it says how to go on' "$err" \
  "./bench all --resume results/${folder##*/} --set hosts.broker=ssh://pi@pi-a"
cp "$folder/trials.csv" "$scratch/before"

start $on_b ./bench all --resume "results/${folder##*/}"
await_trials $(($(count "$scratch/before") + 5))
kill -KILL "$driver"
stop_waiting "$soon"
check 'killed: nothing is left there' wait_for "$soon" is_a_clean
types './bench all --resume results/paper-*'
exits 'resumed to its end' 0
is 'no trial from before is lost' \
  "$(head -c "$(wc -c <"$scratch/before")" "$folder/trials.csv" | cmp - "$scratch/before" 2>&1)" ''
is 'every trial of the plan was measured' \
  "$(rows "$folder/trials.csv" block,channel,probe status=ok | sort -u | wc -l)" 18
is 'the host is still the other one' "$(environment spec | cut -d ' ' -f 1-2)" \
  'ssh://pi@pi-a local'
contains 'there is a table' "$out" 'through the broker and counted at the subscriber'
check 'there is a chart' test -s "$clone/plots/${folder##*/}/throughput.svg"
rm "$clone/scenarios/hosts.ini"

# ---- a laptop with two Pis ----


remote_up_c
let_in "$c" pi-b
cp -a "$deployed" "$c/home/pi/" # so that it need not all be built again
rm -r "$c/home/pi/mqtt-security-bench/certs"
types './bench deploy ssh://pi@pi-b'
exits 'deployed to the second Pi' 0
types './bench all quick --broker-host ssh://pi@pi-a --publisher-host ssh://pi@pi-b'
exits 'driven from a third machine' 0
is 'the publisher has its key there' "$(secrets "$c/home/pi/mqtt-security-bench/certs")" \
  "$(printf "$c/home/pi/mqtt-security-bench/certs/%s\n" client2/client2.key proof/expired.key \
    proof/revoked.key proof/stranger.key)"

# ---- two Pis that both publish ----

across_options='--publisher-host ssh://pi@pi-a --publisher-host ssh://pi@pi-b'
across --channels 'plain mutual-tls' --probes 'path hold storm fleet' --set fleet.clients=24 \
  --set probe.hold.duration=200ms --set probe.fleet.duration=1s --set probe.fleet.warmup=0s \
  --set probe.fleet.interval=200ms
exits 'with both as publishers'\'' hosts' 0
is 'every trial is ok' "$(rows "$folder/trials.csv" status | sort | uniq -c | tr -s ' ')" ' 8 ok'
is 'members are on both' "$(rows "$folder/metrics.csv" host process=clients metric=peak_memory |
  sort | uniq -c | tr -s ' ')" ' 6 ssh://pi@pi-a
 6 ssh://pi@pi-b'
is '... all of them, held, back, and up' "$(rows "$folder/metrics.csv" value process=fleet \
  metric=clients_up | sort | uniq -c | tr -s ' ')" ' 6 24'
is 'every proof held' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
is 'all hosts are named' "$(environment spec)" 'local ssh://pi@pi-a ssh://pi@pi-b '
is 'each is read off around the block' "$(rows "$folder/blocks.csv" host metric=load | sort |
  tr '\n' ' ')" 'local ssh://pi@pi-a ssh://pi@pi-b '
is 'how busy the second was has its name' \
  "$(rows "$folder/metrics.csv" host party=client2 metric=busy_share | sort -u | tr '\n' ' ')" \
  ' ssh://pi@pi-b '
across_options='--broker-host ssh://pi@pi-a'

# ---- what is not the same on both ----

echo '/* changed */' >>"$deployed/src/base/csv.c"
across
exits 'other sources there' 3
matches 'are refused, with the names of both' "$err" \
  'host ssh://pi@pi-a: .*sources [0-9a-f]+.*sources [0-9a-f]+.*bench deploy'
contains 'that it was built there was shown' "$err" 'ssh://pi@pi-a: bench: building in '
run $on_b ./bench deploy ssh://pi@pi-a
across
exits 'deploying again mends that' 0

# ---- the connection, the driver, the network go away ----

begin --set probe.path.duration=5s --repetitions 2
await_trials 1
# shellcheck disable=SC2046 # a list
kill -KILL $(find_on_a 'sshd(-session)?: pi@')
stop_waiting 240
exits 'a connection that is cut: the run ends as one with a failed trial' 1
matches 'which says why' "$(rows "$folder/trials.csv" reason status=failed)" 'ssh://pi@pi-a'
is 'its block was measured again, whole, on a new connection' \
  "$(rows "$folder/trials.csv" block,status attempt=2)" '2|ok'
is 'and the other was not' "$(rows "$folder/trials.csv" attempt,status block=1)" '1|ok'
check 'nothing is left there' wait_for "$soon" is_a_clean

begin --set probe.path.duration=1s --repetitions 30
await_trials 1
kill -INT "$driver"
stop_waiting "$soon"
exits 'interrupted' 130
check 'nothing is left there' wait_for "$soon" is_a_clean

begin --set probe.path.duration=1s --repetitions 30
await_trials 1
kill -KILL "$driver"
stop_waiting "$soon"
check 'the driver is killed: nothing is left there' wait_for "$soon" is_a_clean

begin --set probe.path.duration=1s --repetitions 30
await_trials 1
ip_a link set eth0 down
kill -STOP "$driver" # what it does in the meantime is a matter of other tests
check 'the network goes without a word: the agent there ends by itself' wait_for 120 is_a_clean
kill -KILL "$driver"
stop_waiting "$soon"

remote_down
finish
