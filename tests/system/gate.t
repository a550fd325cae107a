#!/bin/sh
# ./bench gate on real runs, on a link of 13.4 Mbit/s between two namespaces: beside three runs of
# the same a fourth shows no change, and a slowed one is slower; what is too little to judge, what
# did not measure the same, and what is no run. Its numbers are those of trials.csv, by Python.
. "$(dirname "$0")/real.sh"
need_command python3
"$bench" doctor --broker-host lab:a --publisher-host lab:b >/dev/null 2>&1 ||
  skip_all 'no lab can be had here'

cat >"$scratch/gate.ini" <<'END'
[scenario]
channels = reference subject
probes = transport
repetitions = 6
baseline = reference
[channel.reference]
inherits = plain
[channel.subject]
inherits = plain
[hosts]
broker = lab:a
publisher = lab:b
[lab]
rate = 13.4Mbit/s
burst = 16KiB
queue = 2MiB
[telemetry]
interval = 100ms
[probe.transport]
duration = 1s
warmup = 100ms
write_size = 4KiB
END
sed 's/^\(\[channel.subject\]\)/\1\ncontrol = slowed\nloss = 10%/' "$scratch/gate.ini" \
  >"$scratch/slowed.ini"
sed '/^\[channel.subject\]/,/^inherits/s/plain/plain-slowed/' "$scratch/gate.ini" \
  >"$scratch/plain-slowed.ini"

for name in first second third again; do
  measure "$scratch/gate.ini" --quiet --seed "$measured"
  exits "the $name run" 0
  cp -R "$folder" "$scratch/$name"
done
measure "$scratch/gate.ini" --quiet --repetitions 2
exits 'a run of two blocks' 0
cp -R "$folder" "$scratch/short"
measure "$scratch/slowed.ini" --quiet
exits 'a run of a slowed channel' 0
cp -R "$folder" "$scratch/slowed"
measure "$scratch/plain-slowed.ini" --quiet
exits 'a run with plain-slowed in the place of plain' 0
cp -R "$folder" "$scratch/plain-slowed"
cd "$scratch" || exit

# ---- verdicts ----

run "$bench" gate again --against first second third
exits 'nothing has changed: 0' 0
is '... the answer stands last' "$(printf '%s\n' "$out" | tail -n 1)" \
  'No change, or better: 3 of 3 comparisons show no loss of 5 % or more.'
is '... the ratio is judged, and on the same machine both channels' \
  "$(printf '%s\n' "$out" |
    sed -nE 's,^transport +([a-z]+) +(ratio|Mbit/s) .*,\1 \2,p')" \
  'subject ratio
reference Mbit/s
subject Mbit/s'
is '... with a verdict each' \
  "$(printf '%s\n' "$out" | grep -cE '^transport .*(no change|not slower|faster)$')" 3
contains '... what ratios are to is said' "$out" 'ratios    to reference'
is '... nothing is said beside' "$err" ''

run "$bench" gate plain-slowed --against first second third --margin 2% --ratios-only
exits 'plain-slowed in the place of plain, a loss of 5 %: 4' 4
matches '... the answer names it' "$out" \
  '^Slower than before: transport of subject relative to reference \(-[0-9.]+ %'
run "$bench" gate slowed --against first second third --metric transport
exits 'a loss of 10 %: 4' 4
matches '... the answer stands last, and names it' "$(printf '%s\n' "$out" | tail -n 1)" \
  '^Slower than before: transport of subject relative to reference \(-[0-9.]+ %, 90 % CI -'
contains '... the change of its settings is said' "$out" 'channel.subject.loss: 10% (before: 0%)'
run "$bench" gate slowed --against first second third --margin 30%
exits 'with a margin above the loss it is none: 0' 0
run "$bench" gate --margin 5% --metric transport.throughput slowed --against first \
  --against second third --ratios-only
exits 'options in another order: 4' 4
lacks '... --ratios-only judges no absolute value' "$out" Mbit/s

cp -R again hungry
python3 - hungry/metrics.csv <<'END'
import csv, sys
with open(sys.argv[1], newline="") as file:
    rows = list(csv.DictReader(file))
for row in rows:
    if row["metric"] == "cpu_s":
        row["value"] = 2 * float(row["value"])
