/*
 * Every trial in the order of time, a panel a probe. Channels may be far apart, and what is looked
 * for is drift and what stands out: so each value is shown by how far it is from its own channel's
 * median, where all medians of a panel are above 0.
 */
#include "report/figure.h"

#include "report/figure_thin.h"

#include <math.h>
#include <string.h>

#define MAX_BANDS 150 /* blocks that can be told apart in a picture */

struct unit_of_time {
    const char *label;
    double ms;
};

struct trials {
    struct figure *figure;
    const struct figure_sources *sources;
    struct figure_file dots, marks, bands, axis;
    bool timed; /* else trials are numbered */
    int64_t start_ms;
    double end; /* of the axis */
    struct unit_of_time unit;
    size_t drawn, all, failed, void_;
};

static bool is_tried(const struct dataset_trial *trial) {
    return trial->status != DATASET_SKIPPED;
}

/* ---- the axis of time ---- */

static struct unit_of_time choose_unit(double ms) {
    static const struct unit_of_time units[] = {
        {"Time since the first trial (s)", 1e3},
        {"Time since the first trial (min)", 6e4},
        {"Time since the first trial (h)", 3.6e6},
        {"Time since the first trial (days)", 8.64e7},
    };
    size_t i = 0;

    while (i + 1 < ARRAY_SIZE(units) && ms > 3 * units[i + 1].ms)
        i++;
    return units[i];
}

static double place_of(const struct trials *trials, size_t trial) {
    const struct dataset_trial *one = &trials->sources->dataset->trials[trial];

    return trials->timed ? (double)(one->started_ms - trials->start_ms) / trials->unit.ms
                         : (double)trial + 1;
}

static void find_time(struct trials *trials) {
    const struct dataset *dataset = trials->sources->dataset;
    int64_t first = INT64_MAX, last = 0;

    trials->timed = true;
    for (size_t i = 0; i < dataset->n_trials; i++) {
        int64_t ms = dataset->trials[i].started_ms;

        if (!is_tried(&dataset->trials[i]))
            continue;
        trials->timed = trials->timed && ms > 0;
        first = ms < first ? ms : first;
        last = ms > last ? ms : last;
    }
    trials->start_ms = first;
    trials->unit = trials->timed && last > first ? choose_unit((double)(last - first))
                   : trials->timed
                       ? choose_unit(0)
                       : (struct unit_of_time){"Trial (when they began is not known)", 1};
    trials->end =
        trials->timed ? (double)(last - first) / trials->unit.ms : (double)dataset->n_trials;
    if (!(trials->end > 0))
        trials->end = 1;
}

/* ---- dots ---- */

