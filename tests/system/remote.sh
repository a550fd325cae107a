# shellcheck shell=sh
# remote.sh - for the system tests over ssh, on top of real.sh: two hosts on this machine.
#
#     #!/bin/sh
#     . "$(dirname "$0")/remote.sh"
#     remote_up
#
#   pi-a   192.0.2.1: network, processes, users, /home, /tmp, /run, /etc/ssh and name of its own;
#          Debian's sshd; the user is pi, his password raspberry. $a_home: his home, seen from here
#   pi-b   192.0.2.2: network, users, /etc/ssh and name of its own. $b_home: root's home there, with
#          $clone in it, a git clone of the sources that uses the build folder of the tests
#   on_a COMMAND...            executes a command on pi-a, as pi (not through ssh); or as_root_on_a
#   run $on_b COMMAND...       executes a command on pi-b, as root, in the clone; for `start`, too
#   types COMMAND              the same, and checks that docs/two-pis.md has it
#   let_in FOLDER NAME         makes and brings the keys without typing: $a pi-a
#   remote_down                ends both; so does the end of the test, however it comes
#
# All of it is in namespaces: the machine's own sshd, keys, users and network are not touched, and
# what is mounted goes with the last process there.
. "$(dirname "$0")/real.sh"
need_root
need_command sshd ssh ssh-keygen ip unshare nsenter git setpriv
id sshd >/dev/null 2>&1 || skip_all 'there is no user sshd'
unshare --mount --net --uts --ipc --pid --fork --mount-proc mount -t tmpfs none /run 2>/dev/null ||
  skip_all 'no namespaces can be made here'

