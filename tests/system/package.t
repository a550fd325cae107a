#!/bin/sh
# The Debian package, of this machine's release and of the other one (12 or 13): it is built from
# the sources without a network, and lintian finds no error. In a root that had nothing but apt, it
# is installed and used by an ordinary user in an empty folder, deployed from, and removed.
. "$(dirname "$0")/real.sh"
need_root
need_command apt-get debootstrap dpkg-buildpackage dh dh_python3 git lintian unshare

own=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
other=trixie
[ "$own" != trixie ] || other=bookworm
debian_root=$root/scripts/debian-root
name=mqtt-security-bench
# The sources as a source package has them: no git, but the list of what they are.
sources=$scratch/sources
mkdir "$sources"
"$root/scripts/sources-list" >"$sources/.deployed"
sed 1d "$sources/.deployed" |
  tar -c -C "$root" --no-recursion --verbatim-files-from -T - | tar -x -C "$sources"
commit=$(sed -n '1s/^COMMIT //p' "$sources/.deployed")

# in_root ROOT RELEASE [--own-network] COMMAND...: in the root of that name; what is exchanged with
# it is in the folder $scratch/RELEASE-ROOT/build-exchange, there /opt/bench/build-exchange.
# shellcheck disable=SC2317 # called by step
in_root() {
  in_root=$1 in_release=$2 in_network=''
  shift 2
  if [ "$1" = --own-network ]; then
    in_network=$1
    shift
  fi
  # shellcheck disable=SC2086 # one option or none
  BENCH_DEBIAN_ROOT=$root/build-debian-$in_release/$in_root \
    BENCH_DEBIAN_TREE=$scratch/$in_release-$in_root "$debian_root" $in_network "$in_release" "$@"
}
exchange() { # ROOT RELEASE
  echo "$scratch/$2-$1/build-exchange"
}

# ---- what is executed in the roots ----

mkdir "$scratch/scripts"
# Of this machine's release it is executed on the machine.
cat >"$scratch/scripts/build" <<'END_OF_SCRIPT'
set -eu
cd "$1"
DEB_BUILD_OPTIONS=parallel=$(nproc) unshare --net nice dpkg-buildpackage -b -us -uc
cd ..
lintian --allow-root --fail-on error ./*.changes
END_OF_SCRIPT
cat >"$scratch/scripts/build-there" <<'END_OF_SCRIPT'
set -eu
exchange=$PWD/build-exchange
export DEBIAN_FRONTEND=noninteractive
apt() {
  apt-get -y -q -o DPkg::Lock::Timeout=900 "$@"
}
mkdir /tmp/package
cp -r "$exchange/sources" /tmp/package/
apt update
apt build-dep --no-install-recommends /tmp/package/sources/
apt install --no-install-recommends lintian
sh "$exchange/build" /tmp/package/sources
cp /tmp/package/*.deb "$exchange/"
END_OF_SCRIPT
cat >"$scratch/scripts/install" <<'END_OF_SCRIPT'
set -eu
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d # no services
chmod 755 /usr/sbin/policy-rc.d
apt-get -y -q update
apt-get -y -q install --no-install-recommends ./build-exchange/mqtt-security-bench_*.deb "$@"
userdel -rf tester 2>/dev/null || true
useradd --create-home --base-dir /srv --shell /bin/sh tester
END_OF_SCRIPT
cat >"$scratch/scripts/use" <<'END_OF_SCRIPT'
set -eu
export LC_ALL=C.UTF-8
[ -z "$(command -v gcc git meson)" ] || echo 'not bare'
mkdir "$HOME/empty"
cd "$HOME/empty"
mqtt-security-bench --version
nice mqtt-security-bench all quick 2>&1 || echo "exit status $?"
echo "in it: $(echo *)"
echo "results: $(echo results/quick-*/trials.csv) $(echo results/quick-*/report.html)"
echo "plots: $(cd plots/quick-* && echo throughput.*)"
echo "statuses: $(cut -d , -f 1 results/quick-*/proofs.csv | wc -l) $(
  grep -c ,broken results/quick-*/proofs.csv)"
keys=$HOME/.local/share/mqtt-security-bench/certs
echo "keys: $(find "$keys" -name '*.key' -printf '%m\n' | sort -u) $(
  find "$HOME" -name '*.key' ! -path "$keys/*")"
