#!/bin/sh
# What can be had without code: a new channel and a new experiment by a file each, settings of all
# kinds from the command line; and that a run's own scenario.ini is the same experiment again.
. "$(dirname "$0")/real.sh"
tls=tls_version,tls_cipher,tls_group,tls_signature

# order FOLDER: the channels of a run's trials, in the order in which they were measured.
order() {
  rows "$1/trials.csv" block,channel | tr '\n' ' '
}

# ---- a new channel: one file in channels/; a new experiment: one file ----

mkdir -p "$scratch/mine/channels"
cat >"$scratch/mine/channels/server-tls.ini" <<'END'
[channel]
description = the broker shows a certificate, clients do not
use         = tls
END
cat >"$scratch/mine/who-shows-what.ini" <<'END'
[scenario]
description = what does the clients' certificate cost?
channels    = server-tls mutual-tls tls12
probes      = transport delivery
repetitions = 2
[telemetry]
interval = 20ms
[probe.transport]
duration = 100ms
warmup   = 0s
[probe.delivery]
duration = 100ms
warmup   = 0s
payload  = 1KiB
[channel.tls12]
description     = the same, a version older
inherits        = server-tls
tls.min_version = 1.2
tls.max_version = 1.2
tls.ciphers     = ECDHE-ECDSA-CHACHA20-POLY1305
[reference]
source               = my own measurements
transport.mutual-tls = 12.5
END
measure "$scratch/mine/who-shows-what.ini" --verbose
exits 'an experiment of my own with a channel of my own' 0
is 'everything was measured' "$(count "$folder/trials.csv" status=ok)" 12
is 'the run has the file'\''s name' "$(basename "$folder" | sed 's/-[^-]*$//')" who-shows-what
is 'the channel'\''s proofs are those of its mechanism' \
  "$(rows "$folder/proofs.csv" proof channel=server-tls block=1 attempt=1 | tr '\n' ' ')" \
  "accepted-before negotiated-as-asked plaintext-refused older-version-refused \
other-suite-refused other-group-refused other-ca-distrusted \
other-host-distrusted ticket-resumes wiretap-payload accepted-after "
is 'its broker asks for no certificate, the other does' "$(grep -lE \
  'peer did not return a certificate' "$folder"/log/* | sed 's/.*block00.-//; s/-att.*//' |
  sort -u)" mutual-tls
is 'the channel that inherits has its own version and cipher' \
  "$(rows "$folder/trials.csv" tls_version,tls_cipher channel=tls12 | sort -u)" \
  'TLSv1.2|ECDHE-ECDSA-CHACHA20-POLY1305'
is 'and the one it inherits from keeps its own' \
  "$(rows "$folder/trials.csv" tls_version channel=server-tls | sort -u)" TLSv1.3
contains '--verbose shows each telemetry message as it arrives' "$out" 'client1 received #1 on '
run "$bench" report --legend "$folder"
exits 'it can be reported' 0
contains 'with its own reference' "$out" 'my own measurements'
first=$folder

# ---- the resolved scenario ----

measure "$folder/scenario.ini" --quiet
exits 'a run'\''s own scenario.ini can be run' 0
is 'it is the same plan' "$(rows "$folder/trials.csv" trial,block,position,channel,probe)" \
  "$(rows "$first/trials.csv" trial,block,position,channel,probe)"
is 'it resolves to itself' "$(cksum <"$folder/scenario.ini")" "$(cksum <"$first/scenario.ini")"
is 'with the same TLS' "$(rows "$folder/trials.csv" trial,$tls)" \
  "$(rows "$first/trials.csv" trial,$tls)"

# ---- order ----

three='plain password mutual-tls'
measure "$tiny" --quiet --channels "$three" --repetitions 4 --seed 7
first=$folder
measure "$tiny" --quiet --channels "$three" --repetitions 4 --seed 7
is 'the same seed, the same order' "$(order "$folder")" "$(order "$first")"
measure "$tiny" --quiet --channels "$three" --repetitions 4 --seed 8
check 'another seed, another order' test "$(order "$folder")" != "$(order "$first")"
is 'each block has every channel once' \
  "$(rows "$folder/trials.csv" block,channel | sort | uniq -c | awk '{ print $1 }' | sort -u)" 1
