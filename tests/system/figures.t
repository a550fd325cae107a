#!/bin/sh
# The figures that scripts/figures draws of a run that was analysed: all are there, in all formats;
# what can be read back out of the pictures is what the run's CSV files say; and no name and no text
# of a run is ever executed, embedded, or waited for.
. "$(dirname "$0")/real.sh"
need_command gnuplot

figures=$root/scripts/figures
short='--set telemetry.interval=20ms --set probe.path.duration=200ms --set probe.path.warmup=0s
  --set probe.transport.duration=200ms --set probe.transport.warmup=0s
  --set probe.delivery.duration=200ms --set probe.delivery.warmup=0s'

# drawn FOLDER: what lies there.
drawn() {
  (cd "$1" && find . -maxdepth 1 -type f | sed 's,^\./,,' | sort | tr '\n' ' ')
}

# wanted NAME...: what should, the narrow forms of two included.
wanted() {
  for name; do
    printf '%s\n' "$name.pdf" "$name.png" "$name.svg"
    case $name in ratios | throughput)
      printf '%s\n' "$name-column.pdf" "$name-column.png" "$name-column.svg" ;;
    esac
  done | LC_ALL=C.UTF-8 sort | tr '\n' ' '
}

# values FIGURE x|y KIND [REGEX]: "TITLE, CHANNEL|from|to" of what is drawn, of titles that match.
values() {
  "$root/tests/system/svg-values" "$plots/$1.svg" "$2" | LC_ALL=C awk -F '\t' -v OFS='|' \
    -v kind="$3" -v title="${4:-.}" '$2 == kind && $1 ~ title { print $1 ", " $3, $4, $5 }'
}

# unlike FILE FILE: lines of "title|value|value" (read back, of CSV) that have no partner within a
# hundredth of the greatest value (a pixel of a panel is a 150th of it at most); ends at nothing.
unlike() {
  LC_ALL=C awk -F '|' '
    FILENAME == ARGV[1] { read[$1] = $0; if ($3 > most) most = $3 + 0; next }
    { n++
      near = 0.01 * (most > $3 ? most : $3)
      if (!($1 in read)) { print "not drawn: " $0; next }
      split(read[$1], part, "|")
      if ((part[2] - $2) ^ 2 > near ^ 2 || (part[3] - $3) ^ 2 > near ^ 2)
        print $0 " is drawn as " read[$1]
      delete read[$1] }
    END { for (title in read) print "drawn, but in no file: " read[title]
      if (!n) print "nothing was compared" }' "$1" "$2"
}

# ---- a run of everything ----

# shellcheck disable=SC2086 # several words
measure quick --quiet --repetitions 3 $short
run "$bench" report "$folder"
rm -rf "$folder/plots"
plots=$folder/plots
run "$figures" "$folder"
exits 'a run of everything' 0
names='cpu distribution ladder latency ratios throughput trials'
# shellcheck disable=SC2086
is 'all figures, in all formats, and nothing else' "$(drawn "$plots")" "$(wanted $names)"
contains 'what is left out is said' "$out" 'connect is left out: no probe measured'
for name in $names; do
  is "every channel is in $name.svg" "$(for channel in plain password mutual-tls plain-again; do
    [ "$name" = ratios ] && [ "$channel" = plain ] && continue
    grep -qE "<text>(<tspan[^>]*>)?$channel ?<" "$plots/$name.svg" || echo "$channel"
  done)" ''
  has_command xmllint &&
    is "$name.svg is well-formed" "$(xmllint --noout "$plots/$name.svg" 2>&1)" ''
done
is 'no id is there twice' "$(for name in $names; do
  grep -oE "[^a-z]id=[\"'][^\"']*[\"']" "$plots/$name.svg" | tr "'" '"' | sort | uniq -d
done)" ''
is 'nor is any number that is none' "$(grep -liwE 'nan|-?inf' "$plots"/*.svg)" ''

