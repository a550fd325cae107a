#!/bin/sh
# The commands besides run and report; and how the program behaves towards terminals.
. "$(dirname "$0")/real.sh"

# ---- help, version, lists ----

for option in --help -h help; do
  run "$bench" "$option"
  exits "$option" 0
  is 'goes to stdout alone' "$err" ''
done
for command in all run report estimate gate list check certs speed doctor test; do
  matches "help names $command" "$out" "^  $command "
done
run "$bench" --version
matches '--version' "$out" \
  '^mqtt-security-bench [0-9]+\.[0-9]+\.[0-9]+( \(commit [0-9a-f]{40}(-dirty)?\))?$'
for command in all run report estimate gate list check certs speed doctor; do
  run "$bench" "$command" --help
  exits "$command --help" 0
  matches 'shows how to call it' "$out" "^Usage: \./bench $command"
done
run "$bench" all --help
for option in channels probes repetitions seed set output certs broker-host publisher-host \
  verbose quiet; do
  matches "all takes --$option" "$out" "--$option"
done

run "$bench" list
exits 'list' 0
for kind in scenarios channels mechanisms probes settings metrics; do
  matches "list shows $kind" "$out" "^$kind\$"
done
while read -r kind names; do
  run "$bench" list "$kind"
  exits "list $kind" 0
  for name in $names; do
    matches "... has $name" "$out" "^  $name "
  done
done <<'END'
scenarios paper paper-order quick
channels plain plain-again plain-slowed password mutual-tls mutual-tls-password
channels plain-mqtt5 token token-password
mechanisms tls certificate password token
probes path transport transport-per-unit delivery
settings scenario.repetitions telemetry.interval probe.path.duration
settings probe.transport-per-unit.warmup channel.NAME.tls.key_type
settings probe.delivery.topic channel.NAME.mqtt channel.NAME.token.max_age
metrics path transport transport-per-unit delivery
END
run "$bench" list metrics
contains 'says whose the kernel'\''s work is' "$out" \
  'on one machine receiving counts for the sender'
run "$bench" list settings
# A setting that is listed can be set, to its own default; two that are not of one scenario apart.
printf '%s\n' "$out" | sed -n 's/^  \([a-z_]*\.[A-Za-z_.-]*\) .*/\1/p' |
  grep -v '^channel\.NAME\|^reference\.' >"$scratch/settings"
printf '%s\n' "$out" | sed -n 's/.*; default //p' >"$scratch/defaults"
set --
while read -r path && read -r default <&3; do
  [ "$default" = empty ] || set -- "$@" --set "$path=$default"
done <"$scratch/settings" 3<"$scratch/defaults"
check 'there are many' test $# -gt 60
run "$bench" check "$@"
exits 'every setting that is listed can be set to its default' 0

# ---- check ----

touch "$scratch/before"
mkdir "$scratch/elsewhere"
cd "$scratch/elsewhere" || exit
run "$bench" check
exits 'check: the paper' 0
contains 'says how much it is' "$out" '50 blocks x 5 channels x 3 probes = 750 trials'
contains 'says how many blocks a verdict takes' "$out" \
  'equivalent takes 6 complete blocks, slower and faster 8 (4 comparisons of a probe with plain)'
matches 'says how long it takes' "$out" 'about [0-9]+ h [0-9]+ min$'
matches 'marks the baseline' "$out" 'plain .*the baseline'
# A first look concludes, also when one of its blocks is lost.
run "$bench" check quick
exits 'check: quick' 0
lacks 'has blocks enough for every verdict' "$out" 'too few'
matches 'takes about a minute' "$out" 'about (5[0-9] s|1 min [0-2][0-9] s)$'
run "$bench" check quick --repetitions \
  $(($(printf '%s\n' "$out" | sed -n 's/^  \([0-9]*\) blocks x .*/\1/p') - 1))
lacks '... one block may be lost' "$out" 'too few'
run "$bench" check paper-order
exits 'check: paper-order' 0
matches 'sequential order is said' "$out" 'channel by channel'
run "$bench" check "$tiny" --channels 'plain password' --set probe.path.streams=3
exits 'check takes the options of run' 0
contains 'and heeds them' "$out" '1 block x 2 channels x 1 probe = 2 trials'
contains 'says that they are too few' "$out" ': 1 is too few for any verdict'
is 'check touches nothing' "$(find "$root/certs" "$root/results" "$root/plots" "$root/scenarios" \
  "$TMPDIR" . -newer "$scratch/before" ! -path "$TMPDIR" ! -path . 2>/dev/null)" ''

