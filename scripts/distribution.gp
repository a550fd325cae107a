# How the values of each channel are spread: a dot a trial, below it median and quartiles.
figure = 'distribution'; run_dir = ARG1; plot_dir = ARG2; output_base = ARG3
load ARG0[1:strlen(ARG0) - strlen(figure) - 3] . 'style.gp'

set grid xtics linetype 1 linewidth 0.5 linecolor rgb pale
array words[n_panels * n_channels]
row_height = row_height + 10
at(p, c) = (p - 1) * n_channels + c
stats data('distribution-boxes') using (words[at(int(column('panel')), \
    int(column('channel')))] = strcol('text'), 0) nooutput
here(p, c) = column('panel') == p && column('channel') == c
name_of(p, c) = panel[p] . ', ' . channel[c]

do for [format in formats] {
    eval page(format, rows_height(n_panels))
    set multiplot
    eval title_of('Every trial, median and quartiles')
    do for [p = 1:n_panels] {
        eval rows_frame(p)
        do for [tic in tics[p]] { eval add_tic(tic) }
        do for [c = 1:n_channels] {
            set ytics add (channel_label[c] c)
            eval in_gutter(1000 + c, 'words[at(p, c)] noenhanced', c)
        }
        plot NaN notitle, \
            for [c = 1:n_channels] data('distribution') using \
                (here(p, c) ? column('value') : NaN):(c - 0.18 + 0.4 * column('jitter')) \
                with points pointtype marker(c) pointsize 0.45 linecolor rgb colour(c) \
                title name_of(p, c) noenhanced, \
            for [c = 1:n_channels] data('distribution-boxes') using \
                (here(p, c) ? column('median') : NaN):(c + 0.24):(column('q1')):(column('q3')): \
                (c + 0.12):(c + 0.36) with boxxyerror fillstyle solid 0.25 \
                border linecolor rgb colour(c) linecolor rgb colour(c) \
                title name_of(p, c) . ', quartiles' noenhanced, \
            for [c = 1:n_channels] data('distribution-boxes') using \
                (here(p, c) ? column('median') : NaN):(c + 0.06):(0):(0.36) with vectors nohead \
                linewidth 3 linecolor rgb 'black' title name_of(p, c) . ', median' noenhanced
        unset label
    }
    unset multiplot
    unset output
}
