#include "report/statistics.h"

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

double statistics_sd(const double *values, size_t n) {
    double mean = statistics_mean(values, n), squares = 0, residuals = 0;

    if (n < 2)
        return NAN;
    for (size_t i = 0; i < n; i++) {
        double residual = values[i] - mean;

        squares += residual * residual;
        residuals += residual;
    }
    return sqrt((squares - residuals * residuals / (double)n) / (double)(n - 1));
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

struct statistics statistics_describe(const double *values, size_t n) {
    CLEANUP_FREE double *sorted = memory_new(n, sizeof(*sorted));
    struct statistics result = {.n = n};

    if (n)
        memcpy(sorted, values, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), compare_reals);
    result.mean = statistics_mean(sorted, n);
    result.sd = statistics_sd(sorted, n);
    statistics_t_interval(n, result.mean, result.sd, STATISTICS_LEVEL, &result.ci_low,
                          &result.ci_high);
    result.median = statistics_quantile(sorted, n, 0.5);
    result.q1 = statistics_quantile(sorted, n, 0.25);
    result.q3 = statistics_quantile(sorted, n, 0.75);
    return result;
}
