# style.gp - what all figures share: palette, type, page, legend, the frame of a panel. A figure is
#     gnuplot -c NAME.gp RUN_DIR PLOT_DIR OUTPUT_BASE
# and makes OUTPUT_BASE.svg, .png and .pdf, those that this gnuplot can make. It begins with
#     figure = 'NAME'; run_dir = ARG1; plot_dir = ARG2; output_base = ARG3
#     load ARG0[1:strlen(ARG0) - strlen(figure) - 3] . 'style.gp'
# and draws in a loop over the formats, sizes in pixels of a page that is 900 wide:
#     do for [format in formats] {
#         eval page(format, height)
#         plot ...
#     }
# It reads CSV files and computes nothing: run_dir . '/telemetry.csv' and the like, columns by their
# names, or what was made for it, data('NAME') (src/analysis/figure_data.h says what there is).
#
# Every plot has a title such as "PROBE, CHANNEL": no key shows it, but an SVG keeps it as <title>,
# so that what is drawn can be read back (tests/system/svg-bars).

set encoding utf8
set decimalsign '.'
set datafile separator comma
set datafile columnheaders
data(name) = plot_dir . '/data/' . name . '.csv'
set print '-'
# Where data had no valid point, gnuplot 6 asks for an iteration's variable behind its end.
c = 1; i = 1; k = 1; row = 1

# ---- palette: Okabe and Ito's, without the yellow, which is too pale on white ----
# A channel has a colour, a marker and a kind of line by its place in the scenario: known in grey,
# too.
colours = '#0072B2 #D55E00 #009E73 #CC79A7 #E69F00 #56B4E9 #000000 #7F7F7F'
markers = '7 5 9 13 11 15 6 4 8 12 10 14 2 1 3'
colour(i) = word(colours, (i - 1) % 8 + 1)
marker(i) = int(word(markers, (i - 1) % 15 + 1))
dash(i) = (i - 1) % 5 + 1
set dashtype 2 (10, 4)
set dashtype 3 (4, 3)
set dashtype 4 (12, 4, 3, 4)
set dashtype 5 (12, 3, 3, 3, 3, 3)
grey = '#555555'
pale = '#dddddd'

# ---- page: its size in pixels, and type in pixels, whatever the format ----
formats = 'svg'
if (strstrt(GPVAL_TERMINALS, ' pngcairo ')) { formats = formats . ' png' }
if (strstrt(GPVAL_TERMINALS, ' pdfcairo ')) { formats = formats . ' pdf' }
width = 900.0
height = 420.0
# Points are 3/4 of a pixel in the PNG, drawn twice as large; 900 pixels of the PDF are 9 inches.
terminal(f) = f eq 'svg' ? \
    "size width, height font 'sans-serif,13'" : f eq 'png' ? \
    "size 2 * width, 2 * height font 'sans,9.75' fontscale 2 linewidth 2 pointscale 2" : \
    "size width / 100, height / 100 font 'sans,9.36' fontscale 0.75 linewidth 0.75 pointscale 0.72"
page(f, h) = sprintf("height = %g; family = '%s'; px = %g; set terminal %s %s background rgb " . \
    "'white'; set output output_base . '.%s'", h, f eq 'svg' ? 'sans-serif' : 'sans', \
    f eq 'svg' ? 1 : f eq 'png' ? 0.75 : 0.72, f eq 'svg' ? 'svg' : f . 'cairo', terminal(f), f)
# Bold and italic text must be enhanced text: without, the SVG terminal loses the font.
type(style, pixels) = family . (style eq '' ? '' : ':' . style) . sprintf(',%g', pixels * px)

set border 3 linecolor rgb grey
set tics nomirror scale 0.5 textcolor rgb 'black'
set style fill solid 1.0 noborder
# An interval is an arrow with flat heads: gnuplot's own error bars come with a white point.
set style arrow 1 heads size screen 0.006, 90 fixed linewidth 1.5 linecolor rgb 'black'
unset key

# ---- the run, its channels, and this figure: its texts, panels, legend ----
stats data('run') using (run = strcol('run'), n_channels = int(column('channels')), \
    name_characters = column('label_characters'), name_lines = column('label_lines'), 0) nooutput
array channel[n_channels]; array channel_label[n_channels]
stats data('channels') using (i = int(column('channel')), channel[i] = strcol('name'), \
    channel_label[i] = strcol('label'), 0) nooutput

n_panels = 0; n_entries = 0; legend_lines = 0; lines = 1; label_width = 0
gutter = 0; note = ''; note_lines = 0
why = ''
stats data('figures') using (strcol('figure') eq figure ? (n_panels = int(column('panels')), \
    n_entries = int(column('entries')), legend_lines = column('legend_lines'), \
    lines = column('lines'), label_width = column('label_characters'), \
    gutter = column('gutter'), note = strcol('note'), \
    note_lines = column('note_lines'), why = strcol('why'), 0) : 0) nooutput
