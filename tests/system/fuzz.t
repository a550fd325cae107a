#!/bin/sh
# The fuzz targets (tests/fuzz): each takes its corpus, then goes on from there for some seconds,
# with AddressSanitizer and UndefinedBehaviorSanitizer. A finding stays in build-fuzz/findings/.
#
#   BENCH_FUZZ_SECONDS=S  for each target; default 5
. "$(dirname "$0")/lib.sh"
need_command clang meson ninja

seconds=${BENCH_FUZZ_SECONDS:-5}
build=$(dirname "${BENCH_BUILD:-$root/build}")/build-fuzz # one for all kinds of builds
findings=$build/findings

# fuzz NAME PROGRAM CORPUS OPTION...: leaves the exit status in $status, as `run` does.
fuzz() {
  name=$1 program=$2 folder=$3
  shift 3
  mkdir -p "$scratch/new-$name"
  run -t $((seconds + 240)) "$program" "$@" -timeout=10 -print_final_stats=1 \
    -artifact_prefix="$findings/$name-" "$scratch/new-$name" "$folder"
}

# reproduce NAME PROGRAM: what to do with what was found.
reproduce() {
  find "$findings" -name "$1-*" -newer "$scratch/began" | while read -r finding; do
    printf 'to reproduce: %s %s\n' "$2" "$finding"
    printf 'that input in base64: %s\n' "$(head -c 3000 "$finding" | base64 -w 0)"
    printf 'once mended, keep it in tests/fuzz/corpus/%s/\n' "$1"
  done
}

# ---- a finding is seen ----

cat >"$scratch/try.c" <<'END'
#include <stddef.h>
int LLVMFuzzerTestOneInput(const char *data, size_t size);
int LLVMFuzzerTestOneInput(const char *data, size_t size) {
    return size == 3 && data[0] == 'b' ? data[size] * 0 : 0;
}
END
clang -fsanitize=fuzzer,address,undefined -o "$scratch/try" "$scratch/try.c" 2>"$scratch/words" ||
  skip_all "clang has no fuzzer (libclang-rt-dev): $(tail -n 1 "$scratch/words")"

findings=$scratch/findings
mkdir "$findings" "$scratch/bad"
touch -d '1 minute ago' "$scratch/began"
printf bad >"$scratch/bad/input"
fuzz try "$scratch/try" "$scratch/bad" -runs=10
check 'a target that reads too far fails' test "$status" -ne 0
contains 'and says what is wrong' "$err" heap-buffer-overflow
words=$(reproduce try "$scratch/try")
contains 'how to see it again is told' "$words" "to reproduce: $scratch/try $findings/try-crash-"
contains 'with the input itself' "$words" "base64: $(printf bad | base64)"
findings=$build/findings

# ---- the targets, built once ----

configure() {
  rm -rf "$build"
  env -u CFLAGS -u LDFLAGS CC=clang meson setup -Dfuzz=true -Doptimization=1 "$build" "$root"
}

build_targets() {
  [ -e "$build/build.ninja" ] && ninja -C "$build" fuzz-targets && return
  configure && ninja -C "$build" fuzz-targets
}

build_targets >"$scratch/log" 2>&1
built=$?
is 'the targets are built' "$built" 0
[ "$built" = 0 ] || diag "$(tail -n 40 "$scratch/log")"
mkdir -p "$findings"

for folder in "$root"/tests/fuzz/corpus/*/; do
  name=$(basename "$folder")
  [ -e "$root/tests/fuzz/fuzz_$name.c" ] || fail "$name: a corpus without a target"
done
for file in "$root"/tests/fuzz/fuzz_*.c; do
  name=${file##*/fuzz_}
  name=${name%.c}
  program=$build/tests/fuzz/fuzz_$name
  fuzz "$name" "$program" "$root/tests/fuzz/corpus/$name" -max_total_time="$seconds"
  if [ "$status" = 0 ]; then
    pass "$name: neither its corpus nor what came of it in $seconds s is any trouble"
  else
    fail "$name: neither its corpus nor what came of it in $seconds s is any trouble"
    diag "$(reproduce "$name" "$program")"
    continue
  fi
  executed=$(printf '%s\n' "$err" | sed -n 's/^stat::number_of_executed_units: *//p')
  known=$(find "$root/tests/fuzz/corpus/$name" -type f | wc -l)
  check "$name: its corpus and more was tried (${executed:-0} inputs)" \
    test "$known" -gt 0 -a "${executed:-0}" -gt "$known"
done

finish
