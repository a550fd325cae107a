# The bar chart: a panel a probe, a bar a channel, the published value beside it.
# gnuplot -c throughput.gp FIGURE PANELS BARS FORMAT OUTPUT; the three files come from ./figures.
#
# Every bar is a plot of its own whose title is "PROBE, CHANNEL" or "PROBE, CHANNEL, published":
# an SVG keeps that as <title>, so that a bar can be read back (tests/system/svg-bars).
# Bars are plain boxes on a linear axis from 0.

figure_file = ARG1; panels_file = ARG2; bars_file = ARG3; format = ARG4; output_file = ARG5

set datafile separator tab
set encoding utf8
set decimalsign '.'

# ---- the files, into variables; "-" stands for nothing ----
stats figure_file using (run = strcol(1), measured = strcol(2), published = strcol(3), \
    unit = strcol(4), help_lines = column(5), label_lines = column(6), \
    rotated_width = column(7), 0) nooutput
stats panels_file using 1 nooutput
n_panels = int(STATS_records)
array name[n_panels]; array help[n_panels]; array n_channels[n_panels]
array bar_width[n_panels]; array peak[n_panels]
stats panels_file using (p = int(column(1)), name[p] = strcol(2), help[p] = strcol(3), \
    n_channels[p] = column(4), bar_width[p] = column(5), peak[p] = column(6), 0) nooutput
stats bars_file using 1 nooutput
n_bars = int(STATS_records)
array panel[n_bars]; array slot[n_bars]; array label[n_bars]; array bar_name[n_bars]
array x_mean[n_bars]; array x_reference[n_bars]; array top[n_bars]; array reference[n_bars]
array mean_text[n_bars]; array reference_text[n_bars]; array gap[n_bars]
# An entry of such a list; plot parses its clause once for an empty list, with an empty entry.
row(entry) = entry eq "" ? 1 : entry + 0
# Which rows have a mean, an interval, a published value: lists of their numbers.
with_mean = ""; with_interval = ""; with_reference = ""
number(text) = text eq "-" ? 0 : real(text)
stats bars_file using (i = int(column(0)) + 1, panel[i] = column(1), slot[i] = column(2), \
    label[i] = strcol(3), bar_name[i] = strcol(4), x_mean[i] = column(5), \
    x_reference[i] = column(6), reference[i] = number(strcol(10)), top[i] = column(11), \
    mean_text[i] = strcol(12), reference_text[i] = strcol(13), gap[i] = strcol(14), \
    with_mean = with_mean . (strcol(7) eq "-" ? "" : " " . i), \
    with_interval = with_interval . (strcol(8) eq "-" ? "" : " " . i), \
    with_reference = with_reference . (strcol(10) eq "-" ? "" : " " . i), 0) nooutput

# ---- sizes, in pixels of a picture 900 wide ----
width = 900.0
head = 62.0
above = 34.0 + 16 * help_lines
body = 190.0
below = rotated_width > 0 ? 24.0 + 4.5 * rotated_width : 14.0 + 16 * label_lines
height = head + n_panels * (above + body + below) + 6
left = 82.0; right = 18.0
narrow = rotated_width > 0 # bars that a value may be wider than

# ---- the terminal ----
if (format eq 'svg') {
    set terminal svg size width, height font 'sans-serif,13' background rgb 'white'
} else { if (format eq 'png') {
    set terminal pngcairo size 2 * width, 2 * height font 'sans,9.75' fontscale 2 linewidth 2 \
        background rgb 'white'
} else {
    # Points: 900 pixels are 9 inches, so that 13 pixels are 9.36 points.
    set terminal pdfcairo size width / 100, height / 100 font 'sans,9.36' fontscale 0.75 \
        background rgb 'white'
}}
big = format eq 'svg' ? ',16' : format eq 'png' ? ',12' : ',11.5'
medium = format eq 'svg' ? ',13' : format eq 'png' ? ',9.75' : ',9.36'
small = format eq 'svg' ? ',12' : format eq 'png' ? ',9' : ',8.64'
family = format eq 'svg' ? 'sans-serif' : 'sans'
set output output_file

# Bold and italic text must be enhanced text: without, the SVG terminal loses the font.

# ---- the look: Okabe-Ito blue, filled; vermillion, hatched ----
measured_colour = '#0072B2'
published_colour = '#D55E00'
published_text = '#9C4300' # darker, to be read as text
grey = '#555555'
set style fill solid 1.0 noborder
# An interval is an arrow with flat heads: gnuplot's own error bars come with a white point.
set style arrow 1 heads size screen 0.007, 90 fixed linewidth 1.5 linecolor rgb 'black'
set border 3 linecolor rgb grey
set tics nomirror scale 0.5 textcolor rgb 'black'
set grid ytics linetype 1 linewidth 0.5 linecolor rgb '#dddddd'
set format y '%.8g'
set xtics scale 0 noenhanced
unset key
set ylabel 'Throughput (' . unit . ')' noenhanced