if (why ne '') {
    if (why ne '-') { print figure . ' is left out: ' . why }
    exit status 0
}
array panel_title[n_panels + 1]; array panel[n_panels + 1]; array panel_help[n_panels + 1]
array help_lines[n_panels + 1]; array axis[n_panels + 1]; array low[n_panels + 1]
array high[n_panels + 1]; array logarithmic[n_panels + 1]; array tics[n_panels + 1]
if (n_panels > 0) {
    stats data('panels') using (strcol('figure') eq figure ? (p = int(column('panel')), \
        panel_title[p] = strcol('title'), panel[p] = strcol('name'), \
        panel_help[p] = strcol('help'), help_lines[p] = column('help_lines'), \
        axis[p] = strcol('label'), low[p] = column('low'), high[p] = column('high'), \
        logarithmic[p] = int(column('logarithmic')), tics[p] = strcol('tics'), 0) : 0) nooutput
}
array symbol[n_entries + 1]; array entry[n_entries + 1]; array entry_x[n_entries + 1]
array entry_line[n_entries + 1]
if (n_entries > 0) {
    stats data('legend') using (strcol('figure') eq figure ? (i = int(column('entry')), \
        symbol[i] = int(column('symbol')), entry[i] = strcol('text'), entry_x[i] = column('x'), \
        entry_line[i] = column('line'), 0) : 0) nooutput
}

# ---- head of the page: title, run, note, legend ----
head = 44.0 + 19 * note_lines + 22 * legend_lines
at_y(pixels) = 1 - real(pixels) / height
title_of(text) = sprintf("set label 1 '%s' at screen 14 / width, at_y(22) left " . \
    "font type('Bold', 16); " . \
    "set label 2 'run ' . run noenhanced at screen 1 - 18 / width, at_y(22) right " . \
    "font type('', 12) textcolor rgb grey; " . \
    "set label 3 note noenhanced at screen 14 / width, at_y(44) left font type('', 12) " . \
    "textcolor rgb grey", text)
entry_y(i) = 23 + 19 * note_lines + 22 * entry_line[i]
entry_text(i) = sprintf("set label %d entry[%d] noenhanced at screen (%g + 46) / width, " . \
    "at_y(%g) left", 10 + i, i, entry_x[i], entry_y(i))
# A marker; a field, to be given its fill; a line with a marker.
entry_point(i, type, colour) = sprintf("set label %d '' at screen (%g + 27) / width, at_y(%g) " . \
    "point pointtype %d pointsize 1 linecolor rgb '%s'", 40 + i, entry_x[i], entry_y(i), type, \
    colour)
entry_field(i) = sprintf("set object %d rectangle from screen (%g + 15) / width, at_y(%g + 6) " . \
    "to screen (%g + 40) / width, at_y(%g - 5) front ", 10 + i, entry_x[i], entry_y(i), \
    entry_x[i], entry_y(i))
entry_stroke(i) = sprintf("set arrow %d from screen (%g + 14) / width, at_y(%g) " . \
    "to screen (%g + 40) / width, at_y(%g) nohead front linewidth 2 ", 10 + i, entry_x[i], \
    entry_y(i), entry_x[i], entry_y(i))

# ---- panels ----
# The frame of one, whose top is so many pixels below that of the page.
frame(left, right, top, body) = sprintf("set lmargin at screen %g / width; " . \
    "set rmargin at screen 1 - %g / width; set tmargin at screen at_y(%g); " . \
    "set bmargin at screen at_y(%g)", left, right, top, top + body)
panel_head(p, top) = sprintf("set label 5 panel_title[%d] at screen 14 / width, at_y(%g) left " . \
    "font type('Bold', 13)", p, top)
# The axis of values along x: its range, kind and marks.
values_along_x(p) = sprintf("set xrange [%g:%g]; %s logscale x; " . \
    "set xlabel axis[%d] . '%s' noenhanced font type('', 12) offset 0, 0.4; " . \
    "set xtics norotate; set xtics %s; set format x '%%.8g'", \
    low[p], high[p], logarithmic[p] ? 'set' : 'unset', p, \
    logarithmic[p] ? ', logarithmic' : '', tics[p] eq '' ? 'autofreq' : '()')
add_tic(text) = sprintf("set xtics add ('%s' %s)", text, text)

# Panels with a row a channel: names at the left, words in the gutter at the right.
many = n_channels > 8 # FIGURE_MANY
row_height = (many ? 6.0 : 14.0) + 15 * (name_lines > lines ? name_lines : lines)
rows_left = 30 + 8.0 * (name_characters > label_width ? name_characters : label_width)
rows_right = gutter > 0 ? 34 + 7.1 * gutter : 18.0
rows_above = 30.0
title_above = 14.0
rows_below = 50.0
n_rows = n_channels
rows_top(p) = head + (p - 1) * (rows_above + n_rows * row_height + rows_below) + rows_above
rows_height(n) = rows_top(n + 1) - rows_above
rows_frame(p) = frame(rows_left, rows_right, rows_top(p), n_rows * row_height) . '; ' . \
    panel_head(p, rows_top(p) - title_above) . '; ' . values_along_x(p) . \
    sprintf('; set yrange [%g:0.5]; set ytics () scale 0 noenhanced', n_rows + 0.5)
# Words in the gutter, beside row y of the panel: at its left, or at the edge of the page.
in_gutter(tag, text, y) = sprintf("set label %d %s at graph 1, first %g " . \
    "offset character 1.4, 0 left font type('', 12)", tag, text, y)
at_edge(tag, text, p, y) = sprintf("set label %d %s at screen 1 - 18 / width, " . \
    "at_y(%g) right font type('Bold', 12)", tag, text, rows_top(p) + (y - 0.5) * row_height)
