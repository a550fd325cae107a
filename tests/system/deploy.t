#!/bin/sh
# `./bench deploy`, to another host with a real sshd: what it refuses, what it brings and removes,
# and that what was there stays when it fails. As docs/two-pis.md has it, from the first key on.
# shellcheck disable=SC2086 # $on_b is a list
. "$(dirname "$0")/remote.sh"
remote_up

# ---- before anything is set up ----

run $on_b ./bench deploy
exits 'deploy without a host is wrong usage' 2
contains 'and says what is wanted' "$err" 'deploy to which host? As in'
lacks '... and no kind that it refuses' "$err" lab:a
while read -r host words; do
  run $on_b ./bench deploy "$host"
  exits "deploy refuses $host" 2
  contains 'and says what is wanted' "$err" "$words"
done <<'END'
pi-a over ssh it is ssh://pi-a
pi@pi-a over ssh it is ssh://pi@pi-a
ssh:pi@pi-a over ssh it is ssh://pi@pi-a
local is not reached over ssh; right would be, say, ssh://pi@pi-a
lab:a is not reached over ssh
ssh:// names no host; right would be, say, ssh://pi@pi-a
ssh://-x names no host
ssh://pi@ names no host
ssh://pi@-x names no host
ssh://pi@pi-a:x 'x' is no port
ssh://pi@pi-a;true a ';' cannot be part of it
ssh://pi@pi-a/tmp a '/' cannot be part of it
END
run $on_b ./bench deploy ssh://pi:geheim@pi-a
exits 'a password in the address is refused' 2
contains 'with what is right' "$err" 'write ssh://LOGIN@NAME'
lacks 'and not shown' "$err" geheim

run $on_b ./bench deploy ssh://pi@pi-a
exits 'an unknown host key' 3
contains 'says what to do' "$err" "connect once with \`ssh pi@pi-a\`"
run $on_b SSH_ASKPASS_REQUIRE=force SSH_ASKPASS="$askpass" ssh pi@pi-a true
exits 'that helps' 0
run $on_b ./bench deploy ssh://pi@pi-a
exits 'a key that is refused' 3
contains 'says what to do' "$err" "\`ssh-copy-id pi@pi-a\`"
contains 'in the words of ssh, too' "$err" 'pi@pi-a: Permission denied'
types 'ssh-keygen -t ed25519'
types 'ssh-copy-id pi@pi-a'
exits 'that helps' 0
run $on_b ssh pi@pi-a true
exits 'the key is taken' 0

run $on_b ./bench deploy ssh://pi@nowhere.invalid
exits 'a host that cannot be reached' 3
contains 'is named' "$err" 'ssh://pi@nowhere.invalid: there is no host of this name'
run $on_b ./bench deploy ssh://pi@pi-a:1
exits 'a closed port' 3
contains 'is told in the words of ssh' "$err" 'Connection refused
'
contains 'with what it means' "$err" 'no ssh server answers there'

# ---- logins that do not do what they are told ----

# shellcheck disable=SC2317 # called by check
is_without_ssh() { # that of this test; the server's processes have another name
  [ -z "$(find_process '([^ ]*/)?ssh .*')" ]
}

for login in closed forced; do
  run $on_b ./bench deploy "ssh://$login@pi-a"
  exits "$login: a login that executes something else" 3
  contains 'is told' "$err" "ssh://$login@pi-a: its login does not execute what it is told"
done
contains 'with what it has said instead' "$err" '(last words: only for backups\x1b[2J)'
lacks 'but nothing that a terminal obeys' "$err" "$(printf '\033')"
echo 'cat >/dev/null' >"$a_home/.bashrc"
run $on_b ./bench deploy ssh://pi@pi-a
exits 'a login that reads what is sent' 3
contains 'is told' "$err" 'must not read from stdin'
check 'nothing of the copy is left' test ! -e "$deployed/.incoming"
printf 'touch ~/asleep\nexec sleep 60\n' >"$a_home/.bashrc"
mkdir "$scratch/interrupted"
for signal in INT TERM; do
  rm -f "$a_home/asleep"
  # shellcheck disable=SC2086 # several words
  start $on_b TMPDIR="$scratch/interrupted" ./bench deploy ssh://pi@pi-a
  check 'the login is at work' wait_for 60 test -e "$a_home/asleep"
  kill -s "$signal" "$driver"
  stop_waiting "$soon"
  exits "SIG$signal ends a deploy at once" 130
  check '... with its ssh' wait_for "$soon" is_without_ssh
  is '... and leaves no folder' "$(ls -A "$scratch/interrupted")" ''
