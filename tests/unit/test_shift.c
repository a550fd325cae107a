/* paired: what is made of ranks. Textbook data, and all pairs one by one. */
#include "analysis/paired.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/draws.h"
#include "base/memory.h"
#include "near.h"

#include <gsl/gsl_sort.h>

static double hodges_lehmann(const double *differences, size_t n) {
    CLEANUP_FREE double *zeros = memory_new(n, sizeof(*zeros));

    return paired_compare(differences, zeros, n, 1).shift;
}

static double cliff_delta(const double *values, const double *baselines, size_t n) {
    return paired_compare(values, baselines, n, 1).cliff_delta;
}

/* Hollander and Wolfe, "Nonparametric statistical methods", 1973, p. 29: the depression of nine
 * patients at their first and their second visit. The median of the 45 Walsh averages of the
 * changes is -0.46. */
static void test_depression(void **state) {
    static const double first[] = {1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30};
    static const double second[] = {0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29};
    double changes[9];

    (void)state;
    for (size_t i = 0; i < 9; i++)
        changes[i] = second[i] - first[i];
    near(hodges_lehmann(changes, 9), -0.46, 1e-12);
}

/* Long, Feng and Cliff, "Ordinal analysis of behavioral data", 2003, table 3 (the example of R's
 * package orddom): scores of 25 alcoholics and 25 others; 423 pairs to 180 say that the alcoholic's
 * is the higher, 22 are even. */
static void test_alcoholics(void **state) {
    double others[] = {3,  3,  3,  4,  5,  6,  12, 12, 13, 14, 15, 15, 15,
                       15, 15, 16, 18, 18, 18, 23, 23, 27, 28, 28, 43};
    double alcoholics[] = {1,  4,  6,  7,  7,  14, 14, 18, 19, 20, 21, 24, 25,
                           26, 26, 26, 27, 28, 28, 30, 33, 33, 44, 45, 50};

    (void)state;
    near(cliff_delta(alcoholics, others, 25), (423 - 180) / 625.0, 1e-15);
    near(cliff_delta(others, alcoholics, 25), (180 - 423) / 625.0, 1e-15);
}

static void fill(double *values, size_t n, uint64_t seed, uint64_t steps) {
    struct draws draws = {seed};

    for (size_t i = 0; i < n; i++)
        values[i] = ((double)(draws_word(&draws) % steps) - (double)steps / 3) / 7;
}

static double median_of_walsh_averages(const double *values, size_t n) {
    CLEANUP_FREE double *averages = memory_new(n * (n + 1) / 2, sizeof(*averages));
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t k = i; k < n; k++)
            averages[count++] = (values[i] + values[k]) / 2;
    gsl_sort(averages, 1, count);
    return (averages[(count - 1) / 2] + averages[count / 2]) / 2;
}

static double delta_of_pairs(const double *values, const double *baselines, size_t n) {
    double balance = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            balance += (values[i] > baselines[k]) - (values[i] < baselines[k]);
    return balance / (double)n / (double)n;
}

/* Few steps make many ties; an odd and an even number of averages both occur. */
static void test_by_pairs(void **state) {
    static const uint64_t steps[] = {2, 5, 40, 1000000};
    double values[130], baselines[130];

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(steps); k++)
        for (size_t n = 1; n <= 130; n += n < 40 ? 1 : 13) {
            double median, delta;

            fill(values, n, n, steps[k]);
            fill(baselines, n, n + 1000, steps[k]);
            median = median_of_walsh_averages(values, n);
            delta = delta_of_pairs(values, baselines, n);
            near(cliff_delta(values, baselines, n), delta, 1e-15);
            near(hodges_lehmann(values, n), median, 1e-15 * (1 + fabs(median)));
        }
}

static void test_degenerate(void **state) {
    double values[] = {3, -1}, baselines[] = {3, 5}, zeros[3] = {0};
    double negative_zeros[] = {-0.0, -0.0}, huge[] = {1e300, -1e300, 1e300, 1e300};
    double tiny[] = {1e-300, 3e-300, 2e-300}, tiniest[] = {5e-324, 5e-324};

    (void)state;
    assert_true(isnan(hodges_lehmann(NULL, 0)));
    assert_true(isnan(cliff_delta(NULL, NULL, 0)));
    near(hodges_lehmann(values, 1), 3, 0);
    near(cliff_delta(values, baselines, 1), 0, 0);
    near(hodges_lehmann(values, 2), 1, 0);
    near(cliff_delta(values, baselines, 2), -0.75, 0); /* 3 is even with 3 only */
    near(hodges_lehmann(zeros, 3), 0, 0);
    near(cliff_delta(zeros, zeros, 3), 0, 0);
    near(hodges_lehmann(negative_zeros, 2), 0, 0);
    near(hodges_lehmann(huge, 4) / 1e300, 1, 0); /* of ten averages six are that */
    near(hodges_lehmann(tiny, 3) / 1e-300, 2, 1e-12);
    near(hodges_lehmann(tiniest, 2), 0, 1e-323); /* halves of the smallest number are 0 */
}

/* Nothing grows as the square of their number: 6e9 averages. */
static void test_many(void **state) {
    static const size_t n = 110000;
    CLEANUP_FREE double *values = memory_new(n, sizeof(*values));
    CLEANUP_FREE double *baselines = memory_new(n, sizeof(*baselines));

    (void)state;
    for (size_t i = 0; i < n; i++) {
        values[i] = (double)(i * 7919 % n);
        baselines[i] = (double)i + 1100;
    }
    near(hodges_lehmann(values, n), (double)(n - 1) / 2, 0);
    /* smaller: all but (n - 1100)^2 / 2, roughly */
    near(cliff_delta(values, baselines, n), pow(1 - 1100.0 / n, 2) - 1, 1e-4);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depression), cmocka_unit_test(test_alcoholics),
        cmocka_unit_test(test_by_pairs),   cmocka_unit_test(test_degenerate),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
