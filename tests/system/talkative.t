#!/bin/sh
# Hosts that say something on stderr when they come, while they are there, and when they go, as ssh
# with LogLevel DEBUG or a wrapper does. Whatever ends a run: what they say is shown, last words
# too, and nothing else comes of it. CI tries this with AddressSanitizer as well.
. "$(dirname "$0")/real.sh"
export MALLOC_PERTURB_=165 # what is freed is overwritten: its use shows without a sanitizer, too

cat >"$scratch/talk" <<'END_OF_TALK'
name=$1
shift
echo "welcome to $name" >&2
while sleep 0.05 && kill -0 $$ 2>/dev/null; do
  echo "still at $name" >&2
done </dev/null >/dev/null &
"$@"
status=$?
printf 'left %s\nbye from %s' "$name" "$name" >&2
exit $status
END_OF_TALK
one="exec:sh $scratch/talk one" other="exec:sh $scratch/talk other"
set -- --set hosts.folder="$same" # for every run

# ended NAME STATUS HOST...: how the run ended, and that the last words of these hosts were shown.
ended() {
  exits "$1" "$2"
  shift 2
  for host; do
    for word in "left $host" "bye from $host"; do
      contains "... '$word' was shown" "$out$err" "exec:sh $scratch/talk $host: $word"
    done
  done
}

# ---- to the end ----

measure "$tiny" "$@" --broker-host "$one" --publisher-host "$one" --probes 'path delivery'
ended 'one host, to the end' 0 one
contains '... what it says meanwhile is shown' "$out" "talk one: still at one"
is '... all was measured' "$(rows "$folder/trials.csv" status | sort -u)" ok
measure "$tiny" "$@" --broker-host "$one" --publisher-host "$other" --probes 'path delivery'
ended 'two hosts, to the end' 0 one other
measure "$tiny" "$@" --broker-host "$one" --publisher-host "$one" --quiet
exits 'with --quiet' 0
lacks '... nothing of it is shown from then on' "$out" 'talk one'
if has_command script; then
  run env TERM=xterm script -qec "stty cols 200 rows 50; '$bench' run '$tiny' \
    --set 'hosts.broker=$one' --set 'hosts.publisher=$one' --set 'hosts.folder=$same' \
    --output '$scratch/results.live' --certs '$scratch/certs'" "$scratch/typescript"
  ended 'on a terminal' 0 one
  contains '... the picture is drawn to its end' "$out" 'finished'
else
  skip 'on a terminal' 'script is not installed'
fi

# ---- cut short ----

begin "$@" --broker-host "$one" --publisher-host "$other" --set probe.path.duration=1s \
  --repetitions 3
await_trials 1
kill -INT "$driver"
stop_waiting "$soon"
ended 'SIGINT amid a run' 130 one other
run "$bench" run --resume "$folder" --certs "$scratch/certs" --broker-host "$one" \
  --publisher-host "$other" --set hosts.folder="$same"
ended 'the run goes on, to its end' 0 one other

begin "$@" --broker-host "$one" --publisher-host "$other" --set probe.path.duration=4s
agent=$(await_process '[^ ]*bench agent')
await_process '.* worker path-client$' >"$scratch/worker"
kill -KILL "$agent"
stop_waiting 240
ended 'an agent dies, and both hosts are opened again' 1 one other
is '... the block was measured again' "$(rows "$(find_run)/trials.csv" status attempt=2)" ok

begin "$@" --broker-host "$one" --publisher-host "$other" --set probe.path.duration=1s \
  --repetitions 30
await_trials 1
rm -r "$folder"
stop_waiting 240
ended 'the record cannot be kept' 3 one other

# ---- before it has begun ----

broken() { # NAME WORDS PUBLISHER [OPTION...]
  name=$1 words=$2 publisher=$3
  shift 3
  measure "$tiny" --set hosts.folder="$same" --broker-host "$one" --publisher-host "$publisher" "$@"
  ended "$name" 3 one
  contains '... and why' "$err" "$words"
}
broken 'an address that is not there' 198.51.100.7 "$one" --set hosts.address=198.51.100.7
broken 'a meter that says nothing' 'ended and gave no reading' "$one" \
  --set hosts.meter=exec:/bin/true
broken 'another host that does not come up' 'host exec:false' exec:false
broken 'one that leaves when it is to come up' 'before it greeted' "$one" \
  --set hosts.folder=/nonexistent

run "$bench" doctor "$@" --broker-host "$one" --publisher-host "$other" \
  --set hosts.address=127.0.0.1
ended 'the doctor' 0 one other
finish
