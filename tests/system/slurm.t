#!/bin/sh
# Publishers' hosts that Slurm hands out: its controller and two nodes run here, on loopback in a
# network of their own, with a munge of their own. What is measured over them; a node that is lost.
[ "$(id -u)" = 0 ] || {
  echo '1..0 # SKIP needs root: Slurm executes jobs as their user'
  exit 0
}
. "$(dirname "$0")/alone.sh"
. "$(dirname "$0")/real.sh"
need_command munged slurmctld slurmd srun sinfo squeue

# ---- a cluster ----

# Slurm resolves names, which glibc does only where an address is not loopback's own.
ip address add 192.0.2.1/32 dev lo
cluster=$scratch/cluster
mkdir "$cluster" "$cluster/munge" "$cluster/state"
chmod 755 "$cluster" "$cluster/munge"
(umask 077 && head -c 128 /dev/urandom >"$cluster/key")
export SLURM_CONF="$cluster/slurm.conf"
cat >"$SLURM_CONF" <<END
ClusterName=bench
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=17000
SlurmUser=root
AuthInfo=socket=$cluster/munge/socket
StateSaveLocation=$cluster/state
SlurmdSpoolDir=$cluster/%n
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmdPidFile=$cluster/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
NodeName=node[1-2] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[17001-17002] CPUs=8
PartitionName=all Nodes=ALL Default=YES State=UP
END

daemons=''
daemon() { # COMMAND...: until the end of this test
  setsid "$@" >"$cluster/$1.$(printf '%s' "$daemons" | wc -w)" 2>&1 </dev/null &
  daemons="$daemons $!"
}
# shellcheck disable=SC2317 # called by wait_for
is_up() {
  [ "$(timeout 5 sinfo --noheader --Node --format=%T 2>/dev/null | sort | uniq -c |
    tr -d ' ')" = 2idle ]
}
# shellcheck disable=SC2317 # called by wait_for
has_no_job() {
  [ -z "$(squeue --noheader)" ]
}
clues() { # what the daemons have said
  tail -n 3 "$cluster"/slurm*.[0-9] "$cluster"/munged.0
}

daemon munged --foreground --force --key-file="$cluster/key" --socket="$cluster/munge/socket" \
  --pid-file="$cluster/munge/pid" --log-file="$cluster/munge/log" \
  --seed-file="$cluster/munge/seed"
wait_for "$soon" test -S "$cluster/munge/socket"
daemon slurmctld -D -i
for node in node1 node2; do
  mkdir "$cluster/$node"
  daemon slurmd -D -N "$node"
done
if wait_for 60 is_up; then
  pass 'a cluster of two nodes'
else
  fail 'a cluster of two nodes'
  # shellcheck disable=SC2086 # several
  kill $daemons
  finish
fi

srun='srun --nodes=1 --ntasks=1 --nodelist='
over_slurm() { # COMMAND...
  "$@" --set "hosts.launcher=exec:$srun%h" --set 'hosts.publishers=node[1-2]' \
    --set hosts.folder="$same"
}

# ---- a run ----

over_slurm run "$bench" check "$tiny"
exits 'the plan' 0
contains 'names each node' "$out" "exec:${srun}node1
                       exec:${srun}node2"
over_slurm measure "$tiny" --channels 'plain mutual-tls' \
  --probes 'delivery connect hold storm fleet' --set fleet.clients=24 \
  --set probe.connect.duration=200ms --set probe.connect.warmup=0s --set probe.hold.duration=200ms \
  --set probe.fleet.duration=1s --set probe.fleet.warmup=0s --set probe.fleet.interval=200ms
exits 'a run over two nodes' 0
is 'every trial is ok' "$(rows "$folder/trials.csv" status | sort | uniq -c | tr -s ' ')" ' 10 ok'
is 'members are on both nodes' "$(rows "$folder/metrics.csv" host process=clients \
  metric=peak_memory | sort | uniq -c | tr -s ' ')" " 6 exec:${srun}node1
 6 exec:${srun}node2"
is '... all of them, held, back, and up' "$(rows "$folder/metrics.csv" value process=fleet \
  metric=clients_up | sort | uniq -c | tr -s ' ')" ' 6 24'
is 'every proof held' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
contains 'the nodes are named first' "$out" "2 publishers exec:${srun}node1, exec:${srun}node2"
is 'both are read off around the block' "$(rows "$folder/blocks.csv" host metric=load | sort -u)" \
  "exec:${srun}node1
exec:${srun}node2
local"
is 'Slurm has started an agent on each' \
  "$(grep -l 'launching StepId\|launch task StepId\|task.*StepId' "$cluster"/slurmd.* | wc -l)" 2
check 'no job is left' wait_for "$soon" has_no_job

# ---- a node is lost ----

# step NODE: the process of Slurm's that watches over the agent there.
step() {
  find_process "slurmstepd: \\[$(squeue --noheader --nodelist="$1" --format=%A).*"
}
over_slurm begin --repetitions 2 --set probe.path.duration=4s
await_process '.* worker path-client$' >"$scratch/worker"
kill -KILL "$(step node2)"
stop_waiting 120
folder=$(find_run)
exits 'a node is lost' 1
matches '... which fails a trial, with its name' \
  "$(rows "$folder/trials.csv" attempt,reason status=failed)" "^1\|host exec:${srun}node2: "
is '... one' "$(count "$folder/trials.csv" status=failed)" 1
is '... its block is measured again' "$(count "$folder/trials.csv" attempt=2 status=ok)" 1
is '... the other once' "$(count "$folder/trials.csv" attempt=1 status=ok)" 1

# shellcheck disable=SC2086 # several
kill $daemons
finish
