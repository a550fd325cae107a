# title: Every trial, median and quartiles
# caption: A dot is a trial, the line the median of a channel, the box its quartiles.
run = ARG1; out = ARG2; kind = ARG3
csv = 'table.csv'; keep(x) = 1
load ARG0[1:strlen(ARG0) - strlen('distribution.gp')] . 'style.gp'
n_good = 0
stats 'values.csv' using (n_good = n_good + (strcol('status') eq 'ok'), 0) nooutput
n_panels = n_good ? n_panels : 0
eval left_out('distribution is left out: no trial succeeded')
eval read_units

array low[n_panels]; array high[n_panels]
# It may have no value; of a line's last field, when it is empty, strcol() is the column's name.
good(p) = of(p) && strcol('status') eq 'ok' && column('value') == column('value')
do for [p = 1:n_panels] {
    low[p] = 1e300; high[p] = -1e300
    stats 'values.csv' using (good(p) ? (low[p] = low_of(low[p], column('value')), \
        high[p] = high_of(high[p], column('value')), 0) : 0) nooutput
    if (low[p] > high[p]) { low[p] = 0; high[p] = 1 }
    if (low[p] == high[p]) { low[p] = 0.99 * low[p]; high[p] = 1.01 * high[p] + 1e-9 }
}
scatter(x) = 0.618034 * x - floor(0.618034 * x) - 0.5 # dots of a row do not hide each other
described(p) = of(p) && strcol('metric') eq metric[p]

row_height = row_lines(0.5 + 1.1 * name_lines)
do for [format in formats] {
    eval page(format, row_height * n_channels)
    do for [p = 1:n_panels] {
        eval panel(p)
        eval axis(low[p], high[p], 1)
        set xlabel spaced(metric[p]) . ' (' . unit[p] . ')' noenhanced offset 0, 0.5
        plot NaN notitle, 'summary.csv' using (described(p) ? column('median') : NaN): \
                (place(0)):(column('q1')):(column('q3')): \
                (place(0) - 0.4):(place(0) + 0.4) with boxxyerror \
                fillstyle solid 0.3 border linecolor rgb colour(6) linecolor rgb colour(6) \
                title panel_name(p) . ', quartiles' noenhanced, \
            'values.csv' using (good(p) ? column('value') : NaN): \
                (place(0) + 0.6 * scatter(column('trial'))) with points pointtype 7 \
                pointsize 0.3 linecolor rgb colour(1) title panel_name(p) noenhanced, \
            'summary.csv' using (described(p) ? column('median') : NaN): \
                (place(0) - 0.4):(0):(0.8) with vectors nohead linewidth 2.5 \
                linecolor rgb colour(2) title panel_name(p) . ', median' noenhanced
    }
    eval page_end
}
