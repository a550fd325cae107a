/*
 * Every trial in the order of time, a panel a probe. Channels may be far apart, and what is looked
 * for is drift and what stands out: so each value is shown by how far it is from its own channel's
 * median, where all medians of a panel are above 0.
 */
#include "analysis/figure_trials.h"

#include "analysis/figure_thin.h"

#include <math.h>
#include <string.h>

/* ---- the axis of time ---- */

static struct figure_time choose_unit(double ms) {
    static const struct figure_time units[] = {
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

double figure_trials_place(const struct figure_trials *trials, size_t trial) {
    const struct dataset_trial *one = &trials->sources->dataset->trials[trial];

    return trials->timed ? (double)(one->started_ms - trials->start_ms) / trials->unit.ms
                         : (double)trial + 1;
}

static void find_time(struct figure_trials *trials) {
    const struct dataset *dataset = trials->sources->dataset;
    int64_t first = INT64_MAX, last = 0;

    trials->timed = true;
    for (size_t i = 0; i < dataset->n_trials; i++) {
        int64_t ms = dataset->trials[i].started_ms;

        if (!figure_trials_tried(&dataset->trials[i]))
            continue;
        trials->timed = trials->timed && ms > 0;
        first = ms < first ? ms : first;
        last = ms > last ? ms : last;
    }
    trials->start_ms = first;
    trials->unit = trials->timed && last > first ? choose_unit((double)(last - first))
                   : trials->timed
                       ? choose_unit(0)
                       : (struct figure_time){"Trial (when they began is not known)", 1};
    trials->end =
        trials->timed ? (double)(last - first) / trials->unit.ms : (double)dataset->n_trials;
    if (!(trials->end > 0))
        trials->end = 1;
}

/* ---- dots ---- */

struct series {
    double *x, *y;
    size_t n;
    double median;
};

static struct series series_of(const struct figure_trials *trials, const struct cell *cell) {
    struct series series = {memory_new(cell->n, sizeof(double)),
                            memory_new(cell->n, sizeof(double)), 0, NAN};
    CLEANUP_FREE double *sorted = memory_new(cell->n, sizeof(*sorted));

    for (size_t i = 0; i < cell->n; i++) {
        const struct dataset_trial *trial = &trials->sources->dataset->trials[cell->trials[i]];

        if (trial->status != DATASET_OK)
            continue;
        series.x[series.n] = figure_trials_place(trials, cell->trials[i]);
        series.y[series.n++] = trial->value;
    }
    memcpy(sorted, series.y, series.n * sizeof(*sorted));
    statistics_sort(sorted, series.n);
    series.median = statistics_quantile(sorted, series.n, 0.5);
    return series;
}

static void put_series(struct figure_trials *trials, size_t channel, const struct series *series) {
    size_t room = FIGURE_POINTS / trials->sources->dataset->n_channels;
    CLEANUP_FREE bool *keep = memory_new(series->n, sizeof(*keep));
    size_t step = series->n > room ? 2 * series->n / (room + 1) + 1 : 1;

    if (step > 1) /* half of them extremes, half of them any */
        figure_thin_spans(series->x, series->y, series->n, room / 4 + 1, keep);
    trials->step = step > trials->step ? step : trials->step;
    for (size_t i = 0; i < series->n; i++) {
        if (!keep[i] && i % step)
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

/* Takes out of the series what lies beyond `inside`, and writes it down at the edges. */
static void put_beyond(struct figure_trials *trials, size_t channel, struct series *series,
                       struct figure_range inside, const struct figure_axis *axis) {
    double room = 0.12 * (axis->high - axis->low);
    size_t kept = 0;

    for (size_t i = 0; i < series->n; i++) {
        double y = series->y[i];

        if (y >= inside.low && y <= inside.high) {
            series->x[kept] = series->x[i];
            series->y[kept++] = y;
            continue;
        }
        CLEANUP_FREE char *text = text_format("%+.3g %%", y);

        trials->n_beyond++;
        trials->drawn++;
        trials->all++;
        figure_put_integer(&trials->beyond, (int64_t)trials->figure->n_panels + 1);
        figure_put_integer(&trials->beyond, (int64_t)channel + 1);
        figure_put_real(&trials->beyond, series->x[i]);
        figure_put_real(&trials->beyond, y < inside.low ? axis->low + room : axis->high - room);
        figure_put_text(&trials->beyond, text);
        figure_end_row(&trials->beyond);
    }
    series->n = kept;
}

/* The values of all series, as one list; the caller's. */
static double *gather(const struct series *list, size_t n_series, size_t *ret_n) {
    double *all;
    size_t n = 0;

    for (size_t i = 0; i < n_series; i++)
        n += list[i].n;
    all = memory_new(n, sizeof(*all));
    n = 0;
    for (size_t i = 0; i < n_series; i++) {
        memcpy(all + n, list[i].y, list[i].n * sizeof(*all));
        n += list[i].n;
    }
    *ret_n = n;
    return all;
}

/* The axis of a panel, for the values inside, with some room for those that lie beyond. */
static struct figure_axis find_axis(const double *values, size_t n, bool relative,
                                    struct figure_range inside) {
    struct figure_range range = FIGURE_RANGE_NONE;
    bool below = false, above = false;
    double room;

    for (size_t i = 0; i < n; i++) {
        below = below || values[i] < inside.low;
        above = above || values[i] > inside.high;
        if (values[i] >= inside.low && values[i] <= inside.high)
            figure_range_add(&range, values[i]);
    }
    if (relative) { /* what is nothing shall look like nothing */
        figure_range_add(&range, -1);
        figure_range_add(&range, 1);
    }
    room = (range.high - range.low) / 4;
    range.low -= below ? room : 0;
    range.high += above ? room : 0;
    return figure_axis_fit(range, INFINITY);
}

/* Values as distances from their median in percent, if no median forbids it. */
static bool make_relative(struct series *list, size_t n_series) {
    for (size_t c = 0; c < n_series; c++)
        if (list[c].n && !(list[c].median > 0))
            return false;
    for (size_t c = 0; c < n_series; c++)
        for (size_t i = 0; i < list[c].n; i++)
            list[c].y[i] = 100 * (list[c].y[i] / list[c].median - 1);
    return true;
}

/* The cells of one probe and variant. */
static void put_panel(struct figure_trials *trials, const struct cell *row) {
    const struct dataset *dataset = trials->sources->dataset;
    CLEANUP_FREE struct series *list = memory_new(dataset->n_channels, sizeof(*list));
    CLEANUP_FREE double *values = NULL;
    struct figure_range inside;
    struct figure_axis axis;
    bool relative;
    size_t n;

    for (size_t c = 0; c < dataset->n_channels; c++)
        list[c] = series_of(trials, &row[c]);
    relative = make_relative(list, dataset->n_channels);
    values = gather(list, dataset->n_channels, &n);
    inside =
        relative ? figure_thin_inside(values, n, 0.1) : (struct figure_range){-INFINITY, INFINITY};
    if (relative) /* the axis shows so much in any case */
        inside = (struct figure_range){fmin(inside.low, -1), fmax(inside.high, 1)};
    axis = find_axis(values, n, relative, inside);
    trials->absolute = trials->absolute || !relative;
    for (size_t c = 0; c < dataset->n_channels; c++) {
        put_beyond(trials, c, &list[c], inside, &axis);
        put_series(trials, c, &list[c]);
        free(list[c].x);
        free(list[c].y);
    }
    figure_add_panel(trials->figure, row->probe, row->variant,
                     relative ? text_copy("From median (%)")
                              : figure_metric_label(&dataset->probes[row->probe]),
                     axis);
}

/* ---- all of it ---- */

static void add_note(struct figure_trials *trials, const char *words) {
    if (*words)
        text_append(&trials->figure->note, " ", words);
}

static void put_note(struct figure_trials *trials, const char *of_blocks) {
    CLEANUP_FREE char *thinned = text_format(
        "%zu of %zu trials are drawn: one in %zu, and of each span of time each channel's "
        "least and greatest.",
        trials->drawn, trials->all, trials->step);

    trials->figure->note =
        text_copy("Each value's distance from the median of its channel and panel.");
    add_note(trials, trials->absolute ? "Where a median is not above 0: the values." : "");
    add_note(trials, of_blocks);
    add_note(trials, trials->n_beyond ? "Ringed: beyond the axis." : "");
    add_note(trials, trials->drawn < trials->all ? thinned : "");
}

static void put_all(struct figure_trials *trials) {
    const struct cells *cells = trials->sources->cells;
    const struct dataset *dataset = trials->sources->dataset;
    const char *of_blocks;

    find_time(trials);
    for (size_t i = 0; i < cells->n; i += dataset->n_channels) {
        size_t tried = 0;

        for (size_t c = 0; c < dataset->n_channels; c++)
            for (size_t k = 0; k < cells->list[i + c].n; k++)
                tried += figure_trials_tried(&dataset->trials[cells->list[i + c].trials[k]]);
        if (tried)
            put_panel(trials, &cells->list[i]);
    }
    figure_trials_marks(trials);
    of_blocks = figure_trials_bands(trials);
    figure_put_real(&trials->axis, -0.01 * trials->end);
    figure_put_real(&trials->axis, 1.01 * trials->end);
    figure_put_text(&trials->axis, trials->unit.label);
    figure_put_integer(&trials->axis, (int64_t)trials->n_beyond);
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
    struct figure_trials trials = {.figure = figure, .sources = sources};
    struct {
        struct figure_file *file;
        const char *name, *header;
    } files[] = {
        {&trials.dots, "trials.csv", "panel,channel,x,y"},
        {&trials.beyond, "trials-beyond.csv", "panel,channel,x,y,text"},
        {&trials.marks, "trials-marks.csv", "panel,channel,x,status"},
        {&trials.bands, "trials-bands.csv", "from,to"},
        {&trials.axis, "trials-axis.csv", "low,high,label,beyond"},
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
