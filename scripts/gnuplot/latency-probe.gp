# title: How soon messages at a fixed rate arrive
# caption: The share of the messages that took no longer than a time, on a scale of nines: the
#     slowest ones can be seen.
run = ARG1; out = ARG2; kind = ARG3
csv = 'cumulative.csv'; keep(x) = strcol('metric') eq 'latency' && strcol('probe') ne 'telemetry'
load ARG0[1:strlen(ARG0) - strlen('latency-probe.gp')] . 'style.gp'
eval left_out('latency-probe is left out: no probe sent messages at a fixed rate')
eval read_units

# The last message of a line is above all nines that there are.
highest = 1.0
stats csv using (keep(0) && column('share') < 1 ? \
    (highest = high_of(highest, -log10(1 - column('share'))), 0) : 0) nooutput
highest = highest + 0.3
level(share) = share < 1 ? -log10(1 - share) : highest
marked = '50 90 99 99.9 99.99 99.999 99.9999'
load shared . 'lines.gp'
