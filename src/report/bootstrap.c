#include "report/bootstrap.h"

#include "report/draws.h"
#include "report/statistics.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

#define CACHE_TABLES 4
#define CACHE_BYTES  ((size_t)BOOTSTRAP_RESAMPLES * BOOTSTRAP_MAX_BLOCKS * sizeof(uint16_t))

/* All resamples of n blocks: BOOTSTRAP_RESAMPLES rows of n block numbers each. */
struct resamples {
    size_t n;
    uint16_t *blocks;
};

struct bootstrap {
    uint64_t seed;
    struct resamples tables[CACHE_TABLES]; /* the last used first; unused ones have n = 0 */
    double means[BOOTSTRAP_RESAMPLES];     /* of the cell at hand, sorted as far as needed */
};

struct bootstrap *bootstrap_new(uint64_t seed) {
    struct bootstrap *bootstrap = memory_new(1, sizeof(*bootstrap));

    bootstrap->seed = seed;
    return bootstrap;
}

void bootstrap_free(struct bootstrap *bootstrap) {
    for (size_t i = 0; i < CACHE_TABLES; i++)
        free(bootstrap->tables[i].blocks);
    free(bootstrap);
}

/* A number in 0..n-1 out of 32 random bits: their product with n, without its lower half. The
 * chances of two numbers differ by less than n / 2^32. */
static uint16_t pick(uint32_t bits, size_t n) {
    return (uint16_t)((uint64_t)bits * n >> 32);
}

static struct resamples draw_resamples(uint64_t seed, size_t n) {
    size_t count = BOOTSTRAP_RESAMPLES * n; /* even */
    struct resamples table = {n, memory_new(count, sizeof(*table.blocks))};
    /* A stream for each n: seeds next to each other must not share words. */
    struct draws draws = {draws_word(&(struct draws){seed}) ^ draws_word(&(struct draws){n})};

    for (size_t i = 0; i < count; i += 2) {
        uint64_t word = draws_word(&draws);

        table.blocks[i] = pick((uint32_t)word, n);
        table.blocks[i + 1] = pick((uint32_t)(word >> 32), n);
    }
    return table;
}

/* Drops the tables that do not fit beside the first; those used longest ago go first. */
static void trim(struct bootstrap *bootstrap) {
    size_t bytes = 0;

    for (size_t i = 0; i < CACHE_TABLES; i++) {
        struct resamples *table = &bootstrap->tables[i];

        bytes += BOOTSTRAP_RESAMPLES * table->n * sizeof(*table->blocks);
        if (bytes > CACHE_BYTES) {
            free(table->blocks);
            *table = (struct resamples){0};
        }
    }
}

/* The resamples of n blocks; they stay the cache's. */
static const uint16_t *resamples_of(struct bootstrap *bootstrap, size_t n) {
    struct resamples *tables = bootstrap->tables, found;
    size_t i = 0;

    while (i < CACHE_TABLES - 1 && tables[i].n != n)
        i++;
    found = tables[i];
    for (; i > 0; i--)
        tables[i] = tables[i - 1];
    tables[0] = found;
    if (found.n != n) {
        free(found.blocks);
        tables[0] = (struct resamples){.n = n}; /* room is made before it is taken */
        trim(bootstrap);
        tables[0] = draw_resamples(bootstrap->seed, n);
    }
    return tables[0].blocks;
}

