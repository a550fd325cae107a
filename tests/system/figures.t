#!/bin/sh
# The figures that scripts/figures draws: all are there, in all formats, and what can be read back
# out of the pictures is what the run's CSV files say.
. "$(dirname "$0")/real.sh"
need_command gnuplot

names='cpu distribution ladder latency ratios throughput trials'
program=${BENCH_BUILD:-$root/build}/bench
# What the scenario quick has.
channels='plain password mutual-tls plain-again'
short='--set telemetry.interval=20ms --set probe.path.duration=200ms --set probe.path.warmup=0s
  --set probe.transport.duration=200ms --set probe.transport.warmup=0s
  --set probe.delivery.duration=200ms --set probe.delivery.warmup=0s'

# drawn PLOTS: what lies there, but for the data.
drawn() {
  (cd "$1" && find . -maxdepth 1 -type f | sed 's,^\./,,' | sort | tr '\n' ' ')
}

# wanted NAME...: what should.
wanted() {
  for name; do
    printf '%s.pdf %s.png %s.svg ' "$name" "$name" "$name"
  done
}

# values FIGURE x|y [log] [REGEX]: what is read back, of plots whose title matches.
values() {
  "$root/tests/system/svg-values" "$plots/$1.svg" "$2" "${3-}" | grep -E -e "${4:-.}"
}

# unlike TOLERANCE: of "title|value|value" lines on stdin (read back, computed), those that differ.
unlike() {
  awk -F '|' -v tolerance="$1" '
    { n++; if ($2 == "" || $3 == "" || ($2 - $3) ^ 2 > tolerance ^ 2) print }
    END { if (!n) print "nothing was compared" }'
}

# a_pixel FILE LEAST: of an axis from 0 to the greatest value of "title|value" lines, or to LEAST.
a_pixel() {
  awk -F '|' -v most="$2" '$2 + 0 > most { most = $2 + 0 } END { print most * 0.003 }' "$1"
}

# beside FILE FILE: lines of "title|value" in both, joined by title; what is in one only shows.
# What has no value (a trial so short can receive nothing) is in neither.
beside() {
  grep -v '|$' "$1" | sort >"$scratch/sorted.1"
  grep -v '|$' "$2" | sort >"$scratch/sorted.2"
  join -t '|' -a 1 -a 2 -o 0,1.2,2.2 "$scratch/sorted.1" "$scratch/sorted.2"
}

# ---- a run of everything ----

results=$scratch/whole
# shellcheck disable=SC2086 # several words
run "$bench" all quick --quiet --repetitions 3 --output "$results" --certs "$scratch/certs" \
  $short
folder=$(find_run)
plots=$folder/plots
exits 'a run of everything' 0
# shellcheck disable=SC2086
is 'all figures, in all formats, and nothing else' "$(drawn "$plots")" "$(wanted $names)"
contains 'the report says where' "$out" "plots/*.{svg,png,pdf}"
for name in $names; do
  is "every channel is in $name.svg" "$(for channel in $channels; do
    [ "$name" = ratios ] && [ "$channel" = plain ] && continue
    grep -q "<title>\(.*, \)\{0,1\}${channel}[,<]" "$plots/$name.svg" || echo "$channel"
  done)" ''
  if has_command xmllint; then
    is "$name.svg is well-formed" "$(xmllint --noout "$plots/$name.svg" 2>&1)" ''
  else
    skip "$name.svg is well-formed" 'xmllint is not installed'
  fi
done
is 'no id is there twice' "$(for name in $names; do
  grep -oE "[^a-z]id=[\"'][^\"']*[\"']" "$plots/$name.svg" | tr "'" '"' | sort | uniq -d
done)" ''
is 'nor is any number that is none' "$(grep -rliwE 'nan|-?inf' "$plots"/*.svg "$plots/data")" ''

# ---- read back ----

values ladder x '' | grep -v ', lost' | awk '{ print $1 " " $2 "|" $4 }' >"$scratch/read"
rows "$folder/ladder.csv" probe,channel,of_path | awk -F '|' -v OFS='|' \
  '$1 != "path" { print $1 ", " $2, $3 * 100 }' >"$scratch/computed"
