# The chart of several runs: for each probe and variant the means (a group a channel, a bar a run)
# and the ratios to each run's own baseline.
# gnuplot -c runs.gp DATA_DIR OUTPUT_BASE makes OUTPUT_BASE.svg, .png and .pdf, those that this
# gnuplot can make; all that is computed or laid out stands in DATA_DIR (src/analysis/runs_chart.c).
#
# Every bar is a plot of its own whose title is "PROBE - ..., CHANNEL, LETTER": an SVG keeps that as
# <title>, so that a bar can be read back (tests/system/svg-bars).
data(name) = ARG1 . '/' . name . '.csv'
output_base = ARG2
set encoding utf8
set decimalsign '.'
set datafile separator comma
set datafile columnheaders

# ---- the files, into variables ----
stats data('legend') using (n_runs = int(column('run')), height = column('height'), 0) nooutput
array run[n_runs]; array letter_of[n_runs]; array legend_x[n_runs]; array legend_y[n_runs]
stats data('legend') using (r = int(column('run')), run[r] = strcol('text'), \
    letter_of[r] = strcol('letter'), legend_x[r] = column('x'), legend_y[r] = column('y'), 0) \
    nooutput
stats data('panels') using (n_panels = int(column('panel')), 0) nooutput
array ratio[n_panels]; array head[n_panels]; array axis[n_panels]; array channels[n_panels]
array labels[n_panels]; array rotated[n_panels]; array low[n_panels]; array high[n_panels]
array x0[n_panels]; array x1[n_panels]; array y0[n_panels]; array y1[n_panels]
stats data('panels') using (p = int(column('panel')), ratio[p] = int(column('ratio')), \
    head[p] = strcol('title'), axis[p] = strcol('axis'), channels[p] = int(column('channels')), \
    labels[p] = strcol('labels') . "\t", rotated[p] = int(column('rotated')), \
    low[p] = column('low'), high[p] = column('high'), x0[p] = column('x0'), x1[p] = column('x1'), \
    y0[p] = column('y0'), y1[p] = column('y1'), 0) nooutput
stats data('bars') using (n_bars = int(column(0)) + 1, 0) nooutput
array of_panel[n_bars]; array of_run[n_bars]; array at_x[n_bars]; array top[n_bars]
array number[n_bars]; array letter[n_bars]; array gap[n_bars]; array channel[n_bars]
stats data('bars') using (i = int(column(0)) + 1, of_panel[i] = int(column('panel')), \
    of_run[i] = int(column('run')), at_x[i] = column('x'), top[i] = column('top'), \
    number[i] = strcol('number'), letter[i] = strcol('letter'), gap[i] = strcol('gap'), \
    channel[i] = strcol('channel'), 0) nooutput
here(p, i) = of_panel[i] == p && int(column(0)) == i - 1
name_of(i) = head[of_panel[i]] . ', ' . channel[i] . ', ' . letter_of[of_run[i]]

# ---- the look: Okabe and Ito's palette without the yellow ----
colours = '#0072B2 #D55E00 #009E73 #CC79A7 #E69F00 #56B4E9 #000000 #7F7F7F'
colour(i) = word(colours, (i - 1) % 8 + 1)
grey = '#555555'
set border 3 linecolor rgb grey
set tics nomirror scale 0.5 textcolor rgb 'black'
set style fill solid 1.0 noborder
# An interval is an arrow with flat heads: gnuplot's own error bars come with a white point.
set style arrow 1 heads size screen 0.005, 90 fixed linewidth 1.5 linecolor rgb 'black'
set grid ytics linetype 1 linewidth 0.5 linecolor rgb '#dddddd'
set format y '%.8g'
unset key

# ---- pages: pixels, 900 wide, and type in pixels, whatever the format ----
width = 900.0
at_y(pixels) = 1 - pixels / height
formats = 'svg'
if (strstrt(GPVAL_TERMINALS, ' pngcairo ')) { formats = formats . ' png' }
if (strstrt(GPVAL_TERMINALS, ' pdfcairo ')) { formats = formats . ' pdf' }
# Points are 3/4 of a pixel in the PNG, drawn twice as large; 900 pixels of the PDF are 9 inches.
terminal(f) = f eq 'svg' ? \
    "size width, height font 'sans-serif,13'" : f eq 'png' ? \
    "size 2 * width, 2 * height font 'sans,9.75' fontscale 2 linewidth 2 pointscale 2" : \
    "size width / 100, height / 100 font 'sans,9.36' fontscale 0.75 linewidth 0.75 pointscale 0.72"
