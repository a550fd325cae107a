/*
 * statistics - what is computed from the values of one cell of the table: pure functions of
 * arrays, in the unit of their values. What is not defined (a spread of one value, anything of
 * none) is NaN, which the writers leave empty. Values are finite, and no larger than 1e300.
 */
#ifndef BENCH_ANALYSIS_STATISTICS_H
#define BENCH_ANALYSIS_STATISTICS_H

#include "analysis/timeline.h"

#include <stdbool.h>
#include <stddef.h>

#define STATISTICS_LEVEL 0.95 /* of the interval of the mean, everywhere */

struct statistics {
    size_t n;
    double mean, ci_low, ci_high; /* statistics_t_interval() at STATISTICS_LEVEL */
    double median, q1, q3;        /* statistics_quantile() */
    double sd;                    /* statistics_sd() */
    double autocorrelation;       /* timeline_autocorrelation() */
    double n_effective;           /* timeline_effective() */
    struct timeline_drift drift;
};

/* Arithmetic mean, corrected by the mean of its residuals (Chan, Golub, LeVeque 1983). */
double statistics_mean(const double *values, size_t n);

/* Sample standard deviation, divisor n - 1: the corrected two-pass algorithm of the same paper. */
double statistics_sd(const double *values, size_t n);

/* Fills ret_deviations with each value's deviation from the mean in units of the returned scale,
 * which is a power of two that leaves the largest between a half and one: sums of their squares
 * and cubes can neither overflow nor vanish, whatever the unit of the values. When there is no
 * value, or all are equal, the deviations and the returned scale are 0. */
double statistics_deviations(const double *values, size_t n, double *ret_deviations);

/* Sorts upwards, in place; O(n) for many values. */
void statistics_sort(double *values, size_t n);
bool statistics_all_equal(const double *values, size_t n); /* so are none */

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

#endif
