# What a connection takes: a panel a probe, a bar a channel, its parts TCP, TLS and MQTT's, beside
# it the bytes each way.
figure = 'connect'; run_dir = ARG1; plot_dir = ARG2; output_base = ARG3
load ARG0[1:strlen(ARG0) - strlen(figure) - 3] . 'style.gp'
if (n_panels == 0) { exit status 0 }

set grid xtics linetype 1 linewidth 0.5 linecolor rgb pale
array words[n_panels * n_channels]
at(p, c) = (p - 1) * n_channels + c
do for [i = 1:n_panels * n_channels] { words[i] = '' }
stats data('connect-words') using (words[at(int(column('panel')), int(column('channel')))] = \
    strcol('text'), 0) nooutput
here(p, c, k) = column('panel') == p && column('channel') == c && column('part') == k
part_colour(k) = word('#333333 #0072B2 #D55E00', k)
part_fill(k) = word('2 3 4', k) # patterns: crossed, full, hatched

do for [format in formats] {
    eval page(format, rows_height(n_panels))
    set multiplot
    eval title_of('What a connection takes')
    do for [i = 1:n_entries] {
        k = symbol[i]
        eval entry_text(i)
        eval entry_field(i) . "fillstyle pattern int(part_fill(k)) border " . \
            "linecolor rgb part_colour(k) fillcolor rgb part_colour(k)"
    }
    do for [p = 1:n_panels] {
        eval rows_frame(p)
        do for [c = 1:n_channels] {
            set ytics add (channel_label[c] c)
            eval in_gutter(1000 + c, 'words[at(p, c)] noenhanced', c)
        }
        plot NaN notitle, \
            for [k = 1:n_entries] for [c = 1:n_channels] data('connect') using \
                (here(p, c, k) ? column('from') : NaN):(c):(column('from')):(column('to')): \
                (c - 0.3):(c + 0.3) with boxxyerror fillstyle pattern int(part_fill(k)) \
                border linecolor rgb part_colour(k) linecolor rgb part_colour(k) \
                title panel[p] . ', ' . channel[c] . ', ' . entry[k] noenhanced
        unset label
        unset object
    }
    unset multiplot
    unset output
}