mkdir scenarios
sed 's/^description.*/description = mine/' \
  /usr/share/mqtt-security-bench/scenarios/quick.ini >scenarios/quick.ini
sed 's/^description.*/description = another of mine/' scenarios/quick.ini >scenarios/own.ini
mqtt-security-bench list scenarios | grep -E '^  (quick|own|paper) ' | tr -s ' '
mqtt-security-bench check own | head -n 1
mqtt-security-bench --help | grep '^  test ' || echo 'no tests here'
mqtt-security-bench certs --help | sed -n 's/^  \(.*\) show$/as typed: \1/p'
mqtt-security-bench run quick --channels plain --probes path --repetitions 1 --quiet \
  --set probe.path.duration=200ms --set probe.path.warmup=0s --output "$HOME" \
  --broker-host exec:env --set hosts.address=127.0.0.1 \
  --set hosts.folder=/usr/libexec/mqtt-security-bench 2>&1
echo "through exec: $?"
bash -c '. /usr/share/bash-completion/completions/mqtt-security-bench
  COMP_WORDS=(mqtt-security-bench all qui) COMP_CWORD=2
  _mqtt_security_bench
  echo "completes: ${COMPREPLY[*]}"'
[ ! -e /usr/share/man/man1/bench.1.gz ] ||
  echo "manual: $(zcat /usr/share/man/man1/bench.1.gz | head -n 1)"
END_OF_SCRIPT
cat >"$scratch/scripts/deploy" <<'END_OF_SCRIPT'
set -u
mkdir -p /run/sshd
/usr/sbin/sshd
su tester -c 'set -e
  mkdir -p ~/.ssh && chmod 700 ~/.ssh
  ssh-keygen -q -t ed25519 -N "" -f ~/.ssh/id_ed25519
  cp ~/.ssh/id_ed25519.pub ~/.ssh/authorized_keys
  ssh-keyscan localhost 2>/dev/null >~/.ssh/known_hosts
  mkdir -p ~/elsewhere && cd ~/elsewhere
  BENCH_NO_INSTALL=1 mqtt-security-bench deploy ssh://tester@localhost'
echo "exit status $?"
cp -r /srv/tester/mqtt-security-bench build-exchange/deployed
END_OF_SCRIPT
cat >"$scratch/scripts/remove" <<'END_OF_SCRIPT'
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -y -q purge mqtt-security-bench >/dev/null
apt-get -y -q autoremove --purge >/dev/null
find / -xdev -name '*mqtt-security-bench*' ! -path '/proc/*' ! -path '/srv/*' ! -path '/opt/*' \
  ! -path '/var/cache/apt/*'
echo "kept: $(cd /srv/tester/empty/results && echo quick-* | wc -w)"
userdel -rf tester 2>/dev/null || true
END_OF_SCRIPT

# ---- of one release ----

