#!/bin/sh
# Keys in a token: measured and proven beside keys in files; no file has them, nobody tells the PIN,
# renewing keeps them; and what is wrong with a token is said before anything starts.
. "$(dirname "$0")/real.sh"
[ -e /usr/lib/softhsm/libsofthsm2.so ] || skip_all 'libsofthsm2 is not installed'

export LC_ALL=C # sorts
softhsm=/usr/lib/softhsm/libsofthsm2.so
store=$scratch/certs/pkcs11-clients-softhsm
mine="$tiny --quiet --probes delivery --channels mutual-tls-pkcs11"
mine="$mine --set scenario.baseline=mutual-tls-pkcs11"
set_token=channel.mutual-tls-pkcs11.certificate.pkcs11

# ---- SoftHSM, of which nothing was set up ----

measured=$((measured + 1))
results=$scratch/results.$measured
start "$bench" run "$tiny" --quiet --probes 'transport delivery' --output "$results" \
  --channels 'mutual-tls mutual-tls-pkcs11 mutual-tls-crl' --set scenario.baseline=mutual-tls \
  --set channel.mutual-tls-crl.tls.key_store=pkcs11 \
  --set channel.mutual-tls-crl.certificate.key_store=pkcs11 \
  --set channel.mutual-tls-crl.tls.key_type=rsa:2048 --certs "$scratch/certs"
watch_run 240
folder=$(find_run)
exits 'keys in files and in a token: the run succeeds' 0
is 'everything was measured' "$(rows "$folder/trials.csv" status | sort | uniq -c | tr -s ' ')" \
  ' 6 ok'
is 'all proofs held' "$(rows "$folder/proofs.csv" verdict | sort -u)" held
for channel in mutual-tls-pkcs11 mutual-tls-crl; do
  is "$channel: where its keys are is proven" "$(
    rows "$folder/proofs.csv" proof,observed channel="$channel" | grep -E 'key|pin' | sort
  )" 'key-not-given-out-at-broker|sensitive, not extractable
key-not-given-out|sensitive, not extractable
no-key-file-at-broker|no key
no-key-file|no key
token-without-key-refused-at-broker|refused
token-without-key-refused|refused
wrong-pin-refused-at-broker|refused
wrong-pin-refused|refused'
done
holders_of() { # CHANNEL PROOF: whose keys it is about
  rows "$folder/proofs.csv" cause channel="$1" proof="$2"
}
is 'of client2' "$(holders_of mutual-tls-crl key-not-given-out)" client2
is 'of client1, which is with the broker' \
  "$(holders_of mutual-tls-pkcs11 key-not-given-out-at-broker)" client1
is 'and of the broker, where its key is in the token' \
  "$(holders_of mutual-tls-crl key-not-given-out-at-broker)" 'broker, client1'
is 'a wrong PIN, and a token without the key, by their own causes' \
  "$(rows "$folder/proofs.csv" cause channel=mutual-tls-pkcs11 | grep -E 'PIN|empty' | sort)" \
  "token 'bench': logging in: CKR_PIN_INCORRECT
token 'bench': logging in: CKR_PIN_INCORRECT
token 'bench-empty' has no private key 'bench client1 ec:P-256'
token 'bench-empty' has no private key 'bench client2 ec:P-256'"
is 'there is no key in a file but those of CA and broker' \
  "$(grep -rl 'PRIVATE KEY' "$store" | sort)" "$store/broker/broker.key
$store/ca/ca.key"
is 'nor of the broker where its key is in the token' \
  "$(grep -rl 'PRIVATE KEY' "$scratch/certs/rsa-2048-pkcs11-all-softhsm")" \
  "$scratch/certs/rsa-2048-pkcs11-all-softhsm/ca/ca.key"
is 'token and PIN are the user'\''s alone' \
  "$(stat -c %a "$scratch/certs/softhsm" "$scratch/certs/softhsm/tokens" \
    "$scratch/certs/softhsm/pin" | tr '\n' ' ')" '700 700 600 '

pin=$(cat "$scratch/certs/softhsm/pin")
check 'the run was looked at' grep -qF 'worker delivery-subscriber' "$scratch/seen"
check 'and the broker, which has its key in the token' \
  grep -qF "PKCS11_MODULE_PATH=$softhsm" "$scratch/seen"
is 'the PIN is in no command line nor environment' "$(grep -cF "$pin" "$scratch/seen")" 0
is 'nor in what was said' "$(printf '%s\n' "$out" "$err" | grep -cF "$pin")" 0
is 'nor in any file of the run' "$(grep -rlF "$pin" "$folder")" ''
is 'nor left behind' "$(grep -rlF "$pin" "$TMPDIR")" ''

# ---- two hosts: each with a token, and a search, of its own ----

there=$scratch/there
mkdir "$there" "$there/certs"
printf '#!/bin/sh\nBENCH_BUILD="%s" exec "%s" "$@" --certs "%s"\n' "${BENCH_BUILD:-build}" \
  "$bench" "$there/certs" >"$there/bench"
