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

/* Of a hundred messages a second for ten seconds, and two subscribers to each. */
static const struct capacity_result carried = {.offered = 1000,
                                               .published = 1000,
                                               .due = 2000,
                                               .arrived = 2000,
                                               .in_window = 2000,
                                               .p99_ns = 1e6,
                                               .limit_ns = 5e8};

static void assert_outcome(const struct capacity_result *result, enum capacity_outcome expected) {
    if (capacity_outcome(result) != expected)
        fail_msg("%g of %g were published, %g late; %g of %g arrived, QoS %d: %d, not %d",
                 result->published, result->offered, result->late, result->arrived, result->due,
                 (int)result->qos, (int)capacity_outcome(result), (int)expected);
}

static void test_outcome(void **state) {
    static const struct {
        double published, late, lost, p99_ns;
        int64_t qos;
        enum capacity_outcome outcome;
    } cases[] = {
        {1000, 0, 0, 1e6, 0, CAPACITY_CARRIED},
        {1000, 10, 2, 5e8, 0, CAPACITY_CARRIED},
        {1000, 0, 3, 1e6, 0, CAPACITY_BROKER},
        {1000, 0, 1, 1e6, 1, CAPACITY_BROKER},
        {1000, 0, 0, 6e8, 0, CAPACITY_BROKER},
        {998, 0, 0, 1e6, 0, CAPACITY_BROKER}, /* too much of it was waiting already */
        {1000, 11, 0, 1e6, 0, CAPACITY_GENERATOR},
        {500, 400, 0, 9e9, 0, CAPACITY_GENERATOR}, /* latency counts from when they were due */
        {0, 0, 0, 0, 0, CAPACITY_BROKER},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct capacity_result result = carried;

        result.published = cases[i].published;
        result.late = cases[i].late;
        result.due = 2 * result.published;
        result.arrived = result.due - cases[i].lost;
        result.in_window = result.arrived;
        result.p99_ns = cases[i].p99_ns;
        result.qos = cases[i].qos;
        assert_outcome(&result, cases[i].outcome);
    }
}

/* A broker that falls behind delivers everything in the end, and for a while within the limit. What
 * is on its way when the measured time ends is no sign of that. */
static void test_falling_behind(void **state) {
    static const struct {
        double due, in_window;
        enum capacity_outcome outcome;
    } cases[] = {
        {2000, 500, CAPACITY_BROKER},   {2000, 1890, CAPACITY_BROKER},
        {2000, 1900, CAPACITY_CARRIED}, {2000, 2100, CAPACITY_CARRIED}, /* of the warm-up, too */
        {2, 1, CAPACITY_CARRIED},       {10, 8, CAPACITY_BROKER},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct capacity_result result = carried;

        result.offered = result.published = result.due = result.arrived = cases[i].due;
        result.in_window = cases[i].in_window;
        assert_outcome(&result, cases[i].outcome);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search),         cmocka_unit_test(test_flaw),
        cmocka_unit_test(test_ends),           cmocka_unit_test(test_outcome),
        cmocka_unit_test(test_falling_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
