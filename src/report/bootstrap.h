/*
 * bootstrap - an interval of a mean that supposes no distribution: the values of the blocks are
 * drawn again, with replacement, and the means of these resamples show how far a mean scatters.
 *
 * Which blocks a resample consists of depends on the seed and on the number of blocks only: cells
 * of the same number of blocks share their resamples, whichever is asked for first.
 */
#ifndef BENCH_REPORT_BOOTSTRAP_H
#define BENCH_REPORT_BOOTSTRAP_H

#include "base/memory.h"

#include <stdint.h>

#define BOOTSTRAP_RESAMPLES  10000
#define BOOTSTRAP_MAX_BLOCKS 2000 /* above, the normal interval is as good */

struct bootstrap;

/* It keeps the resamples of the numbers of blocks that were asked for last, up to 40 MB. */
struct bootstrap *bootstrap_new(uint64_t seed);
void bootstrap_free(struct bootstrap *bootstrap);
DEFINE_CLEANUP(struct bootstrap *, bootstrap_free)

/*
 * The interval of the mean of n values, one a block, in their unit; level in 0..1. BCa: bias-
 * corrected and accelerated (Efron, "Better bootstrap confidence intervals", 1987; Efron and
 * Tibshirani, "An introduction to the bootstrap", 1993, chapter 14), the acceleration from the
 * jackknife, which for a mean is the skewness of the values / (6 sqrt(n)). Resamples whose mean is
 * the mean itself count half as smaller, half as larger. The bounds are means of resamples: never
 * below the smallest value or above the largest.
 *
 * n < 2: both NaN. All values equal: both are the mean. n > BOOTSTRAP_MAX_BLOCKS: the normal
 * interval, mean -+ z sd / sqrt(n).
 */
void bootstrap_mean_interval(struct bootstrap *bootstrap, const double *values, size_t n,
                             double level, double *ret_low, double *ret_high);

#endif
