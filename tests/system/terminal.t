#!/bin/sh
# What a run shows on terminals of two sizes, meanwhile and at its end; when the window changes;
# what is coloured; what is written where there is no terminal, and with --quiet. The screens are
# kept in tests/golden/terminal, times and figures left out; --update writes them.
update=${1-}
. "$(dirname "$0")/real.sh"
need_command python3
golden=$root/tests/golden/terminal
escape=$(printf '\033')
export TERM=xterm TYPESCRIPT="$scratch/typescript"
cd "$scratch" || exit 3
"$bench" --version >built || exit 3
# Of a trial with few arrivals there would be a remark: those of path are longer.
sed -i -e 's/^channels = .*/channels = plain password/' -e 's/^repetitions = .*/repetitions = 2/' \
  -e 's/^probes = .*/probes = path connect latency/' \
  -e '/^\[probe.path\]/,$s/^duration = .*/duration = 500ms/' "$tiny"
cat >>"$tiny" <<'END'
[probe.connect]
duration = 100ms
warmup = 0s
[probe.latency]
duration = 100ms
warmup = 0s
END
set -- "$bench" run "$tiny" --set scenario.order=sequential --certs "$scratch/certs"

on_terminal() { # COLUMNSxROWS [PATTERN=ACTION...] -- COMMAND...: the last screen in $out
  run "$root/tests/system/on-terminal" "$@"
}

# plain FILE: a screen without times, figures and how far the bar is; figures keep their columns.
plain() {
  sed -E -e 's/([0-9]+ min )?[0-9]+ s left/TIME left/' \
    -e 's/took ([0-9]+ min )?[0-9]+ s/took TIME/' -e 's/\[[#-]+\]/[BAR]/' \
    -e 's/-[0-9]{8}T[0-9]{6}Z(-[0-9]+)?/-DATE/' "$1" | awk '{
      line = ""
      while (match($0, /  +[0-9]+(\.[0-9]+)?/)) {
        line = line substr($0, 1, RSTART - 1) sprintf("%*s", RLENGTH, "#")
        $0 = substr($0, RSTART + RLENGTH)
      }
      print line $0
    }' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' # without empty lines at the end
}

screen() { # NAME FILE [SED-SCRIPT]: is as it was kept
  plain "$2" | sed -E "${3-}" >"$scratch/$1.plain"
  if [ "$update" = --update ]; then
    mkdir -p "$golden"
    cp "$scratch/$1.plain" "$golden/$1.txt"
  fi
  is "the screen is as kept: $1" "$(cat "$scratch/$1.plain")" "$(cat "$golden/$1.txt" 2>&1)"
}

# ---- two sizes ----

# When the last trial of a channel's first block begins, and at the end.
amid=' 5/12  block 2 of 2  plain: latency$'
for size in 80x24 120x40; do
  on_terminal $size "$amid=amid" -- "$@" --output "at-$size"
  exits "on a terminal of $size" 0
  screen "amid-$size" amid
  # How long the words of the last line are depends on the folders of this machine.
  printf '%s\n' "$out" >end
  # shellcheck disable=SC2016 # for sed
  screen "end-$size" end '/^next /,$d'
  is '... nothing of it is wider' "$(awk -v columns=${size%x*} 'length($0) > columns' amid end)" ''
  matches '... the bar fills' "$(cat amid)" '\[[#]+-+\] 5/12 '
  matches '... to its end' "$out" '^  took [0-9 mins]+  \[#+\] 12/12  finished$'
done
matches 'the next step is said at last' "$(tr -d '\r' <typescript | tail -n 1)" \
  "^next     .*bench report at-120x40/tiny-[0-9TZ-]+\$"
next=$(tr -d '\r' <typescript | sed -n 's/^next     //p')
run sh -c "$next"
exits '... it can be typed' 0
check '... and reports this run' test -s at-120x40/tiny-*/report.html

# ---- narrow and low ones ----

for columns in 60 40 32; do
  on_terminal ${columns}x24 " 5/12=amid" -- "$@" --output "narrow-$columns"
  exits "on a terminal of $columns columns" 0
  matches '... the time left stands in front, whole' "$(cat amid)" \
    '^  ([0-9]+ min )?[0-9]+ s left( |$)'
  is '... no line of the picture is wider' "$(sed -n '/latest/,$p' amid |
    awk -v columns=$columns 'length($0) >= columns')" ''
done
on_terminal 80x4 "$amid=amid" -- "$@" --output low
exits 'a terminal of four lines' 0
screen amid-80x4 amid

set -- "$bench" run "$tiny" --channels mutual-tls --probes hold --repetitions 1 \
  --set fleet.clients=300 --set probe.hold.duration=100ms --certs "$scratch/members"
on_terminal 40x24 -- "$@" --output members
exits 'certificates of members on a terminal of 40 columns' 0
tr '\r' '\n' <typescript | sed -n "s/^$escape\[K\(.*\/300  c.*\)/\1/p" >bars
check '... have a bar' test -s bars
is '... which is no wider, to be drawn over' "$(awk 'length($0) >= 40' bars)" ''
set -- "$bench" run "$tiny" --set scenario.order=sequential --certs "$scratch/certs"

# ---- another size meanwhile ----

on_terminal 120x40 ' 2/12 =40x9' "^  [0-9 mins]+ left  5/12=amid" ' 6/12 =100x30' \
  ' 11/12 .*latency$=late' -- "$@" --output resized
