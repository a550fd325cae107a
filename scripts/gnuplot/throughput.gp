# title: Throughput of each channel
# caption: A bar for each probe: the mean of its trials with its 95 % confidence interval.
#     Hatched: published values, where they can be compared.
run = ARG1; out = ARG2; kind = ARG3
csv = 'table.csv'; keep(x) = strcol('metric') eq 'throughput'
load ARG0[1:strlen(ARG0) - strlen('throughput.gp')] . 'style.gp'
n_known = 0
stats csv using (n_known = n_known + (keep(0) && strlen(strcol('mean')) > 0), 0) nooutput
n_panels = n_known ? n_panels : 0
eval left_out('throughput is left out: no probe measured any')
eval read_units

# A panel is a variant; in it a channel has a bar for each series: a probe, or what was published.
# (An empty field at the end of a row is what gnuplot 5.4 read before: so two are asked.)
compared(x) = strlen(strcol('reference')) && strcol('comparable') eq 'yes'
array series[2 * n_panels]; array published[2 * n_panels]; array hue[2 * n_panels]
array slot[2 * n_panels]; array shown[n_panels]
n_series = 0; n_shown = 0; n_hues = 0; any = 0; longest = 13 + strlen(source)
do for [p = 1:n_panels] {
    if (!(sum [v = 1:n_shown] (shown[v] eq variant[p]))) {
        n_shown = n_shown + 1; shown[n_shown] = variant[p]
    }
    if (!(sum [k = 1:n_series] (series[k] eq probe[p]))) {
        n_hues = n_hues + 1; n_series = n_series + 1; more = 0
        series[n_series] = probe[p]; hue[n_series] = n_hues; published[n_series] = 0
        stats csv using (more = more || keep(0) && strcol('probe') eq probe[p] && compared(0), 0) \
            nooutput
        if (more) {
            n_series = n_series + 1; any = 1
            series[n_series] = probe[p]; hue[n_series] = n_hues; published[n_series] = 1
        }
        longest = high_of(longest, strlen(probe[p]))
    }
}
has(k, v) = sum [i = 1:n_kept] (probe[i] eq series[k] && variant[i] eq shown[v])
n_kept = n_panels; n_panels = n_shown; panel_name(v) = shown[v]
mine(k, v) = keep(0) && strcol('probe') eq series[k] && strcol('variant') eq shown[v]
known(k) = published[k] ? compared(0) : strlen(strcol('mean')) > 0
mean(k) = column(published[k] ? 'reference' : 'mean')
end(k, name) = published[k] ? column('reference') : text(name, column('mean'))
x(k) = row(strcol('channel')) - 0.43 + bar * (slot[k] + 0.5)
says(k, v) = mine(k, v) && known(k) ? short(mean(k)) : ''
lacks(k, v) = !mine(k, v) || known(k) || published[k] ? '' : \
    strcol('verdict') eq 'skipped' ? 'skipped' : 'not measured'
array most[n_shown]; tallest_bar = 1
do for [v = 1:n_shown] {
    most[v] = 0
    stats csv using (sum [k = 1:n_series] (mine(k, v) && known(k) ? \
        (most[v] = high_of(most[v], end(k, 'ci_high')), 0) : 0)) nooutput
    tallest_bar = high_of(tallest_bar, most[v])
}

across = 1; left = 6.5 + strlen(sprintf("%.0f", tallest_bar)); bottom = 1.0
top = strlen(shown[n_shown]) ? 1.6 : 0.7
group = (width - character * (left + right)) / n_channels / character # characters for a channel
leaning = group < 9
do for [c = 1:n_channels] {
    label[c] = percent(leaning ? clip(channel[c], 40) : wrap(channel[c], int(group)))
    left = leaning ? high_of(left, 0.7 * strlen(label[c]) - (c - 0.5) * group + 1) : left
    bottom = high_of(bottom, leaning ? 1.2 + 0.27 * strlen(label[c]) : 0.8 + lines_of(label[c]))
}
from = strlen(source) ? ' (' . source . ')' : ''
eval legend_of(n_hues + any, longest)
set grid ytics noxtics

do for [format in formats] {
    eval page(format, 9)
    eval legend
    plot NaN notitle, for [k = 1:n_series] keyentry with boxes fillstyle pattern \
        published[k] ? 4 : 3 fillcolor rgb colour(hue[k]) \
        title published[k] ? 'published' . from : series[k] noenhanced
    eval legend_end
    do for [v = 1:n_shown] {
        eval panel(v)
        slots = 0.0
        do for [k = 1:n_series] { slot[k] = slots; slots = slots + (has(k, v) > 0) }
        bar = 0.86 / slots # wide
        upright = group * bar < 0.7 + 0.9 * strlen(short(tallest_bar))
        set xrange [0.5:n_channels + 0.5]
        set yrange [0:most[v] > 0 ? most[v] * (upright ? 1.35 : 1.15) : 1]
        set ytics autofreq nomirror scale 0.5 textcolor rgb 'black'
        set ylabel 'Throughput (' . unit[1] . ')' noenhanced
        eval 'set xtics (' . named . ') noenhanced nomirror scale 0 ' . \
            (leaning ? 'rotate by 40 right' : 'norotate')
        plot NaN notitle, for [k = 1:n_series] csv using (mine(k, v) && known(k) ? x(k) : NaN): \
                (mean(k)):(end(k, 'ci_low')):(end(k, 'ci_high')):(0.94 * bar) with boxerrorbars \
                fillstyle pattern published[k] ? 4 : 3 border linecolor rgb colour(hue[k]) \
                linecolor rgb colour(hue[k]) title series[k] . \
                (strlen(shown[v]) ? ', ' . shown[v] : '') . \
                (published[k] ? ', published' : '') noenhanced, \
            for [k = 1:n_series] csv using (mine(k, v) ? x(k) : 1): \
                (mine(k, v) && known(k) ? end(k, 'ci_high') : 0):(says(k, v)) with labels \
                noenhanced center rotate by (upright ? 90 : 0) offset 0, upright ? 1.4 : 0.6 \
                notitle, \
            for [k = 1:n_series] csv using (mine(k, v) ? x(k) : 1):(0):(lacks(k, v)) with labels \
                noenhanced left rotate by 90 offset 0, 0.4 textcolor rgb grey notitle
    }
    eval page_end
}
