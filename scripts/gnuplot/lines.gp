# Distributions as lines, of cumulative.csv: what latency.gp, latency-probe.gp and storm.gp share.
# They say how high a share is drawn: level(share), highest, and which shares have a mark: marked;
# and what the axes are, where they are not those of messages: value_name, share_name, from_zero.
#
# A line a channel; with many channels a panel for each, with the baseline in grey behind it.
if (!exists("value_name")) { value_name = 'Latency'; share_name = 'Messages (%)'; from_zero = 0 }
split = n_channels > 8
n_wholes = n_panels
array low[n_wholes]; array high[n_wholes]
array whole[n_wholes * n_channels]; array alone[n_wholes * n_channels] # of a panel
do for [p = 1:n_wholes] {
    low[p] = 1e300; high[p] = -1e300
    stats csv using (here(p) ? (low[p] = low_of(low[p], column('value')), \
        high[p] = high_of(high[p], column('value')), 0) : 0) nooutput
}
n_panels = 0
do for [p = 1:n_wholes] {
    do for [i = 1:(split ? n_channels : 1)] {
        rows = 0
        stats csv using (rows = rows + (here(p) && (!split || place(0) == i)), 0) nooutput
        if (rows) { n_panels = n_panels + 1; whole[n_panels] = p; alone[n_panels] = i }
    }
}
whole_name(p) = probe[p] . (strlen(variant[p]) ? ', ' . variant[p] : '')
panel_name(q) = split ? channel[alone[q]] . (n_wholes > 1 ? ', ' . whole_name(whole[q]) : '') : \
    n_wholes > 1 ? whole_name(whole[q]) : ''
n_lines = split ? 2 : n_channels
of_line(q, k) = !split ? k : k == 2 ? alone[q] : row(baseline)
hue(k) = split ? word('#999999 #0072B2', k) : colour(k)
stroke(k) = split ? 1 : dash(k)
line_name(q, k) = whole_name(whole[q]) . ', ' . \
    (of_line(q, k) ? channel[of_line(q, k)] : '') . (split && k == 1 ? ' again' : '')
at(q, k) = here(whole[q]) && place(0) == of_line(q, k) ? column('value') : NaN

levels = ''; blank = '' # marks with their words, and without
do for [share in marked] {
    at_ = level(0.01 * real(share))
    if (at_ < highest || share eq '100') {
        levels = levels . sprintf("%s'%s' %g", strlen(levels) ? ', ' : '', share, at_)
        blank = blank . sprintf("%s'' %g", strlen(blank) ? ', ' : '', at_)
    }
}
top = split || n_wholes > 1 ? 1.6 : 0.6
across = split ? small ? 2 : 5 : 1
left = 9.0; gap = 2.0
foot = split ? 1.0 : 0; bottom = split ? 1.4 : 2.6
longest = 0
do for [c = 1:n_channels] { longest = high_of(longest, strlen(clip(channel[c], 40))) }
if (!split) { eval legend_of(n_channels, longest) }
set grid xtics ytics
do for [format in formats] {
    eval page(format, split ? 4.5 : 14)
    if (!split) {
        eval legend
        plot NaN notitle, for [c = 1:n_channels] keyentry with lines linewidth 2 dashtype dash(c) \
            linecolor rgb colour(c) title clip(channel[c], 40) noenhanced
        eval legend_end
    }
    do for [q = 1:n_panels] {
        eval panel(q)
        eval axis(from_zero ? 0 : low[whole[q]], high[whole[q]], 0)
        set yrange [0:highest]
        eval 'set ytics (' . ((q - 1) % columns ? blank : levels) . ') nomirror scale 0.5'
        below = q + columns > n_panels ? value_name . ' (' . unit[whole[q]] . ')' : ''
        beside = (q - 1) % columns ? '' : share_name
        set xlabel below noenhanced offset 0, 0.5
        set ylabel beside noenhanced
        plot NaN notitle, for [k = 1:n_lines] csv using (at(q, k)):(level(column('share'))) \
            with steps linewidth 2 dashtype stroke(k) linecolor rgb hue(k) \
            title line_name(q, k) noenhanced
    }
    eval page_end
}
