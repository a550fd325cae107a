/*
 * report - what is computed of a run's files, as files beside them; scripts present it.
 */
#ifndef BENCH_ANALYSIS_REPORT_H
#define BENCH_ANALYSIS_REPORT_H

#include "analysis/analysis.h"

/* Writes summary.csv, comparisons.csv, ladder.csv, table.csv, findings.csv, values.csv and
 * cumulative.csv into the run folder. All of them are written out before the first replaces its
 * predecessor; on failure what was there stays. */
int report_write(const char *run_dir, struct error *error);

#endif
