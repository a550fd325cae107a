/*
 * trials - trials.csv, and which attempt of a block counts.
 */
#ifndef BENCH_ANALYSIS_TRIALS_H
#define BENCH_ANALYSIS_TRIALS_H

#include "analysis/dataset.h"

/* Reads them, once scenario and definitions are there. Errors as dataset's. */
int trials_read(struct dataset *dataset, const char *run_dir, struct error *error);

#endif
