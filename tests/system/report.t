#!/bin/sh
# ./bench report on real runs: what it computes is what awk computes, and the chart and the tables
# say the same; and what it makes of a run's files that are damaged.
. "$(dirname "$0")/real.sh"
need_command gnuplot

columns=probe,channel,variant,metric,unit,trials,failed,void,mean,ci_low,ci_high,median,q1,q3,sd
columns=$columns,autocorrelation,n_effective,drift_per_hour,drift_low,drift_high,reference

# checksums FOLDER: of all that a report writes.
checksums() {
  (cd "$1" && cksum summary.csv table.* plots/* 2>&1)
}

# ---- the paper's scenario, short: all of it, as a user would ----

results=$scratch/paper
run "$bench" all paper --quiet --repetitions 3 --output "$results" --certs "$scratch/certs" \
  --set telemetry.interval=100ms --set probe.path.duration=100ms --set probe.path.warmup=0s \
  --set probe.transport.duration=100ms --set probe.transport.warmup=0s \
  --set probe.delivery.duration=100ms --set probe.delivery.warmup=0s
folder=$(find_run)
exits 'bench all paper' 0
table=$out
is 'the columns of summary.csv' "$(head -n 1 "$folder/summary.csv")" "$columns"
is 'fifteen figures' "$(count "$folder/summary.csv" metric=throughput)" 15

# Mean, median and sd by awk, from trials.csv alone.
is 'each is what awk computes of its trials' \
  "$(rows "$folder/summary.csv" probe,channel,trials,mean,median,sd metric=throughput |
    LC_ALL=C awk -F '|' '{ printf "%s %s %d %.6g %.6g %.4g\n", $1, $2, $3, $4, $5, $6 }' | sort)" \
  "$(rows "$folder/trials.csv" probe,channel,throughput_mbit_s status=ok | LC_ALL=C awk -F '|' '
    { key = $1 " " $2; n[key]++; value[key, n[key]] = $3; sum[key] += $3 }
    END {
      for (key in n) {
        mean = sum[key] / n[key]
        squares = 0
        for (i = 1; i <= n[key]; i++) {
          squares += (value[key, i] - mean) ^ 2
          below = above = 0
          for (j = 1; j <= n[key]; j++) {
            below += value[key, j] <= value[key, i]
            above += value[key, j] >= value[key, i]
          }
          if (below >= 2 && above >= 2) median = value[key, i]
        }
        sd = sqrt(squares / (n[key] - 1))
        printf "%s %d %.6g %.6g %.4g\n", key, n[key], mean, median, sd
      }
    }' | sort)"

# What is made of blocks and of time: Student's interval of the mean (R: qt(.975, 2) is 4.30265273),
# and of values by time their autocorrelation; a drift is none of three.
rows "$folder/trials.csv" started_utc,probe,channel,throughput_mbit_s status=ok |
  sort >"$scratch/ok"
rows "$folder/summary.csv" \
  probe,channel,mean,ci_low,ci_high,autocorrelation,drift_per_hour,drift_low,drift_high \
  metric=throughput >"$scratch/summary"
is 'intervals and autocorrelation fit the trials' "$(LC_ALL=C awk -F '|' '
  function differs(a, b, scale) { return a == "" || (a - b) ^ 2 > (1e-4 * scale) ^ 2 }
  FILENAME == ARGV[1] {
    key = $2 "|" $3
    n[key]++
    value[key, n[key]] = $4
    next
  }
  {
    key = $1 "|" $2
    mean = squares = lagged = 0
    for (i = 1; i <= n[key]; i++) {
      mean += value[key, i] / n[key]
    }
    for (i = 1; i <= n[key]; i++) {
      squares += (value[key, i] - mean) ^ 2
      lagged += i > 1 ? (value[key, i] - mean) * (value[key, i - 1] - mean) : 0
    }
    half = 4.30265273 * sqrt(squares / 2 / 3)
    if (n[key] != 3 || differs($4, mean - half, half) || differs($5, mean + half, half))
      print key ": interval " $4 " .. " $5 ", not " mean - half " .. " mean + half
    if (differs($6, lagged / squares, 1))
      print key ": autocorrelation " $6 ", not " lagged / squares
    if ($7 $8 $9 != "") print key ": drift " $7 " of three trials"
  }
  END {
    for (key in n) cells++
    if (!cells || FNR != cells) print FNR " rows of " cells " cells"
  }' "$scratch/ok" "$scratch/summary")" ''
is 'a trial'\''s throughput is its bytes by its time' "$(rows "$folder/trials.csv" \
  bytes,duration_s,throughput_mbit_s status=ok | LC_ALL=C awk -F '|' '
    { mbit_s = $1 * 8 / 1e6 / $2; if ((mbit_s - $3) ^ 2 > (1e-6 * $3) ^ 2) print }')" ''
is 'its bytes are those of its 100 ms steps' "$(rows "$folder/intervals.csv" trial,bytes |
  LC_ALL=C awk -F '|' '{ sum[$1] += $2 } END { for (t in sum) print t, sum[t] }' | sort -n)" \
  "$(rows "$folder/trials.csv" trial,bytes | LC_ALL=C awk -F '|' '{ print $1, $2 + 0 }' | sort -n)"

# ---- two reports of one run at once: the later waits, neither takes away the other's drafts ----

for i in 1 2 3 4; do
  "$bench" report "$folder" >"$scratch/at-once.$i" 2>&1 || echo "exit $?" >>"$scratch/at-once.$i" &
done
wait
is 'all of four reports at once succeed' "$(grep -h -e error -e '^exit' "$scratch"/at-once.*)" ''

# A run that lies deeper in results/ has no folder of its name in plots/: its figures stay with it.
mkdir -p "$scratch/root/results/old"
cp -r "$folder" "$scratch/root/results/old/deep"
ln -s "$root/scripts" "$root/scenarios" "$scratch/root"
export BENCH_ROOT="$scratch/root" # which the launcher would set to where it lies
run "${BENCH_BUILD:-$root/build}/bench" report "$scratch/root/results/old/deep"
unset BENCH_ROOT
exits 'the report of a run deeper in results/' 0

# ---- the tables ----

lacks 'the terminal shows no legend' "$table" 'is wrong in up to'
is 'the answer comes last, and then the page' "$(printf '%s\n' "$table" | tail -n 1)" \
  "page     $folder/report.html"
rows "$folder/findings.csv" text kind=answer >"$scratch/answer"
check 'there is an answer, of five sentences at most' test "$(wc -l <"$scratch/answer")" -ge 1 \
  -a "$(wc -l <"$scratch/answer")" -le 5
contains '... which stands above the page' "$(printf '%s\n' "$table" | tail -n 20 | tr '\n' ' ')" \
  "$(head -n 1 "$scratch/answer")"
run "$bench" report --legend "$folder"
contains 'with --legend the terminal shows table.txt' "$out" "$(cat "$folder/table.txt")"
rows "$folder/summary.csv" probe,channel,mean metric=throughput | while IFS='|' read -r _ _ mean; do
  # With four digits or, where others on its rung are smaller or hardly differ, more.
  LC_ALL=C awk -v mean="$mean" 'BEGIN {
    digits = mean >= 1000 ? 0 : mean >= 100 ? 1 : mean >= 10 ? 2 : 3
    printf "%.*f|%.*f|%.*f\n", digits, mean, digits + 1, mean, digits + 2, mean }'
done >"$scratch/means"
for name in table.txt table.md table.tex; do
  is "$name carries every mean" "$(while read -r mean; do
    tr -d ',' <"$folder/$name" | grep -qwE -e "$mean" || echo "$mean"
  done <"$scratch/means")" ''
  is "$name carries the published values" "$(for value in 13.4 10.4 8.48; do
    grep -qwF "$value" "$folder/$name" || echo "$value"
  done)" ''
  contains "$name says where they are from" "$(cat "$folder/$name")" 'table 1'
done
for words in 'what the link gives' 'what the protocol itself costs' 'What an application gets' \
  'two hops'; do
  contains "under its rung: $words" "$(tr '\n' ' ' <"$folder/table.txt")" "$words"
done

# ---- again, from the files alone ----

before=$(checksums "$folder" | grep -v pdf) # a PDF carries its time
cp -r "$folder" "$scratch/copy"
rm -rf "$scratch/copy/plots" "$scratch/copy"/table.* "$scratch/copy/summary.csv"
cd "$scratch" || exit
run "$bench" report copy
exits 'a copy, from another folder, by a relative path' 0
is 'gives the same summary' "$(cksum <copy/summary.csv)" "$(cksum <"$folder/summary.csv")"
run "$bench" report "$folder/"
is 'the report of a report is the same' "$(checksums "$folder" | grep -v pdf)" "$before"
run "$bench" report "$folder" copy
exits 'two runs at once' 0
is 'and both are shown' "$(printf '%s\n' "$out" | grep -c '^figures ')" 2

# ---- damage ----

damaged() { # makes $folder anew as a copy that may be spoiled
  rm -rf "$scratch/damaged"
  cp -r "$scratch/copy" "$scratch/damaged"
  folder=$scratch/damaged
}

damaged
rm -rf "$folder"/summary.csv "$folder"/table.* "$folder/plots"
truncate -s -20 "$folder/trials.csv"
run "$bench" report "$folder"
exits 'trials.csv ends in half a line: a report all the same' 0
contains 'with a warning that names the file' "$err" \
  'trials.csv: the last line is only half written'
is 'and without that trial' "$(rows "$folder/summary.csv" trials metric=throughput |
  awk '{ sum += $1 } END { print sum }')" 44

# ---- what the run suffered ----

# A test machine is not throttled, and has one clock: the rows that say so are written by hand.
damaged
rm -f "$folder/blocks.csv"
run "$bench" report "$folder"
exits 'a run of before there was blocks.csv' 0
before=$(checksums "$folder" | grep -v pdf)
{
  echo block,attempt,host,metric,unit,before,after
  echo 1,1,ssh://pi@pi-a,temperature,C,48.3,61
  for block in 1 2 3; do
    echo "$block,1,ssh://pi@pi-a,throttled,bits,0,0"
  done
} >"$folder/blocks.csv"
run "$bench" report "$folder"
is 'a calm run gets no line of that' "$(checksums "$folder" | grep -v pdf)" "$before"
sed -i '4,5s/,0$/,327685/' "$folder/blocks.csv"
awk -F , -v OFS=, '
  NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; n = column["latency_bound_ms"]
            if (!n) { n = NF + 1; $n = "latency_bound_ms" } print; next }
  { $n = $column["latency_ms"] == "" ? "" : $column["latency_ms"] + 0.25; print }' \
  "$folder/telemetry.csv" >"$scratch/telemetry" && cp "$scratch/telemetry" "$folder/telemetry.csv"
delivered=$(count "$folder/telemetry.csv" status=delivered)
run "$bench" report "$folder"
exits 'blocks that were throttled, clocks that are compared roughly' 0
for name in table.txt table.md table.tex; do
  text=$(tr '\n' ' ' <"$folder/$name")
  contains "$name names the blocks and what happened" "$text" \
    'blocks 2-3, ssh://pi@pi-a: under-voltage, throttled during the blocks.'
  contains "$name says which latencies say nothing" "$text" \
    "$delivered of $delivered one-way telemetry latencies are smaller than the error bound"
done

# ---- damage again: lines that cannot be right ----

# corrupt NAME EDIT LINE: a line of trials.csv that cannot be right.
corrupt() {
  damaged
  old=$(checksums "$folder")
  sed -i "$2" "$folder/trials.csv"
  run "$bench" report "$folder"
  exits "$1: exit status 2" 2
  matches '... the place is named' "$err" "^bench: error: .*/trials\.csv:$3: "
  is '... nothing was written' "$(checksums "$folder")" "$old"
}
corrupt 'a status that is none' '5s/,ok,/,OK?,/' 5
corrupt 'a figure that is none' '5s/,[0-9.]*,ok,/,fast,ok,/' 5
corrupt 'a figure below zero' '5s/,[0-9.]*,ok,/,-3,ok,/' 5
corrupt 'no figure where there should be one' '5s/,[0-9.]*,ok,/,,ok,/' 5
corrupt 'a field too few' '5s/,[^,]*$//' 5
corrupt 'a quote that does not end' '5s/,ok,/,ok,"/' '[0-9]*'
corrupt 'a channel of another scenario' '5s/,\(plain\|password\|mutual-tls\),/,telnet,/' 5
corrupt 'a trial twice' '5p' 6
corrupt 'a byte of nothing' '5s/ok/\x00/' 5
corrupt 'an empty line' '5s/.*//' 5
damaged
sed -i '1s/status/state/' "$folder/trials.csv"
run "$bench" report "$folder"
exits 'another header: exit status 2' 2
contains '... the column is named' "$err" "trials.csv: no column 'status'"

for name in trials.csv metrics.csv definitions.csv scenario.ini; do
  damaged
  rm "$folder/$name"
  run "$bench" report "$folder"
  exits "no $name: exit status 2" 2
  contains '... it is named' "$err" "$folder/$name"
done
damaged
: >"$folder/trials.csv"
run "$bench" report "$folder"
exits 'an empty trials.csv: exit status 2' 2
contains '... it is named' "$err" trials.csv
damaged
sed -i 1q "$folder/trials.csv"
run "$bench" report "$folder"
exits 'no trial at all: a report that shows no figure' 0
is '... of every channel and probe none' \
  "$(rows "$folder/summary.csv" trials,mean metric=throughput | sort -u)" '0|'

# An analysis that a signal ends can say nothing itself.
damaged
printf '#!/bin/sh\nkill -SEGV $$\n' >"$scratch/crashing"
chmod +x "$scratch/crashing"
run "$root/scripts/report" --analysis "$scratch/crashing" "$folder" copy
exits 'an analysis that crashes' 139
contains '... that is said, and of which run' "$err" \
  "error: $folder: its analysis was ended: Segmentation fault"
contains '... and of each' "$err" 'error: copy: its analysis was ended: Segmentation fault'

run "$bench" report "$scratch/nowhere"
exits 'no such run: exit status 2' 2
contains '... it is named' "$err" "$scratch/nowhere: no run folder"
run "$bench" report "$tiny"
exits 'a file for a run: exit status 2' 2
contains '... it is named' "$err" "$tiny: not a run folder"
mkdir "$scratch/empty"
run "$bench" report "$scratch/empty"
exits 'an empty folder: exit status 2' 2
contains '... it is named' "$err" "$scratch/empty"
is '... nothing was made there' "$(ls -A "$scratch/empty")" ''
run "$bench" report "$scratch/nowhere" copy
exits 'one of two: the worse status' 2
contains '... the other is shown' "$out" 'Mbit/s'

finish