with open(sys.argv[1], "w", newline="") as file:
    writer = csv.DictWriter(file, rows[0])
    writer.writeheader()
    writer.writerows(rows)
END
run "$bench" gate hungry --against first second third --metric transport.client2.sender.cpu_s
exits 'twice the CPU time: 4' 4
matches '... which is more, not slower' "$(printf '%s\n' "$out" | tail -n 1)" \
  '^More than before: transport.client2.sender.cpu_s of (reference|subject) \(\+'
matches '... in the table, too' "$out" '^transport.client2.sender.cpu_s +[a-z]+ .* more$'
sed -i '/,cpu_s,/s/,[0-9.e-]*\r*$/,0/' hungry/metrics.csv
run "$bench" gate hungry --against first second third --metric transport --metric \
  transport.client2.sender.cpu_s
exits 'a value is 0: 5' 5
matches '... the answer says which are not judged' "$(printf '%s\n' "$out" | tail -n 1)" \
  '^Not judged: 3 of 6 comparisons; a value is 0, so there is no ratio\.$'
run "$bench" gate again --against first "$scratch" third
exits 'a folder that is no run: 2' 2
contains '... is told' "$err" "$scratch/scenario.ini: no such file: this is no run folder"

# ---- on a terminal ----

# on_terminal COLUMNS ARGUMENT...: what gate shows there in $out, without colours.
on_terminal() {
  columns=$1
  shift
  run env TERM=xterm SHELL=/bin/sh script -qec "stty cols $columns rows 24; '$bench' gate $*" \
    "$scratch/typescript"
  out=$(tr -d '\r' <"$scratch/typescript" | sed "s/$(printf '\033')\[[0-9]*m//g" |
    grep -v '^Script ')
}
too_wide() {
  printf '%s\n' "$out" | awk -v columns="$columns" 'length($0) >= columns'
}
if has_command script; then
  for name in first second third; do
    cp -R "$name" "before-the-update-of-the-kernel-$name"
    sed -i 's/^port *= *0/port = 1883/; s/^max_inflight *= .*/max_inflight = 20/' \
      "before-the-update-of-the-kernel-$name/scenario.ini"
    sed -i 's/"kernel": *"[^"]*"/"kernel": "6.12.41+deb13-with-a-long-name-of-its-own"/' \
      "before-the-update-of-the-kernel-$name/environment.json"
  done
  on_terminal 80 slowed --against before-the-update-of-the-kernel-\*
  is 'on a terminal of 80 columns no line is wider' "$(too_wide)" ''
  matches '... the table has its verdicts' "$out" '^transport +subject +ratio .* slower$'
  matches '... and what there is room for' "$(printf '%s\n' "$out" | grep '^probe')" \
    '^probe +channel +unit +now +change +90 % CI +verdict$'
  on_terminal 140 slowed --against first second third
  matches '140 columns have room for all' "$out" '^probe .* now +before +change .* p \(Holm\) '
else
  skip 'on a terminal of 80 columns no line is wider' 'script is not installed'
fi
run "$bench" gate slowed --against first second third
matches 'in a file there is all, in whole lines' "$out" \
  '^probe .* now +before +change .* p \(Holm\) '

# Lower is better: the other way round.
run "$bench" gate slowed --against first second third --metric transport.cpu_s --margin 90%
check 'a metric that is no headline is judged' test "$status" -ne 2
contains '... of every process that has it' "$out" 'transport.broker.receiver.cpu_s '

# ---- too little ----

run "$bench" gate short --against first second third
exits 'two blocks: 5' 5
contains '... says how many it takes' "$out" \
  'comparisons; 4 complete blocks of the run are missing (2 of 6).'
run "$bench" gate slowed --against first second
exits 'two baselines, and a loss: 5' 5
contains '... says how many are missing' "$out" \
  'comparisons; 1 baseline run of 6 complete blocks or more is missing (2 of 3).'
run "$bench" gate slowed --against first second short
exits 'a baseline of two blocks is none: 5' 5
contains '... says how many are missing' "$out" '1 baseline run of 6 complete blocks'
run "$bench" gate again --against first second third --margin 0.0001%
exits 'a margin that nothing lies within: 5' 5
matches '... says what would decide' "$out" \
  'comparisons; (neither a run|it takes about|it takes a run of about) '

