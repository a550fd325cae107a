#!/bin/sh
# ./bench report --json: one document of several runs, whose numbers and words are those of the CSV.
# That of gate is in gate.t.
. "$(dirname "$0")/lib.sh"
need_command python3 gnuplot

cp -R "$root/results/example" "$scratch/one"
cp -R "$root/results/example" "$scratch/two"
cd "$scratch" || exit
sed -i 's/^name *=.*/name = other/' two/scenario.ini

cat >check.py <<'END'
import csv, json

document = json.load(open("report.json"))
for run in document["runs"]:
    for table, rows in run.items():
        if not isinstance(rows, list) or table == "answer":
            continue
        with open(f"{run['folder']}/{table}.csv", newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
        if len(lines) != len(rows):
            print(table, len(rows), "rows are not", len(lines))
        for line, row in zip(lines, rows):
            if list(line) != list(row):
                print(table, list(row), "are not the columns", list(line))
            for name, field in line.items():
                value = row[name]
                same = (
                    field == value
                    if isinstance(value, str)
                    else field == ""
                    if value is None
                    else not isinstance(value, bool) and float(field) == value
                )
                if not same:
                    print(table, name, repr(value), "is not", repr(field))
    with open(f"{run['folder']}/findings.csv", newline="", encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file) if row["kind"] == "answer"]
    if run["answer"] != texts or not texts:
        print("answer", run["answer"], "is not", texts)
print([run["folder"] for run in document["runs"]], document["format"], document["exit_status"])
END

run "$bench" report one two --json
exits 'report --json' 0
printf '%s\n' "$out" >report.json
check '... is JSON' python3 -m json.tool report.json /dev/null
is '... says what the CSV files say' "$(python3 check.py)" "['one', 'two'] 1 0"
is '... docs/files.md names its fields, and no others' \
  "$("$root/tests/system/documented" report.json)" ''
check '... numbers are numbers' grep -qE '^ +"mean": [0-9.]+,$' report.json
check '... tables, figures and page are made as well' \
  test -s one/table.md -a -s one/report.html -a -s two/plots/throughput.svg
check '... and nothing is set side by side' test ! -e one/plots/side-by-side-*

run "$bench" report --json one none
exits 'a run that is there, and one that is not' 2
contains '... says so on stderr' "$err" 'none: no run folder'
printf '%s\n' "$out" >report.json
is '... the document has the one' "$(python3 check.py)" "['one'] 1 2"
run "$bench" report --json none
printf '%s\n' "$out" >report.json
is 'no run at all: a document without any' "$(python3 check.py)" '[] 1 2'
run "$bench" list --json
exits '--json elsewhere' 2
contains '... says where it goes' "$err" '--json goes with report and gate only'

# What a stranger's run says of itself is words, and no number makes it fail.
sed -i "1!s/^path,,plain,/path,,$(printf 'pl\033]0;ain\007'),/" one/table.csv
sed -i '1!s/,10,/,nan,/' one/table.csv
run "$root/scripts/report" --json one
exits 'scripts/report --json of a run that was tampered with' 0
printf '%s\n' "$out" >report.json
check '... is JSON' python3 -m json.tool report.json /dev/null
lacks '... without what a terminal obeys' "$out" "$(printf '\033')"

finish
