#!/bin/sh
# The layers of src/ include each other in one direction only (design: base -> model -> security ->
# transport, mqtt -> broker -> probes -> hosts -> run -> cli -> main.c; analysis: base, model).
. "$(dirname "$0")/lib.sh"

# A layer, and what its files may include besides their own.
cat >"$scratch/layers" <<'END'
base
model      base
security   base model
transport  base model security
mqtt       base model security
broker     base model security transport mqtt
probes     base model security transport mqtt broker
hosts      base model security transport mqtt broker probes
run        base model security transport mqtt broker probes hosts
analysis   base model
plugin     base model security
cli        base model security transport mqtt broker probes hosts run analysis
main.c     base model security transport mqtt broker probes hosts run analysis cli
END

# violations SRC: "file:line: why" for each include that goes against the table.
violations() (
  cd "$1" || exit
  # shellcheck disable=SC2016 # awk's
  find . -name '*.[ch]' | sort | xargs awk '
    NR == FNR {
      known[$1] = 1
      for (i = 2; i <= NF; i++) may[$1, $i] = 1
      next
    }
    FNR == 1 {
      file = substr(FILENAME, 3)
      layer = file
      sub(/\/.*/, "", layer)
      if (!(layer in known)) print file ":1: " layer " is no layer"
    }
    /^[ \t]*#[ \t]*include[ \t]*"/ {
      split($0, part, "\"")
      target = part[2]
      if (target == "sources_id.h" || target == "installed.h") next # made by the build
      sub(/\/.*/, "", target)
      if (!(target in known) || target ~ /\./)
        print file ":" FNR ": include \"" part[2] "\": no layer in front of the name"
      else if (target != layer && !((layer, target) in may))
        print file ":" FNR ": " layer " may not include " target
    }' "$scratch/layers"
)

# circles SRC: the files, without .c and .h, that include each other in a circle. Of a file with a
# table of kinds the header counts, on which its rows stand; and of cli/, where the commands of one
# program share its struct.
circles() (
  cd "$1" || exit
  # shellcheck disable=SC2016 # awk's
  find . -name '*.[ch]' | sort | grep -vE \
    '^\./(security/mechanism|probes/probe|broker/broker|hosts/kind|cli/.*|main)\.c$' |
    xargs awk '
    /^[ \t]*#[ \t]*include[ \t]*"/ {
      split($0, part, "\"")
      file = substr(FILENAME, 3)
      sub(/\.[ch]$/, "", file)
      sub(/\.h$/, "", part[2])
      if (file != part[2]) print file, part[2]
    }' | tsort 2>&1 >"$scratch/order" | sed -n 's/^tsort: \([a-z].*\)/\1/p' | sort -u
)

# uses FOLDER BUT REGEX: the lines that match, but for files that begin like BUT.
uses() (
  cd "$1" || exit
  grep -rnE --include='*.[ch]' -e "$3" . | grep -vE "^\./($2)"
)

# breaks NAME FILE LINE WHY: a copy of the sources with LINE added to FILE is complained about.
breaks() {
  rm -rf "$scratch/copy"
  cp -r "$root/src" "$scratch/copy"
  mkdir -p "$scratch/copy/$(dirname "$2")"
  printf '%s\n' "$3" >>"$scratch/copy/$2"
  contains "$1" "$(violations "$scratch/copy")" "$4"
}

is 'every include goes from a layer to one before it' "$(violations "$root/src")" ''

breaks 'a violation is seen' base/clock.c '#include "model/plan.h"' 'base may not include model'
breaks 'transport and mqtt are strangers' transport/x.c '#include "mqtt/client.h"' \
  'transport/x.c:1: transport may not include mqtt'
breaks 'and the other way round' mqtt/x.h '#  include "transport/tls.h"' \
  'mqtt/x.h:1: mqtt may not include transport'
breaks 'the analysis sees files only' analysis/x.c '#include "run/journal.h"' \
  'analysis may not include run'
