/* probes/sequence: what arrives once, twice, late or never, and what MQTT promises of it. The
 * deliveries are made up: a broker that breaks its promises is hard to find. */
#include "workshop.h"

#include "probes/sequence.h"

static void take(struct sequence *sequence, int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++)
        assert_true(sequence_take(sequence, i));
}

static void assert_books(const struct sequence *sequence, int64_t arrived, int64_t duplicated,
                         int64_t reordered) {
    assert_int_equal(sequence->arrived, arrived);
    assert_int_equal(sequence->duplicated, duplicated);
    assert_int_equal(sequence->reordered, reordered);
}

static void assert_kept(const struct sequence *sequence, int64_t sent, int qos) {
    struct error error = {""};

    if (sequence_check(sequence, sent, qos, true, &error) < 0)
        fail_msg("%s", error.text);
}

static void assert_broken(const struct sequence *sequence, int64_t sent, int qos,
                          const char *words) {
    struct error error = {""};

    assert_int_equal(sequence_check(sequence, sent, qos, true, &error), -EIO);
    assert_string_equal(error.text, words);
}

/* Through the window several times. */
static void test_all_well(void **state) {
    struct sequence sequence = {.next = 0};

    (void)state;
    take(&sequence, 0, 3 * SEQUENCE_WINDOW + 5);
    assert_books(&sequence, 3 * SEQUENCE_WINDOW + 5, 0, 0);
    for (int qos = 0; qos <= 2; qos++)
        assert_kept(&sequence, 3 * SEQUENCE_WINDOW + 5, qos);
}

/* The first, one in the middle, and the last: the last is known from the publisher only. */
static void test_lost(void **state) {
    struct sequence sequence = {.next = 0};

    (void)state;
    take(&sequence, 1, 50);
    take(&sequence, 51, 99);
    assert_books(&sequence, 97, 0, 0);
    assert_kept(&sequence, 100, 0);
    assert_broken(&sequence, 100, 1, "QoS 1 was broken: of 100 messages, 3 were lost");
    assert_broken(&sequence, 100, 2, "QoS 2 was broken: of 100 messages, 3 were lost");
}

static void test_twice(void **state) {
    struct sequence sequence = {.next = 0};

    (void)state;
    take(&sequence, 0, 100);
    assert_false(sequence_take(&sequence, 99));
    assert_false(sequence_take(&sequence, 0));
    assert_books(&sequence, 100, 2, 0);
    assert_broken(&sequence, 100, 0, "QoS 0 was broken: of 100 messages, 2 arrived twice");
    assert_kept(&sequence, 100, 1);
    assert_broken(&sequence, 100, 2, "QoS 2 was broken: of 100 messages, 2 arrived twice");
}

/* One lost and another twice: the number of messages is right, and nothing else. */
static void test_lost_and_twice(void **state) {
    struct sequence sequence = {.next = 0};

    (void)state;
    take(&sequence, 0, 7);
    take(&sequence, 8, 10);
    assert_false(sequence_take(&sequence, 9));
    assert_broken(&sequence, 10, 1, "QoS 1 was broken: of 10 messages, 1 were lost");
    assert_broken(&sequence, 10, 2,
                  "QoS 2 was broken: of 10 messages, 1 were lost, 1 arrived "
                  "twice");
}

/* Two that have changed places: one came after a later one. A message again is not out of order. */
static void test_out_of_order(void **state) {
    struct sequence sequence = {.next = 0};

    (void)state;
    take(&sequence, 0, 5);
    assert_true(sequence_take(&sequence, 6));
    assert_true(sequence_take(&sequence, 5));
    take(&sequence, 7, 10);
    assert_books(&sequence, 10, 0, 1);
    for (int qos = 0; qos <= 2; qos++) {
        CLEANUP_FREE char *words =
            text_format("QoS %d was broken: of 10 messages, 1 arrived after a later one", qos);

        assert_broken(&sequence, 10, qos, words);
    }
    assert_int_equal(sequence_check(&sequence, 10, 0, false, NULL), 0); /* of many connections */
    /* 3 4 3 4 5: what MQTT allows at QoS 1 when a connection was lost. */
    sequence = (struct sequence){.next = 0};
    take(&sequence, 0, 5);
    assert_false(sequence_take(&sequence, 3));
    assert_false(sequence_take(&sequence, 4));
    take(&sequence, 5, 6);
    assert_kept(&sequence, 6, 1);
}

