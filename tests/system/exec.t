#!/bin/sh
# A host that `exec:` leads to: another machine, whose launcher builds there as that machine is set
# up, installs nothing, and is refused when its sources are not the driver's.
. "$(dirname "$0")/real.sh"

BENCH_BUILD=${BENCH_BUILD:-build}
case $BENCH_BUILD in
/*) ;;
*) BENCH_BUILD=$root/$BENCH_BUILD ;;
esac
export BENCH_BUILD
other="$scratch/another tree"
doctor() { # COMMAND [VARIABLE...]: of a host behind `exec:COMMAND`
  host=exec:$1
  shift
  run env "$@" "$bench" doctor --broker-host "$host" --set hosts.folder="$other" \
    --set hosts.address=127.0.0.1
}

# ---- what an agent there starts with ----

mkdir "$other"
cat >"$other/bench" <<'END'
#!/bin/sh
env | grep -E '^(BENCH_(BUILD|CA_PASSPHRASE|MESON_OPTIONS|NO_INSTALL|ROOT)|CC|CFLAGS)=' | sort >&2
echo "argument $1" >&2
exit 4
END
chmod +x "$other/bench"
said() { # once, without the host's name in front
  printf '%s\n' "$err" | sed -nE 's/^exec:[^:]*: (BENCH_[A-Z_]*=|CC=|CFLAGS=|argument )/\1/p' |
    awk '!said[$0]++'
}
doctor env BENCH_NO_INSTALL=0 BENCH_CA_PASSPHRASE=secret BENCH_MESON_OPTIONS=-Dx=1 CC=gcc CFLAGS=-O2
exits 'an agent that does not come up' 3
is 'inherits no setting of the driver'\''s, and is not to install' "$(said)" 'BENCH_NO_INSTALL=1
argument agent'
doctor 'env BENCH_BUILD=build-there CC=clang'
is 'those that its command names reach it' "$(said)" 'BENCH_BUILD=build-there
BENCH_NO_INSTALL=1
CC=clang
argument agent'

# ---- packages that it lacks ----

mkdir "$scratch/bin"
printf '#!/bin/sh\necho "$*" >>"%s"\n' "$scratch/apt.log" >"$scratch/bin/apt-get"
chmod +x "$scratch/bin/apt-get"
rm -r "$other"
mkdir "$other" "$other/scripts"
cp "$bench" "$other/"
cp "$root/scripts/install-deps" "$other/scripts/"
cat >"$scratch/bare" <<END
export BENCH_DEPS_ROOT=/nonexistent PATH="$scratch/bin:$PATH"
exec "\$@"
END
doctor "sh $scratch/bare"
exits 'packages are missing there' 3
matches 'what to execute there is said' "$out" \
  'OUT OF REACH .*packages are missing there.* execute there: .*apt-get install .* gcc '
check 'nothing is installed' test ! -e "$scratch/apt.log"

# ---- other sources ----

# A copy of this clone, with what is built in it.
rm -r "$other"
mkdir "$other"
(cd "$root" && tar -c --exclude=.git --exclude='./build*' --exclude='./certs/?*' \
  --exclude=./results --exclude=./plots .) | tar -x -C "$other"
cp -a "$BENCH_BUILD" "$other/build"
doctor env
exits 'the same sources there' 0
lacks 'which were built' "$err" 'bench: building'
echo '/* changed */' >>"$other/src/base/csv.c"
doctor env
exits 'other sources there' 3
contains 'they are built there' "$err" "bench: building in $(readlink -f "$other")/build ..."
matches 'and refused, with the names of host and folder' "$out" \
  "host exec:env: there is version .*sources [0-9a-f]+\) in $other, here is .*sources [0-9a-f]+\)"

# The same again, but what changes keeps an old time, as rsync -a and kubectl cp have it.
echo '/* changed again */' >>"$other/src/base/csv.c"
touch -d 2001-01-01 "$other/src/base/csv.c"
doctor env
exits 'other sources of an old time' 3
contains 'they are built, too' "$err" "bench: building in $(readlink -f "$other")/build ..."
matches 'and refused' "$out" "there is version .*sources [0-9a-f]+\) in $other"
doctor env
lacks 'once' "$err" 'bench: building'

finish
