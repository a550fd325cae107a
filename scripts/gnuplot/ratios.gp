# title: Every channel relative to the baseline
# caption: Ratios within blocks with their 95 % confidence intervals. The green band is the margin
#     of equivalence; diamonds are published ratios, where there are any.
run = ARG1; out = ARG2; kind = ARG3
csv = 'table.csv'; keep(x) = strlen(strcol('verdict'))
load ARG0[1:strlen(ARG0) - strlen('ratios.gp')] . 'style.gp'
n_ratios = 0
stats csv using (n_ratios = n_ratios + (keep(0) && strlen(strcol('ratio'))), 0) nooutput
n_panels = n_ratios ? n_panels : 0
eval left_out('ratios is left out: there is nothing to compare with a baseline')
eval read_units

# One axis for the panels of a metric, from the least to the greatest interval.
measured(p) = keep(0) && strcol('metric') eq metric[p] && strlen(strcol('ratio'))
# Where it can be compared. An empty field at the end of a row is what gnuplot 5.4 read before.
published(x) = keep(0) && strlen(strcol('reference_ratio')) && strcol('comparable_ratio') eq 'yes'
theirs(x) = published(0) ? 100 * column('reference_ratio') : NaN
any = 0
array low[n_panels]; array high[n_panels]
do for [p = 1:n_panels] {
    a = 100 - 1.5 * margin; b = 100 + 1.5 * margin
    stats csv using (measured(p) ? (a = low_of(a, 100 * text('ratio_low', column('ratio'))), \
        b = high_of(b, 100 * text('ratio_high', column('ratio'))), published(0) ? \
        (any = 1, a = low_of(a, theirs(0)), b = high_of(b, theirs(0)), 0) : 0) : 0) nooutput
    low[p] = a; high[p] = b
}
compared(p) = here(p) && strlen(strcol('ratio'))
ratio(name, p) = compared(p) ? 100 * text(name, column('ratio')) : NaN
verdicts = 'equivalent slower faster undecided'
amounts = 'equivalent more less undecided' # of what is no matter of speed
is_verdict(v) = strcol('verdict') eq word(verdicts, v) || strcol('verdict') eq word(amounts, v)
says(p, v) = here(p) && is_verdict(v)
# "slower, more" where there are such panels, or nothing else.
array speeds[4]; array amount[4]
do for [v = 1:4] { speeds[v] = 0; amount[v] = 0 }
do for [v = 2:3] {
    stats csv using (keep(0) ? (speeds[v] = speeds[v] || strcol('verdict') eq word(verdicts, v), \
        amount[v] = amount[v] || strcol('verdict') eq word(amounts, v), 0) : 0) nooutput
}
verdict_name(v) = !amount[v] ? word(verdicts, v) : \
    speeds[v] ? word(verdicts, v) . ', ' . word(amounts, v) : word(amounts, v)
look(v) = word('#009E73 #D55E00 #0072B2 #555555', v)
shape(v) = int(word('7 11 9 6', v))
diamond = "with points pointtype 12 pointsize 1.6 linewidth 2 linecolor rgb 'black' "
# A loop of no steps would be gone through once.
key_of_theirs = any ? ', keyentry ' . diamond . "title 'published' . from noenhanced" : ''
plot_of_theirs = any ? ', csv using (of(p) ? theirs(0) : NaN):(place(0)) ' . diamond . \
    "title panel_name(p) . ', published' noenhanced" : ''
from = strlen(source) ? ' (' . source . ')' : ''
across = any && !small ? 2 : across # room for what was published
eval legend_of(5 + any, any ? 9 + strlen(from) : 14)

do for [format in formats] {
    eval page(format, n_channels * (0.25 + 1.1 * name_lines))
    eval legend
    plot NaN notitle, for [v = 1:4] keyentry with points pointtype shape(v) pointsize 1.2 \
        linecolor rgb look(v) title verdict_name(v) noenhanced, \
        keyentry with boxes fillcolor rgb '#d9ead3' title sprintf('margin of %g %%', margin) \
        @key_of_theirs
    eval legend_end
    do for [p = 1:n_panels] {
        eval panel(p)
        eval axis(low[p], high[p], any ? 22 : 7.5)
        set xlabel spaced(metric[p]) . ', % of ' . baseline noenhanced offset 0, 0.5
        set object 1 rectangle from 100 - margin, graph 0 to 100 + margin, graph 1 behind \
            fillstyle solid 1.0 noborder fillcolor rgb '#d9ead3'
        set arrow 1 from 100, graph 0 to 100, graph 1 nohead back linecolor rgb grey
        plot NaN notitle, for [v = 1:4] csv using \
            (says(p, v) ? ratio('ratio', p) : NaN):(place(0)): \
            (ratio('ratio_low', p)):(ratio('ratio_high', p)) \
            with xerrorbars pointtype shape(v) pointsize 1.2 linewidth 2 linecolor rgb look(v) \
            title panel_name(p) . ', ' . verdict_name(v) noenhanced, \
            csv using (compared(p) ? published(0) ? high_of(ratio('ratio_high', p), theirs(0)) : \
            ratio('ratio_high', p) : 100):(place(0)): \
            (compared(p) ? short(ratio('ratio', p)) . ' %' . (published(0) ? \
            sprintf(', published %s %%', short(theirs(0))) : '') : \
            here(p) ? strcol('verdict') : '') \
            with labels noenhanced left offset 0.9, 0 notitle @plot_of_theirs
        unset object 1; unset arrow 1
    }
    eval page_end
}
