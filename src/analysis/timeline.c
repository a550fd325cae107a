#include "analysis/timeline.h"

#include "analysis/statistics.h"
#include "base/memory.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_fft_halfcomplex.h>
#include <gsl/gsl_fft_real.h>
#include <math.h>
#include <string.h>

#define DIRECT_LAGS 32 /* even; more of them at once are cheaper by a Fourier transform */

/* The sum of products of what stands `lag` apart. */
static double product_sum(const double *deviations, size_t n, size_t lag) {
    double sum = 0;

    for (size_t i = lag; i < n; i++)
        sum += deviations[i] * deviations[i - lag];
    return sum;
}

double timeline_autocorrelation(const double *values, size_t n) {
    CLEANUP_FREE double *deviations = NULL;

    if (n < 3)
        return NAN;
    deviations = memory_new(n, sizeof(*deviations));
    if (statistics_deviations(values, n, deviations) == 0)
        return NAN;
    return product_sum(deviations, n, 1) / product_sum(deviations, n, 0);
}

/* All product_sum() at once: the transform of the squared spectrum (Wiener and Khinchin), with as
 * many zeros behind the deviations that the ends do not meet. The first n belong to the lags. */
static double *all_product_sums(const double *deviations, size_t n) {
    size_t size = 1;
    double *sums;

    while (size < 2 * n)
        size *= 2;
    sums = memory_new(size, sizeof(*sums));
    memcpy(sums, deviations, n * sizeof(*sums));
    (void)gsl_fft_real_radix2_transform(sums, 1, size);
    sums[0] *= sums[0];
    sums[size / 2] *= sums[size / 2];
    for (size_t i = 1; i < size / 2; i++) { /* real part, and the imaginary one at the other end */
        sums[i] = sums[i] * sums[i] + sums[size - i] * sums[size - i];
        sums[size - i] = 0;
    }
    (void)gsl_fft_halfcomplex_radix2_inverse(sums, 1, size);
    return sums;
}

/* Adds up the sums of pairs of lags, from lag *from, to *total; whether it came to the end. */
static bool add_pairs(const double *sums, size_t from, size_t n_lags, double *total) {
    for (size_t lag = from; lag + 1 < n_lags; lag += 2) {
        double pair = sums[lag] + sums[lag + 1];

        if (pair <= 0)
            return true;
        *total += pair;
    }
    return false;
}

double timeline_effective(const double *values, size_t n) {
    CLEANUP_FREE double *deviations = NULL, *sums = NULL;
    double first[DIRECT_LAGS], total = 0, inflation;
    size_t n_first = n < DIRECT_LAGS ? n : DIRECT_LAGS;

    if (n < 3)
        return NAN;
    deviations = memory_new(n, sizeof(*deviations));
    if (statistics_deviations(values, n, deviations) == 0)
        return NAN;
    for (size_t lag = 0; lag < n_first; lag++)
        first[lag] = product_sum(deviations, n, lag);
    if (!add_pairs(first, 0, n_first, &total) && n > n_first) {
        sums = all_product_sums(deviations, n);
        (void)add_pairs(sums, n_first, n, &total);
    }
    inflation = 2 * total / first[0] - 1; /* lag 0 is in it once */
    return inflation <= 1 ? (double)n : fmax((double)n / inflation, 1);
}

struct timeline_drift timeline_drift(const double *hours, const double *values, size_t n) {
    struct timeline_drift drift = {NAN, NAN, NAN};
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
