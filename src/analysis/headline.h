/*
 * headline - what the paper's table and its chart are made of, as data: the headline metric of
 * every probe, variant and channel (table.csv), and the trials that these rows rest on
 * (values.csv). Rows stand in the scenario's order: probe, variant, channel; within one, by time.
 */
#ifndef BENCH_ANALYSIS_HEADLINE_H
#define BENCH_ANALYSIS_HEADLINE_H

#include "analysis/comparison.h"
#include "analysis/summary.h"

/* A published value farther than this from ours, either way, was not measured of the same thing. */
#define HEADLINE_COMPARABLE 10.0

/* Writes a new file: probe,variant,channel,metric,unit,trials,mean,ci_low,ci_high,median,sd,ratio,
 * ratio_low,ratio_high,verdict,reference,comparable. The ratio is to the baseline, whose own is 1;
 * comparable: yes when mean and reference are within a factor of HEADLINE_COMPARABLE. */
int headline_write_table(const struct summary *summary, const struct comparisons *comparisons,
                         const char *path, struct error *error);

/* Writes a new file: probe,variant,channel,trial,attempt,block,started_s,status,value: every trial
 * that counts, of any status; started_s: since the first of them, empty where it is not known. */
int headline_write_values(const struct cells *cells, const char *path, struct error *error);

#endif
