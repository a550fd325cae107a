# title: Runs side by side
# caption: Means, and ratios to each run's own baseline, with 95 % confidence intervals; a colour
#     and a letter for each run.
run = ARG1; out = ARG2; kind = ARG3
csv = 'runs.csv'; keep(x) = strlen(strcol('mean'))
load ARG0[1:strlen(ARG0) - strlen('side-by-side/runs.gp')] . 'style.gp'
eval left_out('runs is left out: no run measured anything')
eval read_units

array letter[n_rows]; n_runs = 0
run_of(name) = sum [i = 1:n_runs] (letter[i] eq name ? i : 0)
stats csv using (run_of(strcol('label')) ? 0 : \
    (n_runs = n_runs + 1, letter[n_runs] = strcol('label'), 0)) nooutput

# Two panels for a probe and variant: means, and ratios to the baseline.
n_wholes = n_panels; n_panels = 2 * n_wholes
whole(q) = (q - 1) / 2 + 1
ratios(q) = (q - 1) % 2
panel_name(q) = probe[whole(q)] . (strlen(variant[whole(q)]) ? ', ' . variant[whole(q)] : '')
drawn(q) = here(whole(q)) && (!ratios(q) || strlen(strcol('ratio')) && strcol('channel') ne \
    strcol('baseline'))
level(q) = ratios(q) ? 100 * column('ratio') : column('mean')
end(q, tail) = ratios(q) ? 100 * text('ratio' . tail, column('ratio')) : \
    text('ci' . tail, column('mean'))
lane(x) = place(0) + 0.8 * (run_of(strcol('label')) - 0.5) / n_runs - 0.4
array low[n_panels]; array high[n_panels]
do for [q = 1:n_panels] {
    low[q] = ratios(q) ? 97 : 1e300; high[q] = ratios(q) ? 103 : -1e300
    stats csv using (drawn(q) ? (low[q] = low_of(low[q], end(q, '_low')), \
        high[q] = high_of(high[q], end(q, '_high')), 0) : 0) nooutput
    if (!ratios(q)) { low[q] = low_of(0, low[q]) }
}
across = small ? 1 : 2
eval legend_of(n_runs, 5)

do for [format in formats] {
    eval page(format, n_channels * high_of(0.3 + 0.95 * n_runs, 0.25 + 1.1 * name_lines))
    eval legend
    plot NaN notitle, for [r = 1:n_runs] keyentry with points pointtype marker(r) pointsize 1.1 \
        linecolor rgb colour(r) title letter[r] noenhanced
    eval legend_end
    do for [q = 1:n_panels] {
        eval panel(q)
        eval axis(low[q], high[q], 8)
        name = ratios(q) ? '% of the baseline' : \
            spaced(metric[whole(q)]) . ' (' . unit[whole(q)] . ')'
        set xlabel name noenhanced offset 0, 0.5
        if (ratios(q)) {
            set arrow 1 from 100, graph 0 to 100, graph 1 nohead back linecolor rgb grey
        }
        plot NaN notitle, for [c = 1:n_channels - 1] c + 0.5 with lines linewidth 0.5 \
            linecolor rgb pale notitle, for [r = 1:n_runs] csv using \
            (drawn(q) && strcol('label') eq letter[r] ? level(q) : NaN):(lane(0)): \
            (end(q, '_low')):(end(q, '_high')) with xerrorbars pointtype marker(r) pointsize 1 \
            linewidth 1.5 linecolor rgb colour(r) \
            title panel_name(q) . (ratios(q) ? ', ratio, ' : ', mean, ') . letter[r] noenhanced, \
            csv using (drawn(q) ? end(q, '_high') : low[q]):(drawn(q) ? lane(0) : 1): \
            (drawn(q) ? short(level(q)) . (ratios(q) ? ' %' : '') : '') \
            with labels noenhanced left offset 0.9, 0 notitle
        unset arrow 1
    }
    eval page_end
}
