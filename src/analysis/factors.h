/*
 * factors - factors.csv: which settings of a run are varied. A channel whose own are is one for
 * each variant of it.
 */
#ifndef BENCH_ANALYSIS_FACTORS_H
#define BENCH_ANALYSIS_FACTORS_H

#include "analysis/dataset.h"

/* Reads them, once the scenario's channels and probes are there. Errors as dataset's. */
int factors_read(struct dataset *dataset, const char *run_dir, struct error *error);

#endif
