#!/bin/sh
# Keys in a TPM 2, an emulated one (swtpm), through Debian's tpm2-pkcs11: measured and proven.
. "$(dirname "$0")/real.sh"
export LC_ALL=C # sorts
for program in swtpm tpm2-abrmd tpm2_ptool dbus-daemon; do
  has_command $program || skip_all "$program is not installed"
done
module=$(find /usr/lib -name libtpm2_pkcs11.so 2>/dev/null | head -n 1)
[ -n "$module" ] || skip_all 'libtpm2-pkcs11-1 is not installed'

# Where a kernel has a TPM it manages its few places for keys; here that is tpm2-abrmd's, on
# a bus of its own. A number of the process chooses the port.
port=$((20000 + $$ % 10000))
mkdir "$scratch/tpm" "$scratch/store"
start_tpm() {
  swtpm socket --tpm2 --tpmstate dir="$scratch/tpm" --flags not-need-init,startup-clear \
    --ctrl type=tcp,port=$((port + 1)) --server type=tcp,port=$port >"$scratch/swtpm.log" 2>&1 &
  swtpm=$!
  dbus-daemon --session --nofork --print-address=1 >"$scratch/bus" 2>"$scratch/dbus.log" &
  bus=$!
  wait_for "$soon" test -s "$scratch/bus"
  DBUS_SESSION_BUS_ADDRESS=$(cat "$scratch/bus")
  export DBUS_SESSION_BUS_ADDRESS
  tpm2-abrmd --allow-root --session --tcti="swtpm:host=127.0.0.1,port=$port" \
    >"$scratch/abrmd.log" 2>&1 &
  manager=$!
  tcti=tabrmd:bus_type=session,bus_name=com.intel.tss2.Tabrmd
  TPM2TOOLS_TCTI=$tcti TPM2_PKCS11_TCTI=$tcti TPM2_PKCS11_STORE=$scratch/store
  export TPM2TOOLS_TCTI TPM2_PKCS11_TCTI TPM2_PKCS11_STORE
  wait_for "$soon" is_answering
}
# shellcheck disable=SC2317 # called by wait_for and check
is_answering() {
  tpm2_getcap properties-fixed >"$scratch/getcap.log" 2>&1
}
start_tpm
check 'a TPM answers' is_answering
run -t 120 tpm2_ptool init
exits 'it has a place for tokens' 0
run -t 120 tpm2_ptool addtoken --pid 1 --label bench-tpm --userpin 123456 --sopin 654321
exits 'and a token' 0
(umask 077 && echo 123456 >"$scratch/pin")

in_tpm() { # [OPTION...]
  measure "$tiny" --quiet --probes delivery --channels mutual-tls-pkcs11 \
    --set scenario.baseline=mutual-tls-pkcs11 \
    --set "channel.mutual-tls-pkcs11.certificate.pkcs11_module=$module" \
    --set channel.mutual-tls-pkcs11.certificate.pkcs11_token=bench-tpm \
    --set "channel.mutual-tls-pkcs11.certificate.pkcs11_pin=file:$scratch/pin" "$@"
}
for key_type in ec:P-256 rsa:2048; do
  in_tpm --set "channel.mutual-tls-pkcs11.tls.key_type=$key_type"
  exits "$key_type: the run succeeds" 0
  is "$key_type: it is measured" "$(rows "$folder/trials.csv" status)" ok
  is "$key_type: and proven" "$(rows "$folder/proofs.csv" proof,verdict | grep key | sort)" \
    'key-not-given-out-at-broker|held
key-not-given-out|held
no-key-file-at-broker|held
no-key-file|held
token-without-key-refused-at-broker|held
token-without-key-refused|held'
done
# Mosquitto makes the engine the default for all keys, and this module's own with it, before 1.9.1.
if grep -q '^VERSION_CODENAME=bookworm' /etc/os-release; then
  skip 'the key of the broker, too' 'tpm2-pkcs11 1.9.0 ends within Mosquitto: Debian 13 has 1.9.1'
else
  in_tpm --set channel.mutual-tls-pkcs11.tls.key_store=pkcs11
  exits 'the key of the broker, too: the run succeeds' 0
  is 'it is measured' "$(rows "$folder/trials.csv" status)" ok
  is 'its key is not given out' \
    "$(rows "$folder/proofs.csv" verdict,cause proof=key-not-given-out-at-broker)" \
    'held|broker, client1'
  is 'no key is in a file but those of the CA' \
    "$(grep -rl 'PRIVATE KEY' "$scratch/certs/pkcs11-all-bench-tpm")" \
    "$scratch/certs/pkcs11-all-bench-tpm/ca/ca.key"
fi

kill "$manager" "$bus" "$swtpm"
wait "$manager" "$bus" "$swtpm" 2>/dev/null
finish
