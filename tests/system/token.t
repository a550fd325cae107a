#!/bin/sh
# Tokens: the proofs of the channels hold, over either version of MQTT; each breaks when the plugin
# or its configuration is sabotaged; and the key is nowhere to be read.
. "$(dirname "$0")/real.sh"

key=a-key-that-is-known-to-this-test
printf '%s\n' "$key" >"$scratch/key"
chmod 600 "$scratch/key"

# ---- as shipped ----

measure "$tiny" --quiet --channels 'token token-password token5' --probes 'path delivery' \
  --set channel.token5.inherits=token --set channel.token5.mqtt=5 \
  --set channel.token.token.secret="file:$scratch/key" \
  --set telemetry.connection=per-message
exits 'the channels with tokens: the run succeeds' 0
always='accepted-before accepted-after wiretap-payload wiretap-password'
tokens='wrong-key-refused replayed-token-refused stale-token-refused stolen-token-refused'
sorted() { # WORD...
  printf '%s\n' "$@" | sort
}
while read -r channel proofs; do
  # shellcheck disable=SC2086 # lists
  is "$channel: exactly its proofs were made" \
    "$(rows "$folder/proofs.csv" proof channel="$channel" | sort)" \
    "$(sorted $always $tokens $proofs)"
done <<'END'
token no-token-refused
token5 no-token-refused mqtt-as-asked
token-password anonymous-refused wrong-password-refused password-file-in-force
END
is 'all of them held' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
is 'a refusal has the cause that it should have' \
  "$(rows "$folder/proofs.csv" channel,cause proof=replayed-token-refused | sort)" \
  'token-password|connack 5
token5|connack 135
token|connack 5'
is 'what was seen of an act is told' \
  "$(rows "$folder/proofs.csv" observed proof=password-file-in-force)" 'wrong password: refused'
is 'every trial is ok' "$(rows "$folder/trials.csv" status | sort -u)" ok
is 'telemetry connects with a fresh token for each message' \
  "$(rows "$folder/telemetry.csv" status | sort -u)" delivered
is 'the key is in no file of the run' "$(grep -rlF -e "$key" "$folder")" ''
is 'no token is in a log' "$(grep -rlE '[0-9]{19}\.[0-9A-F]{32}\.' "$folder/log")" ''
matches 'the log says why a token was refused' "$(cat "$folder/log"/broker-*-token-att*)" \
  'token: that of client client2-proof was used before$'

# ---- sabotage ----

