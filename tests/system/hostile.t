#!/bin/sh
# Archives and folders of runs that a stranger has made, to have something executed, read, written
# elsewhere, or to fill memory and disk: what scripts/unpack, table and report make of them. Those
# that are cut off or broken are in archive.t.
. "$(dirname "$0")/lib.sh"
need_command gnuplot
[ -x /usr/bin/python3 ] || skip_all 'python3 is not installed'
/usr/bin/python3 -c 'import jinja2' 2>/dev/null || skip_all 'python3-jinja2 is not installed'
cd "$scratch" || exit

# A run as small as a report needs it.
mkdir -p small home archives results
for file in scenario.ini definitions.csv trials.csv table.csv findings.csv; do
  cp "$root/results/example/$file" small/
done
tool=$root/tests/system/hostile-archives
check 'archives are made' "$tool" small archives
cd archives || exit

peak() { # NAME: of the memory of the last `measured`
  check "$1: less than 200 MB" test "$(cat "$scratch/peak")" -lt 200000
}
measured() { # COMMAND...
  run "$tool" peak "$scratch/peak" "$@"
}
unpack() { # ARCHIVE
  rm -rf "$scratch/results"
  measured "$root/scripts/unpack" "$1" "$scratch/results"
}
list() { # all that is there, and nothing of it but plain files in folders
  (cd "$scratch/results" && find . -mindepth 1 ! -type d ! -type f -o -mindepth 1 -maxdepth 1) |
    sort | tr '\n' ' '
}

# ---- members ----

unpack members.tar
exits 'links, devices, a FIFO, ways out: the run is taken' 0
contains '... ten members are left out' "$err" 'members.tar: 10 other files are left out'
is '... and nothing of them is there' "$(find ../results -type f ! -name '*.csv') $(list)" \
  '../results/run/scenario.ini ./run '
is '... the trials are those of the run' "$(cksum <../results/run/trials.csv)" \
  "$(cksum <../small/trials.csv)"
lacks '... nothing went up' "$(ls ..)" trials.csv
unpack folders.tar
exits '90,000 folders: the run is taken' 0
contains '... the rest is left out' "$err" '60 other files are left out'
is '... and no folder was made' "$(find ../results -type d | wc -l)" 2
peak '...'
unpack twice.tar
exits 'a member that is there twice: exit status 2' 2
contains '... is named' "$err" "twice.tar: member 'run/trials.csv' is there twice"
is '... nothing is left' "$(list)" ''
unpack escape.tar
lacks 'a name with an escape is not printed' "$err" "$(printf '\033')"

# ---- names ----

unpack names.tar
exits 'names that shells and gnuplot read more into' 0
is '... become plain ones' "$(list)" './_touch_PWNED__ ./_touch__id______id_ '
unpack two.zip
is 'two runs in an archive: both folders are printed' "$out" "$scratch/results/one
$scratch/results/two"
unpack same.zip
is 'two of the same name, and the same' "$(list)" './run ./run_ '
for locale in C C.UTF-8; do
  for archive in utf8 unmarked cp437; do
    rm -rf "$scratch/results"
    run env LC_ALL=$locale PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 "$root/scripts/unpack" \
      $archive.zip "$scratch/results"
    exits "$archive.zip in the locale $locale" 0
    matches '... is where it is said to be' "$(list)" '^\./Messung-[^ ]+ $'
  done
done
contains 'CP437 is read as that' "$(list)" './Messung-ä__ä'
unpack utf8.zip
contains 'UTF-8 is' "$(list)" './Messung-ä '
unpack unmarked.zip
contains '... also where it is not marked' "$(list)" './Messung-ä '
unpack backslash.zip
is 'backslashes part folders' "$(list)" './mine '

# ---- sizes ----

while read -r archive words; do
  unpack "$archive"
  exits "$archive: exit status 2" 2
  contains "... $words" "$err" "$words"
  is '... nothing is left' "$(list)" ''
  peak '...'