/* Four sums side by side: one alone would wait for each addition to end. */
static double sum_of(const double *values, const uint16_t *blocks, size_t n) {
    double sums[4] = {0};
    size_t i = 0;

    for (; i + 4 <= n; i += 4) {
        sums[0] += values[blocks[i]];
        sums[1] += values[blocks[i + 1]];
        sums[2] += values[blocks[i + 2]];
        sums[3] += values[blocks[i + 3]];
    }
    for (; i < n; i++)
        sums[0] += values[blocks[i]];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/* The quantile, of the standard normal distribution, at which the mean itself stands among the
 * means of the resamples. The deviations' mean is 0 but for rounding, and so is what is equal. */
static double bias_correction(const double *means, const double *deviations, size_t n) {
    double size = 0, below = 0, share;

    for (size_t i = 0; i < n; i++)
        size += fabs(deviations[i]);
    size *= 1e-12 / (double)n;
    for (size_t i = 0; i < BOOTSTRAP_RESAMPLES; i++)
        below += means[i] < -size ? 1 : means[i] <= size ? 0.5 : 0;
    share = fmin(fmax(below, 0.5), BOOTSTRAP_RESAMPLES - 0.5) / BOOTSTRAP_RESAMPLES;
    return gsl_cdf_ugaussian_Pinv(share);
}

/* Efron and Tibshirani (14.15). Leaving out a value moves the mean by -deviation / (n - 1): the
 * factor is the same above and below the line, the signs cancel. */
static double acceleration(const double *deviations, size_t n) {
    double squares = 0, cubes = 0;

    for (size_t i = 0; i < n; i++) {
        squares += deviations[i] * deviations[i];
        cubes += deviations[i] * deviations[i] * deviations[i];
    }
    return cubes / (6 * squares * sqrt(squares));
}

/* (14.10): which share of the resamples lies below the bound that belongs to the quantile z. */
static double share_below(double bias, double acceleration_, double z) {
    double reach = 1 - acceleration_ * (bias + z);

    if (reach <= 0) /* past its pole the formula would turn round */
        return bias + z > 0 ? 1 : 0;
    return gsl_cdf_ugaussian_P(bias + (bias + z) / reach);
}

/* The share as a place in the order of the resamples, from 0, outwards when between two. */
static size_t place_of(double share) {
    double places = BOOTSTRAP_RESAMPLES + 1, k;

    k = share <= 0.5 ? floor(places * share) : places - floor(places * (1 - share));
    return (size_t)fmin(fmax(k, 1), BOOTSTRAP_RESAMPLES) - 1;
}

static void normal_interval(const double *values, size_t n, double level, double *ret_low,
                            double *ret_high) {
    double mean = statistics_mean(values, n), sd = statistics_sd(values, n);
    double half = gsl_cdf_ugaussian_Pinv(0.5 + level / 2) * sd / sqrt((double)n);

    *ret_low = mean - half;
    *ret_high = mean + half;
}

static void bca_interval(struct bootstrap *bootstrap, const double *deviations, size_t n,
                         double level, double *ret_low, double *ret_high) {
    const uint16_t *blocks = resamples_of(bootstrap, n);
    double z = gsl_cdf_ugaussian_Pinv(0.5 + level / 2), *means = bootstrap->means, bias, a;

    for (size_t i = 0; i < BOOTSTRAP_RESAMPLES; i++)
        means[i] = sum_of(deviations, blocks + i * n, n) / (double)n;
    bias = bias_correction(means, deviations, n);
    a = acceleration(deviations, n);
    *ret_low = gsl_stats_select(means, 1, BOOTSTRAP_RESAMPLES, place_of(share_below(bias, a, -z)));
    *ret_high = gsl_stats_select(means, 1, BOOTSTRAP_RESAMPLES, place_of(share_below(bias, a, z)));
}

void bootstrap_mean_interval(struct bootstrap *bootstrap, const double *values, size_t n,
                             double level, double *ret_low, double *ret_high) {
    CLEANUP_FREE double *deviations = NULL;
    double mean, scale;

    *ret_low = *ret_high = NAN;
    if (n < 2)
        return;
    if (n > BOOTSTRAP_MAX_BLOCKS) {
        normal_interval(values, n, level, ret_low, ret_high);
        return;
    }
    deviations = memory_new(n, sizeof(*deviations));
    mean = statistics_mean(values, n);
    scale = statistics_deviations(values, n, deviations);
    if (scale == 0) {
        *ret_low = *ret_high = mean;
        return;
    }
    bca_interval(bootstrap, deviations, n, level, ret_low, ret_high);
    *ret_low = mean + scale * *ret_low;
    *ret_high = mean + scale * *ret_high;
}
