#!/bin/sh
# `bench speed` and speed.csv: what each host's processor does by itself, measured once and kept.
. "$(dirname "$0")/real.sh"
export XDG_CACHE_HOME="$scratch/cache"
kept() { # all that is kept
  find "$scratch/cache" -type f 2>/dev/null
}

# ---- the command ----

run "$bench" speed
exits 'speed' 0
is 'tells nothing where no terminal is' "$err" ''
matches 'says whose, and when' "$out" '^local: .*, OpenSSL 3\.[0-9.]*; measured just now$'
for row in 'AES-128-GCM +encrypt +64 B' 'AES-256-GCM +decrypt +1024 B' \
  'ChaCha20-Poly1305 +encrypt +16384 B' 'SHA-384 +hash +16384 B' 'X25519 +derive' \
  'P-384 +generate' 'ECDSA P-256 +sign' 'RSA-3072 +verify' 'Ed25519 +sign'; do
  matches "has $row" "$out" "^  $row +[0-9]"
done
for name in X25519MLKEM768 ML-DSA-65; do
  matches "has $name, or says that it lacks it" "$out" \
    "^  ($name .*[0-9]|left out, as OpenSSL [0-9.]* has none: .*$name)"
done
# MB/s x 10^6 / bytes = operations a second; 10^6 / that = us each. As far as the digits go.
is 'speed, rate and time agree' "$(printf '%s\n' "$out" | awk '
  function off(a, b) { return a > 1.02 * b + 0.1 || 1.02 * a + 0.1 < b }
  $4 == "B" && off($5 * 1e6 / $3, $7) { print }
  $4 == "B" && $5 > 0 { n++; rate = $7; each = $8 }
  /^  (X25519|Ed25519) / { n++; rate = $3; each = $4 }
  n > last && (each > 1e6 / (rate - 0.5) + 0.006 || each < 1e6 / (rate + 0.5) - 0.006) { print }
  { last = n }
  END { if (n < 28) print n " rows" }')" ''
answer=$(printf '%s\n' "$out" | tail -n 1)
matches 'ends on the answer' "$answer" \
  '^on local (AES-256-GCM|ChaCha20-Poly1305) (is [0-9]+\.[0-9] times as fast as|and)'
is 'keeps it' "$(kept | wc -l)" 1

run "$bench" speed post.ini
exits 'a scenario that is not there' 2
run "$bench" run "$tiny" --fresh
exits '--fresh is of speed alone' 2
run "$bench" speed --broker-host exec:false
exits 'a host out of reach' 3
run "$bench" speed quick
exits 'speed of a scenario' 0
matches '... says that it was kept' "$out" '; measured [0-9-]* and kept; --fresh measures anew$'
is '... and is the same' "$(printf '%s\n' "$out" | tail -n 1)" "$answer"

# ---- in a run ----

measure "$tiny"
exits 'a run without TLS' 0
check 'needs no speed' test ! -e "$folder/speed.csv"
file=$(kept)
sed -i 's/"measured_s": [0-9]*/"measured_s": 1000000000/' "$file"
measure "$tiny" --channels 'plain mutual-tls' --probes 'delivery connect' \
  --set probe.connect.duration=300ms --set probe.connect.warmup=0s
exits 'a run with TLS' 0
is 'what was kept for too long is measured anew' "$(grep -c '"measured_s": 1000000000' "$file")" 0
while IFS='|' read -r algorithm operation bytes unit; do
  matches "speed.csv has $algorithm, $operation $bytes" "$(rows "$folder/speed.csv" \
    host,unit,value "algorithm=$algorithm" "operation=$operation" "bytes=$bytes")" \
    "^local\|$unit\|[0-9.]+$"
