#!/bin/sh
# What dies while it is measured: broker, worker, agent, driver, by signals of all kinds; and a
# disk that is full. What was measured before is intact, and nothing is left behind.
. "$(dirname "$0")/real.sh"

# intact NAME: every line of the run's tables has as many fields as its header, and its line end.
intact() {
  is "$1" "$(for file in "$folder"/*.csv; do
    [ -z "$(tail -c 1 "$file")" ] || echo "$file: cut"
    awk -v file="$file" '{ gsub(/"([^"]|"")*"/, "x"); n = split($0, parts, ",") }
      NR == 1 { columns = n } n != columns { print file ":" NR ": " n " fields" }' "$file"
  done)" ''
}

# reportable NAME: `bench report` works on it.
reportable() {
  run "$bench" report "$folder"
  exits "$1" 0
}

# ---- the broker ----

# Block 1 loses a broker and is measured again; block 2 is not touched by that.
for probe in path transport delivery; do
  begin --set scenario.probes='path transport delivery' --repetitions 2 \
    --set probe.$probe.duration=2500ms
  broker=$(await_process '[^ ]*/mosquitto -c ')
  await_process ".* worker $probe-(client|publisher)\$" >"$scratch/worker"
  kill -KILL "$broker"
  stop_waiting 240
  folder=$(find_run)
  exits "the broker dies during $probe: the run ends as one with a failed trial" 1
  is 'that trial is failed, measured nothing' \
    "$(rows "$folder/trials.csv" probe,block,attempt,throughput_mbit_s,bytes status=failed)" \
    "$probe|1|1||"
  is 'and says why' "$(rows "$folder/trials.csv" reason status=failed)" \
    'the broker ended (killed by SIGKILL)'
  is 'the rest of the block was measured on a new broker' \
    "$(count "$folder/trials.csv" block=1 attempt=1 status=ok)" 2
  is 'the block was measured again, whole' \
    "$(rows "$folder/trials.csv" probe,status block=1 attempt=2 | tr '\n' ' ')" \
    'path|ok transport|ok delivery|ok '
  is 'the other block was not' \
    "$(rows "$folder/trials.csv" attempt,status block=2 | sort -u)" '1|ok'
  matches 'the failure was shown' "$out" " left  plain $probe, block 1: failed: the broker ended"
  contains 'and is told at the end' "$err" 'trials: 1 failed, 0 void'
  check 'the log of the dead broker was kept' test -s \
    "$folder/log/broker-block001-plain-attempt1-trial$(rows "$folder/trials.csv" trial \
      status=failed).log"
done
intact 'all tables are whole'
reportable 'the run can be reported'
contains 'a trial that was measured again is no gap, but told' "$(echo "$out" | tr -s '\n ' ' ')" \
  '1 failed before its block was measured again (the broker ended (killed by SIGKILL))'
is 'what counts is the second attempt' "$(rows "$folder/summary.csv" trials,failed \
  metric=throughput probe=delivery)" '2|0'

# One that dies when its time is over anyway is not taken for the end of the next. One that is gone
# when the driver asks for it has a cause all the same; and one whose end is told late, after what
# that has done to others, is the cause itself.
cat >"$scratch/tap" <<'END_OF_TAP'
order=$1 late=$2 pid=$0.$1
shift 2
down='BEGIN { $| = 1 }
  if (/$order/ && !-e "$pid.used") {
    open my $in, "<", $pid;
    kill 9, <$in> + 0;
    open my $used, ">", "$pid.used";
    select undef, undef, undef, 0.3; # the agent hears of that first
  }
  print'
up='BEGIN { $| = 1 }
  select undef, undef, undef, $late if /"broker": ?"ended"/;
  if (/"version"/ && /"pid": ?(\d+)/) { open my $out, ">", $pid; print $out $1; close $out }
  print'
perl -sne "$down" -- -order="$order" -pid="$pid" | "$@" |
  perl -sne "$up" -- -late="$late" -pid="$pid"
