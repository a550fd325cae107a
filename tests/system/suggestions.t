#!/bin/sh
# Wherever a message says what is expected it names the nearest right one. Walks through all names
# that a user can write: commands, kinds, scenarios, channels, probes, mechanisms, settings, the
# words of a choice, metrics, hosts, units, suites and groups. Each has a letter too many here, or
# two exchanged; a letter too few could be another name.
. "$(dirname "$0")/real.sh"

# too_many NAME; exchanged NAME: its second letter and its third
too_many() {
  printf '%sx' "$1"
}
exchanged() {
  printf '%s' "$1" | sed 's/^\(.\)\(.\)\(.\)/\1\3\2/'
}

# asks NAME COMMAND...: the command is refused with this suggestion; else it is said in $missed.
asks() {
  asked=$1
  shift
  run "$@"
  suggested=$(printf '%s\n' "$err" | sed -n 's/.*(did you mean \(.*\)?).*/\1/p')
  if [ "$status" -ne 2 ] || [ "$suggested" != "$asked" ]; then
    missed="$missed
$* -> $status: $err"
  fi
  walked=$((walked + 1))
}

# all_of WHAT LEAST: whether none was missed, and there were that many.
all_of() {
  is "$1: the nearest is named" "$missed" ''
  check '... of each there is' test "$walked" -ge "$2"
  missed='' walked=0
}
missed='' walked=0

# names KIND: what `list KIND` lists
names() {
  "$bench" list "$1" | sed -n 's/^  \([^ ]\{2,\}\) .*/\1/p'
}

for name in $("$bench" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
  asks "$name" "$bench" "$(too_many "$name")"
done
asks check "$bench" chekc
asks --version "$bench" --verison
asks --help "$bench" --hlep
all_of 'commands' 10
for command in all run report estimate gate check certs speed doctor deploy; do
  for name in $("$bench" complete -- "$command" -- 2>/dev/null); do
    asks "$name" "$bench" "$command" "$(too_many "$name")"
  done
done
asks --set "$bench" check "$tiny" --sett=scenario.seed=1
all_of 'options' 60
for name in scenarios channels mechanisms probes settings metrics; do
  asks "$name" "$bench" list "$(too_many "$name")"
  asks "$name" "$bench" list "$(exchanged "$name")"
done
all_of 'kinds to list' 12
for name in $("$bench" list settings | sed -n 's/^  \(probe\.[a-z-]*\)\..*/\1/p' | sort -u); do
  asks "$name" "$bench" list settings "$(too_many "$name")"
done
all_of 'parts of the settings' 5
for name in make show renew; do
  asks "$name" "$bench" certs "$(too_many "$name")"
done
all_of 'what to do with certificates' 3
for name in $(names scenarios); do
  asks "$name" "$bench" check "$(too_many "$name")"
done
asks quick "$bench" check quick.ini
asks quick "$bench" check scenario/qiuck.ini
all_of 'scenarios' 3
for name in $(names channels); do
  asks "$name" "$bench" check "$tiny" --channels "$(too_many "$name")"
done
asks mine "$bench" check "$tiny" --set channel.mine.use=tls --channels mien
asks mine "$bench" check "$tiny" --set channel.mine.use=tls --set channel.mien.tls.groups=X25519
asks plain "$bench" check "$tiny" --set scenario.baseline=plani
all_of 'channels' 10
for name in $(names probes); do
  asks "$name" "$bench" check "$tiny" --probes "$(too_many "$name")"
  asks "$name" "$bench" check "$tiny" --set "probe.$(too_many "$name").duration=1s"
done
asks path "$bench" check "$tiny" --set vary.probe.paht.duration='1s 2s'
asks path "$bench" check "$tiny" --set reference.paht.plain=1
all_of 'probes' 10
for name in $(names mechanisms); do
  asks "$name" "$bench" check "$tiny" --set "channel.mine.use=$(too_many "$name")"
done
all_of 'mechanisms' 8

# ---- settings: every key, every section, every word of a choice ----

# A type of keys is suggested where this OpenSSL has it.
run "$bench" check "$tiny" --set channel.mine.use=tls --set channel.mine.tls.key_type=mldsa:4
case $err in
*'none of:'*mldsa:44*mldsa:65*) lacked='' nearest=mldsa:44 ;;
*) lacked=mldsa nearest='' ;;
esac
is 'a type of keys that cannot be had is not suggested' \
  "$(printf '%s\n' "$err" | sed -n 's/.*(did you mean \(.*\)?).*/\1/p')" "$nearest"

"$bench" list settings | grep -v '^  channel\.NAME\.inherits\|^  vary\.\|^  reference\.' |
  awk '/^  [a-z]/ { path = $1; next } { sub(/^ +/, ""); print path "|" $0 }' >"$scratch/settings"
while IFS='|' read -r path what; do
  key=${path##*.} set=channel.mine.use=
  wrong=${path%.*}.$(too_many "$key")
  wrong=$(printf '%s' "$wrong" | sed 's/^channel\.NAME/channel.mine/')
  right=$(printf '%s' "$path" | sed 's/^channel\.NAME/channel.mine/')
  asks "$key" "$bench" check "$tiny" --set "$set" --set "$wrong=1" </dev/null
  case $path in
  channel.NAME.*.*) set=channel.mine.use=$(printf '%s' "$path" | cut -d . -f 3) ;;
  esac
  for word in $(printf '%s\n' "$what" | sed -n 's/^one of: \(.*\); default .*/\1/p'); do
    [ "${word%%:*}" != "$lacked" ] || continue
    case $word in
    ?) ;; # of one letter half would be wrong
    *) asks "$word" "$bench" check "$tiny" --set "$set" --set "$right=${word}x" </dev/null ;;
    esac
  done
