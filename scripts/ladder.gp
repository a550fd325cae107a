# What is left of the path's throughput on each rung: a panel a rung, a bar a channel, hatched what
# this rung takes from what the one before it gave.
figure = 'ladder'; run_dir = ARG1; plot_dir = ARG2; output_base = ARG3
load ARG0[1:strlen(ARG0) - strlen(figure) - 3] . 'style.gp'

set grid xtics linetype 1 linewidth 0.5 linecolor rgb pale
array share_text[n_panels * n_channels]; array lost_text[n_panels * n_channels]
at(p, c) = (p - 1) * n_channels + c
do for [i = 1:n_panels * n_channels] { share_text[i] = ''; lost_text[i] = '' }
stats data('ladder') using (i = at(int(column('panel')), int(column('channel'))), \
    share_text[i] = strcol('text'), lost_text[i] = strcol('lost'), 0) nooutput
here(p, c) = column('panel') == p && column('channel') == c
lost_from(p, c) = here(p, c) && column('before') > column('share') ? column('share') : NaN

do for [format in formats] {
    eval page(format, rows_height(n_panels))
    set multiplot
    eval title_of('What is left of the path on each rung')
    do for [i = 1:n_entries] { eval entry_text(i) }
    eval entry_field(1) . "fillstyle solid 1.0 noborder fillcolor rgb colour(1)"
    eval entry_field(2) . "fillstyle pattern 4 border linecolor rgb grey fillcolor rgb grey"
    do for [p = 1:n_panels] {
        eval rows_frame(p)
        do for [c = 1:n_channels] {
            set ytics add (channel_label[c] c)
            i = at(p, c)
            eval in_gutter(1000 + c, 'share_text[i] noenhanced', c)
            eval at_edge(2000 + c, 'lost_text[i]', p, c)
        }
        # The path itself.
        set arrow 5 from 100, graph 0 to 100, graph 1 nohead linewidth 1.5 dashtype 2 \
            linecolor rgb grey
        plot NaN notitle, \
            for [c = 1:n_channels] data('ladder') using (here(p, c) ? 0 : NaN):(c):(0): \
                (column('share')):(c - 0.3):(c + 0.3) with boxxyerror linecolor rgb colour(c) \
                title panel[p] . ', ' . channel[c] noenhanced, \
            for [c = 1:n_channels] data('ladder') using (lost_from(p, c)):(c): \
                (lost_from(p, c)):(column('before')):(c - 0.3):(c + 0.3) with boxxyerror \
                fillstyle pattern 4 border linecolor rgb grey linecolor rgb grey \
                title panel[p] . ', ' . channel[c] . ', lost' noenhanced, \
            for [c = 1:n_channels] data('ladder') using (here(p, c) ? column('low') : NaN):(c): \
                (column('high') - column('low')):(0) with vectors arrowstyle 1 \
                title panel[p] . ', ' . channel[c] . ', interval' noenhanced
        unset label
        unset object
    }
    unset multiplot
    unset output
}