chmod +x "$there/bench"
truncate -s 1G "$there/certs/too large"
# shellcheck disable=SC2086 # words
measure $mine --broker-host exec:env --set hosts.folder="$there"
exits 'a file that cannot be searched, on the broker'\''s host: void' 1
is 'the proof is broken there, and all others are held' \
  "$(rows "$folder/proofs.csv" proof,observed verdict=broken)" \
  'no-key-file-at-broker|no key in those that could be read'
matches 'that is said, with the file' "$(rows "$folder/proofs.csv" cause verdict=broken)" \
  "^1 of [0-9]+ files unread: $there/certs/too large: larger than"
rm "$there/certs/too large"

# ---- renewing ----

key_of() { # NAME: the public key of its certificate
  openssl x509 -in "$store/$1/$1.crt" -noout -pubkey
}
if has_command openssl; then
  before=$(key_of client1) serial=$(openssl x509 -in "$store/client1/client1.crt" -noout -serial)
  run "$bench" certs renew --certs "$scratch/certs"
  exits 'certificates for keys in a token are renewed' 0
  is 'for the same key' "$(key_of client1)" "$before"
  check 'they are others' test "$serial" != \
    "$(openssl x509 -in "$store/client1/client1.crt" -noout -serial)"
else
  skip 'renewing keeps the key' 'needs openssl'
fi
run "$bench" certs show --certs "$scratch/certs"
contains 'they are shown' "$out" "$store (keys of the clients in a token)"

# ---- a token of the user's: this one ----

export SOFTHSM2_CONF="$scratch/certs/softhsm/softhsm2.conf"
cp "$scratch/certs/softhsm/pin" "$scratch/pin"
named() { # MODULE TOKEN PIN-FILE [OPTION...]
  named_module=$1 named_token=$2 named_pin=$3
  shift 3
  # shellcheck disable=SC2086 # words
  measure $mine --set "${set_token}_module=$named_module" --set "${set_token}_token=$named_token" \
    --set "${set_token}_pin=file:$named_pin" "$@"
}
named "$softhsm" bench "$scratch/pin"
exits 'a named token: the run succeeds' 0
is 'a wrong PIN is not tried in it' \
  "$(rows "$folder/proofs.csv" proof | grep -E 'key-|-key|pin' | sort)" 'key-not-given-out
key-not-given-out-at-broker
no-key-file
no-key-file-at-broker
token-without-key-refused
token-without-key-refused-at-broker'
is 'the PIN is in no file of the run' "$(grep -rlF "$pin" "$folder")" ''
contains 'but where it is' "$(cat "$folder/scenario.ini")" "pkcs11_pin = file:$scratch/pin"
named "$softhsm" bench "$scratch/pin" --set "${set_token}_wrong_pin=yes"
is 'unless that is allowed' \
  "$(rows "$folder/proofs.csv" proof,verdict | grep wrong-pin | sort)" \
  'wrong-pin-refused-at-broker|held
wrong-pin-refused|held'

# A token that turns away whoever comes, with another word than for a wrong PIN: SoftHSM, altered.
cat >"$scratch/locked.c" <<'END'
#define CRYPTOKI_GNU 1
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <string.h>

static struct ck_function_list altered, *original;

static ck_rv_t log_in(ck_session_handle_t session, ck_user_type_t user, unsigned char *pin,
                      unsigned long length) {
    ck_rv_t code = original->C_Login(session, user, pin, length);

    return code == CKR_PIN_INCORRECT ? CKR_PIN_LOCKED : code;
}

ck_rv_t C_GetFunctionList(struct ck_function_list **ret) {
    void *library = dlopen(SOFTHSM, RTLD_NOW | RTLD_NODELETE);
    ck_rv_t (*get)(struct ck_function_list **) = dlsym(library, "C_GetFunctionList");
    ck_rv_t code = get(&original);

    altered = *original;
    altered.C_Login = log_in;
    *ret = &altered;
    return code;
}
END
# shellcheck disable=SC2046 # words
cc -shared -fPIC $(pkg-config --cflags p11-kit-1) "-DSOFTHSM=\"$softhsm\"" -o "$scratch/locked.so" \
  "$scratch/locked.c"
named "$scratch/locked.so" bench "$scratch/pin" --set "${set_token}_wrong_pin=yes"
exits 'a token that is locked: void' 1
is 'it has not refused the PIN for being wrong' \
  "$(rows "$folder/proofs.csv" proof,cause verdict=broken | sort)" \
  "wrong-pin-refused-at-broker|token 'bench': logging in: CKR_PIN_LOCKED
wrong-pin-refused|token 'bench': logging in: CKR_PIN_LOCKED"

refused() { # NAME STATUS WORDS
  exits "$1" "$2"
  contains "$1: said in words" "$err" "$3"
  is "$1: nothing was measured" "$(find "$results" -name trials.csv 2>/dev/null)" ''
}
printf '%s\n' '#include <stdlib.h>' '__attribute__((constructor)) static void leave_mark(void) {' \
  "exit(system(\"touch $scratch/mark\")); }" >"$scratch/module.c"
