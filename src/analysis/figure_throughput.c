/* The bar chart: a panel a probe, a bar a channel, the published value beside it. */
#include "analysis/figure.h"

#include <math.h>
#include <string.h>

#define PLOT_PIXELS      790
#define PIXELS_CHARACTER 8.0
/* Below so many characters a bar its label is turned, and stands in one line. */
#define ROTATED_BELOW 8
#define MAX_LINES     4 /* of a name below a bar; else it is turned, too */

struct bars {
    struct figure *figure;
    struct figure_file *file;
    const struct figure_sources *sources;
    size_t limit; /* characters below a bar */
    bool rotated;
    size_t references;
    size_t trials, least_trials; /* the most and the least that a bar stands for */
};

static bool is_bar(const struct dataset *dataset, const struct summary_row *row) {
    return row->headline && text_equal(dataset->probes[row->probe].metric, "throughput");
}

/* What went wrong with a channel's trials, in words; the caller's. */
static char *trouble(const struct summary_row *row) {
    char *words = text_copy("");

    for (int i = DATASET_OK + 1; i < DATASET_N_STATUSES; i++) {
        CLEANUP_FREE char *one =
            text_format("%zu %s", row->counts[i], dataset_status_word((enum dataset_status)i));

        if (row->counts[i])
            text_append(&words, ", ", one);
    }
    return words;
}

/* A channel's name, and below it what went wrong where a bar stands all the same. */
static char *bar_label(const struct bars *bars, const char *name, const char *words) {
    CLEANUP_FREE char *label = NULL, *below = NULL;

    if (bars->rotated)
        return *words ? text_format("%s (%s)", name, words) : text_copy(name);
    label = figure_wrap(name, bars->limit);
    below = figure_wrap(words, bars->limit);
    return *words ? text_format("%s\n(%s)", label, below) : text_copy(label);
}

static void put_number(struct figure_file *file, double value, bool published) {
    CLEANUP_FREE char *text = !isfinite(value) ? text_copy("")
                              : published      ? text_format("%.6g", value)
                                               : figure_number(value);

    figure_put_text(file, text);
}

static void put_bar(struct bars *bars, const struct summary_row *row, double width) {
    const struct statistics *statistics = &row->statistics;
    CLEANUP_FREE char *words = trouble(row), *label = NULL, *gap = NULL;
    bool measured = isfinite(statistics->mean), published = isfinite(row->reference);
    double slot = (double)row->channel + 1, aside = published ? width / 2 + 0.01 : 0;
    double top = fmax(fmax(measured ? statistics->mean : 0, 0), statistics->ci_high);

    label =
        bar_label(bars, bars->sources->dataset->channels[row->channel].name, measured ? words : "");
    gap = measured ? text_copy("") : figure_wrap(*words ? words : "no data", bars->limit);
    figure_fit_label(bars->figure, label);
    if (bars->rotated)
        figure_fit_gutter(bars->figure, label);
    figure_put_integer(bars->file, (int64_t)bars->figure->n_panels);
    figure_put_real(bars->file, slot);
    figure_put_tic(bars->file, label);
    figure_put_text(bars->file, bars->sources->dataset->channels[row->channel].name);
    figure_put_real(bars->file, width);
    figure_put_real(bars->file, slot - aside);
    figure_put_real(bars->file, slot + aside);
    figure_put_real(bars->file, statistics->mean);
    figure_put_real(bars->file, fmax(statistics->ci_low, 0 * statistics->ci_low));
    figure_put_real(bars->file, statistics->ci_high);
    figure_put_real(bars->file, row->reference);
    figure_put_real(bars->file, top);
    put_number(bars->file, statistics->mean, false);
    put_number(bars->file, row->reference, true);
    figure_put_text(bars->file, gap);
    figure_end_row(bars->file);
    bars->references += published;
    bars->trials = statistics->n > bars->trials ? statistics->n : bars->trials;
    bars->least_trials = statistics->n < bars->least_trials ? statistics->n : bars->least_trials;
}

/* The rows of one probe and variant, from rows[first]. Returns the place behind them. */
static size_t put_panel(struct bars *bars, size_t first) {
    const struct summary *summary = bars->sources->summary;
    const struct dataset *dataset = bars->sources->dataset;
    const struct summary_row *one = &summary->rows[first];
    size_t end = first;
    double peak = 0, width = 0.46;

    for (; end < summary->n_rows; end++) {
        const struct summary_row *row = &summary->rows[end];

        if (row->probe != one->probe || row->variant != one->variant)
            break;
        if (!is_bar(dataset, row))
            continue;
        width = isfinite(row->reference) ? 0.36 : width;
        peak =
            fmax(peak, fmax(fmax(row->statistics.mean, row->statistics.ci_high), row->reference));
    }
    figure_add_panel(bars->figure, one->probe, one->variant,
                     figure_metric_label(&dataset->probes[one->probe]),
                     (struct figure_axis){0, peak > 0 ? peak * 1.17 : 1, false, text_copy("")});
    for (size_t i = first; i < end; i++)
        if (is_bar(dataset, &summary->rows[i]))
            put_bar(bars, &summary->rows[i], width);
    return end;
}

static void add_legend(struct bars *bars) {
    const char *source = bars->sources->dataset->reference_source;

    figure_add_entry(bars->figure, 1,
                     bars->trials == bars->least_trials && bars->trials > 1
                         ? text_format("measured: mean of %zu trials, 95 %% interval", bars->trials)
                         : text_copy("measured: mean, 95 % interval"));
    if (bars->references)
        figure_add_entry(bars->figure, 2,
                         *source ? text_format("published (%s)", source) : text_copy("published"));
}

/* Whether names must be turned, because too little of them fits below a bar. */
static bool must_rotate(const struct dataset *dataset, size_t limit) {
    bool rotate = limit < ROTATED_BELOW;

    for (size_t c = 0; c < dataset->n_channels && !rotate; c++) {
        CLEANUP_FREE char *label = figure_wrap(dataset->channels[c].name, limit);

        rotate = figure_lines(label) > MAX_LINES;
    }
    return rotate;
}

static int make(struct figure *figure, const struct figure_sources *sources, struct error *error) {
    const struct summary *summary = sources->summary;
    double slots = (double)sources->dataset->n_channels + 0.2; /* as throughput.gp has them */
    size_t limit = (size_t)(PLOT_PIXELS / PIXELS_CHARACTER / slots);
    struct figure_file file = {.path = NULL};
    struct bars bars = {figure, &file, sources, limit, must_rotate(sources->dataset, limit),
                        0,      0,     SIZE_MAX};
    int r = figure_file_open(&file, sources->folder, "throughput.csv",
                             "panel,slot,label,name,width,x_mean,x_reference,mean,low,high,"
                             "reference,top,mean_text,reference_text,gap",
                             error);

    if (r < 0)
        return r;
    for (size_t i = 0; i < summary->n_rows;)
        i = is_bar(sources->dataset, &summary->rows[i]) ? put_panel(&bars, i) : i + 1;
    if (figure->n_panels)
        add_legend(&bars);
    else
        figure->why = text_copy("no probe of this run measures throughput");
    return figure_file_close(&file, error);
}

const struct figure_kind figure_throughput = {"throughput", make};