done <<'END'
zeros.tgz more in it than is taken
zeros-beside.tgz more in it than is taken
header.tgz more in it than is taken
holes.tgz more in it than is taken
large.zip more in it than is taken
directory.zip more in it than is taken
liar.zip cut off or damaged
early.zip cut off or damaged
bzip2.zip packed by another method
END
lacks 'nothing was executed' "$(find "$scratch" -name 'PWNED*')" PWNED

# ---- killed amid it: after a second of the processor's time, when it is not yet done ----

rm -rf ../results
# shellcheck disable=SC2016 # the inner shell's
run sh -c 'ulimit -c 0; ulimit -t 1; exec "$1" slow.tar.bz2 ../results' sh "$root/scripts/unpack"
check 'it is killed' test "$status" -gt 128
matches '... there is a hidden folder' "$(ls -A ../results)" '^\.unpacking-'
is '... and no run' "$(ls ../results)" ''
find ../results -maxdepth 1 -name '.unpacking-*' -exec touch -d '1 minute ago' {} +
run "$root/scripts/unpack" two.zip ../results
is 'the next clears it away' "$(list)" './one ./two '

# ---- folders ----

cd "$scratch" || exit
echo 'this is private' >home/secret
table() { # FOLDER
  measured "$root/scripts/table" --legend "$1"
}
fresh() { # FOLDER
  rm -rf "$1"
  cp -r small "$1"
}

fresh 'a'
mkfifo a/proofs.csv
ln -s ../home/secret a/zz.csv
ln -s ../home/secret a/summary.csv
mkdir a/old
table a
exits 'FIFOs, links and folders in a run' 0
contains '... are left out, in one line' "$err" 'a: 4 other files are left out'
for file in trials.csv scenario.ini; do
  fresh a
  rm a/$file
  mkfifo a/$file
  run -t "$soon" "$root/scripts/table" a
  exits "$file is a FIFO: exit status 2" 2
  contains '... and no run' "$err" "a/$file: no such file: this is no run folder"
done
fresh a
ln -sf ../home/secret a/table.csv
table a
exits 'table.csv is a link: exit status 2' 2
lacks '... what it leads to is not read' "$out$err" private
fresh a
ln -s ../home/secret a/table.txt
table a
exits 'table.txt is a link' 0
is '... nothing is written through it' "$(cat home/secret)" 'this is private'
check '... it is replaced' test ! -h a/table.txt

escape=$(printf '\033')
fresh a
sed -i "s/^channel,info,,,plain,,/&${escape}[31mred <image src=x> \\\\input{x} /" a/findings.csv
sed -i "s/,plain-again,/,$escape]0;plain-again,/" a/table.csv
table a
exits 'terminal escapes in findings and names' 0
contains '... the words are there' "$out" 'red <image'
lacks '... the escapes are not' "$(cat a/table.*x* a/table.md)$out$err" "$escape"
lacks '... Markdown has no markup of theirs' "$(cat a/table.md)" ' <image'
lacks '... and LaTeX no command' "$(cat a/table.tex)" '\input'

fresh a
yes "x,,y,throughput,Mbit/s,1,1,1,1,1,1,1,1,1,slower,," | head -n 100000 >>a/table.csv
table a
exits 'a table of 100,000 rows: exit status 2' 2
contains '... is not shown' "$err" 'too many rows to show'
peak '...'
ln -s ../home/secret a/cumulative.csv
ln -s ../home a/plots
cp small/table.csv a/
run "$root/scripts/report" a
exits 'figures would go through a link: exit status 2' 2
is '... nothing is in the folder that it leads to' "$(ls home)" secret
rm a/plots
run "$root/scripts/report" a
exits 'what is drawn from leads to a private file' 0
lacks '... which is nowhere' "$(cat a/report.html a/plots/*.svg)" private
for name in '< touch PWNED;#' '| touch PWNED' "\`touch PWNED\`\"'\$(touch PWNED)" '-x'; do
  fresh "./$name"
  run "$root/scripts/report" "./$name"
  exits "a folder called $name" 0
  check '... has its figures' test -s "./$name/plots/throughput.svg"
done
lacks 'nothing was executed' "$(find "$scratch" -name 'PWNED*')" PWNED
finish
