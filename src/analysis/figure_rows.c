/* Figures with a row a channel: the distribution of its values, its ratio to the baseline. */
#include "analysis/figure.h"

#include "analysis/figure_thin.h"
#include "analysis/number.h"

#include <math.h>
#include <string.h>

/* Axes whose highest value is more than so many times the lowest are logarithmic. */
#define DISTRIBUTION_LOG_ABOVE 30
#define RATIO_LOG_ABOVE        3

/* ---- distribution ---- */

struct distribution {
    struct figure *figure;
    const struct figure_sources *sources;
    struct figure_file dots, boxes;
    size_t step; /* the largest that was needed */
};

/* A dot's place across its row, -0.5 .. 0.5: steps of the golden ratio fill it evenly and never
 * repeat, and are the same in every report. */
static double jitter(size_t i) {
    return fmod((double)(i + 1) * 0.61803398874989485, 1) - 0.5;
}

static void put_dots(struct distribution *all, const struct cell *cell, const double *values,
                     size_t n) {
    size_t room = FIGURE_POINTS / all->sources->dataset->n_channels;
    size_t step = n > room ? (n + room - 1) / (room ? room : 1) : 1;
    CLEANUP_FREE bool *keep = memory_new(n, sizeof(*keep));

    figure_thin_every(values, n, step, keep);
    all->step = step > all->step ? step : all->step;
    for (size_t i = 0; i < n; i++) {
        if (!keep[i])
            continue;
        figure_put_integer(&all->dots, (int64_t)all->figure->n_panels + 1);
        figure_put_integer(&all->dots, (int64_t)cell->channel + 1);
        figure_put_real(&all->dots, values[i]);
        figure_put_real(&all->dots, jitter(i / step));
        figure_end_row(&all->dots);
    }
}

/* The values are sorted. */
static void put_box(struct distribution *all, const struct cell *cell, const double *values,
                    size_t n, int decimals) {
    CLEANUP_FREE char *words = NULL, *median = NULL;

    median = number_text(statistics_quantile(values, n, 0.5), decimals);
    words = n ? text_format("median %s, n = %zu", median, n) : text_copy("no data");
    figure_fit_gutter(all->figure, words);
    figure_put_integer(&all->boxes, (int64_t)all->figure->n_panels + 1);
    figure_put_integer(&all->boxes, (int64_t)cell->channel + 1);
    figure_put_real(&all->boxes, statistics_quantile(values, n, 0.25));
    figure_put_real(&all->boxes, statistics_quantile(values, n, 0.5));
    figure_put_real(&all->boxes, statistics_quantile(values, n, 0.75));
    figure_put_text(&all->boxes, words);
    figure_end_row(&all->boxes);
}

/* As many as the table has: medians that differ shall be seen to. */
static int decimals_of(const struct figure_sources *sources, const struct cell *row) {
    size_t n = sources->dataset->n_channels;
    CLEANUP_FREE const struct summary_row **rows = memory_new(n, sizeof(*rows));

    for (size_t c = 0; c < n; c++)
        rows[c] = summary_find(sources->summary, row->probe, c, row->variant);
    return summary_decimals(rows, n);
}

/* The cells of one probe and variant. */
static void put_distributions(struct distribution *all, const struct cell *row) {
    const struct dataset *dataset = all->sources->dataset;
    struct figure_range range = FIGURE_RANGE_NONE;
    int decimals = decimals_of(all->sources, row);

    for (size_t c = 0; c < dataset->n_channels; c++) {
        CLEANUP_FREE double *values = memory_new(row[c].n, sizeof(*values));
        size_t n = cells_values(all->sources->cells, &row[c], values, NULL);

        for (size_t i = 0; i < n; i++)
            figure_range_add(&range, values[i]);
        put_dots(all, &row[c], values, n);
        statistics_sort(values, n);
        put_box(all, &row[c], values, n, decimals);
    }
    figure_add_panel(all->figure, row->probe, row->variant,
                     figure_metric_label(&dataset->probes[row->probe]),
                     figure_axis_fit(range, DISTRIBUTION_LOG_ABOVE));
}

