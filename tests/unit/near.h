/*
 * near - reals compared in unit tests: include it after cmocka.
 */
#ifndef BENCH_TESTS_NEAR_H
#define BENCH_TESTS_NEAR_H

#include <math.h>

static inline void near(double value, double expected, double tolerance) {
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.17g where %.17g -+ %g was expected", value, expected, tolerance);
}

#endif
