#include "analysis/statistics.h"

#include "base/memory.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_fit.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <math.h>
#include <string.h>

double statistics_mean(const double *values, size_t n) {
    double sum = 0, residuals = 0, mean;

    if (n == 0)
        return NAN;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        residuals += values[i] - mean;
    return mean + residuals / (double)n;
}

/* Fills ret_deviations with each value's deviation from the mean in units of the returned scale,
 * which is a power of two that leaves the largest between a half and one: sums of their squares
 * and cubes can neither overflow nor vanish, whatever the unit of the values. When there is no
 * value, or all are equal, the deviations and the returned scale are 0. */
static double take_deviations(const double *values, size_t n, double *ret_deviations) {
    double mean = statistics_mean(values, n), largest = 0, scale;
    bool equal = true;
    int exponent;

    for (size_t i = 0; i < n; i++) {
        largest = fmax(largest, fabs(values[i] - mean));
        equal = equal && values[i] == values[0];
    }
    (void)frexp(largest, &exponent);
    scale = ldexp(1, exponent);
    for (size_t i = 0; i < n; i++)
        ret_deviations[i] = equal ? 0 : (values[i] - mean) / scale;
    return equal ? 0 : scale;
}

double statistics_sd(const double *values, size_t n) {
    CLEANUP_FREE double *deviations = memory_new(n, sizeof(*deviations));
    double scale = take_deviations(values, n, deviations);

    return n < 2 ? NAN : scale * gsl_stats_sd(deviations, 1, n);
}

/* Not GSL's, which rounds otherwise: a tie in the last digit that is printed comes out differently.
 */
double statistics_quantile(const double *sorted, size_t n, double p) {
    double position = n ? (double)(n - 1) * p : 0, below = floor(position);
    size_t i = (size_t)below;

    if (n == 0)
        return NAN;
    return i + 1 < n ? sorted[i] + (position - below) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

void statistics_t_interval(size_t n, double mean, double sd, double level, double *ret_low,
                           double *ret_high) {
    double half = NAN;

    if (n >= 2)
        half = gsl_cdf_tdist_Pinv(0.5 + level / 2, (double)(n - 1)) * sd / sqrt((double)n);
    *ret_low = mean - half;
    *ret_high = mean + half;
}

/* ---- what values owe to their order in time ---- */

/* The sum of products of what stands `lag` apart. */
static double product_sum(const double *deviations, size_t n, size_t lag) {
    double sum = 0;

    for (size_t i = lag; i < n; i++)
        sum += deviations[i] * deviations[i - lag];
    return sum;
}

double statistics_effective(const double *values, size_t n, double *ret_autocorrelation) {
    CLEANUP_FREE double *deviations = memory_new(n, sizeof(*deviations));
    double squares, total = 0, inflation, pair = 1;

    *ret_autocorrelation = NAN;
    if (take_deviations(values, n, deviations) == 0 || n < 3)
        return NAN;
    squares = product_sum(deviations, n, 0);
    *ret_autocorrelation = product_sum(deviations, n, 1) / squares;
    for (size_t lag = 0; lag + 1 < n && pair > 0; lag += 2) {
        pair = product_sum(deviations, n, lag) + product_sum(deviations, n, lag + 1);
        total += fmax(pair, 0);
    }
    inflation = 2 * total / squares - 1; /* lag 0 is in it once */
    return inflation <= 1 ? (double)n : fmax((double)n / inflation, 1);
}

struct statistics_drift statistics_drift(const double *hours, const double *values, size_t n) {
    CLEANUP_FREE double *x = memory_new(n, sizeof(*x)), *y = memory_new(n, sizeof(*y));
    double x_scale = take_deviations(hours, n, x), y_scale = take_deviations(values, n, y);
    double slope, variance, half = NAN, unused[4];

    if (n < 2 || x_scale == 0)
        return (struct statistics_drift){NAN, NAN, NAN};
    (void)gsl_fit_linear(x, 1, y, 1, n, &unused[0], &slope, &unused[1], &unused[2], &variance,
                         &unused[3]);
    slope *= y_scale / x_scale;
    if (n > 2)
        half = gsl_cdf_tdist_Pinv(0.5 + STATISTICS_LEVEL / 2, (double)(n - 2)) * sqrt(variance) *
               y_scale / x_scale;
    return (struct statistics_drift){slope, slope - half, slope + half};
}

/* ---- all that does not ---- */

struct statistics statistics_describe(const double *values, size_t n) {
    CLEANUP_FREE double *sorted = memory_new(n, sizeof(*sorted));
    struct statistics result = {
        .n = n, .autocorrelation = NAN, .n_effective = NAN, .drift = {NAN, NAN, NAN}};

    if (n)
        memcpy(sorted, values, n * sizeof(*sorted));
    gsl_sort(sorted, 1, n);
    result.mean = statistics_mean(sorted, n);
    result.sd = statistics_sd(sorted, n);
    statistics_t_interval(n, result.mean, result.sd, STATISTICS_LEVEL, &result.ci_low,
                          &result.ci_high);
    result.median = statistics_quantile(sorted, n, 0.5);
    result.q1 = statistics_quantile(sorted, n, 0.25);
    result.q3 = statistics_quantile(sorted, n, 0.75);
    return result;
}