/* Whether any trial of a probe and variant is ok. */
static bool has_values(const struct figure_sources *sources, const struct cell *row) {
    for (size_t c = 0; c < sources->dataset->n_channels; c++)
        for (size_t i = 0; i < row[c].n; i++)
            if (sources->dataset->trials[row[c].trials[i]].status == DATASET_OK)
                return true;
    return false;
}

static int make_distribution(struct figure *figure, const struct figure_sources *sources,
                             struct error *error) {
    struct distribution all = {figure, sources, {.path = NULL}, {.path = NULL}, 1};
    int r = figure_file_open(&all.dots, sources->folder, "distribution.csv",
                             "panel,channel,value,jitter", error);
    int closed;

    if (r == 0)
        r = figure_file_open(&all.boxes, sources->folder, "distribution-boxes.csv",
                             "panel,channel,q1,median,q3,text", error);
    for (size_t i = 0; r == 0 && i < sources->cells->n; i += sources->dataset->n_channels)
        if (has_values(sources, &sources->cells->list[i]))
            put_distributions(&all, &sources->cells->list[i]);
    if (!figure->n_panels)
        figure->why = text_copy("no trial of this run is ok");
    if (all.step > 1)
        figure->note = text_format("One trial in %zu is drawn, and each channel's least and "
                                   "greatest; boxes are of all trials.",
                                   all.step);
    closed = figure_file_close(&all.dots, r < 0 ? NULL : error);
    r = r < 0 ? r : closed;
    closed = figure_file_close(&all.boxes, r < 0 ? NULL : error);
    return r < 0 ? r : closed;
}

const struct figure_kind figure_distribution = {"distribution", make_distribution};

/* ---- ratios ---- */

/* "0.324 (0.318 .. 0.331)" */
static char *ratio_text(const struct paired *paired) {
    CLEANUP_FREE char *ratio = NULL, *interval = NULL;

    if (!isfinite(paired->ratio))
        return text_copy("no ratio");
    if (!isfinite(paired->ci_low) || !isfinite(paired->ci_high))
        return text_format("%.3g", paired->ratio);
    ratio = number_ratio(paired->ratio);
    interval = number_ratio_range(paired->ci_low, paired->ci_high);
    return text_format("%s (%s)", ratio, interval);
}

/* The name, and below it what a control is; behind it where a second line would make many rows
 * higher. */
static char *ratio_label(const struct dataset *dataset, const struct comparison *comparison) {
    const struct dataset_channel *channel = &dataset->channels[comparison->channel];
    CLEANUP_FREE char *name = figure_wrap(channel->name, 30);
    enum dataset_control demand = dataset_demand(dataset, comparison->probe, comparison->channel);

    if (dataset->n_channels > FIGURE_MANY && demand != DATASET_SUBJECT)
        return text_format("%s (%s)", name,
                           demand == DATASET_UNCONCERNED ? "no control" : "control");
    switch (demand) {
    case DATASET_SAME:
        return text_format("%s\n(control: same)", name);
    case DATASET_SLOWED:
        return text_format("%s\n(control: slowed by %g %%)", name, channel->loss * 100);
    case DATASET_UNCONCERNED:
        return text_format("%s\n(control: none here)", name);
    default:
        return text_copy(name);
    }
}

static void put_ratio(struct figure_file *file, struct figure *figure,
                      const struct comparison *comparison, const struct dataset *dataset,
                      size_t place) {
    const struct paired *paired = &comparison->paired;
    const char *verdict = comparison->skipped ? "skipped" : verdict_word(comparison->verdict);
    CLEANUP_FREE char *words = ratio_text(paired), *both = text_format("%s %s", words, verdict);
    CLEANUP_FREE char *label = ratio_label(dataset, comparison);

    figure_fit_gutter(figure, both);
    figure_fit_label(figure, label);
    figure_put_integer(file, (int64_t)figure->n_panels + 1);
    figure_put_integer(file, (int64_t)comparison->channel + 1);
    figure_put_integer(file, (int64_t)place);
    figure_put_text(file, dataset->channels[comparison->channel].name);
    figure_put_tic(file, label);
    figure_put_real(file, paired->ratio);
    figure_put_real(file, paired->ci_low);
    figure_put_real(file, paired->ci_high);
    figure_put_real(file, paired->narrow_low);
    figure_put_real(file, paired->narrow_high);
    figure_put_text(file, words);
    figure_put_text(file, verdict);
    figure_end_row(file);
}

