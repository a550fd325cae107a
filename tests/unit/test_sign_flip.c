/* paired: the sign-flip test. Published p values, all assignments one by one, and where the three
 * ways meet. */
#include "analysis/paired.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/draws.h"
#include "base/memory.h"
#include "near.h"

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

static double uniform(struct draws *draws) {
    return (double)(draws_word(draws) >> 11) / 9007199254740992.0;
}

static void fill(double *differences, size_t n, double shift) {
    struct draws draws = {n};

    for (size_t i = 0; i < n; i++)
        differences[i] = uniform(&draws) - 0.5 + shift;
}

/* By definition; n <= 20. */
static double by_definition(const double *differences, size_t n) {
    double observed = 0, count = 0;

    for (size_t i = 0; i < n; i++)
        observed += differences[i];
    for (uint32_t signs = 0; signs < 1U << n; signs++) {
        double sum = 0;

        for (size_t i = 0; i < n; i++)
            sum += signs >> i & 1 ? -differences[i] : differences[i];
        count += fabs(sum) >= fabs(observed) - 1e-9;
    }
    return count / (1U << n);
}

/* Darwin's maize: 15 pairs, in eighths of an inch. Fisher, "The design of experiments", 1935,
 * section 21: of the 2^15 assignments of signs 863 give a sum of 314 or more, and as many one of
 * -314 or less. */
static void test_darwin(void **state) {
    static const double differences[] = {49, -67, 8,  16, 6,  23, 28, 41,
                                         14, 29,  56, 24, 75, 60, -48};

    (void)state;
    assert_int_equal(ARRAY_SIZE(differences), 15);
    near(paired_p_value(differences, 15, 1), 2 * 863 / 32768.0, 1e-15);
}

/* Of signed ranks it is Wilcoxon's test. Hollander and Wolfe, "Nonparametric statistical methods",
 * 1973, p. 29: depression of nine patients, before and after; R's wilcox.test(): V = 40, two-sided
 * p-value = 0.03906, which is 20/512. */
static void test_signed_ranks(void **state) {
    static const double ranks[] = {8, -3, 9, 4, 6, 5, 7, -2, 1};

    (void)state;
    near(paired_p_value(ranks, 9, 1), 20 / 512.0, 1e-15);
}

static void test_by_definition(void **state) {
    double differences[17];

    (void)state;
    for (size_t n = 1; n <= PAIRED_EXACT; n++) {
        fill(differences, n, 0.1);
        near(paired_p_value(differences, n, 1), by_definition(differences, n), 1e-15);
    }
    fill(differences, 17, 0.1); /* by chance: 0.05 scatters by 0.0007 */
    near(paired_p_value(differences, 17, 1), by_definition(differences, 17), 0.005);
    near(paired_p_value(differences, 17, 2), by_definition(differences, 17), 0.005);
    assert_true(paired_p_value(differences, 17, 1) == paired_p_value(differences, 17, 1));
    assert_true(paired_p_value(differences, 17, 1) != paired_p_value(differences, 17, 2));
}

/* Sums that are equal, but not to the last bit: as many as of the whole numbers. */
static void test_ties(void **state) {
    static const double scales[] = {0.1, 1e-7, 1.0 / 3, 1e300};
    double whole[12], scaled[12], same[16];

    (void)state;
    for (size_t i = 0; i < 12; i++)
        whole[i] = i % 4 == 1 ? -(double)i : (double)i;
    for (size_t k = 0; k < ARRAY_SIZE(scales); k++) {
        for (size_t i = 0; i < 12; i++)
            scaled[i] = whole[i] * scales[k];
        near(paired_p_value(scaled, 12, 1), by_definition(whole, 12), 1e-15);
    }
    for (size_t i = 0; i < 16; i++)
        same[i] = 0.1;
    near(paired_p_value(same, 16, 1), 2 / 65536.0, 1e-20); /* the smallest of all */
}

/* Many pairs: near the normal limit, and never zero while it is by chance. */
static void test_many(void **state) {
    static double differences[PAIRED_RANDOM + 1];
    double sum = 0, squares = 0, normal;
    size_t n = PAIRED_RANDOM;

    (void)state;
    fill(differences, n + 1, 0);
    for (size_t i = 0; i < n; i++) {
        sum += differences[i];
        squares += differences[i] * differences[i];
    }
    for (size_t i = 0; i < n; i++) /* so that the sum is 1.5 of its standard deviations */
        differences[i] += (1.5 * sqrt(squares) - sum) / (double)n;
    normal = 2 * 0.0668072; /* of the table: 1 - Phi(1.5) */
    near(paired_p_value(differences, n, 1), normal, 0.005);
    differences[n] = 0;
    near(paired_p_value(differences, n + 1, 1), normal, 0.005);
    for (size_t i = 0; i < n; i++)
        differences[i] = 1;
    near(paired_p_value(differences, n, 1), 1.0 / (PAIRED_FLIPS + 1), 1e-15);
    near(paired_p_value(differences, 50, 1), 1.0 / (PAIRED_FLIPS + 1), 1e-15);
}

static void test_degenerate(void **state) {
    static double zeros[PAIRED_RANDOM + 1];
    static const double two[] = {3, 1};

    (void)state;
    assert_true(isnan(paired_p_value(NULL, 0, 1)));
    near(paired_p_value(two, 1, 1), 1, 0);
    near(paired_p_value(two, 2, 1), 0.5, 0);
    near(paired_p_value(zeros, 5, 1), 1, 0);
    near(paired_p_value(zeros, 100, 1), 1, 0);
    near(paired_p_value(zeros, ARRAY_SIZE(zeros), 1), 1, 0);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draws),        cmocka_unit_test(test_darwin),
        cmocka_unit_test(test_signed_ranks), cmocka_unit_test(test_by_definition),
        cmocka_unit_test(test_ties),         cmocka_unit_test(test_many),
        cmocka_unit_test(test_degenerate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