is 'ladder: each bar ends at its share of the path' \
  "$(beside "$scratch/read" "$scratch/computed" | unlike "$(a_pixel "$scratch/computed" 100)")" ''

values cpu x | awk '{ sub(/,$/, "", $2); key = $1 " " $2
    if ($NF + 0 > end[key]) end[key] = $NF }
  END { for (key in end) print key "|" end[key] }' >"$scratch/read"
rows "$folder/ladder.csv" probe,channel,sender_s_per_gb,receiver_s_per_gb,broker_s_per_gb |
  awk -F '|' -v OFS='|' '{ print $1 ", " $2, $3 + $4 + $5 }' >"$scratch/computed"
is 'cpu: each bar is as long as its processes take' \
  "$(beside "$scratch/read" "$scratch/computed" | unlike "$(a_pixel "$scratch/computed" 0)")" ''

values distribution x '' ', quartiles' | sed 's/, quartiles//' | awk -F '\t' -v OFS='|' \
  '{ print $1, $2; print $1 " q3", $3 }' >"$scratch/read"
rows "$folder/summary.csv" probe,channel,q1,q3 metric=throughput | awk -F '|' -v OFS='|' \
  '{ print $1 ", " $2, $3; print $1 ", " $2 " q3", $4 }' >"$scratch/computed"
# Only panels whose axis is linear; a pixel is a 700th of an axis of at most 30 times the least.
rows "$plots/data/panels.csv" name figure=distribution logarithmic=0 >"$scratch/linear"
if [ -s "$scratch/linear" ]; then
  sed 's/$/, /' "$scratch/linear" >"$scratch/panels"
  for part in read computed; do
    grep -F -f "$scratch/panels" "$scratch/$part" >"$scratch/$part.linear"
  done
  is 'distribution: boxes go from q1 to q3' \
    "$(beside "$scratch/read.linear" "$scratch/computed.linear" | awk -F '|' '
      ($2 - $3) ^ 2 > (0.02 * $3) ^ 2 { print } END { if (!NR) print "nothing was compared" }')" ''
else
  skip 'distribution: boxes go from q1 to q3' 'every axis is logarithmic'
fi

for probe in path transport delivery; do
  axis=$(rows "$plots/data/panels.csv" low,high,logarithmic figure=ratios name=$probe) log=
  [ "${axis##*|}" = 0 ] || log=log
  values ratios x "$log" "^$probe, " | awk -F '\t' '{ print $1 "|" $2 }' >"$scratch/read"
  rows "$folder/comparisons.csv" probe,channel,ratio probe=$probe baseline=plain |
    awk -F '|' -v OFS='|' '{ print $1 ", " $2, $3 }' >"$scratch/computed"
  is "ratios: each stands where it is: $probe" \
    "$(beside "$scratch/read" "$scratch/computed" | awk -F '|' -v axis="$axis" '
      {
        split(axis, end, "|")
        pixel = 0.003 * (end[3] ? $3 * log(end[2] / end[1]) : end[2] - end[1])
        if (pixel < 0.02) pixel = 0.02
        if ($2 == "" || $3 == "" || ($2 - $3) ^ 2 > pixel ^ 2) print
      }
      END { if (!NR) print "nothing was compared" }')" ''
done

# Every trial is there, at its distance from the median of its channel.
rows "$folder/summary.csv" probe,channel,median metric=throughput >"$scratch/medians"
rows "$folder/trials.csv" probe,channel,throughput_mbit_s status=ok | awk -F '|' '
  NR == FNR { median[$1, $2] = $3; next }
  { printf "%s, %s|%.9g\n", $1, $2, 100 * ($3 / median[$1, $2] - 1) }' "$scratch/medians" - |
  sort -t '|' -k 1,1 -k 2,2g >"$scratch/computed"
values trials y '' '^[^(]*$' | awk -F '\t' '
    { beyond = sub(/, beyond$/, "", $1); print $1 "|" (beyond ? "beyond" : $2) }' >"$scratch/read"