/* The axis holds all ratios and the band; an interval that leaves it by far is cut. */
static struct figure_axis ratio_axis(const struct comparison *list, size_t n, double margin) {
    struct figure_range range = FIGURE_RANGE_NONE, ratios;

    figure_range_add(&range, 1 - 1.5 * margin);
    figure_range_add(&range, 1 + 1.5 * margin);
    for (size_t i = 0; i < n; i++)
        figure_range_add(&range, list[i].paired.ratio);
    ratios = range;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(list[i].paired.ci_low) || !isfinite(list[i].paired.ci_high))
            continue;
        figure_range_add(&range, fmax(list[i].paired.ci_low, ratios.low / 10));
        figure_range_add(&range, fmin(list[i].paired.ci_high, ratios.high * 10));
    }
    return figure_axis_fit(range, RATIO_LOG_ABOVE);
}

/* Readers take more for better, as it is of throughput: said where it is not so. */
static const char *direction_of(const struct dataset_probe *probe) {
    return text_equal(probe->better, "lower") ? " (lower is better)" : "";
}

/* The comparisons of one probe and variant from list[first]. Returns the place behind them. */
static size_t put_ratios(struct figure_file *file, struct figure *figure,
                         const struct figure_sources *sources, size_t first) {
    const struct comparison *list = sources->comparisons->list;
    const struct dataset *dataset = sources->dataset;
    size_t end = first;
    char *metric = figure_metric_label(&dataset->probes[list[first].probe]);

    *strrchr(metric, '(') = '\0'; /* a ratio has no unit */
    for (; end < sources->comparisons->n_declared && list[end].probe == list[first].probe &&
           list[end].variant == list[first].variant;
         end++)
        put_ratio(file, figure, &list[end], dataset, end - first + 1);
    figure_add_panel(figure, list[first].probe, list[first].variant,
                     text_format("%srelative to %s%s", metric,
                                 dataset->channels[list[first].baseline].name,
                                 direction_of(&dataset->probes[list[first].probe])),
                     ratio_axis(&list[first], end - first, dataset->margin));
    free(metric);
    return end;
}

static int make_ratios(struct figure *figure, const struct figure_sources *sources,
                       struct error *error) {
    struct figure_file file = {.path = NULL}, band = {.path = NULL};
    double margin = sources->dataset->margin;
    CLEANUP_FREE char *words = text_format("equivalent: %g .. %g", 1 - margin, 1 + margin);
    int closed, r = figure_file_open(&file, sources->folder, "ratios.csv",
                                     "panel,channel,row,name,label,ratio,low,high,narrow_low,"
                                     "narrow_high,text,verdict",
                                     error);

    if (r == 0)
        r = figure_file_open(&band, sources->folder, "ratios-band.csv", "low,high,text", error);
    if (r == 0) {
        figure_put_real(&band, 1 - margin);
        figure_put_real(&band, 1 + margin);
        figure_put_text(&band, words);
        figure_end_row(&band);
        for (size_t i = 0; i < sources->comparisons->n_declared;)
            i = put_ratios(&file, figure, sources, i);
    }
    if (figure->n_panels)
        figure->note = text_copy("Thin: 95 % interval; thick: 90 % interval, which must lie in the "
                                 "band to be equivalent. All ratios are within blocks.");
    else
        figure->why = text_copy("there is nothing to compare: one channel only, or no baseline");
    closed = figure_file_close(&file, r < 0 ? NULL : error);
    r = r < 0 ? r : closed;
    closed = figure_file_close(&band, r < 0 ? NULL : error);
    return r < 0 ? r : closed;
}

const struct figure_kind figure_ratios = {"ratios", make_ratios};