# ---- doctor ----

run "$bench" doctor
exits 'doctor' 0
matches 'says whose part a host plays' "$out" '^local: broker, subscriber, publisher, driver$'
for fact in processors memory_mib kernel machine congestion_control version.bench \
  version.openssl version.libmosquitto version.mosquitto version.iproute2; do
  matches "knows $fact" "$out" "^  $fact +[^ ]"
done
matches 'finds the broker' "$out" '^  program\.mosquitto +/'
matches 'knows the way of the data' "$out" '^  network\.interface +lo$'
matches '... and its MTU' "$out" '^  network\.mtu +[0-9]+$'
matches 'takes readings' "$out" '^  readings +.*load [0-9.e+-]+ processes'
lacks 'invents nothing' "$out" null
matches 'finds that all of it goes together' "$out" '^  network +one host'
run "$bench" doctor --set hosts.address=203.0.113.77
exits 'an address that is not here' 3
matches '... is not called our own' "$out" '^  network\.own +no$'
matches '... is said to be none of the broker'\''s host' "$out" \
  '^  IMPOSSIBLE +hosts.address 203.0.113.77 is no address of the broker.s host local, which has'
run "$bench" doctor --broker-host exec:false
exits 'a host that is out of reach' 3
matches '... is said to be' "$out" '^  OUT OF REACH +.*exec:false'
matches '... the other is shown all the same' "$out" '^  kernel +[^ ]'

lab='--broker-host lab:a --publisher-host lab:b'
if unshare --user --map-root-user --net true 2>/dev/null; then
  # shellcheck disable=SC2086 # several words
  run "$bench" doctor $lab
  exits 'two hosts' 0
  is 'each has a part, and so has the driver' "$(printf '%s\n' "$out" | grep '^[^ ]')" \
    'lab:a: broker, subscriber
lab:b: publisher
local: driver
together:'
  is 'both know their end of the link' \
    "$(printf '%s\n' "$out" | grep -c '^  network\.interface *bench0$')" 2
  matches 'the way there and back is a way between them' "$out" '^  network +the data crosses it'
  # shellcheck disable=SC2086
  run "$bench" doctor $lab --set hosts.address=127.0.0.1
  exits 'two hosts, and an address that each has' 3
  contains '... would measure nothing of the link' "$out" \
    'stays within lab:b: the probes would not cross the network; name one of the addresses of lab:a'
  # shellcheck disable=SC2086
  run "$bench" run "$tiny" $lab --set hosts.address=127.0.0.1 --output "$scratch/nothing"
  exits '... and is refused before a run' 3
  contains '... for that reason' "$err" 'the probes would not cross the network'
  check '... nothing was made' test ! -e "$scratch/nothing"
else
  skip 'two hosts' 'no user namespaces here'
fi

# Stand-ins for what a Raspberry Pi has and a test machine has not: its firmware's own word on
# throttling, and a radio link.
mkdir "$scratch/pi"
cat >"$scratch/pi/vcgencmd" <<'END'
#!/bin/sh
case $* in
get_throttled) echo throttled=0x50005 ;;
'measure_clock arm') echo 'frequency(48)=1500345728' ;;
measure_temp) echo "temp=48.3'C" ;;
*) exit 1 ;;
esac
END
cat >"$scratch/pi/iw" <<'END'
#!/bin/sh
case $* in
'dev lo link') printf '\tsignal: -52 dBm\n\ttx bitrate: 65.0 MBit/s\n' ;;
'dev lo get power_save') echo 'Power save: on' ;;
*) exit 1 ;;
esac
END
chmod +x "$scratch/pi/vcgencmd" "$scratch/pi/iw"
run env PATH="$scratch/pi:$PATH" "$bench" doctor
exits 'on something like a Raspberry Pi' 0
contains 'throttling is said in words' "$out" \
  'throttled now: under-voltage, throttled; since the start: under-voltage, throttled'
matches 'so is what the firmware measures' "$out" \
  '^  readings .*arm_frequency 1500 MHz, core_temperature 48.3 C.*wifi_signal -52 dBm'
matches 'and the radio link' "$out" \
  '^  network\.wifi +.*signal_dbm -52, bit_rate_mbit_s 65, power_save on$'

# ---- certificates ----

