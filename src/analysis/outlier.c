#include "analysis/outlier.h"

#include "analysis/statistics.h"

#include <gsl/gsl_sort.h>
#include <math.h>
#include <string.h>

#define FEWEST 3
/* Steps are 100 ms: one of them may be empty because what arrives is large. */
#define SILENCE_FLOOR_S 0.15
/* Less than the logarithm of any other value. */
#define LOG_OF_ZERO (-1000.0)
/* A longer list is cut: its length says enough. */
#define MAX_NAMED 12

/* ---- the rule ---- */

/* Of MAD, from so many values on: in 2 % of series of normal values one is farther. */
static double factor_of(size_t n) {
    static const struct {
        size_t n;
        double factor;
    } factors[] = {{100, 6}, {50, 6.2}, {30, 6.5}, {20, 7}, {15, 7.7}, {12, 8.2},
                   {10, 9},  {8, 10},   {6, 12.5}, {4, 20}, {3, 85}};
    size_t i = 0;

    while (n < factors[i].n)
        i++;
    return factors[i].factor;
}

double outlier_limit(const double *values, size_t n, double floor, double *ret_median) {
    CLEANUP_FREE double *sorted = memory_new(n, sizeof(*sorted));

    *ret_median = NAN;
    if (n < FEWEST)
        return INFINITY;
    memcpy(sorted, values, n * sizeof(*sorted));
    gsl_sort(sorted, 1, n);
    *ret_median = statistics_quantile(sorted, n, 0.5);
    for (size_t i = 0; i < n; i++)
        sorted[i] = fabs(values[i] - *ret_median);
    gsl_sort(sorted, 1, n);
    return fmax(factor_of(n) * statistics_quantile(sorted, n, 0.5), floor);
}

/* ---- a list of trials ---- */

struct named {
    char *list; /* the first MAX_NAMED, "; " between them */
    size_t n;
};

static void named_clear(struct named *named) {
    free(named->list);
}

/* "path of plain, block 7 (59201 vs. 12000 Mbit/s)" */
static void name_trial(struct named *named, const struct dataset *dataset,
                       const struct dataset_trial *trial, const char *figures) {
    CLEANUP_FREE char *rung = dataset_rung(dataset, trial->probe, trial->variant), *one = NULL;

    if (named->n++ >= MAX_NAMED)
        return;
    one = text_format("%s of %s, block %ld (%s)", rung, dataset->channels[trial->channel].name,
                      trial->block, figures);
    text_append(&named->list, "; ", one);
}

static const char *more_of(const struct named *named) {
    return named->n > MAX_NAMED ? "; ..." : "";
}

/* ---- values ---- */

static double log_of(double value) {
    return value > 0 ? log(value) : LOG_OF_ZERO;
}

/* Where most values are zero no ratio says anything. */
static void find_values(struct named *named, const struct cells *cells, const struct cell *cell) {
    const struct dataset *dataset = cells->dataset;
    CLEANUP_FREE double *logs = memory_new(cell->n, sizeof(*logs));
    size_t n = cells_values(cells, cell, logs, NULL), zeros = 0;
    double limit, median;

    for (size_t i = 0; i < n; i++) {
        zeros += !(logs[i] > 0);
        logs[i] = log_of(logs[i]);
    }
    if (2 * zeros >= n)
        return;
    limit = outlier_limit(logs, n, log1p(dataset->margin), &median);
    for (size_t i = 0; i < cell->n; i++) {
        const struct dataset_trial *trial = &dataset->trials[cell->trials[i]];
        CLEANUP_FREE char *figures = NULL;

        if (trial->status != TRIAL_OK || !(fabs(log_of(trial->value) - median) > limit))
            continue;
        figures = text_format("%.5g vs. %.5g %s", trial->value, exp(median),
                              dataset->probes[trial->probe].unit);
        name_trial(named, dataset, trial, figures);
    }
}

/* ---- silence ---- */

static bool is_silent(const struct dataset_trial *trial) {
    return trial->status == TRIAL_OK && !isnan(trial->silence_s);
}

/* All channels of a probe and variant, whose first cell is `first`. */
static void find_silence(struct named *named, const struct cells *cells, const struct cell *first) {
    const struct dataset *dataset = cells->dataset;
    const struct cell *end = first + dataset->n_channels;
    CLEANUP_FREE double *all = NULL;
    double limit, median;
    size_t n = 0;

    for (const struct cell *cell = first; cell < end; cell++)
        n += cell->n;
    all = memory_new(n, sizeof(*all));
    n = 0;
    for (const struct cell *cell = first; cell < end; cell++)
        for (size_t i = 0; i < cell->n; i++)
            if (is_silent(&dataset->trials[cell->trials[i]]))
                all[n++] = dataset->trials[cell->trials[i]].silence_s;
    limit = outlier_limit(all, n, SILENCE_FLOOR_S, &median);
    for (const struct cell *cell = first; cell < end; cell++)
        for (size_t i = 0; i < cell->n; i++) {
            const struct dataset_trial *trial = &dataset->trials[cell->trials[i]];
            CLEANUP_FREE char *figures = text_format("%.3g s", trial->silence_s);

            if (is_silent(trial) && trial->silence_s - median > limit)
                name_trial(named, dataset, trial, figures);
        }
}

/* ---- all ---- */

void outlier_describe(const struct cells *cells, void (*add)(void *context, const char *sentence),
                      void *context) {
    CLEANUP(named_clear) struct named values = {text_copy(""), 0}, silences = {text_copy(""), 0};
    CLEANUP_FREE char *of_values = NULL, *of_silences = NULL;

    for (size_t i = 0; i < cells->n; i++) {
        find_values(&values, cells, &cells->list[i]);
        if (cells->list[i].channel == 0)
            find_silence(&silences, cells, &cells->list[i]);
    }
    of_values = text_format(
        "%zu value%s far from the median of %s series (more than 6 MAD, more in "
        "short series): %s%s. None is left out: an outlier moves the mean, hardly the median.",
        values.n, values.n == 1 ? " lies" : "s lie", values.n == 1 ? "its" : "their", values.list,
        more_of(&values));
    of_silences =
        text_format("Stalls in %zu trial%s, with nothing arriving for longer than usual: %s%s.",
                    silences.n, silences.n == 1 ? "" : "s", silences.list, more_of(&silences));
    if (values.n)
        add(context, of_values);
    if (silences.n)
        add(context, of_silences);
}
