/* bootstrap: against R and against the exact distribution of all resamples; what must not matter;
 * what is degenerate. */
#include "report/bootstrap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "near.h"
#include "report/draws.h"
#include "report/statistics.h"

#include <gsl/gsl_cdf.h>

struct interval {
    double low, high;
};

static struct interval interval_of(struct bootstrap *bootstrap, const double *values, size_t n) {
    struct interval interval;

    bootstrap_mean_interval(bootstrap, values, n, 0.95, &interval.low, &interval.high);
    return interval;
}

static struct interval fresh_interval(uint64_t seed, const double *values, size_t n) {
    CLEANUP(bootstrap_freep) struct bootstrap *bootstrap = bootstrap_new(seed);

    return interval_of(bootstrap, values, n);
}

static void fill(double *values, size_t n, uint64_t seed) {
    struct draws draws = {seed};

    for (size_t i = 0; i < n; i++)
        values[i] = exp((double)(draws_word(&draws) >> 11) / 9007199254740992.0); /* 1..e, skewed */
}

/* Sebastiano Vigna's splitmix64.c, seed 1234567: its first five words, as Rosetta Code has them. */
static void test_draws(void **state) {
    static const uint64_t expected[] = {6457827717110365317u, 3203168211198807973u,
                                        9817491932198370423u, 4593380528125082431u,
                                        16408922859458223821u};
    struct draws draws = {1234567};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
        assert_true(draws_word(&draws) == expected[i]);
}

/* boot.ci() of R's package boot with a million resamples, from SciPy's tests: BCa 32.31 to 91.43,
 * where the percentile interval is 28.86 to 84.21 and the basic one 23.77 to 79.12. Bounds from
 * 10,000 resamples scatter by about 0.3 and 0.7. */
static void test_as_r(void **state) {
    static const double values[] = {10, 12, 12.5, 12.5, 13.9, 15,  21,  22,
                                    23, 34, 50,   81,   89,   121, 134, 213};
    struct interval mean = {0, 0};

    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct interval interval = fresh_interval(seed, values, 16);

        near(interval.low, 32.31, 1.5);
        near(interval.high, 91.43, 3.5);
        mean.low += interval.low / 20;
        mean.high += interval.high / 20;
    }
    near(mean.low, 32.31, 0.3);
    near(mean.high, 91.43, 0.7);
}

#define EXACT_N     5
#define EXACT_COUNT 3125 /* 5^5 */

/* All resamples of five values. */
static void exact_means(const double values[EXACT_N], double ret_sorted[EXACT_COUNT]) {
    for (size_t i = 0; i < EXACT_COUNT; i++) {
        double sum = 0;

        for (size_t k = 0, digits = i; k < EXACT_N; k++, digits /= EXACT_N)
            sum += values[digits % EXACT_N];
        ret_sorted[i] = sum / EXACT_N;
    }
    statistics_sort(ret_sorted, EXACT_COUNT);
}

/* The share of the exact means below the value, and at most it. */
static double share(const double *means, double value, double allowance) {
    double count = 0;

    for (size_t i = 0; i < EXACT_COUNT; i++)
        count += means[i] <= value + allowance;
    return count / EXACT_COUNT;
}

/* Efron and Tibshirani (14.10) to (14.15), word by word, of the exact distribution. */
static double exact_share_below(const double *values, const double *means, double z) {
    double mean = statistics_mean(values, EXACT_N), squares = 0, cubes = 0, bias, a;

    for (size_t i = 0; i < EXACT_N; i++) { /* the jackknife: the means without one value */
        double without = (mean * EXACT_N - values[i]) / (EXACT_N - 1);

        squares += pow(mean - without, 2);
        cubes += pow(mean - without, 3);
    }
    a = cubes / (6 * pow(squares, 1.5));
    bias = gsl_cdf_ugaussian_Pinv((share(means, mean, -1e-9) + share(means, mean, 1e-9)) / 2);
    return gsl_cdf_ugaussian_P(bias + (bias + z) / (1 - a * (bias + z)));
}

static void test_as_exact(void **state) {
    static const double sets[][EXACT_N] = {
        {1, 2, 4, 8, 16}, {3.1, 2.7, 9.9, 3.3, 2.9}, {-20, 1, 2, 3, 4}, {1, 2, 3, 4, 5}};
    static const double z = 1.959963984540054;
    double means[EXACT_COUNT];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
        struct interval interval = fresh_interval(7, sets[i], EXACT_N);
        double low, high;

        exact_means(sets[i], means);
        low = exact_share_below(sets[i], means, -z);
        high = exact_share_below(sets[i], means, z);
        assert_true(share(means, interval.low, -1e-9) <= low + 0.006);
        assert_true(share(means, interval.low, 1e-9) >= low - 0.006);
        assert_true(share(means, interval.high, -1e-9) <= high + 0.006);
        assert_true(share(means, interval.high, 1e-9) >= high - 0.006);
    }
}

