#include "analysis/summary.h"

#include <math.h>

#define MS_PER_HOUR  3.6e6
#define DRIFT_TRIALS 10 /* the slope of fewer is mostly chance */

/* Of what the trials of a cell have, in the order of time; NaN: nothing. Each is a block's, as no
 * block has two of a cell. */
static struct statistics describe(const struct dataset *dataset, const struct cell *cell,
                                  const double *of_trials) {
    CLEANUP_FREE double *values = memory_new(cell->n, sizeof(*values));
    CLEANUP_FREE double *hours = memory_new(cell->n, sizeof(*hours));
    struct statistics result;
    int64_t first_ms = 0;
    bool known = true;
    size_t n = 0;

    for (size_t i = 0; i < cell->n; i++) {
        int64_t started_ms = dataset->trials[cell->trials[i]].started_ms;

        if (isnan(of_trials[i]))
            continue;
        first_ms = n ? first_ms : started_ms;
        values[n] = of_trials[i];
        hours[n++] = (double)(started_ms - first_ms) / MS_PER_HOUR;
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

/* The headline metric, then all others that the cell has values of. */
static void add_cell(struct summary *summary, const struct cells *cells, size_t index) {
    const struct dataset *dataset = cells->dataset;
    const struct cell *cell = &cells->list[index];
    CLEANUP_FREE double *of_trials = memory_new(cell->n, sizeof(*of_trials));
    struct summary_row row = {
        .cell = index,
        .probe = cell->probe,
        .channel = cell->channel,
        .variant = cell->variant,
        .headline = true,
        .metric = dataset->probes[cell->probe].metric,
        .unit = dataset->probes[cell->probe].unit,
        .reference = dataset_reference(dataset, cell->probe, DATASET_HEADLINE, cell->channel, -1),
    };

    count_trials(dataset, cell, &row);
    for (size_t i = 0; i < cell->n; i++)
        of_trials[i] = dataset->trials[cell->trials[i]].value;
    row.statistics = describe(dataset, cell, of_trials);
    add_row(summary, &row);
    row.headline = false;
    for (size_t series = 0; series < dataset->n_series; series++) {
        size_t n = 0;

        for (size_t i = 0; i < cell->n; i++) {
            of_trials[i] = dataset_value(dataset, series, cell->trials[i]);
            n += !isnan(of_trials[i]);
        }
        if (!n)
            continue;
        row.metric = dataset->series[series].name;
        row.unit = dataset->series[series].unit;
        row.reference = dataset_reference(dataset, cell->probe, (int)series, cell->channel, -1);
        row.statistics = describe(dataset, cell, of_trials);
        add_row(summary, &row);
    }
}

struct summary *summary_new(const struct cells *cells) {
    struct summary *summary = memory_new(1, sizeof(*summary));

    summary->dataset = cells->dataset;
    for (size_t i = 0; i < cells->n; i++)
        add_cell(summary, cells, i);
    return summary;
}

void summary_free(struct summary *summary) {
    free(summary->rows);
    free(summary);
}
