#!/bin/sh
# README.md and docs/ are true: their links lead somewhere, their commands run, and their scenarios
# are understood. A comment above a block of code says what becomes of it:
#
#   <!-- run -->               it is executed here, with trials as short as they may be
#   <!-- file PATH -->         it is this file, before anything is executed
#   <!-- check -->             it is a part of a scenario that `bench check` understands
#   <!-- typed in NAME.t -->   its commands need two machines: that test types them
#   <!-- executed in NAME.t -->   that test executes it as it stands
#   <!-- not run: WHY -->
#
# What README says of the example is example.t's matter.
. "$(dirname "$0")/real.sh"
need_command gnuplot python3
copy=$scratch/copy
mkdir -p "$copy/docs" "$scratch/blocks" "$copy/certs"
cp -R "$root/scenarios" "$root/scripts" "$copy"
cp "$root/README.md" "$copy"
cp "$root"/docs/*.md "$copy/docs"
rm -f "$copy/scenarios/hosts.ini"
cd "$root" || exit
pages=$(ls README.md docs/*.md certs/README.md)

# ---- words and links ----

check 'README is short' test "$(wc -w <README.md)" -le 1500
is 'README leads to every page' "$(for page in docs/*.md; do
  grep -qF "($page" README.md || echo "$page"
done)" ''

# Headings as GitHub makes anchors of them.
anchors() { # PAGE
  grep '^#' "$1" | sed 's/^#* *//' | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}
is 'every link leads to a file, or to a heading of it' "$(for page in $pages CONTRIBUTING.md; do
  awk '/^```/ { code = !code } !code' "$page" | grep -o '](\([^)]*\))' | sed 's/^](//; s/)$//' |
    while read -r link; do
      case $link in
      http*) continue ;;
      '#'*) target=$page ;;
      *) target=$(dirname "$page")/${link%%#*} ;;
      esac
      [ -e "$target" ] || echo "$page: $link"
      [ "$link" = "${link#*#}" ] || anchors "$target" | grep -qxF -e "${link#*#}" ||
        echo "$page: $link: no such heading"
    done
done)" ''

# An answer fits into a line of the picture, or is looked for by its first words.
recorded=$(sed 's/<[^>]*>//g' plots/example/terminal.svg)
is "README's recording ends on the answer of the example" "$(rows results/example/findings.csv \
  text kind=answer | cut -c -60 | while read -r answer; do
  printf '%s\n' "$recorded" | grep -qF -e "$answer" || echo "$answer"
done)" ''

# ---- the blocks: a file each, with its comment in FILE.what ----

for page in $pages; do
  awk -v folder="$scratch/blocks" -v page="$(echo "$page" | tr / -)" '
    /^<!-- .* -->$/ { what = $0; next }
    /^```/ && inside { inside = 0; next }
    /^```(sh|ini)$/ {
      inside = 1
      file = sprintf("%s/%s-%02d", folder, page, ++n)
      sub(/^<!-- /, "", what)
      sub(/ -->$/, "", what)
      print what >(file ".what")
      what = ""
      next
    }
    /^```/ { inside = 1; file = "/dev/null"; next }
    inside { print >file }' "$page"
done
blocks() { # REGEX: those whose comment matches
  grep -lE -e "$1" "$scratch"/blocks/*.what | sed 's/\.what$//'
}
is 'every block of commands or settings says what becomes of it' \
  "$(grep -LE '^(run|check|file .*|(typed|executed) in .*|not run: .+)$' \
    "$scratch"/blocks/*.what)" ''
is 'what is executed elsewhere, is' "$(sed -n 's/^executed in //p' "$scratch"/blocks/*.what |
  sort -u | while read -r name; do
  grep -qF own-brokers.md "tests/system/$name" || echo "$name"
done)" ''
check 'there are blocks to run' test "$(blocks '^run$' | wc -l)" -ge 8

is 'what is typed elsewhere, is' "$(for block in $(blocks '^typed in '); do
  sed 's/  *# .*//' "$block" | grep -E '^(\./bench|ssh-)' | while read -r line; do
    grep -qF -e "types '$line'" -e "types './bench all quick${line#./bench all}'" \
      tests/system/*.t || echo "${block##*/}: $line"
  done
done)" ''

for block in $(blocks '^file '); do
  cp "$block" "$copy/$(sed 's/^file //' "$block.what")"
done

# As short as they may be; nothing here is judged by its speed.
for file in "$copy"/scenarios/*.ini; do
  sed -i -E -e 's/^(repetitions *=).*/\1 1/' -e '/^(duration|warmup) *=/d' "$file"
  for probe in path transport transport-per-unit delivery latency connect; do
    printf '[probe.%s]\nduration = 200ms\nwarmup = 0s\n' "$probe"
  done >>"$file"
done
cat >"$copy/bench" <<END
#!/bin/sh
BENCH_ROOT='$copy' exec '${BENCH_BUILD:-$root/build}/bench' "\$@"
END
chmod +x "$copy/bench"

for block in $(blocks '^check$'); do
  cat "$copy/scenarios/small-messages.ini" "$block" >"$copy/scenarios/checked.ini"
  run "$copy/bench" check checked
  exits "${block##*/} is understood" 0
done
rm -f "$copy/scenarios/checked.ini"

# ---- the commands ----

# A lab needs namespaces; where there are none, what wants one is left out.
"$copy/bench" doctor --broker-host lab:a --publisher-host lab:b >/dev/null 2>&1
has_lab=$?
for block in $(blocks '^run$'); do
  if [ $has_lab -ne 0 ] && grep -q lab "$block"; then
    skip "${block##*/}: its commands succeed" 'no lab can be had here'
    continue
  fi
  run -t 300 env -C "$copy" sh -eu "$block"
  exits "${block##*/}: its commands succeed" 0
done
is 'all that was measured is ok, but for what this machine cannot have' \
  "$(for measured_run in "$copy"/results/*; do
    rows "$measured_run/trials.csv" status,channel
  done | grep -vE '^(ok|skipped\|tunnel)' | sort -u)" ''
is 'docs/files.md names every column, and no others' \
  "$(tests/system/documented "$(echo "$copy"/results/quick-* | cut -d ' ' -f 1)"/*.csv)" ''
is 'certs/README.md names every file there, and its mode' "$(cd "$copy/certs" &&
  find . -maxdepth 2 -type f ! -name README.md ! -path './proof/*' ! -path './lab-*' \
    -printf '%P %#m\n' | while read -r file mode; do
  case $file in
  ca/*.crt) file=${file#ca/} ;;
  ca/* | *lock | broker/ca.crl | softhsm/*) ;;
  */ca.crt) file=NAME/ca.crt ;;
  *) file=NAME/NAME.${file##*.} ;;
  esac
  grep "[\`/]$file\`" "$root/certs/README.md" | grep -q "| $mode |" || echo "$file $mode"
done)" ''

finish
