# shellcheck shell=sh
# real.sh - for the system tests that run the real program and the real broker, on top of lib.sh:
#
#     #!/bin/sh
#     . "$(dirname "$0")/real.sh"
#
#   $tiny     a scenario file: plain, path, one block of the shortest trials
#   measure SCENARIO [OPTION...]   `bench run` into a folder of its own: $results; $folder: its run
#   $same     hosts.folder of a host behind `exec:` that is this machine: the program under test
#   rows FILE.csv COLUMN[,...] [COLUMN=VALUE...]   of a run's table, separated by '|'
#
# Certificates are made once for a test, in $scratch/certs; brokers live in $TMPDIR, $scratch/tmp.
. "$(dirname "$0")/lib.sh"
need_command mosquitto
unset BENCH_CA_PASSPHRASE BENCH_ROOT NO_COLOR
export BENCH_NO_INSTALL=1 TMPDIR="$scratch/tmp"
mkdir "$TMPDIR"
tiny=$scratch/tiny.ini
same=$scratch/same
mkdir "$same"
printf '#!/bin/sh\nBENCH_BUILD="%s" exec "%s" "$@"\n' "${BENCH_BUILD:-build}" "$bench" \
  >"$same/bench"
chmod +x "$same/bench"
measured=0 results='' folder=''

# Times as short as they may be: nothing here is judged by its speed.
cat >"$tiny" <<'END'
[scenario]
channels = plain
probes = path
repetitions = 1
[hosts]
broker = local
publisher = local
address = 127.0.0.1
[telemetry]
interval = 20ms
[probe.path]
duration = 100ms
warmup = 0s
[probe.transport]
duration = 100ms
warmup = 0s
[probe.delivery]
duration = 100ms
warmup = 0s
payload = 1KiB
END

measure() { # SCENARIO [OPTION...]
  measured=$((measured + 1))
  results=$scratch/results.$measured
  run "$bench" run "$@" --output "$results" --certs "$scratch/certs"
  # shellcheck disable=SC2034 # for the tests
  folder=$(find_run)
}

find_run() { # the folder of the run in $results, if there is one beside the example
  find "$results" -mindepth 1 -maxdepth 1 -type d ! -name example 2>/dev/null
}

rows() { # FILE COLUMN[,COLUMN...] [COLUMN=VALUE...]: of the rows that have these values
  rows_file=$1 rows_columns=$2
  shift 2
  rows_wanted=$(printf '%s\034' "$@")
  LC_ALL=C awk -v columns="$rows_columns" -v wanted="$rows_wanted" '
    # RFC 4180, without line ends in fields, into field[1..].
    function split_csv(line,    n, c, i, quoted) {
      sub(/\r$/, "", line)
      n = 1
      field[1] = ""
      for (i = 1; i <= length(line); i++) {
        c = substr(line, i, 1)
        if (c == "\"" && quoted && substr(line, i + 1, 1) == "\"") { field[n] = field[n] c; i++ }
        else if (c == "\"") quoted = !quoted
        else if (c == "," && !quoted) field[++n] = ""
        else field[n] = field[n] c
      }
      return n
    }
    BEGIN { n_columns = split(columns, column, ","); n_wanted = split(wanted, pair, "\034") - 1 }
    NR == 1 {
      n = split_csv($0)
      for (i = 1; i <= n; i++) place[field[i]] = i
      next
    }
    {
      n = split_csv($0)
      for (i = 1; i <= n_wanted; i++) {
        at = index(pair[i], "=")
        if (field[place[substr(pair[i], 1, at - 1)]] != substr(pair[i], at + 1)) next
      }
      for (i = 1; i <= n_columns; i++)
        printf "%s%s", column[i] in place ? field[place[column[i]]] : "no column " column[i],
               i < n_columns ? "|" : "\n"
    }' "$rows_file"
}

count() { # FILE.csv [COLUMN=VALUE...]: of the rows that have these values
  count_file=$1
  shift
  rows "$count_file" trial "$@" | wc -l
}

