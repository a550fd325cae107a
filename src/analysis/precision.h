/*
 * precision - how well a run knows its ratios to the baseline, while it is still going on.
 */
#ifndef BENCH_ANALYSIS_PRECISION_H
#define BENCH_ANALYSIS_PRECISION_H

#include "base/error.h"

#include <stddef.h>

/* The widest 95 % interval of all ratios to the baseline, of each probe's headline metric: its full
 * width as a share of the ratio (0.01: 1 %). NaN when some interval does not exist yet: fewer than
 * two blocks have a value of both channels, or one of them is zero. *ret_fewest: the blocks that
 * the one with the fewest rests on. */
int report_precision(const char *run_dir, double *ret_widest, size_t *ret_fewest,
                     struct error *error);

#endif
