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
    double p_value;                 /* paired_p_value() of the log-ratios */

    /* By how much and how often the values lie above the baselines, from ranks alone: what single
     * wild values cannot change. Both are exact. */

    /* The estimate of Hodges and Lehmann ("Estimates of location based on rank tests", 1963): the
     * median of the n (n + 1) / 2 Walsh averages of two differences value - baseline, each with
     * itself included. */
    double shift;
    /* Cliff's delta ("Dominance statistics", 1993): the share of all n x n pairs in which the value
     * is larger than the baseline less the share in which it is smaller: -1..1. */
    double cliff_delta;
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

/* ---- whether differences within pairs centre on zero ---- */

#define PAIRED_EXACT  16     /* up to so many pairs, all 2^n assignments of signs are counted */
#define PAIRED_RANDOM 2000   /* up to so many, random ones; above, the normal limit */
#define PAIRED_FLIPS  100000 /* random ones */

/*
 * The sign-flip test: were there no difference between the two of a pair, it could as well have the
 * other sign (Fisher, "The design of experiments", 1935, section 21). It supposes no distribution,
 * only that pairs are independent.
 *
 * The two-sided p value: the share of assignments of signs under which the sum of the n
 * differences is, in size, what it is here or larger; equal but for rounding counts as equal.
 * Random assignments depend on the seed and on n only, and count as (b + 1) / (PAIRED_FLIPS + 1)
 * (Phipson and Smyth, "Permutation p-values should never be zero", 2010).
 *
 * n = 0: NaN. n = 1: 1, as both signs give the same size. All differences 0: 1.
 */
double paired_p_value(const double *differences, size_t n, uint64_t seed);

/* The smallest p value that n differences can have. */
double paired_least_p_value(size_t n);

/* Adjusts the p values of one family (Holm, "A simple sequentially rejective multiple test
 * procedure", 1979): the smallest times the size m of the family, the next times m - 1, ..., none
 * smaller than the one before it or larger than 1. NaN is not of the family and stays NaN. */
void paired_holm(const double *p_values, size_t n, double *ret_adjusted);

#endif
