/* timeline: certified values, known processes, GSL, and all lags one by one; what is degenerate. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/statistics.h"
#include "base/memory.h"
#include "near.h"
#include "nist.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_fit.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_statistics_double.h>

static double effective(const double *values, size_t n) {
    double autocorrelation;

    return statistics_effective(values, n, &autocorrelation);
}

static double autocorrelation(const double *values, size_t n) {
    double result;

    (void)statistics_effective(values, n, &result);
    return result;
}

/* An AR(1) process: each value is `memory` times the one before it and something new. */
static double *process(size_t n, double memory) {
    gsl_rng *generator = gsl_rng_alloc(gsl_rng_mt19937);
    double *values = memory_new(n, sizeof(*values)), value = 0;

    for (size_t i = 0; i < n; i++)
        values[i] = value = memory * value + gsl_ran_gaussian(generator, 1);
    gsl_rng_free(generator);
    return values;
}

static void test_certified_autocorrelation(void **state) {
    static const double three[] = {10000001, 10000003, 10000002}; /* NumAcc1 */
    double values[NIST_ACCURACY_N];

    (void)state;
    near(autocorrelation(three, 3), -0.5, 0);
    for (size_t i = 0; i < ARRAY_SIZE(nist_accuracy_centres); i++) {
        nist_accuracy_values(nist_accuracy_centres[i], values);
        near(autocorrelation(values, NIST_ACCURACY_N), -0.999, 1e-8);
    }
    for (size_t i = 0; i < ARRAY_SIZE(nist_sets); i++) {
        CLEANUP_FREE double *set = nist_values(&nist_sets[i]);

        near(autocorrelation(set, nist_sets[i].n), nist_sets[i].autocorrelation, 1e-11);
    }
}

static void test_autocorrelation_as_gsl(void **state) {
    CLEANUP_FREE double *values = process(1000, 0.3);

    (void)state;
    for (size_t n = 3; n <= 1000; n += 7)
        near(autocorrelation(values, n), gsl_stats_lag1_autocorrelation(values, 1, n), 1e-12);
}

/* Geyer's initial positive sequence, each lag by itself. */
static double effective_by_lags(const double *values, size_t n) {
    double mean = statistics_mean(values, n), total = 0, first = 0, inflation;

    for (size_t lag = 0; lag + 1 < n; lag += 2) {
        double pair = 0;

        for (size_t i = lag; i < n; i++) {
            pair += (values[i] - mean) * (values[i - lag] - mean);
            if (i > lag)
                pair += (values[i] - mean) * (values[i - lag - 1] - mean);
        }
        if (lag == 0)
            for (size_t i = 0; i < n; i++)
                first += (values[i] - mean) * (values[i] - mean);
        if (pair <= 0)
            break;
        total += pair;
    }
    inflation = 2 * total / first - 1;
    return fmin(fmax((double)n / inflation, 1), (double)n);
}

/* With a trend the sum goes on over hundreds of lags, past those that are summed directly. */
static void test_effective_by_lags(void **state) {
    CLEANUP_FREE double *values = process(700, 0.8);
    double rising[700];

    (void)state;
    for (size_t i = 0; i < 700; i++)
        rising[i] = values[i] + 0.05 * (double)i;
    for (size_t n = 3; n <= 700; n += n < 140 ? 1 : 53) {
        near(effective(rising, n), effective_by_lags(rising, n), 1e-9 * (double)n);
        if (effective_by_lags(values, n) > 0)
            near(effective(values, n), effective_by_lags(values, n), 1e-9 * (double)n);
    }
}

/* The sum of all autocorrelations of AR(1) is memory / (1 - memory): n (1 - m) / (1 + m) are
 * left. */
static void test_effective_of_processes(void **state) {
    static const double memories[] = {0, 0.2, 0.5, 0.9};
    static const size_t n = 100000;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(memories); i++) {
        CLEANUP_FREE double *values = process(n, memories[i]);
        double expected = (double)n * (1 - memories[i]) / (1 + memories[i]);

        near(effective(values, n), expected, 0.1 * expected);
        near(autocorrelation(values, n), memories[i], 0.01);
    }
}

static void test_effective_bounds(void **state) {
    double values[1000];

    (void)state;
    for (size_t i = 0; i < 1000; i++)
        values[i] = i % 2 ? 1 : -1;
    near(effective(values, 1000), 1000, 0); /* never more than there are */
    for (size_t i = 0; i < 1000; i++)
        values[i] = (double)i;
    assert_true(effective(values, 1000) >= 1);
    assert_true(effective(values, 1000) < 10); /* a trend and nothing else */
    for (size_t i = 0; i < 1000; i++)
        values[i] = i < 500 ? 1e300 : -1e300;
    assert_true(effective(values, 1000) < 10);
    near(autocorrelation(values, 1000), 0.997, 1e-12); /* (998 - 1) / 1000 */
}

