# What all figures share. A figure is
#     gnuplot -c NAME.gp RUN OUT [column]
# which reads the CSV files of the folder RUN and makes OUT.svg, OUT.png and OUT.pdf, those that
# this gnuplot can make; `column` makes them 85 mm wide, for a paper. It begins with its title and
# caption, which the page takes from there, and
#     run = ARG1; out = ARG2; kind = ARG3
#     csv = 'table.csv'; keep(x) = strlen(strcol('ratio'))
#     load ARG0[1:strlen(ARG0) - strlen('NAME.gp')] . 'style.gp'
# Then there are the channels and the panels (a probe, a variant; or what the two columns have that
# `panels` names before) of the rows of `csv` that `keep` keeps, in their order: n_channels,
# channel[c], n_panels, probe[p], variant[p]; after `eval read_units` metric[p] and unit[p], too. Of
# the row of a file that is read, place(0) is the place of its channel, of(p) says whether it is of
# panel p, here(p) whether it is kept besides.
#
# gnuplot takes a name that begins with `<` or `|` for a command: names are made absolute, and what
# is read is opened by plain relative names. Text out of a file is never part of what is evaluated.
# Plots have titles, though no key shows them: an SVG keeps them as <title>, for tests to read.
set encoding utf8
set decimalsign '.'
set datafile separator comma
set datafile columnheaders
set datafile commentschars ''
set print '-'
absolute(path) = path[1:1] eq '/' ? path : GPVAL_PWD . '/' . path
run = absolute(run); out = absolute(out); small = kind eq 'column'
shared = absolute(ARG0[1:strlen(ARG0) - strlen('style.gp')])
cd run

# ---- rows, channels, panels ----
text(name, none) = strlen(strcol(name)) ? column(name) : none # of a field that may be empty
low_of(a, b) = a < b ? a : b
high_of(a, b) = a > b ? a : b
row(name) = sum [i = 1:n_channels] (channel[i] eq name ? i : 0)
panel_of(a, b) = sum [i = 1:n_panels] (probe[i] eq a && variant[i] eq b ? i : 0)
place(x) = row(strcol('channel'))
if (!exists("panels")) { panels = 'probe variant' }
first = word(panels, 1); second = word(panels, 2)
of(p) = strcol(first) eq probe[p] && strcol(second) eq variant[p]
here(p) = keep(0) && of(p)
n_rows = 0; n_channels = 0; n_panels = 0
stats csv using (n_rows = n_rows + 1, 0) nooutput
array channel[n_rows + 1]; array label[n_rows + 1]
array probe[n_rows + 1]; array variant[n_rows + 1]; array metric[n_rows + 1]; array unit[n_rows + 1]
# No run has more of them; a file that has them would be counted for hours.
add_channel(name) = n_channels > 250 || row(name) ? 0 : \
    (n_channels = n_channels + 1, channel[n_channels] = name, 0)
add_panel(a, b) = n_panels > 100 || panel_of(a, b) ? 0 : \
    (n_panels = n_panels + 1, probe[n_panels] = a, variant[n_panels] = b, 0)
stats csv using (keep(0) ? (add_channel(strcol('channel')), \
    add_panel(strcol(first), strcol(second)), 0) : 0) nooutput
# Where the file has them:
read_units = "stats csv using (keep(0) ? (p = panel_of(strcol('probe'), strcol('variant')), " . \
    "metric[p] = strcol('metric'), unit[p] = strcol('unit'), 0) : 0) nooutput"
panel_name(p) = probe[p] . (strlen(variant[p]) ? ', ' . variant[p] : '')
left_out(why) = sprintf("if (n_panels == 0) { print '%s'; exit status 0 }", why)

# ---- settings ----
# The margin of equivalence in percent, the baseline channel, where values were published.
margin = 0.0; baseline = ''; source = ''
set datafile separator '='
set datafile nocolumnheaders
stats 'scenario.ini' using (strcol(1) eq 'margin ' ? (word_ = word(strcol(2), 1), \
    margin = real(word_[1:strlen(word_) - 1]), 0) : \
    strcol(1) eq 'baseline ' ? (baseline = word(strcol(2), 1), 0) : \
    strcol(1) eq 'source ' ? (source = strcol(2), 0) : 0, 0) nooutput
set datafile separator comma
set datafile columnheaders

