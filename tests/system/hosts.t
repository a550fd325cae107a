#!/bin/sh
# Several publishers' hosts: named one by one or as Slurm writes them, opened, described, read off
# and named in what is recorded; what is wrong with them is said before anything starts; a run
# whose host is lost goes on.
. "$(dirname "$0")/real.sh"

# `sh $keep NAME COMMAND...`: a launcher, whose process is known by that name as long as it lasts.
keep=$scratch/keep
cat >"$keep" <<END
echo \$\$ >"$scratch/pid.\$1"
shift
exec "\$@"
END
launcher="exec:sh $keep %h"
one="exec:sh $keep one"
two="exec:sh $keep two"
three="exec:sh $keep three"
on_three() { # COMMAND...: with three publishers' hosts
  "$@" --publisher-host "$one" --publisher-host "$two" --publisher-host "$three" \
    --set hosts.folder="$same"
}

# ---- a run ----

on_three measure "$tiny" --channels 'plain password' --probes 'path delivery'
exits 'three publishers'\'' hosts' 0
is 'every trial is ok' "$(rows "$folder/trials.csv" status | sort | uniq -c | tr -s ' ')" ' 4 ok'
is 'every proof held' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
contains 'they are named first' "$out" \
  "broker and subscriber local (127.0.0.1), 3 publishers $one, $two, $three"
environment() { # KEY: of each host
  sed -n "s/^ \{6\}\"$1\": \"\(.*\)\",\{0,1\}$/\1/p" "$folder/environment.json"
}
is 'environment.json has each' "$(environment spec)" "local
$one
$two
$three"
is '... with its parties' "$(environment parties | tr '\n' ,)" \
  'broker client1,client2,client2,client2,'
is '... and its processors' "$(grep -c '"processors":' "$folder/environment.json")" 4
is 'each is read off around a block' "$(rows "$folder/blocks.csv" host metric=load | sort)" \
  "$(printf '%s\n' "$one" "$two" "$three" local | sort)"
is 'how busy each was is a row of each trial' \
  "$(rows "$folder/metrics.csv" host party=client2 process=host metric=busy_share | sort | uniq -c |
    tr -s ' ' | sed 's/ $//')" " 4
 4 $three
 4 $two"
is 'all else is without a host' "$(rows "$folder/metrics.csv" process,host | grep -v '^host|' |
  sed 's/.*|//' | sort -u)" ''
run "$bench" report "$folder"
exits 'there is a report' 0
matches 'which names them' "$(tr '\n' ' ' <"$folder/table.txt")" \
  "hosts: broker local, publishers +$one +$two +$three, +address"
is 'of each series there is one' \
  "$(cut -d , -f 1-5 "$folder/summary.csv" | sort | uniq -d | wc -l)" 0
lacks '... and none of one host' "$(cat "$folder/summary.csv")" exec:
run "$bench" report --redact "$folder"
exits 'a redacted report' 0
is '... names none of them' "$(grep -rlaF "$keep" "$folder-redacted" | grep -v '^plots/')" ''
contains '... but says that there are some' "$(cat "$folder-redacted/metrics.csv")" ,host-

# ---- what a run's scenario executes must be repeated ----

again="$folder/scenario.ini"
run "$bench" check "$again"
exits 'the scenario of a run names hosts' 2
contains '... which must be repeated' "$err" \
  "--set 'hosts.publishers=$one $two $three' --set hosts.folder=$same"
run "$bench" check "$again" --set "hosts.publishers=$one $two $three" --set hosts.folder="$same"
exits '... repeated' 0
contains 'check shows each' "$out" "  broker, subscriber   local
  publishers           $one
                       $two
                       $three"
on_three run "$bench" check "$again"
exits '... by their options' 0
run "$bench" check "$again" --publisher-host local --set hosts.folder="$same"
exits 'one host on the command line takes the place of several' 0
lacks '... of which none is left' "$out" exec:

