# shellcheck shell=sh
# golden.sh - for the system tests that compare with what tests/golden keeps, on top of lib.sh.
# Nothing there changes unless one asks for it; then look at what `git diff` says, and say why in
# the commit:
#
#   tests/system/golden.t --update        runs that were recorded, list and check
#   tests/system/scenarios.t --update     runs of today
#
#   $kept     a copy of tests/golden, unpacked
#   same NAME KIND PATH FILE    FILE says what $kept/PATH does (KIND: see golden-differences)

# shellcheck disable=SC2154 # lib.sh has them
golden=$root/tests/golden
kept=$scratch/kept
cp -r "$golden" "$kept"
for archive in "$kept"/*.tgz; do
  tar -xzf "$archive" -C "$kept"
done

is_updating() {
  [ "${update-}" = --update ]
}

same() { # NAME KIND PATH FILE
  if is_updating; then
    mkdir -p "$(dirname "$kept/$3")" "$(dirname "$golden/$3")"
    cp "$4" "$kept/$3"
    [ -e "$golden/${3%%/*}.tgz" ] || cp "$4" "$golden/$3"
  fi
  is "$1" "$("$root/tests/system/golden-differences" "$2" "$kept/$3" "$4" 2>&1)" ''
}

pack_again() { # FOLDER: what is kept as FOLDER.tgz, where that was asked for
  ! is_updating || tar -C "$kept" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 \
    -cf - "$1" | gzip -9n >"$golden/$1.tgz"
}
