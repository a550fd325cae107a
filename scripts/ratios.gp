# Each channel's ratio to the baseline: 95 % interval, thicker 90 %, the band of equivalence.
figure = 'ratios'; run_dir = ARG1; plot_dir = ARG2; output_base = ARG3
load ARG0[1:strlen(ARG0) - strlen(figure) - 3] . 'style.gp'

set grid xtics linetype 1 linewidth 0.5 linecolor rgb pale
stats data('ratios-band') using (band_low = column('low'), band_high = column('high'), \
    band_text = strcol('text'), 0) nooutput
stats data('ratios') using (n_rows = int(column('row')), 0) nooutput
size = n_panels * n_rows
array of_channel[size]; array row_label[size]; array ratio_text[size]; array verdict[size]
at(p, row) = (p - 1) * n_rows + row
do for [i = 1:size] {
    of_channel[i] = 1; row_label[i] = ''; ratio_text[i] = ''; verdict[i] = ''
}
stats data('ratios') using (i = at(int(column('panel')), int(column('row'))), \
    of_channel[i] = int(column('channel')), row_label[i] = strcol('label'), \
    ratio_text[i] = strcol('text'), verdict[i] = strcol('verdict'), 0) nooutput
here(p, row) = column('panel') == p && column('row') == row
rows_above = 52.0
title_above = 34.0 # higher than the words on the band, which may stand below any of it
name_of(p, row) = panel[p] . ', ' . channel[of_channel[at(p, row)]]

do for [format in formats] {
    eval page(format, rows_height(n_panels))
    set multiplot
    eval title_of('Every channel relative to the baseline')
    do for [p = 1:n_panels] {
        eval rows_frame(p)
        do for [tic in tics[p]] { eval add_tic(tic) }
        do for [row = 1:n_rows] {
            i = at(p, row)
            set ytics add (row_label[i] row)
            eval in_gutter(1000 + row, 'ratio_text[i] noenhanced', row)
            eval at_edge(2000 + row, 'verdict[i]', p, row)
        }
        set object 5 rectangle from band_low, graph 0 to band_high, graph 1 behind \
            fillstyle solid 1.0 noborder fillcolor rgb '#d9ead3'
        set label 6 band_text noenhanced at 1, graph 1 center offset 0, 0.6 \
            font type('', 11) textcolor rgb '#38611f'
        set arrow 5 from 1, graph 0 to 1, graph 1 nohead linewidth 1 linecolor rgb grey back
        plot NaN notitle, \
            for [row = 1:n_rows] data('ratios') using (here(p, row) ? column('low') : NaN):(row): \
                (column('high') - column('low')):(0) with vectors arrowstyle 1 \
                title name_of(p, row) . ', 95 % interval' noenhanced, \
            for [row = 1:n_rows] data('ratios') using (here(p, row) ? column('narrow_low') : NaN): \
                (row):(column('narrow_high') - column('narrow_low')):(0) with vectors nohead \
                linewidth 5 linecolor rgb colour(of_channel[at(p, row)]) \
                title name_of(p, row) . ', 90 % interval' noenhanced, \
            for [row = 1:n_rows] data('ratios') using (here(p, row) ? column('ratio') : NaN):(row) \
                with points pointtype 7 pointsize 1.9 linecolor rgb 'white' notitle, \
            for [row = 1:n_rows] data('ratios') using (here(p, row) ? column('ratio') : NaN):(row) \
                with points pointtype marker(of_channel[at(p, row)]) pointsize 1.3 \
                linecolor rgb colour(of_channel[at(p, row)]) title name_of(p, row) noenhanced
        unset label
        unset object
    }
    unset multiplot
    unset output
}
