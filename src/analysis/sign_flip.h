/*
 * sign_flip - a test of whether differences within pairs centre on zero: were there none between
 * the two of a pair, each difference could as well have the other sign (Fisher, "The design of
 * experiments", 1935, section 21). It supposes no distribution, only that pairs are independent.
 */
#ifndef BENCH_ANALYSIS_SIGN_FLIP_H
#define BENCH_ANALYSIS_SIGN_FLIP_H

#include <stddef.h>
#include <stdint.h>

#define SIGN_FLIP_EXACT_PAIRS  16     /* up to so many, all 2^n assignments of signs are counted */
#define SIGN_FLIP_RANDOM_PAIRS 2000   /* up to so many, random ones; above, the normal limit */
#define SIGN_FLIPS             100000 /* random ones */

/*
 * The two-sided p value: the share of assignments of signs under which the sum of the n
 * differences is, in size, what it is here or larger; equal but for rounding counts as equal.
 * Random assignments depend on the seed and on n only, and count as (b + 1) / (SIGN_FLIPS + 1)
 * (Phipson and Smyth, "Permutation p-values should never be zero", 2010).
 *
 * n = 0: NaN. n = 1: 1, as both signs give the same size. All differences 0: 1.
 */
double sign_flip_p_value(const double *differences, size_t n, uint64_t seed);

/* The smallest p value that n differences can have. */
double sign_flip_least_p_value(size_t n);

#endif
