#!/bin/sh
# A path that takes 50 ms each way: what delivery may have on its way at once is chosen by it when a
# run begins, and kept by the run and whoever repeats it.
# shellcheck disable=SC2317 # functions are called by name
# In a network of its own; another one is the publisher's.
. "$(dirname "$0")/alone.sh"
. "$(dirname "$0")/real.sh"
need_command ip nsenter python3

unshare --net sleep 1000 &
there=$!
publisher="nsenter --net=/proc/$there/ns/net --"
is_apart() { [ "$(readlink "/proc/$there/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
wait_for "$soon" is_apart
$publisher ip link set lo up

lay_link() { # MILLISECONDS each way
  rm -f "$scratch/link" # what the one before said
  "$root/tests/system/far-link" "$there" "$1" >"$scratch/link" 2>"$scratch/link.err" &
  link=$!
  is_decided() { [ -s "$scratch/link" ] || is_gone "$link"; }
  wait_for "$soon" is_decided
}

remove_link() {
  kill "$link"
  wait "$link" 2>/dev/null
}

window() { # what is in the run's record
  sed -n '/^\[probe.delivery\]/,/^\[/s/^window = //p' "$folder/scenario.ini"
}

lay_link 50
if is_gone "$link"; then
  kill "$there"
  skip_all "no link between two networks here: $(tail -n 1 "$scratch/link.err")"
fi
begin --probes delivery --repetitions 3 --set probe.delivery.duration=1s \
  --publisher-host "exec:$publisher" --set hosts.folder="$same" --set hosts.address=198.51.100.1
await_trials 1
kill -INT "$driver"
stop_waiting "$soon"
exits 'interrupted' 130
trip=$(sed -n 's/.*"round_trip_ms": \([0-9.]*\).*/\1/p' "$folder/environment.json" | tail -n 1)
check 'the round trip is measured' awk -v "ms=${trip:-0}" 'BEGIN { exit !(ms >= 100 && ms < 1000) }'
is 'the window is a gigabit a second for twice as long, in the next power of two' "$(window)" \
  "$(awk -v "ms=${trip:-0}" 'BEGIN {
       for (mib = 2; mib < 64 && mib * 1048576 < 250000 * ms;) mib *= 2
       print mib "MiB"
     }')"
contains 'that is said' "$out" "probe.delivery.window is $(window): the round trip"
lacks 'it does not limit' "$(rows "$folder/trials.csv" reason)" 'probe.delivery.window'

remove_link
lay_link 1
kept=$(window)
run "$bench" run --resume "$folder" --certs "$scratch/certs" \
  --publisher-host "exec:$publisher" --set hosts.folder="$same"
exits 'the run goes on where the path is short' 0
is 'with the same window' "$(window)" "$kept"
lacks 'which is not chosen again' "$out" 'probe.delivery.window'
measure "$folder/scenario.ini" --publisher-host local --set hosts.folder="$same" \
  --set hosts.address=127.0.0.1 --repetitions 1
exits 'it is repeated on one host' 0
is 'with its window' "$(window)" "$kept"
measure "$tiny" --probes delivery
is 'the window by itself is that of a short path' "$(window)" 2MiB
lacks 'of which nothing is said' "$out" 'probe.delivery.window'

remove_link
kill "$there"
wait "$there" 2>/dev/null
finish