is 'in places of its own' "$(rows "$folder/trials.csv" block,position | sort -u | wc -l)" 12
check 'the blocks differ' test \
  "$(for i in 1 2 3 4; do rows "$folder/trials.csv" channel block=$i | tr '\n' ' ' && echo
  done | sort -u | wc -l)" -gt 1
measure "$tiny" --quiet --channels password --probes path --repetitions 1
contains 'the first channel is the baseline when the file'"'"'s is left out' \
  "$(cat "$folder/scenario.ini")" 'baseline = password'

measure "$tiny" --quiet --channels "$three" --repetitions 2 --set scenario.order=sequential
is 'sequential: channel after channel' "$(order "$folder")" \
  '1|plain 2|plain 1|password 2|password 1|mutual-tls 2|mutual-tls '

# ---- settings of channels ----

measure "$tiny" --quiet --channels 'mutual-tls rsa ed' --probes transport \
  --set channel.rsa.use='tls certificate' --set channel.rsa.tls.key_type=rsa:2048 \
  --set channel.ed.use='tls certificate' --set channel.ed.tls.key_type=ed25519 \
  --set channel.mutual-tls.tls.min_version=1.2 --set channel.mutual-tls.tls.max_version=1.2 \
  --set channel.rsa.tls.suites=TLS_AES_128_GCM_SHA256 --set channel.ed.tls.groups=P-384
exits 'key types, versions, suites and groups by --set' 0
is 'are in force' "$(rows "$folder/trials.csv" channel,tls_version | sort)" 'ed|TLSv1.3
mutual-tls|TLSv1.2
rsa|TLSv1.3'
is 'the suite' "$(rows "$folder/trials.csv" tls_cipher channel=rsa)" TLS_AES_128_GCM_SHA256
matches 'the group' "$(rows "$folder/trials.csv" tls_group channel=ed)" '^(secp384r1|P-384)$'
is 'every proof held' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
for type in rsa-2048 ed25519; do
  check "keys of type $type have a store of their own" test -s "$scratch/certs/$type/ca/ca.crt"
done

# ---- settings of probes ----

measure "$tiny" --quiet --channels 'plain mutual-tls' --probes 'path transport delivery' \
  --set probe.path.direction=down --set probe.transport.direction=down \
  --set probe.path.streams=2 --set probe.transport.streams=2 --set probe.path.write_size=4KiB \
  --set probe.transport.write=per-unit --set hosts.congestion=reno \
  --set probe.path.send_buffer=256KiB --set probe.path.receive_buffer=256KiB \
  --set probe.delivery.qos=1 --set probe.path.duration=500ms \
  --set probe.transport.duration=500ms --set probe.delivery.duration=500ms
exits 'down, two streams, per-unit, QoS 1' 0
is 'all is ok' "$(rows "$folder/trials.csv" status | sort -u)" ok
is 'down is counted at client2' \
  "$(rows "$folder/intervals.csv" trial,party | sed 's/^[0-9]*|//' | sort -u | tr '\n' ' ')" \
  'client1 client2 '
check 'every trial moved bytes' test \
  "$(rows "$folder/trials.csv" bytes | sort -n | head -n 1)" -gt 0
measure "$tiny" --quiet --channels 'plain password' --probes delivery --repetitions 2 \
  --set probe.delivery.qos=2 --set probe.delivery.payload=30B --set probe.delivery.duration=500ms
exits 'QoS 2' 0
check 'messages arrived' test "$(rows "$folder/trials.csv" bytes | sort -n | head -n 1)" -gt 0
for qos in 0 1 2; do
  measure "$tiny" --quiet --channels 'plain password' --probes delivery --repetitions 2 \
    --set probe.delivery.qos=$qos
  is "QoS $qos: all that was sent was received" \
    "$(rows "$folder/metrics.csv" value metric=messages_lost | sort -u)" 0
done

# ---- telemetry ----