# The package is made on the machine, or in a root of the other release.
make_package() { # RELEASE
  if [ "$1" = "$own" ]; then
    mkdir "$words/build-folder"
    cp -r "$sources" "$words/build-folder/"
    step root true
    step build sh "$scratch/scripts/build" "$words/build-folder/sources" || return
    cp "$words"/build-folder/*.deb "$(exchange bare "$1")"
  else
    step root in_root root "$1" true || return
    cp -r "$sources" "$(exchange root "$1")/"
    step build in_root root "$1" sh build-exchange/build-there || return
    cp "$(exchange root "$1")"/*.deb "$(exchange bare "$1")"
  fi
}

# All of it, each step's words in a file of its own, its exit status in STEP.status. The bare root
# is made beside the package: one waits for the network, the other for the processor.
try_release() { # RELEASE
  words=$scratch/$1
  mkdir -p "$words" "$(exchange root "$1")" "$(exchange bare "$1")"
  cp "$scratch"/scripts/* "$(exchange root "$1")"
  cp "$scratch"/scripts/* "$(exchange bare "$1")"
  step() { # NAME COMMAND...
    step_name=$1
    shift
    "$@" >"$words/$step_name" 2>&1 </dev/null
    echo $? >"$words/$step_name.status"
    [ "$(cat "$words/$step_name.status")" = 0 ]
  }
  step bare in_root bare "$1" true &
  make_package "$1"
  made=$?
  wait $!
  if [ $made != 0 ] || [ "$(cat "$words/bare.status")" != 0 ]; then
    return 1
  fi
  step install in_root bare "$1" sh build-exchange/install openssh-server || return
  step use in_root bare "$1" --own-network su - tester -c 'sh /opt/bench/build-exchange/use'
  step deploy in_root bare "$1" --own-network sh build-exchange/deploy
  step remove in_root bare "$1" --own-network sh build-exchange/remove
}

check_step() { # RELEASE STEP NAME: false when there is nothing more to look at
  status=$(cat "$scratch/$1/$2.status" 2>/dev/null)
  out=$(cat "$scratch/$1/$2" 2>/dev/null)
  is "$1: $3" "$status" 0
  [ "$status" = 0 ]
}

check_release() { # RELEASE
  if [ "$(cat "$scratch/$1/root.status")" != 0 ]; then
    skip "the package of $1" "$(grep . "$scratch/$1/root" | tail -n 1)"
    return
  fi
  check_step "$1" build 'the package is built without a network; lintian finds no error' || return
  lacks '... nor any warning' "$out" '
W: '
  check_step "$1" bare 'there is a bare root' || return
  check_step "$1" install 'it is installed there' || return
  check_step "$1" use 'an ordinary user uses it in an empty folder'
  matches '... it tells version and commit' "$out" \
    "^$name $(sed -n 's/.*(\(.*\)).*/\1/p;q' "$root/debian/changelog") \(commit $commit\)\$"
  lacks '... that had nothing else' "$out" 'not bare'
  lacks '... all is well' "$out" 'exit status'
  contains '... only results and plots are made there' "$out" 'in it: plots results'
  matches '... the run' "$out" \
    '^results: results/quick-[0-9TZ]*/trials.csv results/quick-[0-9TZ]*/report.html$'
  contains '... its figures' "$out" 'plots: throughput.pdf throughput.png throughput.svg'
  matches '... all proofs held' "$out" '^statuses: [0-9]{2,} 0$'
  matches '... keys are with the data of the user, and nobody else reads them' "$out" \
    '^keys: 600 $'
  contains '... an own scenario hides the one that came along' "$out" 'quick mine'
  contains '... another is found beside those' "$out" 'own another of mine'
  matches '... which are still there' "$out" '^ paper '
  contains '... and can be executed' "$out" 'own: another of mine'
  contains '... an agent of the package is one for others, too' "$out" 'through exec: 0'
  contains '... bash completes its words' "$out" 'completes: quick'
  contains '... its examples can be typed' "$out" "as typed: $name certs"
  contains '... it offers no tests' "$out" 'no tests here'
  contains '... it has a manual' "$out" 'manual: .TH MQTT'
  check_step "$1" deploy 'deploy'
  matches '... copies the sources of the package' "$out" \
    "copying [0-9]+ files to ssh://tester@localhost, folder $name \(commit $commit\)"
  contains '... and goes on there' "$out" 'bench: packages are missing; what installs them:'
  matches '... where it was told to install nothing' "$out" '^exit status 3$'
  check_step "$1" remove 'it is removed'
  is '... with all its files, but not those of its users' "$out" 'kept: 1'
}

# ---- both ----

# What was deployed is built while the other release goes on.
unset BENCH_BUILD
deployed=$(exchange bare "$own")/deployed
try_release "$other" &
try_release "$own" && step deployed timeout 900 \
  nice env BENCH_MESON_OPTIONS=-Doptimization=0 "$deployed/bench" --version
wait
check_release "$own"
check_release "$other"
[ "$(cat "$scratch/$own/deploy.status" 2>/dev/null)" = 0 ] || finish

# What was deployed is what this tree has, and builds; driver and agents of both are one version.
status=''
is 'what was deployed is all that the sources are' "$(sed 1d "$deployed/.deployed" |
  while read -r file; do
    cmp -- "$sources/$file" "$deployed/$file"
  done 2>&1)" ''
is '... it builds there, and says what it is' "$(tail -n 1 "$scratch/$own/deployed")" \
  "$name 0.1.0 (commit $commit)"
sources_of() { # PROGRAM
  BENCH_ROOT=$sources "$1" agent </dev/null | grep -o '"sources": *"[^"]*"'
}
dpkg-deb -x "$(find "$scratch/$own/build-folder" -name "${name}_*.deb")" "$scratch/content"
is '... from the same sources as the package' "$(sources_of "$deployed/build/bench")" \
  "$(sources_of "$scratch/content/usr/libexec/$name/bench")"
finish
