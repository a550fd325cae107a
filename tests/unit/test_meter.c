/* run/meter: the area under readings of power, and when it is not known. */
#include "run/meter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "near.h"

#define S INT64_C(1000000000)

static const struct power_reading readings[] = {{0, 2}, {1 * S, 4}, {2 * S, 4}, {3 * S, 0}};

static void test_area(void **state) {
    static const struct {
        int64_t from_ns, to_ns;
        double joules;
    } cases[] = {
        {0, 1 * S, 3},               /* 2 W rising to 4 W */
        {0, 3 * S, 9},               /* 3 + 4 + 2 */
        {0, S / 2, 1.25},            /* 2 W rising to 3 W, half a second */
        {S / 2, S, 1.75},            /* the other half */
        {S, 2 * S, 4},               /* even */
        {3 * S / 2, 5 * S / 2, 3.5}, /* half of 4 J, and 4 W falling to 2 W */
        {5 * S / 2, 4 * S, 0.5},     /* behind the newest it stays what it was: 0 W */
        {S + 1, S + 2, 4e-9},        /* inside one part */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        near(energy_between(readings, 4, cases[i].from_ns, cases[i].to_ns, 2 * S), cases[i].joules,
             1e-12);
}

static void test_parts_add_up(void **state) {
    double whole = energy_between(readings, 4, S / 3, 14 * S / 5, 2 * S), sum = 0;

    (void)state;
    for (int64_t at = S / 3; at < 14 * S / 5; at += S / 100) {
        int64_t end = at + S / 100 < 14 * S / 5 ? at + S / 100 : 14 * S / 5;

        sum += energy_between(readings, 4, at, end, 2 * S);
    }
    near(sum, whole, 1e-9);
}

static void test_unknown(void **state) {
    static const struct power_reading gap[] = {{0, 2}, {5 * S, 2}, {6 * S, 2}};

    (void)state;
    assert_true(isnan(energy_between(NULL, 0, 0, S, S)));
    assert_true(isnan(energy_between(readings + 1, 3, 0, 2 * S, 2 * S))); /* begins too late */
    assert_true(isnan(energy_between(gap, 3, S, 2 * S, 2 * S)));          /* amid a gap */
    assert_true(isnan(energy_between(gap, 3, 5 * S, 9 * S, 2 * S)));      /* it has gone silent */
    near(energy_between(gap, 3, 5 * S, 8 * S, 2 * S), 6, 1e-12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_area),
        cmocka_unit_test(test_parts_add_up),
        cmocka_unit_test(test_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
