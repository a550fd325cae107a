# title: CPU time for a gigabyte
# caption: CPU time of the processes that send, receive and relay a gigabyte of payload, one after
#     the other in a bar.
run = ARG1; out = ARG2; kind = ARG3
csv = 'ladder.csv'; keep(x) = strlen(strcol('sender_s_per_gb'))
load ARG0[1:strlen(ARG0) - strlen('cpu.gp')] . 'style.gp'
eval left_out('cpu is left out: no probe measured the CPU time of bulk data')

parts = 'sender receiver broker'
part(k) = word(parts, k)
hue(k) = word('#0072B2 #D55E00 #333333', k)
fill(k) = k == 2 ? 4 : 2 # of the others: hatched, crossed
spent(k) = text(part(k) . '_s_per_gb', 0)
until(k) = k ? spent(k) + until(k - 1) : 0
most = 0
stats csv using (keep(0) ? (most = high_of(most, until(3)), 0) : 0) nooutput
eval legend_of(3, 8)

do for [format in formats] {
    eval page(format, n_channels * (0.25 + 1.1 * name_lines))
    eval legend
    plot NaN notitle, keyentry with boxes fillcolor rgb hue(1) title part(1) noenhanced, \
        for [k = 2:3] keyentry with boxes fillstyle pattern fill(k) border \
        linecolor rgb hue(k) fillcolor rgb hue(k) title part(k) noenhanced
    eval legend_end
    do for [p = 1:n_panels] {
        eval panel(p)
        eval axis(0, most, 6)
        set xlabel 'CPU time (s per GB)' noenhanced offset 0, 0.5
        plot NaN notitle, csv using (here(p) ? 0 : NaN):(place(0)):(0):(until(1)): \
                (place(0) - 0.35):(place(0) + 0.35) with boxxyerror linecolor rgb hue(1) \
                title panel_name(p) . ', ' . part(1) noenhanced, \
            for [k = 2:3] csv using (here(p) ? until(k - 1) : NaN):(place(0)):(until(k - 1)): \
                (until(k)):(place(0) - 0.35):(place(0) + 0.35) with boxxyerror \
                fillstyle pattern fill(k) border linecolor rgb hue(k) linecolor rgb hue(k) \
                title panel_name(p) . ', ' . part(k) noenhanced, \
            csv using (here(p) ? until(3) : 0):(place(0)): \
                (here(p) ? short(until(3)) : '') with labels noenhanced left offset 0.6, 0 notitle
    }
    eval page_end
}
