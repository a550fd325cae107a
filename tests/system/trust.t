#!/bin/sh
# A scenario from somebody else is code: what a run's own scenario.ini has executed and read is done
# only where the command line repeats it, by whatever name the scenario is reached. check tells all.
. "$(dirname "$0")/real.sh"

cat >"$scratch/meter" <<END
#!/bin/sh
touch "$scratch/executed"
while :; do echo 2.5; sleep 0.05; done
END
chmod +x "$scratch/meter"
printf 'a-private-line\n' >"$scratch/private"
chmod 600 "$scratch/private"
command="exec:$scratch/meter" private="file:$scratch/private"

# ---- a run of one's own, and how it says to go on ----

meter="$command it's" # a shell's word must be one
words="--set 'hosts.meter=$command it'\\''s' --set channel.password.password.secret=$private"
begin --set hosts.meter="$meter" --channels 'plain password' --repetitions 3 \
  --set channel.password.password.secret="$private"
await_trials 2
kill -INT "$driver"
stop_waiting "$soon"
exits 'interrupted' 130
contains 'it says how to go on, with all that is executed and read' "$err" \
  "--resume ${folder#"$root"/} --certs $scratch/certs $words"
rm "$scratch/executed"

resume() { # OPTION...
  run "$bench" run --resume "$folder" --certs "$scratch/certs" "$@"
}
resume
exits 'without these words it is refused' 2
contains '... with what would be executed' "$err" \
  "executes '$meter' ($folder/scenario.ini:"
contains '... and read' "$err" "reads '$private' ($folder/scenario.ini:"
contains '... and the words that are missing' "$err" " $words"
check '... before anything is executed' test ! -e "$scratch/executed"
resume --set hosts.meter="$meter"
exits 'one of two is not enough' 2
lacks '... and what is repeated is not asked for again' "$err" 'hosts.meter'
resume --set hosts.meter="$meter -x" --set channel.password.password.secret="$private"
exits 'another value is another run' 2
contains '... which is said' "$err" '--resume does not go with --set'
printf '"%s" run --resume "%s" --certs "%s" %s\n' "$bench" "$folder" "$scratch/certs" "$words" \
  >"$scratch/typed"
run sh "$scratch/typed"
exits 'with these words it goes on' 0
is '... to its end' "$(rows "$folder/trials.csv" block,channel status=ok | sort -u | wc -l)" 6

# ---- what its page says ----

run "$bench" report "$folder"
exits 'it can be reported' 0
python3 - "$folder/report.html" >"$scratch/page" <<'END'
import html, re, sys
page = open(sys.argv[1], encoding="utf-8").read()
print(html.unescape(re.search('<pre class="commands">(.*?)</pre>', page, re.S)[1]))
END
contains 'the page names what is executed' "$(cat "$scratch/page")" "hosts.meter=$command it"
{
  printf 'cd "%s"\n' "$folder"
  sed "/^git /d; s|^\./bench all |\"$bench\" run --repetitions 1 --output \"$scratch/again\" \
--certs \"$scratch/certs\" |" "$scratch/page"
} >"$scratch/typed"
run sh "$scratch/typed"
exits 'its command works as it stands' 0
check '... and does execute' test -e "$scratch/executed"
rm -f "$scratch/executed"

# ---- a run as a stranger sends it ----

