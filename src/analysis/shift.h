/*
 * shift - by how much and how often one sample lies above another, from ranks alone: what single
 * wild values cannot change. Both are exact, without the n x n array that their definitions
 * suggest. Values are finite, and no larger than 1e300.
 */
#ifndef BENCH_ANALYSIS_SHIFT_H
#define BENCH_ANALYSIS_SHIFT_H

#include <stddef.h>

/* The estimate of Hodges and Lehmann ("Estimates of location based on rank tests", 1963): the
 * median of the n (n + 1) / 2 Walsh averages of two differences, each with itself included.
 * Sorts the differences. NaN when n = 0. */
double shift_hodges_lehmann(double *differences, size_t n);

/* Cliff's delta ("Dominance statistics", 1993): the share of all n x n pairs in which the value is
 * larger than the baseline less the share in which it is smaller: -1..1. Sorts both. NaN when
 * n = 0. */
double shift_cliff_delta(double *values, double *baselines, size_t n);

#endif
