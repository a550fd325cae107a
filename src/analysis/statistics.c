#include "analysis/statistics.h"

#include "base/memory.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define RADIX_BITS 8 /* a digit; 64 is a multiple of two of them */
#define RADIX      (1 << RADIX_BITS)
#define RADIX_FROM 1024 /* values; fewer are sorted as quickly by comparing them */

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

/* As an unsigned number that is ordered like the value: the bits of IEEE 754 are, once those of
 * negative values are turned round. */
static uint64_t key_of(double value) {
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

/* One pass of a radix sort: into `to`, by one digit of the keys; what is equal keeps its order. */
static void sort_by_digit(const double *from, double *to, size_t n, int shift) {
    size_t places[RADIX] = {0}, start = 0;

    for (size_t i = 0; i < n; i++)
        places[key_of(from[i]) >> shift & (RADIX - 1)]++;
    for (size_t i = 0; i < RADIX; i++) {
        size_t count = places[i];

        places[i] = start;
        start += count;
    }
    for (size_t i = 0; i < n; i++)
        to[places[key_of(from[i]) >> shift & (RADIX - 1)]++] = from[i];
}

void statistics_sort(double *values, size_t n) {
    CLEANUP_FREE double *other = NULL;

    if (n < RADIX_FROM) {
        if (n > 1)
            qsort(values, n, sizeof(*values), compare_reals);
        return;
    }
    other = memory_new(n, sizeof(*other));
    for (int shift = 0; shift < 64; shift += 2 * RADIX_BITS) { /* there and back */
        sort_by_digit(values, other, n, shift);
        sort_by_digit(other, values, n, shift + RADIX_BITS);
    }
}

bool statistics_all_equal(const double *values, size_t n) {
    for (size_t i = 1; i < n; i++)
        if (values[i] != values[0])
            return false;
    return true;
}

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
