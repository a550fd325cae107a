#!/bin/sh
# What is made of the tables for other programs: the words that bash completes, and the manual.
. "$(dirname "$0")/real.sh"
need_command bash groff
mkdir -p "$scratch/here/scenarios" "$scratch/here/results/first-run"
ln -s "$bench" "$scratch/here/bench"

# completes LINE EXPECTED: of the last word of the line, as bash takes it apart; a blank begins one.
completes() {
  # shellcheck disable=SC2016 # bash's
  found=$(bash -c '. "$1"
    IFS=" " read -ra COMP_WORDS <<<"${3//=/ = }"
    [[ $3 != *" " ]] || COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    compopt() { :; }
    COMP_WORDS[0]=$2
    _mqtt_security_bench
    printf "%s\n" "${COMPREPLY[@]}"' - "$root/scripts/completion.bash" "$bench" "$1")
  matches "$1..." "$(echo "$found" | tr '\n' ' ')" "^$2 $"
}

completes 'bench ch' 'check'
completes 'bench all qu' 'quick'
completes 'bench certs ' 'make show renew'
completes 'bench list se' 'settings'
completes 'bench list settings probe.con' 'probe.connect'
completes 'bench list metrics con' 'connect'
completes 'bench list channels ' ''
completes 'bench deploy ' 'ssh://'
completes 'bench gate results/example' 'results/example'
completes 'bench gate one --against results/example-' ''
completes 'bench report results/example-f' 'results/example-fleet.tgz'
completes 'bench gate one --against two --metric late' 'latency'
completes 'bench gate one --metric path.thr' 'path.throughput'
completes 'bench report --le' '--legend'
completes 'bench report --set' ''
completes 'bench speed --fr' '--fresh'
completes 'bench run --fr' ''
completes 'bench run --channels mutual-tls-c' 'mutual-tls-crl'
completes 'bench run --channels=mutual-tls-c' 'mutual-tls-crl'
completes 'bench run --probes lat' 'latency'
completes 'bench run --set probe.path.dur' 'probe.path.duration='
completes 'bench run --set probe.path.duration=' ''
completes 'bench run --set channel.ps' 'channel.psk.'
completes 'bench run --set channel.psk.tls.min' 'channel.psk.tls.min_version='
completes 'bench run --set channel.psk.tls.min_version=' '1.2 1.3'
completes 'bench run --set scenario.order=' 'shuffled sequential'
completes 'bench run --set=scenario.order=se' 'sequential'
completes 'bench run --set scenario.probes=lat' 'latency'
completes 'bench run --set hosts.broker=lab' 'lab:a lab:b'
completes 'bench run --broker-host lab' 'lab:a lab:b'
completes 'bench report results/exam' 'results/example .*'
completes 'bench nothing ' ''

run "$bench" complete --
for command in $(printf '%s\n' "$out" | grep -v '^-'); do
  [ "$command" = test ] || run "$bench" complete -- "$command" --
  matches "$command takes what its help shows" "$out" '^--help$'
done

# ---- the manual ----

run "$bench" manual
exits 'the manual' 0
printf '%s\n' "$out" >"$scratch/manual"
run groff -man -Tascii -P-cbou -ww -rLL=200n "$scratch/manual"
is 'roff has nothing against it' "$status $err" '0 '
manual=$out
run "$bench" --help
is 'it names every command but that of a clone' \
  "$(printf '%s\n' "$out" | grep -E '^  [a-z]' | while read -r word _; do
    printf '%s\n' "$manual" | grep -qE "^ +$word( |$)" || echo "$word"
  done)" test
is '... and every option' "$(for command in $("$bench" complete --); do
  case $command in
  -*) echo "$command" ;;
  *) "$bench" complete -- "$command" -- ;;
  esac
done 2>/dev/null | grep -e '^--' | sort -u | while read -r word; do
  printf '%s\n' "$manual" | grep -qE -e "^ +(-., )?$word(=| |\$)" || echo "$word"
done)" ''
contains '... says whose it is' "$manual" 'all and run: go on with this run'
contains '... and what is so where it is installed' "$manual" \
  '(default: ~/.local/share/mqtt-security-bench/certs)'
lacks '... and how else it is called' "$manual" '`./bench'
matches '... and each exit status, once' "$(printf '%s\n' "$manual" | tr -s '\n ' '  ')" \
  'EXIT STATUS 0 all well; .* undecided\. EXAMPLES'
run "$bench" list settings
is '... and every setting of the tables' "$(printf '%s\n' "$out" |
  grep -oE '^  [a-z][A-Za-z_.-]+' | while read -r word; do
    printf '%s\n' "$manual" | grep -qF -e "$word" || echo "$word"
  done)" ''
finish
