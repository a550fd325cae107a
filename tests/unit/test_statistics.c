/* statistics: textbook values, values with a closed form, and what is not defined. */
#include "analysis/statistics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "near.h"
#include "nist.h"

#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

/* NIST StRD, univariate: NumAcc1 to NumAcc4. */
static void test_numerical_accuracy(void **state) {
    static const double three[] = {10000001, 10000003, 10000002};
    double values[NIST_ACCURACY_N];

    (void)state;
    near(statistics_mean(three, 3), 10000002, 0);
    near(statistics_sd(three, 3), 1, 0);
    for (size_t i = 0; i < ARRAY_SIZE(nist_accuracy_centres); i++) {
        double centre = nist_accuracy_centres[i][0];

        nist_accuracy_values(nist_accuracy_centres[i], values);
        near(statistics_mean(values, NIST_ACCURACY_N), centre, 1e-15 * centre);
        near(statistics_sd(values, NIST_ACCURACY_N), 0.1, 1e-8);
    }
}

/* The certified figures have 15 digits. */
static void test_reference_data(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(nist_sets); i++) {
        const struct nist_set *set = &nist_sets[i];
        CLEANUP_FREE double *values = nist_values(set);

        near(statistics_mean(values, set->n), set->mean, 1e-14 * fabs(set->mean));
        near(statistics_sd(values, set->n), set->sd, 1e-13 * set->sd);
    }
}

/* Michelson's speed of light: the quartiles are those of R's summary(morley). */
static void test_michelson(void **state) {
    const struct nist_set *set = &nist_sets[ARRAY_SIZE(nist_sets) - 1];
    CLEANUP_FREE double *values = nist_values(set);
    struct statistics result = statistics_describe(values, set->n);

    (void)state;
    assert_string_equal(set->name, "Michelso");
    assert_int_equal(result.n, 100);
    near(result.mean, set->mean, 1e-12);
    near(result.sd, set->sd, 1e-13);
    near(result.median, 299.850, 1e-12);
    near(result.q1, 299.8075, 1e-12);
    near(result.q3, 299.8925, 1e-12);
}

/* GSL computes the same in another way. */
static void test_as_gsl(void **state) {
    gsl_rng *generator = gsl_rng_alloc(gsl_rng_mt19937);
    double values[300];

    (void)state;
    for (size_t n = 2; n <= ARRAY_SIZE(values); n++) {
        for (size_t i = 0; i < n; i++)
            values[i] = 100 + gsl_rng_uniform(generator);
        near(statistics_mean(values, n), gsl_stats_mean(values, 1, n), 1e-12);
        near(statistics_sd(values, n), gsl_stats_sd(values, 1, n), 1e-12);
        gsl_sort(values, 1, n);
        for (int percent = 0; percent <= 100; percent += 5)
            near(statistics_quantile(values, n, percent / 100.0),
                 gsl_stats_quantile_from_sorted_data(values, 1, n, percent / 100.0), 1e-12);
    }
    gsl_rng_free(generator);
}

/* What stands for any unit: squares of 1e300 and of 1e-300 are no numbers. */
static void test_huge_and_tiny(void **state) {
    static const double sizes[] = {1e300, 1e-300, 1e-320};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        double size = sizes[i], values[] = {size, 3 * size, 2 * size};
        struct statistics result = statistics_describe(values, 3);

        near(result.mean / size, 2, 1e-3); /* 1e-320 is of four digits */
        near(result.sd / size, 1, 1e-3);
    }
}

/* NIST/SEMATECH e-Handbook 1.3.5.2: ZARR13.DAT, 195 values. */
static void test_handbook_interval(void **state) {
    double low, high;

    (void)state;
    statistics_t_interval(195, 9.261460, 0.2278881e-01, 0.95, &low, &high);
    near(low, 9.258242, 1e-6);
    near(high, 9.264679, 1e-6);
}

