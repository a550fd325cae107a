# title: What a connection takes
# caption: Mean times of its steps, one after the other, and the payload of TCP each way, up to
#     and with the CONNACK. Under TLS 1.3 a broker checks a client's certificate after that
#     client's handshake: in the last step. Panels have one scale, but those that reach less than
#     a tenth of it.
run = ARG1; out = ARG2; kind = ARG3
csv = 'summary.csv'; keep(x) = ends(strcol('metric'), '.connect_time') && strlen(strcol('mean'))
ends(s, tail) = strlen(s) > strlen(tail) && s[strlen(s) - strlen(tail) + 1:*] eq tail
load ARG0[1:strlen(ARG0) - strlen('connect.gp')] . 'style.gp'
eval left_out('connect is left out: no probe measured what a connection takes')

titles(k) = k == 1 ? 'TCP' : k == 2 ? 'TLS handshake' : 'CONNECT to CONNACK'
hue(k) = word('#333333 #0072B2 #D55E00', k)
fill(k) = k == 1 ? 2 : 4 # of the others than TLS: crossed, hatched
wanted = 'tcp_time tls_time mqtt_time connect_time bytes_sent bytes_received'
which(name) = sum [k = 1:6] (ends(name, '.' . word(wanted, k)) ? k : 0)
array value[6 * n_panels * n_channels]
at(p, c, k) = ((p - 1) * n_channels + c - 1) * 6 + k
do for [i = 1:6 * n_panels * n_channels] { value[i] = 0 }
array most[n_panels]; do for [p = 1:n_panels] { most[p] = 0 }
stats csv using (p = panel_of(strcol('probe'), strcol('variant')), \
    k = which(strcol('metric')), p && place(0) && k && strlen(strcol('mean')) ? \
    (value[at(p, place(0), k)] = column('mean'), \
    most[p] = k == 4 ? high_of(most[p], column('mean')) : most[p], 0) : 0) nooutput
all = 0; do for [p = 1:n_panels] { all = high_of(all, most[p]) }
until(p, k) = here(p) ? sum [i = 1:k] value[at(p, place(0), i)] : NaN
from(p, k) = until(p, k) > until(p, k - 1) ? until(p, k - 1) : NaN # what it has of a step
says(p) = here(p) ? sprintf(small ? '%s ms; %.0f + %.0f B' : \
    '%s ms; %.0f B up, %.0f B down', short(column('mean')), value[at(p, place(0), 5)], \
    value[at(p, place(0), 6)]) : ''
eval legend_of(3, 18)
across = small ? 1 : 2

do for [format in formats] {
    eval page(format, n_channels * (0.25 + 1.1 * name_lines))
    eval legend
    plot NaN notitle, keyentry with boxes fillcolor rgb hue(2) title titles(2) noenhanced, \
        for [k = 1:3:2] keyentry with boxes fillstyle pattern fill(k) border \
        linecolor rgb hue(k) fillcolor rgb hue(k) title titles(k) noenhanced
    eval legend_end
    do for [p = 1:n_panels] {
        eval panel(p)
        eval axis(0, 10 * most[p] < all ? most[p] : all, small ? 24 : 31)
        set xlabel 'Time of a connection (ms)' noenhanced offset 0, 0.5
        plot NaN notitle, csv using (from(p, 2)):(place(0)):(from(p, 2)):(until(p, 2)): \
                (place(0) - 0.35):(place(0) + 0.35) with boxxyerror linecolor rgb hue(2) \
                title panel_name(p) . ', ' . titles(2) noenhanced, \
            for [k = 1:3:2] csv using (from(p, k)):(place(0)):(from(p, k)): \
                (until(p, k)):(place(0) - 0.35):(place(0) + 0.35) with boxxyerror \
                fillstyle pattern fill(k) border linecolor rgb hue(k) linecolor rgb hue(k) \
                title panel_name(p) . ', ' . titles(k) noenhanced, \
            csv using (here(p) ? column('mean') : 0):(here(p) ? place(0) : 1):(says(p)) \
                with labels noenhanced left offset 0.6, 0 notitle
    }
    eval page_end
}
