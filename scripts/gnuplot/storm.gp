# title: How soon clients are back that all reconnect at once
# caption: The share of all clients that were back after a time, of those that came back.
run = ARG1; out = ARG2; kind = ARG3
csv = 'cumulative.csv'; keep(x) = strcol('metric') eq 'back'
load ARG0[1:strlen(ARG0) - strlen('storm.gp')] . 'style.gp'
if (n_panels == 0) { exit status 0 } # as of most runs: that leaves nothing out
eval read_units

value_name = 'Time'; share_name = 'Clients that are back (%)'; from_zero = 1
level(share) = 100 * share
marked = '0 25 50 75 100'
highest = 100
load shared . 'lines.gp'
