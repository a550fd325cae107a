#!/bin/sh
# ./bench (the launcher) and scripts/install-deps, on a tiny project of their own: a program that
# prints how it was called. apt-get and sudo are stand-ins here: nothing is installed.
. "$(dirname "$0")/lib.sh"
need_command meson ninja cc flock
unset BENCH_BUILD BENCH_MESON_OPTIONS BENCH_NO_INSTALL BENCH_ROOT
export TMPDIR="$scratch"

top="$scratch/a tree  with spaces"
mkdir -p "$top/src" "$top/scripts" "$top/tests/unit" "$scratch/bin" "$scratch/elsewhere"
cp "$bench" "$top/bench"
cp "$root/scripts/install-deps" "$root/scripts/sources-id" "$top/scripts/"
touch "$top/meson_options.txt"
cat >"$top/meson.build" <<'END'
project('tiny', 'c')
subdir('src')
tiny = executable('bench', 'src/main.c', link_with: library)
subdir('tests')
END
cat >"$top/tests/meson.build" <<'END'
unit_tests = []
foreach name : ['csv', 'other']
  unit_tests += executable('test_' + name, 'unit/test_' + name + '.c', build_by_default: false)
endforeach
system_test = executable('simulate', 'unit/test_csv.c', build_by_default: false)
alias_target('test-programs', system_test)
alias_target('all-tests', system_test, unit_tests)
END
for name in csv other; do
  echo 'int main(void) { return 0; }' >"$top/tests/unit/test_$name.c"
done
cat >"$top/src/meson.build" <<'END'
library = shared_library('tiny', 'tiny.c')
END
echo 'int tiny(void); int tiny(void) { return 7; }' >"$top/src/tiny.c"
cat >"$top/src/main.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int tiny(void);

int main(int argc, char **argv) {
    char text[4096];

    printf("first\nin %s\nroot %s\n", getcwd(text, sizeof(text)), getenv("BENCH_ROOT"));
    for (int i = 1; i < argc; i++)
        printf("[%s]\n", argv[i]);
    while (fgets(text, sizeof(text), stdin))
        printf("read %s", text);
    return tiny();
}
END
printf '#!/bin/sh\necho "tests: $*"\n' >"$top/tests/run"
chmod +x "$top/tests/run"

