# How many of each channel's telemetry messages arrived within which time.
figure = 'latency'; run_dir = ARG1; plot_dir = ARG2; output_base = ARG3
load ARG0[1:strlen(ARG0) - strlen(figure) - 3] . 'style.gp'

of(c) = column('channel') == c
set grid xtics ytics linetype 1 linewidth 0.5 linecolor rgb pale
set yrange [0:100]
set ytics 20
set ylabel 'Messages that have arrived (%)' noenhanced

do for [format in formats] {
    eval page(format, head + 10 + 360 + 50)
    eval title_of('How soon telemetry messages arrive')
    do for [i = 1:n_entries] {
        k = symbol[i]
        eval entry_text(i)
        eval entry_stroke(i) . "dashtype dash(k) linecolor rgb colour(k)"
        eval entry_point(i, marker(k), colour(k))
    }
    eval frame(82, 24, head + 10, 360)
    eval values_along_x(1)
    do for [tic in tics[1]] { eval add_tic(tic) }
    plot for [c = 1:n_channels] data('latency') using (of(c) ? column('ms') : NaN):'share' \
            with steps linewidth 2 dashtype dash(c) linecolor rgb colour(c) \
            title channel[c] noenhanced, \
        for [c = 1:n_channels] data('latency-marks') using (of(c) ? column('ms') : NaN):'share' \
            with points pointtype marker(c) pointsize 0.9 linecolor rgb colour(c) \
            title channel[c] . ', marks' noenhanced
    unset output
    unset label
    unset arrow
}