clues() { # why trials of the last run came to nothing
  [ -f "$folder/trials.csv" ] || return 0
  for clue in failed void; do
    rows "$folder/trials.csv" trial,attempt,channel,probe,status,reason status=$clue
  done
}

# ---- the processes of a run that goes on in the background ----

start() { # COMMAND...: into $driver, its output into $scratch/.out and .err
  env --default-signal=INT,HUP "$@" >"$scratch/.out" 2>"$scratch/.err" </dev/null &
  driver=$!
}

begin() { # [OPTION...]: `bench run` in the background, with what `measure` gives it
  measured=$((measured + 1))
  results=$scratch/results.$measured
  start setsid "$bench" run "$tiny" --output "$results" --certs "$scratch/certs" "$@"
}

await_trials() { # N: until that many are committed to the run in $results; then $folder
  wait_for 120 has_trials "$1"
}

has_trials() {
  folder=$(find_run)
  [ -f "$folder/trials.csv" ] && [ "$(wc -l <"$folder/trials.csv")" -gt "$1" ]
}

stop_waiting() { # SECONDS: waits for the end of $driver; then as after `run`
  status=0
  if wait_for "$1" is_gone "$driver"; then
    wait "$driver" || status=$?
  else
    kill -KILL "$driver"
    wait "$driver"
    status=124
  fi
  out=$(cat "$scratch/.out")
  err=$(cat "$scratch/.err")
}
watch_run() { # SECONDS: the same; all command lines and environments meanwhile: $scratch/seen
  while ! is_gone "$driver"; do
    for pid in $(list_rest | cut -d ' ' -f 1); do
      tr '\0' ' ' <"/proc/$pid/cmdline"
      tr '\0' '\n' <"/proc/$pid/environ"
    done 2>/dev/null
  done >"$scratch/seen"
  stop_waiting "$1"
}

is_gone() { # PID...: all have ended (one that nobody has waited for yet, too)
  for gone_pid; do
    [ ! -e "/proc/$gone_pid" ] || grep -q '^State:.*Z' "/proc/$gone_pid/status" 2>/dev/null ||
      return 1
  done
}

is_rest_gone_soon() { # for check: no process of this test is left
  wait_for "$soon" is_rest_gone
}

# find_process PATTERN: the process ids of this test whose arguments match. Those that look for it
# have the pattern among their own: they are started when the list is there. A process that one of
# them has just forked, and that has its arguments until it executes a program, does not count.
find_process() {
  find_rest=$(list_rest)
  find_all=$(printf '%s\n' "$find_rest" | sed 's/ *$//' | grep -E -e "^[0-9]+ ($1)" |
    cut -d ' ' -f 1 | tr '\n' ' ')
  for find_pid in $find_all; do
    find_parent=$(awk '$1 == "PPid:" { print $2 }' "/proc/$find_pid/status" 2>/dev/null)
    case " $find_all" in
    *" $find_parent "*) ;;
    *) echo "$find_pid" ;;
    esac
  done
}

await_process() { # PATTERN: the same, as soon as there is one; nothing after a minute
  found=''
  wait_for 60 has_process "$1"
  printf '%s\n' "$found" | head -n 1
}

has_process() {
  found=$(find_process "$1")
  [ -n "$found" ]
}

list_brokers() { # folders of brokers that stayed
  find "$TMPDIR" -maxdepth 1 -name 'bench-broker-*'
}

# ---- other users ----

# $nobody COMMAND...: as an ordinary user.
nobody='setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/nonexistent'

# Whether this is root, and an ordinary user can read the sources and the program; then $scratch,
# too, can be passed through (not listed) by all.
can_be_nobody() {
  [ "$(id -u)" = 0 ] && has_command setpriv && $nobody "$bench" --version >/dev/null 2>&1 ||
    return 1
  nobody_path=$scratch
  while [ "${nobody_path#*/bench-test}" != "$nobody_path" ]; do
    chmod 711 "$nobody_path"
    nobody_path=${nobody_path%/*}
  done
}