/* NIST StRD, linear regression, Norris: certified slope and its standard deviation. */
static void test_norris(void **state) {
    static const double x[] = {0.2,   337.4, 118.2, 884.6, 10.1,  226.5, 666.3, 996.3, 448.6,
                               777.0, 558.2, 0.4,   0.6,   775.5, 666.9, 338.0, 447.5, 11.6,
                               556.0, 228.1, 995.8, 887.6, 120.2, 0.3,   0.3,   556.8, 339.1,
                               887.2, 999.0, 779.0, 11.1,  118.3, 229.2, 669.1, 448.9, 0.5};
    static const double y[] = {0.1,   338.8, 118.1, 888.0, 9.2,   228.1, 668.5, 998.5, 449.1,
                               778.9, 559.2, 0.3,   0.1,   778.1, 668.8, 339.3, 448.9, 10.8,
                               557.7, 228.3, 998.0, 888.8, 119.6, 0.3,   0.6,   557.6, 339.3,
                               888.0, 998.5, 778.9, 10.2,  117.6, 228.9, 668.4, 449.2, 0.2};
    struct statistics_drift drift = statistics_drift(x, y, 36);
    double t = gsl_cdf_tdist_Pinv(0.975, 34);

    (void)state;
    near(drift.per_hour, 1.00211681802045, 1e-13);
    near((drift.high - drift.low) / 2 / t, 0.429796848199937e-03, 1e-14);
    near((drift.high + drift.low) / 2, drift.per_hour, 1e-13);
}

static void test_drift_as_gsl(void **state) {
    CLEANUP_FREE double *values = process(500, 0);
    double hours[500], offset, slope, covariances[3], squares;

    (void)state;
    for (size_t i = 0; i < 500; i++)
        hours[i] = 3 + (double)i / 60;
    for (size_t n = 3; n <= 500; n += 7) {
        struct statistics_drift drift = statistics_drift(hours, values, n);
        double t = gsl_cdf_tdist_Pinv(0.975, (double)n - 2);

        gsl_fit_linear(hours, 1, values, 1, n, &offset, &slope, &covariances[0], &covariances[1],
                       &covariances[2], &squares);
        near(drift.per_hour, slope, 1e-9 * fabs(slope));
        near(drift.high - drift.low, 2 * t * sqrt(covariances[2]), 1e-6);
    }
}

static void test_drift_degenerate(void **state) {
    static const double hours[] = {1, 2, 4}, line[] = {5, 7, 11}, same[] = {3, 3, 3};
    static const double huge[] = {-1e300, 1e300, 5e299}, tiny[] = {1e-300, 3e-300, 2e-300};
    struct statistics_drift drift = statistics_drift(hours, line, 3);

    (void)state;
    near(drift.per_hour, 2, 1e-15);
    near(drift.high - drift.low, 0, 1e-13);
    drift = statistics_drift(hours, same, 3);
    near(drift.per_hour, 0, 0);
    near(drift.low, 0, 0);
    near(drift.high, 0, 0);
    drift = statistics_drift(hours, line, 2);
    near(drift.per_hour, 2, 1e-15);
    assert_true(isnan(drift.low) && isnan(drift.high));
    for (size_t n = 0; n < 2; n++) {
        drift = statistics_drift(hours, line, n);
        assert_true(isnan(drift.per_hour) && isnan(drift.low) && isnan(drift.high));
    }
    drift = statistics_drift(same, line, 3); /* all at once */
    assert_true(isnan(drift.per_hour) && isnan(drift.low) && isnan(drift.high));
    drift = statistics_drift(hours, huge, 3);
    assert_true(isfinite(drift.per_hour) && isfinite(drift.low) && isfinite(drift.high));
    drift = statistics_drift(hours, tiny, 3);
    assert_true(drift.low < drift.per_hour && drift.per_hour < drift.high);
}

static void test_degenerate(void **state) {
    static const double values[] = {1, 2, 1.5}, same[] = {0.1, 0.1, 0.1, 0.1};

    (void)state;
    for (size_t n = 0; n < 3; n++) {
        assert_true(isnan(autocorrelation(values, n)));
        assert_true(isnan(effective(values, n)));
    }
    near(autocorrelation(values, 3), -0.5, 1e-15);
    near(effective(values, 3), 3, 0);
    assert_true(isnan(autocorrelation(same, 4)));
    assert_true(isnan(effective(same, 4)));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certified_autocorrelation),
        cmocka_unit_test(test_autocorrelation_as_gsl),
        cmocka_unit_test(test_effective_by_lags),
        cmocka_unit_test(test_effective_of_processes),
        cmocka_unit_test(test_effective_bounds),
        cmocka_unit_test(test_norris),
        cmocka_unit_test(test_drift_as_gsl),
        cmocka_unit_test(test_drift_degenerate),
        cmocka_unit_test(test_degenerate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