breaks 'nothing includes main.c' run/x.c '#include "main.c"' 'run/x.c:1: include "main.c"'
breaks 'an include names its layer' run/x.c '#include "journal.h"' 'run/x.c:1: include "journal.h"'
breaks 'a new folder needs a row here' misc/x.c '' 'misc/x.c:1: misc is no layer'

is 'no files include each other in a circle' "$(circles "$root/src")" ''
rm -rf "$scratch/copy"
cp -r "$root/src" "$scratch/copy"
printf '#include "model/plan.h"\n' >>"$scratch/copy/model/scenario.h"
is '... and one that did would be seen' "$(circles "$scratch/copy" | grep -c '^model/')" 2

is 'only mqtt uses libmosquitto, and plugins its codes' \
  "$(uses "$root/src" 'mqtt/|plugin/' '<mosquitto\.h>')" ''
is 'only mqtt uses Paho C' \
  "$(uses "$root/src" 'mqtt/paho' '<MQTT[A-Za-z]*\.h>')" ''
is 'only two files of mqtt use libmosquitto' \
  "$(uses "$root/src/mqtt" '(mosquitto_library|client_group)\.c:' '<mosquitto\.h>')" ''
is 'only security/tls_context builds an SSL_CTX' \
  "$(uses "$root/src" 'security/tls_context\.c:' 'SSL_CTX_new(_ex)? *\(')" ''
words='casts?|actors?|crew|stages?|performances?|cues?|scenes?|agenda|visits?|hear_all|patient'
words="$words|crowd(ed)?|ground"
is 'each thing has the word of its field' \
  "$(uses "$root/src" ' ' "(^|[^[:alnum:]])($words)([^[:alnum:]]|\$)|[^a-z_]live\\(")" ''
is 'presentation is for scripts' \
  "$(uses "$root/src" ' ' '[Hh][Tt][Mm][Ll]|[Ll][Aa][Tt][Ee][Xx]|[^_a-z](SVG|svg)|[Gg]nuplot')" ''
is 'model is data: no socket, no process' \
  "$(uses "$root/src/model" ' ' '<sys/(socket|wait|un)\.h>|<netinet/|"base/process\.h"')" ''

# The way of a trial that CONTRIBUTING.md names: "function file" lines.
way() {
  # shellcheck disable=SC2016 # backquotes of Markdown
  sed -nE 's/^ +[1-9]\. `([a-z_]+)` \(`([a-z_/]+\.c)`\):.*/\1 \2/p' "$root/CONTRIBUTING.md"
}

# body FUNCTION FILE: the lines of its definition.
body() {
  awk -v name="$1" 'index($0, name "(") && /^[a-z]/ { on = 1; text = "" }
    on { text = text $0 "\n" }
    on && /;$/ && /^[a-z]/ { on = 0 }
    on && /^}/ { printf "%s", text; exit }' "$2"
}

# broken_way SRC: each step of it that is not there, or that the one before does not call.
broken_way() {
  before=
  way | while read -r name file; do
    text=$(body "$name" "$1/$file")
    [ -n "$text" ] || echo "$file has no $name"
    [ -z "$before" ] || printf '%s' "$before" | sed 1d | grep -qE "(^|[^a-z_])$name\(" ||
      echo "$name is not called by the one before"
    before=$text
  done
}

is 'the way of a trial is there as CONTRIBUTING names it' "$(broken_way "$root/src")" ''
matches 'and takes few steps' "$(way | wc -l)" '^ *[5-8]$'
rm -rf "$scratch/copy"
cp -r "$root/src" "$scratch/copy"
sed -i 's/= trial_run(/= trial_ran(/' "$scratch/copy/run/deployment.c"
is 'a step that another has taken the place of is seen' "$(broken_way "$scratch/copy")" \
  'trial_run is not called by the one before'
sed -i 's/measure_plan/measure_all/' "$scratch/copy/run/runner.c"
contains 'and one that is gone' "$(broken_way "$scratch/copy")" 'run/runner.c has no measure_plan'

finish
