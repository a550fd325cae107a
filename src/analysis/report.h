/*
 * report - what is computed of a run's files, as files beside them, which scripts present:
 * summary.csv        statistics of each metric of each cell
 * comparisons.csv    each channel against each other one
 * ladder.csv         what each rung takes
 * table.csv          the paper's table and its chart as data: the headline metrics beside their
 *                    ratios to the baseline (whose own is 1) and the published values;
 *                    comparable: yes when mean and reference are within PUBLISHED_COMPARABLE
 * references.csv     the same of other metrics and baselines that have published values, as
 *                    published.h has them
 * findings.csv       sentences
 * values.csv         every trial that counts, of any status; started_s: since the first of them,
 *                    empty where it is not known
 * cumulative.csv     how values are distributed, as the share of them that is no larger: of the
 *                    latencies of telemetry, a series a channel, and of the distributions that
 *                    probes keep, all trials of a cell that count together. Of more points than a
 *                    figure can show some 300 are left: the first, the last, and evenly between
 *                    them, more densely in the last percent, by how rare they are. The share of
 *                    telemetry is of all messages that were sent: what was lost never arrives, so
 *                    its series ends below 1.
 * Rows stand in the scenario's order; within a cell, by time.
 */
#ifndef BENCH_ANALYSIS_REPORT_H
#define BENCH_ANALYSIS_REPORT_H

#include "analysis/analysis.h"

/* Analyses the run and writes the files into its folder. All of them are written out before the
 * first replaces its predecessor; on failure what was there stays. */
int report_write(const char *run_dir, struct error *error);
/* The same of a run that is analysed, into any folder. */
int report_write_files(const struct analysis *analysis, const char *folder, struct error *error);

#endif
