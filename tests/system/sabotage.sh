# shellcheck shell=sh disable=SC2154 # what it uses is of lib.sh and real.sh
# sabotage.sh - breaks on purpose what a proof guards, on top of real.sh: a program called
# mosquitto, first on PATH, spoils the configuration and then is the real one.
#
#   sabotage WHAT 'CHANNEL [OPTION...]' 'PROOF...' [SETTING...] <COMMANDS
#       of `plain` and the channel, the channel is void for exactly these proofs, and plain is none
#       the worse for it. In the commands, $conf is the broker's configuration, $private the folder
#       it lies in, $certs the PKI.
#   spare    no more sabotage
mkdir "$scratch/bin"
cat >"$scratch/bin/mosquitto" <<END
#!/bin/sh
conf=\$2 private=\${2%/*} certs='$scratch/certs' scratch='$scratch'
[ "\$1" != -c ] || . '$scratch/sabotage'
exec '$(PATH=$PATH:/usr/local/sbin:/usr/sbin command -v mosquitto)' "\$@"
END
chmod +x "$scratch/bin/mosquitto"
: >"$scratch/sabotage"
PATH=$scratch/bin:$PATH

sabotage() {
  name=$1 channel=$2 broken=$(printf '%s' "$3" | tr -s ' \n' ' ')
  shift 3
  { printf 'grep -q "^password_file\|^certfile\|^plugin" "%s" || return 0\n' "\$conf" && cat; } \
    >"$scratch/sabotage"
  measure "$tiny" --quiet --channels "plain $channel" "$@"
  # shellcheck disable=SC2086 # a list
  is "$name: $broken" "$status, $(rows "$folder/proofs.csv" channel,proof verdict=broken | sort)" \
    "1, $(for proof in $broken; do echo "$channel|$proof"; done | sort)"
  is '... its trial is void and measured nothing' "$(rows "$folder/trials.csv" \
    status,throughput_mbit_s,bytes,duration_s channel="$channel")" 'void|||'
  matches '... the reason names the proof' "$(rows "$folder/trials.csv" reason \
    channel="$channel")" "^proof (${broken%% *}|accepted-before) broken: expected .*, observed "
  is '... the other channel is measured' "$(rows "$folder/trials.csv" status channel=plain)" ok
}

spare() {
  : >"$scratch/sabotage"
}
