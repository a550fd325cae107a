#!/bin/sh
# report.html in a real browser (page-checks): the answer needs no scrolling, nothing stands there
# twice, nothing leaves the page, its numbers are those of the files, and it can be read
# at three widths, light, dark and on paper; and that a page which is wrong would be noticed.
# BENCH_PICTURES=FOLDER keeps what was seen there.
. "$(dirname "$0")/real.sh"
need_command gnuplot python3 chromium chromedriver

export PYTHONDONTWRITEBYTECODE=1

tab=$(printf '\t')

# look FOLDER [NAME]: what is seen of its page, into $seen; pictures of that name.
look() {
  seen=$scratch/seen
  set -- "$1" "$1/plots" ${2+"${BENCH_PICTURES:-$scratch/pictures}/$2"}
  [ -z "${3-}" ] || mkdir -p "$3"
  run "$root/tests/system/page-checks" "$@"
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

# ---- a real run, and recorded ones: twenty channels; long names; a meter ----

measure "$tiny" --set scenario.channels='plain password mutual-tls' --set scenario.baseline=plain \
  --set scenario.repetitions=6 --set scenario.probes='path transport delivery' --quiet
run "$bench" report "$folder"
exits 'bench report' 0
contains 'it says where the page is' "$out" "$folder/report.html"
is_well_formed 'a run' "$folder"
look "$folder" run
judge 'a run'

cp -r "$root/results/example" "$scratch/example"
for archive in results/example-mechanisms tests/golden/runs/varied tests/golden/runs/operations; do
  tar -xzf "$root/$archive.tgz" -C "$scratch"
done
# A processor as OpenSSL 3.5 sees it: one long word.
sed -i 's/"OPENSSL_ia32cap=[^"]*/&:0x00001c3023c14010:0x0000000000084000:0x0007000100000000/' \
  "$scratch/example-mechanisms/environment.json"
for name in example example-mechanisms varied operations; do
  run "$bench" report "$scratch/$name"
  exits "$name is reported" 0
  is_well_formed "$name" "$scratch/$name"
  look "$scratch/$name" "$name"
  judge "$name"
done

# ---- a page that is wrong is noticed ----

cp "$folder/report.html" "$scratch/right.html"

# noticed NAME SED-SCRIPT CHECK...: with the page changed by the script, the checks fail.
noticed() {
  noticed_name=$1
  sed "$2" "$scratch/right.html" >"$folder/report.html"
  look "$folder"
  shift 2
  for check in "$@"; do
    matches "$noticed_name: $check fails" "$(cat "$seen")" "^fail$tab$check"
  done
}
noticed 'a number, a request, a script, a hole in the headings, dim words, a wide element' \
  's,<data value="6">6<,<data value="6">7<,; s,<h3>,<h4>,; s,</h3>,</h4>,
   s,<main>,<main><img src="http://127.0.0.1:9/x.png" alt=""/><p style="width: 90rem">nan</p>,
   s,<p class="program">,<p style="color: #888888">,; s,</figure>,<script>x()</script></figure>,' \
  'every number is that of its file' 'nothing on the console' 'headings, tables, names' \
  'no nan, no inf' 'at 1280, light, words stand out' 'at 390 only tables scroll'
noticed 'a policy, a row, a figure, a file, a sentence, and an answer below the fold' \
  's,data-file="ladder.csv" data-channel=",&x,; s,data-download="trials.csv",,
   s,default-src,script-src,
   s,<figure id="[^"]*",<div,; s,</figure>,</div>,; s,<header>,<header style="height: 60rem">,
   /<p class="aside">Checked for/p' \
  'every row of the files is shown' 'every figure is there' 'every file of the run' \
  'headings, tables, names' 'title, answer and chart' 'every sentence'

# ---- hostile files ----

hostile=$scratch/hostile
cp -r "$folder" "$hostile"
sed -i 's,^description = .*,description = <script>alert(1)</script> "&amp; '\''x'\'' ]]> <!--,' \
  "$hostile/scenario.ini"
sed -i "4s/,ok,,/,failed,\"<b onclick='x()'>\"\"]]><!-- $(printf '\377\001\033[31m')\",/
  4s/,[0-9.]*,[0-9]*,[0-9.]*,failed/,,,,failed/" "$hostile/trials.csv"
printf '{"hosts": [{"spec": "</table><script>x()</script>", "model": %s}]}\n' \
  '"\u0001 \u001b[1m \"&<"' >"$hostile/environment.json"
run "$bench" report "$hostile"
exits 'a run whose files hold markup' 0
is_well_formed 'markup' "$hostile"
look "$hostile" hostile
judge 'markup stays text'
is '... nothing that a terminal obeys' "$(LC_ALL=C tr -d '\n' <"$hostile/report.html" |
  LC_ALL=C tr -d '[:print:]\200-\376' | wc -c)" 0
# An SVG that is no figure of this program's, and one that is: an image runs and fetches nothing.
printf '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="100"><script>x()</script>%s' \
  '<image width="9" height="9" href="http://127.0.0.1:9/y"/></svg>' >"$hostile/plots/ratios.svg"
cp "$hostile/plots/ratios.svg" "$hostile/plots/odd.svg"
run "$root/scripts/page" "$hostile"
exits 'a figure that asks for more' 0
is '... one that is no figure is not in the page' "$(grep -c figure-odd "$hostile/report.html")" 0
rm "$hostile/plots/odd.svg"
look "$hostile"
is '... runs and fetches nothing' \
  "$(grep -v "${tab}printed, the chart" "$seen" | grep '^fail')" ''
secret=$scratch/secret.svg
printf '<svg xmlns="http://www.w3.org/2000/svg"><text>private</text></svg>' >"$secret"
ln -sf "$secret" "$hostile/plots/ratios.svg"
run "$root/scripts/page" "$hostile"
exits 'a figure that is a link' 0
is '... is not in the page' "$(grep -c figure-ratios "$hostile/report.html")" 0

# ---- little is there ----

poor=$scratch/poor
cp -r "$folder" "$poor"
rm -rf "$poor/plots" "$poor/environment.json" "$poor/proofs.csv" "$poor/telemetry.csv"
sed -i 1q "$poor/trials.csv"
sed -i 1q "$poor/metrics.csv"
run "$bench" report "$poor"
exits 'a run without trials, proofs and environment' 0
is_well_formed 'no trials' "$poor"
look "$poor" poor
judge 'no trials'
rm -rf "$poor/plots"
run "$root/scripts/page" "$poor"
exits 'nor figures' 0
look "$poor"
judge 'nor figures'

finish
