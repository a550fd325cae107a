# title: The most that a broker delivers
# caption: Messages a second that arrived at the largest rate at which latency stayed within its
#     limit, publishers were on time, and nothing was lost that must not be; mean of the trials with
#     its 95 % confidence interval.
run = ARG1; out = ARG2; kind = ARG3
# Of a probe that searched for it: it says how many rates it tried.
csv = 'summary.csv'; keep(x) = ends(strcol('metric'), '.capacity_tried') && strlen(strcol('mean'))
ends(s, tail) = strlen(s) > strlen(tail) && s[strlen(s) - strlen(tail) + 1:*] eq tail
load ARG0[1:strlen(ARG0) - strlen('capacity.gp')] . 'style.gp'
if (n_panels == 0) { exit status 0 } # as of most runs: that leaves nothing out

is_rate(metric) = metric eq 'delivered_rate' || ends(metric, '.delivered_rate')
of_rate(p) = of(p) && is_rate(strcol('metric')) && place(0) && strlen(strcol('mean'))
rate(p) = of_rate(p) ? column('mean') : NaN
low(p) = text('ci_low', rate(p)); high(p) = text('ci_high', rate(p))
most = 0
do for [p = 1:n_panels] {
    stats csv using (of_rate(p) ? (most = high_of(most, high(p)), 0) : 0) nooutput
}
do for [format in formats] {
    eval page(format, n_channels * (0.25 + 1.1 * name_lines))
    do for [p = 1:n_panels] {
        eval panel(p)
        eval axis(0, most, 9)
        set xlabel 'Messages (1/s)' noenhanced offset 0, 0.5
        plot NaN notitle, csv using (rate(p)):(place(0)):(0):(rate(p)): \
                (place(0) - 0.35):(place(0) + 0.35) with boxxyerror linecolor rgb colour(1) \
                title panel_name(p) noenhanced, \
            csv using (rate(p)):(place(0)):(low(p)):(high(p)) with xerrorbars \
                pointtype 7 pointsize 0 linecolor rgb 'black' notitle, \
            csv using (of_rate(p) ? high(p) : 0):(of_rate(p) ? place(0) : 1): \
                (of_rate(p) ? short(rate(p)) : '') with labels noenhanced left offset 0.9, 0 notitle
    }
    eval page_end
}
