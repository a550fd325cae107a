#!/bin/sh
# The statistics beside those of Debian's ministat: the cells of a run, as `bench report` summarises
# them, and the t interval of the difference of two samples.
. "$(dirname "$0")/real.sh"
need_command ministat gnuplot

case ${BENCH_BUILD:-build} in
/*) two_samples=$BENCH_BUILD/tests/two-samples ;;
*) two_samples=$root/${BENCH_BUILD:-build}/tests/two-samples ;;
esac

# differences TOLERANCE WORDS WORDS: the words of one that are not those of the other, up to this
# share of them.
differences() {
  printf '%s\n' "$2" "@" "$3" | LC_ALL=C awk -v tolerance="$1" '
    $1 == "@" { second = 1; next }
    { for (i = 1; i <= NF; i++) if (second) b[++n_b] = $i; else a[++n_a] = $i }
    END {
      if (n_a != n_b || !n_a) print n_a + 0 " words beside " n_b + 0
      for (i = 1; i <= n_a; i++) {
        apart = a[i] - b[i]
        if (apart * apart > tolerance * tolerance * a[i] * a[i]) print a[i] " is not " b[i]
      }
    }'
}

# described FILE FILE: N, Min, Max, Median, Avg and Stddev, the median only of an odd number: of an
# even number ministat takes the upper of the middle two.
described() {
  ministat -n "$1" "$2" | LC_ALL=C awk '/^[x+] +[0-9]/ {
    if ($2 % 2 == 0) $5 = ""
    $1 = ""
    print
  }'
}

# ---- the summary of a run ----

# Fifteen blocks of two channels, a throughput that wanders.
run_folder=$scratch/small
mkdir "$run_folder"
cat >"$run_folder/scenario.ini" <<'END'
[scenario]
name = small
channels = plain mutual-tls
probes = path
repetitions = 15
baseline = plain
END
cat >"$run_folder/definitions.csv" <<'END'
probe,metric,unit,better,headline,help
path,throughput,Mbit/s,higher,yes,raw TCP
END
echo trial,attempt,party,process,metric,unit,value >"$run_folder/metrics.csv"
LC_ALL=C awk 'BEGIN {
  printf "trial,attempt,block,position,channel,probe,variant,started_utc,duration_s,bytes,"
  print "throughput_mbit_s,status,reason,tls_version,tls_cipher,tls_group"
  for (block = 1; block <= 15; block++)
    for (position = 1; position <= 2; position++) {
      trial++
      printf "%d,1,%d,%d,%s,path,,2026-11-22T08:%02d:%02dZ,,,%.7g,ok,,,,\n", trial, block,
             position, position == 1 ? "plain" : "mutual-tls", block, position * 20,
             14 - position + sin(trial * trial)
    }
}' >"$run_folder/trials.csv"

run "$bench" report "$run_folder"
exits 'bench report' 0
for channel in plain mutual-tls; do
  rows "$run_folder/trials.csv" throughput_mbit_s channel=$channel >"$scratch/$channel"
done
is 'trials, median, mean and sd are those of ministat' \
  "$(differences 2e-7 "$(described "$scratch/plain" "$scratch/mutual-tls" |
    LC_ALL=C awk '{ print $1, $4, $5, $6 }')" \
    "$(for channel in plain mutual-tls; do
      rows "$run_folder/summary.csv" trials,median,mean,sd metric=throughput channel=$channel
    done | tr '|' ' ')")" ''

# ---- two samples, of many sizes ----

# sample N MEAN FACTOR: N values that scatter by about 1.
sample() {
  LC_ALL=C awk -v n="$1" -v mean="$2" -v factor="$3" 'BEGIN {
    for (i = 1; i <= n; i++) printf "%.9g\n", mean + sin(i * i * factor) + cos(i * factor) / 3
  }'
}

# Its t is of three decimals, 1.960 the smallest: half a digit of the last is 3 in 10,000.
t_tolerance=3e-4
compared=0 different=''
for n in 3 4 5 8 11 20 35 50; do
  for m in 3 7 16 48; do
    sample "$n" 10 0.7 >"$scratch/a"
    sample "$m" 16 1.3 >"$scratch/b"
    ours=$("$two_samples" "$scratch/a" "$scratch/b")
    different=$different$(differences 2e-7 "$(described "$scratch/a" "$scratch/b")" \
      "$(printf '%s\n' "$ours" | head -n 2 |
        LC_ALL=C awk '{ if ($1 % 2 == 0) $4 = ""; print }')")
    different=$different$(differences $t_tolerance "$(ministat "$scratch/a" "$scratch/b" |
      LC_ALL=C awk '/^Difference at 95.0% confidence/ { getline; print $1, $3 }')" \
      "$(printf '%s\n' "$ours" | tail -n 1)")
    compared=$((compared + 1))
  done
done
is 'figures and t interval of 32 pairs of samples are those of ministat' \
  "$compared $different" '32 '

# ---- this test can fail ----

contains 'a wrong figure would be seen' "$(differences 2e-7 '15 13.149900' '15 13.149904')" 'is not'
contains 'a normal quantile in place of t would be seen' \
  "$(differences $t_tolerance 1.984 1.960)" 'is not'
contains 'nothing to compare would be seen' "$(differences 2e-7 '' '')" '0 words'

finish