mkdir "$scratch/bin"
broker=$(PATH=$PATH:/usr/local/sbin:/usr/sbin command -v mosquitto)
cat >"$scratch/bin/mosquitto" <<END
#!/bin/sh
conf=\$2 private=\${2%/*} scratch='$scratch'
[ "\$1" != -c ] || . '$scratch/sabotage'
exec '$broker' "\$@"
END
chmod +x "$scratch/bin/mosquitto"
PATH=$scratch/bin:$PATH

sabotage() { # WHAT CHANNEL 'PROOF...' <COMMANDS: of plain and the channel, it is void for these
  broken=$(printf '%s' "$3" | tr -s ' \n' ' ')
  { printf 'grep -q "^plugin" "%s" || return 0\n' "\$conf" && cat; } >"$scratch/sabotage"
  measure "$tiny" --quiet --channels "plain $2"
  # shellcheck disable=SC2086 # a list
  is "$1: $broken" "$status, $(rows "$folder/proofs.csv" channel,proof verdict=broken | sort)" \
    "1, $(for proof in $broken; do echo "$2|$proof"; done | sort)"
  is '... its trial is void and measured nothing' "$(rows "$folder/trials.csv" \
    status,throughput_mbit_s,bytes,duration_s channel="$2")" 'void|||'
  is '... the other channel is measured' "$(rows "$folder/trials.csv" status channel=plain)" ok
}

# spoilt NAME SED-SCRIPT [SOURCE]: a plugin of ours in $scratch/NAME.so, changed by the script.
spoilt() {
  rm -rf "$scratch/src"
  mkdir -p "$scratch/src"
  cp -r "$root/src/plugin" "$root/src/security" "$scratch/src"
  sed -i "$2" "$scratch/src/${3:-plugin/token.c}"
  ! cmp -s "$scratch/src/${3:-plugin/token.c}" "$root/src/${3:-plugin/token.c}" &&
    cc -shared -fPIC -w -D_GNU_SOURCE -I "$scratch/src" -o "$scratch/$1.so" \
      "$scratch/src/plugin/plugin.c" "$scratch/src/plugin/token.c" \
      "$scratch/src/security/token_scheme.c" -lcrypto 2>"$scratch/cc.log"
}

# with NAME ARGUMENT...: sabotage by that plugin in place of the right one.
with() {
  printf 'sed -i "s,^plugin .*,plugin %s/%s.so," "%s"\n' "$scratch" "$1" "\$conf" \
    >"$scratch/commands"
  shift
  sabotage "$@" <"$scratch/commands"
}

sabotage 'nobody asks for a token' token "no-token-refused $tokens" <<'END'
sed -i '/^plugin/d; s/^allow_anonymous false/allow_anonymous true/' "$conf"
END

sabotage 'the broker has another key' token 'accepted-before accepted-after wiretap-payload
  replayed-token-refused stolen-token-refused' <<'END'
echo another >"$private/token-key"
END

sabotage 'tokens are good for months' token stale-token-refused <<'END'
sed -i 's/^plugin_opt_max_age_ns .*/plugin_opt_max_age_ns 9000000000000000/' "$conf"
END

if has_command cc &&
  spoilt forgetful 's/return TOKEN_REPLAYED;/return TOKEN_FRESH;/'; then
  with forgetful 'tokens are not remembered' token replayed-token-refused
  spoilt lenient 's/CRYPTO_memcmp(code, right, MAC_TEXT) != 0/0/' security/token_scheme.c
  with lenient 'no code is verified' token 'wrong-key-refused stolen-token-refused'
  spoilt overruling 's/return MOSQ_ERR_PLUGIN_DEFER/return MOSQ_ERR_SUCCESS/'
  with overruling 'the plugin overrules the password file' token-password \
    'anonymous-refused wrong-password-refused password-file-in-force'
  spoilt barring 's/return MOSQ_ERR_PLUGIN_DEFER/return MOSQ_ERR_AUTH/'
  with barring 'it bars everybody else' token-password password-file-in-force
else
  skip 'plugins that forget, believe, overrule, bar' "none can be compiled: $(head -n 1 \
    "$scratch/cc.log" 2>/dev/null)"
fi

printf 'rm -f "%s/token-key"\n' "\$private" >"$scratch/sabotage"
measure "$tiny" --quiet --channels token
exits 'a plugin without its key: the broker does not start' 3
contains '... for the plugin'\''s own reason' "$err" \
  'Error: plugin token: key_file: No such file or directory'
is 'no broker'\''s folder stays' "$(list_brokers)" ''
: >"$scratch/sabotage"

# ---- clocks ----

# A way to an agent that seems to be on another machine, whose wall clock is 200 s behind.
cat >"$scratch/late" <<'END'
"$@" | perl -pe 'BEGIN { $| = 1 } s/("boot": ?")\w/$1-/;
  s/("realtime_ns": ?)(\d{10})/$1 . ($2 - 200)/e'
END
apart() { # [OPTION...]
  measure "$tiny" --quiet --publisher-host "exec:sh $scratch/late" --set hosts.folder="$same" "$@"
}
if has_command perl; then
  apart --channels token
  exits 'hosts whose clocks are too far apart for tokens: nothing is measured' 3
  matches '... that is said' "$err" \
    'clocks are (199|200)\.[0-9] s apart, more than token of channel token can stand'
  apart --channels token --set channel.token.token.max_age=10min
  exits '... with a greater max_age it is' 0
  apart --channels plain
  exits '... and without tokens' 0
else
  skip 'hosts whose clocks are too far apart' 'no perl here'
fi

# ---- bad input ----

refused() { # NAME SETTING WORDS
  run "$bench" check "$tiny" --channels token --set "$2"
  is "$1: refused" "$status" 2
  contains '... and why' "$err" "$3"
}
refused 'a key in the open' channel.token.token.secret=hunter22 'a secret is never written here'
refused 'an age of nothing' channel.token.token.max_age=0s 'a duration from 1s to 1d'
refused 'another version of MQTT' channel.token.mqtt=4 "'4' is none of: 3.1.1 5"

finish
