# title: Published values beside measured ones
# caption: Means, or ratios within blocks, with their 95 % confidence intervals; diamonds are what
#     was published. Only what no other figure has: other metrics than throughput, ratios to other
#     channels than the baseline.
run = ARG1; out = ARG2; kind = ARG3
csv = 'table.csv'; keep(x) = 1
load ARG0[1:strlen(ARG0) - strlen('references.gp')] . 'style.gp'

# A panel is a metric of a probe and variant, or its ratio to one channel; of the table's, which has
# no other baseline than the run's, the metric alone: its ratios are in a figure of their own.
other = 'references.csv'
most = 100
array file[most]
array of_probe[most]; array of_variant[most]; array of_metric[most]; array of_unit[most]
array of_base[most]; array ratio[most]; array low[most]; array high[most]
same(i, r) = ratio[i] == r && of_probe[i] eq strcol('probe') && \
    of_variant[i] eq strcol('variant') && of_metric[i] eq strcol('metric') && \
    (file[i] eq csv || of_base[i] eq strcol('baseline'))
find(f, r) = sum [i = 1:n_panels] (file[i] eq f && same(i, r) ? i : 0)
# An empty field at the end of a row is what gnuplot 5.4 read before: so two are asked.
published(r) = strlen(strcol(r ? 'reference_ratio' : 'reference')) && \
    strlen(strcol(r ? 'comparable_ratio' : 'comparable'))
undrawn(f, r) = published(r) && (f eq other || (!r && strcol('metric') ne 'throughput'))
theirs(r) = published(r) ? column(r ? 'reference_ratio' : 'reference') : NaN
has(r) = strlen(strcol(r ? 'ratio' : 'mean')) > 0
ours(r) = has(r) ? column(r ? 'ratio' : 'mean') : NaN
from(r) = has(r) ? text(r ? 'ratio_low' : 'ci_low', ours(r)) : NaN
until(r) = has(r) ? text(r ? 'ratio_high' : 'ci_high', ours(r)) : NaN
add(f, r) = !undrawn(f, r) || find(f, r) || n_panels == most ? 0 : (n_panels = n_panels + 1, \
    file[n_panels] = f, of_probe[n_panels] = strcol('probe'), \
    of_variant[n_panels] = strcol('variant'), of_metric[n_panels] = strcol('metric'), \
    of_unit[n_panels] = strcol('unit'), \
    of_base[n_panels] = f eq other ? strcol('baseline') : baseline, \
    ratio[n_panels] = r, low[n_panels] = theirs(r), high[n_panels] = theirs(r), 0)
n_panels = 0
stats csv using (add(csv, 0)) nooutput
stats other using (add(other, 0) + add(other, 1)) nooutput
if (n_panels == 0) { exit status 0 } # as of most runs: that leaves nothing out
widen(p, a, b) = (low[p] = low_of(low[p], a), high[p] = high_of(high[p], b), 0)
do for [p = 1:n_panels] {
    r = ratio[p]
    stats file[p] using (same(p, r) ? ((has(r) ? widen(p, from(r), until(r)) : 0) + \
        (published(r) ? widen(p, theirs(r), theirs(r)) : 0)) : 0) nooutput
}
tail(s) = strstrt(s, '.') ? tail(s[strstrt(s, '.') + 1:*]) : s
panel_name(p) = of_probe[p] . (strlen(of_variant[p]) ? ', ' . of_variant[p] : '') . ', ' . \
    spaced(tail(of_metric[p]))
says(p) = !same(p, ratio[p]) ? '' : (has(ratio[p]) ? short(ours(ratio[p])) : \
    ratio[p] ? 'no ratio' : 'not measured') . \
    (published(ratio[p]) ? ', published ' . short(theirs(ratio[p])) : '')
end_of(p) = !same(p, ratio[p]) ? low[p] : high_of(has(ratio[p]) ? until(ratio[p]) : low[p], \
    published(ratio[p]) ? theirs(ratio[p]) : low[p])
above(s) = strlen(s) ? ' (' . s . ')' : ''
eval legend_of(2, 9 + strlen(above(source)))
across = small ? 1 : 2

do for [format in formats] {
    eval page(format, n_channels * (0.25 + 1.1 * name_lines))
    eval legend
    plot NaN notitle, keyentry with points pointtype 7 pointsize 1.2 linecolor rgb colour(1) \
        title 'measured' noenhanced, keyentry with points pointtype 12 pointsize 1.6 linewidth 2 \
        linecolor rgb 'black' title 'published' . above(source) noenhanced
    eval legend_end
    do for [p = 1:n_panels] {
        r = ratio[p]
        eval panel(p)
        eval axis(low[p], high[p], small ? 22 : 26)
        what = r ? 'ratio to ' . of_base[p] : of_unit[p]
        set xlabel what noenhanced offset 0, 0.5
        plot NaN notitle, file[p] using (same(p, r) ? ours(r) : NaN):(place(0)): \
            (from(r)):(until(r)) with xerrorbars pointtype 7 pointsize 1.2 linewidth 2 \
            linecolor rgb colour(1) title panel_name(p) . ', measured' noenhanced, \
            file[p] using (same(p, r) ? theirs(r) : NaN):(place(0)) with points pointtype 12 \
            pointsize 1.6 linewidth 2 linecolor rgb 'black' \
            title panel_name(p) . ', published' noenhanced, \
            file[p] using (end_of(p)):(place(0)):(says(p)) \
            with labels noenhanced left offset 0.9, 0 notitle
    }
    eval page_end
}
