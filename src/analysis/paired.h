/*
 * paired - one channel against another, pair by pair: what both measured in the same block. Pure
 * functions of arrays of n values and n baselines (finite, no larger than 1e300), in one unit.
 *
 * Ratios are compared through their logarithms: a channel at half and one at twice the baseline
 * are then as far from it, and what slows a whole block down cancels. What is not defined, or too
 * large for a number, is NaN.
 */
#ifndef BENCH_ANALYSIS_PAIRED_H
#define BENCH_ANALYSIS_PAIRED_H

#include <stddef.h>
#include <stdint.h>

#define PAIRED_LEVEL        0.95
#define PAIRED_NARROW_LEVEL 0.90 /* for two one-sided tests at 5 % */

struct paired {
    size_t n;                       /* pairs */
    double ratio, ci_low, ci_high;  /* paired_ratio() at PAIRED_LEVEL */
    double narrow_low, narrow_high; /* paired_ratio() at PAIRED_NARROW_LEVEL */
    double p_value;                 /* sign_flip_p_value() of the log-ratios */
    double shift;                   /* shift_hodges_lehmann() of values - baselines */
    double cliff_delta;             /* shift_cliff_delta() */
};

/*
 * All of it. The seed is that of the random sign flips, shared by all comparisons of as many pairs.
 *
 * n = 0: all NaN. n = 1: no intervals, p is 1. A value or baseline that is 0 or less has no
 * logarithm: ratio, intervals and p are NaN then, shift and delta are given.
 */
struct paired paired_compare(const double *values, const double *baselines, size_t n,
                             uint64_t seed);

/* The ratio alone, exp of the mean log-ratio (so the geometric mean of the pairs' ratios), and its
 * t interval with n - 1 degrees of freedom. Equal log-ratios: an interval of no width. */
void paired_ratio(const double *values, const double *baselines, size_t n, double level,
                  double *ret_ratio, double *ret_low, double *ret_high);

/* Adjusts the p values of one family (Holm, "A simple sequentially rejective multiple test
 * procedure", 1979): the smallest times the size m of the family, the next times m - 1, ..., none
 * smaller than the one before it or larger than 1. NaN is not of the family and stays NaN. */
void paired_holm(const double *p_values, size_t n, double *ret_adjusted);

#endif
