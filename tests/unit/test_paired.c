/* paired: closed forms, a published family of p values, and what is degenerate. The parts have
 * tests of their own: sign_flip, shift. */
#include "analysis/paired.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/statistics.h"
#include "base/memory.h"
#include "near.h"

/* Log-ratios 0 and log 4: mean log 2, sd log 4 / sqrt(2), and t(p; 1) = tan((p - 0.5) pi). */
static void test_two_pairs(void **state) {
    static const double pi = 3.14159265358979323846;
    static const double values[] = {10, 80}, baselines[] = {10, 20};
    struct paired paired = paired_compare(values, baselines, 2, 1);

    (void)state;
    assert_int_equal(paired.n, 2);
    near(paired.ratio, 2, 1e-14);
    near(log(paired.ci_high), log(2) + tan(0.475 * pi) * log(4) / 2, 1e-9);
    near(log(paired.ci_low), log(2) - tan(0.475 * pi) * log(4) / 2, 1e-9);
    near(log(paired.narrow_high), log(2) + tan(0.45 * pi) * log(4) / 2, 1e-9);
    near(log(paired.narrow_low), log(2) - tan(0.45 * pi) * log(4) / 2, 1e-9);
    near(paired.p_value, 1, 0); /* 0 has no sign to flip */
    near(paired.shift, 30, 0);
    near(paired.cliff_delta, 0.25, 0); /* 10: even, below; 80: above both */
}

/* R's sleep data (Student, 1908): its log-ratios would need positive values, so they are made the
 * logarithms; then ratio and intervals are those of the paired t-test. R: t.test(extra ~ group,
 * paired): mean of the differences -1.58, 95 % interval -2.4598858 to -0.7001142. */
static void test_student(void **state) {
    static const double first[] = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
    static const double second[] = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};
    double values[10], baselines[10], differences[10];
    struct paired paired;

    (void)state;
    for (size_t i = 0; i < 10; i++) {
        values[i] = exp(first[i]);
        baselines[i] = exp(second[i]);
        differences[i] = first[i] - second[i];
    }
    paired = paired_compare(values, baselines, 10, 1);
    near(log(paired.ratio), -1.58, 1e-12);
    near(log(paired.ci_low), -2.4598858, 1e-7);
    near(log(paired.ci_high), -0.7001142, 1e-7);
    near(paired.p_value, paired_p_value(differences, 10, 1), 1e-15);
    near(paired.p_value, 4 / 1024.0, 1e-15); /* one difference is 0, the others have one sign */
}

/* What slows a whole block down by a factor cancels; so does the unit. */
static void test_blocks_cancel(void **state) {
    static const double blocks[] = {1, 0.5, 3, 1e-300, 1e300};
    double values[5], baselines[5];
    struct paired paired;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        baselines[i] = 13.4 * blocks[i];
        values[i] = 0.97 * baselines[i];
    }
    paired = paired_compare(values, baselines, 5, 1);
    near(paired.ratio, 0.97, 1e-15);
    near(paired.ci_low, 0.97, 1e-14);
    near(paired.ci_high, 0.97, 1e-14);
    near(paired.p_value, 2 / 32.0, 0);
    near(paired.cliff_delta, -5 / 25.0, 1e-15);
}

/* The other way round, everything is the other way round. */
static void test_reversed(void **state) {
    static const double values[] = {9, 12, 11, 14, 8, 7, 3}, baselines[] = {8, 9, 13, 9, 7, 7, 2};
    struct paired forth = paired_compare(values, baselines, 7, 1);
    struct paired back = paired_compare(baselines, values, 7, 1);

    (void)state;
    near(forth.ratio * back.ratio, 1, 1e-14);
    near(forth.ci_low * back.ci_high, 1, 1e-14);
    near(forth.narrow_high * back.narrow_low, 1, 1e-14);
    near(forth.p_value, back.p_value, 0);
    near(forth.shift, -back.shift, 0);
    near(forth.cliff_delta, -back.cliff_delta, 0);
    assert_true(forth.ci_low < forth.narrow_low && forth.narrow_low < forth.ratio);
    assert_true(forth.ratio < forth.narrow_high && forth.narrow_high < forth.ci_high);
}

static void test_ratio_alone(void **state) {
    static const double values[] = {9, 12, 11, 14, 8}, baselines[] = {8, 9, 13, 9, 7};
    struct paired paired = paired_compare(values, baselines, 5, 1);
    double ratio, low, high;

    (void)state;
    paired_ratio(values, baselines, 5, PAIRED_LEVEL, &ratio, &low, &high);
    near(ratio, paired.ratio, 0);
    near(low, paired.ci_low, 0);
    near(high, paired.ci_high, 0);
}

