/*
 * cumulative - how values are distributed, as the share of them that is no larger: of the latencies
 * of telemetry, a series a channel, and of the distributions that probes keep, all trials of a cell
 * that count together. cumulative.csv is what their figures are drawn from.
 */
#ifndef BENCH_ANALYSIS_CUMULATIVE_H
#define BENCH_ANALYSIS_CUMULATIVE_H

#include "analysis/dataset.h"

/* Writes a new file: probe,variant,channel,metric,unit,value,share. Rows of a series rise; of more
 * points than a figure can show, some 300 are left: the first, the last, and evenly between them,
 * more densely in the last percent, by how rare they are. The share of telemetry is of all messages
 * that were sent: what was lost never arrives, so its series ends below 1. */
int cumulative_write(const struct dataset *dataset, const char *path, struct error *error);

#endif