# ---- names: no wider than a limit; a tic's text doubles its `%` ----
percent(s) = (at_ = strstrt(s, '%'), at_ ? s[1:at_] . '%' . percent(s[at_ + 1:*]) : s)
cut(s, k) = k < 4 ? 0 : strstrt(' -=.:_,', s[k:k]) ? k : cut(s, k - 1)
blank(s, k) = k < 4 ? 0 : s[k:k] eq ' ' ? k : blank(s, k - 1)
wrap(s, n) = strlen(s) <= n ? s : (cut_ = blank(s, n), \
    cut_ = cut_ && strlen(s) - cut_ <= n ? cut_ : cut(s, n), cut_ = cut_ ? cut_ : n, \
    s[1:cut_] . "\n" . wrap(s[cut_ + 1:*], n))
clip(s, n) = strlen(s) <= n ? s : s[1:n - 1] . '…'
lines_of(s) = strstrt(s, "\n") ? 1 + lines_of(s[strstrt(s, "\n") + 1:*]) : 1
spaced(s) = s eq 'broker_cpu_per_message' ? 'broker CPU per message' : \
    s eq 'delivered_rate' ? 'messages per second' : \
    s eq 'time_99' ? 'time until 99 % are back' : \
    (at_ = strstrt(s, '_'), at_ ? s[1:at_ - 1] . ' ' . spaced(s[at_ + 1:*]) : s)
short(x) = sprintf(x < 1000 ? '%.3g' : '%.0f', x) # three digits, all before the point
widest(s) = strstrt(s, "\n") ? high_of(strstrt(s, "\n") - 1, widest(s[strstrt(s, "\n") + 1:*])) \
    : strlen(s)
name_width = 0; name_lines = 1; named = ''
do for [c = 1:n_channels] {
    label[c] = wrap(channel[c], small ? 20 : 28)
    name_width = high_of(name_width, widest(label[c]))
    name_lines = high_of(name_lines, lines_of(label[c]))
    label[c] = percent(label[c])
    named = named . sprintf('%s label[%d] %d', c > 1 ? ',' : '', c, c)
}
# Lines of text for a row, fewer where a column has many: three panels of 23 fit on a page of A4.
row_lines(most) = !small || n_channels <= 8 ? most : (n_channels > 20 ? 0.76 : 0.85) * name_lines

# ---- look: Okabe and Ito's palette without the yellow, which is too pale on white ----
colours = '#0072B2 #D55E00 #009E73 #CC79A7 #E69F00 #56B4E9 #000000 #7F7F7F'
markers = '7 5 9 13 11 15 6 4 8 12 10 14 2 1 3'
colour(i) = word(colours, (i - 1) % 8 + 1)
marker(i) = int(word(markers, (i - 1) % 15 + 1))
dash(i) = (i - 1) % 5 + 1
set dashtype 2 (10, 4); set dashtype 3 (4, 3); set dashtype 4 (12, 4, 3, 4)
set dashtype 5 (12, 3, 3, 3, 3, 3)
grey = '#555555'; pale = '#dddddd'
set tics nomirror scale 0.5 textcolor rgb 'black'
set style fill solid 1.0 noborder
set errorbars small linecolor rgb 'black' linewidth 1.5
set border 3 linecolor rgb grey
unset key; unset mxtics
set grid noytics xtics linetype 1 linewidth 0.5 linecolor rgb pale

# ---- page: widths in characters, heights in lines of text, the same in all formats ----
width = small ? 85 / 25.4 * 96 : 900.0 # pixels, 96 to an inch
em = small ? 9.4 : 13.0 # pixels: 7.05 points
character = 0.6 * em; line = 1.45 * em
across = small ? 1 : 4 # panels beside each other, at most
left = name_width + 2.0; right = 2.0; gap = 3.0 # beside panels, between them
head = 0.3; top = 1.6; bottom = 2.6; foot = 0 # above all panels; above and below each; below all
formats = 'svg'
if (strstrt(GPVAL_TERMINALS, ' pngcairo ')) { formats = formats . ' png' }
if (strstrt(GPVAL_TERMINALS, ' pdfcairo ')) { formats = formats . ' pdf' }
family = 'sans'
terminal(f) = f eq 'svg' ? \
    "svg size width, height font 'sans-serif,%g'" : f eq 'png' ? \
    "pngcairo size 2 * width, 2 * height font 'sans,%g' fontscale 2 linewidth 2 pointscale 2" : \
    "pdfcairo size width / 96, height / 96 font 'sans,%g' fontscale 0.75 linewidth 0.75 " . \
    "pointscale 0.75"
