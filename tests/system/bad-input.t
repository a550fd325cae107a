#!/bin/sh
# Input that is wrong: the exit status, a message that names the place and what would be right,
# and nothing that was started or made. What is wrong with the machine is in bad-machine.t.
. "$(dirname "$0")/real.sh"

# Line 1 is [scenario], 2 channels, 3 probes, 4 repetitions; the probes' durations are further down.
bad=$scratch/bad.ini

# refused NAME MESSAGE-REGEX SCENARIO [OPTION...]: as a mistake in what was asked for.
refused() {
  refused_name=$1 refused_message=$2
  shift 2
  run "$bench" run "$@" --output "$scratch/none" --certs "$scratch/none-either"
  refused_words=$err
  if [ "$status" -ne 2 ]; then
    fail "$refused_name" "the exit status should be 2"
  elif ! printf '%s\n' "$refused_words" | grep -qE -e "$refused_message"; then
    fail "$refused_name" "no line matches: $refused_message"
  elif [ "$(printf '%s\n' "$refused_words" | wc -l)" -gt 2 ]; then
    fail "$refused_name" 'too many words'
  elif [ -e "$scratch/none" ] || [ -e "$scratch/none-either" ]; then
    fail "$refused_name" 'something was made'
    rm -rf "$scratch/none" "$scratch/none-either"
  else
    pass "$refused_name"
  fi
}

# ---- one mistake in a scenario that is right otherwise, in three lines: name,
# ---- edit, message behind "bad.ini:" ----

run "$bench" check "$tiny"
exits 'without a mistake it is accepted' 0
while read -r name && read -r edit && read -r message; do
  sed "$edit" "$tiny" >"$bad"
  refused "$name" "^bench: error: [^ ]*/bad\.ini:$message" "$bad"
done <<'END'
an unknown key
  s/^repetitions/repetition/
  4: \[scenario\] repetition: unknown key \(did you mean repetitions\?\); .*list settings
a key of another probe
  13s/.*/payload = 1KiB/
  13: \[probe\.path\] payload: unknown key; .*list settings