END_OF_TAP
if command -v perl >/dev/null; then
  host="exec:sh $scratch/tap broker-down 0"
  measure "$tiny" --quiet --repetitions 3 --broker-host "$host" --publisher-host "$host" \
    --set hosts.folder="$same"
  exits 'a broker dies when it is taken down: nothing failed' 0
  check 'it did die' test -e "$scratch/tap.broker-down.used"
  is 'all was measured, at the first attempt' \
    "$(rows "$folder/trials.csv" attempt,status | tr '\n' ' ')" '1|ok 1|ok 1|ok '
  is 'the logs of all brokers were kept' "$(find "$folder/log" -name 'broker-*' -size +0 | wc -l)" 3

  host="exec:sh $scratch/tap broker-usage 0"
  measure "$tiny" --quiet --broker-host "$host" --publisher-host "$host" \
    --set hosts.folder="$same"
  is 'a broker is gone when it is asked for: that is the reason' \
    "$status, $(rows "$folder/trials.csv" reason status=failed)" \
    '1, the broker ended (killed by SIGKILL)'
  measure "$tiny" --quiet --probes delivery \
    --broker-host "exec:sh $scratch/tap sent.: 0.8" \
    --publisher-host 'exec:env BESIDE=1' --set hosts.folder="$same"
  is 'its end is told late, after what clients say of it: that is the reason, too' \
    "$status, $(rows "$folder/trials.csv" reason status=failed)" \
    '1, the broker ended (killed by SIGKILL)'
else
  skip 'a broker dies when it is taken down' 'no perl here'
fi

begin --probes delivery --set probe.delivery.warmup=2s --set probe.delivery.duration=1s
await_process '.* worker delivery-publisher$' >"$scratch/worker"
frozen=$(await_process '[^ ]*/mosquitto -c ')
kill -STOP "$frozen"
await_trials 1
kill -CONT "$frozen"
stop_waiting 240
folder=$(find_run)
exits 'a broker stands still for all of the measured time: its trial failed' 1
matches '... which says so' "$(rows "$folder/trials.csv" reason status=failed)" \
  'nothing has arrived for [0-9.]+ s'
is '... it has no figure' "$(rows "$folder/trials.csv" throughput_mbit_s status=failed)" ''
is '... its block was measured again' "$(rows "$folder/trials.csv" status attempt=2)" ok

# ---- one channel that does not come up ----

mkdir "$scratch/picky"
cat >"$scratch/picky/mosquitto" <<END
#!/bin/sh
grep -qs '^psk_file' "\$@" && echo 'no PSK here' >&2 && exit 3
exec $(PATH=$PATH:/usr/sbin command -v mosquitto) "\$@"
END
chmod +x "$scratch/picky/mosquitto"
PATH=$scratch/picky:$PATH measure "$tiny" --quiet --channels 'plain psk' --repetitions 2 \
  --probes 'path transport delivery' --set scenario.order=sequential
exits 'a channel never comes up: the run goes on' 1
is '... the other is measured to its end' \
  "$(rows "$folder/trials.csv" block,status,attempt channel=plain | uniq -c | tr -s ' \n' ' ')" \
  ' 3 1|ok|1 3 2|ok|1 3 1|ok|2 3 2|ok|2 '
matches '... the trials of the one say why' "$(rows "$folder/trials.csv" reason channel=psk)" \
  '^the channel did not come up: .*no PSK here'
is '... each that was planned, and once more' \
  "$(rows "$folder/trials.csv" block,status,attempt channel=psk | uniq -c | tr -s ' \n' ' ')" \
  ' 3 1|failed|1 3 2|failed|1 3 1|failed|2 3 2|failed|2 '
reportable 'the run can be reported'

# ---- a worker, the agent ----

begin --set probe.path.duration=2500ms
kill -KILL "$(await_process '.* worker path-server$')"
stop_waiting 240
folder=$(find_run)
exits 'a worker dies: its trial failed' 1
matches 'with its name' "$(rows "$folder/trials.csv" reason status=failed)" \
  '^path-(server|client): .*(killed by SIGKILL|ended)'