page(f) = sprintf("family = '%s'; px = %g; set terminal %s %s background rgb 'white'; " . \
    "set output output_base . '.%s'", f eq 'svg' ? 'sans-serif' : 'sans', \
    f eq 'svg' ? 1 : f eq 'png' ? 0.75 : 0.72, f eq 'svg' ? 'svg' : f . 'cairo', terminal(f), f)
# Bold and italic text must be enhanced text: without, the SVG terminal loses the font.
type(style, pixels) = family . (style eq '' ? '' : ':' . style) . sprintf(',%g', pixels * px)

do for [format in formats] {
    eval page(format)
    set multiplot
    set label 1 'Runs side by side' at screen 14 / width, at_y(22) left font type('Bold', 16)
    set label 2 'means and ratios with 95 % intervals' at screen 1 - 18 / width, at_y(22) right \
        font type('', 12) textcolor rgb grey
    do for [r = 1:n_runs] {
        set object r rectangle from screen legend_x[r] / width, at_y(legend_y[r] + 6) \
            to screen (legend_x[r] + 25) / width, at_y(legend_y[r] - 5) front \
            fillstyle solid 1.0 noborder fillcolor rgb colour(r)
        set label 10 + r run[r] noenhanced at screen (legend_x[r] + 32) / width, \
            at_y(legend_y[r]) left
    }
    do for [p = 1:n_panels] {
        set lmargin at screen x0[p] / width
        set rmargin at screen x1[p] / width
        set tmargin at screen at_y(y0[p])
        set bmargin at screen at_y(y1[p])
        set label 5 head[p] noenhanced at screen (x0[p] - 76) / width, at_y(y0[p] - 18) left \
            font type('', 13)
        set ylabel axis[p] noenhanced
        set xrange [0.5:channels[p] + 0.5]
        set yrange [low[p]:high[p]]
        set xtics () scale 0 noenhanced offset 0, -0.9
        if (rotated[p]) { set xtics rotate by 30 right } else { set xtics norotate center }
        if (ratio[p]) {
            set arrow 1 from graph 0, first 1 to graph 1, first 1 nohead back dashtype 2 \
                linecolor rgb grey
        }
        rest = labels[p]
        do for [c = 1:channels[p]] {
            set xtics add (rest[1:strstrt(rest, "\t") - 1] c)
            rest = rest[strstrt(rest, "\t") + 1:*]
        }
        do for [i = 1:n_bars] {
            if (of_panel[i] == p) {
                if (number[i] ne '') {
                    set label 1000 + i number[i] noenhanced center at at_x[i], top[i] \
                        offset 0, 0.6 font type('', 11)
                }
                if (gap[i] ne '') {
                    set label 1000 + i gap[i] at first at_x[i], graph 0 left rotate by 90 \
                        offset 0, 0.4 font type('Italic', 11) textcolor rgb grey
                }
                if (letter[i] ne '') {
                    set label 3000 + i letter[i] noenhanced center at first at_x[i], graph 0 \
                        offset 0, -0.7 font type('', 11) textcolor rgb grey
                }
            }
        }
        # NaN: an invisible first plot, so that a panel without any bar is drawn too.
        plot NaN notitle, \
            for [i = 1:n_bars] data('bars') using \
                (here(p, i) && !ratio[p] ? column('x') : NaN):(column('value')): \
                (column('width')) with boxes linecolor rgb colour(of_run[i]) \
                title name_of(i) noenhanced, \
            for [i = 1:n_bars] data('bars') using (here(p, i) ? column('x') : NaN): \
                (column('low')):(0):(column('high') - column('low')) with vectors arrowstyle 1 \
                title name_of(i) . ', interval' noenhanced, \
            for [i = 1:n_bars] data('bars') using \
                (here(p, i) && ratio[p] ? column('x') : NaN):(column('value')) with points \
                pointtype 7 pointsize 0.8 linecolor rgb colour(of_run[i]) \
                title name_of(i) noenhanced
        unset label
        unset object
        unset arrow
    }
    unset multiplot
    unset output
}
