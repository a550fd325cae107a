#!/bin/sh
# What a sender puts on the wire: exactly what the formulas say; the probe that writes unit by unit;
# and a sender that is silent for a share of its time because its channel says so.
. "$(dirname "$0")/real.sh"

all='path transport transport-per-unit delivery'
set -- # what every run here has: times as short as they may be
for probe in path transport transport-per-unit; do
  set -- "$@" --set "probe.$probe.duration=200ms" --set "probe.$probe.warmup=0s"
done
set -- "$@" --quiet --set probe.delivery.duration=200ms

# per_payload COLUMN=VALUE...: "trial metric value" of the four metrics, of the trials that match.
per_payload() {
  rows "$folder/trials.csv" trial "$@" | while read -r trial; do
    rows "$folder/metrics.csv" trial,metric,value "trial=$trial" process=sender |
      grep -E '\|(tcp|wire)_per_payload' | tr '|' ' '
  done
}

# off COLUMN=VALUE...: trials whose bytes of TCP are more than 0.1 % off the formula's, that lack
# one of the four metrics, or whose headers cannot be right.
off() {
  per_payload "$@" | awk '
    { value[$1, $2] = $3; trials[$1] }
    END {
      for (t in trials) {
        tcp = value[t, "tcp_per_payload"]; theory = value[t, "tcp_per_payload_theory"]
        wire = value[t, "wire_per_payload"]; full = value[t, "wire_per_payload_theory"]
        error = tcp / (theory ? theory : 1) - 1
        if (!theory || error > 0.001 || error < -0.001) print t ": " tcp " for " theory
        else if (!(wire > tcp && full > theory && full < 2 * theory))
          print t ": " wire " and " full " for " tcp
        n++
      }
      if (!n) print "nothing to look at"
    }'
}

# ---- the formulas, and the probe that writes unit by unit ----

measure "$tiny" "$@" --channels 'plain mutual-tls' --probes "$all"
exits 'four probes, two channels' 0
is 'all is ok' "$(rows "$folder/trials.csv" status | sort | uniq -c | tr -d ' ')" 8ok
is 'in TLS where the channel is' \
  "$(rows "$folder/trials.csv" probe,tls_version channel=mutual-tls | sort | tr '\n' ' ')" \
  'delivery|TLSv1.3 path| transport-per-unit|TLSv1.3 transport|TLSv1.3 '
is 'each sender has put on the wire what it must' "$(off status=ok)" ''
is 'in clear, a stream is its payload' \
  "$(per_payload channel=plain probe=transport-per-unit | grep ' tcp_' | cut -d ' ' -f 3 |
    sort -u)" 1
is 'under TLS 1.3, 22 bytes more for each of four records' \
  "$(per_payload channel=mutual-tls probe=transport-per-unit |
    awk '$2 == "tcp_per_payload" { printf "%.5f", $3 }')" 1.00134
is 'a message has its header' "$(per_payload channel=plain probe=delivery |
  awk '$2 == "tcp_per_payload" { print ($3 > 1.01 && $3 < 1.04) ? "between" : $3 }')" between
is 'nobody else counts' "$(rows "$folder/metrics.csv" party,process metric=tcp_per_payload |
  sort -u)" 'client2|sender'
run "$bench" report "$folder"
exits 'it can be reported' 0
contains 'with the new rung' "$out" 'transport-per-unit - '

tls12='--set channel.mutual-tls.tls.min_version=1.2 --set channel.mutual-tls.tls.max_version=1.2'
# shellcheck disable=SC2086 # several words
measure "$tiny" "$@" --channels mutual-tls --probes "$all" $tls12 \
  --set channel.mutual-tls.tls.ciphers=ECDHE-ECDSA-CHACHA20-POLY1305 \
  --set probe.transport.direction=down --set probe.transport.streams=2 \
  --set probe.transport.write_size=100B --set probe.transport-per-unit.write_size=20000B \
  --set probe.delivery.qos=2