# ---- read back ----

values ratios x point | sed 's/, [a-z]*, /, /' >"$scratch/read"
rows "$folder/table.csv" probe,channel,ratio,verdict | awk -F '|' -v OFS='|' \
  '$4 != "" { print $1 ", " $2, $3 * 100, $3 * 100 }' >"$scratch/wanted"
is 'ratios: each stands where it is' "$(unlike "$scratch/read" "$scratch/wanted")" ''
is 'ratios: each is marked by its verdict' "$(values ratios x point | cut -d '|' -f 1 | sort -u)" \
  "$(rows "$folder/table.csv" probe,verdict,channel | grep -v '||' | sed 's/|/, /g' | sort)"
values ratios x line | sed 's/, [a-z]*, /, /' >"$scratch/read"
rows "$folder/table.csv" probe,channel,ratio_low,ratio_high,verdict | awk -F '|' -v OFS='|' \
  '$5 != "" { print $1 ", " $2, $3 * 100, $4 * 100 }' >"$scratch/wanted"
is 'ratios: with its interval' "$(unlike "$scratch/read" "$scratch/wanted")" ''

values throughput y box >"$scratch/read"
rows "$folder/table.csv" probe,channel,mean metric=throughput | awk -F '|' -v OFS='|' \
  '{ print $1 ", " $2, 0, $3 }' >"$scratch/wanted"
is 'throughput: each bar is as high as its mean; nothing published that cannot be compared' \
  "$(unlike "$scratch/read" "$scratch/wanted")" ''

values ladder x box >"$scratch/read"
rows "$folder/ladder.csv" probe,channel,of_path,lost | awk -F '|' -v OFS='|' \
  '$4 != "" { print $1 ", " $2, 0, $3 * 100 }' >"$scratch/wanted"
is 'ladder: each bar ends at its share of the path' \
  "$(unlike "$scratch/read" "$scratch/wanted")" ''

values cpu x box >"$scratch/read"
rows "$folder/ladder.csv" probe,channel,sender_s_per_gb,receiver_s_per_gb,broker_s_per_gb |
  awk -F '|' -v OFS='|' '{ print $1 ", sender, " $2, 0, $3
    print $1 ", receiver, " $2, $3, $3 + $4
    print $1 ", broker, " $2, $3 + $4, $3 + $4 + $5 }' >"$scratch/wanted"
is 'cpu: each part is as long as its process takes' \
  "$(unlike "$scratch/read" "$scratch/wanted")" ''

values distribution x box >"$scratch/read"
rows "$folder/summary.csv" probe,channel,q1,q3 metric=throughput | awk -F '|' -v OFS='|' \
  '{ print $1 ", quartiles, " $2, $3, $4 }' >"$scratch/wanted"
is 'distribution: boxes go from q1 to q3' "$(unlike "$scratch/read" "$scratch/wanted")" ''
for figure in distribution trials; do
  is "$figure: every trial is a dot" \
    "$(values $figure x point | cut -d '|' -f 1 | sed 's/,.*//' | sort | uniq -c)" \
    "$(rows "$folder/values.csv" probe status=ok | sort | uniq -c)"
done
values distribution x point | LC_ALL=C sort -t '|' -k 1,1 -k 2,2g |
  awk -F '|' -v OFS='|' '{ print ++n ", " $1, $2, $3 }' >"$scratch/read"
rows "$folder/values.csv" probe,channel,value status=ok |
  awk -F '|' -v OFS='|' '{ print $1 ", " $2, $3, $3 }' |
  LC_ALL=C sort -t '|' -k 1,1 -k 2,2g |
  awk -F '|' -v OFS='|' '{ print ++n ", " $1, $2, $3 }' >"$scratch/wanted"
is 'distribution: where its value is' "$(unlike "$scratch/read" "$scratch/wanted")" ''