# ---- the script of docs/gate.md, with runs that are there ----

mkdir -p nightly/results
sed -n '/^#!\/bin\/sh/,/^```/p' "$root/docs/gate.md" | grep -v '^```' >nightly/nightly
cat >nightly/bench <<END
#!/bin/sh
# What is measured next is in the file "next".
[ "\$1" = run ] || exec "$bench" "\$@"
cp -R "../\$(cat next)" "\$5"
END
chmod +x nightly/bench nightly/nightly
while read -r next wanted kept; do
  echo "$next" >nightly/next
  run env -C nightly ./nightly gate.ini
  exits "nightly: $next" "$wanted"
  is '... baselines' "$(cd nightly/results/nightly && echo *)" "$kept"
done <<'END'
first 5 first
second 5 first second
third 5 first second third
again 0 again first second third
slowed 4 again first second third
END
contains '... a slower run stays outside, and is named' "$out" './bench report results/new.'

cp -R again later
cp -R again latest
# The step of docs/gate.md's workflow, as GitHub executes it: by sh -e.
sed -n '/^      - run: |/,/^```/p' "$root/docs/gate.md" | sed -n 's/^          //p' >nightly/step
while read -r next wanted words; do
  echo "$next" >nightly/next
  run env -C nightly sh -e step
  exits "workflow: $next" "$wanted"
  matches '... says so' "$out" "$words"
done <<'END'
later 0 ^No change, or better:
slowed 4 ^Slower than before:
short 0 ^::warning::gate: undecided$
END

# The line of its crontab, as cron executes it: by /bin/sh, with hardly an environment.
line=$(awk '/^```/ { crontab = /crontab/ } crontab && /^[0-9]/' "$root/docs/gate.md")
matches 'crontab: five fields, and a command without %' "$line" '^([0-9*]+ +){5}cd [^%]*$'
command=$(printf '%s\n' "$line" | sed -E "s/^([0-9*]+ +){5}//; s,/opt/[^ ]*,nightly,")
echo latest >nightly/next
run env -i HOME="$scratch" LOGNAME=root SHELL=/bin/sh PATH=/usr/bin:/bin \
  BENCH_BUILD="${BENCH_BUILD:-build}" /bin/sh -c "$command"
exits 'crontab: the command' 0
matches '... its output is for a mail' "$out" '^No change, or better:'

# ---- other machines ----

for name in first second third; do
  cp -R "$name" "other-$name"
done
sed -i 's/"processors": *[0-9]*/"processors": 77/' other-*/environment.json
run "$bench" gate again --against other-first other-second other-third
exits 'other machines: still 0' 0
contains '... by ratios alone' "$out" 'judged    by ratios alone'
lacks '... no absolute value' "$out" 'Mbit/s'
matches '... says what differs' "$out" 'other-first: processors of lab:a is 77, here [0-9]+'
run "$bench" gate slowed --against other-first other-second other-third
exits '... a loss is found: 4' 4
run "$bench" gate again --against first second third other-third
exits 'another machine among them' 0
contains '... absolute values are those of the same machines' "$out" 'Mbit/s'
sed -i 's/"kernel": *"[^"]*"/"kernel": "1.2.3"/' first/environment.json
run "$bench" gate again --against first second third
exits 'another kernel is the same machine' 0
matches '... and is said' "$out" '^differs +kernel: .* \(before: 1\.2\.3\)$'
contains '... absolute values are judged' "$out" 'Mbit/s'

# ---- what only one side has ----

for name in first second third; do
  cp -R "$name" "more-$name"
done
sed -i 's/^channels *= .*/& absent/' more-*/scenario.ini
run "$bench" gate again --against more-first more-second more-third
matches 'a channel that the run has no more is named' "$out" \
  '^differs .*channel absent: not measured \(before: measured\)$'

# ---- numbers ----

run "$bench" gate slowed --against first second third --json
exits '--json: the same status' 4
printf '%s\n' "$out" >slowed.json
check '... is JSON' python3 -m json.tool slowed.json /dev/null
is '... and nothing else' "$err" ''
# Of three baselines each series stands for itself; t(0.95; 2) is 2.91998558.
cat >check.py <<'END'
import csv, json, math, sys

