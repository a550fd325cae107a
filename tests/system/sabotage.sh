# shellcheck shell=sh
# sabotage.sh - for the system tests that break a guard on purpose and see that its proof breaks:
# real.sh, and a program called mosquitto, first on PATH, that spoils the configuration when it is
# told to, and then is the real one.
#
#   $certs    the PKI        $scratch/sabotage    what is done to the configuration; empty: nothing
. "$(dirname "$0")/real.sh"
certs=$scratch/certs
: >"$scratch/sabotage"
mkdir "$scratch/bin"
broker=$(PATH=$PATH:/usr/local/sbin:/usr/sbin command -v mosquitto)
cat >"$scratch/bin/mosquitto" <<END
#!/bin/sh
# \$conf and \$private: the broker's configuration and folder; \$certs: the PKI.
conf=\$2 private=\${2%/*} certs='$certs' scratch='$scratch'
[ "\$1" != -c ] || . '$scratch/sabotage'
exec '$broker' "\$@"
END
chmod +x "$scratch/bin/mosquitto"
PATH=$scratch/bin:$PATH

# sabotage WHAT 'CHANNEL [OPTION...]' 'PROOF...' [SETTING...] <COMMANDS: of `plain` and the channel,
# the channel is void for exactly these proofs, and plain is none the worse for it.
sabotage() {
  name=$1 channel=$2 broken=$(printf '%s' "$3" | tr -s ' \n' ' ')
  shift 3
  {
    printf 'grep -q "^password_file\|^certfile\|^psk_file\|^plugin" "%s" || return 0\n' "\$conf"
    cat
  } >"$scratch/sabotage"
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

spare() { # no more sabotage
  : >"$scratch/sabotage"
}
