#include "analysis/paired.h"

#include "analysis/shift.h"
#include "analysis/sign_flip.h"
#include "analysis/statistics.h"
#include "base/memory.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

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

static void ratio_of_logs(const double *logs, size_t n, double level, double *ret_ratio,
                          double *ret_low, double *ret_high) {
    double mean = statistics_mean(logs, n), low, high;

    statistics_t_interval(n, mean, statistics_sd(logs, n), level, &low, &high);
    *ret_ratio = finite_exp(mean);
    *ret_low = finite_exp(low);
    *ret_high = finite_exp(high);
}

void paired_ratio(const double *values, const double *baselines, size_t n, double level,
                  double *ret_ratio, double *ret_low, double *ret_high) {
    CLEANUP_FREE double *logs = log_ratios(values, baselines, n);

    *ret_ratio = *ret_low = *ret_high = NAN;
    if (logs)
        ratio_of_logs(logs, n, level, ret_ratio, ret_low, ret_high);
}

static void compare_ratios(struct paired *paired, const double *logs, uint64_t seed) {
    ratio_of_logs(logs, paired->n, PAIRED_LEVEL, &paired->ratio, &paired->ci_low, &paired->ci_high);
    ratio_of_logs(logs, paired->n, PAIRED_NARROW_LEVEL, &paired->ratio, &paired->narrow_low,
                  &paired->narrow_high);
    paired->p_value = sign_flip_p_value(logs, paired->n, seed);
}

static void compare_ranks(struct paired *paired, const double *values, const double *baselines) {
    size_t n = paired->n;
    CLEANUP_FREE double *a = memory_new(n, sizeof(*a)), *b = memory_new(n, sizeof(*b));

    for (size_t i = 0; i < n; i++)
        a[i] = values[i] - baselines[i];
    paired->shift = shift_hodges_lehmann(a, n);
    for (size_t i = 0; i < n; i++) {
        a[i] = values[i];
        b[i] = baselines[i];
    }
    paired->cliff_delta = shift_cliff_delta(a, b, n);
}

struct paired paired_compare(const double *values, const double *baselines, size_t n,
                             uint64_t seed) {
    CLEANUP_FREE double *logs = log_ratios(values, baselines, n);
    struct paired paired = {n, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};

    if (logs)
        compare_ratios(&paired, logs, seed);
    compare_ranks(&paired, values, baselines);
    return paired;
}

struct entry {
    double p_value;
    size_t place; /* in the caller's array */
};

static int by_p_value(const void *a, const void *b) {
    const struct entry *x = a, *y = b;

    return (x->p_value > y->p_value) - (x->p_value < y->p_value);
}

void paired_holm(const double *p_values, size_t n, double *ret_adjusted) {
    CLEANUP_FREE struct entry *family = memory_new(n, sizeof(*family));
    size_t size = 0;
    double largest = 0;

    for (size_t i = 0; i < n; i++) {
        ret_adjusted[i] = p_values[i];
        if (!isnan(p_values[i]))
            family[size++] = (struct entry){p_values[i], i};
    }
    if (size)
        qsort(family, size, sizeof(*family), by_p_value);
    for (size_t i = 0; i < size; i++) {
        largest = fmax(largest, fmin((double)(size - i) * family[i].p_value, 1));
        ret_adjusted[family[i].place] = largest;
    }
}
