#!/bin/sh
# `./bench deploy`, to another host with a real sshd: what it refuses, what it brings and removes,
# and that what was there stays when it fails. As docs/two-pis.md has it, from the first key on.
# shellcheck disable=SC2086 # $on_b is a list
. "$(dirname "$0")/remote.sh"
unset BENCH_MESON_OPTIONS # how the other host builds is no matter here
remote_up

# ---- before anything is set up ----

run $on_b ./bench deploy
exits 'deploy without a host is wrong usage' 2
for host in pi-a local lab:a ssh:// ssh://-x ssh://pi@ ssh://pi@-x ssh://pi@pi-a:x \
  'ssh://pi@pi-a;true' ssh://pi@pi-a/tmp; do
  run $on_b ./bench deploy "$host"
  exits "deploy refuses $host" 2
  contains 'and says what is wanted' "$err" 'ssh://[USER@]NAME[:PORT]'
done

run $on_b ./bench deploy ssh://pi@pi-a
exits 'an unknown host key' 3
contains 'says what to do' "$err" 'Connect once with: ssh pi@pi-a'
run $on_b SSH_ASKPASS_REQUIRE=force SSH_ASKPASS="$askpass" ssh pi@pi-a true
exits 'that helps' 0
run $on_b ./bench deploy ssh://pi@pi-a
exits 'a key that is refused' 3
contains 'says what to do' "$err" 'ssh-copy-id pi@pi-a'
types 'ssh-keygen -t ed25519'
types 'ssh-copy-id pi@pi-a'
exits 'that helps' 0
run $on_b ssh pi@pi-a true
exits 'the key is taken' 0

run $on_b ./bench deploy ssh://pi@nowhere.invalid
exits 'a host that cannot be reached' 3
contains 'is named' "$err" 'ssh://pi@nowhere.invalid cannot be reached'
run $on_b ./bench deploy ssh://pi@pi-a:1
exits 'a closed port' 3
contains 'is told in the words of ssh' "$err" 'Connection refused'

# ---- deploy ----

types './bench deploy ssh://pi@pi-a'
exits 'deploy' 0
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