received=$scratch/received/run
mkdir -p "$scratch/received" "$scratch/sent/run/channels"
cp "$folder"/*.csv "$folder/environment.json" "$scratch/sent/run"
send() { # CHANNEL LINE...: a run's archive whose scenario has these lines, unpacked
  {
    printf '%s\n' '[scenario]' "channels = $1" 'baseline = plain' 'probes = path' 'repetitions = 1'
    shift
    printf '%s\n' "$@"
  } >"$scratch/sent/run/scenario.ini"
  tar -czf "$scratch/run.tgz" -C "$scratch/sent" run
  rm -rf "$received"
  tar -xzf "$scratch/run.tgz" -C "$scratch/received"
}
all() { # SCENARIO [OPTION...]
  run "$bench" all "$@" --output "$scratch/none" --certs "$scratch/no-certs"
}
untouched() { # NAME
  check "$1" test ! -e "$scratch/executed" -a ! -e "$scratch/none" -a ! -e "$scratch/no-certs"
}
refuses() { # VERB PATH VALUE
  all "$received/scenario.ini"
  exits "$2 is refused" 2
  contains '... naming value and file' "$err" "  $1 '$3' ($received/"
  contains '... and the words' "$err" "on the command line: --set $2=$3"
  untouched '... before anything'
  run "$bench" check "$received/scenario.ini"
  exits '... by check as well' 2
  matches '... which names it' "$out" "^  $1 +$3 \($2\)\$"
}

for key in meter broker publisher; do
  send plain '[hosts]' "$key = $command"
  refuses executes "hosts.$key" "$command"
done
send plain '[hosts]' 'publisher = ssh://pi@192.0.2.1'
refuses executes hosts.publisher ssh://pi@192.0.2.1
send plain '[hosts]' 'folder = elsewhere'
refuses executes hosts.folder elsewhere
for mechanism in password token psk payload; do
  send 'plain theirs' '[channel.theirs]' "use = $mechanism" "$mechanism.secret = $private"
  refuses reads "channel.theirs.$mechanism.secret" "$private"
done
for key in ca certificate key key_passphrase; do
  value=$scratch/private other=''
  case $key in
    certificate) other="external.key = $HOME" ;;
    key) other="external.certificate = $HOME" ;;
    key_passphrase) value=$private other="external.key = $HOME
external.certificate = $HOME" ;;
  esac
  send 'plain theirs' '[channel.theirs]' 'use = external tls certificate' \
    'external.address = 192.0.2.1' "external.$key = $value" "$other"
  run "$bench" check "$received/scenario.ini"
  exits "channel.theirs.external.$key is refused" 2
  matches '... with what is read' "$out" \
    "^  reads +$value \(channel\.theirs\.external\.$key\)\$"
  contains '... and the words' "$err" " --set channel.theirs.external.$key=$value"
done
matches 'check names the address as well' "$out" \
  '^  connects to +192\.0\.2\.1 \(channel\.theirs\.external\.address\)$'

send 'plain theirs' '[channel.theirs]' 'use = password' '[vary]' \
  "channel.theirs.password.secret = $private file:/none"
varied="vary.channel.theirs.password.secret=$private file:/none"
all "$received/scenario.ini"
exits 'a varied setting is refused' 2
contains '... with all its values' "$err" "--set '$varied'"
run "$bench" check "$received/scenario.ini" --set "$varied"
contains '... until they are repeated' "$err" '/none: No such file'

printf '%s\n' '[channel]' 'use = password' '[password]' "secret = $private" \
  >"$scratch/sent/run/channels/theirs.ini"
send 'plain heir' '[channel.heir]' 'inherits = theirs'
refuses reads channel.heir.password.secret "$private"

send plain '[hosts]' 'address = 127.0.0.1' 'broker = lab:a' 'publisher = lab:b'
run "$bench" check "$received/scenario.ini"
exits 'a laboratory is nobody else'\''s' 0

# ---- by whatever name; and with consent ----

send plain '[hosts]' 'address = 127.0.0.1' "meter = $command"
ln -s "$received/scenario.ini" "$scratch/link.ini"
ln -s "$received" "$scratch/link"
cp "$received/scenario.ini" "$scratch/mine.ini"
ln -sf "$scratch/mine.ini" "$received/away.ini"
cp "$folder/scenario.ini" "$scratch/alone.ini" # no run beside it, but it begins as a run's
for name in link.ini link/scenario.ini received/run/away.ini alone.ini; do
  all "$scratch/$name"
  exits "by the name $name it is refused" 2
  untouched '... before anything'
done
(cd "$received" && "$bench" check scenario.ini >"$scratch/here" 2>&1)
contains '... and where one is' "$(cat "$scratch/here")" 'somebody else may have written it'
run "$bench" check "$scratch/mine.ini"
exits 'one of the user'\''s own is not' 0
matches '... and check says what it does' "$out" "^  executes +$command \(hosts\.meter\)\$"
measure "$received/scenario.ini" --set hosts.meter="$command" --set probe.path.duration=100ms \
  --set probe.path.warmup=0s
exits 'what is repeated is done' 0
check '... for the meter was executed' test -e "$scratch/executed"
run "$bench" check "$tiny"
lacks 'of a scenario that has nothing executed, check says nothing' "$out" executes
lacks '... nor of files' "$out" 'reads '
finish