# ---- names as Slurm writes them ----

by_name() { # COMMAND...
  "$@" --set "hosts.launcher=$launcher" --set 'hosts.publishers=node[08-11],pi' \
    --set hosts.folder="$same"
}
by_name measure "$tiny"
exits 'hosts by their names' 0
is 'each was started' "$(environment spec | tr '\n' ,)" \
  "local,exec:sh $keep node08,exec:sh $keep node09,exec:sh $keep node10,exec:sh $keep node11,\
exec:sh $keep pi,"
run "$bench" check "$folder/scenario.ini"
exits 'their launcher must be repeated' 2
contains '... with the names' "$err" \
  "--set 'hosts.publishers=node[08-11],pi' --set 'hosts.launcher=$launcher'"
by_name run "$bench" check "$folder/scenario.ini"
exits '... repeated' 0

# ---- an interrupted run ----

by_name begin --repetitions 3 --set probe.path.duration=1s
await_trials 1
kill -INT "$driver"
stop_waiting 60
exits 'interrupted' 130
resume=$(printf '%s\n' "$err" | sed -n 's/^bench: to go on with it: //p')
contains 'how to go on with it names the hosts' "$resume" "--set 'hosts.publishers=node[08-11],pi'"
run sh -c "cd \"\$1\" && PATH=\$1:\$PATH && eval \"$(printf '%s' "$resume" | sed 's/"/\\"/g')\"" - \
  "$root"
exits '... and it does' 0
is '... to its end' "$(count "$folder/trials.csv" status=ok)" 3

# ---- a host is lost ----

on_three begin --repetitions 2 --set probe.path.duration=4s
await_process '.* worker path-client$' >"$scratch/worker"
kill -KILL "$(cat "$scratch/pid.three")"
stop_waiting 120
folder=$(find_run)
exits 'a further host is lost' 1
matches '... which fails a trial' "$(rows "$folder/trials.csv" attempt,reason status=failed)" \
  "^1\|host $three: "
is '... one' "$(count "$folder/trials.csv" status=failed)" 1
is '... its block is measured again' "$(count "$folder/trials.csv" attempt=2 status=ok)" 1
is '... the other once' "$(count "$folder/trials.csv" attempt=1 status=ok)" 1
check 'nothing stays' is_rest_gone_soon

on_three begin --probes fleet --set fleet.clients=12 --set probe.fleet.duration=2s
# shellcheck disable=SC2317 # called by wait_for
publishes() { # NAME: the host's processes with members, the agent's children
  [ -s "$scratch/pid.$1" ] &&
    ps -o pid=,args= --ppid "$(cat "$scratch/pid.$1")" >"$scratch/workers" 2>/dev/null &&
    grep 'worker fleet-clients$' "$scratch/workers" >"$scratch/members"
}
check 'members are on the second of three hosts' wait_for 60 publishes two
kill -KILL "$(awk 'NR == 1 { print $1 }' "$scratch/members")"
stop_waiting 120
folder=$(find_run)
exits 'a process with members is killed on one of them' 1
is '... which is named' "$(rows "$folder/trials.csv" reason status=failed)" \
  "fleet-clients on $two: ended by itself (killed by SIGKILL)"

on_three measure "$tiny" --probes fleet --set fleet.clients=12 --set probe.fleet.duration=1s \
  --set probe.fleet.interval=200ms --set probe.fleet.subscribers=20 \
  --set probe.fleet.subscribers_per_topic=20
exits '400 subscribers, more than a broker without a fleet lets in' 0
is '... each of 20 has each message' "$(rows "$folder/metrics.csv" value metric=fan_out)" 20

on_three measure "$tiny" --publisher-host 'exec:false'
exits 'a host that cannot be opened' 3
contains '... is named' "$err" 'host exec:false'
check 'nothing of the others stays' is_rest_gone_soon

# ---- one host, or the broker's ----