/* A channel against itself: the logarithm of 1 is 0, exactly. */
static void test_same(void **state) {
    double values[40];
    struct paired paired;

    (void)state;
    for (size_t i = 0; i < 40; i++)
        values[i] = 1.1 + (double)i / 7;
    paired = paired_compare(values, values, 40, 1);
    near(paired.ratio, 1, 0);
    near(paired.ci_low, 1, 0);
    near(paired.ci_high, 1, 0);
    near(paired.narrow_low, 1, 0);
    near(paired.narrow_high, 1, 0);
    near(paired.p_value, 1, 0);
    near(paired.shift, 0, 0);
    near(paired.cliff_delta, 0, 0);
}

static void all_undefined(const struct paired *paired) {
    assert_true(isnan(paired->ci_low) && isnan(paired->ci_high));
    assert_true(isnan(paired->narrow_low) && isnan(paired->narrow_high));
}

static void test_degenerate(void **state) {
    static const double values[] = {8, 0, 6}, baselines[] = {4, 2, 3}, low[] = {1, -2, 1};
    static const double huge[] = {1e300, 1e300, 1e299}, tiny[] = {1e-300, 1e-300, 1e-299};
    struct paired paired = paired_compare(NULL, NULL, 0, 1);

    (void)state;
    all_undefined(&paired);
    assert_int_equal(paired.n, 0);
    assert_true(isnan(paired.ratio) && isnan(paired.p_value));
    assert_true(isnan(paired.shift) && isnan(paired.cliff_delta));
    paired = paired_compare(values, baselines, 1, 1);
    all_undefined(&paired);
    near(paired.ratio, 2, 1e-15);
    near(paired.p_value, 1, 0);
    near(paired.shift, 4, 0);
    near(paired.cliff_delta, 1, 0);
    paired = paired_compare(values, baselines, 3, 1); /* a zero */
    all_undefined(&paired);
    assert_true(isnan(paired.ratio) && isnan(paired.p_value));
    near(paired.shift, 2, 0); /* of the averages -2, 0.5, 1, 3, 3.5, 4 */
    near(paired.cliff_delta, 1 / 3.0, 1e-15);
    paired = paired_compare(baselines, low, 3, 1); /* less than zero */
    assert_true(isnan(paired.ratio) && isnan(paired.p_value) && isfinite(paired.shift));
    paired = paired_compare(huge, tiny, 3, 1); /* 1e600 is no number */
    all_undefined(&paired);
    assert_true(isnan(paired.ratio));
    near(paired.p_value, 2 / 8.0, 0);
    paired = paired_compare(tiny, huge, 3, 1); /* and 1e-600 is 0 */
    near(paired.ratio, 0, 0);
    assert_true(isfinite(paired.shift));
}

/* The example of Python's pingouin.multicomp for Holm. */
static void test_holm(void **state) {
    static const double p_values[] = {0.50, 0.003, 0.32, 0.054, 0.0003};
    static const double expected[] = {0.64, 0.012, 0.64, 0.162, 0.0015};
    double adjusted[5];

    (void)state;
    paired_holm(p_values, 5, adjusted);
    for (size_t i = 0; i < 5; i++)
        near(adjusted[i], expected[i], 1e-15);
}

static void test_holm_limits(void **state) {
    const double p_values[] = {NAN, 0.02, 0.03, NAN, 0.9}, same[] = {0.6, 0.6, 0.6};
    double adjusted[5];

    (void)state;
    paired_holm(NULL, 0, adjusted);
    paired_holm(p_values, 5, adjusted); /* a family of three */
    assert_true(isnan(adjusted[0]) && isnan(adjusted[3]));
    near(adjusted[1], 0.06, 1e-15);
    near(adjusted[2], 0.06, 1e-15);
    near(adjusted[4], 0.9, 1e-15);
    paired_holm(same, 3, adjusted);
    for (size_t i = 0; i < 3; i++)
        near(adjusted[i], 1, 0);
    paired_holm(p_values, 1, adjusted); /* nobody */
    assert_true(isnan(adjusted[0]));
    paired_holm(p_values + 1, 1, adjusted); /* one alone */
    near(adjusted[0], 0.02, 0);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_pairs),     cmocka_unit_test(test_student),
        cmocka_unit_test(test_blocks_cancel), cmocka_unit_test(test_reversed),
        cmocka_unit_test(test_ratio_alone),   cmocka_unit_test(test_same),
        cmocka_unit_test(test_degenerate),    cmocka_unit_test(test_holm),
        cmocka_unit_test(test_holm_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