is 'the second attempt is ok' "$(rows "$folder/trials.csv" status attempt=2)" ok

# shellcheck disable=SC2317 # called by wait_for
has_next_worker() {
  find_process '.* worker path-client$' | grep -qvxF "$worker"
}

begin --set probe.path.duration=2s --repetitions 3
worker=$(await_process '.* worker path-client$')
await_trials 1
wait_for 60 has_next_worker # between two trials nothing would have failed
kill -KILL "$(find_process '.* agent --certs')"
stop_waiting 240
exits 'the agent dies: its trial failed, the run goes on with another' 1
matches 'that is said' "$(rows "$folder/trials.csv" reason status=failed)" \
  'host local: its agent has ended$'
is 'its block was measured again, whole' \
  "$(rows "$folder/trials.csv" block,status attempt=2)" \
  "$(rows "$folder/trials.csv" block status=failed)|ok"
is 'the others were not' "$(count "$folder/trials.csv" attempt=1 status=ok)" 2
intact 'all tables are whole'
reportable 'the run can be reported'
# Nobody could remove the broker's folder; the next run does, once it is not new.
for left in $(list_brokers); do
  touch -d '1 minute ago' "$left"
done
measure "$tiny" --quiet
is 'the next run tidies up behind it' "$(list_brokers)" ''

# ---- the driver, by signals that can be heard ----

for signal in INT TERM HUP; do
  begin --set probe.path.duration=1s --repetitions 30
  await_trials 1
  kill -"$signal" "$driver"
  stop_waiting "$soon"
  exits "SIG$signal: ends soon, as interrupted" 130
  contains 'it says where the data are' "$err" "interrupted; what was measured is in $folder"
  check 'nothing goes on' is_rest_gone_soon
  intact 'all tables are whole'
  is 'what is there is ok' "$(rows "$folder/trials.csv" status | sort -u)" ok
  is 'no broker'\''s folder stays' "$(list_brokers)" ''
done
reportable 'an interrupted run can be reported'

begin --set probe.path.duration=1s --repetitions 30
await_trials 1
kill -s INT -- "-$driver" # as the terminal does: all that are in the foreground
stop_waiting "$soon"
exits 'Ctrl-C on a terminal: the same' 130
is 'what is there is ok' "$(rows "$folder/trials.csv" status | sort -u)" ok
is 'no broker'\''s folder stays' "$(list_brokers)" ''

begin --set probe.path.duration=1min
await_process '[^ ]*/mosquitto -c ' >"$scratch/broker"
kill -INT "$driver"
stop_waiting "$soon"
folder=$(find_run)
exits 'SIGINT before the first trial is over' 130
intact 'all tables are whole'
check 'nothing goes on' is_rest_gone_soon
is 'no broker'\''s folder stays' "$(list_brokers)" ''

# shellcheck disable=SC2317 # called by wait_for
has_open() { # PID FILE
  find "/proc/$1/fd" -lname "$2" 2>/dev/null | grep -q .
}
if has_command flock; then
  mkdir -p "$scratch/certs"
  exec 9>"$scratch/certs/lock"
  flock 9
  begin --channels mutual-tls 9>&-
  await_process '.* agent --certs .*' >"$scratch/agent" # the driver is no shell any more
  wait_for 60 has_open "$driver" "$scratch/certs/lock" || :
  kill -INT "$driver"
  stop_waiting "$soon"
  exits 'SIGINT while another makes certificates' 130
  exec 9>&-
else
  skip 'SIGINT while another makes certificates' 'flock is not installed'
fi

start setsid env --ignore-signal=HUP "$bench" run "$tiny" --quiet --set probe.path.duration=1s \
  --output "$scratch/results.nohup" --certs "$scratch/certs"
await_process '.* worker path-client$' >"$scratch/worker"
kill -HUP "$driver"
stop_waiting 240
exits 'with nohup it outlives its terminal' 0

# ---- the driver, by one that cannot ----

