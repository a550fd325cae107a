/*
 * statistics - what is computed from the values of one cell of the table: pure functions of
 * arrays, in the unit of their values. What is not defined (a spread of one value, anything of
 * none) is NaN, which the writers leave empty. Values are finite, and no larger than 1e300.
 */
#ifndef BENCH_ANALYSIS_STATISTICS_H
#define BENCH_ANALYSIS_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>

#define STATISTICS_LEVEL 0.95 /* of the interval of the mean, everywhere */

/* How fast values rise, in their unit per hour, and its 95 % interval. */
struct statistics_drift {
    double per_hour, low, high;
};

struct statistics {
    size_t n;
    double mean, ci_low, ci_high;        /* statistics_t_interval() at STATISTICS_LEVEL */
    double median, q1, q3;               /* statistics_quantile() */
    double sd;                           /* statistics_sd() */
    double autocorrelation, n_effective; /* statistics_effective() */
    struct statistics_drift drift;
};

/* Arithmetic mean, corrected by the mean of its residuals (Chan, Golub, LeVeque 1983). */
double statistics_mean(const double *values, size_t n);

/* Sample standard deviation, divisor n - 1: the corrected two-pass algorithm of the same paper. */
double statistics_sd(const double *values, size_t n);

/* The quantile p in 0..1 of values sorted upwards, definition 7 of Hyndman and Fan, "Sample
 * quantiles in statistical packages", 1996 (the default of R and NumPy): linear between the
 * order statistics, position 1 + (n - 1) p. */
double statistics_quantile(const double *sorted, size_t n, double p);

/* mean -+ t(1 - (1 - level) / 2; n - 1) sd / sqrt(n), NIST/SEMATECH e-Handbook 1.3.5.2. It takes
 * the values for independent. */
void statistics_t_interval(size_t n, double mean, double sd, double level, double *ret_low,
                           double *ret_high);

/* Number, mean and its interval, sd and quantiles, which do not depend on the order of the values.
 * What is made of time is NaN. */
struct statistics statistics_describe(const double *values, size_t n);

/* ---- what values owe to the order in which they were measured: they stand in the order of time
 * ----
 */

/*
 * How many independent values would tell the mean as well: n / (1 + 2 sum of autocorrelations), at
 * least 1 and at most n: values that alternate around their mean earn nothing. The sum goes on as
 * long as the sums of two neighbouring lags, (0, 1), (2, 3), ..., are positive: Geyer's initial
 * positive sequence ("Practical Markov chain Monte Carlo", 1992, section 3.3). A drift counts as
 * autocorrelation. NaN when n < 3, or all are equal, as there is no autocorrelation then.
 *
 * *ret_autocorrelation: that at lag 1, the sum of products of deviations from the mean of
 * neighbours by the sum of all squares (NIST/SEMATECH e-Handbook 1.3.5.12). NaN like the other.
 */
double statistics_effective(const double *values, size_t n, double *ret_autocorrelation);

/* Whether n values that tell as much as n_effective depend on each other so much that an interval
 * which takes them for independent must not be shown without a word. */
static inline bool statistics_depends(size_t n, double n_effective) {
    return n_effective < 0.5 * (double)n;
}

/* How fast the values rise, by ordinary least squares, in their unit per hour, and the 95 %
 * interval from Student's t with n - 2 degrees of freedom. It takes the residuals for independent.
 * The slope is NaN when n < 2 or all hours are equal; the interval also when n = 2. */
struct statistics_drift statistics_drift(const double *hours, const double *values, size_t n);

#endif