done
echo "yes 'Welcome to pi-a' | head -c 200000" >"$a_home/.bashrc"

# ---- deploy ----

types './bench deploy ssh://pi@pi-a'
exits 'deploy, to a login that has much to say' 0
rm "$a_home/.bashrc"
contains 'it says what is done' "$err" 'to ssh://pi@pi-a, folder mqtt-security-bench (commit '
matches 'and shows what the other host is' "$out" 'version.mosquitto +mosquitto version'
check 'built there' test -x "$deployed/build/bench"

# differs: the files that git tracks here and that are not the same there.
differs() {
  git -C "$clone" ls-files | while IFS= read -r file; do
    [ -e "$clone/$file" ] || continue
    cmp "$clone/$file" "$deployed/$file" 2>&1
    [ "$(stat -c %A "$clone/$file" | cut -c 4)" = "$(stat -c %A "$deployed/$file" | cut -c 4)" ] ||
      echo "$file: executable here or there only"
  done
}
is 'all tracked files are there, as they are here' "$(differs)" ''
is 'the commit is kept there' "$(head -n 1 "$deployed/.deployed")" \
  "COMMIT $(git -C "$clone" rev-parse HEAD)"
is 'all of it is the login'\''s own' "$(find "$deployed" ! -user "$pi_id" -o -perm /022)" ''

# ---- other logins, addresses and folders ----

sed 's/^/[2001:db8::1]:2222,fe80::a%eth0 /' "$a/etc-ssh/ssh_host_ed25519_key.pub" \
  >>"$b_home/.ssh/known_hosts"
long=$scratch/$(printf '%090d' 0)
mkdir "$long"
run $on_b TMPDIR="$long" ./bench deploy "ssh://$odd_login@[2001:db8::1]:2222"
exits 'a login, an address and a port as they may be, out of a folder with a long name' 0
run $on_b ./bench deploy 'ssh://pi@[fe80::a%eth0]'
exits 'an address of the link' 0
if command -v tcsh >/dev/null; then
  run $on_b ./bench deploy ssh://csh@pi-a
  exits 'a login whose shell is tcsh' 0
else
  skip 'a login whose shell is tcsh' 'there is no tcsh'
fi

# What was built is as old as it was: only what differs was put into place.
built() {
  find "$deployed/build" -name '*.o' -newer "$scratch/mark" | sed 's,.*/,,' | sort | tr '\n' ' '
}
mkdir -p "$deployed/certs/ca" "$deployed/results/mine"
touch "$deployed/certs/ca/mine" "$deployed/results/mine/trials.csv" "$deployed/notes"
mkdir "$clone/scripts/more"
echo one >"$clone/scripts/more/a file"
git_b add -A
touch "$scratch/mark"
run $on_b ./bench deploy ssh://pi@pi-a
exits 'again, with one file more' 0
is 'nothing was built again' "$(built)" ''
check 'the file is there' test -s "$deployed/scripts/more/a file"
is 'that this is no commit is kept' "$(head -n 1 "$deployed/.deployed")" \
  "COMMIT $(git -C "$clone" rev-parse HEAD)-dirty"

git_b rm -q --cached 'scripts/more/a file'
rm "$clone/scenarios/quick.ini"
echo '/* changed */' >>"$clone/src/base/csv.c"
touch -d 2001-01-01 "$clone/src/base/csv.c"
run $on_b ./bench deploy ssh://pi@pi-a
exits 'and again' 0
check 'what is tracked no more is removed' test ! -e "$deployed/scripts/more"
check 'so is what is not there any more' test ! -e "$deployed/scenarios/quick.ini"
is 'a changed file is built, however old it is (and that with the name of all sources)' \
  "$(built)" 'base_csv.c.o hosts_protocol.c.o '
is 'what was not deployed is left alone' \
  "$(cd "$deployed" && find certs results notes -path 'results/example*' -prune -o -type f -print |
    sort | tr '\n' ' ')" \
  'certs/README.md certs/ca/mine notes results/mine/trials.csv '