# Packages are no matter of this part: everything that is looked for exists below a made-up root.
everything="$scratch/every thing"
mkdir -p "$everything"
sed -n "/^table='/,/^'/p" "$root/scripts/install-deps" | while read -r _ package proof _; do
  case $proof in
  /*) file=$everything$(printf '%s' "$proof" | tr '*' 1) ;;
  ?*) file=$everything/usr/sbin/$proof ;;
  *) continue ;;
  esac
  mkdir -p "${file%/*}"
  touch "$file"
  chmod +x "$file"
  printf '%s\n' "$package" >>"$scratch/packages"
done
export BENCH_DEPS_ROOT="$everything"

cd "$scratch/elsewhere" || exit
here=$(pwd -P)

# ---- building and executing ----

run "$top/bench" run 'a  b' '' '*' --x
exits 'the exit status is the program'\''s' 7
is 'arguments and the working folder are the caller'\''s' "$out" "first
in $here
root $(cd "$top" && pwd -P)
[run]
[a  b]
[]
[*]
[--x]"
is 'it says that it builds' "$err" "bench: building in $top/build ..."

run "$top/bench"
is 'built: not a word' "$err" ''

printf 'line\n' >"$scratch/input"
run sh -c '"$1" <"$2"' - "$top/bench" "$scratch/input"
contains 'stdin is the program'\''s' "$out" 'read line'
rm -rf "$top/build"
run sh -c '"$1" <"$2"' - "$top/bench" "$scratch/input"
contains 'also when it had to be built' "$out" 'read line'

ln -s "$top/bench" "$scratch/link"
ln -s ../link "$scratch/bin/bench"
run "$scratch/bin/bench"
contains 'through two symbolic links' "$out" "root $(cd "$top" && pwd -P)"
run env PATH="$scratch/bin:$PATH" bench x
contains 'found on PATH' "$out" '[x]'
run sh "$top/bench" x
contains 'as an argument of sh' "$out" '[x]'

sed -i 's/first/second/' "$top/src/main.c"
run "$top/bench"
contains 'a source that changed is built' "$out" second

sed -i 's/printf("second/prinf("second/' "$top/src/main.c"
run "$top/bench" x
exits 'what does not compile is exit status 3' 3
contains 'the compiler'\''s words are shown' "$err" 'prinf'
is 'and nothing is executed' "$out" ''
sed -i 's/prinf("second/printf("third/' "$top/src/main.c"
run "$top/bench"
contains 'mended' "$out" third

# ---- a build folder in a bad state ----

touch "$top/build/.configuring"
run "$top/bench"
exits 'current, though marked as half configured: executed' 7
touch "$top/build/.configuring" "$top/src/main.c"
rm "$top/build/build.ninja"
run "$top/bench"
exits 'a configuration that was cut short is made again' 7

truncate -s 300 "$top/build/build.ninja"
touch "$top/src/main.c"
run "$top/bench"
exits 'a cut build.ninja is made again' 7

: >"$top/build/meson-private/coredata.dat"
touch "$top/meson.build"
run "$top/bench"
exits 'so is a configuration that meson cannot read' 7

rm "$top/build"/libtiny.so "$top/build"/src/libtiny.so 2>/dev/null
run "$top/bench"
exits 'a library that is gone leads to a new build' 7

head -c 20000 /dev/zero >"$top/build/bench"
run "$top/bench"
exits 'so does a program that cannot be executed' 7

mkdir "$top/mine"
touch "$top/mine/letter"
run env BENCH_BUILD=mine "$top/bench"
exits 'a folder that is no build folder is left alone' 3
check 'with what is in it' test -e "$top/mine/letter"

# ---- a full disk ----

case $(id -u) in
0) namespaces='unshare --mount' ;;
*) namespaces='unshare --user --map-root-user --mount' ;;
esac
mkdir "$scratch/disk"
cp "$top/src/main.c" "$scratch/main.c"
cat >"$scratch/full" <<'END'
disk=$1 top=$2
mount -t tmpfs -o size=8M none "$disk" || exit 99
export BENCH_BUILD="$disk/build" BENCH_NO_INSTALL=1
"$top/bench" </dev/null >/dev/null 2>&1
[ $? = 7 ] || exit 98
echo 'char large[4000000] = {1};' >>"$top/src/main.c"
cat /dev/zero >"$disk/filler" 2>/dev/null
"$top/bench" </dev/null
echo "exit status $?"
touch "$top/meson.build"
"$top/bench" </dev/null
echo "exit status $?"
rm "$disk/filler"
sed -i '$d' "$top/src/main.c"
"$top/bench" </dev/null 2>&1
echo "exit status $?"
END
# shellcheck disable=SC2086 # several words
if $namespaces mount -t tmpfs none "$scratch/disk" 2>/dev/null; then
  run env LANG=de_DE.UTF-8 $namespaces sh "$scratch/full" "$scratch/disk" "$top"
  is 'the disk is full, when it compiles and when it configures; then there is room again' \
    "$(printf '%s\n' "$out" | grep 'exit status' | tr '\n' ' ')" \
    'exit status 3 exit status 3 exit status 7 '
  matches 'the compiler'\''s words are shown' "$err" 'main.c.o.*No space left on device'
  matches 'and meson'\''s' "$err" 'Errno 28.*No space left on device'
  is 'and that the disk is full' "$(printf '%s\n' "$err" |
    grep -c '^bench: the build failed, see above: the disk is full$')" 2
  lacks 'what was built is not given up' "$out" configur
else
  skip 'a full disk' 'no mount namespace here'
fi
cp "$scratch/main.c" "$top/src/main.c"

# ---- two at once; another folder and compiler ----

rm -rf "$top/build"
for i in 1 2 3 4; do
  (run "$top/bench" "$i" && echo "$status" >"$scratch/status.$i") 2>/dev/null &
done
wait
is 'four at once: all succeed' "$(cat "$scratch"/status.? | tr '\n' ' ')" '7 7 7 7 '

printf '#!/bin/sh\necho "$@" >>"%s"\nexec cc "$@"\n' "$scratch/cc.log" >"$scratch/bin/my-cc"
chmod +x "$scratch/bin/my-cc"
run env CC="$scratch/bin/my-cc" BENCH_BUILD=build-other BENCH_MESON_OPTIONS='-Dc_args=-DTINY=1' \
  "$top/bench"
exits 'BENCH_BUILD: another folder' 7
check 'it is there' test -x "$top/build-other/bench"
contains 'CC and BENCH_MESON_OPTIONS are heeded' "$(cat "$scratch/cc.log")" '-DTINY=1'

cat >"$scratch/bin/slow-cc" <<END
#!/bin/sh
case \$* in
*src/main.c*) [ -e "$scratch/fast" ] || { touch "$scratch/compiling" && sleep 60; } ;;
esac
exec cc "\$@"
END
chmod +x "$scratch/bin/slow-cc"
for signal in INT TERM HUP; do
  rm -rf "$top/build-slow" "$scratch/compiling"
  env --default-signal=INT,HUP CC="$scratch/bin/slow-cc" BENCH_BUILD=build-slow "$top/bench" \
    >/dev/null 2>&1 &
  launcher=$!
  check 'a build is under way' wait_for 60 test -e "$scratch/compiling"
  kill -s "$signal" "$launcher"
  wait "$launcher"
  check "SIG$signal ends it" test $? -gt 128
  check '... and all that it has started' wait_for "$soon" is_rest_gone
done
touch "$scratch/fast"
run env BENCH_BUILD=build-slow "$top/bench"
exits '... and the next one builds' 7

made() {
  for program in test_csv test_other simulate; do
    [ ! -e "$top/build/tests/$program" ] || echo "$program"
  done
}
run "$top/bench" test --full unit/csv unit/csw
is 'bench test goes to tests/run' "$out" 'tests: unit/csv unit/csw'
is '... with what is named' "$(made)" test_csv
run "$top/bench" test system/wire
is '... with what system tests execute' "$(made)" 'test_csv
simulate'
run "$top/bench" test
is '... with all' "$(made)" 'test_csv
test_other
simulate'
run env BENCH_BUILD=build-none "$top/bench" test unit --list
is 'its questions, too' "$out" 'tests: unit --list'
check '... and those without a build' test ! -e "$top/build-none"

# ---- packages ----

deps="$top/scripts/install-deps"
export PATH="$scratch/bin:$PATH"
run "$deps" --full --check
exits 'all is there' 0
is 'and not a word is said' "$out$err" ''
run env PATH=/usr/bin:/bin "$deps" --full --check
exits 'also in the sbin folders, when PATH has none' 0

export BENCH_DEPS_ROOT=/nonexistent
cat >"$scratch/bin/apt-get" <<END
#!/bin/sh
echo "\$@" >>"$scratch/apt.log"
END
printf '#!/bin/sh\nexec env "$@"\n' >"$scratch/bin/sudo"
chmod +x "$scratch/bin/apt-get" "$scratch/bin/sudo"

run "$deps" --full --check
exits '--check: something is missing' 3
is 'every package is in its line' \
  "$(printf '%s\n' "$out" | tr ' ' '\n' | grep -cxFf "$scratch/packages")" \
  "$(wc -l <"$scratch/packages")"
is 'that is one line' "$(printf '%s\n' "$out" | wc -l)" 1
contains 'that can be copied' "$out" 'apt-get install -y --no-install-recommends '

run "$deps" --run --check
lacks '--run is about the program alone' "$out" ' gcc'
contains '--run: the broker' "$out" ' mosquitto'

rm -rf "$top/build"
run env BENCH_NO_INSTALL=1 "$top/bench" x
exits 'BENCH_NO_INSTALL=1 stops' 3
is 'without a word on stdout' "$out" ''
contains 'with the line' "$err" 'apt-get update && '
check 'before anything is built' test ! -e "$top/build"
check 'or installed' test ! -e "$scratch/apt.log"

run "$deps"
exits 'packages that are still missing after apt-get' 3
contains 'are named' "$err" 'yet these are missing: gcc '
is 'apt-get was called twice' "$(cut -d ' ' -f 1 "$scratch/apt.log" | tr '\n' ' ')" \
  'update install '

cat >"$scratch/bin/apt-get" <<END
#!/bin/sh
[ "\$1" != install ] || cp -r "$everything/." "$scratch/installed/"
END
mkdir "$scratch/installed"
export BENCH_DEPS_ROOT="$scratch/installed"
run "$top/bench" x
exits 'installs, builds, executes' 7
contains 'and says so' "$err" 'bench: installing'
lacks 'stdout is the program'\''s alone' "$out" apt-get

printf '#!/bin/sh\necho "E: no network" >&2\nexit 100\n' >"$scratch/bin/apt-get"
export BENCH_DEPS_ROOT=/nonexistent
run "$deps"
exits 'apt-get fails' 3
contains 'its words are shown' "$err" 'E: no network'

# ---- another program installs ----

# The real apt-get, below a folder of its own, whose locks somebody has.
aside="$scratch/aside"
mkdir -p "$aside/var/lib/dpkg" "$aside/var/lib/apt/lists/partial" "$aside/etc/apt/apt.conf.d" \
  "$aside/etc/apt/preferences.d" "$aside/var/cache/apt/archives/partial"
touch "$aside/var/lib/dpkg/status"
printf 'Dir "%s/";\n' "$aside" >"$aside/apt.conf"
rm "$scratch/bin/apt-get"
cat >"$scratch/hold" <<'END'
import fcntl, sys, time
with open(sys.argv[1], "w") as lock:
    fcntl.lockf(lock, fcntl.LOCK_EX)
    print("held", flush=True)
    time.sleep(1000)
END
hold() { # LOCK: until it is let go of
  : >"$scratch/held"
  "$(command -v python3)" "$scratch/hold" "$aside/$1" >"$scratch/held" &
  holder=$!
  wait_for "$soon" test -s "$scratch/held"
}
# shellcheck disable=SC2317 # called by wait_for
is_waiting() {
  grep -qs 'waiting' "$scratch/words"
}
if has_command apt-get && has_command python3; then
  for lock in var/lib/apt/lists/lock var/lib/dpkg/lock-frontend; do
    hold "$lock"
    rm -f "$scratch/words"
    env APT_CONFIG="$aside/apt.conf" "$deps" --run >"$scratch/.out" 2>"$scratch/words" &
    waiting=$!
    check "$lock is held: it waits" wait_for "$soon" is_waiting
    contains 'and says for whom' "$(cat "$scratch/words")" "bench: another program installs; \
waiting for it, up to 10 minutes (process $holder (python3) holds $aside/$lock)"
    kill "$holder"
    wait "$waiting"
    is 'said once, then it goes on' "$(grep -c waiting "$scratch/words")" 1
    contains 'to the end' "$(cat "$scratch/words")" 'E: Unable to locate package mosquitto'
  done
else
  skip 'another program installs' 'no apt-get or python3 here'
fi
printf '#!/bin/sh\n:\n' >"$scratch/bin/sleep"
cat >"$scratch/bin/apt-get" <<END
#!/bin/sh
echo try >>"$scratch/tries"
echo 'E: Could not get lock /a/lock. It is held by process 7 (dpkg)' >&2
exit 100
END
chmod +x "$scratch/bin/apt-get" "$scratch/bin/sleep"
run "$deps" --run
exits 'held for ever' 3
is 'it tried for ten minutes, every two seconds' "$(wc -l <"$scratch/tries")" 300
contains 'apt-get'\''s words are shown' "$err" 'E: Could not get lock /a/lock.'
contains 'and it does not blame the network' "$err" 'once more, when that has ended'
rm "$scratch/bin/sleep"

# ---- services ----

# install SERVICE...: a package's script asks for leave to start them; what was said, then done.
machine="$scratch/machine"
cat >"$scratch/bin/apt-get" <<END
#!/bin/sh
[ "\$1" = install ] || exit 0
policy="$machine/usr/sbin/policy-rc.d"
for service in mosquitto mosquitto.service epmd.socket ssh cron.service; do
  "\$policy" "\$service" start
  echo "\$service \$?"
done >"$scratch/asked"
cp "\$policy" "$scratch/left"
cp -r "$everything/." "$machine/"
touch "$machine/lib/systemd/system/epmd.socket"
END
printf '#!/bin/sh\necho "$*" >>"%s"\n' "$scratch/systemctl.log" >"$scratch/bin/systemctl"
chmod +x "$scratch/bin/apt-get" "$scratch/bin/systemctl"
mkdir -p "$machine/usr/sbin" "$machine/lib/systemd/system" "$machine/etc/init.d"
touch "$machine/etc/init.d/ssh"
export BENCH_DEPS_ROOT="$machine"
run "$deps" --run --check
contains 'which services the packages bring is said' "$err" 'services: mosquitto; ./bench leaves'
run "$deps" --full
exits 'with services' 0
contains 'all are said, but for one that is here' "$err" \
  "services: ejabberd epmd haproxy mosquitto munge nginx rabbitmq-server slurmctld slurmd \
tpm2-abrmd; ./bench leaves them"
is 'they may not start, others may' "$(tr '\n' ' ' <"$scratch/asked")" \
  'mosquitto 101 mosquitto.service 101 epmd.socket 101 ssh 0 cron.service 0 '
is 'they will not at boot' "$(tr '\n' ' ' <"$scratch/systemctl.log")" \
  "$(for service in ejabberd epmd haproxy mosquitto munge nginx rabbitmq-server \
    slurmctld slurmd tpm2-abrmd; do
    printf 'disable --now %s.service ' "$service"
    [ "$service" != epmd ] || printf 'disable --now epmd.socket '
  done)"
check 'nothing is left of that' test ! -e "$machine/usr/sbin/policy-rc.d"
run sh "$scratch/left" mosquitto start
exits 'if it were, it would forbid nothing' 0
rm "$machine/usr/sbin/mosquitto" "$scratch/systemctl.log"
cp "$scratch/bin/apt-get" "$scratch/apt-get"
# shellcheck disable=SC2016 # for that shell
echo 'kill -TERM $PPID' >>"$scratch/bin/apt-get"
run "$deps" --run
exits 'ended amid the installation' 130
is 'what has come is not to start at boot' "$(cat "$scratch/systemctl.log")" \
  'disable --now mosquitto.service'
check 'nor is anything left of that' test ! -e "$machine/usr/sbin/policy-rc.d"
mv "$scratch/apt-get" "$scratch/bin/apt-get"
rm "$machine/usr/sbin/mosquitto"
printf '#!/bin/sh\nexit 104\n' >"$machine/usr/sbin/policy-rc.d"
chmod +x "$machine/usr/sbin/policy-rc.d"
run "$deps" --run
is 'a machine with a policy keeps it' "$(tail -n 1 "$machine/usr/sbin/policy-rc.d")" 'exit 104'
rm "$scratch/bin/systemctl"
export BENCH_DEPS_ROOT=/nonexistent
printf '#!/bin/sh\necho "E: no network" >&2\nexit 100\n' >"$scratch/bin/apt-get"

# A system without apt-get: only what this script needs is on the PATH.
mkdir "$scratch/few"
ln -s "$(command -v sh)" "$scratch/few/sh"
printf '#!/bin/sh\necho 1000\n' >"$scratch/few/id"
chmod +x "$scratch/few/id"
run env PATH="$scratch/few" "$deps"
exits 'no apt-get on this system' 3
contains 'the packages are named' "$err" 'no apt-get on this system; install what Debian calls: gcc'
cp "$scratch/bin/apt-get" "$scratch/few/"
run env PATH="$scratch/few" "$deps"
exits 'neither root nor sudo' 3
contains 'is said' "$err" 'not root, and no sudo'
contains 'with the line for sudo' "$out" 'sudo apt-get update && sudo '
cp "$scratch/bin/sudo" "$scratch/few/"
run env PATH="$scratch/few:$PATH" "$deps"
contains 'with sudo, apt-get is called through it' "$err" 'E: no network'

finish
