#!/bin/sh
# The Debian source package: what the sources are, and nothing of what a user has measured there.
. "$(dirname "$0")/real.sh"
need_command dpkg-source

tree=$scratch/mqtt-security-bench
mkdir "$tree"
"$root/scripts/sources-list" >"$tree/.deployed"
sed 1d "$tree/.deployed" |
  tar -c -C "$root" --no-recursion --verbatim-files-from -T - | tar -x -C "$tree"

# Whatever a run, a figure and a deployment are called, of whatever length, beside our examples.
put() { # PATH...
  for put; do
    mkdir -p "$tree/$(dirname "$put")"
    echo private >"$tree/$put"
  done
}
for place in results plots; do
  for name in x e ex example2 examples examination exotic paper-20260101T000000Z \
    example-20260101T000000Z example-fleet2 example-mine .hidden example.bak; do
    put "$place/$name/trials.csv"
  done
  put "$place/a-file" "$place/exa/b/c"
done
put results/example-fleet/trials.csv results/example-mechanisms/trials.csv results/paper.tgz \
  .incoming/trials.csv certs/ca.key build/bench build-arm64/bench obj-x86_64/bench \
  scenarios/hosts.ini scripts/__pycache__/run.pyc

run sh -c 'cd "$1" && dpkg-source --build mqtt-security-bench' sh "$scratch"
exits 'a source package is made of a tree that was used' 0
tar -tf "$(find "$scratch" -maxdepth 1 -name '*.tar.*')" | grep -v '/$' | cut -d / -f 2- |
  LC_ALL=C sort >"$scratch/packed"
{
  echo .deployed
  sed 1d "$tree/.deployed"
} | LC_ALL=C sort >"$scratch/sources"
is 'it has what the sources are, and nothing else' "$(
  diff "$scratch/sources" "$scratch/packed")" ''
finish
