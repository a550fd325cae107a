# How many of the latency probe's messages took no longer than which time, on a scale of nines.
figure = 'latency-probe'; run_dir = ARG1; plot_dir = ARG2; output_base = ARG3
load ARG0[1:strlen(ARG0) - strlen(figure) - 3] . 'style.gp'

here(p, c) = column('panel') == p && column('channel') == c
name_of(p, c) = panel[p] . ', ' . channel[c]
above = 30.0
body = many ? 420.0 : 300.0
between = 50.0
top(p) = head + (p - 1) * (above + body + between) + above
set grid xtics ytics linetype 1 linewidth 0.5 linecolor rgb pale
stats data('latency-probe') using (column('nines')) nooutput name 'HEIGHT'

do for [format in formats] {
    eval page(format, head + n_panels * (above + body + between))
    set multiplot
    eval title_of('How soon messages at a fixed rate arrive')
    do for [i = 1:n_entries] {
        k = symbol[i]
        eval entry_text(i)
        eval entry_stroke(i) . "dashtype dash(k) linecolor rgb colour(k)"
        eval entry_point(i, marker(k), colour(k))
    }
    set yrange [0:1.05 * HEIGHT_max]
    set ytics ('0' 0, '50' 0.30103, '90' 1, '99' 2, '99.9' 3, '99.99' 4, '99.999' 5, '99.9999' 6)
    set ylabel 'Messages that took no longer (%)' noenhanced font type('', 12)
    do for [p = 1:n_panels] {
        eval frame(82, 24, top(p), body)
        eval panel_head(p, top(p) - 14)
        eval values_along_x(p)
        do for [tic in tics[p]] { eval add_tic(tic) }
        plot NaN notitle, \
            for [c = 1:n_channels] data('latency-probe') using \
                (here(p, c) ? column('value') : NaN):(column('nines')) with steps linewidth 2 \
                dashtype dash(c) linecolor rgb colour(c) title name_of(p, c) noenhanced, \
            for [c = 1:n_channels] data('latency-probe-marks') using \
                (here(p, c) ? column('value') : NaN):(column('nines')) with points \
                pointtype marker(c) pointsize 0.9 linecolor rgb colour(c) \
                title name_of(p, c) . ', marks' noenhanced
        unset label
        unset arrow
    }
    unset multiplot
    unset output
}