done <"$scratch/settings"
all_of 'settings and words of choices' 150
for section in scenario hosts lab broker certificates fleet telemetry probe channel vary \
  reference; do
  asks "$section" "$bench" check "$tiny" --set "$(too_many "$section").key.key=1"
done
all_of 'sections' 11
asks tls "$bench" check "$tiny" --set channel.mine.use=tls --set channel.mine.tsl.groups=X25519
asks groups "$bench" check "$tiny" --channels 'plain mine' --set channel.mine.use=tls \
  --set vary.channel.mine.tls.gruops=X25519
asks groups "$bench" check "$tiny" --set channel.mine.use=tls --set channel.mine.tls.gruops=X25519
asks duration "$bench" check "$tiny" --set vary.probe.path.duraiton='1s 2s'
all_of 'settings of a channel, and varied ones' 4

# ---- values ----

asks Mbit/s "$bench" check "$tiny" --set lab.rate=5Mbits/s
asks KiB "$bench" check "$tiny" --set probe.delivery.payload=5KIB
asks min "$bench" check "$tiny" --set probe.path.duration=5mins
asks min "$bench" check "$tiny" --set probe.path.duration=1m
asks s "$bench" check "$tiny" --set probe.path.duration=2S
asks KiB "$bench" check "$tiny" --set probe.delivery.payload=1kib
asks Mbit/s "$bench" check "$tiny" --set lab.rate=10Mbps
all_of 'units' 7
asks 1.2 "$bench" check "$tiny" --set channel.mine.use=tls \
  --set channel.mine.tls.min_version=TLSv1.2
asks shuffled "$bench" check "$tiny" --set scenario.order=Shuffled
all_of 'words in other letters, and with a name in front' 2
asks local "$bench" check "$tiny" --broker-host locla
asks lab:a "$bench" check "$tiny" --broker-host lba:a
asks ssh "$bench" check "$tiny" --broker-host shs://pi@pi-a
asks exec "$bench" check "$tiny" --broker-host 'exce:kubectl exec -i pod --'
all_of 'hosts' 4
asks TLS_AES_128_GCM_SHA256 "$bench" check "$tiny" --set channel.mine.use=tls \
  --set channel.mine.tls.suites=TLS_AES_128_GMC_SHA256
asks X25519 "$bench" check "$tiny" --set channel.mine.use=tls \
  --set channel.mine.tls.groups=P-256:X22519
asks ecdsa_secp256r1_sha256 "$bench" check "$tiny" --set channel.mine.use=tls \
  --set channel.mine.tls.signatures=ed25519:ecdsa_secp256r1_sha265
asks ECDHE-ECDSA-CHACHA20-POLY1305 "$bench" check "$tiny" --set channel.mine.use=tls \
  --set channel.mine.tls.min_version=1.2 \
  --set channel.mine.tls.ciphers=ECDHE-ECDSA-CHACHA20-POLY1350
asks ECDHE-PSK-CHACHA20-POLY1305 "$bench" check "$tiny" --set channel.mine.use=psk \
  --set channel.mine.psk.ciphers=ECDHE-PSK-CHACHA20-POLY1350
all_of 'suites, ciphers, groups and signatures' 5
asks ec:P-256 "$bench" check "$tiny" --set channel.mine.use=tls \
  --set channel.mine.tls.key_type=ec:P256
all_of 'types of keys' 1
asks interval "$bench" check "$tiny" --set probe.fleet.rate=intervla
asks capacity "$bench" check "$tiny" --set probe.fleet.rate=capasity
asks pi5 "$bench" check "$tiny" --set hosts.meter=pi6
asks exec "$bench" check "$tiny" --set 'hosts.meter=exce:my-meter'
asks publish "$bench" check "$tiny" --set channel.mine.use=acl \
  --set 'channel.mine.acl.client1=subscribe:a pubish@0:b'
asks day "$bench" estimate "$root/results/example" --devices 10 --interval 3s \
  --reconnects 1/dya
all_of 'rates, meters, rules and times' 6
asks throughput "$bench" check "$tiny" --set reference.path.thruoghput.plain=1
asks source "$bench" check "$tiny" --set reference.sorce=me
all_of 'published values' 2

# ---- what is in a run ----

for name in one two; do
  cp -R "$root/results/example" "$scratch/$name"
done
while read -r name wrong; do
  asks "$name" "$bench" gate "$scratch/one" --against "$scratch/two" --metric "$wrong"
done <<'END'
delivery delivry
throughput delivery.thruoghput
cpu_s delivery.cpu_x
client2.sender.cpu_s delivery.client2.sendr.cpu_s
END
all_of 'metrics of a run' 4

tests=$(dirname "$0")/../run
for name in $("$tests" --list); do
  asks "$name" "$tests" "$(too_many "$name")"
done
all_of 'tests' 100

# ---- where nothing is near, nothing is named ----

run "$bench" telepathy
exits 'a command that nothing is near' 2
lacks '... none is named' "$err" 'did you mean'
run "$bench" check "$tiny" --channels telepathy
lacks 'a channel that nothing is near: none is named' "$err" 'did you mean'

finish