for connection in persistent per-message; do
  measure "$tiny" --quiet --channels 'plain mutual-tls-password' --set probe.path.duration=1s \
    --set telemetry.connection=$connection --set telemetry.qos=1 --set telemetry.payload=100B
  exits "telemetry over a $connection connection" 0
  for channel in plain mutual-tls-password; do
    all=$(rows "$folder/telemetry.csv" sequence channel=$channel)
    check "$channel: messages were sent" test "$(printf '%s\n' "$all" | wc -l)" -gt 5
    is '... each is accounted for, in order' "$all" "$(seq "$(printf '%s\n' "$all" | wc -l)")"
    is '... and was delivered' \
      "$(rows "$folder/telemetry.csv" status channel=$channel | sort -u)" delivered
    is '... with its latency' "$(rows "$folder/telemetry.csv" latency_ms channel=$channel |
      awk '!($1 > 0 && $1 < 5000)')" ''
  done
  is '... each was due 20 ms after the one before' \
    "$(rows "$folder/telemetry.csv" due_utc channel=plain | sed 's/.*:\(.*\)Z/\1/' | awk '
      NR > 1 { step = $1 - last; if (step < 0) step += 60
        if (step < 0.0185 || step > 0.0215) print NR ": " step }
      { last = $1 }')" ''
done
is '... a connection for each' "$(grep -c 'as client2 (' "$folder"/log/*-plain-*.log)" \
  "$(count "$folder/telemetry.csv" channel=plain)"

# ---- secrets ----

printf 'S3cret-of-my-own\nnot this line\n' >"$scratch/secret"
chmod 644 "$scratch/secret"
set -- --channels 'plain password mutual-tls-password' \
  --set channel.password.password.secret="file:$scratch/secret" \
  --set channel.mutual-tls-password.password.secret="file:$scratch/secret"
measure "$tiny" "$@"
exits 'a password file that others can read' 3
contains 'is refused, with the remedy' "$err" "$scratch/secret can be read by others; chmod 600 it"
check 'before anything starts' test ! -e "$results"
chmod 600 "$scratch/secret"
measured=$((measured + 1))
results=$scratch/results.$measured
start "$bench" run "$tiny" "$@" --verbose --set probe.path.duration=2s --output "$results" \
  --certs "$scratch/certs"
watch_run 240
folder=$(find_run)
exits 'one that only its owner can read is used' 0
is 'it is the password' "$(rows "$folder/proofs.csv" proof,observed proof=wiretap-password \
  channel=password)" 'wiretap-password|visible'
check 'the run was looked at' grep -qF 'worker path-client' "$scratch/seen"
is 'it is in no command line nor environment' "$(grep -c 'S3cret' "$scratch/seen")" 0
is 'nor in what was said' "$(printf '%s\n' "$out" "$err" | grep -c 'S3cret')" 0
is 'nor in any file of the run' "$(grep -rlF 'S3cret' "$folder")" ''
contains 'where it is stands in scenario.ini' "$(cat "$folder/scenario.ini")" \
  "password.secret = file:$scratch/secret"
: >"$scratch/secret"
measure "$tiny" "$@"
exits 'an empty password file' 3
contains 'is named' "$err" "$scratch/secret holds nothing"
rm "$scratch/secret"
measure "$tiny" "$@"
exits 'a password file that is not there' 3
contains 'is named' "$err" "$scratch/secret: No such file"

# ---- addresses ----

if grep -q '^00000000000000000000000000000001 ' /proc/net/if_inet6 2>/dev/null; then
  measure "$tiny" --quiet --channels 'plain mutual-tls' --probes 'path transport delivery' \
    --set hosts.address=::1
  exits 'an IPv6 address' 0
  is 'every proof held' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
  is 'all is ok' "$(rows "$folder/trials.csv" status | sort -u)" ok
else
  skip 'an IPv6 address' 'this machine has no ::1'
fi
measure "$tiny" --quiet --channels 'plain mutual-tls' --set hosts.address=localhost
exits 'a name' 0
is 'every proof held: the certificates were renewed for it' \
  "$(rows "$folder/proofs.csv" verdict | sort -u)" held

is 'no broker'\''s folder stays' "$(list_brokers)" ''
finish