cc -shared -fPIC -o "$scratch/module.so" "$scratch/module.c"
# shellcheck disable=SC2086 # words
run "$bench" check ${mine%% *} --channels mutual-tls-pkcs11 \
  --set scenario.baseline=mutual-tls-pkcs11 --set "${set_token}_token=bench" \
  --set "${set_token}_module=$scratch/module.so" --set "${set_token}_pin=file:$scratch/pin"
exits 'a scenario is checked' 0
check '... and no module of its is loaded' test ! -e "$scratch/mark"
named /nowhere/module.so bench "$scratch/pin"
refused 'no such module' 3 '/nowhere/module.so: this PKCS#11 module cannot be loaded'
named /bin/sh bench "$scratch/pin"
refused 'no module at all' 3 'certificate.pkcs11_module: /bin/sh'
named "$softhsm" 'no such' "$scratch/pin"
refused 'another token' 3 "no token 'no such' in $softhsm; there are: "
named "$softhsm" '{no such}' "$scratch/pin"
refused 'a label with braces' 3 "no token '{no such}' in $softhsm; there are: "
lacks 'which is no crash' "$err" 'has ended the process'
chmod 644 "$scratch/pin"
named "$softhsm" bench "$scratch/pin"
refused 'a PIN that others can read' 3 "$scratch/pin can be read by others; chmod 600 it"
chmod 600 "$scratch/pin"
echo 1234567 >"$scratch/pin"
named "$softhsm" bench "$scratch/pin"
refused 'a wrong PIN' 3 "token 'bench': logging in: CKR_PIN_INCORRECT"
mkdir "$scratch/no-tokens"
echo "directories.tokendir = $scratch/no-tokens" >"$scratch/none.conf"
SOFTHSM2_CONF=$scratch/none.conf named "$softhsm" bench "$scratch/pin"
refused 'a token that is not initialised' 3 'what is there is not initialised'
contains 'with the remedy' "$err" \
  "pkcs11-tool --module $softhsm --slot 0 --init-token --label 'bench'"
if has_command pkcs11-tool; then
  SOFTHSM2_CONF=$scratch/none.conf pkcs11-tool --module "$softhsm" --slot 0 --init-token \
    --label bench --so-pin 12345678 >"$scratch/tool.log" 2>&1
  SOFTHSM2_CONF=$scratch/none.conf pkcs11-tool --module "$softhsm" --token-label bench --init-pin \
    --so-pin 12345678 --pin 1234567 >>"$scratch/tool.log" 2>&1
  SOFTHSM2_CONF=$scratch/none.conf named "$softhsm" bench "$scratch/pin"
  exits 'and it helps' 0
else
  skip 'and it helps' 'pkcs11-tool is not installed'
fi
named "$softhsm" bench relative/pin
refused 'a path from nowhere' 2 'write them from / on'
# shellcheck disable=SC2086 # words
measure $mine --set "${set_token}_pin=1234"
refused 'a PIN in the scenario' 2 'a PIN is never written here; right would be file:PATH'
# shellcheck disable=SC2086 # words
measure $mine --set "${set_token}_token=bench"
refused 'half a token' 2 'name a token together; set all'
# shellcheck disable=SC2086 # words
measure $mine --set channel.mutual-tls-pkcs11.tls.key_type=ed25519
refused 'a type of key that tokens do not make' 2 'keys of type ed25519 are not made in tokens'
unset SOFTHSM2_CONF

# A key that lies in a file is told, whoever has put it there.
cp "$scratch/certs/client1/client1.key" "$store/client1/"
# shellcheck disable=SC2086 # words
measure $mine
refused 'a key in a file' 3 \
  "$store/client1/client1.key is a key in a file where keys are in a token"
rm "$store/client1/client1.key"

# ---- where the packages are missing ----

export OPENSSL_ENGINES="$scratch/nowhere"
measure "$tiny" --quiet --probes path --channels 'plain mutual-tls-pkcs11'
run "$bench" certs renew --certs "$scratch/certs"
unset OPENSSL_ENGINES
exits 'certificates are renewed but for those of keys in a token' 0
for left in pkcs11-clients-softhsm rsa-2048-pkcs11-all-softhsm; do
  matches "of $left it is said why not" "$err" \
    "^$scratch/certs/$left: left as it is: keys in a token take what is not there: .*-openssl$"
done
contains 'all are shown' "$out" "$store (keys of the clients in a token)"
check 'without the engine: the run goes on' test -n "$folder"
is 'without that channel' "$(rows "$folder/trials.csv" channel,status | sort)" \
  'mutual-tls-pkcs11|skipped
plain|ok'
contains 'and says what is missing' "$(rows "$folder/trials.csv" reason status=skipped)" \
  'host local: keys in a token take what is not there: apt-get install'

finish
