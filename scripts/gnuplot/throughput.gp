# title: Throughput of each channel
# caption: A bar for each probe: the mean of its trials with its 95 % CI. Hatched:
#     published values, where they can be compared.
run = ARG1; out = ARG2; kind = ARG3
csv = 'table.csv'; keep(x) = strcol('metric') eq 'throughput'
load ARG0[1:strlen(ARG0) - strlen('throughput.gp')] . 'style.gp'
measured(x) = keep(0) && strlen(strcol('mean'))
# An empty field at the end of a row is what gnuplot 5.4 read before: so two are asked.
compared(x) = keep(0) && strlen(strcol('reference')) && strcol('comparable') eq 'yes'
n_measured = 0; any = 0
stats csv using (n_measured = n_measured + measured(0), any = any || compared(0), 0) nooutput
n_kept = n_measured ? n_panels : 0; n_panels = n_kept
eval left_out('throughput is left out: no probe measured any')
eval read_units

# A panel is a variant; in it a channel has a bar for each probe, and one for what was published.
array rung[n_kept]; array published[n_kept]; array slot[n_kept]
array shown[n_kept]; array most[n_kept]
n_rungs = 0; n_shown = 0; greatest = 1; longest = any * (12 + strlen(source))
rung_of(a) = sum [k = 1:n_rungs] (rung[k] eq a ? k : 0)
shown_of(a) = sum [v = 1:n_shown] (shown[v] eq a ? v : 0)
add_rung(a) = rung_of(a) ? 0 : (n_rungs = n_rungs + 1, rung[n_rungs] = a, \
    published[n_rungs] = 0, longest = high_of(longest, strlen(a)), 0)
add_shown(a) = shown_of(a) ? 0 : (n_shown = n_shown + 1, shown[n_shown] = a, most[n_shown] = 0, 0)
do for [p = 1:n_kept] { new = add_rung(probe[p]) + add_shown(variant[p]) }
n_panels = n_shown; panel_name(v) = shown[v]
has(k, v) = sum [i = 1:n_kept] (probe[i] eq rung[k] && variant[i] eq shown[v])
mine(k, v) = keep(0) && strcol('probe') eq rung[k] && strcol('variant') eq shown[v]
drawn(k, v, beside) = mine(k, v) && (beside ? compared(0) : measured(0))
x(k, beside) = place(0) + wide * (slot[k] + beside + 0.5 - 0.5 * slots)
lacks(k, v) = !mine(k, v) || measured(0) ? '' : \
    strcol('verdict') eq 'skipped' ? 'skipped' : 'not measured'
top_of(x) = text('ci_high', column('mean'))
name(k, v) = rung[k] . (strlen(shown[v]) ? ', ' . shown[v] : '')
height_of(x) = high_of(measured(0) ? top_of(0) : 0, compared(0) ? column('reference') : 0)
stats csv using (keep(0) ? (k = rung_of(strcol('probe')), v = shown_of(strcol('variant')), \
    published[k] = published[k] || compared(0), most[v] = high_of(most[v], height_of(0)), \
    greatest = high_of(greatest, most[v]), 0) : 0) nooutput

across = 1; left = 6.5 + strlen(sprintf("%.0f", greatest)); bottom = 1.0
top = strlen(shown[n_shown]) ? 1.6 : 0.7
group = (width - character * (left + right)) / n_channels / character # characters for a channel
leaning = group < 9
do for [c = 1:n_channels] {
    label[c] = percent(leaning ? clip(channel[c], 40) : wrap(channel[c], int(group)))
    left = leaning ? high_of(left, 0.7 * strlen(label[c]) - (c - 0.5) * group + 1) : left
    bottom = high_of(bottom, leaning ? 1.2 + 0.27 * strlen(label[c]) : 0.8 + lines_of(label[c]))
}
from = strlen(source) ? ' (' . source . ')' : ''
# A loop of no steps would be gone through once.
key_of_theirs = any ? ", keyentry with boxes fillstyle pattern 4 fillcolor rgb grey " . \
    "title 'published' . from noenhanced" : ''
eval legend_of(n_rungs + any, longest)
set grid ytics noxtics

do for [format in formats] {
    eval page(format, 9)
    eval legend
    plot NaN notitle, for [k = 1:n_rungs] keyentry with boxes fillcolor rgb colour(k) \
        title rung[k] noenhanced @key_of_theirs
    eval legend_end
    do for [v = 1:n_shown] {
        eval panel(v)
        slots = 0.0
        do for [k = 1:n_rungs] { slot[k] = slots; slots = slots + has(k, v) * (1 + published[k]) }
        wide = low_of(0.4, 0.86 / slots)
        upright = group * wide < 0.7 + 0.9 * strlen(short(greatest))
        turn = upright ? 90 : 0; above_it = upright ? 1.4 : 0.6
        set xrange [0.5:n_channels + 0.5]
        set yrange [0:most[v] > 0 ? most[v] * (upright ? 1.35 : 1.15) : 1]
        set ytics autofreq nomirror scale 0.5 textcolor rgb 'black'
        set ylabel 'Throughput (' . unit[1] . ')' noenhanced
        eval 'set xtics (' . named . ') noenhanced nomirror scale 0 ' . \
            (leaning ? 'rotate by 40 right' : 'norotate')
        plot NaN notitle, for [k = 1:n_rungs] csv using (drawn(k, v, 0) ? x(k, 0) : NaN):'mean': \
                (text('ci_low', column('mean'))):(top_of(0)):(0.94 * wide) with boxerrorbars \
                linecolor rgb colour(k) title name(k, v) noenhanced, \
            for [k = 1:any * n_rungs] csv using (drawn(k, v, 1) ? x(k, 1) : NaN):'reference': \
                (0.94 * wide) with boxes fillstyle pattern 4 border linecolor rgb colour(k) \
                linecolor rgb colour(k) title name(k, v) . ', published' noenhanced, \
            for [b = 0:any] for [k = 1:n_rungs] csv using (drawn(k, v, b) ? x(k, b) : 1): \
                (drawn(k, v, b) ? b ? column('reference') : top_of(0) : 0): \
                (drawn(k, v, b) ? short(column(b ? 'reference' : 'mean')) : '') with labels \
                noenhanced rotate by turn offset 0, above_it notitle, \
            for [k = 1:n_rungs] csv using (mine(k, v) ? x(k, 0) : 1):(0):(lacks(k, v)) with labels \
                noenhanced left rotate by 90 offset 0, 0.4 textcolor rgb grey notitle
    }
    eval page_end
}
