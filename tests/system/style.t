#!/bin/sh
# What a reader expects of every file, and what must not be forgotten when one is added.
. "$(dirname "$0")/lib.sh"
cd "$root" || exit

# All files of the project, also those that git does not know yet.
git -c safe.directory="$root" ls-files -co --exclude-standard >"$scratch/git" 2>/dev/null ||
  find . -type f ! -path './.git/*' ! -path './build*/*' ! -path './certs/*' |
  sed 's,^\./,,' >"$scratch/git"
while read -r file; do
  [ ! -f "$file" ] || printf '%s\n' "$file"
done <"$scratch/git" >"$scratch/all"

# Those that people write and read as code: by name, or by their first line.
while read -r file; do
  case $file in
  *.[ch] | *.t | *.sh | *.py | *.awk | *.gp | *meson.build) printf '%s\n' "$file" ;;
  debian/rules) ;; # make wants tabs
  *.*) [ "$file" = .ci/run ] && printf '%s\n' "$file" ;;
  *) head -c 2 "$file" | grep -q '^#!' && printf '%s\n' "$file" ;;
  esac
done <"$scratch/all" >"$scratch/code"
grep -E '\.[ch]$' "$scratch/code" >"$scratch/c"
grep -vE '\.([ch]|awk|gp)$|meson\.build$' "$scratch/code" | while read -r file; do
  case $file in
  *.sh | *.t) printf '%s\n' "$file" ;;
  *) head -n 1 "$file" | grep -qE '^#!.*[/ ](ba|da)?sh( |$)' && printf '%s\n' "$file" ;;
  esac
done >"$scratch/shell"
while read -r file; do
  case $file in
  *.py) printf '%s\n' "$file" ;;
  *) head -n 1 "$file" | grep -qE '^#!.*[/ ]python3( |$)' && printf '%s\n' "$file" ;;
  esac
done <"$scratch/code" >"$scratch/python"

# Characters, not bytes: what continues a UTF-8 character is taken out first.
is 'no line over 100 columns' "$(while read -r file; do
  LC_ALL=C sed 's/[\x80-\xbf]//g' "$file" | LC_ALL=C awk -v file="$file" 'length($0) > 100 {
    print file ":" NR ": " length($0) }'
done <"$scratch/code")" ''

is 'no blanks at line ends, no tabs, a line end at the end' "$(while read -r file; do
  grep -nHE "[[:blank:]]\$|$(printf '\t')" "$file"
  [ -z "$(tail -c 1 "$file")" ] || printf '%s: no line end at the end\n' "$file"
done <"$scratch/code")" ''

is 'no path of a machine of ours' "$(while read -r file; do
  grep -InHE "(^|[^A-Za-z0-9_.}/-])/(work|home|root)/" "$file"
done <"$scratch/all" | grep -v '^tests/system/style.t:')" ''

is 'every unit test is in tests/meson.build' "$(for file in tests/unit/test_*.c; do
  name=${file#tests/unit/test_}
  sed -n '/^unit_tests = /,/\]/p' tests/meson.build | grep -qF "'${name%.c}'" || echo "$file"
done)" ''
is 'every system test is in tests/meson.build, and executable' "$(for file in tests/system/*.t; do
  name=${file#tests/system/}
  sed -n '/^system_tests = /,/\]/p' tests/meson.build | grep -qF "'${name%.t}'" || echo "$file"
  [ -x "$file" ] || echo "$file: not executable"
done)" ''

if has_command shellcheck; then
  is 'shellcheck is content' "$(xargs shellcheck -x -P SCRIPTDIR <"$scratch/shell" 2>&1)" ''
else
  skip 'shellcheck is content' 'shellcheck is not installed'
fi

if has_command pyflakes3; then
  is 'pyflakes3 is content' "$(xargs pyflakes3 <"$scratch/python" 2>&1)" ''
else
  skip 'pyflakes3 is content' 'pyflakes3 is not installed'
fi

# Black changes its mind once a year, with the first figure of its version.
if ! has_command black; then
  skip 'black is content' 'black is not installed'
elif xargs black --quiet --check <"$scratch/python" 2>/dev/null; then
  pass 'black is content'
elif black --version | grep -q '^black, 23\.'; then
  fail 'black is content' "$(xargs black --check <"$scratch/python" 2>&1)"
else
  skip 'black is content' "$(black --version | head -n 1) lays out some lines differently"
fi

project() { # KEY: its value in meson.build
  sed -n "s/^  $1: '\(.*\)',\$/\1/p" meson.build
}
cited() { # KEY: its value in CITATION.cff
  sed -n "s/^$1: //p" CITATION.cff
}
is 'CITATION.cff is of this version' "$(cited version)" "$(project version)"
is '... and of this licence' "$(cited license)" "$(project license)"
is '... and has what CFF 1.2.0 demands' "$(for key in cff-version message title authors; do
  grep -q "^$key:" CITATION.cff || echo "$key is missing"
done)$(cited cff-version)" 1.2.0

# Other versions lay out some lines differently.
if has_command clang-format && clang-format --version | grep -q 'version 14\.'; then
  is 'clang-format is content' \
    "$(xargs clang-format --dry-run -Werror <"$scratch/c" 2>&1 | grep error:)" ''
else
  skip 'clang-format is content' 'clang-format 14 is not installed'
fi

finish