# A trial may have measured nothing that has a value, and be ok.
cp -r "$folder" "$scratch/lacking"
plots=$scratch/lacking/plots
LC_ALL=C awk -F , -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
  NR > 1 && $at["status"] == "ok" && ($at["probe"] == "delivery" || !n++) { $at["value"] = "" }
  { print }' "$folder/values.csv" >"$scratch/lacking/values.csv"
run -t 60 "$figures" "$scratch/lacking" distribution trials
exits 'values that are missing' 0
for figure in distribution trials; do
  is "$figure: ... are left out" \
    "$(values $figure x point | cut -d '|' -f 1 | sed 's/,.*//' | sort | uniq -c)" \
    "$(rows "$scratch/lacking/values.csv" probe,value status=ok | sed -n 's/|..*//p' | sort |
      uniq -c)"
done

# ---- published values: hatched where the table says that they can be compared ----

cp -r "$folder" "$scratch/compared"
plots=$scratch/compared/plots
LC_ALL=C awk -F , -v OFS=, 'NR > 1 && $1 == "path" && $3 != "password" {
    $16 = 0.8 * $7; $17 = $3 == "plain" ? "yes" : "no" } { print }' \
  "$folder/table.csv" >"$scratch/compared/table.csv"
run "$figures" "$scratch/compared" throughput
exits 'one figure alone' 0
values throughput y box published >"$scratch/read"
rows "$scratch/compared/table.csv" probe,channel,reference comparable=yes |
  awk -F '|' -v OFS='|' '{ print $1 ", published, " $2, 0, $3 }' >"$scratch/wanted"
is 'what was published stands beside what can be compared, and only there' \
  "$(unlike "$scratch/read" "$scratch/wanted")" ''
contains 'with its source' "$(cat "$plots/throughput.svg")" '<text>published (table 1)</text>'
contains 'it is hatched' "$(cat "$plots/throughput.svg")" 'url(#gpPat'

# ---- a column of a paper ----

run "$figures" "$folder" --column
exits 'figures as wide as a column' 0
plots=$folder/plots
is 'each is there' "$(cd "$plots" && echo ./*-column.svg | tr -d './' | sed 's/-columnsvg//g')" \
  "$names"
for name in $names; do
  is "$name is 85 mm wide, its text of 7 pt at least" "$(sed -n '
    s/^ viewBox="0 0 \([0-9]*\) .*/width \1/p
    s/.*font-size="\([0-9.]*\)".*/size \1/p' "$plots/$name-column.svg" | LC_ALL=C awk '
    $1 == "width" { mm = $2 / 96 * 25.4; if (mm < 84 || mm > 86) print mm " mm" }
    $1 == "size" && $2 / 96 * 72 < 7 { print $2 / 96 * 72 " pt" }' | sort -u)" ''
done

if has_command pdfinfo; then
  matches 'so is the PDF' "$(pdfinfo "$plots/ratios-column.pdf")" '^Page size: +24[01][. ]'
else
  skip 'so is the PDF' 'pdfinfo is not installed'
fi

# ---- less than everything; a figure that cannot be drawn ----

cp -r "$folder" "$scratch/less"
plots=$scratch/less/plots
for file in table ladder; do
  LC_ALL=C awk -F , -v OFS=, 'NR == 1 || $3 == "plain" || $1 == "plain"' "$folder/$file.csv" |
    sed '/,path,/d; /^path,/d' >"$scratch/less/$file.csv"