BENCH_BUILD=${BENCH_BUILD:-build}
case $BENCH_BUILD in
/*) ;;
*) BENCH_BUILD=$root/$BENCH_BUILD ;;
esac
export BENCH_BUILD # seen from the clone as well
export BENCH_MESON_OPTIONS="${BENCH_MESON_OPTIONS:--Doptimization=0}" # there, which is sooner built
a=$scratch/pi-a b=$scratch/pi-b c=$scratch/pi-c
a_home=$a/home/pi b_home=$b/home homes=/home
# shellcheck disable=SC2034 # for the tests
deployed=$a_home/mqtt-security-bench
clone=$b_home/mqtt-security-bench
a_pid='' b_pid='' c_pid='' on_b='' started=''
pi_id=64321 # of nobody else, but for other tests that run at the same time
# shellcheck disable=SC2016 # the hash of raspberry
pi_password='$5$bench$mKFGNuOF2qsDAMczW9NC9jS78mABE9C1CfIPbtPZ1rC'

odd_login='CORP\pi+lab@corp'

# The user's answers to ssh: yes, this is the key of my Pi; and the password.
askpass=$scratch/askpass
cat >"$askpass" <<'END'
#!/bin/sh
case $1 in
*'(yes/no'*) echo yes ;;
*passphrase*) echo ;;
*) echo raspberry ;;
esac
END
chmod +x "$askpass"

# What is passed to all that sshd starts. Marks first: they tell what this test has left behind.
remote_environment() {
  for name in BENCH_TEST_ID BENCH_TEST_FILE BENCH_NO_INSTALL BENCH_MESON_OPTIONS ASAN_OPTIONS \
    UBSAN_OPTIONS; do
    eval "value=\${$name-}"
    # shellcheck disable=SC2154 # by eval
    [ -z "$value" ] || printf ' "%s=%s"' "$name" "$value"
  done
}

make_pi() { # FOLDER NAME
  mkdir -p "$1/home/pi" "$1/tmp" "$1/etc-ssh"
  chmod 1777 "$1/tmp"
  chown "$pi_id:$pi_id" "$1/home/pi"
  ssh-keygen -q -t ed25519 -N '' -C "$2" -f "$1/etc-ssh/ssh_host_ed25519_key"
  cat >"$1/etc-ssh/sshd_config" <<END
HostKey /etc/ssh/ssh_host_ed25519_key
Port 22
Port 2222
PidFile /run/sshd.pid
UsePAM no
PermitRootLogin prohibit-password
SetEnv$(remote_environment)
Match User forced
  ForceCommand printf 'only for backups\\033[2J'
Match User reader
  ForceCommand cat >/dev/null
END
  {
    grep -vE '^pi:' /etc/passwd
    while read -r login shell; do
      printf '%s:x:%s:%s::%s:%s\n' "$login" "$pi_id" "$pi_id" "$homes/pi" "$shell"
    done <<END
pi /bin/bash
$odd_login /bin/bash
csh /bin/tcsh
closed /usr/sbin/nologin
forced /bin/bash
reader /bin/bash
END
  } >"$1/passwd"
  { grep -vE '^pi:' /etc/group && echo "pi:x:$pi_id:"; } >"$1/group"
  echo "pi:$pi_password:19000:0:99999:7:::" >"$1/shadow"
  cat >"$1/start" <<END
set -e
mount -t sysfs none /sys # as seen from this network
mount -t tmpfs none /run
mkdir -m 755 /run/sshd
mount --bind "$scratch/hosts" /etc/hosts
for file in passwd group shadow; do
  mount --bind "$1/\$file" "/etc/\$file"
done
mount --bind "$1/etc-ssh" /etc/ssh
mount --bind "$1/home" $homes
mount --bind "$1/tmp" /tmp # the last: all of this may be below it
hostname $2
exec "$(PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin command -v sshd)" -D -e
END
}

# start_pi FOLDER UNSHARE...: in namespaces, into $started; until its sshd listens.
start_pi() {
  pi_folder=$1
  shift
  : >"$pi_folder/log"
  "$@" --mount --uts --ipc --pid --fork --kill-child --mount-proc sh "$pi_folder/start" \
    >"$pi_folder/log" 2>&1 </dev/null &
  started=$!
  wait_for 60 grep -q 'Server listening' "$pi_folder/log"
}

# A laptop's second Pi: pi-b as one that can be logged in to, too, at the same network. $c: its
# folder, made as that of pi-a is.
remote_up_c() {
  make_pi "$c" pi-b
  start_pi "$c" nsenter --target "$b_pid" --net unshare
  c_pid=$started
}

make_b() {
  mkdir -p "$b_home" "$b/etc-ssh"
  awk -F : -v OFS=: -v home="$b_home" '$1 == "root" { $6 = home } { print }' \
    /etc/passwd >"$b/passwd"
  cat >"$b/start" <<END
set -e
mount -t sysfs none /sys
mount --bind "$b/passwd" /etc/passwd
mount --bind "$scratch/hosts" /etc/hosts
mount --bind "$b/etc-ssh" /etc/ssh
hostname pi-b
touch "$b/started"
exec sleep infinity
END
  make_clone
}

# As cloned from where it comes from: all files of the sources, in one commit. Their times are old,
# so that the program in the tests' build folder is no older and need not be built again.
make_clone() {
  git -C "$root" -c safe.directory="$root" ls-files -co --exclude-standard >"$b/all" 2>/dev/null ||
    (cd "$root" && find . -type f ! -path './.*' ! -path './build*/*' ! -path './certs/?*/*' \
      ! -path './results/*' ! -name hosts.ini) >"$b/all"
  mkdir "$clone"
  while IFS= read -r file; do
    [ ! -e "$root/$file" ] || printf '%s\n' "$file"
  done <"$b/all" | tar -C "$root" -c --verbatim-files-from -T - | tar -C "$clone" -x --no-same-owner
  find "$clone/src" "$clone"/meson* -exec touch -d 2001-01-01 {} +
  git_b init && git_b add -A && git_b commit -m 'All files'
}

git_b() {
  git -C "$clone" -c init.defaultBranch=main -c user.name=pi -c user.email=pi@pi-b "$@" \
    >>"$b/git.log" 2>&1
}

remote_up() {
  mkdir "$a" "$b"
  printf '127.0.0.1 localhost\n192.0.2.1 pi-a\n192.0.2.2 pi-b\n' >"$scratch/hosts"
  "$bench" --version >/dev/null || skip_all 'the program cannot be built here'
  make_pi "$a" pi-a
  make_b
  unshare --mount --net --uts sh "$b/start" >"$b/log" 2>&1 </dev/null &
  b_pid=$!
  # shellcheck disable=SC2034 # for the tests
  on_b="nsenter --target $b_pid --net --mount --uts --wd=$clone env HOME=$b_home"
  if ! start_pi "$a" unshare --net || ! wait_for 60 test -e "$b/started" || ! connect_hosts; then
    fail 'two hosts are up' "$(cat "$a/log" "$b/log")"
    exit 1
  fi
}

connect_hosts() {
  a_pid=$started
  ip_b link add eth0 type veth peer name eth0 netns "$a_pid" && ip_a link set lo up &&
    ip_b link set lo up && ip_a address add 192.0.2.1/24 dev eth0 && ip_a link set eth0 up &&
    ip_b address add 192.0.2.2/24 dev eth0 && ip_b link set eth0 up || return
  # Without IPv6 those tests that need it fail, or are skipped.
  for address in 2001:db8::1 fe80::a; do
    ip_a address add "$address/64" dev eth0 nodad
  done
  ip_b address add 2001:db8::2/64 dev eth0 nodad
}

ip_a() {
  nsenter --target "$a_pid" --net ip "$@"
}

ip_b() {
  nsenter --target "$b_pid" --net ip "$@"
}

as_root_on_a() {
  nsenter --target "$a_pid" --net --mount --uts --ipc --pid="/proc/$a_pid/ns/pid_for_children" \
    --wd=/ "$@"
}

on_a() {
  as_root_on_a setpriv --reuid="$pi_id" --regid="$pi_id" --clear-groups env HOME="$homes/pi" "$@"
}

# find_on_a PATTERN: the process ids (as seen from here) of what pi runs there, by its arguments.
find_on_a() {
  a_space=$(readlink "/proc/$a_pid/ns/pid_for_children") # what tells this pi-a from others
  find /proc -maxdepth 1 -name '[0-9]*' -uid "$pi_id" 2>/dev/null | while read -r process; do
    [ "$(readlink "$process/ns/pid")" != "$a_space" ] ||
      printf '%s %s\n' "${process#/proc/}" "$(tr '\0' ' ' <"$process/cmdline")"
  done 2>/dev/null | sed 's/ *$//' | grep -E -e "^[0-9]+ ($1)" | cut -d ' ' -f 1
}

# let_in FOLDER NAME: its host key is known on pi-b, and root's key there is taken for pi.
let_in() {
  mkdir -p "$b_home/.ssh" "$1/home/pi/.ssh"
  [ -e "$b_home/.ssh/id_ed25519" ] ||
    ssh-keygen -q -t ed25519 -N '' -f "$b_home/.ssh/id_ed25519"
  cp "$b_home/.ssh/id_ed25519.pub" "$1/home/pi/.ssh/authorized_keys"
  printf '%s %s\n' "$2" "$(cat "$1/etc-ssh/ssh_host_ed25519_key.pub")" \
    >>"$b_home/.ssh/known_hosts"
  chown -R "$pi_id:$pi_id" "$1/home/pi/.ssh"
}

# types COMMAND: docs/two-pis.md names it; then it is executed on pi-b, with a user who answers
# ssh's questions and presses Enter at others.
types() {
  contains "docs: $1" "$walk" "
$1
"
  yes '' | head -n 10 >"$scratch/enter"
  # shellcheck disable=SC2016 # for the other shell
  run $on_b SSH_ASKPASS_REQUIRE=force SSH_ASKPASS="$askpass" sh -c 'eval "$1" <"$2"' - "$1" \
    "$scratch/enter"
}

# The commands of docs/two-pis.md, without their comments.
# shellcheck disable=SC2016 # no command
walk=$(sed -n '/^```sh/,/^```/p' "$root/docs/two-pis.md" | sed 's/  *# .*//')

remote_down() {
  for pid in $a_pid $b_pid $c_pid; do
    kill -KILL "$pid"
    wait "$pid"
  done 2>/dev/null
  a_pid='' b_pid='' c_pid=''
}
