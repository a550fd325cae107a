/*
 * records - what not every run has, of the attempts that count: what the hosts suffered in its
 * blocks, telemetry, proofs, distributions, and the steps of its trials.
 */
#ifndef BENCH_ANALYSIS_RECORDS_H
#define BENCH_ANALYSIS_RECORDS_H

#include "analysis/dataset.h"

/* Reads those files that are there, once trials and metrics are. Errors as dataset's. */
int records_read(struct dataset *dataset, const char *run_dir, struct error *error);

#endif
