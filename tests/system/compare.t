#!/bin/sh
# Each row of each comparison once, as short as it goes: that its parts work together and that it
# ends with figures. How good these are is for the comparisons alone: their bounds are off here.
. "$(dirname "$0")/lib.sh"
need_command iperf3 stunnel4 mosquitto mosquitto_pub openssl gnuplot ip tc nsenter
export PAIRS=1 SECONDS_EACH=1 WARMUP=0 TRIAL_SECONDS=0.1 BOUNDS=no

rows_of() { # NAME COUNT COMMAND...
  name=$1 count=$2
  shift 2
  run "$@"
  exits "$name" 0
  is "$name: rows" "$(printf '%s\n' "$out" | grep -c ' x *[0-9]')" "$count"
}

rows_of 'compare-peers' 23 env CLIENTS=50 HELD=50 "$root/scripts/compare-peers"
rows_of 'compare-fleet' 4 env FEW=100 MANY=200 CHANNELS=plain BLOCKS=1 "$root/scripts/compare-fleet"
openssl genpkey -algorithm ML-DSA-65 -out /dev/null 2>/dev/null && connect_rows=9 || connect_rows=7
rows_of 'compare-connect' "$connect_rows" "$root/scripts/compare-connect"
[ "$connect_rows" = 9 ] || matches '... without one, and why' "$out" \
  '^pq  *left out: OpenSSL 3\.[0-4][0-9.]* has no ML-DSA: Debian 13 has$'
rows_of 'compare-lab' 5 "$root/scripts/compare-lab"
rows_of 'speed' 12 "$root/tests/benchmarks/speed"
rows_of 'payload-cost' 1 "$root/tests/benchmarks/payload-cost" 1024
CLIENTS=50 MESSAGES=4000 rows_of 'client-group' 4 "$root/tests/benchmarks/client-group"
rows_of 'report-scale' 1 "$root/tests/benchmarks/report-scale" 500 1000

# ---- a row without a positive figure, or out of its bounds, fails its script ----

# judge FIRST SECOND BOUNDS: a row whose halves print these, then the end of a comparison.
judge() {
  cat >"$scratch/compare" <<END
. "$root/scripts/compare.sh"
pairs=3
ours() { echo "$1"; }
theirs() { echo "$2"; }
row made-up Mbit/s '$3' '' '' ours theirs
finish
END
  run env BOUNDS=yes sh "$scratch/compare"
}

judge 10 10 '0.9 1.1'
exits 'two figures within their bounds' 0
for figures in '0 10' '10 0' '- 10' '10 ' 'inf 10' 'nan 10' '-3 10'; do
  judge "${figures% *}" "${figures#* }" '- -'
  exits "no positive figure: $figures" 1
  contains "and it says so: $figures" "$out" 'no figure'
done
judge 10 20 '0.9 -'
exits 'below its bound' 1
contains 'and it says so' "$out" missed
judge 20 10 '- 1.1'
exits 'above its bound' 1

# Reports that have tables, but never figures: what ends so without gnuplot is right.
printf '#!/bin/sh\nexit 3\n' >"$scratch/no-figures"
chmod +x "$scratch/no-figures"
mkdir "$scratch/made-up"
run "${BENCH_BUILD:-$root/build}/tests/report_scale" "$scratch/no-figures" "$scratch/made-up" 200
exits 'report-scale of reports that fail' 1
contains 'and it says so' "$out" missed

finish
