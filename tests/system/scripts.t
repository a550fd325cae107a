#!/bin/sh
# scripts/report on a machine that has python3, python3-jinja2 and gnuplot, and nothing else: no
# compiler, no bench. All is made of the CSV of a run; what is changed there is seen everywhere.
# And --redact: a copy of a run that does not tell whose machines measured it.
. "$(dirname "$0")/lib.sh"
need_command gnuplot
/usr/bin/python3 -c 'import jinja2' 2>/dev/null || skip_all 'python3-jinja2 is not installed'
cd "$scratch" || exit

mkdir -p there/results programs
cp -r "$root/scripts" there/
cp -r "$root/results/example" there/results/
run=there/results/example
rm -f "$run"/table.txt "$run"/table.md "$run"/table.tex "$run"/report.html
ln -s "$(command -v gnuplot)" programs/gnuplot

bare() { # COMMAND...: there, with gnuplot alone on the PATH
  run env PATH="$scratch/programs" "$@"
}

# ---- all of it, from CSV ----

bare there/scripts/report "$run"
exits 'a report without a compiler' 0
for file in table.txt table.md table.tex report.html; do
  check "... $file is there" test -s "$run/$file"
done
check '... and figures' test -s there/plots/example/throughput.svg
is '... the last line is the page' "$(printf '%s\n' "$out" | tail -n 1)" "page     $run/report.html"
contains '... above it the answer' "$(printf '%s\n' "$out" | tail -n 6 | tr '\n' ' ')" \
  "$(sed -n 's/^answer,info,,,,,"*\([^",]*\).*/\1/p' "$run/findings.csv" | head -n 1 | cut -c 1-60)"
lacks '... the legend is not asked for' "$out" 'is wrong in up to'
lacks '... no colour where there is no terminal' "$out$err" "$(printf '\033')"
bare there/scripts/report --legend "$run"
contains '... with --legend it is there' "$(printf '%s\n' "$out" | tr '\n' ' ')" 'is wrong in up to'

cksum there/plots/example/throughput.svg >before
sed -i 's/^\(delivery,,password,throughput,Mbit.s,10,\)[0-9.]*/\16.543210/' "$run/table.csv"
bare there/scripts/report "$run"
exits 'a changed cell of table.csv' 0
for file in table.txt table.md table.tex; do
  contains "... is in $file" "$(cat "$run/$file")" 6.543
done
contains '... and in the page' "$(sed 's/base64,[^"]*//g' "$run/report.html")" 6.543
check '... and the bar is another' test "$(cksum there/plots/example/throughput.svg)" != \
  "$(cat before)"
contains '... with its value' "$(tr '<' '\n' <there/plots/example/throughput.svg)" 6.54

for name in table figures page; do
  bare "there/scripts/$name" "$run"
  exits "scripts/$name by itself" 0
  bare "there/scripts/$name" --help
  contains '... says what it is' "$out" usage:
done
for name in report unpack; do
  bare "there/scripts/$name" --help
  exits "scripts/$name --help" 0
done
rm "$run/table.csv"
bare there/scripts/report "$run"
exits 'a run that was not analysed: exit status 2' 2
contains '... what to do is said' "$err" "not analysed yet: ./bench report $run"
rm programs/gnuplot
cp "$root/results/example/table.csv" "$run/"
rm "$run/report.html"
bare there/scripts/report "$run"
exits 'without gnuplot: exit status 3' 3
contains '... it is named' "$err" 'apt-get install gnuplot-nox'
check '... and the page is there' test -s "$run/report.html"

# ---- without names and addresses ----

home=$(printf '/%s' home alice)
ln -s "$(command -v gnuplot)" programs/gnuplot
sed -i 's,^broker = .*,broker = ssh://alice@pi-4.example:22,; s,^address = .*,address = 10.1.2.3,' \
  "$run/scenario.ini"
sed -i 's/"host": "[^"]*"/"host": "pi-4"/; s,"mosquitto": "/usr,"mosquitto": "'"$home"',' \
  "$run/environment.json"
words='gone: 10.1.2.3 fe80::ba27:ebff:fe01:203 b8:27:eb:01:02:03 at 22:40:17 on pi-4'
words="$words (10000000a1b2c3d4, $home/bench)"
sed -i "s|^4,1,\(.*\),ok,,|4,1,\1,ok,\"$words\",|" "$run/trials.csv"
printf 'caution,warning,,,,,"%s"\n' "$words" >>"$run/findings.csv"
check 'the words are in trials.csv' grep -qF "$words" "$run/trials.csv"
bare there/scripts/report --redact "$run"
exits 'a redacted report' 0
copy=there/results/example-redacted
contains '... is of a copy' "$out" "page     $copy/report.html"
left=$(cat "$copy"/*.csv "$copy"/*.ini "$copy"/*.json "$copy"/table.* "$copy/report.html")
for secret in alice pi-4 10.1.2.3 fe80 b8:27:eb 10000000a1b2c3d4 192.0.2. 4553031b; do
  lacks "... $secret is nowhere" "$left$out" "$secret"
done
contains '... a time of day stays' "$(cat "$copy/trials.csv")" 'at 22:40:17 on host-'
is '... and all numbers' "$(cksum <"$copy/metrics.csv") $(cksum <"$copy/intervals.csv")" \
  "$(cksum <"$run/metrics.csv") $(cksum <"$run/intervals.csv")"
contains '... the run itself is as it was' "$(cat "$run/trials.csv")" "$words"
finish
