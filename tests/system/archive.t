#!/bin/sh
# ./bench report ARCHIVE: a run that was packed by zip or tar, on another machine: without its
# scenarios, certificates and hosts, as another user. And archives that are cut off, hostile, too
# large or no run at all: refused, with nothing left behind.
. "$(dirname "$0")/real.sh"
need_command gnuplot tar gzip xz
cd "$scratch" || exit

build=${BENCH_BUILD:-build}
[ "${build#/}" != "$build" ] || build=$root/$build

# A run of two hosts where there can be a lab, else of this one.
if has_command ip && has_command tc &&
  { unshare --user --map-root-user --net true 2>/dev/null || [ "$(id -u)" = 0 ]; }; then
  hosts='--broker-host lab:a --publisher-host lab:b --set hosts.address='
else
  diag 'no network namespaces: the run is of one host'
  hosts=''
fi
# shellcheck disable=SC2086 # several words
measure "$tiny" $hosts --channels 'plain mutual-tls' --probes 'path transport' --repetitions 2
exits 'a run' 0
mv "$folder" "$scratch/sent-1"
rm -rf "$results" "$scratch/certs"

# The other machine: the program and its scripts, with no scenario.
mkdir -p there/scenarios there/tmp
cp -r "$root/scripts" there/
export BENCH_ROOT="$scratch/there"

report() { # ARGUMENT...: there
  run env TMPDIR="$scratch/there/tmp" "$build/bench" report "$@"
}

raw_files() { # FOLDER: their checksums
  (cd "$1" && find . -maxdepth 1 -type f -exec cksum {} + | sort | grep -v "$made")
}
made='table\|summary\|comparisons\|ladder\|findings\|values\|cumulative\|report'

list_results() {
  ls -A there/results 2>/dev/null
}

# ---- whole archives ----

run "$build/bench" report sent-1 # what all others are compared with
exits 'the run itself, there' 0
cp sent-1/summary.csv expected.csv
rm -rf sent-1/plots sent-1/summary.csv sent-1/comparisons.csv sent-1/ladder.csv sent-1/table.* \
  sent-1/findings.csv sent-1/values.csv sent-1/cumulative.csv sent-1/report.html

tar -cf tar.tar sent-1
tar -czf tgz.tgz sent-1
tar -cJf txz.tar.xz ./sent-1/
mkdir results && cp -r sent-1 results/ && tar -czf deep.tar.gz results/sent-1
tar -cf flat-1.tar -C sent-1 .
archives='tar.tar tgz.tgz txz.tar.xz deep.tar.gz flat-1.tar'
if has_command zip; then
  zip -qr zip.zip results/sent-1
  archives="$archives zip.zip"
else
  skip 'a zip by zip' 'zip is not installed'
fi
for archive in $archives; do
  name=sent-1
  [ "$archive" != flat-1.tar ] || name=flat-1
  rm -rf there/results there/plots
  report "$archive"
  exits "$archive" 0
  contains '... it says where it is' "$err" "bench: $archive is unpacked: there/results/$name"
  is '... nothing but the run is there' "$(list_results)" "$name"
  is '... with the same summary' "$(cksum <"there/results/$name/summary.csv")" \
    "$(cksum <expected.csv)"
  check '... and its chart' test -s "there/plots/$name/throughput.svg"
  is '... all raw files arrived' "$(raw_files sent-1)" "$(raw_files "there/results/$name")"
  contains '... without the logs' "$err" 'other files are left out'
done

# ---- again ----

rm -rf there/results there/plots
report tar.tar
report tgz.tgz
exits 'a run that is there already' 0
contains '... is used as it is' "$err" 'a run that is there already, with the same trials'
sed -i '$d' there/results/sent-1/trials.csv
changed=$(cksum <there/results/sent-1/trials.csv)
report tar.tar
exits 'a different run of that name: exit status 2' 2
contains '... it is named' "$err" "a different run is in $scratch/there/results/sent-1"
contains '... and what to do' "$err" '--output DIR'
is '... it is left alone' "$(cksum <there/results/sent-1/trials.csv)" "$changed"
is '... with nothing beside it' "$(list_results)" sent-1
report tar.tar --output elsewhere
exits 'elsewhere' 0
check '... it is there' test -s elsewhere/sent-1/summary.csv
rm -rf there/results there/plots
report tar.tar flat-1.tar
exits 'two archives' 0
contains '... are set side by side' "$out" '2 runs side by side'
check '... in plots/' test -n "$(find there/plots -name 'side-by-side-*')"
report tar.tar there/results/sent-1
exits 'an archive and what it holds: exit status 2' 2
contains '... the same run twice' "$err" 'the same run is given twice'

