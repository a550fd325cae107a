#include "analysis/paired.h"

#include "analysis/draws.h"
#include "analysis/statistics.h"
#include "base/memory.h"

#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* ---- the ratio ---- */

/* Near 1 the difference is exact, and its logarithm as precise as the values are. */
static double log_ratio(double value, double baseline) {
    double ratio = value / baseline;

    if (ratio > 0.5 && ratio < 2)
        return log1p((value - baseline) / baseline);
    return log(value) - log(baseline); /* the ratio itself might overflow */
}

/* The log-ratios of all pairs, which the caller frees; NULL when one of them has none. */
static double *log_ratios(const double *values, const double *baselines, size_t n) {
    double *logs = memory_new(n, sizeof(*logs));

    for (size_t i = 0; i < n; i++) {
        if (!(values[i] > 0 && baselines[i] > 0)) {
            free(logs);
            return NULL;
        }
        logs[i] = log_ratio(values[i], baselines[i]);
    }
    return logs;
}

static double finite_exp(double value) {
    double result = exp(value);

    return isfinite(result) ? result : NAN;
}

void paired_ratio(const double *values, const double *baselines, size_t n, double level,
                  double *ret_ratio, double *ret_low, double *ret_high) {
    CLEANUP_FREE double *logs = log_ratios(values, baselines, n);
    double mean = NAN, low = NAN, high = NAN;

    if (logs) {
        mean = statistics_mean(logs, n);
        statistics_t_interval(n, mean, statistics_sd(logs, n), level, &low, &high);
    }
    *ret_ratio = finite_exp(mean);
    *ret_low = finite_exp(low);
    *ret_high = finite_exp(high);
}

/* ---- the sign-flip test ---- */

#define TOLERANCE 1e-10 /* of the sum of all sizes: far above rounding */

/* The sums of up to eight differences under all 256 assignments of signs. */
static void fill_group(double sums[256], const double *differences, size_t n) {
    for (unsigned signs = 0; signs < 256; signs++) {
        sums[signs] = 0;
        for (size_t i = 0; i < n; i++)
            sums[signs] += signs >> i & 1 ? -differences[i] : differences[i];
    }
}

/* Under random signs the sum has mean 0 and the sum of squares as its variance. */
static double normal_limit(const double *differences, size_t n) {
    double sum = 0, squares = 0;

    for (size_t i = 0; i < n; i++) {
        sum += differences[i];
        squares += differences[i] * differences[i];
    }
    return squares > 0 ? erfc(fabs(sum) / sqrt(2 * squares)) : 1;
}

double paired_p_value(const double *differences, size_t n, uint64_t seed) {
    /* Differences go in groups of eight, one for each byte of the words that say their signs: the
     * sum under any assignment is then one addition a group. Groups without differences add 0. */
    size_t n_words = (n + 63) / 64;
    CLEANUP_FREE double(*sums)[256] = NULL;
    double sum = 0, size = 0, threshold;
    bool exact = n <= PAIRED_EXACT;
    /* Of all assignments the last sign stays: to turn all signs round changes nothing. */
    uint32_t all = exact ? 1U << (n ? n - 1 : 0) : PAIRED_FLIPS, count = 0;
    struct draws draws = {seed};

    if (n == 0)
        return NAN;
    if (n > PAIRED_RANDOM)
        return normal_limit(differences, n);
    sums = memory_new(8 * n_words, sizeof(*sums));
    for (size_t i = 0; i < n; i += 8) {
        fill_group(sums[i / 8], differences + i, n - i < 8 ? n - i : 8);
        sum += sums[i / 8][0];
    }
    for (size_t i = 0; i < n; i++)
        size += fabs(differences[i]);
    threshold = fabs(sum) - TOLERANCE * size;
    for (uint32_t i = 0; i < all; i++) {
        sum = 0;
        for (size_t word = 0; word < n_words; word++) {
            uint64_t signs = exact ? i : draws_word(&draws);

#pragma GCC unroll 8
            for (size_t k = 0; k < 8; k++)
                sum += sums[8 * word + k][signs >> 8 * k & 255];
        }
        count += fabs(sum) >= threshold;
    }
    return exact ? (double)count / all : (count + 1.0) / (all + 1.0);
}

double paired_least_p_value(size_t n) {
    if (n > PAIRED_RANDOM)
        return 0;
    return n <= PAIRED_EXACT ? ldexp(1, n ? 1 - (int)n : 0) : 1.0 / (PAIRED_FLIPS + 1.0);
}