certs=$scratch/certs
run "$bench" certs --certs "$certs"
exits 'certs makes them' 0
contains 'and says so' "$out" 'certificates were issued'
for name in ca broker client1 client2; do
  matches "... shows $name" "$out" "^  $name +ec:P-256 .* until 20[0-9-]+"
done
before=$(cd "$certs" && find . -type f -exec cksum {} + | sort)
run "$bench" certs make --certs "$certs"
is 'made once, they stay' "$(cd "$certs" && find . -type f -exec cksum {} + | sort)" "$before"
run "$bench" certs show --certs "$certs"
exits 'certs show' 0
is '... changes nothing' "$(cd "$certs" && find . -type f -exec cksum {} + | sort)" "$before"
run "$bench" certs renew --certs "$certs"
exits 'certs renew' 0
for name in broker client1 client2; do
  check "... makes $name's anew" test "$(cksum <"$certs/$name/$name.crt")" != \
    "$(printf '%s\n' "$before" | awk -v name="./$name/$name.crt" '$3 == name { print $1, $2 }')"
done
run "$bench" certs show --certs "$scratch/none"
exits 'certs show of nothing' 0
check '... makes nothing' test ! -e "$scratch/none"

is 'the layout is that of figure 5' "$(cd "$certs" && find ca broker client1 client2 -type f |
  grep -v serial | sort | tr '\n' ' ')" "broker/broker.crt broker/broker.csr broker/broker.key \
broker/ca.crl broker/ca.crt ca/broker.crt ca/ca.crl ca/ca.crt ca/ca.key ca/client1.crt \
ca/client2.crt ca/passphrase client1/ca.crt client1/client1.crt client1/client1.csr \
client1/client1.key client2/ca.crt client2/client2.crt client2/client2.csr client2/client2.key "
is 'private files are private' \
  "$(find "$certs" -type f \( -name '*.key' -o -name passphrase \) ! -perm 600)" ''
is 'so are the folders' "$(find "$certs" -type d ! -perm 700)" ''
contains 'the key of the CA is under a passphrase' "$(cat "$certs/ca/ca.key")" \
  'ENCRYPTED PRIVATE KEY'

if has_command openssl; then
  measure "$tiny" --quiet --channels 'plain a b c d' --set hosts.address=127.0.0.1 \
    --set channel.a.use=tls --set channel.b.use=tls --set channel.c.use=tls \
    --set channel.d.use=tls --set channel.b.tls.key_type=rsa:2048 \
    --set channel.c.tls.key_type=rsa:3072 --set channel.d.tls.key_type=ed25519
  exits 'a channel for each type of key' 0
  while read -r store words; do
    for party in broker client1 client2; do
      case $party in
      broker) purpose='sslserver -verify_ip 127.0.0.1' ;;
      *) purpose=sslclient ;;
      esac
      # shellcheck disable=SC2086 # several words
      run openssl verify -x509_strict -purpose $purpose -CAfile "$certs/$store/$party/ca.crt" \
        "$certs/$store/$party/$party.crt"
      exits "openssl accepts the chain of $store/$party" 0
    done
    contains "... whose key is $words" \
      "$(openssl x509 -in "$certs/$store/broker/broker.crt" -noout -text)" "$words"
    run openssl verify -x509_strict -CAfile "$certs/$store/ca/ca.crt" \
      "$certs/$store/proof/stranger.crt"
    check "... and not the stranger's" test "$status" -ne 0
    run openssl verify -x509_strict -CAfile "$certs/$store/ca/ca.crt" \
      "$certs/$store/proof/expired.crt"
    matches '... nor the expired one' "$out$err" 'certificate has expired'
    set -- openssl verify -x509_strict -crl_check -CRLfile "$certs/$store/broker/ca.crl" \
      -CAfile "$certs/$store/ca/ca.crt"
    run "$@" "$certs/$store/client1/client1.crt"
    exits '... with the list of revoked ones it accepts the others' 0
    run "$@" "$certs/$store/proof/revoked.crt"
    matches '... and not the revoked one' "$out$err" 'certificate revoked'
  done <<'END'
. prime256v1
rsa-2048 (2048 bit)
rsa-3072 (3072 bit)
ed25519 ED25519
END
else
  skip 'openssl accepts every chain' 'the openssl program is not installed'
