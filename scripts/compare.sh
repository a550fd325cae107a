# shellcheck shell=sh
# compare.sh - what the comparisons share; sourced by each of them. One ends with `finish`, which
# fails when a row has no positive figure or has missed its bounds.
#
#   PAIRS=N  SECONDS_EACH=S   how many pairs a row has, how long each half of one measures
#   WARMUP=S                  how long it runs before that; default 1
#   BOUNDS=no                 bounds are not looked at: only whether there are figures
#   $bench, $work             the launcher; an empty folder that is removed at the end
#   $pairs                    how many pairs; the script sets it from PAIRS
set -eu

pairs='' rows_wrong=0
# shellcheck disable=SC2034 # for the scripts
warmup=${WARMUP:-1}

here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck disable=SC2034 # for the scripts
bench=$here/bench
work=$(mktemp -d)
children=

cleanup() {
  for child in $children; do
    kill "$child" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' HUP INT TERM

fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 3
}

PATH=$PATH:/usr/sbin:/sbin
need() { # COMMAND...
  for need in "$@"; do
    command -v "$need" >/dev/null || fail "$need is not installed; ./bench test --full installs it"
  done
}

# A port that nobody listens on now.
free_port() {
  while :; do
    port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 10000))
    grep -qi ":$(printf '%04X' "$port") 00000000" /proc/net/tcp || break
  done
  echo "$port"
}

# Waits until somebody listens on a port of 127.0.0.1.
await_port() { # PORT
  tries=0 hex=$(printf '%04X' "$1")
  until grep -qiE "(0100007F|00000000):$hex 00000000:0000 0A" /proc/net/tcp; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || fail "nobody listens on port $1"
    sleep 0.02
  done
}

# The quantile of the numbers on stdin, between two of them as R's quantile() has it by default.
quantile() { # SHARE
  sort -g | awk -v share="$1" '{v[NR] = $1}
    END {at = 1 + (NR - 1) * share; m = int(at); print v[m] + (at - m) * (v[m + (at > m)] - v[m])}'
}

median() { # of the numbers on stdin
  sort -g | awk '{v[NR] = $1}
    END {m = int((NR + 1) / 2); print NR % 2 ? v[m] : (v[m] + v[m + 1]) / 2}'
}

json_number() { # FILE KEY: the last number of that name
  sed -n "s/.*\"$2\":[[:space:]]*\([0-9.e+-]*\).*/\1/p" "$1" | tail -n 1
}

received_mbit_s() { # FILE: what an iperf3 client has told in JSON
  sed -n '/"sum_received"/,/}/p' "$1" >"$work/sum"
  json_number "$work/sum" bits_per_second | awk '{print $1 / 1e6}'
}

# A row, with the ratio of its two figures, which is to lie within BOUNDS: "LOW HIGH", "-" for none.
print_row() { # NAME OURS THEIRS UNIT BOUNDS
  awk -v name="$1" -v a="$2" -v b="$3" -v unit="$4" -v bounds="$5" -v judged="${BOUNDS:-yes}" '
    function positive(x) { return x ~ /^[0-9.]+(e[-+]?[0-9]+)?$/ && x + 0 > 0 }
    BEGIN {
      split(bounds, bound, " ")
      low = bound[1] != "-"
      high = bound[2] != "-"
      goal = low && high ? bound[1] " to " bound[2] : low ? ">= " bound[1] : ""
      if (high && !low) goal = "<= " bound[2]
      good = positive(a) && positive(b)
      ratio = good ? a / b : 0
      verdict = good ? "" : "no figure"
      if (good && judged != "no" &&
          (low && ratio < bound[1] + 0 || high && ratio > bound[2] + 0)) verdict = "missed"
      printf "%-34s %12.5g %12.5g  %-9s  x %.4f  %-12s %s\n", name, a, b, unit, ratio, goal, verdict
      exit verdict != ""
    }' || rows_wrong=$((rows_wrong + 1))
}

# The median of a column, if each pair has given a positive figure; else "none".
figure() { # FILE COLUMN
  awk -v c="$2" '$c ~ /^[0-9.]+(e[-+]?[0-9]+)?$/ && $c > 0 {print $c}' "$1" >"$work/positive"
  if [ "$(wc -l <"$work/positive")" -eq "$pairs" ]; then
    median <"$work/positive"
  else
    echo none
  fi
}

# Alternating pairs, then the medians of both halves and their ratios, a line for each of the
# columns that both print.
row() { # NAME UNIT BOUNDS SECOND-UNIT SECOND-BOUNDS OURS THEIRS
  name=$1 unit=$2 bounds=$3 second=$4 second_bounds=$5 mine=$6 peer=$7
  rm -f "$work/mine" "$work/peer"
  i=0
  while [ $i -lt "$pairs" ]; do
    $mine >>"$work/mine"
    $peer >>"$work/peer"
    i=$((i + 1))
  done
  for column in 1 2; do
    [ -n "$unit" ] || continue
    print_row "$name" "$(figure "$work/mine" $column)" "$(figure "$work/peer" $column)" "$unit" \
      "$bounds"
    unit=$second bounds=$second_bounds
  done
}

# A row that cannot be had here, which is no failure.
left_out() { # NAME REASON
  printf '%-34s left out: %s\n' "$1" "$2"
}

finish() { # the last command of a comparison
  [ "$rows_wrong" -eq 0 ] || {
    echo "${0##*/}: $rows_wrong rows have no figure or have missed their bounds" >&2
    return 1
  }
}
