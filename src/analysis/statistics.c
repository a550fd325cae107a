#include "analysis/statistics.h"

#include "base/memory.h"

#include <gsl/gsl_cdf.h>
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

/* The power of two that a deviation of this size is divided by; exact, as is dividing by it. */
static double scale_of(double largest) {
    int exponent;

    (void)frexp(largest, &exponent);
    return ldexp(1, exponent);
}

static double largest_deviation(const double *values, size_t n, double mean) {
    double largest = 0;

    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(values[i] - mean));
    return largest;
}

double statistics_sd(const double *values, size_t n) {
    double mean, scale, squares = 0, residuals = 0;

    if (n < 2)
        return NAN;
    if (statistics_all_equal(values, n))
        return 0;
    mean = statistics_mean(values, n);
    scale = scale_of(largest_deviation(values, n, mean));
    for (size_t i = 0; i < n; i++) {
        double residual = (values[i] - mean) / scale;

        squares += residual * residual;
        residuals += residual;
    }
    return scale * sqrt((squares - residuals * residuals / (double)n) / (double)(n - 1));
}

double statistics_deviations(const double *values, size_t n, double *ret_deviations) {
    bool equal = statistics_all_equal(values, n);
    double mean = statistics_mean(values, n);
    double scale = equal ? 1 : scale_of(largest_deviation(values, n, mean));

    for (size_t i = 0; i < n; i++)
        ret_deviations[i] = equal ? 0 : (values[i] - mean) / scale;
    return equal ? 0 : scale;
}

double statistics_quantile(const double *sorted, size_t n, double p) {
    double position, below;
    size_t i;

    if (n == 0)
        return NAN;
    position = (double)(n - 1) * p;
    below = floor(position);
    i = (size_t)below;
    if (i + 1 >= n)
        return sorted[n - 1];
    return sorted[i] + (position - below) * (sorted[i + 1] - sorted[i]);
}

void statistics_t_interval(size_t n, double mean, double sd, double level, double *ret_low,
                           double *ret_high) {
    double half = NAN;

    if (n >= 2)
        half = gsl_cdf_tdist_Pinv(0.5 + level / 2, (double)(n - 1)) * sd / sqrt((double)n);
    *ret_low = mean - half;
    *ret_high = mean + half;
}

static int compare_reals(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void statistics_sort(double *values, size_t n) {
    if (n > 1)
        qsort(values, n, sizeof(*values), compare_reals);
}

bool statistics_all_equal(const double *values, size_t n) {
    for (size_t i = 1; i < n; i++)
        if (values[i] != values[0])
            return false;
    return true;
}

/* ---- what values owe to their order in time ---- */

/* The sum of products of what stands `lag` apart. */
static double product_sum(const double *deviations, size_t n, size_t lag) {
    double sum = 0;

    for (size_t i = lag; i < n; i++)
        sum += deviations[i] * deviations[i - lag];
    return sum;
}

double statistics_autocorrelation(const double *values, size_t n) {
    CLEANUP_FREE double *deviations = NULL;

    if (n < 3)
        return NAN;
    deviations = memory_new(n, sizeof(*deviations));
    if (statistics_deviations(values, n, deviations) == 0)
        return NAN;
    return product_sum(deviations, n, 1) / product_sum(deviations, n, 0);
}

double statistics_effective(const double *values, size_t n) {
    CLEANUP_FREE double *deviations = NULL;
    double total = 0, inflation, pair = 1;

    if (n < 3)
        return NAN;
    deviations = memory_new(n, sizeof(*deviations));
    if (statistics_deviations(values, n, deviations) == 0)
        return NAN;
    for (size_t lag = 0; lag + 1 < n && pair > 0; lag += 2) {
        pair = product_sum(deviations, n, lag) + product_sum(deviations, n, lag + 1);
        total += fmax(pair, 0);
    }
    inflation = 2 * total / product_sum(deviations, n, 0) - 1; /* lag 0 is in it once */
    return inflation <= 1 ? (double)n : fmax((double)n / inflation, 1);
}

struct statistics_drift statistics_drift(const double *hours, const double *values, size_t n) {
    struct statistics_drift drift = {NAN, NAN, NAN};
    CLEANUP_FREE double *x = memory_new(n, sizeof(*x)), *y = memory_new(n, sizeof(*y));
    double x_scale = statistics_deviations(hours, n, x), squares = 0, residuals = 0, slope, half;
    double y_scale = statistics_deviations(values, n, y);

    if (n < 2 || x_scale == 0)
        return drift;
    slope = 0;
    for (size_t i = 0; i < n; i++) {
        squares += x[i] * x[i];
        slope += x[i] * y[i];
    }
    slope /= squares;
    drift.per_hour = slope * y_scale / x_scale;
    if (n < 3)
        return drift;
    for (size_t i = 0; i < n; i++) {
        double residual = y[i] - slope * x[i];

        residuals += residual * residual;
    }
    half = gsl_cdf_tdist_Pinv(0.5 + STATISTICS_LEVEL / 2, (double)(n - 2)) *
           sqrt(residuals / (double)(n - 2) / squares) * y_scale / x_scale;
    drift.low = drift.per_hour - half;
    drift.high = drift.per_hour + half;
    return drift;
}

/* ---- all that does not ---- */

struct statistics statistics_describe(const double *values, size_t n) {
    CLEANUP_FREE double *sorted = memory_new(n, sizeof(*sorted));
    struct statistics result = {
        .n = n, .autocorrelation = NAN, .n_effective = NAN, .drift = {NAN, NAN, NAN}};

    if (n)
        memcpy(sorted, values, n * sizeof(*sorted));
    statistics_sort(sorted, n);
    result.mean = statistics_mean(sorted, n);
    result.sd = statistics_sd(sorted, n);
    statistics_t_interval(n, result.mean, result.sd, STATISTICS_LEVEL, &result.ci_low,
                          &result.ci_high);
    result.median = statistics_quantile(sorted, n, 0.5);
    result.q1 = statistics_quantile(sorted, n, 0.25);
    result.q3 = statistics_quantile(sorted, n, 0.75);
    return result;
}
