# title: What many devices take of a broker
# caption: Cores, memory and traffic of the brokers, and the time after which devices can be back
#     that all connect at once (whole brokers share that: hence its steps), against their number:
#     computed by ./bench estimate from the costs that the run measured, with 95 % confidence
#     intervals.
run = ARG1; out = ARG2; kind = ARG3
csv = 'estimate.csv'; panels = 'quantity unit'
drawn = 'cores memory bandwidth storm_time'
words = '"Cores" "Memory (GiB)" "Traffic (Mbit/s)" "Time to be back (s)"'
which(name) = sum [k = 1:4] (word(drawn, k) eq name ? k : 0)
keep(x) = strlen(strcol('channel')) && strlen(strcol('value')) && which(strcol('quantity'))
load ARG0[1:strlen(ARG0) - strlen('estimate.gp')] . 'style.gp'
if (n_panels == 0) { exit status 0 } # as of most runs: that leaves nothing out

measure(p) = which(probe[p])
panel_name(p) = word(words, measure(p))
scale(p) = probe[p] eq 'memory' ? 2.0 ** -30 : 1
at(p, c, name) = here(p) && place(0) == c ? scale(p) * column(name) : NaN
has(p, c) = strlen(strcol('ci_low')) && strlen(strcol('ci_high')) ? at(p, c, 'value') : NaN
longest = 0
do for [c = 1:n_channels] { longest = high_of(longest, strlen(clip(channel[c], 40))) }
eval legend_of(n_channels, longest)
across = small ? 1 : 2
left = 9.0; gap = 9.0
set grid xtics ytics

do for [format in formats] {
    eval page(format, small ? 9 : 11)
    eval legend
    plot NaN notitle, for [c = 1:n_channels] keyentry with linespoints linewidth 2 \
        dashtype dash(c) pointtype marker(c) linecolor rgb colour(c) \
        title clip(channel[c], 40) noenhanced
    eval legend_end
    do for [p = 1:n_panels] {
        eval panel(p)
        set logscale xy
        set autoscale x; set autoscale xfix
        set yrange [*:*]
        set format x '%.0s%c'
        set ytics autofreq format '%g' nomirror scale 0.5 textcolor rgb 'black'
        set xlabel 'Devices' noenhanced offset 0, 0.5
        plot NaN notitle, for [c = 1:n_channels] csv using (column('devices')): \
                (has(p, c) > 0 ? at(p, c, 'ci_low') : NaN):(at(p, c, 'ci_high')) \
                with filledcurves fillstyle transparent solid 0.2 noborder \
                linecolor rgb colour(c) title panel_name(p) . ', CI' noenhanced, \
            for [c = 1:n_channels] csv using (column('devices')):(at(p, c, 'value')) \
                with linespoints linewidth 2 dashtype dash(c) pointtype marker(c) pointsize 0.8 \
                linecolor rgb colour(c) title panel_name(p) . ', ' . channel[c] noenhanced
        unset logscale; set format x '% h'
    }
    eval page_end
}
