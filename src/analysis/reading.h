/*
 * reading - a run folder, read into a dataset and checked: scenario.ini, definitions.csv,
 * trials.csv, metrics.csv and, of those that have them, factors.csv, blocks.csv, telemetry.csv,
 * proofs.csv, distributions.csv and intervals.csv.
 *
 * Rows that contradict each other are an error: numbers that make another one, as bytes and
 * duration_s make throughput_mbit_s, may differ from it by what their printed digits leave open.
 */
#ifndef BENCH_ANALYSIS_READING_H
#define BENCH_ANALYSIS_READING_H

#include "analysis/dataset.h"

/* Errors name the file and, where there is one, the line. The dataset belongs to the caller. */
int dataset_read(struct dataset **ret, const char *run_dir, struct error *error);

#endif
