#!/bin/sh
# results/example, the run that README and figures show: its raw files give what lies beside them,
# and what README says of it is what it says itself.
. "$(dirname "$0")/real.sh"
need_command gnuplot

example=$root/results/example
folder=$scratch/example
cp -r "$example" "$folder"
computed='summary.csv comparisons.csv ladder.csv prediction.csv table.csv references.csv
findings.csv values.csv cumulative.csv table.txt table.md table.tex report.html'
for name in $computed; do
  check "the example has $name" test -s "$example/$name"
  rm -f "$folder/$name"
done
run "$bench" report "$folder"
exits 'its report can be made again' 0

# Numbers agree to six digits: libraries differ in the last ones.
for name in summary.csv comparisons.csv ladder.csv prediction.csv table.csv references.csv \
  values.csv cumulative.csv; do
  is "$name is made of the raw files" "$(LC_ALL=C awk -F , '
    NR == FNR { line[FNR] = $0; n = FNR; next }
    { fields = split(line[FNR], old)
      if (fields != NF) { print FNR ": " NF " fields"; next }
      for (i = 1; i <= NF; i++) {
        difference = old[i] - $i
        if (old[i] != $i && !(difference ^ 2 < (1e-6 * $i) ^ 2 + 1e-24)) print FNR ": " $i
      } }
    END { if (FNR != n) print FNR " lines for " n }' "$example/$name" "$folder/$name")" ''
done
for name in findings.csv table.txt table.md table.tex; do
  is "$name too" "$(cksum <"$folder/$name")" "$(cksum <"$example/$name")"
done
for name in throughput ladder trials distribution ratios latency cpu; do
  check "figure $name is drawn" test -s "$folder/plots/$name.svg"
  for format in svg png; do
    check "... and lies in plots/example as $format" test -s "$root/plots/example/$name.$format"
  done
done

# ---- what README says of it ----

is 'it is from the lab, and says so' \
  "$(sed -n '/^\[hosts\]/,/^$/p' "$example/scenario.ini" | sed -n 's/^broker = //p')" lab:a
is 'its controls came out as they must' "$(rows "$folder/comparisons.csv" \
  channel,verdict baseline=plain | grep '^plain-' | sort | uniq -c | tr -s ' ')" \
  ' 4 plain-again|equivalent
 4 plain-slowed|slower'
is 'no channel but the control is slower or faster' "$(rows "$folder/comparisons.csv" \
  channel,verdict baseline=plain | grep -v '^plain-' | grep -v 'equivalent$')" ''
is 'every proof held' "$(rows "$folder/proofs.csv" proof verdict=broken)" ''
for name in $(grep -o '(plots/example[-a-z]*/[a-z.]*)' "$root/README.md" | tr -d '()'); do
  check "README's $name is there" test -s "$root/$name"
done
is 'nothing of the machine that measured is in it' \
  "$(grep -lE '/(home|root|work|tmp)/' -r "$example" "$root/plots/example")" ''

# ---- the examples of all mechanisms, and of a fleet ----

# example NAME MARK CELLS OF-README: a packed run is whole, and README's table, whose heading has
# that mark, has its costs: those cells of both.
example() {
  run "$bench" report "$root/results/example-$1.tgz" --output "$scratch/reported"
  exits "the archive example-$1 can be reported" 0
  tar -xzf "$root/results/example-$1.tgz" -C "$scratch"
  is '... every trial is ok' "$(rows "$scratch/example-$1/trials.csv" status | sort -u)" ok
  is '... every proof held, too' "$(rows "$scratch/example-$1/proofs.csv" verdict | sort -u)" held
  is '... nothing of that machine is in it' \
    "$(grep -lE '/(home|root|work|tmp)/' -r "$scratch/example-$1")" ''
  is "README's table has its costs, channel by channel" \
    "$(sed -n "/^| channel | $2/,/^\$/p" "$root/README.md" | tail -n +3 | sed '/^$/d' |
      cut -d '|' -f "$4")" \
    "$("$root/scripts/cost-table" "$scratch/reported/example-$1" | tail -n +3 |
      grep -v plain-again | cut -d '|' -f "$3")"
}
example mechanisms 'protects against' 2-5 2,4-6
example fleet 'a connection held' 2-6 2-6

finish
