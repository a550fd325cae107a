/* probes/capacity: brokers of known capacity, and such as stand still now and then. */
#include "workshop.h"

#include "probes/capacity.h"

/* Searches, of a broker that carries so much and has each `flaw`th step spoilt (0: none). */
static struct capacity search(int64_t first, int64_t carried, int flaw) {
    struct capacity capacity;
    int n = 0;
    bool more = true;

    capacity_begin(&capacity, first);
    while (more) {
        n++;
        assert_true(capacity.rate > 0);
        assert_true(n <= CAPACITY_MOST_STEPS);
        more = capacity_judge(&capacity, capacity.rate <= carried && (!flaw || n % flaw != 0));
    }
    return capacity;
}

static void assert_found(const struct capacity *capacity, int64_t carried) {
    assert_true(capacity->good <= carried);
    assert_true(capacity->bad > carried);
    assert_true((capacity->bad - capacity->good) * 100 <=
                capacity->good * CAPACITY_PERCENT + 100 /* whole numbers */);
}

static void test_search(void **state) {
    static const int64_t carried[] = {1, 2, 3, 7, 99, 100, 12345, 33000, 999999};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(carried); i++)
        for (int64_t first = 1; first < 1000000; first *= 7) {
            struct capacity capacity = search(first, carried[i], 0);

            assert_found(&capacity, carried[i]);
        }
}

/* A broker that stood still once is asked again: nothing is lost but time. */
static void test_flaw(void **state) {
    (void)state;
    for (int flaw = 3; flaw < 12; flaw++) {
        struct capacity capacity = search(100, 12345, flaw);

        assert_true(capacity.good <= 12345);
        assert_true(capacity.good >= 12345 * 9 / 10);
    }
}

static void test_ends(void **state) {
    struct capacity capacity = search(333, 0, 0);

    (void)state;
    assert_int_equal(capacity.good, 0); /* nothing is carried */
    assert_int_equal(capacity.bad, 1);
    capacity = search(333, INT64_MAX, 0);
    assert_int_equal(capacity.bad, 0); /* everything is */
    assert_true(capacity.good > CAPACITY_MAX_RATE / 4 && capacity.good <= CAPACITY_MAX_RATE);
    /* As usual: a hundred times as much. */
    capacity = search(333, 33000, 0);
    assert_true(capacity.steps <= CAPACITY_USUAL_STEPS + 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_flaw),
        cmocka_unit_test(test_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