/* t(0.975; 1) = tan(0.475 pi) and t(0.975; 2) = 0.95 / sqrt(2 * 0.975 * 0.025): closed forms. */
static void test_small_intervals(void **state) {
    static const double pi = 3.14159265358979323846;
    static const double two[] = {1, 3}, three[] = {1, 2, 3};
    struct statistics result;
    double low, high;

    (void)state;
    result = statistics_describe(two, 2);
    near(result.mean, 2, 0);
    near(result.sd, sqrt(2), 1e-15);
    statistics_t_interval(2, result.mean, result.sd, 0.95, &low, &high);
    near(high, 2 + tan(0.475 * pi), 1e-9);
    near(low, 2 - tan(0.475 * pi), 1e-9);
    result = statistics_describe(three, 3);
    near(result.sd, 1, 0);
    statistics_t_interval(3, result.mean, result.sd, 0.95, &low, &high);
    near(high, 2 + 0.95 / sqrt(2 * 0.975 * 0.025) / sqrt(3), 1e-9);
}

/* R 4.2: t.test(c(1.13, 2.71, 3.02, 4.69, 5.57, 6.18, 9.06, 12.2, 15.8, 30.1))$conf.int, and so on;
 * the last is not of R, which refuses values that are all equal. */
static void test_interval_of_the_mean(void **state) {
    static const struct {
        size_t n;
        double values[10], low, high;
    } rows[] = {
        {10,
         {1.13, 2.71, 3.02, 4.69, 5.57, 6.18, 9.06, 12.2, 15.8, 30.1},
         2.84061504236,
         15.25138495764},
        {5, {943.2, 951.7, 948.8, 950.1, 939.9}, 940.548714175, 952.931285825},
        {3, {13.4, 13.1, 13.3}, 12.8872083633, 13.6461249700},
        {2, {1, 3}, -10.7062047362, 14.7062047362},
        {3, {7, 7, 7}, 7, 7},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct statistics result = statistics_describe(rows[i].values, rows[i].n);

        near(result.ci_low, rows[i].low, 1e-9);
        near(result.ci_high, rows[i].high, 1e-9);
    }
}

/* Hyndman and Fan's definition 7; R: quantile(1:10) and quantile(c(1, 2, 4, 8)). */
static void test_quartiles(void **state) {
    static const double ten[] = {10, 1, 9, 2, 8, 3, 7, 4, 6, 5}, four[] = {8, 4, 2, 1};
    struct statistics result = statistics_describe(ten, 10);

    (void)state;
    near(result.q1, 3.25, 0);
    near(result.median, 5.5, 0);
    near(result.q3, 7.75, 0);
    result = statistics_describe(four, 4);
    near(result.q1, 1.75, 0);
    near(result.median, 3, 0);
    near(result.q3, 5, 0);
    near(statistics_quantile((double[]){1, 2, 4}, 3, 0), 1, 0);
    near(statistics_quantile((double[]){1, 2, 4}, 3, 1), 4, 0);
}

static void test_undefined(void **state) {
    static const double one = 13.4, same[] = {7, 7, 7}, tenths[] = {0.1, 0.1, 0.1};
    struct statistics result = statistics_describe(NULL, 0);

    (void)state;
    assert_int_equal(result.n, 0);
    assert_true(isnan(result.mean) && isnan(result.sd) && isnan(result.median));
    assert_true(isnan(result.q1) && isnan(result.q3));
    assert_true(isnan(result.ci_low) && isnan(result.ci_high));
    result = statistics_describe(&one, 1);
    near(result.mean, 13.4, 0);
    near(result.median, 13.4, 0);
    near(result.q1, 13.4, 0);
    near(result.q3, 13.4, 0);
    assert_true(isnan(result.sd) && isnan(result.ci_low) && isnan(result.ci_high));
    result = statistics_describe(same, 3);
    near(result.sd, 0, 0);
    near(statistics_sd(tenths, 3), 0, 0); /* although their sum is not 0.3 */
    assert_true(isnan(result.autocorrelation) && isnan(result.n_effective));
    assert_true(isnan(result.drift.per_hour) && isnan(result.drift.low));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numerical_accuracy), cmocka_unit_test(test_reference_data),
        cmocka_unit_test(test_michelson),          cmocka_unit_test(test_as_gsl),
        cmocka_unit_test(test_huge_and_tiny),      cmocka_unit_test(test_handbook_interval),
        cmocka_unit_test(test_small_intervals),    cmocka_unit_test(test_interval_of_the_mean),
        cmocka_unit_test(test_quartiles),          cmocka_unit_test(test_undefined),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
