# Every trial in the order of time: a panel a probe, a colour and marker a channel; bands are
# blocks; what failed or is void stands on the axis.
figure = 'trials'; run_dir = ARG1; plot_dir = ARG2; output_base = ARG3
load ARG0[1:strlen(ARG0) - strlen(figure) - 3] . 'style.gp'

stats data('trials-axis') using (time_low = column('low'), time_high = column('high'), \
    time_label = strcol('label'), n_beyond = int(column('beyond')), 0) nooutput
# A plot "with labels" of nothing ends gnuplot 5.4: so these are labels of their own.
array of_panel[n_beyond + 1]; array beyond[n_beyond + 1]
array x_beyond[n_beyond + 1]; array y_beyond[n_beyond + 1]
if (n_beyond > 0) {
    stats data('trials-beyond') using (i = int(column(0)) + 1, of_panel[i] = int(column('panel')), \
        beyond[i] = strcol('text'), x_beyond[i] = column('x'), y_beyond[i] = column('y'), \
        0) nooutput
}
here(p, c) = column('panel') == p && column('channel') == c
bad(p, status) = column('panel') == p && strcol('status') eq status
above = 30.0
body = 170.0
between = 30.0
top(p) = head + (p - 1) * (above + body + between) + above
floor_of(p) = low[p] + 0.04 * (high[p] - low[p])

do for [format in formats] {
    eval page(format, head + n_panels * (above + body + between) + 26)
    set multiplot
    eval title_of('Every trial in the order of time')
    do for [i = 1:n_entries] {
        k = symbol[i]
        eval entry_text(i)
        eval entry_point(i, k > n_channels ? (k - n_channels == 1 ? 2 : 66) : marker(k), \
            k > n_channels ? '#000000' : colour(k))
    }
    set xrange [time_low:time_high]
    set grid ytics linetype 1 linewidth 0.5 linecolor rgb pale
    set format y '%.8g'
    do for [p = 1:n_panels] {
        eval frame(82, 18, top(p), body)
        eval panel_head(p, top(p) - 14)
        set yrange [low[p]:high[p]]
        set ylabel axis[p] noenhanced font type('', 12)
        set xlabel p == n_panels ? time_label : '' font type('', 12)
        set arrow 5 from graph 0, first 0 to graph 1, first 0 nohead linewidth 1 \
            linecolor rgb '#aaaaaa'
        do for [i = 1:n_beyond] {
            if (of_panel[i] == p) {
                set label 100 + i beyond[i] noenhanced at x_beyond[i], y_beyond[i] left \
                    offset 0.9, 0 font type('', 11) front
            }
        }
        plot data('trials-bands') using (column('from')):(low[p]):(column('from')):(column('to')): \
                (low[p]):(high[p]) with boxxyerror fillstyle solid 1.0 noborder \
                linecolor rgb '#eeeeee' title panel[p] . ' (blocks)' noenhanced, \
            for [c = 1:n_channels] data('trials') using \
                (here(p, c) ? column('x') : NaN):(column('y')) with points pointtype marker(c) \
                pointsize 0.6 linecolor rgb colour(c) \
                title panel[p] . ', ' . channel[c] noenhanced, \
            for [c = 1:n_channels] data('trials-beyond') using \
                (here(p, c) ? column('x') : NaN):(column('y')) with points pointtype marker(c) \
                pointsize 0.6 linecolor rgb colour(c) \
                title panel[p] . ', ' . channel[c] . ', beyond' noenhanced, \
            data('trials-beyond') using (column('panel') == p ? column('x') : NaN):(column('y')) \
                with points pointtype 6 pointsize 1.4 linecolor rgb 'black' \
                title panel[p] . ' (rings)' noenhanced, \
            data('trials-marks') using (bad(p, 'failed') ? column('x') : NaN):(floor_of(p)) \
                with points pointtype 2 pointsize 1.1 linewidth 2 linecolor rgb 'black' \
                title panel[p] . ' (failed)' noenhanced, \
            data('trials-marks') using (bad(p, 'void') ? column('x') : NaN):(floor_of(p)) \
                with points pointtype 66 pointsize 1.1 linewidth 2 linecolor rgb 'black' \
                title panel[p] . ' (void)' noenhanced
        unset label
        unset arrow
    }
    unset multiplot
    unset output
}
