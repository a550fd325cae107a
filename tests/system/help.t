#!/bin/sh
# Every command's help shows its own options and no others, and three examples; each is executed
# here: in a folder with runs of the names that they have, with trials as short as they may be.
. "$(dirname "$0")/real.sh"
need_command gnuplot python3
program=${BENCH_BUILD:-$root/build}/bench # the launcher's checks of each call take long
commands=$("$bench" complete -- | grep -v -e '^-' -e '^test$')

# ---- what the help shows ----

for command in $commands; do
  run "$bench" "$command" --help
  is "$command --help shows what it takes" \
    "$(printf '%s\n' "$out" | sed '/^Examples:/,$d' |
      sed -n 's/^ .\{0,5\}[ ,]--\([a-z-]*\).*/--\1/p' | sort -u)" \
    "$("$bench" complete -- "$command" -- | sort -u)"
  is '... and three examples, each in a line' "$(printf '%s\n' "$out" |
    sed "1,/^Examples:/d; s/^  \.\/bench $command\>.*/example/" | tr '\n' ' ')" \
    'example example example '
  is '... in lines that fit' "$(printf '%s\n' "$out" | awk 'length > 80')" ''
done
run "$bench" estimate --help
lacks 'an option does not say whose it is' "$out" 'estimate: '
is 'what must be given is said' \
  "$(printf '%s\n' "$out" | sed -n 's/^ *--\([a-z]*\)=.*(required)$/\1/p' | tr '\n' ' ')" \
  'devices interval '
contains '... and what is taken otherwise' "$out" '(default: 1/day)'
for command in $commands; do
  run "$bench" "$command" -h
  is "$command -h is the same as --help" "$status $out" "0 $("$bench" "$command" --help)"
done
run "$bench" --help
is 'the help of all fits, too' "$(printf '%s\n' "$out" | awk 'length > 80')" ''
matches '... and has the version' "$out" '^  --version '
run "$program" test unit
exits 'the tests without the launcher' 2
contains '... are done by that' "$err" 'the launcher does that: '

# ---- what the help does not show ----

for command in $commands; do
  "$program" complete -- "$command" --
done | sort -u >"$scratch/options"
for command in $commands; do
  accepted=$("$program" complete -- "$command" -- | sort |
    comm -13 - "$scratch/options" | while read -r option; do
    run "$program" "$command" "$option"
    case $status$err in
    "2bench: error: $option goes with "*' only') ;;
    *) echo "$option" ;;
    esac
  done)
  is "$command refuses all other options" "$accepted" ''
done
while IFS='|' read -r words expected; do
  # shellcheck disable=SC2086 # several words
  run "$program" $words
  is "$words: is refused" "$status" 2
  contains '... in words' "$err" "$expected"
done <<'END'
list -v|--verbose goes with all and run only
check -q|--quiet goes with all, run, report and speed only
list -o x|--output goes with all, run and report only
all --re x|'--re' may be any of --repetitions, --resume, --redact
run --quiet=3|--quiet takes no value
run --set|--set takes a value: --set=PATH=VALUE
run -z|unrecognized option '-z'; `./bench run --help` shows all
gate new old-1 old-2|one word too many: 'old-1'; baselines stand behind --against
deploy|deploy to which host? As in `./bench deploy ssh://pi@pi-a`
deploy pi@pi-a|'pi@pi-a' is no host; over ssh it is ssh://pi@pi-a
deploy lab:a|lab:a is not reached over ssh; right would be, say, ssh://pi@pi-a
deploy pi:secret@pi-a|a password has no place in an address
END
for command in $commands; do
  "$bench" "$command" --help | sed '1,/^Examples:/d; s/^  \.\/bench //'
done >"$scratch/examples"
run "$bench" manual
is 'the manual has these examples, and no others' "$(printf '%s\n' "$out" |
  sed -n 's/\\-/-/g; s/\\(aq/'"'"'/g; s/^mqtt-security-bench //p')" "$(cat "$scratch/examples")"

# The launcher's own command.
run "$bench" test --help
exits 'the tests have a help' 0
"$bench" test --list >"$scratch/tests"
is '... with three examples, of tests that there are' "$(printf '%s\n' "$out" |
  sed -n 's/^  bench test //p' | while read -r names; do
  for name in $names; do
    [ "$name" = --full ] || grep -qE "^$name(/|\$)" "$scratch/tests" || echo "no $name"
  done
  echo example
done)" "$(printf 'example\nexample\nexample')"

# ---- the examples ----

mkdir -p "$scratch/here/results" "$scratch/ssh"
cd "$scratch/here" || exit
for name in example new old-1 old-2 old-3; do
  cp -R "$root/results/example" "results/$name"
done
"$root/tests/system/made-fleet" results/costs
"$bench" report results/costs --output results >"$scratch/.out" 2>&1
# A stand-in that nobody answers, and that keeps whom it was to reach.
printf '#!/bin/sh\nprintf "%%s\\n" "$*" >>"%s"\necho "no route" >&2\nexit 255\n' "$scratch/asked" \
  >"$scratch/ssh/ssh"
chmod +x "$scratch/ssh/ssh"
short="--repetitions 1 --output results --certs '$scratch/certs'"
for probe in path transport transport-per-unit delivery latency connect; do
  short="$short --set probe.$probe.duration=100ms --set probe.$probe.warmup=0s"
done

# executes WORDS [MORE]: as a shell does what the help shows.
ln -s "$bench" bench
executes() {
  run sh -c "./bench $1 ${2-}"
}

# example LINE: of a help.
example() {
  case $1 in
  *lab:*)
    "$bench" doctor --broker-host lab:a --publisher-host lab:b >"$scratch/.out" 2>&1 || {
      skip "$1" 'no lab can be had here'
      return
    }
    ;;
  esac
  case $1 in
  all* | run*)
    executes "check $(printf '%s' "${1#* }" | sed 's/ --quiet//')"
    exits "$1: is accepted" 0
    executes "$1" "$short"
    exits '... and executed, if shorter' 0
    ;;
  gate*)
    executes "$1"
    check "$1" test "$status" = 0 -o "$status" = 5
    ;;
  deploy*)
    : >"$scratch/asked"
    PATH="$scratch/ssh:$PATH" executes "$1"
    exits "$1: as far as ssh" 3
    matches '... which is to reach that host' "$(cat "$scratch/asked")" 'pi-[ac]'
    ;;
  certs | 'certs show' | speed*)
    executes "$1" "--certs '$scratch/certs'"
    exits "$1" 0
    ;;
  report*)
    executes "$1" '--output results'
    exits "$1" 0
    ;;
  *)
    executes "$1"
    exits "$1" 0
    ;;
  esac
}

while read -r line <&8; do
  example "$line"
done 8<"$scratch/examples"

# ---- a part of a list ----

run "$bench" list settings probe.connect
exits 'a part of the settings' 0
is '... is that alone' "$(printf '%s\n' "$out" | sed -n 's/^  \([a-z]\)/\1/p' |
  grep -v '^probe\.connect\.')" ''
run "$bench" list settings tls.min_version
matches '... of a channel it needs no name' "$out" '^  channel\.NAME\.tls\.min_version '
run "$bench" list metrics connect
matches 'a part of the metrics' "$out" '^  connect tls_time, ms'
run "$bench" list channels plain
exits 'what has no parts' 2
run "$bench" list
check 'the list of all is short' test "$(printf '%s\n' "$out" | wc -l)" -lt 160
is '... a line for each name' "$(printf '%s\n' "$out" | grep '^   ')" ''

is 'no broker'\''s folder stays' "$(list_brokers)" ''
finish
