# The bar chart: a panel a probe, a bar a channel, the published value beside it, on a linear axis
# from 0.
figure = 'throughput'; run_dir = ARG1; plot_dir = ARG2; output_base = ARG3
load ARG0[1:strlen(ARG0) - strlen(figure) - 3] . 'style.gp'

# ---- the bars, into variables ----
stats data('throughput') using (n_bars = int(column(0)) + 1, 0) nooutput
array of_panel[n_bars]; array slot[n_bars]; array label[n_bars]; array bar_name[n_bars]
array bar_width[n_bars]; array x_mean[n_bars]; array x_reference[n_bars]; array top[n_bars]
array reference[n_bars]; array mean_text[n_bars]; array reference_text[n_bars]; array gap[n_bars]
stats data('throughput') using (i = int(column(0)) + 1, of_panel[i] = int(column('panel')), \
    slot[i] = column('slot'), label[i] = strcol('label'), bar_name[i] = strcol('name'), \
    bar_width[i] = column('width'), x_mean[i] = column('x_mean'), \
    x_reference[i] = column('x_reference'), top[i] = column('top'), \
    mean_text[i] = strcol('mean_text'), reference_text[i] = strcol('reference_text'), \
    reference[i] = reference_text[i] eq '' ? 0 : column('reference'), gap[i] = strcol('gap'), \
    0) nooutput
here(p, i) = of_panel[i] == p && int(column(0)) == i - 1
name_of(i) = panel[of_panel[i]] . ', ' . bar_name[i]

# ---- sizes ----
rotated = gutter > 0 # labels, of so many characters
narrow = n_channels > 8 # bars that a value may be wider than
above(p) = 34.0 + 16 * help_lines[p]
body = 190.0
below = rotated ? 24.0 + 3.8 * gutter : 14.0 + 16 * lines
left = 92.0
if (rotated) { # labels at the left lean out of their panel
    do for [i = 1:n_bars] {
        wanted = 6.4 * strlen(label[i]) - (slot[i] - 0.4) * 800 / (n_channels + 0.2)
        left = wanted > left ? wanted : left
    }
}
array top_of[n_panels + 1] # of each panel's frame; then the page's end
bottom = head
do for [p = 1:n_panels] {
    top_of[p] = bottom + above(p)
    bottom = top_of[p] + body + below
}

measured_colour = colour(1)
published_colour = colour(2)
published_text = '#9C4300' # darker, to be read as text
set grid ytics linetype 1 linewidth 0.5 linecolor rgb pale
set format y '%.7g'

do for [format in formats] {
    eval page(format, bottom + 6)
    set multiplot
    # The head, drawn along with the first panel.
    eval title_of('Throughput of the security channels')
    do for [i = 1:n_entries] { eval entry_text(i) }
    eval entry_field(1) . "fillstyle solid 1.0 noborder fillcolor rgb measured_colour"
    if (n_entries > 1) {
        eval entry_field(2) . "fillstyle pattern 4 border linecolor rgb published_colour " . \
            "fillcolor rgb published_colour"
    }
    do for [p = 1:n_panels] {
        eval frame(left, 18, top_of[p], body)
        eval panel_head(p, top_of[p] - above(p) + 12)
        set label 6 panel_help[p] noenhanced at screen 14 / width, at_y(top_of[p] - above(p) + 29) \
            left font type('', 12) textcolor rgb grey
        # Not as ylabel, which long numbers push off the page.
        set label 7 axis[p] noenhanced at screen 20 / width, graph 0.5 center rotate by 90
        set xrange [0.4:n_channels + 0.6]
        set yrange [0:high[p]]
        set xtics () scale 0 noenhanced
        if (rotated) { set xtics rotate by 30 right } else { set xtics norotate }
        do for [i = 1:n_bars] {
            if (of_panel[i] == p) {
                set xtics add (label[i] slot[i])
                aside = narrow && reference_text[i] ne ''
                if (mean_text[i] ne '' && !aside) {
                    set label 1000 + i mean_text[i] noenhanced center at x_mean[i], top[i] \
                        offset 0, 0.6 font type('', 12)
                }
                if (mean_text[i] ne '' && aside) {
                    set label 1000 + i mean_text[i] noenhanced right \
                        at x_mean[i] + bar_width[i] / 2, top[i] offset 0, 0.6 font type('', 12)
                }
                if (gap[i] ne '') {
                    set label 1000 + i gap[i] at x_mean[i], 0 center offset 0, 1.5 \
                        font type('Italic', 12) textcolor rgb grey
                }
                if (reference_text[i] ne '' && narrow) {
                    set label 2000 + i reference_text[i] noenhanced left \
                        at x_reference[i] - bar_width[i] / 2, reference[i] offset 0.3, 0.6 \
                        font type('', 12) textcolor rgb published_text
                }
                if (reference_text[i] ne '' && !narrow) {
                    set label 2000 + i reference_text[i] noenhanced center \
                        at x_reference[i], reference[i] offset 0, 0.6 \
                        font type('', 12) textcolor rgb published_text
                }
            }
        }
        # NaN: an invisible first plot, so that a panel without any bar is drawn too.
        plot NaN notitle, \
            for [i = 1:n_bars] data('throughput') using (here(p, i) ? column('x_mean') : NaN): \
                (column('mean')):(column('width')) with boxes linecolor rgb measured_colour \
                title name_of(i) noenhanced, \
            for [i = 1:n_bars] data('throughput') using \
                (here(p, i) ? column('x_reference') : NaN):(column('reference')): \
                (column('width')) with boxes linecolor rgb published_colour \
                fillstyle pattern 4 border linecolor rgb published_colour \
                title name_of(i) . ', published' noenhanced, \
            for [i = 1:n_bars] data('throughput') using (here(p, i) ? column('x_mean') : NaN): \
                (column('low')):(0):(column('high') - column('low')) with vectors arrowstyle 1 \
                title name_of(i) . ', interval' noenhanced
        unset label
        unset object
    }
    unset multiplot
    unset output
}
