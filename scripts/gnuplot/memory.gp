# title: The broker's memory for connections that are held
# caption: Its memory with none, a quarter, half and all of the connections, mean of the trials with
#     its 95 % confidence interval; the slope is what a connection takes.
run = ARG1; out = ARG2; kind = ARG3
csv = 'summary.csv'; keep(x) = ends(strcol('metric'), '.memory_all') && strlen(strcol('mean'))
ends(s, tail) = strlen(s) > strlen(tail) && s[strlen(s) - strlen(tail) + 1:*] eq tail
load ARG0[1:strlen(ARG0) - strlen('memory.gp')] . 'style.gp'
if (n_panels == 0) { exit status 0 } # as of most runs: that leaves nothing out

# Of each panel and channel four points: connections; memory, its interval, in MiB.
wanted = 'connections_quarter connections_half connections memory_0 memory_quarter memory_half ' . \
    'memory_all'
which(name) = sum [k = 1:7] (ends(name, '.' . word(wanted, k)) ? k : 0)
at(p, c, k) = ((p - 1) * n_channels + c - 1) * 4 + k
n_points = 4 * n_panels * n_channels
array held[n_points]; array mean[n_points]; array low[n_points]; array high[n_points]
do for [i = 1:n_points] { held[i] = NaN; mean[i] = NaN; low[i] = NaN; high[i] = NaN }
do for [i = 1:n_points:4] { held[i] = 0 }
mib(name) = strlen(strcol(name)) ? column(name) / 2.0 ** 20 : NaN
take_memory(i) = (mean[i] = mib('mean'), low[i] = mib('ci_low'), high[i] = mib('ci_high'), 0)
take(p, c, k) = k > 3 ? take_memory(at(p, c, k - 3)) : (held[at(p, c, k + 1)] = column('mean'), 0)
stats csv using (p = panel_of(strcol('probe'), strcol('variant')), k = which(strcol('metric')), \
    p && place(0) && k && strlen(strcol('mean')) ? take(p, place(0), k) : 0) nooutput

longest = 0
do for [c = 1:n_channels] { longest = high_of(longest, strlen(clip(channel[c], 40))) }
eval legend_of(n_channels, longest)
across = small ? 1 : 2
left = 9.0; right = 3.5; gap = 9.0
# gnuplot 5.4 takes the first of an array for a header, where one is expected.
set datafile nocolumnheaders
array point[4]
place_of(p, c) = at(p, c, int($1))
set grid xtics ytics
do for [format in formats] {
    eval page(format, 14)
    eval legend
    plot NaN notitle, for [c = 1:n_channels] keyentry with linespoints linewidth 2 \
        dashtype dash(c) pointtype marker(c) linecolor rgb colour(c) \
        title clip(channel[c], 40) noenhanced
    eval legend_end
    do for [p = 1:n_panels] {
        eval panel(p)
        set xrange [0:*]
        set yrange [0:*]
        set ytics autofreq nomirror scale 0.5 textcolor rgb 'black'
        set xlabel 'Connections' noenhanced offset 0, 0.5
        set ylabel (p - 1) % columns ? '' : 'Memory of the broker (MiB)' noenhanced
        plot NaN notitle, for [c = 1:n_channels] point using (held[place_of(p, c)]): \
                (low[place_of(p, c)]):(high[place_of(p, c)]) with filledcurves \
                fillstyle transparent solid 0.25 noborder linecolor rgb colour(c) \
                title panel_name(p) . ', CI' noenhanced, \
            for [c = 1:n_channels] point using (held[place_of(p, c)]): \
                (mean[place_of(p, c)]) with linespoints linewidth 2 dashtype dash(c) \
                pointtype marker(c) pointsize 0.9 linecolor rgb colour(c) \
                title panel_name(p) . ', ' . channel[c] noenhanced
    }
    eval page_end
}
