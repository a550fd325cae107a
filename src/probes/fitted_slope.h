/*
 * fitted_slope - by how much one quantity grows with another: the slope of a straight line through
 * points, by least squares, with the 95 % confidence interval of Student's t.
 */
#ifndef BENCH_PROBES_FITTED_SLOPE_H
#define BENCH_PROBES_FITTED_SLOPE_H

#include <stdbool.h>
#include <stddef.h>

struct fitted_slope {
    double value, low, high; /* low and high NaN where two points leave nothing to judge by */
};

/* False when the points have fewer than two different x. */
bool fitted_slope_make(const double *x, const double *y, size_t n, struct fitted_slope *ret);

#endif