/* The order of the cells, and what the cache dropped meanwhile, must not matter. */
static void test_deterministic(void **state) {
    static const size_t counts[] = {20, 21, 2000, 50, 20, 1999, 3, 4, 5, 6, 7, 20, 2000, 50};
    CLEANUP(bootstrap_freep) struct bootstrap *bootstrap = bootstrap_new(2022);
    struct interval first, other;
    double values[2000];

    (void)state;
    fill(values, 2000, 1);
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        first = interval_of(bootstrap, values, counts[i]);
        other = fresh_interval(2022, values, counts[i]);
        near(first.low, other.low, 0);
        near(first.high, other.high, 0);
    }
    first = fresh_interval(2022, values, 50);
    other = fresh_interval(2023, values, 50);
    assert_true(first.low != other.low && first.high != other.high);
}

/* Other signs mirror the interval, another unit scales it, another zero shifts it. */
static void test_equivariant(void **state) {
    static const double scales[] = {1e-300, 1e-9, 1e9, 1e300};
    double values[40], others[40];
    struct interval plain, other;

    (void)state;
    fill(values, 40, 2);
    plain = fresh_interval(5, values, 40);
    for (size_t k = 0; k < ARRAY_SIZE(scales); k++) {
        for (size_t i = 0; i < 40; i++)
            others[i] = -values[i] * scales[k];
        other = fresh_interval(5, others, 40);
        near(other.low / scales[k], -plain.high, 1e-12);
        near(other.high / scales[k], -plain.low, 1e-12);
    }
    for (size_t i = 0; i < 40; i++)
        others[i] = values[i] + 1000;
    other = fresh_interval(5, others, 40);
    near(other.low, plain.low + 1000, 1e-9);
    near(other.high, plain.high + 1000, 1e-9);
}

/* The longer tail is on the right: so is the longer half of the interval. For many values it comes
 * close to the normal one. */
static void test_sensible(void **state) {
    double values[2001], mean, half;
    struct interval interval;

    (void)state;
    fill(values, 2001, 3);
    interval = fresh_interval(1, values, 20);
    mean = statistics_mean(values, 20);
    assert_true(interval.low < mean && mean < interval.high);
    assert_true(interval.high - mean > mean - interval.low);
    mean = statistics_mean(values, 2000);
    half = 1.959963984540054 * statistics_sd(values, 2000) / sqrt(2000);
    interval = fresh_interval(1, values, 2000);
    near(interval.low, mean - half, 0.06 * half);
    near(interval.high, mean + half, 0.06 * half);
    mean = statistics_mean(values, 2001); /* above the limit: exactly so */
    half = 1.959963984540054 * statistics_sd(values, 2001) / sqrt(2001);
    interval = fresh_interval(1, values, 2001);
    near(interval.low, mean - half, 1e-12);
    near(interval.high, mean + half, 1e-12);
}

static void test_degenerate(void **state) {
    static const double two[] = {1, 3}, same[] = {0.1, 0.1, 0.1};
    CLEANUP(bootstrap_freep) struct bootstrap *bootstrap = bootstrap_new(1);
    double lonely[2000] = {0}, low, high;
    struct interval interval = interval_of(bootstrap, NULL, 0);

    (void)state;
    assert_true(isnan(interval.low) && isnan(interval.high));
    interval = interval_of(bootstrap, two, 1);
    assert_true(isnan(interval.low) && isnan(interval.high));
    interval = interval_of(bootstrap, two, 2); /* a quarter of the resamples are 1, 1 */
    near(interval.low, 1, 0);
    near(interval.high, 3, 0);
    interval = interval_of(bootstrap, same, 3);
    near(interval.low, statistics_mean(same, 3), 0);
    near(interval.high, statistics_mean(same, 3), 0);
    lonely[700] = 1; /* the most skewed there is: a third of all resamples are without it */
    interval = interval_of(bootstrap, lonely, 2000);
    assert_true(interval.low >= -1e-12 && interval.low < 1.0 / 2000);
    assert_true(interval.high > 1.0 / 2000 && interval.high < 0.01);
    bootstrap_mean_interval(bootstrap, lonely, 2000, 0.999999999, &low, &high); /* past the pole? */
    assert_true(low >= -1e-12 && low <= interval.low && high >= interval.high && high <= 1);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draws),       cmocka_unit_test(test_as_r),
        cmocka_unit_test(test_as_exact),    cmocka_unit_test(test_deterministic),
        cmocka_unit_test(test_equivariant), cmocka_unit_test(test_sensible),
        cmocka_unit_test(test_degenerate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
