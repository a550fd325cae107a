/*
 * figure_thin - from more points than an eye can tell apart, those that must be drawn. Pure
 * functions; all arrays are the caller's.
 */
#ifndef BENCH_ANALYSIS_FIGURE_THIN_H
#define BENCH_ANALYSIS_FIGURE_THIN_H

#include "analysis/figure_axis.h"

#include <stdbool.h>
#include <stddef.h>

/* Cuts the width of x into `spans` equal parts and marks, in each, the point with the least y and
 * the one with the greatest (and the first and last point of all): what a line of points looks like
 * from afar. The points stand in the order of x. Returns how many are marked. */
size_t figure_thin_spans(const double *x, const double *y, size_t n, size_t spans, bool *ret_keep);

/* Marks every step-th point, the least and the greatest, and the first and last. */
size_t figure_thin_every(const double *y, size_t n, size_t step, bool *ret_keep);

/* The range of values that are drawn where they are: without the few, if there are any, that are so
 * far from the quartiles that they would squeeze all else. Else from -infinity to infinity.
 * Quartiles closer than `least` count as that far apart. */
struct figure_range figure_thin_inside(const double *values, size_t n, double least);

#endif