measure "$tiny" --set hosts.publishers=local
exits 'one publisher'\''s host by this setting' 0
is '... is the broker'\''s where they are the same' "$(environment parties)" \
  'broker client1 client2'

# ---- what cannot be ----

refuse() { # NAME WORDS [OPTION...]
  refuse_name=$1 refuse_words=$2
  shift 2
  run "$bench" check "$tiny" "$@"
  exits "$refuse_name" 2
  contains '... is told' "$err" "$refuse_words"
}
refuse 'a host twice' "--publisher-host: names '$one' twice" \
  --publisher-host "$one" --publisher-host "$two" --publisher-host "$one"
refuse 'the broker'\''s among several' "--publisher-host: 'local' is the broker's host" \
  --publisher-host local --publisher-host "$one"
refuse 'what is no host' "--publisher-host: 'pi' is no host" \
  --publisher-host pi --publisher-host "$one"
refuse 'names without a launcher' "--set hosts.publishers: 'node[1-3]' is no host" \
  --set 'hosts.publishers=node[1-3]'
refuse 'a name for a launcher that is given as a host' 'belong into hosts.publishers' \
  --set "hosts.launcher=$launcher" --publisher-host pi
run "$bench" check quick --set "hosts.launcher=$launcher"
exits 'a launcher without names' 2
contains '... is told' "$err" 'hosts.launcher: starts the hosts that hosts.publishers names'
refuse 'a launcher without a place for the name' "'exec:srun' has no %h" \
  --set hosts.launcher=exec:srun --set 'hosts.publishers=node[1-3]'
refuse 'a launcher that is no kind of host' "--set hosts.launcher: 'srun node1' is no host" \
  --set 'hosts.launcher=srun %h' --set 'hosts.publishers=node[1-3]'
refuse 'a list that does not end' "'node[1-' has a '[' without its ']'" \
  --set "hosts.launcher=$launcher" --set 'hosts.publishers=node[1-'
refuse 'more hosts than can be' \
  '--set hosts.publishers: names too many hosts: a run has 64 at most' \
  --set "hosts.launcher=$launcher" --set 'hosts.publishers=node[1-65]'
refuse 'one beside several' "'$one' stands beside hosts.publishers" \
  --set "hosts.publisher=$one" --set "hosts.publishers=$two $three"
refuse 'a name as an option' "'-x' is no host's name" \
  --set "hosts.launcher=$launcher" --set 'hosts.publishers=-x'
prepared='channel tunnel is prepared between the broker'\''s host and one publisher'\''s host'
on_three refuse 'a channel that is prepared between two hosts' "$prepared, and there are 3" \
  --channels 'plain tunnel'
on_three measure "$tiny" --channels tunnel
exits '... before anything starts' 3
is '... or is recorded' "$folder" ''
on_three refuse 'one host of a lab: check knows it' 'the hosts of a lab go together' \
  --broker-host lab:a
on_three measure "$tiny" --broker-host lab:a
exits 'one host of a lab' 3
contains '... is told' "$err" 'the hosts of a lab go together'

run "$bench" check "$tiny" --broker-host "$three" --publisher-host "$one" --publisher-host local \
  --set hosts.folder="$same" --channels 'plain x' --set channel.x.use='external tls certificate' \
  --set channel.x.external.certificate=/lacking.crt --set channel.x.external.key=/lacking.key
exits 'a file that is missing where a further publisher'\''s host is this machine' 3
contains '... is named' "$err" /lacking

# ---- doctor ----

run "$bench" doctor "$tiny" --publisher-host "$one" --publisher-host "$two" \
  --set hosts.folder="$same"
exits 'doctor' 0
contains 'looks at each' "$out" "$two: publisher"
run "$bench" doctor "$tiny" --publisher-host "$one" --publisher-host exec:false \
  --set hosts.folder="$same"
exits 'doctor with one out of reach' 3
contains '... says which' "$out" 'exec:false: publisher
  OUT OF REACH'

finish