is 'trials: as many as there are' "$(cut -d '|' -f 1 "$scratch/read" | sort | uniq -c)" \
  "$(cut -d '|' -f 1 "$scratch/computed" | sort | uniq -c)"
is 'trials: each where it belongs' "$(awk -F '|' '
  NR == FNR {
    value[$1, ++n[$1]] = $2
    least = $2 < least ? $2 : least
    greatest = $2 > greatest ? $2 : greatest
    next
  }
  $2 == "beyond" { next }
  {
    found = 0 # within a pixel or so
    near = 0.02 + 0.02 * ($2 < 0 ? -$2 : $2) + 0.001 * (greatest - least)
    for (i = 1; i <= n[$1]; i++)
      found = found || (value[$1, i] - $2) ^ 2 < near ^ 2
    if (!found) print
  }' "$scratch/computed" "$scratch/read")" ''

is 'latency: the legend counts the messages' "$(for channel in $channels; do
  grep -o ">$channel: [0-9]* messages" "$plots/latency.svg" | tr -d '>'
done)" "$(for channel in $channels; do
  rows "$folder/telemetry.csv" status channel="$channel" | grep -vc duplicate |
    sed "s/.*/$channel: & messages/"
done)"

# ---- less than everything ----

echo old >"$plots/ladder.svg"
echo old >"$plots/ratios.pdf"
cp -r "$folder" "$scratch/less"
plots=$scratch/less/plots
sed -i 's/^probes .*/probes = transport/; s/^channels .*/channels = plain/' \
  "$scratch/less/scenario.ini"
for file in trials proofs telemetry; do
  grep -vE ',(path|delivery|password|mutual-tls|plain-again),' "$scratch/less/$file.csv" \
    >"$scratch/kept"
  cp "$scratch/kept" "$scratch/less/$file.csv"
done
sed -i '/^\[reference\]/,$d' "$scratch/less/scenario.ini"
run "$bench" report "$scratch/less"
exits 'a run of one channel, and without the path' 0
contains 'the ladder is left out, and why' "$err" 'ladder is left out: that takes trials of path'
contains 'so are ratios' "$err" 'ratios is left out: there is nothing to compare'
is 'what was there of them is removed' "$(drawn "$plots")" \
  "$(wanted distribution latency throughput trials)"

measure "$tiny" --quiet
run "$bench" report "$folder"
plots=$folder/plots
exits 'a run of one trial' 0
is 'one dot in its place' "$(values trials y '' '^path, plain')" "$(printf 'path, plain\t0\t0')"
check 'and a bar without an interval' sh -c "
  grep -q '<title>path, plain</title>' '$plots/throughput.svg'"

# ---- much, and awkward ----

# synthetic BLOCKS: 12 channels, some with long names, two variants with a comma, values that drift,
# fail, are 0; written by hand as a run would.
synthetic() {
  rm -rf "$scratch/synthetic"
  mkdir "$scratch/synthetic"
  list='plain password mutual-tls a_long^name-of-a-channel&that@wraps{x} c5 c6 c7 c8 c9 c10'
  cat >"$scratch/synthetic/scenario.ini" <<END
[scenario]
name = synthetic
channels = $list
channels_more =
probes = path delivery
baseline = plain
[channel.c9]
control = same
[channel.c10]
control = slowed
loss = 5%
END
  sed -i '/channels_more/d' "$scratch/synthetic/scenario.ini"
  printf '%s\n' 'probe,metric,unit,better,headline,help' \
    'path,throughput,Mbit/s,higher,yes,"the link, ""100 %"" of it"' \
    'delivery,throughput,Mbit/s,higher,yes,through the broker' >"$scratch/synthetic/definitions.csv"
  echo trial,attempt,party,process,metric,unit,value >"$scratch/synthetic/metrics.csv"
  awk -v blocks="$1" -v list="$list" 'BEGIN {
    srand(1)
    n = split(list, channel, " ")
    print "trial,attempt,block,position,channel,probe,variant,started_utc,duration_s,bytes," \
      "throughput_mbit_s,status,reason,tls_version,tls_cipher,tls_group"
    for (b = 1; b <= blocks; b++)
      for (c = 1; c <= n; c++)
        for (p = 0; p < 2; p++)
          for (v = 0; v < 2; v++) {
            t++
            value = (p ? 10 : 20) * (1 - c / 40) * (1 + rand() / 50)
            if (c == 5) value = 0
            if (c == 6) value *= 1e6
            bad = rand() < 0.01
            printf "%d,1,%d,%d,%s,%s,\"payload=%d, qos=1\",2026-11-22T%02d:%02d:%02dZ,,,%s,%s\n",
              t, b, c, channel[c], p ? "delivery" : "path", v, t / 3600, t / 60 % 60, t % 60,
              bad ? "" : value, bad ? "failed,broke,,," : "ok,,,,"
          }
  }' >"$scratch/synthetic/trials.csv"
}