/* Late within the window, at its very end, and later than it is known. */
static void test_far_behind(void **state) {
    struct sequence sequence = {.next = 0};

    (void)state;
    take(&sequence, 1, 3);
    take(&sequence, 4, SEQUENCE_WINDOW);
    assert_true(sequence_take(&sequence, 0)); /* at the end of the window */
    assert_false(sequence_take(&sequence, 0));
    take(&sequence, SEQUENCE_WINDOW, SEQUENCE_WINDOW + 4);
    assert_false(sequence_take(&sequence, 3)); /* one number further */
    assert_books(&sequence, SEQUENCE_WINDOW + 3, 2, 1);
    assert_broken(&sequence, SEQUENCE_WINDOW + 4, 1,
                  "QoS 1 was broken: of 65540 messages, 1 were lost, 1 arrived after a later one");
}

/* A gap as wide as the window, and wider: what was seen a window ago is not seen again. */
static void test_wide_gaps(void **state) {
    struct sequence sequence = {.next = 0};

    (void)state;
    take(&sequence, 0, 10);
    assert_true(sequence_take(&sequence, SEQUENCE_WINDOW + 5));
    assert_true(sequence_take(&sequence, SEQUENCE_WINDOW + 3));
    assert_false(sequence_take(&sequence, SEQUENCE_WINDOW + 3));
    assert_true(sequence_take(&sequence, (int64_t)9 * SEQUENCE_WINDOW));
    assert_true(sequence_take(&sequence, (int64_t)9 * SEQUENCE_WINDOW - 7));
    assert_true(sequence_take(&sequence, SEQUENCE_MAX));
    assert_books(&sequence, 15, 1, 2);
}

/* Late after a gap wider than the window: its place held another number a window ago. */
static void test_late_after_a_wide_gap(void **state) {
    struct sequence sequence = {.next = 0};

    (void)state;
    take(&sequence, 0, 10);
    assert_true(sequence_take(&sequence, SEQUENCE_WINDOW + 15));
    take(&sequence, SEQUENCE_WINDOW + 3, SEQUENCE_WINDOW + 7);
    assert_false(sequence_take(&sequence, SEQUENCE_WINDOW + 5));
    assert_books(&sequence, 15, 1, 4);
}

/* A gap forgets nothing of what arrived before it, however many messages have. */
static void test_twice_around_a_gap(void **state) {
    struct sequence sequence = {.next = 0};

    (void)state;
    take(&sequence, 0, SEQUENCE_WINDOW);
    assert_true(sequence_take(&sequence, SEQUENCE_WINDOW + 1));
    assert_false(sequence_take(&sequence, SEQUENCE_WINDOW - 1));
    assert_books(&sequence, SEQUENCE_WINDOW + 1, 1, 0);
}

/* More than were sent: of another publisher, or the publisher's books are wrong. */
static void test_too_many(void **state) {
    struct sequence sequence = {.next = 0};

    (void)state;
    take(&sequence, 0, 10);
    for (int qos = 0; qos <= 2; qos++) {
        CLEANUP_FREE char *words =
            text_format("QoS %d was broken: of 8 messages, 2 arrived that nobody has sent", qos);

        assert_broken(&sequence, 8, qos, words);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_well),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_twice),
        cmocka_unit_test(test_lost_and_twice),
        cmocka_unit_test(test_out_of_order),
        cmocka_unit_test(test_far_behind),
        cmocka_unit_test(test_wide_gaps),
        cmocka_unit_test(test_late_after_a_wide_gap),
        cmocka_unit_test(test_twice_around_a_gap),
        cmocka_unit_test(test_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
