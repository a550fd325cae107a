#!/bin/sh
# ./bench report RUN RUN...: several real runs side by side, in a table, a chart and in words; runs
# that share little or nothing, that are given twice, that cannot be read.
. "$(dirname "$0")/real.sh"
need_command gnuplot

tab=$(printf '\t')
columns=run,probe,variant,metric,unit,channel,trials,mean,ci_low,ci_high,baseline,ratio,ratio_low
columns=$columns,ratio_high,verdict,label

find_side_by_side() { # below FOLDER: the newest side-by-side folder
  find "$1" -name 'side-by-side-*' -type d | sort | tail -n 1
}

# keep NAME: the run that was just measured, under a name of its own.
keep() {
  mv "$folder" "$scratch/$1"
}

measure "$tiny" --channels 'plain mutual-tls' --probes 'path transport' --repetitions 2
exits 'a first run' 0
keep monday
measure "$tiny" --channels 'plain password mutual-tls' --probes 'path transport delivery' \
  --repetitions 2 --set probe.path.duration=200ms
exits 'a second, of more channels and probes' 0
keep tuesday
measure "$tiny" --channels 'password' --probes delivery --repetitions 1 \
  --set scenario.baseline=password
exits 'a third, of one' 0
keep wednesday
cd "$scratch" || exit

# ---- what two share ----

run "$bench" report monday tuesday
exits 'two runs' 0
is 'each is reported' "$(printf '%s\n' "$out" | grep -c '^run ')" 2
place=$(find_side_by_side monday)
check 'the place is beside the figures of the first' test -n "$place"
for name in runs.csv runs.txt runs.md runs.tex runs.svg runs.png runs.pdf report.html; do
  check "$name is there" test -s "$place/$name"
done
contains 'the terminal shows runs.txt' "$out" "$(cat "$place/runs.txt")"
contains 'what is common is shown' "$out" '2 runs side by side'
is 'the columns of runs.csv' "$(head -n 1 "$place/runs.csv")" "$columns"
is 'two channels, two probes, two runs' "$(rows "$place/runs.csv" probe,channel,run | sort)" \
  "$(for probe in path transport; do
    for channel in mutual-tls plain; do
      for name in monday tuesday; do
        echo "$probe|$channel|$name"
      done
    done
  done)"
for name in monday tuesday; do
  for probe in path transport; do
    is "$name, $probe: means are those of its summary" \
      "$(rows "$place/runs.csv" channel,trials,mean,ci_low,ci_high run=$name probe=$probe | sort)" \
      "$(rows $name/summary.csv channel,trials,mean,ci_low,ci_high probe=$probe metric=throughput |
        grep -v '^password|' | sort)"
    is "$name, $probe: the ratio is that of its comparisons" \
      "$(rows "$place/runs.csv" baseline,ratio,ratio_low,ratio_high,verdict run=$name \
        probe=$probe channel=mutual-tls)" \
      "$(rows $name/comparisons.csv baseline,ratio,ci_low,ci_high,verdict probe=$probe \
        channel=mutual-tls baseline=plain)"
  done
done
is 'the letter of a run is beside its name' \
  "$(rows "$place/runs.csv" label,run | sort -u)" 'A|monday
B|tuesday'
is 'a baseline has no ratio to itself' \
  "$(rows "$place/runs.csv" baseline,ratio,verdict channel=plain | sort -u)" 'plain||'
text=$(tr '\n' ' ' <"$place/runs.txt")
contains 'what is not common is named' "$text" \
  'Only in B: probe delivery, channel password.'
contains 'a setting that differs' "$text" 'probe.path.duration: 100ms in A; 200ms in B'
lacks 'a setting of what is not common' "$text" 'probe.delivery.'
lacks 'a setting that is the same' "$text" 'probe.transport.duration'
contains 'no test between means' "$text" 'not tested against each other'
contains 'what is known of hosts is read' "$text" 'hosts'
lacks '... of both' "$text" 'Nothing is known'

# ---- the chart ----

"$root/tests/system/svg-values" "$place/runs.svg" x | grep "${tab}point$tab" >"$scratch/points"
rows "$place/runs.csv" probe,label,channel,mean,ratio | tr '|' '\t' >"$scratch/rows"
is 'every point is at its mean, or at its ratio' "$(LC_ALL=C awk -F '\t' '
  FILENAME == ARGV[1] { at[$1, $3] = $4; next }
  { point[++n] = $1 ", mean, " $2 SUBSEP $3; value[n] = $4 }
  $5 != "" { point[++n] = $1 ", ratio, " $2 SUBSEP $3; value[n] = 100 * $5 }
  top < $4 { top = $4 }
  END {
    for (i = 1; i <= n; i++) {
      scale = point[i] ~ /, ratio, / ? value[i] : top
      if (!(point[i] in at) || (at[point[i]] - value[i]) ^ 2 > (0.01 * scale) ^ 2)
        print point[i] ": " at[point[i]] " for " value[i]
      else
        good++
    }
    print good " points" }' "$scratch/points" "$scratch/rows")" '12 points'
