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

# ---- the example of all mechanisms ----

run "$bench" report "$root/results/example-mechanisms.tgz" --output "$scratch/reported"
exits 'the archive of the mechanisms can be reported' 0
tar -xzf "$root/results/example-mechanisms.tgz" -C "$scratch"
mechanisms=$scratch/example-mechanisms
is 'every trial is ok' "$(rows "$mechanisms/trials.csv" status | sort -u)" ok
is 'every proof held, too' "$(rows "$mechanisms/proofs.csv" verdict | sort -u)" held
is 'nothing of that machine is in it, either' \
  "$(grep -lE '/(home|root|work|tmp)/' -r "$mechanisms")" ''
"$root/scripts/cost-table" "$scratch/reported/example-mechanisms" | tail -n +3 |
  grep -v plain-again | cut -d '|' -f 2-5 >"$scratch/costs"
is "README's table has its costs, channel by channel" "$(sed -n \
  '/^| channel | protects against/,/^$/p' "$root/README.md" | tail -n +3 | sed '/^$/d' |
  cut -d '|' -f 2,4-6)" "$(cat "$scratch/costs")"

finish
