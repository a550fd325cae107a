# shellcheck shell=sh
# lib.sh - what the system tests (*.t, TAP on stdout) are written with. A test starts with
#
#     #!/bin/sh
#     . "$(dirname "$0")/lib.sh"
#
# and ends with `finish`, which checks that no process is left and prints the plan.
#
#   $root     the top folder of the sources         $bench    its launcher
#   $scratch  an empty folder, removed at the end (kept with BENCH_KEEP=1)
#   run [-t SECONDS] COMMAND...   into $status, $out, $err (texts without their last line ends)
#   $soon     seconds that what must happen by itself may take on the slowest, busiest machine
set -u

root=$(cd "$(dirname "$0")/../.." && pwd -P) || exit 3
# shellcheck disable=SC2034 # for the tests
bench=$root/bench
scratch=$(mktemp -d "${TMPDIR:-/tmp}/bench-test.XXXXXX") || exit 3
BENCH_TEST_ID=$$.$(date +%s%N) # marks all that this test starts
BENCH_LOCKS=$scratch # runs of other tests are none of ours
export BENCH_TEST_ID BENCH_LOCKS
test_count=0 test_failures=0 test_finished=no status='' out='' err=''
# Waiting ends when what is waited for is there: a generous limit costs nothing. Less than the half
# minute after which an agent ends that hears nothing: what the driver's end must end is told apart.
soon=20

trap on_exit EXIT
trap 'exit 130' HUP INT TERM

# ---- verdicts: each prints one line of TAP ----

diag() {
  printf '%s\n' "$*" | sed 's/^/# /'
}

pass() { # NAME
  test_count=$((test_count + 1))
  printf 'ok %d - %s\n' "$test_count" "$1"
}

fail() { # NAME [EXPLANATION]: shows the last `run` as well, and what `clues` prints
  test_count=$((test_count + 1))
  test_failures=$((test_failures + 1))
  printf 'not ok %d - %s\n' "$test_count" "$1"
  [ -z "${2-}" ] || diag "$2"
  [ -z "$status" ] || diag "last run: exit status $status
stdout: $(printf '%s' "$out" | tail -n 20)
stderr: $(printf '%s' "$err" | tail -n 20)"
  test_clues=$(clues | tail -n 20)
  [ -z "$test_clues" ] || diag "$test_clues"
}

clues() { # what else may explain a failure: for libraries above this one
  :
}

skip() { # NAME REASON
  test_count=$((test_count + 1))
  printf 'ok %d - %s # SKIP %s\n' "$test_count" "$1" "$2"
}

check() { # NAME COMMAND...: passes when the command succeeds
  test_name=$1
  shift
  if "$@"; then
    pass "$test_name"
  else
    fail "$test_name" "failed: $*"
  fi
}

is() { # NAME ACTUAL EXPECTED
  if [ "$2" = "$3" ]; then
    pass "$1"
  else
    fail "$1" "got:      $2
expected: $3"
  fi
}

contains() { # NAME TEXT PART
  case $2 in
  *"$3"*) pass "$1" ;;
  *) fail "$1" "not found: $3" ;;
  esac
}

lacks() { # NAME TEXT PART
  case $2 in
  *"$3"*) fail "$1" "found: $3" ;;
  *) pass "$1" ;;
  esac
}

holds() { # NAME CONDITION-OF-AWK [NAME=NUMBER...]
  holds_name=$1 holds_condition=$2
  shift 2
  holds_given=$*
  for holds_number; do
    set -- "$@" -v "$holds_number"
    shift
  done
  if awk "$@" "BEGIN { exit !($holds_condition) }" </dev/null; then
    pass "$holds_name"
  else
    fail "$holds_name" "$holds_condition, where $holds_given"
  fi
}

matches() { # NAME TEXT EXTENDED-REGEX: for a line of the text
  if printf '%s\n' "$2" | grep -qE -e "$3"; then
    pass "$1"
  else
    fail "$1" "no line matches: $3"
  fi
}

exits() { # NAME STATUS: of the last `run`
  is "$1" "$status" "$2"
}

# ---- what a test needs: without it the whole file is skipped ----

skip_all() { # REASON
  printf '1..0 # SKIP %s\n' "$1"
  test_finished=yes
  exit 0
}

need_root() {
  [ "$(id -u)" = 0 ] || skip_all 'needs root'
}

need_command() { # COMMAND...
  for test_command; do
    has_command "$test_command" || skip_all "$test_command is not installed"
  done
}

has_command() { # also where an ordinary user's PATH does not lead
  PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin command -v "$1" >/dev/null
}

# ---- running commands ----

run() { # [-t SECONDS] COMMAND...: a command that takes longer is stopped, its status is 124
  test_limit=300
  if [ "$1" = -t ]; then
    test_limit=$2
    shift 2
  fi
  status=0
  timeout --foreground -k 5 "$test_limit" "$@" >"$scratch/.out" 2>"$scratch/.err" || status=$?
  out=$(cat "$scratch/.out")
  err=$(cat "$scratch/.err")
}

wait_for() { # SECONDS COMMAND...: until the command succeeds
  test_limit=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt "$test_limit" ] || return 1
    sleep 0.1
  done
}

# ---- the end ----

# The processes that carry our mark (this shell does not: it was set after the start), with their
# arguments; by a few programs, however many they are, as some tests are to hit a certain moment.
list_rest() (
  test_mark=BENCH_TEST_ID=$BENCH_TEST_ID
  unset BENCH_TEST_ID
  grep -lzxF "$test_mark" /proc/[0-9]*/environ 2>/dev/null | sed 's/environ$/cmdline/' |
    xargs -r grep -Haz '' 2>/dev/null | tr '\n\0' ' \n' | awk '{
      split($0, part, "/")
      sub(/^[^:]*:/, "")
      if (part[3] != pid) line[++n] = pid = part[3]
      line[n] = line[n] " " $0
    }
    END { for (i = 1; i <= n; i++) print line[i] " " }'
)

is_rest_gone() {
  [ -z "$(list_rest)" ]
}

finish() {
  if wait_for "$soon" is_rest_gone; then
    pass 'no process is left'
  else
    status=''
    fail 'no process is left' "$(list_rest)"
  fi
  printf '1..%d\n' "$test_count"
  test_finished=yes
  [ "$test_failures" -eq 0 ]
  exit
}

on_exit() {
  test_status=$?
  trap - EXIT
  list_rest | while read -r test_pid _; do
    kill -KILL "$test_pid"
  done 2>/dev/null
  if [ "${BENCH_KEEP-}" = 1 ]; then
    diag "kept: $scratch"
  else
    rm -rf "$scratch"
  fi
  if [ "$test_finished" = no ]; then
    diag 'ended before its end'
    [ "$test_status" -ne 0 ] || test_status=1
  fi
  exit "$test_status"
}