reset_b() {
  git_b reset -q --hard
  git_b clean -qfd
  find "$clone/src" -exec touch -d 2001-01-01 {} +
}
reset_b

# ---- deployments that fail: what is there stays, whole ----

# What comes first on the PATH: $scratch/bin on pi-b, ~/bin on pi-a.
mkdir -p "$scratch/bin" "$a_home/bin"
# shellcheck disable=SC2016 # for that shell
echo 'PATH=$HOME/bin:$PATH' >"$a_home/.bashrc"
path=$scratch/bin:$PATH

stand_in() { # FILE, its commands from stdin
  { echo '#!/bin/sh' && cat; } >"$1"
  chmod +x "$1"
}

snapshot() {
  find "$deployed" -name build -prune -o ! -type d -exec sha256sum {} + | sort
}

# fails NAME WORDS [RUN...]: deploys in vain.
fails() {
  run $on_b PATH="$path" ./bench deploy ssh://pi@pi-a
  failed_as "$1" "$2"
}

failed_as() {
  exits "$1" 3
  contains 'that is said' "$err" "$2"
  is 'what was there is left alone' "$(snapshot)" "$before"
}

echo '/* changed */' | tee -a "$clone"/src/*/*.c >/dev/null
before=$(snapshot)

mv "$clone/.git" "$b/git"
fails 'what is no git clone cannot be deployed' 'only a git clone can be deployed'
mv "$b/git" "$clone/.git"

stand_in "$scratch/bin/tar" <<END
PATH=$PATH
tar "\$@" | head -c 100000
END
fails 'a copy that ends early' 'ssh://pi@pi-a did not get all files'
stand_in "$scratch/bin/tar" <<END
PATH=$PATH
tar "\$@" | head -c 100000
touch "$scratch/waits"
while [ -e "$scratch/waits" ]; do sleep 0.1; done
END
start $on_b PATH="$path" ./bench deploy ssh://pi@pi-a
wait_for 60 test -e "$scratch/waits"
# shellcheck disable=SC2046 # a list
kill -KILL $(find_on_a 'sshd(-session)?: pi@')
rm "$scratch/waits"
stop_waiting "$soon"
wait_for "$soon" test ! -e "$deployed/.incoming"
failed_as 'a connection that is cut' 'the connection broke off'
rm "$scratch/bin/tar"

mkdir "$deployed/.git"
fails 'a git clone there' 'mqtt-security-bench is there already, and was not deployed'
rmdir "$deployed/.git"
mv "$deployed/.deployed" "$a_home/"
before=$(snapshot)
fails 'another folder of that name' 'mqtt-security-bench is there already, and was not deployed'
mv "$a_home/.deployed" "$deployed/"
before=$(snapshot)

stand_in "$a_home/bin/tar" <<'END'
echo 'sh: 1: tar: not found' >&2
exit 127
END
fails 'no tar there' 'needs a shell and tar'
rm "$a_home/bin/tar"

as_root_on_a mount -t tmpfs -o size=200k none "$homes/pi/mqtt-security-bench"
fails 'a disk that is full' 'no space left on ssh://pi@pi-a'
as_root_on_a umount "$homes/pi/mqtt-security-bench"

# Amid putting the files into their places it dies; that is said, and the next one mends it.
echo new >"$clone/a new file"
git_b add -A
stand_in "$a_home/bin/mv" <<'END'
echo moved >>~/moved
[ "$(wc -l <~/moved)" -lt 10 ] || kill -KILL "$PPID"
exec /bin/mv "$@"
END
run $on_b ./bench deploy ssh://pi@pi-a
exits 'a deployment that dies amid its work' 3
check 'has brought the new file' test -e "$deployed/a new file"
check 'but not all that changed' test -n "$(differs)"
is 'says that it is neither the old nor the new' "$(head -n 1 "$deployed/.deployed")" \
  'COMMIT unknown: a deployment broke off'
rm "$a_home/bin/mv"
reset_b
run $on_b ./bench deploy ssh://pi@pi-a
exits 'the next one succeeds' 0
is 'and mends it' "$(differs)" ''
check 'the new file, which is tracked no more, is removed' test ! -e "$deployed/a new file"
check 'nothing of the copy is left' test ! -e "$deployed/.incoming"

remote_down
finish