an unknown section
  s/^\[telemetry/[telepathy/
  10: \[telepathy\] interval: unknown section; .*list set
an unknown probe's section
  s/^\[probe.path/[probe.paht/
  12: \[probe\.paht\] duration: unknown probe \(did you mean path\?\); known are path,
an unknown channel
  2s/plain/plian/
  2: \[scenario\] channels: unknown channel 'plian' \(did you mean plain\?\); .*\[channel\.plian\] w
a channel whose section is empty
  2s/.*/channels = mine\n[channel.mine]\n[scenario]/
  2: \[scenario\] channels: .* define it in \[channel\.mine\] with `use = MECHANISM\.\.\.` or `inh
an unknown probe
  3s/path/paht/
  3: \[scenario\] probes: unknown probe 'paht' \(did you mean path\?\); known are path, .*del
a channel twice
  2s/plain/plain plain/
  2: \[scenario\] channels: names 'plain' twice
no channel
  2s/plain//
  2: \[scenario\] channels: has no value; .*default
no value
  4s/1//
  4: \[scenario\] repetitions: has no value; .*default, 50
no number
  4s/1/many/
  4: \[scenario\] repetitions: 'many' is not a number.*write, say, 50
a negative number
  4s/1/-3/
  4: \[scenario\] repetitions: '-3' is negative
zero
  4s/1/0/
  4: \[scenario\] repetitions: '0' is out of bounds; .* a number from 1 to 100000
a huge number
  4s/1/99999999999999999999999999/
  4: \[scenario\] repetitions: .* out of bounds; .* from 1 to 100000
a unit where none belongs
  4s/1/1s/
  4: \[scenario\] repetitions: '1s' has the wrong unit; right would be no unit
a size for a duration
  12s/100ms/64KiB/
  12: \[probe\.path\] duration: '64KiB' has the wrong unit; right would be us, ms, s
no unit
  12s/100ms/10/
  12: \[probe\.path\] duration: '10' lacks a unit .*write, say, 10
no time at all
  12s/100ms/0s/
  12: \[probe\.path\] duration: '0s' is out of bounds; .* from 100ms to 1h
a duration beyond an hour
  12s/100ms/61min/
  12: \[probe\.path\] duration: .*out of bounds; .* from 100ms to 1h
a duration beyond 64 bits
  12s/100ms/99999999999d/
  12: \[probe\.path\] duration: .*out of bounds; .* from 100ms to 1h
a negative duration
  12s/100ms/-1s/
  12: \[probe\.path\] duration: '-1s' is negative
a fraction of a nanosecond
  12s/100ms/0.5ns/
  12: \[probe\.path\] duration: .*whole number
an unknown choice
  4s/.*/order = backwards/
  4: \[scenario\] order: 'backwards' is none of: shuffled sequential
a baseline that is not measured
  4s/.*/baseline = password/
  4: \[scenario\] baseline: 'password' is none of .*plain
a key twice
  4s/.*/&\n&/
  5: \[scenario\] repetitions: was set before, in line 4; keep one
text that is neither
  4s/.*/hello/
  4: neither a \[section\] nor 'key = value'
a sign that is missing
  4s/.*/repetitions 5/
  4: neither .* nor 'key = value'; is a '=' missing, as in repetitions = 5$
commas in a list
  2s/plain/plain, password/
  2: \[scenario\] channels: 'plain, password' has commas: names .* blanks; write plain password$
quotation marks around a list
  3s/path/"path delivery"/
  3: \[scenario\] probes: '"path delivery"' has quotation marks; write path delivery$
quotation marks around a number
  4s/1/'1'/
  4: \[scenario\] repetitions: ''1'' has quotation marks; write 1; also
a # behind a list
  2s/plain/plain # open/
  2: \[scenario\] channels: 'plain # open' has a '#': .* begins with ' ;'; write plain$
a # behind a number
  12s/100ms/100ms # short/
  12: \[probe\.path\] duration: '100ms # short' has a '#': .* ' ;'; write 100ms$
a # behind a choice
  4s/.*/order = shuffled # each block/
  4: \[scenario\] order: 'shuffled # each block' has a '#': .*; write shuffled$
a decimal comma
  12s/100ms/1,5s/
  12: \[probe\.path\] duration: '1,5s' has a decimal comma: .* point; write 1\.5s$
a comma between thousands
  4s/1/1,000/
  4: \[scenario\] repetitions: '1,000' has a comma; write 1000; also
a decimal comma in a whole number
  4s/1/5,5/
  4: \[scenario\] repetitions: '5,5' has a comma: a whole number has none
a decimal point in a whole number
  4s/1/1.000/
  4: \[scenario\] repetitions: '1\.000' has a decimal point: a whole number has none
a comma in a list of values
  4s/.*/[vary]\nprobe.path.duration = 1s, 2s/
  5: \[vary\] probe\.path\.duration: '1s,' has a comma: .* by blanks; write 1s$
a key before any section
  1d
  1: a key before the first \[section\]; write \[scenario\] above it, or, .*, \[channel\]$
a setting of a mechanism in a section of its own
  10s/.*/[tls]\nmin_version = 1.3/
  11: \[tls\] min_version: unknown section; right would be \[channel\.NAME\] tls\.min_version$
a setting of a probe in a section of its name
  12s/.*/[path]\nduration = 1s/
  13: \[path\] duration: unknown section; right would be \[probe\.path\] duration$
a name that is none
  4s,.*,name = a/b,
  4: \[scenario\] name: 'a/b' is no name: letters
varied settings
  4s/.*/[vary]\ntelemetry.interval = 1s 2s/
  5: \[vary\] telemetry\.interval: is the same for a whole run; .* --set telemetry.interval=VALUE
a wildcard to publish to
  10s/.*/topic = a\/#/
  10: \[telemetry\] topic: .*wildcard
END

# ---- the same for what stands in [channel.mine] ----

while read -r name && read -r lines && read -r message; do
  sed '2s/plain/mine/' "$tiny" >"$bad"
  # shellcheck disable=SC2059 # the line ends in it
  printf "[channel.mine]\n$lines\n" >>"$bad"
  refused "$name" "^bench: error: [^ ]*/bad\.ini:$message" "$bad"
done <<'END'
an unknown mechanism
  use = tls telepathy
  22: \[channel\.mine\] use: unknown mechanism 'telepathy'; .*list mechanisms
a setting of an unknown mechanism
  use = tls\ntelepathy.range = 1
  23: \[channel\.mine\] telepathy\.range: unknown mechanism; known are .*tls
an unknown setting of a channel
  use = tls\ntls.speed = 9
  23: \[channel\.mine\] tls\.speed: unknown key; .*list settings
certificate without tls
  use = certificate
  22: \[channel\.mine\] use: certificate needs tls
a setting of a mechanism not in use
  use = password\ntls.min_version = 1.2
  23: \[channel\.mine\] tls\.min_version: .*does not use tls
the newest version below the oldest
  use = tls\ntls.max_version = 1.2
  23: \[channel\.mine\] tls\.max_version: .*below.*min_version
an unknown version
  use = tls\ntls.min_version = 1.1
  23: \[channel\.mine\] tls\.min_version: '1.1' is none of: 1.2 1.3
unknown ciphers
  use = tls\ntls.min_version = 1.2\ntls.ciphers = ROT13
  24: \[channel\.mine\] tls\.ciphers: 'ROT13' is no cipher list
ciphers where only 1.3 is spoken
  use = tls\ntls.ciphers = ECDHE+AESGCM
  23: \[channel\.mine\] tls\.ciphers: .*1\.2.*min_version
unknown suites
  use = tls\ntls.suites = TLS_ROT13
  23: \[channel\.mine\] tls\.suites: 'TLS_ROT13' .*known are TLS_AES_256_GCM_SHA384
suites where only 1.2 is spoken
  use = tls\ntls.min_version = 1.2\ntls.max_version = 1.2\ntls.suites = TLS_AES_128_GCM_SHA256
  25: \[channel\.mine\] tls\.suites: .*1\.3.*max_version
unknown groups
  use = tls\ntls.groups = X999
  23: \[channel\.mine\] tls\.groups: 'X999' are no groups .* of: X25519 P-256
an unknown key type
  use = tls\ntls.key_type = rsa:512
  23: \[channel\.mine\] tls\.key_type: 'rsa:512' is none of: ec:P-256
a signature that TLS does not know
  use = tls\ntls.key_type = slh-dsa:128s
  23: \[channel\.mine\] tls\.key_type: 'slh-dsa:128s': SLH-DSA .*"unknown certificate type".*mldsa
an unknown key type of the CA
  use = tls\ntls.ca_key_type = dsa
  23: \[channel\.mine\] tls\.ca_key_type: 'dsa' is none of: ec:P-256
post-quantum groups where only 1.2 is spoken
  use = tls\ntls.min_version = 1.2\ntls.max_version = 1.2\ntls.groups = X25519MLKEM768
  25: \[channel\.mine\] tls\.groups: .*1\.3.*max_version
post-quantum keys where only 1.2 is spoken
  use = tls\ntls.min_version = 1.2\ntls.max_version = 1.2\ntls.key_type = mldsa:44
  25: \[channel\.mine\] tls\.key_type.*1\.3.*min_version
post-quantum keys where 1.2 is spoken, too
  use = tls\ntls.min_version = 1.2\ntls.key_type = mldsa:44
  24: \[channel\.mine\] tls\.key_type.*1\.3.*min_version
a post-quantum CA where 1.2 is spoken, too
  use = tls\ntls.min_version = 1.2\ntls.ca_key_type = mldsa:44
  24: \[channel\.mine\] tls\.ca_key_type.*1\.3.*min_version
ciphers for another key type
  use = tls\ntls.min_version = 1.2\ntls.max_version = 1.2\ntls.ciphers = ECDHE-RSA-AES128-SHA
  25: \[channel\.mine\] tls\.ciphers: none of .* goes with .*key_type; right would be .*ECDSA
ciphers below the security level
  use = tls\ntls.min_version = 1.2\ntls.ciphers = ECDHE-ECDSA-NULL-SHA
  24: \[channel\.mine\] tls\.ciphers: .*security level; leave it out, or .* by adding :@SECLEVEL=0
groups without the curve of certificates
  use = tls\ntls.min_version = 1.2\ntls.max_version = 1.2\ntls.groups = X25519
  25: \[channel\.mine\] tls\.groups: .*must have P-256, .*add it
groups without the curve of certificates where 1.2 is spoken, too
  use = tls\ntls.min_version = 1.2\ntls.groups = X25519
  24: \[channel\.mine\] tls\.groups: .*must have P-256, .*add it
groups that depend on the OpenSSL
  use = tls\ntls.groups = ?X25519:P-256
  23: \[channel\.mine\] tls\.groups: .*right would be names separated by colons
tickets of a kind that is none
  use = tls\ntls.resumption = cache
  23: \[channel\.mine\] tls\.resumption: 'cache' is none of: none ticket
revocation of a kind that is none
  use = tls certificate\ncertificate.revocation = ocsp
  23: \[channel\.mine\] certificate\.revocation: 'ocsp' is none of: no crl
a shared key beside certificates
  use = psk tls
  22: \[channel\.mine\] use: psk and tls exclude each other; leave one out
a shared key beside certificates of clients
  use = password certificate psk
  22: \[channel\.mine\] use: psk and certificate exclude each other; leave one out
unknown ciphers of shared keys
  use = psk\npsk.ciphers = ECDHE-PSK-AES128-GCM-SHA256
  23: \[channel\.mine\] psk\.ciphers: .*no cipher list of this OpenSSL.*; .*openssl ciphers .*-psk
a cipher of shared keys that needs a certificate
  use = psk\npsk.ciphers = RSA-PSK-AES128-GCM-SHA256
  23: \[channel\.mine\] psk\.ciphers: .*needs a certificate; right would be .*ECDHE-PSK
groups where none are used
  use = psk\npsk.ciphers = PSK-AES128-GCM-SHA256\npsk.groups = P-256
  24: \[channel\.mine\] psk\.groups: none of .*; add one with ECDHE-PSK, or leave
a key in the file
  use = psk\npsk.secret = 000102030405060708090a0b0c0d0e0f
  23: \[channel\.mine\] psk\.secret: .*never written here; .*generated.*file:PATH
a key that is too short
  use = psk\npsk.key_size = 8B
  23: \[channel\.mine\] psk\.key_size: .*out of bounds; .* from 16B to 32B
an identity that cannot stand in the broker's file
  use = psk\npsk.identity = a:b
  23: \[channel\.mine\] psk\.identity: our broker takes none with a ':'
a password in the file
  use = password\npassword.secret = hunter2
  23: \[channel\.mine\] password\.secret: .*never written here; .*generated.*file:PATH
a user name that cannot stand in the broker's file
  use = password\npassword.user = a:b
  23: \[channel\.mine\] password\.user: our broker takes no name with a ':'
neither use nor inherits
  tls.groups = X25519
  22: \[channel\.mine\] tls\.groups: unknown channel 'mine': .* needs `use = MECHANISM...` or `inh
one that inherits itself
  inherits = mine
  22: \[channel\.mine\] inherits: .*itself
one that inherits nothing known
  inherits = nobody
  22: \[channel\.mine\] inherits: unknown channel 'nobody'; known are
END
lacks 'a password that stands in the file is not repeated' "$(
  sed '2s/plain/mine/' "$tiny" >"$bad"
  printf '[channel.mine]\nuse = password\npassword.secret = hunter2\n' >>"$bad"
  "$bench" check "$bad" 2>&1
)" hunter2

# ---- files that are no scenario ----

refused 'an unknown scenario' "unknown scenario 'nonesuch'; known are .*paper.*quick" nonesuch
refused 'a file that is not there' 'none\.ini: No such file' "$scratch/none.ini"
mkdir "$scratch/folder.ini"
refused 'the file of a scenario that is known' \
  'quick\.ini: No such file or directory \(did you mean quick\?\)' quick.ini
refused 'a folder' 'folder\.ini: not a regular file' "$scratch/folder.ini"
: >"$scratch/empty.ini"
refused 'an empty file' 'empty\.ini: empty' "$scratch/empty.ini"
head -c 3000 /bin/sh >"$scratch/binary.ini"
refused 'a program' 'binary\.ini:[0-9]+: a zero byte: this is no text file' "$scratch/binary.ini"
head -c 2000 /dev/urandom | tr -d '\0' >"$scratch/noise.ini"
refused 'noise' 'noise\.ini:[0-9]+: ' "$scratch/noise.ini"
mkfifo "$scratch/pipe.ini"
refused 'a pipe that nobody writes to' 'pipe\.ini: not a regular file' "$scratch/pipe.ini"
printf '[scenario]\nname = %10000d\n' 1 >"$scratch/long.ini"
refused 'a line of 10 kB' 'long\.ini:2: the line is too long' "$scratch/long.ini"
head -c 2000000 /dev/zero | tr '\0' '\n' >"$scratch/large.ini"
refused 'a file of 2 MB' 'large\.ini: larger than 1 MiB' "$scratch/large.ini"
mkdir "$scratch/channels"
cp "$tiny" "$bad"
sed -i '2s/plain/odd/' "$bad"
printf '[channel]\nuse = password\nsecret = x\n' >"$scratch/channels/odd.ini"
refused 'a mistake in a channel'\''s file' \
  'channels/odd\.ini:3: \[channel\] secret: unknown key' "$bad"
printf '[channel]\nuse = certificate\n' >"$scratch/channels/odd.ini"
refused 'what does not go together there' \
  'channels/odd\.ini:2: \[channel\] use: certificate needs tls' "$bad"
if can_be_nobody; then
  cp "$tiny" "$scratch/private.ini" && chmod 600 "$scratch/private.ini"
  # shellcheck disable=SC2086 # several words
  run $nobody "$bench" check "$scratch/private.ini"
  exits 'a file that may not be read' 2
  contains 'says why' "$err" 'private.ini: Permission denied'
else
  skip 'a file that may not be read' 'not root, or the sources cannot be read by others'
fi

# ---- the command line ----

refused 'an unknown option' "unrecognized option '--fast'" "$tiny" --fast
refused 'two scenarios' "one word too many: 'quick'" "$tiny" quick
refused '--set without a value' '--set takes PATH=VALUE' "$tiny" --set probe.path.duration
refused '--set without a path' '--set takes PATH=VALUE' "$tiny" --set =5s
refused '--set of an unknown key' '--set probe\.path\.length: unknown key' "$tiny" \
  --set probe.path.length=5
refused '--set of an unknown section' '--set x\.y: unknown section' "$tiny" --set x.y=5
refused '--set of a mechanism without a channel' \
  '--set tls\.min_version: unknown section; right would be channel\.NAME\.tls\.min_version' \
  "$tiny" --set tls.min_version=1.3
refused '--set of a channel without its name' \
  '--set channel\.use: unknown section; right would be channel\.NAME\.use' "$tiny" \
  --set channel.use=tls
refused '--set of a probe without its kind' \
  '--set path\.duration: unknown section; right would be probe\.path\.duration$' "$tiny" \
  --set path.duration=1s
refused '--set of a key alone' '--set seed: unknown section; right would be scenario\.seed$' \
  "$tiny" --set seed=1
refused '--set without a unit' "--set probe\.path\.duration: '5' lacks a unit" "$tiny" \
  --set probe.path.duration=5
refused '--set of a share below 1 without a unit' \
  "--set scenario\.margin: '0\.05' lacks a unit \(%\); write, say, 5%, or 0\.05% if" "$tiny" \
  --set scenario.margin=0.05
refused '--set of a size without a unit' \
  "--set probe\.delivery\.payload: '30' lacks .*; write, say, 30B or 30KiB$" "$tiny" \
  --set probe.delivery.payload=30
refused '--channels of none' '^bench: error: --channels: has no value; leave it out for plain$' \
  "$tiny" --channels ''
refused '--set of an empty value of a channel' \
  '--set channel\.mine\.tls\.min_version: has no value; leave it out for 1\.2$' "$tiny" \
  --set channel.mine.use=tls --set channel.mine.tls.min_version=1.2 \
  --set channel.mine.tls.min_version=
refused '--set of an empty value' '--set probe\.path\.duration: has no value' "$tiny" \
  --set probe.path.duration=
refused '--set with a line end' '--set scenario\.description: .*line end' "$tiny" \
  --set 'scenario.description=a
b'
refused '--repetitions of none' "--repetitions: '0' is out of bounds" "$tiny" --repetitions 0
refused '--seed that is no number' "--seed: 'abc' is not a number" "$tiny" --seed abc
refused '--channels that are unknown' "--channels: unknown channel 'x'" "$tiny" --channels x
refused '--probes that are unknown' "--probes: unknown probe 'x'" "$tiny" --probes x
refused '--channels without the baseline' "baseline: 'plain' is none of the channels" "$tiny" \
  --set scenario.baseline=plain --channels password
refused 'a host that is none' \
  "--broker-host: 'mars' is no host; right would be one of: local, lab:a" "$tiny" \
  --broker-host mars
refused 'a host without ssh://' \
  "--broker-host: 'pi@pi-a' is no host; .*; over ssh it is ssh://pi@pi-a " "$tiny" \
  --broker-host pi@pi-a
refused '--channels with commas' "--channels: 'plain,password' has commas: .*plain password" \
  "$tiny" --channels plain,password
refused '--set with a blank in the place of =' \
  '--set takes PATH=VALUE, as in --set probe\.path\.duration=5s' "$tiny" \
  --set probe.path.duration 5s
refused 'a host with one slash too few' \
  "--broker-host: 'ssh:pi@pi-a' is no host; over ssh it is ssh://pi@pi-a" "$tiny" \
  --broker-host ssh:pi@pi-a
refused 'a launcher in a host'\''s place' \
  "--publisher-host: .* %h, which is .* hosts\.launcher only; .* in hosts\.publishers" "$tiny" \
  --publisher-host 'exec:srun -w %h'
refused '... in the broker'\''s' "--broker-host: .* %h, which is .* hosts\.launcher only" "$tiny" \
  --broker-host 'exec:srun -w %h'
refused 'more hosts than a run has' \
  "hosts\.publishers: names too many hosts: a run has 64 at most" "$tiny" \
  --set 'hosts.publishers=node[001-999]' --set 'hosts.launcher=exec:srun -w %h'
refused 'a host that no lab has' "--publisher-host: 'lab:3': a lab has two hosts" "$tiny" \
  --publisher-host lab:3
refused 'an option for ssh in a host'\''s place' \
  "--publisher-host: 'ssh://-oProxyCommand=x': a '=' cannot be part of it" "$tiny" \
  --publisher-host ssh://-oProxyCommand=x
refused 'a rate without a unit' "--set lab\.rate: '13\.4' lacks a unit \(bit/s, kbit/s" "$tiny" \
  --set lab.rate=13.4
refused 'a loss that is none' \
  "--set lab\.loss: 'much' is not a number .* say, 0\.5%" "$tiny" --set lab.loss=much
run "$bench" run "$tiny" --broker-host lab:a --output "$scratch/none"
exits 'half a lab' 3
contains 'the other half is named' "$err" '--broker-host lab:a --publisher-host lab:b'
run "$bench" run "$tiny" --broker-host 'exec:sh -c exit' --output "$scratch/none"
exits 'an agent that does not come' 3
contains 'that is said' "$err" 'host exec:sh -c exit: its agent has ended before it greeted'
refused 'an address that is none' "hosts\.address: 'not an address' is no address" "$tiny" \
  --set 'hosts.address=not an address'
refused 'every address' "hosts\.address: '0\.0\.0\.0' is every address" "$tiny" \
  --set hosts.address=0.0.0.0

run "$bench" nonesuch
exits 'an unknown command' 2
contains 'says where all are' "$err" "no command 'nonesuch'; \`./bench --help\` shows all"
run "$bench"
exits 'no command' 2
contains 'shows the commands' "$err" 'usage: ./bench COMMAND'
run "$bench" list nonesuch
exits 'an unknown kind to list' 2
contains 'names those there are' "$err" 'scenarios, channels, mechanisms'
run "$bench" certs nonesuch
exits 'certs with an unknown word' 2
run "$bench" report
exits 'report of nothing' 2

is 'no broker'\''s folder stays' "$(list_brokers)" ''
finish