done
sed -i 1q "$scratch/less/cumulative.csv"
sed -i '2,$d' "$scratch/less/ladder.csv"
rm -f "$plots"/*-column.*
run "$figures" "$scratch/less"
exits 'a run of one channel, without the path' 0
contains 'ratios are left out, and why' "$out" 'ratios is left out: there is nothing to compare'
contains 'so is the ladder' "$out" 'ladder is left out: it takes trials of the path'
is 'what was there of them is removed' "$(drawn "$plots")" \
  "$(wanted distribution throughput trials)"

LC_ALL=C awk -F , -v OFS=, 'NR > 1 { $12 = $13 = $14 = ""; $15 = $15 == "" ? "" : "skipped" }
  { print }' "$folder/table.csv" >"$scratch/less/table.csv"
run "$figures" "$scratch/less" ratios
contains 'so are ratios where all but the baseline was skipped' "$out" \
  'ratios is left out: there is nothing to compare'

cp -r "$root/scripts" "$scratch/scripts"
printf '# title: Broken\nplot nonsense(\n' >"$scratch/scripts/gnuplot/broken.gp"
cat >"$scratch/scripts/gnuplot/dropped.gp" <<'END'
# title: Dropped in
# caption: A figure is
#     one file.
run = ARG1; out = ARG2; kind = ARG3
csv = 'table.csv'; keep(x) = 1
load ARG0[1:strlen(ARG0) - strlen('dropped.gp')] . 'style.gp'
do for [format in formats] {
    eval page(format, 10)
    plot csv using 'trials':'mean' title 'dropped in'
    eval page_end
}
END
cp "$folder/plots/trials.svg" "$scratch/before"
run "$scratch/scripts/figures" "$folder"
exits 'a file that gnuplot cannot read: exit status 1' 1
contains 'it is named' "$err" 'broken was not drawn'
check 'one file more is one figure more' test -s "$folder/plots/dropped.png"
rm "$scratch/scripts/gnuplot/broken.gp"

if has_command rsvg-convert; then
  sed -i 's/pngcairo \|pdfcairo /none /' "$scratch/scripts/gnuplot/style.gp"
  rm "$folder/plots"/*.p*
  run "$scratch/scripts/figures" "$folder" trials
  exits 'a gnuplot without cairo' 0
  is 'the others are made from the SVG' "$(cd "$folder/plots" && echo trials.*)" \
    'trials.pdf trials.png trials.svg'
else
  skip 'a gnuplot without cairo' 'rsvg-convert is not installed'
fi
mkdir "$scratch/few"
ln -s "$(command -v python3)" "$scratch/few/python3"
run env PATH="$scratch/few" /usr/bin/python3 "$figures" "$folder"
exits 'no gnuplot: exit status 3' 3
contains 'it is named, and what helps' "$err" \
  'gnuplot is not installed: apt-get install gnuplot-nox'

# ---- more than twenty channels ----

tar -C "$scratch" -xzf "$root/results/example-mechanisms.tgz"
run "$bench" report "$scratch/example-mechanisms"
plots=$scratch/example-mechanisms/plots
run "$figures" --column "$scratch/example-mechanisms" connect latency distribution trials
exits 'more than twenty channels' 0
for name in distribution trials; do
  is "a column of $name fits on a page of A4" "$(sed -n \
    's/^ viewBox="0 0 [0-9]* \([0-9]*\).*/\1/p' "$plots/$name-column.svg" |
    awk '{ print ($1 / 96 * 25.4 < 250) }')" 1
done
rows "$scratch/example-mechanisms/table.csv" channel probe=connect >"$scratch/channels"
for name in connect distribution latency; do
  is "each has its row or panel in $name" "$(while read -r channel; do
    grep -qE "<text>(<tspan[^>]*>)?$channel ?<" "$plots/$name.svg" || echo "$channel"
  done <"$scratch/channels")" ''
done
is 'each has a line of its own' \
  "$(grep -o '<title>telemetry, [a-z0-9-]*</title>' "$plots/latency.svg" | sort | uniq -c |
    grep -c ' 1 ')" "$(grep -c . "$scratch/channels")"
values connect x box 'CONNACK' | sed 's/, CONNECT to CONNACK//' | cut -d '|' -f 1,3 |
  sed 's/|/|0|/' >"$scratch/read"
