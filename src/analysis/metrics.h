/*
 * metrics - metrics.csv: the values of the trials that count, and whether those of a trial agree
 * with each other and with trials.csv.
 */
#ifndef BENCH_ANALYSIS_METRICS_H
#define BENCH_ANALYSIS_METRICS_H

#include "analysis/dataset.h"

/* Reads them, once the trials are there. Errors as dataset's. */
int metrics_read(struct dataset *dataset, const char *run_dir, struct error *error);

/* How many values a distribution of a trial must have, and the metric that says so; NaN where none
 * does. */
double metrics_count(const struct dataset *dataset, const char *distribution, size_t trial,
                     const char **ret_metric);

#endif
