# title: How soon telemetry messages arrive
# caption: The share of the messages that took no longer than a time. With many channels each has
#     a panel, with the baseline in grey.
run = ARG1; out = ARG2; kind = ARG3
csv = 'cumulative.csv'; keep(x) = strcol('probe') eq 'telemetry'
load ARG0[1:strlen(ARG0) - strlen('latency.gp')] . 'style.gp'
eval left_out('latency is left out: no telemetry message arrived')
eval read_units

level(share) = 100 * share
marked = '0 25 50 75 100'
highest = 100
load shared . 'lines.gp'