exits 'the window changes twice' 0
screen amid-resized amid 's/( left  5\/12).*/\1/'
screen late-resized late

# ---- colours ----

colours_of() { # TEXT: of verdicts and errors
  printf '%s\n' "$1" | grep -o "${escape}\[[0-9]*m" | sort -u | tr -d '\n'
}
set -- "$bench" run "$tiny" --set scenario.order=sequential --certs "$scratch/certs" \
  --channels plain --probes path --repetitions 1 --verbose
on_terminal 100x30 -- "$@" --output colours
contains 'a proof that held is green' "$(cat typescript)" "${escape}[32m  proof "
run env NO_COLOR=1 "$root/tests/system/on-terminal" 100x30 -- "$@" --output no-colour
is 'NO_COLOR: no colour' "$(colours_of "$(cat typescript)")" ''
contains '... the same words' "$(cat typescript)" ' held '
contains '... it is drawn over all the same' "$(cat typescript)" "${escape}[J"
run env NO_COLOR= "$root/tests/system/on-terminal" 100x30 -- "$@" --output empty-colour
contains 'an empty NO_COLOR does not count' "$(cat typescript)" "${escape}[32m"
run env TERM=dumb "$root/tests/system/on-terminal" 100x30 -- "$@" --output dumb
lacks 'TERM=dumb: nothing that it would have to obey' "$(cat typescript)" "$escape"
matches '... a line a trial' "$(tr -d '\r' <typescript)" '^1/1  0 s left  plain path, block 1: '
on_terminal 100x30 -- "$bench" doctor --set hosts.address=198.51.100.7 --certs "$scratch/certs"
contains 'what is impossible is red' "$(cat typescript)" "${escape}[31m  IMPOSSIBLE"
on_terminal 100x30 -- "$bench" check nonesuch
contains 'errors are red' "$(cat typescript)" "${escape}[31mbench: error:"

for name in new old-1 old-2 old-3; do
  cp -r "$root/results/example" $name
done
on_terminal 100x30 -- "$bench" gate new --against old-1 old-2 old-3
exits 'a gate on a terminal' 0
matches '... no change is green' "$(tr -d '\r' <typescript)" \
  "${escape}\[32mno change${escape}\[0m\$"
matches '... and so is the answer' "$(tr -d '\r' <typescript)" \
  "^${escape}\[32mNo change, or better: "
if has_command gnuplot; then
  on_terminal 80x60 -- "$bench" report new
  exits 'a report on a terminal' 0
  matches '... its verdicts are coloured' "$(tr -d '\r' <typescript)" \
    "  ${escape}\[31mslower${escape}\[0m\$"
else
  skip 'a report on a terminal' 'gnuplot is not installed'
fi

# ---- no terminal ----

set -- "$tiny" --set scenario.order=sequential
measure "$@"
exits 'no terminal' 0
is '... a line for each trial' "$(printf '%s\n' "$out" | grep -cE '^ *[0-9]+/12  ')" 12
line='^ *[0-9]+/12  ([0-9]+ min )?[0-9]+ s left' # and what it was, and its figure:
line="$line  (plain|password) (path|connect|latency), block [12]: [0-9.]+ (Mbit/s|/s|ms)\$"
is '... with the time left, what it was, and its figure' \
  "$(printf '%s\n' "$out" | grep -E '^ *[0-9]+/12  ' | grep -vE "$line")" ''
is '... nothing but text' "$(printf '%s' "$out$err" | LC_ALL=C tr -d '\n -~')" ''
matches '... the next step' "$(printf '%s\n' "$out" | tail -n 1)" \
  "^next     .*bench report ${folder#"$scratch"/}\$"
run "$bench" run --resume "$folder" --certs "$scratch/certs"
is 'a run that is complete: no next step' "$out$err" \
  "$folder is complete: nothing is left to measure"
run "$bench" run --resume "$folder" --certs "$scratch/certs" --quiet
is '... with --quiet, too' "$out$err" "$folder is complete: nothing is left to measure"

# ---- --quiet ----

measure "$@" --quiet
exits '--quiet' 0
matches '... the last line alone' "$out$err" "^next     .*bench report ${folder#"$scratch"/}\$"
is '... no other' "$(printf '%s\n' "$out$err" | wc -l)" 1
begin --quiet --channels plain --probes path --repetitions 2 --set probe.path.duration=3s
kill -KILL "$(await_process '.* worker path-server$')"
stop_waiting 240
folder=$(find_run)
exits '--quiet, and a trial fails' 1
matches '... which is said' "$out" \
  '^ *[0-9]+/[0-9]+  ([0-9]+ min )?[0-9]+ s left  plain path, block [12]: failed: .*path-server'
is '... and the last line' "$(printf '%s\n' "$out" | wc -l)" 2
contains '... and how many' "$err" 'bench: trials: 1 failed, 0 void'
if has_command gnuplot; then
  run "$bench" all "$tiny" --quiet --channels plain --probes path --output all \
    --certs "$scratch/certs"
  exits 'all --quiet' 0
  matches '... ends with the page' "$(printf '%s\n' "$out" | tail -n 1)" '^page     .*report.html$'
  lacks '... without the table' "$out" '95 % CI'
  lacks '... and without a next step: it has reported' "$out" 'next '
else
  skip 'all --quiet' 'gnuplot is not installed'
fi

finish
