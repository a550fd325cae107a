/*
 * outlier - what lies far from the rest of its series, in sentences: values of trials, and the time
 * in which nothing arrived. Nothing is left out because of it.
 *
 * A value is far when its distance from the median is more than 6 MAD (the median of all such
 * distances; Hampel, "The influence curve and its role in robust estimation", 1974). MAD of few
 * values is itself a matter of chance: 6 of it would find an outlier in 25, 13, 17, 11, 12 and 9 %
 * of calm series of 3 to 8 values, and in 8 % of 10, 5 % of 20, 2 % of 100. So the factor is larger
 * in short series, as far as a simulation demands it for 2 % in all (tests/unit/test_outlier.c).
 */
#ifndef BENCH_ANALYSIS_OUTLIER_H
#define BENCH_ANALYSIS_OUTLIER_H

#include "analysis/cells.h"

/* The distance from the median from which on a value is far, never less than `floor`; infinite for
 * less than three values, which have no majority. */
double outlier_limit(const double *values, size_t n, double floor, double *ret_median);

/* Calls add with each sentence. Values are compared as their logarithms, with the run's margin as
 * floor; the silence of trials is compared over all channels, with one step and a half. */
void outlier_describe(const struct cells *cells, void (*add)(void *context, const char *sentence),
                      void *context);

#endif
