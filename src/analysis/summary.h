/*
 * summary - one row for each probe, variant, channel and metric of a run: summary.csv, and what
 * the tables are made of. Rows stand in the scenario's order; the headline metric of a cell first,
 * under its plain name; then each metric of metrics.csv as "party.process.metric".
 *
 * The drift is empty of fewer than ten trials, and where the time of one is not known. A summary
 * points into its dataset, which must outlive it.
 */
#ifndef BENCH_ANALYSIS_SUMMARY_H
#define BENCH_ANALYSIS_SUMMARY_H

#include "analysis/cells.h"
#include "analysis/statistics.h"

struct summary_row {
    size_t cell;                    /* place among the cells */
    size_t probe, channel, variant; /* places in the dataset's lists */
    bool headline;
    const char *metric, *unit;
    size_t counts[TRIAL_N_STATUSES];       /* used trials of the cell, by status */
    const char *reasons[TRIAL_N_STATUSES]; /* the first that was given, or NULL */
    struct statistics statistics;          /* of the trials that are ok, by time */
    double reference;                      /* published value; NaN: none */
};

struct summary {
    const struct dataset *dataset;
    struct summary_row *rows;
    size_t n_rows;
};

/* The summary belongs to the caller; the cells are needed for making it only. */
struct summary *summary_new(const struct cells *cells);
void summary_free(struct summary *summary);
DEFINE_CLEANUP(struct summary *, summary_free)

#endif
