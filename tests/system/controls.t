#!/bin/sh
# Control characters in what files and hosts tell: labels, notes, names of hosts, versions, reasons
# of failures. Whatever reads a run shows them as \x1b and the like, in each form of its output.
. "$(dirname "$0")/lib.sh"
need_command gnuplot
[ -x /usr/bin/python3 ] || skip_all 'python3 is not installed'
/usr/bin/python3 -c 'import jinja2' 2>/dev/null || skip_all 'python3-jinja2 is not installed'
cd "$scratch" || exit

# A title for the window, C1 in both forms, a step back; a carriage return only where CSV quotes it.
# A label has no bracket, which would end its section's name.
bad=$(printf '\033]0;title\007\302\233m\233m\b')
odd=$(printf '\033c\302\233m\233m\b')
return=$(printf '\r')
strange() { # FOLDER: the example with such bytes in whatever is text
  rm -rf "$1"
  cp -r "$root/results/example" "$1"
  LC_ALL=C sed -i "s/password/pass$odd/g; s/mutual-tls/mutual$odd/g" "$1"/*.csv "$1/scenario.ini"
  LC_ALL=C sed -i "s/^description = .*/& $bad/; s/^\(broker\|publisher\) = .*/& $bad/" \
    "$1/scenario.ini"
  # The reason of a trial that failed.
  LC_ALL=C awk -F, -v OFS=, -v bad="$bad$return" '
    NR > 1 && $5 == "plain" && $6 == "path" && !done {
      done = 1; $9 = $10 = $11 = ""; $12 = "failed"; $13 = "\"why " bad "\""
    }
    { print }' "$root/results/example/trials.csv" |
    LC_ALL=C sed "s/password/pass$odd/g; s/mutual-tls/mutual$odd/g" >"$1/trials.csv"
  escaped='\\u001b]0;title\\u0007\\u009bm\\r\\b'
  sed -i "s/\"host\": \"/&$escaped/; s/\"openssl\": \"/&$escaped/; s/\"kernel\": \"/&$escaped/
    s/\"system\": \"/&$escaped/" "$1/environment.json"
}

obeyed() { # FILE...: those with a byte that a terminal obeys, or that is no UTF-8
  LC_ALL=C grep -laP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$@"
  for obeyed_file; do
    iconv -f UTF-8 -t UTF-8 "$obeyed_file" >/dev/null 2>&1 || echo "$obeyed_file"
  done
}
harmless() { # NAME [FILE...]: the last run's words, and these files
  harmless_name=$1
  shift
  is "$harmless_name" "$(obeyed .out .err "$@" | sort -u)" ''
}

# ---- a run ----

strange one
strange two
run "$bench" report one two --legend
exits 'two runs: reported' 0
harmless '... no terminal obeys a word of it'
contains '... what would be obeyed is shown' "$out" 'pass\x1bc\x9bm\x9bm\x08'
contains '... also why a trial failed' "$(cut -d, -f7- one/findings.csv)" 'why \x1b'
cut -d, -f7- one/findings.csv >notes
for file in one/table.txt one/table.md one/table.tex one/report.html notes; do
  harmless "... $file" "$file"
done
contains '... Markdown' "$(cat one/table.md)" 'pass\\x1b'
contains '... LaTeX' "$(cat one/table.tex)" 'pass\textbackslash{}x1b'
contains '... HTML, the facts of a host' "$(cat one/report.html)" '>\x1b]0;title\x07\x9bm\x0d\x08'
harmless '... the figures' one/plots/*.svg
contains '... with the label' "$(cat one/plots/ratios.svg)" 'pass\x1bc'
harmless '... side by side' one/plots/side-by-side-*/runs.[cmt]* \
  one/plots/side-by-side-*/runs.svg one/plots/side-by-side-*/report.html
for script in table figures page; do
  run "$root/scripts/$script" one
  exits "scripts/$script" 0
  harmless '... no terminal obeys a word of it'
done

run "$root/scripts/cost-table" one
exits 'scripts/cost-table' 0
contains '... shows the labels' "$out" '`pass?c'
harmless '... harmlessly'

# ---- complaints ----

strange torn
LC_ALL=C sed -i "3s/,/,x$bad/" torn/metrics.csv
run "$bench" report torn
exits 'a field that is wrong' 2
contains '... is shown' "$err" "'x\\x1b]0;title"
harmless '... harmlessly'
strange "folder$bad"
run "$root/scripts/table" "folder$bad"
exits 'a folder with such a name' 0
harmless '... harmlessly'
run "$bench" report "folder$bad"
harmless '... report'
run "$bench" run --resume "folder$bad"
harmless 'run --resume'
run "$bench" check one/scenario.ini
harmless 'check'

# ---- lists ----

mkdir -p there/scenarios/channels
cp "$root/scenarios/quick.ini" there/scenarios/
sed -i "s/^description.*/& $bad/" there/scenarios/quick.ini
printf '[channel]\ndescription = a %s b\n' "$bad" >there/scenarios/channels/odd.ini
build=${BENCH_BUILD:-build}
[ "${build#/}" != "$build" ] || build=$root/$build
for kind in scenarios channels; do
  run env BENCH_ROOT="$scratch/there" "$build/bench" list "$kind"
  exits "list $kind" 0
  contains '... shows it' "$out" '\x1b]0;title'
  harmless '... harmlessly'
done
cp "$root/scenarios/channels/"*.ini there/scenarios/channels/
run env BENCH_ROOT="$scratch/there" "$build/bench" check quick
harmless 'check of a scenario with such a description'

# ---- hosts ----

# What an agent says before it greets, and how it ends.
printf '#!/bin/sh\nprintf "%%s\\n" "words %s" >&2\nexit 1\n' "$bad" >agent
chmod +x agent
for command in 'run --output none' doctor; do
  # shellcheck disable=SC2086 # a list
  run "$bench" $command --broker-host "exec:$scratch/agent"
  exits "$command: an agent that writes to the terminal" 3
  contains '... its words are shown' "$out$err" 'words \x1b]0;title'
  harmless '... harmlessly'
done
finish