/* ---- from ranks ---- */

/* Rounds monotonously: along a row or column of sorted values averages never fall. */
static double average(double a, double b) {
    return a / 2 + b / 2;
}

/* How many Walsh averages are at most `limit`, and the smallest of the others: as the first of the
 * two rises, the last partner that is small enough falls. */
static int64_t count_averages(const double *sorted, size_t n, double limit, double *ret_next) {
    int64_t count = 0;
    size_t end = n; /* sorted[i]'s partners i..end-1 are small enough */

    *ret_next = INFINITY;
    for (size_t i = 0; i < n; i++) {
        while (end > i && average(sorted[i], sorted[end - 1]) > limit)
            end--;
        if (end < n && end >= i)
            *ret_next = fmin(*ret_next, average(sorted[i], sorted[end]));
        if (end <= i) /* nor are those of any later one */
            break;
        count += (int64_t)(end - i);
    }
    return count;
}

/* Sorts the differences. Halves an interval until no number lies in it: then its upper end is the
 * smallest one with at least half of the averages up to it. */
static double hodges_lehmann(double *differences, size_t n) {
    int64_t all = (int64_t)n * ((int64_t)n + 1) / 2, middle = (all + 1) / 2;
    double low, high, half, next;

    if (n == 0)
        return NAN;
    gsl_sort(differences, 1, n);
    low = differences[0];
    high = differences[n - 1];
    if (count_averages(differences, n, low, &next) >= middle)
        high = low;
    for (half = average(low, high); half > low && half < high; half = average(low, high))
        if (count_averages(differences, n, half, &next) >= middle)
            high = half;
        else
            low = half;
    if (all % 2 == 0 && count_averages(differences, n, high, &next) == middle)
        return average(high, next);
    return high;
}

static double cliff_delta(const double *values, const double *baselines, size_t n) {
    CLEANUP_FREE double *a = memory_new(n, sizeof(*a)), *b = memory_new(n, sizeof(*b));
    int64_t balance = 0;
    size_t below = 0, up_to = 0; /* baselines below the value, and not above it */

    for (size_t i = 0; i < n; i++) {
        a[i] = values[i];
        b[i] = baselines[i];
    }
    gsl_sort(a, 1, n);
    gsl_sort(b, 1, n);
    for (size_t i = 0; i < n; i++) {
        while (below < n && b[below] < a[i])
            below++;
        while (up_to < n && b[up_to] <= a[i])
            up_to++;
        balance += (int64_t)below - (int64_t)(n - up_to);
    }
    return (double)balance / ((double)n * (double)n);
}

/* ---- all of it ---- */

struct paired paired_compare(const double *values, const double *baselines, size_t n,
                             uint64_t seed) {
    CLEANUP_FREE double *logs = log_ratios(values, baselines, n);
    CLEANUP_FREE double *differences = memory_new(n, sizeof(*differences));
    struct paired paired = {.n = n};

    for (size_t i = 0; i < n; i++)
        differences[i] = values[i] - baselines[i];
    paired_ratio(values, baselines, n, PAIRED_LEVEL, &paired.ratio, &paired.ci_low,
                 &paired.ci_high);
    paired_ratio(values, baselines, n, PAIRED_NARROW_LEVEL, &paired.ratio, &paired.narrow_low,
                 &paired.narrow_high);
    paired.p_value = logs ? paired_p_value(logs, n, seed) : NAN;
    paired.shift = hodges_lehmann(differences, n);
    paired.cliff_delta = cliff_delta(values, baselines, n);
    return paired;
}

/* ---- many comparisons ---- */

void paired_holm(const double *p_values, size_t n, double *ret_adjusted) {
    CLEANUP_FREE double *family = memory_new(n, sizeof(*family));
    CLEANUP_FREE size_t *places = memory_new(n, sizeof(*places)); /* of these in p_values */
    CLEANUP_FREE size_t *order = memory_new(n, sizeof(*order));
    size_t size = 0;
    double largest = 0;

    for (size_t i = 0; i < n; i++) {
        ret_adjusted[i] = p_values[i];
        if (isnan(p_values[i]))
            continue;
        places[size] = i;
        family[size++] = p_values[i];
    }
    gsl_sort_index(order, family, 1, size);
    for (size_t i = 0; i < size; i++) {
        largest = fmax(largest, fmin((double)(size - i) * family[order[i]], 1));
        ret_adjusted[places[order[i]]] = largest;
    }
}