if has_command xmllint; then
  check 'it is well-formed' xmllint --noout "$place/runs.svg"
else
  skip 'it is well-formed' 'xmllint is not installed'
fi

# ---- the page ----

if has_command xmllint; then
  check 'the page is well-formed' xmllint --noout --nonet "$place/report.html"
else
  skip 'the page is well-formed' 'xmllint is not installed'
fi
if has_command chromium && has_command chromedriver; then
  [ -z "${BENCH_PICTURES-}" ] || mkdir -p "$BENCH_PICTURES/side-by-side"
  run env PYTHONDONTWRITEBYTECODE=1 "$root/tests/system/page-checks" "$place" "$place" \
    ${BENCH_PICTURES+"$BENCH_PICTURES/side-by-side"}
  is 'a browser finds nothing wrong with it' "$status $(printf '%s\n' "$out" | grep '^fail')" '0 '
  contains '... and has looked' "$out" 'every number is that of its file'
else
  skip 'a browser finds nothing wrong with it' 'chromium and chromedriver are not installed'
fi

# ---- a channel of both, on no probe of both ----

measure "$tiny" --channels 'plain password' --probes delivery --repetitions 1
exits 'a run of another probe' 0
keep thursday
run "$bench" report monday thursday
exits '... beside the first' 0
text=$(printf '%s' "$out" | tr '\n' ' ')
contains '... only what one of them has is only in it' "$text" \
  'Only in A: probe path, probe transport, channel mutual-tls. Only in B: probe delivery, '
contains '... a channel of both is not compared' "$text" \
  'On no probe that A, B share: channel plain.'

# ---- three, of which each shares with the second only ----

run "$bench" report monday/ ./tuesday wednesday
exits 'three runs' 0
first=$place
place=$(find_side_by_side monday)
check 'in a folder of its own' test "$place" != "$first"
is 'what two of them share is shown of these' \
  "$(rows "$place/runs.csv" run,channel probe=delivery | sort)" \
  'tuesday|password
wednesday|password'
contains 'each baseline is named' "$(tr '\n' ' ' <"$place/runs.txt")" \
  'plain in A, plain in B, password in C'
run "$bench" report monday wednesday
exits 'two that share nothing' 0
contains '... which is said' "$out" 'These runs have no probe and channel in common'
lacks '... there is no chart' "$out" 'figure   '

# ---- wrong input ----

run "$bench" report monday tuesday "$scratch/monday/"
exits 'a run twice: exit status 2' 2
contains '... it is named' "$err" "monday: the same run is given twice"
is '... nothing was reported' "$out" ''
ln -s monday link
run "$bench" report monday link
exits 'a run and a link to it: exit status 2' 2
cp -r monday copy
run "$bench" report monday copy
exits 'a run and its copy' 0
contains '... which is said' "$(printf '%s' "$out" | tr '\n' ' ')" \
  'A and B hold the same trials: one is a copy of the other'
rm -r copy
cp -r monday spoiled
sed -i '3s/,ok,/,OK?,/' spoiled/trials.csv
run "$bench" report monday spoiled tuesday
exits 'one of three cannot be read: exit status 2' 2
contains '... it is named' "$err" 'spoiled/trials.csv:3:'
contains '... the others are set side by side' "$out" '2 runs side by side'
run "$bench" report monday spoiled nowhere
exits 'two of three cannot be read: exit status 2' 2
contains '... the other is shown' "$out" 'run monday'
lacks '... alone' "$out" 'side by side'
rm -r spoiled
sed -i 's/"broker client1 client2"/"nobody"/' wednesday/environment.json
run "$bench" report tuesday wednesday
exits 'an environment.json that does not say' 0
contains '... which is told' "$(printf '%s' "$out" | tr '\n' ' ')" \
  'Nothing is known of the hosts of B'

# ---- runs in results/, side by side in plots/ ----

build=${BENCH_BUILD:-build}
[ "${build#/}" != "$build" ] || build=$root/$build
mkdir -p home/scenarios home/results
cp -r "$root/scripts" home/
cp -r monday tuesday home/results/
rm -rf home/results/*/plots
run env BENCH_ROOT="$scratch/home" "$build/bench" report home/results/*
exits 'all of results/' 0
check '... are set side by side in plots/' test -s "$(find_side_by_side home/plots)/runs.csv"
is '... and leave nothing in results/ but the runs' "$(ls -A home/results)" 'monday
tuesday'
run env PATH="$(dirname "$(command -v gnuplot)")-none" "$build/bench" report monday tuesday
exits 'without gnuplot: exit status 3' 3
contains '... the table is there' "$out" '2 runs side by side'
finish
