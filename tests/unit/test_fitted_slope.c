/* probes/fitted_slope, against values by hand and by R's lm() and confint(). */
#include "workshop.h"

#include "probes/fitted_slope.h"

#include <math.h>

static void test_exact(void **state) {
    const double x[] = {2, 250, 500, 1000}, y[] = {102, 350, 600, 1100};
    struct fitted_slope slope;

    (void)state;
    assert_true(fitted_slope_make(x, y, 4, &slope));
    assert_float_equal(slope.value, 1, 1e-12);
    assert_float_equal(slope.low, 1, 1e-9);
    assert_float_equal(slope.high, 1, 1e-9);
}

/* lm(c(1, 3, 2, 5) ~ c(0, 1, 2, 3)): 1.1, standard error 0.5196; t of 2 degrees 4.3027. */
static void test_scattered(void **state) {
    const double x[] = {0, 1, 2, 3}, y[] = {1, 3, 2, 5};
    struct fitted_slope slope;

    (void)state;
    assert_true(fitted_slope_make(x, y, 4, &slope));
    assert_float_equal(slope.value, 1.1, 1e-12);
    assert_float_equal(slope.high - slope.value, 4.30265 * 0.519615, 1e-4);
    assert_float_equal(slope.value - slope.low, 4.30265 * 0.519615, 1e-4);
}

static void test_too_few(void **state) {
    const double x[] = {7, 7, 8}, y[] = {1, 2, 3};
    struct fitted_slope slope = {.value = 9};

    (void)state;
    assert_false(fitted_slope_make(x, y, 2, &slope));
    assert_false(fitted_slope_make(x, y, 1, &slope));
    assert_float_equal(slope.value, 9, 0);
    assert_true(fitted_slope_make(x + 1, y + 1, 2, &slope));
    assert_float_equal(slope.value, 1, 1e-12);
    assert_true(isnan(slope.low) && isnan(slope.high));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_scattered),
        cmocka_unit_test(test_too_few),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
