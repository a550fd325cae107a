# title: What each rung leaves of the path
# caption: Throughput as a share of the path's, with 95 % confidence intervals; in brackets, what
#     this rung takes from what the rung before it gave.
run = ARG1; out = ARG2; kind = ARG3
csv = 'ladder.csv'; keep(x) = strlen(strcol('of_path')) && strlen(strcol('lost'))
load ARG0[1:strlen(ARG0) - strlen('ladder.gp')] . 'style.gp'
eval left_out('ladder is left out: it takes trials of the path and of a probe above it')

share(name) = 100 * text(name, column('of_path'))
most = 100
stats csv using (keep(0) ? (most = high_of(most, share('of_path_high')), 0) : 0) nooutput
says(p) = !here(p) ? '' : short(share('of_path')) . ' %' . \
    (abs(column('lost')) < 0.0005 ? '' : sprintf(' (%+.1f)', -100 * column('lost')))

do for [format in formats] {
    eval page(format, n_channels * (0.25 + 1.1 * name_lines))
    do for [p = 1:n_panels] {
        eval panel(p)
        eval axis(0, most, 15)
        set xlabel '% of the path' noenhanced offset 0, 0.5
        set arrow 1 from 100, graph 0 to 100, graph 1 nohead dashtype 3 linecolor rgb grey
        plot NaN notitle, csv using (here(p) ? 0 : NaN):(place(0)):(0): \
                (share('of_path')):(place(0) - 0.35):(place(0) + 0.35) \
                with boxxyerror linecolor rgb colour(1) title panel_name(p) noenhanced, \
            csv using (here(p) ? share('of_path') : NaN):(place(0)): \
                (share('of_path_low')):(share('of_path_high')) with xerrorbars pointsize 0 \
                linecolor rgb 'black' title panel_name(p) . ', interval' noenhanced, \
            csv using (here(p) ? share('of_path_high') : 0):(place(0)):(says(p)) \
                with labels noenhanced left offset 0.6, 0 notitle
        unset arrow 1
    }
    eval page_end
}