for await in '[^ ]*/mosquitto -c ' '.* worker path-client$'; do
  begin --set probe.path.duration=1s --repetitions 30
  await_process "$await" >"$scratch/pid"
  kill -KILL "$driver"
  stop_waiting "$soon"
  check 'the driver is killed: agent, broker and workers end by themselves' is_rest_gone_soon
  is 'no broker'\''s folder stays' "$(list_brokers)" ''
done
folder=$(find_run)
intact 'all tables are whole'

# shellcheck disable=SC2317 # called by wait_for
has_readings() {
  [ -f "$folder/blocks.csv" ] && [ -n "$(rows "$folder/blocks.csv" after metric=load)" ]
}
begin --set probe.path.duration=2s --repetitions 30
await_trials 1
wait_for 60 has_readings # the next block is being brought up
kill -KILL "$driver"
stop_waiting "$soon"
is 'of every block that was measured there are the readings, before and after' \
  "$(rows "$folder/blocks.csv" block,after metric=load | grep -c '|[0-9]')" \
  "$(count "$folder/trials.csv")"

# ---- a disk that runs full ----

case $(id -u) in
0) namespaces='unshare --mount' ;;
*) namespaces='unshare --user --map-root-user --mount' ;;
esac
# shellcheck disable=SC2086 # several words
if $namespaces mount -t tmpfs none "$scratch" 2>/dev/null; then
  # At several sizes, so that the end comes at different points. It is trials that fill the disk,
  # not the telemetry of one that takes its time.
  for size in 48 52 56 60 64 68; do
    rm -rf "$scratch/disk" "$scratch/copy"
    mkdir "$scratch/disk" "$scratch/copy"
    # shellcheck disable=SC2016,SC2086 # for the shell in the namespace; several words
    run $namespaces sh -c '
      disk=$0 copy=$1 size=$2
      shift 2
      mount -t tmpfs -o size="${size}k" none "$disk" || exit 99
      "$@"
      status=$?
      cp -r "$disk/." "$copy/"
      exit "$status"' "$scratch/disk" "$scratch/copy" "$size" \
      "$bench" run "$tiny" --repetitions 60 --output "$scratch/disk" --certs "$scratch/certs" \
      --set telemetry.interval=100ms --set telemetry.payload=12B
    results=$scratch/copy
    folder=$(find_run)
    exits "a disk of $size KiB is full: the run breaks off" 3
    matches '... that is said, with the file' "$err" \
      "^bench: error: $scratch/disk/.*: No space left on device"
    intact '... all tables are whole'
    trials=$(count "$folder/trials.csv" status=ok)
    check '... some trials are there' test "$trials" -gt 0 -a "$trials" -lt 60
    reportable '... a copy of the run can be reported'
    is '... every trial counts' \
      "$(rows "$folder/summary.csv" trials metric=throughput)" "$trials"
  done
else
  skip 'a disk that runs full' 'no mount namespace here'
fi

# ---- who we are ----

measure "$tiny" --quiet --channels 'plain password mutual-tls'
exits "as $(id -un) it works" 0
if can_be_nobody; then
  chmod 644 "$tiny"
  mkdir -m 777 "$scratch/theirs"
  # shellcheck disable=SC2086 # several words
  run $nobody TMPDIR="$scratch/theirs" PATH=/usr/local/bin:/usr/bin:/bin "$bench" run "$tiny" \
    --quiet --channels 'plain password mutual-tls' --set hosts.congestion=reno \
    --output "$scratch/theirs/results" --certs "$scratch/theirs/certs"
  exits 'as an ordinary user too, whose PATH has no sbin' 0
  results=$scratch/theirs/results
  folder=$(find_run)
  is 'everything held' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
  is 'no broker'\''s folder stays' "$(find "$scratch/theirs" -name 'bench-broker-*')" ''
else
  skip 'as an ordinary user' 'not root, or the sources cannot be read by others'
fi

is 'no broker'\''s folder stays at the end' "$(list_brokers)" ''
finish