exits 'TLS 1.2, two streams down, odd units, QoS 2' 0
is 'what is sent is as the formulas say' "$(off status=ok)" ''
is 'down, the broker'\''s host sends' "$(rows "$folder/metrics.csv" party,process \
  metric=wire_per_payload trial="$(rows "$folder/trials.csv" trial probe=transport)")" \
  'broker|sender'

measure "$tiny" "$@" --channels 'psk gcm ccm8' --set scenario.baseline=psk --probes "$all" \
  --set channel.gcm.inherits=psk --set channel.gcm.psk.ciphers=PSK-AES128-GCM-SHA256 \
  --set channel.ccm8.inherits=psk --set channel.ccm8.psk.ciphers=PSK-AES128-CCM8:@SECLEVEL=0 \
  --set probe.delivery.qos=1
exits 'ciphers of shared keys' 0
is 'each as asked' "$(rows "$folder/trials.csv" channel,tls_cipher probe=transport | sort)" \
  'ccm8|PSK-AES128-CCM8
gcm|PSK-AES128-GCM-SHA256
psk|ECDHE-PSK-CHACHA20-POLY1305'
is 'what is sent is as the formulas say, too' "$(off status=ok)" ''

# shellcheck disable=SC2086 # several words
measure "$tiny" "$@" --channels mutual-tls --probes 'transport delivery' $tls12 \
  --set channel.mutual-tls.tls.ciphers=ECDHE-ECDSA-AES256-SHA384
exits 'a cipher that pads' 0
is 'has no formula' "$(per_payload status=ok | cut -d ' ' -f 2 | sort | uniq -c | tr -d ' ' |
  tr '\n' ' ')" '2tcp_per_payload 2wire_per_payload '

if grep -q '^00000000000000000000000000000001 ' /proc/net/if_inet6 2>/dev/null; then
  measure "$tiny" "$@" --channels plain --probes path --set hosts.address=::1
  is 'over IPv6 as well' "$(off status=ok)" ''
else
  skip 'over IPv6 as well' 'this machine has no ::1'
fi

# ---- a loss that is imposed ----

# silent CHANNEL PROBE: how many whole steps of 100 ms brought not a byte.
silent() {
  rows "$folder/intervals.csv" bytes \
    trial="$(rows "$folder/trials.csv" trial "channel=$1" "probe=$2")" | grep -cx 0
}

# In three seconds, a burst of 0.6 s (longer where the machine is busy) and then silence: whoever
# let something through would be seen.
for probe in $all; do
  set -- "$@" --set "probe.$probe.duration=3s"
done
for how in 'direction=up qos=0' 'direction=down qos=2'; do
  direction=${how% *}
  measure "$tiny" "$@" --channels 'plain plain-slowed' --probes "$all" \
    --set channel.plain-slowed.loss=80% --set "probe.path.$direction" \
    --set "probe.transport.$direction" --set probe.transport.streams=2 \
    --set "probe.delivery.${how#* }"
  exits "a loss of 80 %, $how" 0
  for probe in $all; do
    check "$probe: silent most of the time" test "$(silent plain-slowed "$probe")" -ge 8
    check "$probe: but not always" test \
      "$(rows "$folder/trials.csv" bytes channel=plain-slowed "probe=$probe")" -gt 0
    check "$probe: the baseline is not" test "$(silent plain "$probe")" -lt 8
  done
  is 'what was sent has arrived' "$(rows "$folder/metrics.csv" value metric=messages_lost |
    sort -u)" 0
  is 'and is what the formulas say' "$(off channel=plain-slowed)" ''
  check 'telemetry goes on' test \
    "$(count "$folder/telemetry.csv" channel=plain-slowed status=delivered)" -gt 100
done
measure "$tiny" "$@" --channels 'mutual-tls slowed' --probes 'transport transport-per-unit' \
  --set channel.slowed.inherits=mutual-tls --set channel.slowed.control=slowed \
  --set channel.slowed.loss=80%
exits 'a loss of 80 % under TLS' 0
for probe in transport transport-per-unit; do
  check "$probe: silent most of the time" test "$(silent slowed "$probe")" -ge 8
done
finish