rows "$scratch/example-mechanisms/summary.csv" probe,channel,mean \
  metric=client2.client.connect_time | awk -F '|' -v OFS='|' '{ print $1 ", " $2, 0, $3 }' \
  >"$scratch/wanted"
is 'connect: the steps end where the whole does' "$(unlike "$scratch/read" "$scratch/wanted")" ''

for name in throughput ratios; do
  is "where nothing was published $name does not speak of it" \
    "$(grep -c '<text>published' "$plots/$name.svg")" 0
done

# ---- published values of other metrics, and ratios ----

plots=$folder/plots
cat >>"$folder/scenario.ini" <<'END'
path.client2.sender.cpu_s.plain = 0.02
path.client2.sender.cpu_s.mutual-tls = 0.03
ratio.path.client2.sender.cpu_s.mutual-tls.password = 1.5
ratio.delivery.throughput.mutual-tls.plain = 0.5
END
run "$bench" report "$folder"
exits 'published values of other metrics' 0
values references x point ', measured' >"$scratch/read"
rows "$folder/references.csv" channel,baseline,mean,ratio | awk -F '|' -v OFS='|' '
  { print "path, cpu s, measured, " $1, $2 == "password" ? $4 : $3 }' |
  awk -F '|' -v OFS='|' '{ print $1 (n[$1]++ ? " again" : ""), $2, $2 }' >"$scratch/wanted"
awk -F '|' -v OFS='|' '{ $1 = $1 (n[$1]++ ? " again" : "") } { print }' "$scratch/read" \
  >"$scratch/told"
is 'means and ratios are where they are' "$(unlike "$scratch/told" "$scratch/wanted")" ''
values references x point published >"$scratch/read"
is '... and published ones' "$(awk -F '|' '{ printf "%s %.3f\n", $1, $2 }' "$scratch/read" | sort |
  awk '{ printf "%s %.2f, ", $(NF - 1), $NF }')" 'mutual-tls 0.03, mutual-tls 1.50, plain 0.02, '
values ratios x point published >"$scratch/read"
is 'a published ratio of the headline stands beside ours' \
  "$(awk -F '|' '{ printf "%s %.0f", $1, $2 }' "$scratch/read")" \
  'delivery, published, mutual-tls 50'
contains '... with its source' "$(cat "$plots/ratios.svg")" '<text>published (table 1)</text>'

# Of a headline metric that no other figure has, and without a channel that all are compared with.
tar -xzf "$root/tests/golden/runs/operations.tgz" -C "$scratch"
strange=$scratch/operations plots=$scratch/operations/plots
sed -i 's/^baseline = .*/baseline =/' "$strange/scenario.ini"
printf '%s\n' '[reference]' 'latency.tls = 0.2' 'ratio.connect.tls_time.mutual-tls.tls = 1.5' \
  >>"$strange/scenario.ini"
run "$bench" report "$strange"
exits 'published values of a headline, and a ratio, without a baseline' 0
values references x point published >"$scratch/read"
is '... both are drawn' "$(awk -F '|' '{ printf "%s %.2f\n", $1, $2 }' "$scratch/read")" \
  'latency, latency p50, published, tls 0.20
connect, tls time, published, mutual-tls 1.50'
matches '... the ratio is in the table' "$(cat "$strange/table.txt")" '^  mutual-tls .* 1\.5$'
contains '... and on the page' "$(cat "$strange/report.html")" \
  '<td data-column="reference_ratio"><data value="1.5">1.5</data></td>'
contains '... beside the measured one' "$(cat "$strange/report.html")" \
  'data-column="ratio ratio_low'

# ---- of many clients ----

own=$folder
"$root/tests/system/made-fleet" "$scratch/fleet" 7
folder=$scratch/fleet plots=$scratch/fleet/plots
run "$bench" report "$folder"
run "$bench" estimate "$folder" --devices 1000000 --interval 3s
exits 'a run of hold, storm and fleet, and an estimate of it' 0
is 'their figures are there' "$(cd "$plots" && echo capacity.* estimate.* memory.* storm.*)" \
  "$(for name in capacity estimate memory storm; do echo "$name.pdf $name.png $name.svg"; done |
    tr '\n' ' ' | sed 's/ $//')"
