#!/bin/sh
# CONTRIBUTING.md is true: its code blocks, put into a copy of the tree as the comments above them
# say, build without a warning, run, and do what the page promises.
#
#   <!-- example KIND: file PATH -->                 the block is this new file
#   <!-- example KIND: instead of PATH -->           it takes the place of this file
#   <!-- example KIND: line in PATH after LINE -->   it goes behind this line (or `before` it, or
#                                                    `instead-of` it)
#   <!-- example KIND: run -->                       it is executed in the top folder
. "$(dirname "$0")/real.sh"
need_command meson ninja cc gnuplot
unset BENCH_BUILD
export BENCH_MESON_OPTIONS=-Doptimization=0 # which is sooner built

page=$root/CONTRIBUTING.md
copy=$scratch/copy
mkdir "$copy" "$scratch/blocks"
for part in bench meson.build meson_options.txt scenarios scripts src tests .clang-format \
  README.md CITATION.cff docs plots certs/README.md; do
  (cd "$root" && cp -R --parents "$part" "$copy/") # what is built, and what installs
done
rm -f "$copy/scenarios/hosts.ini"

# ---- the blocks: a file each, with its comment in FILE.what ----

awk -v folder="$scratch/blocks" '
  /^<!-- example .* -->$/ { what = $0; next }
  /^```/ && inside { close(file); inside = 0; next }
  /^```/ {
    inside = 1
    file = sprintf("%s/%02d", folder, ++n)
    printf "" >file
    sub(/^<!-- example /, "", what)
    sub(/ -->$/, "", what)
    print what >(file ".what")
    close(file ".what")
    what = ""
    next
  }
  inside { print >file }' "$page"

