#!/bin/sh
# report.html in a real browser (tests/system/page-checks): nothing leaves it, its numbers are those
# of the files, it can be read in light, dark, on a phone and on paper; and that a page which is
# wrong would be noticed.
. "$(dirname "$0")/real.sh"
need_command gnuplot python3 chromium chromedriver

export PYTHONDONTWRITEBYTECODE=1

tab=$(printf '\t')

# look FOLDER: what is seen of its page, into $seen.
look() {
  seen=$scratch/seen
  run "$root/tests/system/page-checks" "$1" "$1/plots"
  printf '%s\n' "$out" >"$seen"
}

# judge NAME: each of them as a test.
judge() {
  is "$1: it was looked at" "$status" 0
  while IFS=$tab read -r verdict name why; do
    if [ "$verdict" = pass ]; then
      pass "$1: $name"
    else
      fail "$1: $name" "$why"
    fi
  done <"$seen"
}

# is_well_formed NAME FOLDER: the page is HTML that is XML, too.
is_well_formed() {
  if has_command xmllint; then
    is "$1: well-formed" "$(xmllint --noout --nonet "$2/report.html" 2>&1)" ''
  else
    skip "$1: well-formed" 'xmllint is not installed'
  fi
}

# ---- a real run ----

measure "$tiny" --set scenario.channels='plain password mutual-tls' --set scenario.baseline=plain \
  --set scenario.repetitions=6 --set scenario.probes='path transport delivery' --quiet
run "$bench" report "$folder"
exits 'bench report' 0
contains 'it says where the page is' "$out" "$folder/report.html"
is_well_formed 'a run' "$folder"
look "$folder"
judge 'a run'

# What the sentences say is what comparisons.csv says.
is 'the verdicts of the sentences are those of comparisons.csv' \
  "$(sed -n '/<section id="conclusions">/,/<\/section>/p' "$folder/report.html" |
    sed -n 's,^<li><span class="verdict [^>]*>\([^<]*\)</span>.*,\1,p')" \
  "$(rows "$folder/comparisons.csv" verdict baseline=plain | head -n 6)"

# ---- a page that is wrong is noticed ----

cp "$folder/report.html" "$scratch/right.html"

# noticed NAME SED-SCRIPT CHECK: with the page changed by the script, the check fails.
noticed() {
  sed "$2" "$scratch/right.html" >"$folder/report.html"
  look "$folder"
  matches "$1 is noticed" "$(cat "$seen")" "^fail$tab$3"
}
noticed 'a number, a request, a script and a hole in the headings' \
  's,<data value="6">6<,<data value="6">7<,; s,<h3>,<h4>,; s,</h3>,</h4>,
   s,<main>,<main><img src="http://127.0.0.1:9/x.png" alt=""/><p style="width: 50rem">nan</p>,
   s,<p class="program">,<p style="color: #888888">,; s,</figure>,<script>x()</script></figure>,' \
  'every number is that of its file'
for name in 'nothing on the console' 'no request but the page itself' 'headings, tables, names' \
  'no nan, no inf' 'in light, words stand out' 'on a phone only tables'; do
  matches "so is: $name" "$(cat "$seen")" "^fail$tab$name"
done
noticed 'a row, a figure and a file that are missing' \
  '/data-file="ladder.csv"/d; /data-download="trials.csv"/d
   s,<figure id="[^"]*",<div,; s,</figure>,</div>,' \
  'every row of the files is shown'
for name in 'every figure is there' 'every file of the run'; do
  matches "so is: $name" "$(cat "$seen")" "^fail$tab$name"
done

# ---- hostile files ----

hostile=$scratch/hostile
cp -r "$folder" "$hostile"
sed -i 's,^description = .*,description = <script>alert(1)</script> "&amp; '\''x'\'' ]]> <!--,' \
  "$hostile/scenario.ini"
sed -i "4s/,ok,,/,failed,\"<b onclick='x()'>\"\"]]><!-- $(printf '\377\001')\",/
  4s/,[0-9.]*,[0-9]*,[0-9.]*,failed/,,,,failed/" "$hostile/trials.csv"
printf '{"hosts": [{"spec": "</table><script>x()</script>", "model": "\\u0001 \\"&<"}]}\n' \
  >"$hostile/environment.json"
printf '<svg><g></svg>' >"$hostile/plots/broken.svg"
printf '<svg><script>x()</script><image href="http://127.0.0.1:9/y"/><g id="a"/></svg>' \
  >"$hostile/plots/odd.svg"
run "$bench" report "$hostile"
exits 'a run whose files hold markup' 0
is_well_formed 'markup' "$hostile"
look "$hostile"
is 'markup stays text: all but what its figures lack' "$(grep '^fail' "$seen" |
  grep -v "${tab}every figure is there")" ''

# ---- little is there ----

poor=$scratch/poor
cp -r "$folder" "$poor"
rm -rf "$poor/plots" "$poor/environment.json" "$poor/proofs.csv" "$poor/telemetry.csv"
sed -i 1q "$poor/trials.csv"
sed -i 1q "$poor/metrics.csv"
run "$bench" report "$poor"
exits 'a run without trials, proofs and environment' 0
is_well_formed 'no trials' "$poor"
rm -rf "$poor/plots"
look "$poor"
is 'no trials: only the figures are missed' "$(grep '^fail' "$seen" |
  grep -v "${tab}every figure is there")" ''

finish