lacks '... other runs have none of them, without a word' "$(drawn "$root/plots/example")" memory

# points FIGURE: "TITLE|value" of each point, of one title from left to right.
points() {
  "$root/tests/system/svg-values" "$plots/$1.svg" y |
    LC_ALL=C awk -F '\t' -v OFS='|' '$2 == "point" { print $1 " " ++n[$1], $4 }'
}

# far FILE FILE: lines of "title|value" that have no partner within 2 %.
far() {
  LC_ALL=C awk -F '|' 'FILENAME == ARGV[1] { read[$1] = $2; next }
    { n++
      if (!($1 in read) || (read[$1] / $2 - 1) ^ 2 > 4e-4) print $0 " is drawn as " read[$1]
      delete read[$1] }
    END { for (title in read) print "drawn, but in no file: " title
      if (!n) print "nothing was compared" }' "$1" "$2"
}

points memory >"$scratch/read"
n=0
for point in 0 quarter half all; do
  n=$((n + 1))
  rows "$folder/summary.csv" channel,mean metric=broker.mosquitto.memory_$point |
    LC_ALL=C awk -F '|' -v OFS='|' -v n=$n '{ print "hold, " $1 " " n, $2 / 2 ^ 20 }'
done >"$scratch/wanted"
is 'memory: four points of each channel' "$(far "$scratch/read" "$scratch/wanted")" ''
is '... where their connections are' "$("$root/tests/system/svg-values" "$plots/memory.svg" x |
  LC_ALL=C awk -F '\t' '$1 == "hold, plain" && $2 == "point" { printf "%.0f ", $4 }')" \
  '0 250 500 1000 '
is '... with a band each' "$("$root/tests/system/svg-values" "$plots/memory.svg" y |
  grep -c 'hold, CI.box')" 3
is 'storm: a line of each channel' \
  "$(grep -o '<title>storm, [a-z-]*</title>' "$plots/storm.svg" | sort | tr '\n' ' ')" \
  '<title>storm, mutual-tls</title> <title>storm, password</title> <title>storm, plain</title> '
values capacity x box >"$scratch/read"
rows "$folder/table.csv" probe,channel,mean probe=fleet |
  awk -F '|' -v OFS='|' '{ print $1 ", " $2, 0, $3 }' >"$scratch/wanted"
is 'capacity: each bar is as long as its rate' "$(unlike "$scratch/read" "$scratch/wanted")" ''
points estimate >"$scratch/read"
rows "$folder/estimate.csv" quantity,channel,value,devices | LC_ALL=C awk -F '|' -v OFS='|' '
  BEGIN { name["cores"] = "Cores"; name["memory"] = "Memory (GiB)"
    name["bandwidth"] = "Traffic (Mbit/s)"; name["storm_time"] = "Time to be back (s)" }
  $2 != "" && $1 in name { value = $1 == "memory" ? $3 / 2 ^ 30 : $3
    title = name[$1] ", " $2; print title " " ++n[title], value }' >"$scratch/wanted"
is 'estimate: each point is what stands in estimate.csv' \
  "$(far "$scratch/read" "$scratch/wanted")" ''
sed -i '/capacity_tried/d' "$folder/metrics.csv"
run "$bench" report "$folder"
check 'at a rate that was given there is no capacity' test ! -e "$plots/capacity.svg"
folder=$own
cp "$scratch/fleet/estimate.csv" "$folder" # to be drawn under strange names, too

# ---- names and texts of a stranger ----

