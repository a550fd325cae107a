#!/bin/sh
# What happens to two hosts within an hour: processes die at either end, a host freezes, the link
# goes away for a moment or for good, a disk is full. The failed trial is named with its cause, its
# block is measured again once, what was measured stays, nothing is left behind.
. "$(dirname "$0")/real.sh"
need_command ip tc unshare nsenter perl
[ "$(id -u)" = 0 ] || skip_all 'needs root: links are cut in network namespaces'

# begin_in_lab [OPTION...]: a run in the background, of which block 1 is to be hurt.
begin_in_lab() {
  begin --broker-host lab:a --publisher-host lab:b --set hosts.address= --set lab.rate=20Mbit/s \
    --repetitions 2 "$@"
}

agent() { # a or b
  find_process "[^ ]*bench agent --certs [^ ]*/lab-$1"
}

link() { # up or down
  nsenter --net --target "$link_end" ip link set bench0 "$1"
}

# Whether a stream crosses the link, that of a probe: telemetry and proofs are not that much.
# shellcheck disable=SC2317 # called by wait_for
flows() {
  link_end=$(agent b)
  [ -n "$link_end" ] && sed -n 's/^ *bench0://p' "/proc/$link_end/net/dev" 2>/dev/null |
    awk '{ bytes = $9 } END { exit !(bytes > 500000) }'
}

# hurt NAME CAUSE: the run ended with one failed trial, whose reason matches. Block 1 is hurt; where
# the machine is busy and the blow came late, block 2.
hurt() {
  folder=$(find_run)
  exits "$1: the run ends as one with a failed trial" 1
  matches '... which says why' "$(rows "$folder/trials.csv" attempt,reason status=failed)" "^1\|$2"
  is '... it alone failed' "$(count "$folder/trials.csv" status=failed)" 1
  block=$(rows "$folder/trials.csv" block status=failed | sed -n 1p)
  is '... its block was measured again, whole' \
    "$(rows "$folder/trials.csv" status block="$block" attempt=2 | sort -u)" ok
  is '... the other was not' \
    "$(rows "$folder/trials.csv" attempt,status block=$((3 - block)) | sort -u)" '1|ok'
  is '... what failed has no figure' \
    "$(rows "$folder/trials.csv" throughput_mbit_s,bytes status=failed)" '|'
  check '... nothing goes on' is_rest_gone_soon
}

# ---- processes ----

for probe in path transport delivery; do
  begin_in_lab --probes $probe --set probe.$probe.duration=2500ms
  broker=$(await_process '[^ ]*/mosquitto -c ')
  await_process ".* worker $probe-(client|publisher)\$" >"$scratch/worker"
  kill -KILL "$broker"
  stop_waiting 240
  hurt "the broker dies during $probe" 'the broker ended \(killed by SIGKILL\)'
done

for end in client server; do
  begin_in_lab --set probe.path.duration=2500ms
  kill -KILL "$(await_process ".* worker path-$end\$")"
  stop_waiting 240
  hurt "the $end of a probe dies" "path-(client|server): "
done

for name in a b; do
  begin_in_lab --set probe.path.duration=2500ms
  await_process '.* worker path-client$' >"$scratch/worker"
  kill -KILL "$(agent $name)"
  stop_waiting 240
  hurt "agent $name dies" "host lab:$name: its agent has ended"
  is '... no message is called lost of which nobody knows' \
    "$(rows "$folder/telemetry.csv" sequence block="$block" attempt=1 status=lost)" ''
done

# ---- a host that freezes ----

begin_in_lab --set probe.path.duration=2500ms
await_process '.* worker path-client$' >"$scratch/worker"
kill -STOP "$(agent b)"
stop_waiting 240
hurt 'a host freezes' 'host lab:b: nothing was heard of its agent for 10 s'

# ---- the way to an agent freezes, not the agent: it must not measure beside the next ----

cat >"$scratch/way" <<'END_OF_WAY'
perl -pe 'BEGIN { $| = 1 }' | "$@" | perl -pe 'BEGIN { $| = 1 }'
END_OF_WAY
host="exec:sh $scratch/way"
begin --broker-host "$host" --publisher-host "$host" --set hosts.folder="$same" --repetitions 2 \
  --set probe.path.duration=2500ms
await_process '.* worker path-client$' >"$scratch/worker"
old=$(find_process '[^ ]*bench agent$')
# shellcheck disable=SC2046 # several
kill -STOP $(find_process 'perl -pe')
wait_for 28 is_gone "$old" # of itself it would after 30 s of silence
check 'the agent that was lost is ended when the next one starts' is_gone "$old"
# shellcheck disable=SC2046 # several
kill -CONT $(find_process 'perl -pe') 2>/dev/null
stop_waiting 240
hurt 'the way to an agent freezes' 'host exec:sh .*: nothing was heard of its agent for 10 s'