# blocks REGEX: those whose comment matches.
blocks() {
  grep -lE -e "$1" "$scratch"/blocks/*.what | sed 's/\.what$//'
}

is 'every block has its comment, but for the one about building' "$(blocks '^$' | wc -l)" 1
for kind in scenario channel mechanism token probe figure part; do
  check "there is an example of a $kind" test -n "$(blocks "^$kind: (file|instead of) ")"
done

# ---- into the copy ----

put_file() { # BLOCK PATH
  [ ! -e "$copy/$2" ] || printf '%s is there already\n' "$2"
  cp "$1" "$copy/$2"
}

replace_file() { # BLOCK PATH
  [ -e "$copy/$2" ] || printf '%s is not there\n' "$2"
  cp "$1" "$copy/$2"
}

put_line() { # BLOCK PATH before|after|instead-of LINE, which must be there once
  [ "$(grep -cxF -e "$4" "$copy/$2")" = 1 ] || printf '%s: not once: %s\n' "$2" "$4"
  BLOCK=$(cat "$1") LINE=$4 awk -v place="$3" '
    $0 != ENVIRON["LINE"] { print; next }
    place == "after" { print }
    { print ENVIRON["BLOCK"] }
    place == "before" { print }
  ' "$copy/$2" >"$scratch/changed"
  cat "$scratch/changed" >"$copy/$2"
}

is 'each block finds its place' "$(for block in $(blocks ': (file|instead|line) '); do
  what=$(cat "$block.what")
  rest=${what#*: }
  case $rest in
  'file '*) put_file "$block" "${rest#file }" ;;
  'instead of '*) replace_file "$block" "${rest#instead of }" ;;
  *)
    rest=${rest#line in }
    path=${rest%% *}
    rest=${rest#* }
    put_line "$block" "$path" "${rest%% *}" "${rest#* }"
    ;;
  esac
done)" ''

new_code=$(for block in $(blocks ': (file|instead of) .*\.[ch]$'); do
  sed -E 's/.* (file|of) //' "$block.what"
done)
if has_command clang-format && clang-format --version | grep -q 'version 14\.'; then
  # shellcheck disable=SC2086 # a list
  is 'its C is laid out as all is' "$(cd "$copy" && clang-format --dry-run -Werror $new_code 2>&1 |
    grep error:)" ''
else
  skip 'its C is laid out as all is' 'clang-format 14 is not installed'
fi
run "$copy/tests/system/layers.t"
matches 'it keeps to the layers' "$out" '^ok 1 - every include goes from a layer'

# ---- built and run ----

# run_blocks KIND: its commands, in the copy's top folder; then the run's folder is in $folder.
run_blocks() {
  blocks "^$1: run\$" | xargs cat >"$scratch/commands"
  rm -rf "$copy/results"
  run -t 500 env -C "$copy" sh -eu "$scratch/commands"
  exits "$1: its commands succeed" 0
  results=$copy/results
  folder=$(find_run)
}

run -t 500 "$copy/bench" --version
exits 'all of it builds without a warning' 0

run_blocks channel
contains 'check knows the new scenario' "$out" 'handshakes: does the clients'
contains 'and the new channel in it' "$out" 'the broker shows a certificate, clients do not'
is 'every trial is ok' "$(rows "$folder/trials.csv" channel,status | sort | uniq -c |
  sed 's/^ *//')" '2 chacha20|ok
2 mutual-tls|ok
2 server-tls|ok'
is 'the scenario'\''s own channel has its cipher' \
  "$(rows "$folder/trials.csv" tls_cipher probe=transport channel=chacha20)" \
  TLS_CHACHA20_POLY1305_SHA256

run_blocks mechanism
contains 'list shows the new mechanism' "$out" 'client identifiers begin with the same text'
is 'its proof is made, and holds' "$(rows "$folder/proofs.csv" channel,cause,verdict \
  proof=other-prefix-refused)" 'named|connack 5|held'
is 'the trial is ok' "$(rows "$folder/trials.csv" status)" ok
contains 'its setting is in the resolved scenario' "$(cat "$folder/scenario.ini")" \
  'prefix.text = client'
run "$copy/bench" run quick --channels named --set channel.named.use=prefix --set \
  scenario.baseline=named --set channel.named.prefix.text=other --probes path --repetitions 1
exits 'where the right client is not let in, no proof counts' 1
contains 'and the trial is void' "$err" '1 void'

run_blocks token
is 'every trial is ok' "$(rows "$folder/trials.csv" status | sort -u)" ok
is 'every proof holds' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
contains 'a used token was refused' "$(rows "$folder/proofs.csv" proof,cause channel=token)" \
  'replayed-token-refused|connack 5'
contains 'the clients show the new scheme'\''s' "$(cat "$folder/log"/*-token-attempt1-*)" \
  "u'token:half-hmac-sha-512'"
lacks '... and no other' "$(cat "$folder/log"/*-token-attempt1-*)" "u'token:hmac-sha-256'"

run_blocks probe
contains 'list shows the new probe' "$out" 'connect, log in, leave: how often a second'
is 'it is measured' "$(rows "$folder/trials.csv" throughput_mbit_s,status probe=knock)" '|ok
|ok'
matches 'the table shows its headline' "$out" '^knock .*connections per s, 1/s'
is 'which is in summary.csv' \
  "$(rows "$folder/summary.csv" trials,unit probe=knock metric=connections_per_s)" '2|1/s'
check 'and is no nought' test \
  "$(rows "$folder/metrics.csv" value metric=connections_per_s | sort -n | sed 's/\..*//;q')" -gt 0

cp -R "$root/results/example" "$copy/results/"
rm -f "$copy/results/example"/table.[tm]*
blocks '^column: run$' | xargs cat >"$scratch/commands"
run env -C "$copy" sh -eu "$scratch/commands"
exits 'column: its commands succeed' 0
matches 'the terminal has the new column' "$out" '^  channel +unit +mean '
contains '... Markdown, too' "$(cat "$copy/results/example/table.md")" '| channel | unit | trials |'
contains '... and LaTeX' "$(cat "$copy/results/example/table.tex")" 'plain & Mbit/s & 10 & 12.81'

run_blocks figure
check 'the new figure is drawn' grep -q '<title>plain</title>' \
  "$copy/plots/$(basename "$folder")/telemetry.svg"
check 'beside the others' test -s "$copy/plots/$(basename "$folder")/throughput.svg"

run_blocks part
part=$(sed -n '/<section id="blocks">/,/<\/section>/p' "$folder/report.html")
contains 'the new part is on the page' "$part" 'The hosts before and after each block'
is '... with a row for each of its file' "$(printf '%s\n' "$part" | grep -c '<th scope="row">')" \
  "$(sed 1d "$folder/blocks.csv" | wc -l)"

finish