# ---- another user ----

if can_be_nobody; then
  rm -rf there/results there/plots
  mkdir nobody
  chmod 777 nobody there/tmp
  chmod 755 there there/scenarios
  chmod 644 tar.tar
  run $nobody TMPDIR="$scratch/there/tmp" BENCH_ROOT="$BENCH_ROOT" "$build/bench" report tar.tar \
    --output "$scratch/nobody"
  exits 'as an ordinary user' 0
  is '... the same summary' "$(cksum <nobody/sent-1/summary.csv)" "$(cksum <expected.csv)"
  rm -rf there/results
  run $nobody TMPDIR="$scratch/there/tmp" BENCH_ROOT="$BENCH_ROOT" "$build/bench" report tar.tar
  exits 'where that user may not write: exit status 3' 3
  contains '... the folder is named' "$err" 'there/results: Permission denied'
else
  skip 'as an ordinary user' 'needs root, and sources that all can read'
fi

# ---- what is refused ----

refused() { # NAME STATUS WORDS ARCHIVE
  rm -rf there/results there/plots
  report "$4"
  exits "$1: exit status $2" "$2"
  contains '... the archive is named' "$err" "$4: "
  contains "... why: $3" "$err" "$3"
  is '... nothing is left' "$(list_results)$(find there/plots there/tmp -mindepth 1 2>/dev/null)" ''
}

size=$(wc -c <tgz.tgz)
head -c $((size / 2)) tgz.tgz >half.tgz
refused 'half a tar.gz' 2 'cut off or damaged' half.tgz
head -c $((size - 3)) tgz.tgz >almost.tgz
refused 'all but its last bytes' 2 'cut off or damaged' almost.tgz
tar --list -Rf tar.tar | awk '$3 ~ /trials.csv/ { sub(/:/, "", $2); print $2 }' >place
head -c $((512 * $(cat place))) tar.tar >cut.tar
refused 'a tar that was cut between two files' 2 'cut off: its end is missing' cut.tar
if has_command zip; then
  head -c $(($(wc -c <zip.zip) / 2)) zip.zip >half.zip
  refused 'half a zip' 2 'cut off or damaged' half.zip
  zip -q0r torn.zip results/sent-1
  LC_ALL=C sed -i 's/throughput_mbit_s/throughput_mbit_X/' torn.zip
  refused 'a zip with other bytes in it' 2 'cut off or damaged' torn.zip
fi
cp sent-1/trials.csv words.zip
refused 'a table that is called zip' 2 'not a run folder, and no archive' words.zip
: >empty.tar.gz
refused 'an empty file' 2 'not a run folder, and no archive' empty.tar.gz
tar -czf docs.tgz -C "$root" scenarios
refused 'another folder' 2 'no run is in it' docs.tgz
cp -r sent-1 less
rm less/definitions.csv
tar -czf less.tgz less
refused 'a run without definitions.csv' 2 'the run in it has no definitions.csv' less.tgz

cp -r sent-1 evil
truncate -s 17G evil/metrics.csv
tar -cSf large.tar evil
refused '17 GiB in a few bytes' 2 'more in it than is taken' large.tar

# A file system of 1 MiB: where mounts are possible at all.
mkdir small
if unshare --user --map-root-user --mount mount -t tmpfs -o size=1m none small 2>/dev/null; then
  head -c 3000000 /dev/urandom >evil/metrics.csv
  tar -cf full.tar evil
  # shellcheck disable=SC2016 # the inner shell's
  run unshare --user --map-root-user --mount sh -c 'mount -t tmpfs -o size=1m none small &&
    "$1" report full.tar --output small; status=$?; ls -A small; exit $status' sh "$build/bench"
  exits 'the disk is full: exit status 3' 3
  contains '... which is said' "$err" 'No space left on device'
  is '... nothing is left' "$out" ''
else
  skip 'the disk is full' 'no mounts for an ordinary user here'
fi

finish