# Begins a page, its panels `body` lines high.
page(f, body) = sprintf("body = %g; columns = low_of(across, n_panels); " . \
    "above = top + taller(1) + taller(2); " . \
    "height = line * (head + foot + (above + body + bottom) * ceil(real(n_panels) / columns)); " . \
    "set terminal " . terminal(f) . " background rgb 'white'; " . \
    "set output out . '.%s'; set multiplot", body, f eq 'svg' ? em : 0.75 * em, f)
page_end = 'unset multiplot; unset output'
frame(x, y, w, h) = sprintf('set lmargin at screen %g; set rmargin at screen %g; ' . \
    'set tmargin at screen %g; set bmargin at screen %g', x / width, (x + w) / width, \
    1 - y / height, 1 - (y + h) / height)
panel_width(x) = (width - character * (left + right + gap * (columns - 1))) / columns
heading(p) = wrap(panel_name(p), int(panel_width(0) / character))
taller(n) = (sum [p = 1:n_panels] (lines_of(heading(p)) > n)) > 0
# The frame and the name of one, and names of channels as its rows.
panel(p) = frame(character * left + (p - 1) % columns * (panel_width(0) + character * gap), \
    line * (head + above + (p - 1) / columns * (above + body + bottom)), panel_width(0), \
    line * body) . \
    sprintf("; set title heading(%d) noenhanced offset 0, -0.4; set yrange [%g:0.5]; " . \
    "set xtics autofreq noenhanced nomirror scale 0.5 textcolor rgb 'black'; %s", \
    p, n_channels + 0.5, (p - 1) % columns ? 'unset ytics' : \
    "set ytics (" . named . ") noenhanced nomirror scale 0 textcolor rgb 'black'")
# The axis of values of a panel, with room for so many characters at its right: logarithmic where
# the greatest is far above the least.
round_up(x) = (power_ = 10 ** floor(log10(x)), x <= power_ ? power_ : x <= 2 * power_ ? \
    2 * power_ : x <= 5 * power_ ? 5 * power_ : 10 * power_)
share_of(room) = panel_width(0) / (panel_width(0) - character * room)
room_for(text) = (strlen(text) + 1.5) * character / panel_width(0)
thirds = '' # of decades
do for [i = -6:8] {
    thirds = thirds . sprintf('%s%g, %g', i > -6 ? ', ' : '', 10.0 ** i, 3 * 10.0 ** i)
}
axis(low, high, room) = high <= low ? axis(low, low + 1, room) : \
    low > 0 && high > 12 * low ? logarithmic(low, \
    log10(high / low) * 1.05 * share_of(room), room_for(short(high))) : \
    linear(low, (high - low) * 1.05 * share_of(room), room_for(short(high)))
logarithmic(low, decades, mark) = sprintf('set logscale x; set xrange [%g:%g]; set xtics ', \
    low * 10 ** (-0.05 * decades), low * 10 ** decades) . \
    (2 * decades * mark < 1.2 ? '(' . thirds . ')' : '(' . powers(ceil(log10(low)), \
    floor(log10(low) + decades), ceil(decades * mark)) . ')')
# Each by itself: where a step is many decades, gnuplot makes marks without an end.
powers(i, end, step) = sprintf('"%s" 1e%d', abs(i) > 4 ? sprintf('1e%d', i) : \
    sprintf('%g', 10.0 ** i), i) . (i + step > end ? '' : \
    ', ' . powers(i + step, end, step))
linear(low, span, mark) = sprintf('unset logscale x; set xrange [%.9g:%.9g]; set xtics %g', \
    low == 0 ? 0 : low - 0.05 * span, low + span, \
    two_marks(low, low + span, round_up(high_of(mark, 0.1) * span)))
two_marks(low, high, step) = floor(high / step) > ceil(low / step) ? step : \
    two_marks(low, high, round_up(0.4 * step))

# What the marks mean, above all panels: so many entries, the longest of so many characters. To be
# followed by a plot of keyentries.
legend_columns(longest) = high_of(1, floor(width / (character * (longest + 5))))
legend_of(n, longest) = sprintf('legend_rows = %d; head = 0.5 + legend_rows', \
    ceil(real(n) / legend_columns(longest)))
legend = "eval frame(0.5 * character, 0.1 * line, width - character, line * head); " . \
    "unset border; unset xtics; unset ytics; unset title; unset xlabel; unset ylabel; " . \
    "unset logscale x; set xrange [0:1]; set yrange [0:1]; " . \
    "set key at graph 0, graph 1 left top horizontal Left reverse samplen 1.5 maxrows legend_rows"
legend_end = 'unset key; set border 3'
