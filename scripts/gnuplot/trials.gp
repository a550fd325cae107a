# title: Every trial in the order of time
# caption: Each channel has a strip; a dot is a trial's distance from the median of the channel,
#     up when the value is greater. Crosses: trials that failed or are void.
run = ARG1; out = ARG2; kind = ARG3
csv = 'table.csv'; keep(x) = 1
load ARG0[1:strlen(ARG0) - strlen('trials.gp')] . 'style.gp'
n_good = 0
stats 'values.csv' using (n_good = n_good + (strcol('status') eq 'ok'), 0) nooutput
n_panels = n_good ? n_panels : 0
eval left_out('trials is left out: no trial succeeded')

array median[n_panels * n_channels]
at(p, name) = (p - 1) * n_channels + row(name)
do for [i = 1:n_panels * n_channels] { median[i] = NaN }
stats csv using (strlen(strcol('median')) ? \
    (p = panel_of(strcol('probe'), strcol('variant')), \
    median[at(p, strcol('channel'))] = column('median'), 0) : 0) nooutput
distance(p) = of(p) && strcol('status') eq 'ok' && place(0) ? \
    100 * (column('value') / median[at(p, strcol('channel'))] - 1) : NaN
array most[n_panels] # half the height of a strip, in percent
last = 0
stats 'values.csv' using (last = high_of(last, column('started_s')), 0) nooutput
do for [p = 1:n_panels] {
    most[p] = 0.1
    stats 'values.csv' using (d = abs(distance(p)), d > most[p] ? (most[p] = d, 0) : 0) nooutput
}
step = last > 10800 ? 3600 : last > 180 ? 60 : 1
bad(p) = of(p) && place(0) && \
    (strcol('status') eq 'failed' || strcol('status') eq 'void') ? column('started_s') / step : NaN
bottom = 3.8
row_height = row_lines((small ? 0.3 : 0.9) + 1.1 * name_lines)

do for [format in formats] {
    eval page(format, row_height * n_channels)
    do for [p = 1:n_panels] {
        eval panel(p)
        eval axis(0, high_of(last / step, 1e-3), 0)
        set xlabel sprintf("Time (%s)\nstrip: ± %.2g %%", \
            step == 1 ? 's' : step == 60 ? 'min' : 'h', most[p]) offset 0, 0.5
        plot for [i = 1:n_channels] i with lines linewidth 0.5 linecolor rgb grey notitle, \
            'values.csv' using (column('started_s') / step): \
                (place(0) - 0.45 * distance(p) / most[p]) with points pointtype 7 \
                pointsize 0.45 linecolor rgb colour(1) title panel_name(p) noenhanced, \
            'values.csv' using (bad(p)):(place(0)) with points pointtype 2 \
                linewidth 2 linecolor rgb colour(2) \
                title panel_name(p) . ', failed or void' noenhanced
    }
    eval page_end
}
