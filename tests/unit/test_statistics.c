/* statistics: textbook values, values with a closed form, and what is not defined. */
#include "report/statistics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"

#include <math.h>

static void near(double value, double expected, double tolerance) {
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.17g where %.17g -+ %g was expected", value, expected, tolerance);
}

/* NIST StRD, univariate: NumAcc1 to NumAcc4, made to break a careless standard deviation. */
static void test_numerical_accuracy(void **state) {
    static const struct {
        double first, low, high, mean;
    } sets[] = {
        {1.2, 1.1, 1.3, 1.2},
        {1000000.2, 1000000.1, 1000000.3, 1000000.2},
        {10000000.2, 10000000.1, 10000000.3, 10000000.2},
    };
    static const double three[] = {10000001, 10000003, 10000002};
    double values[1001];

    (void)state;
    near(statistics_mean(three, 3), 10000002, 0);
    near(statistics_sd(three, 3), 1, 0);
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
        values[0] = sets[i].first;
        for (size_t k = 1; k < ARRAY_SIZE(values); k++)
            values[k] = k % 2 ? sets[i].low : sets[i].high;
        near(statistics_mean(values, ARRAY_SIZE(values)), sets[i].mean, 1e-15 * sets[i].mean);
        near(statistics_sd(values, ARRAY_SIZE(values)), 0.1, 1e-8);
    }
}

/* NIST StRD, Michelson's speed of light (R's morley): certified mean and standard deviation;
 * the quartiles are those of R's summary(). */
static void test_michelson(void **state) {
    static const double speed[] = {
        850,  740, 900, 1070, 930, 850, 950, 980, 980, 880, 1000, 980, 930, 650, 760, 810, 1000,
        1000, 960, 960, 960,  940, 960, 940, 880, 800, 850, 880,  900, 840, 830, 790, 810, 880,
        880,  830, 800, 790,  760, 800, 880, 880, 880, 860, 720,  720, 620, 860, 970, 950, 880,
        910,  850, 870, 840,  840, 850, 840, 840, 840, 890, 810,  810, 820, 800, 770, 760, 740,
        750,  760, 910, 920,  890, 860, 880, 720, 840, 850, 850,  780, 890, 840, 780, 810, 760,
        810,  790, 810, 820,  850, 870, 870, 810, 740, 810, 940,  950, 800, 810, 870,
    };
    double values[ARRAY_SIZE(speed)];
    struct statistics result;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(speed); i++)
        values[i] = 299 + speed[i] / 1000;
    result = statistics_describe(values, ARRAY_SIZE(values));
    assert_int_equal(result.n, 100);
    near(result.mean, 299.852400000000, 1e-12);
    near(result.sd, 0.0790105478190518, 1e-13);
    near(result.median, 299.850, 1e-12);
    near(result.q1, 299.8075, 1e-12);
    near(result.q3, 299.8925, 1e-12);
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

    (void)state;
    result = statistics_describe(two, 2);
    near(result.mean, 2, 0);
    near(result.sd, sqrt(2), 1e-15);
    near(result.ci_high, 2 + tan(0.475 * pi), 1e-9);
    near(result.ci_low, 2 - tan(0.475 * pi), 1e-9);
    result = statistics_describe(three, 3);
    near(result.sd, 1, 0);
    near(result.ci_high, 2 + 0.95 / sqrt(2 * 0.975 * 0.025) / sqrt(3), 1e-9);
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
    static const double one = 13.4, same[] = {7, 7, 7};
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
    near(result.ci_low, 7, 0);
    near(result.ci_high, 7, 0);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numerical_accuracy), cmocka_unit_test(test_michelson),
        cmocka_unit_test(test_handbook_interval),  cmocka_unit_test(test_small_intervals),
        cmocka_unit_test(test_quartiles),          cmocka_unit_test(test_undefined),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
