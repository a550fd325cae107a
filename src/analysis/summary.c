#include "analysis/summary.h"

#include <math.h>

#define MS_PER_HOUR  3.6e6
#define DRIFT_TRIALS 10 /* the slope of fewer is mostly chance */

/* A value of a cell, and where its trial stands in the cells' order: by cell, then by time. */
struct placed {
    uint32_t place;
    double value;
};

static int compare_places(const void *a, const void *b) {
    const struct placed *x = a, *y = b;

    return (x->place > y->place) - (x->place < y->place);
}

/* Of values that stand in the order of time. Each is a block's, as no block has two of a cell. */
static struct statistics describe(const struct cells *cells, const struct placed *placed,
                                  size_t n) {
    CLEANUP_FREE double *values = memory_new(n, sizeof(*values));
    CLEANUP_FREE double *hours = memory_new(n, sizeof(*hours));
    struct statistics result;
    int64_t first_ms = 0;
    bool known = true;

    for (size_t i = 0; i < n; i++) {
        int64_t started_ms = cells->dataset->trials[cells->order[placed[i].place]].started_ms;

        first_ms = i ? first_ms : started_ms;
        values[i] = placed[i].value;
        hours[i] = (double)(started_ms - first_ms) / MS_PER_HOUR;
        known = known && started_ms;
    }
    result = statistics_describe(values, n);
    result.n_effective = statistics_effective(values, n, &result.autocorrelation);
    if (known && n >= DRIFT_TRIALS)
        result.drift = statistics_drift(hours, values, n);
    return result;
}

static void add_row(struct summary *summary, const struct summary_row *row) {
    summary->rows = memory_room(summary->rows, summary->n_rows, sizeof(*summary->rows));
    summary->rows[summary->n_rows++] = *row;
}

/* ---- headline metrics ---- */

/* How many trials of the cell are ok, failed, ..., and the first reason of each that was given. */
static void count_trials(const struct dataset *dataset, const struct cell *cell,
                         struct summary_row *row) {
    size_t lines[TRIAL_N_STATUSES] = {0};

    for (size_t i = 0; i < cell->n; i++) {
        const struct dataset_trial *trial = &dataset->trials[cell->trials[i]];
        const char **first = &row->reasons[trial->status];

        row->counts[trial->status]++;
        if (*trial->reason && (!*first || trial->line < lines[trial->status])) {
            *first = trial->reason;
            lines[trial->status] = trial->line;
        }
    }
}

static void add_headline(struct summary *summary, const struct cells *cells, size_t index) {
    const struct dataset *dataset = cells->dataset;
    const struct cell *cell = &cells->list[index];
    CLEANUP_FREE struct placed *placed = memory_new(cell->n, sizeof(*placed));
    struct summary_row row = {
        .cell = index,
        .probe = cell->probe,
        .channel = cell->channel,
        .variant = cell->variant,
        .headline = true,
        .metric = dataset->probes[cell->probe].metric,
        .unit = dataset->probes[cell->probe].unit,
        .reference = dataset_reference(dataset, cell->probe, cell->channel),
    };
    size_t n = 0;

    count_trials(dataset, cell, &row);
    for (size_t i = 0; i < cell->n; i++) {
        const struct dataset_trial *trial = &dataset->trials[cell->trials[i]];

        if (trial->status == TRIAL_OK)
            placed[n++] =
                (struct placed){(uint32_t)(cell->trials + i - cells->order), trial->value};
    }
    row.statistics = describe(cells, placed, n);
    add_row(summary, &row);
}

/* ---- metrics of metrics.csv ---- */

/* Where each used trial of the dataset stands in the cells' order; the caller's. */
static uint32_t *places_of(const struct cells *cells) {
    uint32_t *places = memory_new(cells->dataset->n_trials, sizeof(*places));

    for (size_t i = 0; i < cells->n; i++)
        for (size_t k = 0; k < cells->list[i].n; k++)
            places[cells->list[i].trials[k]] = (uint32_t)(cells->list[i].trials + k - cells->order);
    return places;
}

/* Adds a row for each cell that has values of the series, like the cell's headline row. */
static void add_series(struct summary *summary, const struct cells *cells, const uint32_t *places,
                       const struct dataset_series *series) {
    const struct dataset_value *values = cells->dataset->values + series->first;
    CLEANUP_FREE struct placed *placed = memory_new(series->n, sizeof(*placed));
    size_t start = 0;

    for (size_t i = 0; i < series->n; i++)
        placed[i] = (struct placed){places[values[i].trial], values[i].value};
    qsort(placed, series->n, sizeof(*placed), compare_places);
    for (size_t i = 0; i < cells->n; i++) {
        size_t behind = (size_t)(cells->list[i].trials + cells->list[i].n - cells->order), n = 0;
        struct summary_row row = summary->rows[i]; /* the cell's headline */

        while (start + n < series->n && placed[start + n].place < behind)
            n++;
        if (!n)
            continue;
        row.headline = false;
        row.metric = series->name;
        row.unit = series->unit;
        row.reference = NAN;
        row.statistics = describe(cells, placed + start, n);
        add_row(summary, &row);
        start += n;
    }
}

/* ---- all rows ---- */

/* Rows are made metric by metric; now they stand cell by cell, otherwise in the same order. */
static void sort_rows(struct summary *summary, size_t n_cells) {
    struct summary_row *sorted = memory_new(summary->n_rows, sizeof(*sorted));
    size_t n = 0;

    for (size_t cell = 0; cell < n_cells; cell++)
        for (size_t i = 0; i < summary->n_rows; i++)
            if (summary->rows[i].cell == cell)
                sorted[n++] = summary->rows[i];
    free(summary->rows);
    summary->rows = sorted;
}

struct summary *summary_new(const struct cells *cells) {
    struct summary *summary = memory_new(1, sizeof(*summary));
    CLEANUP_FREE uint32_t *places = places_of(cells);

    summary->dataset = cells->dataset;
    for (size_t i = 0; i < cells->n; i++)
        add_headline(summary, cells, i);
    for (size_t i = 0; i < cells->dataset->n_series; i++)
        add_series(summary, cells, places, &cells->dataset->series[i]);
    sort_rows(summary, cells->n);
    return summary;
}

void summary_free(struct summary *summary) {
    free(summary->rows);
    free(summary);
}