# ---- an agent that talks nonsense, once, amid a trial ----

cat >"$scratch/babble" <<'END_OF_BABBLE'
word=${0##*.}
"$@" | perl -ne 'BEGIN { $| = 1; ($flag, $word) = splice @ARGV, 0, 2 }
  print;
  if (/"say": ?"begin"/ && !-e $flag) {
    open my $file, ">", $flag;
    print {garbage => "Segmentation fault\n", binary => "\x80\xff\x00{}\n",
           "wrong-id" => qq({"id": 99999, "ok": {}}\n), long => "x" x 5000000 . "\n"}->{$word};
  }' "$0.said" "$word"
END_OF_BABBLE
for word in garbage binary wrong-id long; do
  cp "$scratch/babble" "$scratch/babble.$word"
  host="exec:sh $scratch/babble.$word"
  measure "$tiny" --broker-host "$host" --publisher-host "$host" --set hosts.folder="$same" \
    --repetitions 2 --set probe.path.duration=500ms
  hurt "an agent says something wrong ($word)" "host exec:sh .*: its agent speaks nonsense: "
done

# ---- the link ----

begin_in_lab --set probe.path.duration=10s --repetitions 1
wait_for 60 flows
link down
sleep 2
link up
stop_waiting 240
folder=$(find_run)
exits 'the link is down for 2 s: nothing fails' 0
is 'all was measured, at the first attempt' \
  "$(rows "$folder/trials.csv" attempt,status | sort -u)" '1|ok'
check 'the gap can be seen' test \
  "$(rows "$folder/intervals.csv" bytes trial=1 | awk '$1 == 0' | wc -l)" -ge 10
check 'nothing goes on' is_rest_gone_soon

begin_in_lab --set probe.path.duration=10s --repetitions 9
wait_for 60 flows
link down
stop_waiting 240
folder=$(find_run)
exits 'the link is down for good: the run breaks off' 3
contains 'that is said' "$err" 'no channel came up in 4 tries in a row; the last: '
matches 'the trial under way failed' "$(rows "$folder/trials.csv" reason trial=1)" \
  '^(path-.*: (send|receiv)ing: Connection timed out|telemetry-publisher: a message did not)'
is 'nothing was measured' "$(rows "$folder/trials.csv" status | sort -u)" failed
contains 'it says how to go on' "$err" '--resume'
check 'nothing goes on' is_rest_gone_soon

# ---- a disk that is full on the other host ----

if unshare --mount mount -t tmpfs none "$scratch" 2>/dev/null; then
  mkdir "$scratch/disk"
  # shellcheck disable=SC2016 # for the shell in the namespace
  run unshare --mount sh -c '
    disk=$0 log=$1
    shift
    mount -t tmpfs -o size=256k none "$disk" || exit 99
    "$@" >"$log" 2>&1 &
    until grep -q " path, block 1: .*Mbit" "$log"; do sleep 0.05; done
    dd if=/dev/zero of="$disk/filler" bs=1k count=1000 2>/dev/null
    until grep -q failed: "$log" || ! kill -0 $!; do sleep 0.05; done
    rm "$disk/filler"
    wait $!' "$scratch/disk" "$scratch/log" "$bench" run "$tiny" \
    --broker-host "exec:env TMPDIR=$scratch/disk" --set hosts.folder="$same" \
    --channels 'plain password' --repetitions 4 --set probe.path.duration=500ms \
    --output "$scratch/results.disk" --certs "$scratch/certs"
  results=$scratch/results.disk
  folder=$(find_run)
  exits 'the other host'\''s disk is full for a while: its channels failed' 1
  matches 'that is said' "$(rows "$folder/trials.csv" reason status=failed | sort -u)" \
    'the channel did not come up: .*No space left on device'
  is 'the last attempt of each block is whole' \
    "$(rows "$folder/trials.csv" block,attempt,status | sort -t '|' -k 1,1 -k 2,2n |
      awk -F '|' '{ if ($2 != last[$1]) bad[$1] = 0; last[$1] = $2; bad[$1] += $3 != "ok" }
        END { for (block in bad) print block, bad[block] }' | sort | tr '\n' ' ')" \
    '1 0 2 0 3 0 4 0 '
else
  skip 'a disk that is full on the other host' 'no mount namespace here'
fi

# Two agents were killed, of which one had the broker.
check 'no broker'\''s folder stays, but that of the agent that was killed' \
  test "$(list_brokers | wc -l)" -le 1
finish