static int compare_reals(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

struct series {
    double *x, *y;
    size_t n;
    double median;
};

static struct series series_of(const struct trials *trials, const struct cell *cell) {
    struct series series = {memory_new(cell->n, sizeof(double)),
                            memory_new(cell->n, sizeof(double)), 0, NAN};
    CLEANUP_FREE double *sorted = memory_new(cell->n, sizeof(*sorted));

    for (size_t i = 0; i < cell->n; i++) {
        const struct dataset_trial *trial = &trials->sources->dataset->trials[cell->trials[i]];

        if (trial->status != DATASET_OK)
            continue;
        series.x[series.n] = place_of(trials, cell->trials[i]);
        series.y[series.n++] = trial->value;
    }
    memcpy(sorted, series.y, series.n * sizeof(*sorted));
    qsort(sorted, series.n, sizeof(*sorted), compare_reals);
    series.median = statistics_quantile(sorted, series.n, 0.5);
    return series;
}

static void put_series(struct trials *trials, size_t channel, const struct series *series) {
    size_t room = FIGURE_POINTS / trials->sources->dataset->n_channels;
    CLEANUP_FREE bool *keep = memory_new(series->n, sizeof(*keep));

    if (series->n > room)
        figure_thin_spans(series->x, series->y, series->n, room / 2 ? room / 2 : 1, keep);
    else
        memset(keep, true, series->n);
    for (size_t i = 0; i < series->n; i++) {
        if (!keep[i])
            continue;
        trials->drawn++;
        figure_put_integer(&trials->dots, (int64_t)trials->figure->n_panels + 1);
        figure_put_integer(&trials->dots, (int64_t)channel + 1);
        figure_put_real(&trials->dots, series->x[i]);
        figure_put_real(&trials->dots, series->y[i]);
        figure_end_row(&trials->dots);
    }
    trials->all += series->n;
}

/* The cells of one probe and variant. */
static void put_panel(struct trials *trials, const struct cell *row) {
    const struct dataset *dataset = trials->sources->dataset;
    CLEANUP_FREE struct series *list = memory_new(dataset->n_channels, sizeof(*list));
    struct figure_range range = FIGURE_RANGE_NONE;
    bool relative = true;

    for (size_t c = 0; c < dataset->n_channels; c++) {
        list[c] = series_of(trials, &row[c]);
        relative = relative && (!list[c].n || list[c].median > 0);
    }
    for (size_t c = 0; c < dataset->n_channels; c++) {
        for (size_t i = 0; i < list[c].n; i++) {
            if (relative)
                list[c].y[i] = 100 * (list[c].y[i] / list[c].median - 1);
            figure_range_add(&range, list[c].y[i]);
        }
        put_series(trials, c, &list[c]);
        free(list[c].x);
        free(list[c].y);
    }
    if (relative) { /* what is nothing shall look like nothing */
        figure_range_add(&range, -1);
        figure_range_add(&range, 1);
    }
    figure_add_panel(trials->figure, row->probe, row->variant,
                     relative ? text_copy("From median (%)")
                              : figure_metric_label(&dataset->probes[row->probe]),
                     figure_axis_fit(range, INFINITY));
}

/* ---- what is no value, and blocks ---- */

/* Marks for the trials that failed or are void, also in attempts that do not count. */
static void put_marks(struct trials *trials) {
    const struct dataset *dataset = trials->sources->dataset;

    for (size_t i = 0; i < dataset->n_trials; i++) {
        const struct dataset_trial *trial = &dataset->trials[i];
        bool failed = trial->status == DATASET_FAILED, is_void = trial->status == DATASET_VOID;

        if (!failed && !is_void)
            continue;
        for (size_t p = 0; p < trials->figure->n_panels; p++) {
            const struct figure_panel *panel = &trials->figure->panels[p];

            if (panel->probe != trial->probe || panel->variant != trial->variant)
                continue;
            figure_put_integer(&trials->marks, (int64_t)p + 1);
            figure_put_integer(&trials->marks, (int64_t)trial->channel + 1);
            figure_put_real(&trials->marks, place_of(trials, i));
            figure_put_text(&trials->marks, dataset_status_word(trial->status));
            figure_end_row(&trials->marks);
            trials->failed += failed;
            trials->void_ += is_void;
        }
    }
}

struct band {
    long block;
    double from, to;
};

/* From the first to the last trial of each block, in the order of the blocks' beginnings. */
static struct band *find_bands(const struct trials *trials, size_t *ret_n) {
    const struct dataset *dataset = trials->sources->dataset;
    struct band *bands = memory_new(dataset->n_counted, sizeof(*bands));
    size_t n = 0;

    for (size_t i = 0; i < dataset->n_trials; i++) {
        const struct dataset_trial *trial = &dataset->trials[i];
        double x = trial->used && is_tried(trial) ? place_of(trials, i) : NAN;
        size_t k = n;

        if (isnan(x))
            continue;
        while (k && bands[k - 1].block != trial->block) /* nearly always the last */
            k--;
        if (!k && n < dataset->n_counted)
            bands[n++] = (struct band){trial->block, x, x};
        else if (k)
            bands[k - 1] =
                (struct band){trial->block, fmin(bands[k - 1].from, x), fmax(bands[k - 1].to, x)};
    }
    *ret_n = n;
    return bands;
}

static int compare_bands(const void *a, const void *b) {
    const struct band *x = a, *y = b;

    return (x->from > y->from) - (x->from < y->from);
}

/* Each band goes on to the next; every other one is drawn. Returns what is to be said of them. */
static const char *put_bands(struct trials *trials) {
    CLEANUP_FREE struct band *bands = NULL;
    size_t n;

    if (trials->sources->dataset->n_counted > MAX_BANDS)
        return "Blocks are too many to be shown.";
    bands = find_bands(trials, &n);
    qsort(bands, n, sizeof(*bands), compare_bands);
    for (size_t i = 0; i + 1 < n; i++)
        if (bands[i].to > bands[i + 1].from)
            return "Blocks overlap in time and are not shown.";
    for (size_t i = 0; i < n; i++) {
        if (i % 2)
            continue;
        figure_put_real(&trials->bands, bands[i].from);
        figure_put_real(&trials->bands, i + 1 < n ? bands[i + 1].from : trials->end * 1.01);
        figure_end_row(&trials->bands);
    }
    return n > 1 ? "Bands are blocks." : "";
}

/* ---- all of it ---- */

static void put_note(struct trials *trials, const char *of_blocks) {
    CLEANUP_FREE char *thinned =
        trials->drawn < trials->all
            ? text_format("%zu of %zu trials are drawn: of each span of time, each channel's least "
                          "and greatest value.",
                          trials->drawn, trials->all)
            : text_copy("");

    trials->figure->note =
        text_format("Each value's distance from the median of its channel and panel. %s%s%s",
                    of_blocks, *of_blocks && *thinned ? " " : "", thinned);
}

static void put_all(struct trials *trials) {
    const struct cells *cells = trials->sources->cells;
    const struct dataset *dataset = trials->sources->dataset;
    const char *of_blocks;

    find_time(trials);
    for (size_t i = 0; i < cells->n; i += dataset->n_channels) {
        size_t tried = 0;

        for (size_t c = 0; c < dataset->n_channels; c++)
            for (size_t k = 0; k < cells->list[i + c].n; k++)
                tried += is_tried(&dataset->trials[cells->list[i + c].trials[k]]);
        if (tried)
            put_panel(trials, &cells->list[i]);
    }
    put_marks(trials);
    of_blocks = put_bands(trials);
    figure_put_real(&trials->axis, -0.01 * trials->end);
    figure_put_real(&trials->axis, 1.01 * trials->end);
    figure_put_text(&trials->axis, trials->unit.label);
    figure_end_row(&trials->axis);
    if (!trials->figure->n_panels) {
        trials->figure->why = text_copy("the run has no trials");
        return;
    }
    put_note(trials, of_blocks);
    figure_add_channels(trials->figure, dataset);
    if (trials->failed)
        figure_add_entry(trials->figure, dataset->n_channels + 1, text_copy("failed"));
    if (trials->void_)
        figure_add_entry(trials->figure, dataset->n_channels + 2, text_copy("void"));
}

static int make(struct figure *figure, const struct figure_sources *sources, struct error *error) {
    struct trials trials = {.figure = figure, .sources = sources};
    struct {
        struct figure_file *file;
        const char *name, *header;
    } files[] = {
        {&trials.dots, "trials.csv", "panel,channel,x,y"},
        {&trials.marks, "trials-marks.csv", "panel,channel,x,status"},
        {&trials.bands, "trials-bands.csv", "from,to"},
        {&trials.axis, "trials-axis.csv", "low,high,label"},
    };
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(files) && r == 0; i++)
        r = figure_file_open(files[i].file, sources->folder, files[i].name, files[i].header, error);
    if (r == 0)
        put_all(&trials);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        int closed = figure_file_close(files[i].file, r < 0 ? NULL : error);

        r = r < 0 ? r : closed;
    }
    return r;
}

const struct figure_kind figure_trials = {"trials", make};