set multiplot
# The head, drawn along with the first panel.
y_head = 1 - 22.0 / height
y_legend = 1 - 45.0 / height
set label 1 'Throughput of the security channels' at screen 14 / width, y_head left \
    font family . ':Bold' . big
set label 2 run noenhanced at screen 1 - right / width, y_head right font family . small \
    textcolor rgb grey
set object 1 rectangle from screen 15 / width, y_legend - 5 / height \
    to screen 41 / width, y_legend + 6 / height fillstyle solid 1.0 border \
    linecolor rgb measured_colour fillcolor rgb measured_colour front
set label 3 measured noenhanced at screen 48 / width, y_legend left
if (published ne "-") {
    x_legend = 48 + 7.2 * strlen(measured) + 24
    set object 2 rectangle from screen x_legend / width, y_legend - 5 / height \
        to screen (x_legend + 26) / width, y_legend + 6 / height fillstyle pattern 4 \
        border linecolor rgb published_colour fillcolor rgb published_colour front
    set label 4 published noenhanced at screen (x_legend + 33) / width, y_legend left
}

do for [p = 1:n_panels] {
    y_top = height - head - (p - 1) * (above + body + below)
    set lmargin at screen left / width
    set rmargin at screen 1 - right / width
    set tmargin at screen (y_top - above) / height
    set bmargin at screen (y_top - above - body) / height
    set xrange [0.4 : n_channels[p] + 0.6]
    set yrange [0 : peak[p] * 1.17]
    set label 5 name[p] at screen 14 / width, (y_top - 12) / height left \
        font family . ':Bold' . medium
    set label 6 help[p] noenhanced at screen 14 / width, (y_top - 29) / height left \
        font family . small textcolor rgb grey
    set xtics ()
    if (narrow) { set xtics rotate by 30 right } else { set xtics norotate }
    do for [i = 1:n_bars] {
        if (panel[i] == p) {
            set xtics add (label[i] slot[i])
            if (mean_text[i] ne "-") {
                set label 100 + 2 * i mean_text[i] noenhanced center at x_mean[i], top[i] \
                    offset 0, 0.6 font family . small
            }
            if (gap[i] ne "-") {
                set label 100 + 2 * i gap[i] at x_mean[i], 0 center offset 0, 1.5 \
                    font family . ':Italic' . small textcolor rgb grey
            }
            if (reference_text[i] ne "-") {
                if (narrow) {
                    set label 101 + 2 * i reference_text[i] noenhanced left \
                        at x_reference[i] - bar_width[p] / 2, reference[i] \
                        offset 0.3, 0.6 font family . small textcolor rgb published_text
                } else {
                    set label 101 + 2 * i reference_text[i] noenhanced center \
                        at x_reference[i], reference[i] \
                        offset 0, 0.6 font family . small textcolor rgb published_text
                }
            }
        }
    }
    # Lists of this panel's bars.
    means = ""; intervals = ""; references = ""
    do for [i in with_mean] { if (panel[row(i)] == p) { means = means . " " . i } }
    do for [i in with_interval] { if (panel[row(i)] == p) { intervals = intervals . " " . i } }
    do for [i in with_reference] { if (panel[row(i)] == p) { references = references . " " . i } }
    # The clause of an empty list is parsed too, in gnuplot 6 with what i was before.
    i = ""
    # NaN: an invisible first plot, so that a panel without any bar is drawn too.
    plot NaN notitle, \
        for [i in means] bars_file every ::(row(i) - 1)::(row(i) - 1) \
            using 5:7:(bar_width[p]) with boxes linecolor rgb measured_colour \
            title bar_name[row(i)] noenhanced, \
        for [i in references] bars_file every ::(row(i) - 1)::(row(i) - 1) \
            using 6:10:(bar_width[p]) with boxes linecolor rgb published_colour \
            fillstyle pattern 4 border linecolor rgb published_colour \
            title bar_name[row(i)] . ', published' noenhanced, \
        for [i in intervals] bars_file every ::(row(i) - 1)::(row(i) - 1) \
            using 5:8:(0):(column(9) - column(8)) with vectors arrowstyle 1 \
            title bar_name[row(i)] . ', interval' noenhanced
    unset label
    unset object
}
unset multiplot
unset output