synthetic 7
run "$bench" report "$scratch/synthetic"
exits 'ten channels, long names, variants, zeros, huge values' 0
plots=$scratch/synthetic/plots
is 'all that it has data for' "$(drawn "$plots")" "$(wanted distribution ladder ratios throughput \
  trials)"
contains 'a name stands as it is' "$(cat "$plots/throughput.svg")" \
  '<title>path, payload=0, qos=1, a_long^name-of-a-channel&amp;that@wraps{x}</title>'
contains 'a control is called one' "$(cat "$plots/ratios.svg")" '(control)'
is 'gnuplot has nothing to complain of' "$(for script in "$root"/scripts/*.gp; do
  [ "${script##*/}" = style.gp ] ||
    LC_ALL=C.UTF-8 gnuplot -c "$script" "$scratch/synthetic" "$plots" "$scratch/alone" 2>&1 \
      >/dev/null
done | grep -v -e '^ *$' -e 'warning: Skipping data file with no valid points')" ''

synthetic 400
run "$bench" report "$scratch/synthetic"
exits 'sixteen thousand trials' 0
check 'are not all drawn' test "$(grep -c . "$plots/data/trials.csv")" -le 8500
matches 'and the figure says so' "$(cat "$plots/trials.svg")" '[0-9]+ of 15[0-9]* trials are drawn'
matches 'so does the other' "$(cat "$plots/distribution.svg")" 'One trial in [0-9]+ is drawn'

# ---- the scripts by themselves ----

mkdir "$scratch/own"
cp "$root"/scripts/figures "$root"/scripts/*.gp "$scratch/own/"
cat >"$scratch/own/dropped.gp" <<'END'
figure = 'dropped'; run_dir = ARG1; plot_dir = ARG2; output_base = ARG3
load ARG0[1:strlen(ARG0) - strlen(figure) - 3] . 'style.gp'
do for [format in formats] {
    eval page(format, 200)
    plot run_dir . '/trials.csv' using 'trial':'duration_s' title 'dropped in'
    unset output
}
END
echo 'plot nonsense(' >"$scratch/own/broken.gp"
run "$scratch/own/figures" "$folder" "$scratch/drawn there"
exits 'a script that gnuplot cannot read: exit status 1' 1
contains 'it is named' "$err" 'figures: broken: '
rm "$scratch/own/broken.gp"
cp -r "$folder/plots/data" "$scratch/drawn there/"
run "$scratch/own/figures" "$folder" "$scratch/drawn there"
exits 'one file more in scripts/' 0
is 'is one figure more' "$(cd "$scratch/drawn there" && echo dropped.*)" \
  'dropped.pdf dropped.png dropped.svg'

if has_command rsvg-convert; then
  sed 's/pngcairo\|pdfcairo/none/' "$root/scripts/style.gp" >"$scratch/own/style.gp"
  rm "$scratch/drawn there"/*.p*
  run "$scratch/own/figures" "$folder" "$scratch/drawn there"
  exits 'a gnuplot without cairo' 0
  is 'the others are made from the SVG' "$(cd "$scratch/drawn there" && echo trials.*)" \
    'trials.pdf trials.png trials.svg'
else
  skip 'a gnuplot without cairo' 'rsvg-convert is not installed'
fi

run env PATH=/nowhere "$program" report "$folder"
exits 'no gnuplot: exit status 3' 3
contains 'it is named' "$err" 'gnuplot is not installed'

finish