done <<'END'
AES-256-GCM|encrypt|16384|MB/s
AES-256-GCM|decrypt|64|MB/s
SHA-384|hash|1024|MB/s
X25519|generate|0|1/s
ECDSA P-256|verify|0|1/s
END
is 'low <= value <= high' "$(rows "$folder/speed.csv" low,value,high |
  awk -F '|' '!($1 > 0 && $1 <= $2 + 1e-6 && $2 <= $3 + 1e-6)')" ''
first=$folder
measure "$tiny" --channels mutual-tls
check 'the second run takes what was kept' cmp "$first/speed.csv" "$folder/speed.csv"

run "$bench" report "$first"
exits 'its report' 0
check '... leaves the speeds as they are' cmp "$first/speed.csv" "$folder/speed.csv"
is '... tells of each process how much of its time is cryptography' \
  "$(rows "$first/prediction.csv" channel,probe,process,per,unit | sort | paste -sd ' ')" \
  "$(paste -sd ' ' <<'END'
mutual-tls|connect|broker.mosquitto|connection|us
mutual-tls|connect|client2.client|connection|us
mutual-tls|delivery|broker.mosquitto|byte|ns
mutual-tls|delivery|client1.receiver|byte|ns
mutual-tls|delivery|client2.sender|byte|ns
END
)"
is '... and never that it is nothing' "$(rows "$first/prediction.csv" measured,predicted,share |
  awk -F '|' '{ off = $1 > 0 && $2 > 0 ? $3 / ($2 / $1) - 1 : 1 } off ^ 2 > 1e-6')" ''
contains '... in words' "$(rows "$first/findings.csv" text kind=speed probe=delivery)" \
  '% of it is AES-256-GCM.'
contains '... and on the page' "$(cat "$first/report.html")" 'What the processors can do'
measure "$tiny" --channels mutual-tls --probes transport --set probe.transport.duration=200ms \
  --set probe.transport.warmup=0s --set vary.probe.transport.direction='up down'
exits 'sending either way' 0
is '... who sends encrypts, whatever its process is called' "$(rows "$folder/operations.csv" \
  variant,process,operation | sort -u)" 'direction=down|broker.receiver|encrypt
direction=down|client2.sender|decrypt
direction=up|broker.receiver|decrypt
direction=up|client2.sender|encrypt'
measure "$tiny" --channels mutual-tls --broker-host lab:a --publisher-host lab:b \
  --set hosts.address=
if [ "$status" = 0 ]; then
  is 'both hosts of a lab have theirs' "$(rows "$folder/speed.csv" host algorithm=X25519 \
    operation=derive | paste -sd ' ')" 'lab:a lab:b'
else
  skip 'both hosts of a lab have theirs' 'no lab here'
fi

# ---- when it goes wrong ----

run env XDG_CACHE_HOME=/dev/null "$bench" speed
exits 'where nothing can be kept' 0
contains '... that is said' "$out" 'just now, and not kept: /dev/null/mqtt-security-bench: '
matches '... and all is measured' "$out" '^on local '
# A stand-in for a Raspberry Pi's firmware, of which one answer in the middle is a bad one.
mkdir "$scratch/pi"
cat >"$scratch/pi/vcgencmd" <<END
#!/bin/sh
[ "\$*" = get_throttled ] || exit 1
echo >>"$scratch/pi/asked"
[ "\$(wc -l <"$scratch/pi/asked")" = 12 ] && echo throttled=0x50004 || echo throttled=0x50000
END
chmod +x "$scratch/pi/vcgencmd"
before=$(cat "$file")
run env PATH="$scratch/pi:$PATH" "$bench" speed --fresh
exits 'on a processor that is throttled for a moment' 0
contains '... nothing is kept' "$out" 'not kept: the processor was held back: throttled'
is '... in place of what was' "$(cat "$file")" "$before"
start "$bench" speed --fresh
sleep 0.7
kill -KILL "$driver"
wait "$driver" 2>/dev/null
is 'a kill leaves what was kept' "$(cat "$file")" "$before"
is '... and nothing else' "$(kept)" "$file"
finish