fi
run env BENCH_CA_PASSPHRASE='wrong passphrase' "$bench" certs renew --certs "$certs"
exits 'a wrong passphrase' 3
matches 'is said to be wrong' "$err" '[Pp]assphrase'
is 'and changes nothing that works' "$("$bench" certs show --certs "$certs" | wc -l)" \
  "$("$bench" certs make --certs "$certs" | wc -l)"
run env BENCH_CA_PASSPHRASE='of my own' "$bench" certs --certs "$scratch/own"
exits 'a passphrase from the environment' 0
check 'is in no file' test ! -e "$scratch/own/ca/passphrase"
run "$bench" certs renew --certs "$scratch/own" </dev/null
exits 'without it there is no renewing' 3
contains 'the remedy is named' "$err" BENCH_CA_PASSPHRASE

# ---- folders and terminals ----

escape=$(printf '\033')
run "$bench" run "$tiny" --output out --certs "$certs"
exits 'from another folder, with a relative path for the results' 0
check '... they are there' test -s "$(find out -name trials.csv)"
lacks 'no escape codes where there is no terminal' "$out$err" "$escape"
matches 'but a line for a trial' "$out" \
  '^1/1  0 s left  plain path, block 1: [0-9.]+ Mbit/s(: one of .*)?$'
run "$bench" run "$tiny" --output out --certs "$certs" --quiet
matches '--quiet: the next step alone' "$(printf '%s' "$out$err" | tr '\n' '|')" \
  '^next     [^|]*bench report out/tiny-[^|]*$'

# on_terminal COMMAND: on a terminal of 100 columns; what it showed in $out.
on_terminal() {
  run env TERM=xterm SHELL=/bin/sh script -qec "stty cols 100 rows 30; $1" "$scratch/typescript"
  out=$(tr -d '\r' <"$scratch/typescript")
}
if has_command script; then
  on_terminal "'$bench' run '$tiny' --repetitions 2 --set probe.path.duration=500ms --output out \
    --certs '$certs'"
  exits 'on a terminal' 0
  contains 'the progress is drawn over' "$out" "${escape}[J"
  matches 'with a bar that fills' "$out" '\[############------------\] 1/2 '
  matches 'to its end' "$out" '\[########################\] 2/2 '
  matches 'channel and probe that are at work' "$out" 'block 1 of 2  plain: path'
  matches 'the time that is left, in front' "$out" '^  ([0-9]+ min )?[0-9]+ s left  \['
  matches 'the latest figures' "$out" '^[ >]*plain +[0-9.]+ *$'
  matches 'under the probes' "$out" 'latest, Mbit/s +path'
  is 'no line of the picture is wider than the terminal' "$(printf '%s\n' "$out" |
    sed "s/$escape\[[0-9]*[A-Za-z]//g" | grep -v '^Script \|^results ' | awk 'length($0) > 99')" ''
  on_terminal "TERM=dumb '$bench' run '$tiny' --output out --certs '$certs'"
  lacks 'a dumb terminal: no escape codes' "$out" "$escape"
  on_terminal "'$bench' check nonesuch"
  contains 'errors are coloured on a terminal' "$out" "${escape}[31mbench: error:"
  on_terminal "NO_COLOR=1 '$bench' check nonesuch"
  lacks 'NO_COLOR: they are not' "$out" "${escape}[31m"
  run env SHELL=/bin/sh script -qec "'$bench' run '$tiny' --output ended --certs '$certs' \
    --repetitions 50 --set probe.path.duration=1s &
    until grep -qs '^1,' ended/*/trials.csv; do sleep 0.1; done; kill -INT \$!; wait \$!" /dev/null
  exits 'interrupted on a terminal' 130
  # At the question for the passphrase nobody else looks for signals.
  run env BENCH_CA_PASSPHRASE=correct "$bench" certs make --certs "$scratch/asked"
  rm "$scratch/asked/broker/broker.crt"
  mkfifo "$scratch/keys"
  exec 7<>"$scratch/keys" # no end of it
  { until grep -q Passphrase "$scratch/typescript"; do sleep 0.05; done; printf '\003' >&7; } &
  : >"$scratch/typescript"
  run env SHELL=/bin/sh script -qefc "'$bench' run '$tiny' --channels mutual-tls \
    --output out --certs '$scratch/asked'" "$scratch/typescript" <&7
  exec 7>&-
  exits 'Ctrl-C at the question for a passphrase' 130
else
  skip 'on a terminal' 'script is not installed'
fi

is 'no broker'\''s folder stays' "$(list_brokers)" ''
finish