# Who executes one of them executes this, wherever it is done.
mkdir "$scratch/away" "$scratch/bin"
printf '#!/bin/sh\necho "$*" >>"%s/executed"\n' "$scratch" >"$scratch/bin/touch"
chmod +x "$scratch/bin/touch"
PATH=$scratch/bin:$PATH
export PATH
# shellcheck disable=SC2016 # all of them as they stand
for name in '< touch x;#' '| touch x' '`touch x`' '$(touch x)' "a'b\"c" '~root' '-d'; do
  cp -r "$folder" "$scratch/away/$name"
  rm -r "$scratch/away/$name/plots"
  for script in "$root"/scripts/gnuplot/*.gp; do
    grep -q '^# title' "$script" || continue
    case $name:$script in [\<\|]* | */ratios.gp) ;; *) continue ;; esac # all, or one
    (cd "$scratch/away" && LC_ALL=C.UTF-8 gnuplot -c "$script" "$name" "$name/out") \
      >"$scratch/said" 2>&1
    # Some leave themselves out without a word.
    test ! -s "$scratch/said" || grep -q 'is left out' "$scratch/said" ||
      test -s "$scratch/away/$name/out.svg" ||
      echo "$script: $(head -c 300 "$scratch/said")"
    rm -f "$scratch/away/$name"/out.*
  done >"$scratch/undrawn"
  is "a run called $name is drawn by .gp files themselves" "$(cat "$scratch/undrawn")" ''
  run sh -c 'cd "$1" && "$2" -- "$3" ratios' - "$scratch/away" "$figures" "$name"
  exits '... and by scripts/figures' 0
  check '... there' test -s "$scratch/away/$name/plots/ratios.svg"
done
(cd "$scratch/away" && gnuplot -c "$root/scripts/gnuplot/ratios.gp" '~root' '| touch x') \
  >/dev/null 2>&1
check 'what a picture is called, too' test -s "$scratch/away/| touch x.svg"

cp -r "$folder" "$scratch/texts"
# shellcheck disable=SC2016
sed -i 's/password/`touch x`/g; s/plain-again/a%d%s@x{y}_z^\\n\x1b[31m/g
  s/mutual-tls/"<image href=""http:\/\/192.0.2.1\/x"">"/g' \
  "$scratch/texts"/table.csv "$scratch/texts"/values.csv "$scratch/texts"/summary.csv \
  "$scratch/texts"/ladder.csv "$scratch/texts"/cumulative.csv "$scratch/texts"/references.csv \
  "$scratch/texts"/estimate.csv
run sh -c 'cd "$1" && "$2" .' - "$scratch/texts" "$figures"
exits 'channels with markup, commands, formats and escapes for names' 0
check 'nothing of all that was executed' test ! -e "$scratch/executed"
is 'nothing is fetched or embedded' "$(grep -liE '<(image|script|foreignObject)' \
  "$scratch/texts/plots"/*.svg)" ''
contains 'a name stands as it is' "$(cat "$scratch/texts/plots/throughput.svg")" \
  '&lt;image href='
is 'without what a terminal obeys' "$(grep -l "$(printf '\033')" "$scratch/texts/plots"/*.svg)" ''

# Two blocks may leave next to nothing known.
awk -F , -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
  NR > 1 && $at["verdict"] != "" { $at["ratio_low"] = 1e-3; $at["ratio_high"] = 1000000000 }
  { print }' "$folder/table.csv" >"$scratch/texts/table.csv"
run -t 60 "$figures" "$scratch/texts" ratios
exits 'an interval of twelve decades' 0

rm -rf "$scratch/texts"
cp -r "$folder" "$scratch/texts"
rm "$scratch/texts/values.csv" "$scratch/texts/ladder.csv"
mkfifo "$scratch/texts/values.csv"
echo 'probe,channel,private' >"$scratch/private"
ln -s "$scratch/private" "$scratch/texts/ladder.csv"
run -t 60 "$figures" "$scratch/texts"
exits 'a FIFO and a link in the place of files' 0
contains 'neither is read' "$out" 'ladder is left out'

finish