def logs(run, channel):
    with open(run + "/trials.csv", newline="") as file:
        return {
            row["block"]: math.log(float(row["throughput_mbit_s"]))
            for row in csv.DictReader(file)
            if row["channel"] == channel and row["status"] == "ok"
        }

def series(run, one):
    own = logs(run, one["channel"])
    if one["by"] == "absolute":
        return list(own.values())
    other = logs(run, "reference")
    return [own[block] - other[block] for block in own if block in other]

def mean(values):
    return sum(values) / len(values)

def trimmed(values):
    cut = len(values) // 5
    return mean(sorted(values)[cut : len(values) - cut])

document = json.load(open("slowed.json"))
for one in document["comparisons"]:
    now = trimmed(series("slowed", one))
    means = [trimmed(series(run, one)) for run in ("first", "second", "third")]
    before = mean(means)
    sd = math.sqrt(sum((value - before) ** 2 for value in means) / 2)
    half = 2.91998558 * sd * math.sqrt(4 / 3)
    wanted = {"now": now, "before": before, "ratio": now - before}
    for name, value in wanted.items():
        if abs(math.log(one[name]) - value) > 1e-8:
            print(one["by"], one["channel"], name, one[name], "is not", math.exp(value))
    width = math.log(one["ci_high"] / one["ci_low"]) / 2
    # What blocks alone scatter is the least.
    if width < half - 1e-7 or one["between_sd"] > 0 and abs(width - half) > 1e-6:
        print(one["by"], one["channel"], "interval", width, "is not", half)
print(document["verdict"], document["exit_status"], document["margin"], document["absolute"])
END
is '... and its numbers are those of trials.csv' "$(python3 check.py 2>&1)" 'slower 4 0.05 True'
is '... docs/files.md names its fields, and no others' \
  "$("$root/tests/system/documented" slowed.json)" ''

# ---- wrong questions: 2, with nothing on stdout ----

cp -R third other-size
sed -i 's/^write_size *= *4KiB/write_size = 8KiB/' other-size/scenario.ini
cp -R third other-baseline
sed -i 's/^baseline *= *reference/baseline = subject/' other-baseline/scenario.ini
mkdir empty
while IFS='|' read -r what words arguments; do
  # shellcheck disable=SC2086 # several words
  run "$bench" gate $arguments
  exits "$what: 2" 2
  contains '... says what is wrong' "$err" "$words"
  is '... nothing on stdout' "$out" ''
done <<'END'
no run|gate: which run? ./bench gate RUN --against BASELINE...|
no baseline|gate: against which runs? ./bench gate RUN|again
no run before the baselines|gate: which run?|--against first second third
two runs|one word too many: 'first'; baselines stand behind --against|again first --against second
baselines with commas|write --against first second third|again --against first,second,third
metrics with commas|write --metric a --metric b|again --against first --metric a,b
a metric alone|write --metric transport.throughput|again --against first --metric throughput
no such folder|none: no run folder|none --against first second third
no such baseline|none: no run folder|again --against first second none
no run folder|empty/scenario.ini|again --against first second empty
a file|not a run folder but a file; an archive is unpacked by|again --against first second gate.ini
the run itself|this is the run to be judged; it cannot be its own|again --against first second again
a baseline twice|second/: this baseline is given twice|again --against first second second/
no margin|--margin: '5' lacks a unit (%)|again --against first second third --margin 5
a margin of 0|--margin: '0%' is out of bounds|again --against first second third --margin 0%
a margin of all|--margin: '100%' is out of bounds|again --against first second third --margin 100%
a word as margin|--margin: 'wide' is not a number|again --against first second third --margin wide
no such probe|has no probe 'delivery'; it has: transport|again --against first --metric delivery
no such metric|of transport it has: throughput|again --against first --metric transport.x
another experiment|[probe.transport] write_size is '8KiB'|again --against first second other-size
another baseline|ratios to different channels cannot|again --against first second other-baseline
END
run "$bench" check quick --margin 5%
exits '--margin elsewhere: 2' 2
contains '... says where it goes' "$err" '--margin goes with gate only'
run "$bench" check quick --json
contains '--json elsewhere says where it goes' "$err" '--json goes with report and gate only'
rm again/environment.json
run "$bench" gate again --against first second third
exits 'machines that are not known: 0, by ratios' 0
contains '... is said' "$out" 'hosts are known, here 0'

finish
