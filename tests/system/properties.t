#!/bin/sh
# What scripts/reporting makes of texts and archives, whatever these are: properties that must hold,
# tried on inputs that Hypothesis thinks of (tests/system/properties). One for which a property does
# not hold is shown as small as it can be.
#
#   BENCH_FUZZ_SECONDS=S  about 40 inputs of each kind a second; default 5
. "$(dirname "$0")/lib.sh"
/usr/bin/python3 -c 'import jinja2' 2>/dev/null || skip_all 'python3-jinja2 is not installed'
/usr/bin/python3 -c 'import hypothesis' 2>/dev/null ||
  skip_all 'python3-hypothesis is not installed'
cd "$scratch" || exit

run -t 900 env PYTHONDONTWRITEBYTECODE=1 "$root/tests/system/properties" \
  $((${BENCH_FUZZ_SECONDS:-5} * 40))
exits 'the properties are tried' 0
is '... all of them' "$(printf '%s\n' "$out" | wc -l)" 5
printf '%s\n' "$out" >verdicts
while IFS="$(printf '\t')" read -r verdict name why; do
  is "$name" "$verdict $why" 'pass '
done <verdicts

finish
