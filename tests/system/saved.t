#!/bin/sh
# Files of a run, and scenarios, that an editor or a spreadsheet has saved: what means the same is
# read, everything else is called what it is, with what helps. So is a run of another version, and
# one that may not be written to.
. "$(dirname "$0")/real.sh"
[ -x /usr/bin/python3 ] || skip_all 'python3 is not installed'
/usr/bin/python3 -c 'import jinja2' 2>/dev/null || skip_all 'python3-jinja2 is not installed'
cd "$scratch" || exit
mark=$(printf '\357\273\277')

fresh() { # the example, without what report makes
  rm -rf run
  mkdir run
  for fresh_file in scenario.ini environment.json definitions.csv trials.csv metrics.csv \
    distributions.csv intervals.csv blocks.csv proofs.csv telemetry.csv factors.csv; do
    cp "$root/results/example/$fresh_file" run/
  done
}
analyse() {
  run "$bench" analyse run
}
says() { # NAME WORDS...: the last run's complaint, exit status 2
  exits "$1: exit status 2" 2
  shift
  for says_words; do
    contains "... $says_words" "$err" "$says_words"
  done
}
commas() { # FILE SEPARATOR: as a spreadsheet of a country with decimal commas saves it
  /usr/bin/python3 - "$1" "$2" <<'END'
import csv, re, sys
path, separator = sys.argv[1:]
rows = list(csv.reader(open(path, newline="")))
with open(path, "w", newline="") as file:
    out = csv.writer(file, delimiter=separator)
    out.writerows([re.sub(r"^(\d+)\.(\d+)$", r"\1,\2", it) for it in row] for row in rows)
END
}
encode() { # FILE FROM-TO-OF-ICONV
  iconv -f UTF-8 -t "$2" "$1" >encoded
  mv encoded "$1"
}

# ---- what means the same ----

fresh
analyse
exits 'the example as it is' 0
(cd run && cksum summary.csv findings.csv) >expected
for file in run/*.csv run/*.json run/*.ini; do
  case $file in
  *summary* | *comparisons* | *ladder* | *table* | *findings* | *values* | *cumulative*) continue ;;
  esac
  { printf '%s' "$mark" && sed 's/$/\r/' "$file"; } >marked
  mv marked "$file"
done
analyse
exits 'with a byte order mark and CRLF everywhere' 0
is '... it is the same run' "$(cd run && cksum summary.csv findings.csv)" "$(cat expected)"
for file in run/summary.csv run/table.csv run/findings.csv; do
  { printf '%s' "$mark" && sed 's/$/\r/' "$file"; } >marked
  mv marked "$file"
done
run "$root/scripts/table" run
exits '... scripts/table reads it' 0
contains '... all of it' "$out" 'scenario lab; hosts: broker lab:a'
run "$root/scripts/page" run
exits '... and scripts/page' 0
contains '... with the facts of its hosts' "$(cat run/report.html)" 'Debian GNU/Linux 12'
mkdir pack
cp -r run pack/
rm -f pack/run/summary.csv
tar -czf pack.tgz -C pack run
run "$bench" report pack.tgz --output unpacked
exits '... and in an archive' 0
sed '1s/.*/# format: 9/' run/scenario.ini >other
{ printf '%s' "$mark" && cat other; } >run/scenario.ini
analyse
says 'a mark before the number of the format' 'a run of format 9' 'update'

{ printf '%s' "$mark" && sed 's/$/\r/' "$tiny"; } >crlf.ini
run "$bench" check crlf.ini
exits 'a scenario with a byte order mark and CRLF' 0

# ---- what does not ----

for file in trials metrics definitions telemetry; do
  fresh
  sed 's/,/;/g' "run/$file.csv" >changed && mv changed "run/$file.csv"
  analyse
  says "$file.csv with semicolons" "run/$file.csv:1: " "';' stands between its fields" 'save it'
done
fresh
commas run/trials.csv "$(printf '\t')"
analyse
says 'tabs between fields' 'run/trials.csv:1: ' 'a tab stands between its fields'
fresh
commas run/trials.csv ';'
sed -i '1s/^/sep=;\n/' run/trials.csv
analyse
says 'a line for a spreadsheet' 'run/trials.csv:1: ' "'sep=;' is a line for a spreadsheet" 'delete'
fresh
sed -i '1s/^/sep=,\n/' run/trials.csv
analyse
says '... also where it says what holds' "'sep=,' is a line for a spreadsheet"
fresh
commas run/trials.csv ,
analyse
says 'decimal commas' 'run/trials.csv:2: ' 'has a decimal comma' 'a point'
for form in UTF-16 UTF-16LE UTF-16BE; do
  for file in trials.csv scenario.ini; do
    fresh
    encode "run/$file" $form
    analyse
    says "$file in $form" "run/$file: " 'UTF-16' 'iconv -f UTF-16'
  done
done
fresh
tr '\n' '\r' <run/trials.csv >changed && mv changed run/trials.csv
analyse
says 'lines that end in CR' 'run/trials.csv: ' 'its lines end in CR alone' "tr '\\r' '\\n'"
tr '\n' '\r' <"$tiny" >cr.ini
run "$bench" check cr.ini
says '... of a scenario' 'cr.ini: its lines end in CR alone'
fresh
analyse
for form in UTF-16 semicolons; do
  cp run/table.csv whole
  case $form in
  UTF-16) encode run/table.csv UTF-16 ;;
  *) commas run/table.csv ';' ;;
  esac
  run "$root/scripts/table" run
  case $form in
  UTF-16) says 'scripts/table, UTF-16' 'run/table.csv: ' 'UTF-16' 'iconv -f UTF-16' ;;
  *) says 'scripts/table, semicolons' 'run/table.csv:1: ' "';' stands between its fields" ;;
  esac
  mv whole run/table.csv
done

# ---- another version ----

fresh
sed -i 's/,[^,]*$//' run/trials.csv
analyse
says 'a run without a column' "run/trials.csv: no column 'tls_group'" \
  "the run is of mqtt-security-bench 0.1.0, commit $(sed -n 's/^  "commit": "\(.*\)".*/\1/p' \
    run/environment.json)" "this is $("$bench" --version | cut -d ' ' -f 2)" 'git checkout'
rm run/environment.json
analyse
says '... that does not tell its version' "no column 'tls_group'" 'another version'

# ---- a folder that may not be written to ----

as=
if can_be_nobody; then
  as=$nobody
elif [ "$(id -u)" = 0 ]; then
  as=no
fi
if [ "$as" = no ]; then
  skip 'a run folder that may not be written to' 'needs another user than root'
else
  fresh
  "$bench" analyse run
  chmod -R a+rX,a-w run
  # shellcheck disable=SC2086 # several words
  run $as "$bench" report "$scratch/run"
  exits 'a run folder that may not be written to: exit status 3' 3
  contains '... the folder is named' "$err" "$scratch/run: "
  contains '... and the way out' "$err" "cp -r --no-preserve=mode $scratch/run "
  # shellcheck disable=SC2086 # several words
  run $as "$root/scripts/table" "$scratch/run"
  exits '... scripts/table' 3
  contains '... says so, too' "$err" "cp -r --no-preserve=mode $scratch/run "
  # shellcheck disable=SC2086 # several words
  run $as "$bench" run --resume "$scratch/run"
  exits '... --resume' 2
  contains '... says so, too' "$err" "cp -r --no-preserve=mode $scratch/run "
  chmod -R u+w run
fi
finish
