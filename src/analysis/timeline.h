/*
 * timeline - what the values of one cell owe to the order in which they were measured: whether a
 * value resembles the one before it, how many independent ones they are worth, and whether they
 * drift. Pure functions of arrays; values (finite) stand in the order of time.
 */
#ifndef BENCH_ANALYSIS_TIMELINE_H
#define BENCH_ANALYSIS_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>

/* The autocorrelation at lag 1: the sum of products of deviations from the mean of neighbours by
 * the sum of all squares (NIST/SEMATECH e-Handbook 1.3.5.12). NaN when n < 3, or all are equal. */
double timeline_autocorrelation(const double *values, size_t n);

/*
 * How many independent values would tell the mean as well: n / (1 + 2 sum of autocorrelations), at
 * least 1 and at most n: values that alternate around their mean earn nothing. The sum goes on as
 * long as the sums of two neighbouring lags, (0, 1), (2, 3), ..., are positive: Geyer's initial
 * positive sequence ("Practical Markov chain Monte Carlo", 1992, section 3.3). A drift counts as
 * autocorrelation. NaN when n < 3, or all are equal, as there is no autocorrelation then. Takes
 * time as n log n.
 */
double timeline_effective(const double *values, size_t n);

/* Whether n values that tell as much as n_effective depend on each other so much that an interval
 * which takes them for independent must not be shown without a word. */
static inline bool timeline_depends(size_t n, double n_effective) {
    return n_effective < 0.5 * (double)n;
}

/* How fast the values rise, by ordinary least squares, in their unit per hour, and the 95 %
 * interval from Student's t with n - 2 degrees of freedom. It takes the residuals for independent.
 * The slope is NaN when n < 2 or all hours are equal; the interval also when n = 2. */
struct timeline_drift {
    double per_hour, low, high;
};

struct timeline_drift timeline_drift(const double *hours, const double *values, size_t n);

#endif
