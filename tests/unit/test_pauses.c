/* probes/pauses: how long a sender on a channel with an imposed loss is silent, and that all of its
 * streams are so together. */
#include "workshop.h"

#include "base/clock.h"
#include "probes/pauses.h"

static void test_owed(void **state) {
    static const struct {
        int64_t sending_ns, silent_ns, loss_ppm, owed_ns;
    } cases[] = {
        {0, 0, 50000, 0},
        {95, 0, 50000, 5}, /* 5 of 100 */
        {190, 5, 50000, 5},
        {190, 10, 50000, 0},
        {190, 12, 50000, 0}, /* rested too long: less later */
        {285, 12, 50000, 3},
        {1000, 0, 900000, 9000},
        {1000, 0, 0, 0},
        {4 * 3600 * NS_PER_S, 0, 500000, 4 * 3600 * NS_PER_S}, /* longer than any trial */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(pauses_owed_ns(cases[i].sending_ns, cases[i].silent_ns, cases[i].loss_ppm),
                         cases[i].owed_ns);
}

static void test_cycle(void **state) {
    (void)state;
    assert_int_equal(pauses_cycle_ns(10 * NS_PER_S), 2500 * NS_PER_MS);
    assert_int_equal(pauses_cycle_ns(5 * NS_PER_S), 2500 * NS_PER_MS);
    assert_int_equal(pauses_cycle_ns(100 * NS_PER_MS), 100 * NS_PER_MS);
    for (int64_t duration_ns = NS_PER_S; duration_ns < 20 * NS_PER_S; duration_ns += 97 * NS_PER_MS)
        /* 5 % of it is below the retransmission timeout of 200 ms. */
        assert_in_range(pauses_cycle_ns(duration_ns), 999 * NS_PER_MS, 3750 * NS_PER_MS);
}

static void test_due(void **state) {
    struct pauses pauses;

    (void)state;
    pauses_init(&pauses, 50000, 2 * NS_PER_S, 1); /* all shall have arrived after 1.9 s */
    pauses_begin(&pauses);
    assert_false(pauses_due(&pauses, 0, 0));
    assert_false(pauses_due(&pauses, 1000, 0));
    atomic_store(&pauses.burst_ns, clock_monotonic_ns() - NS_PER_S);
    assert_false(pauses_due(&pauses, 1000, 1000)); /* nothing has arrived: who knows */
    assert_false(pauses_due(&pauses, 1000, 100));  /* will have after 1.1 s */
    assert_true(pauses_due(&pauses, 1000, 500));   /* after 2 s */
    atomic_store(&pauses.burst_ns, clock_monotonic_ns() - 1900 * NS_PER_MS);
    assert_true(pauses_due(&pauses, 1000, 0));
    assert_false(pauses_due(&pauses, 0, 0)); /* never without a byte */
}

static void test_books(void **state) {
    const _Atomic bool stop = false;
    struct pauses pauses;
    int64_t began, all;

    (void)state;
    pauses_init(&pauses, 500000, NS_PER_S, 1);
    pauses_begin(&pauses);
    began = atomic_load(&pauses.burst_ns);
    for (int i = 0; i < 5; i++) {
        clock_sleep_until(clock_monotonic_ns() + 4 * NS_PER_MS);
        pauses_take(&pauses, &stop);
    }
    all = atomic_load(&pauses.burst_ns) - began; /* by its own instants: we may wake later */
    assert_int_equal(pauses.round, 5);
    assert_true(pauses.sending_ns >= 20 * NS_PER_MS);
    assert_true(pauses.silent_ns >= pauses.sending_ns);
    assert_int_equal(pauses.sending_ns + pauses.silent_ns, all); /* they account for all time */
    pauses_leave(&pauses);
}

static void test_stop_ends_a_rest(void **state) {
    const _Atomic bool stop = true;
    struct pauses pauses;
    int64_t began;

    (void)state;
    pauses_init(&pauses, 900000, NS_PER_S, 1);
    pauses_begin(&pauses);
    atomic_store(&pauses.burst_ns, clock_monotonic_ns() - 100 * NS_PER_S); /* a rest of 15 min */
    began = clock_monotonic_ns();
    pauses_take(&pauses, &stop);
    assert_true(clock_monotonic_ns() - began < 10 * NS_PER_S);
}

/* ---- several streams ---- */

struct member {
    struct pauses *pauses;
    const _Atomic bool *stop;
    int rests;
    _Atomic int done;
    pthread_t thread;
};

static void *run_member(void *argument) {
    struct member *member = argument;

    pauses_begin(member->pauses);
    for (int i = 0; i < member->rests; i++) {
        pauses_take(member->pauses, member->stop);
        atomic_fetch_add(&member->done, 1);
    }
    pauses_leave(member->pauses);
    return NULL;
}

static void start(struct member *member, struct pauses *pauses, const _Atomic bool *stop,
                  int rests) {
    *member = (struct member){.pauses = pauses, .stop = stop, .rests = rests};
    assert_int_equal(pthread_create(&member->thread, NULL, run_member, member), 0);
}

static void test_rest_together(void **state) {
    const _Atomic bool stop = false;
    struct pauses pauses;
    struct member members[3];

    (void)state;
    pauses_init(&pauses, 100000, NS_PER_S, 3);
    start(&members[0], &pauses, &stop, 20);
    start(&members[1], &pauses, &stop, 20);
    clock_sleep_until(clock_monotonic_ns() + 20 * NS_PER_MS);
    assert_int_equal(atomic_load(&members[0].done) + atomic_load(&members[1].done), 0);
    start(&members[2], &pauses, &stop, 5); /* then it leaves, and the others go on */
    for (size_t i = 0; i < ARRAY_SIZE(members); i++)
        assert_int_equal(pthread_join(members[i].thread, NULL), 0);
    assert_int_equal(pauses.round, 20);
    assert_int_equal(pauses.members, 0);
    assert_int_equal(pauses.here, 0);
}

/* One that leaves instead of resting lets those rest that wait for it. */
static void test_leaving_frees_the_others(void **state) {
    const _Atomic bool stop = false;
    struct pauses pauses;
    struct member member;

    (void)state;
    pauses_init(&pauses, 100000, NS_PER_S, 2);
    start(&member, &pauses, &stop, 1);
    clock_sleep_until(clock_monotonic_ns() + 20 * NS_PER_MS);
    pauses_leave(&pauses);
    assert_int_equal(pthread_join(member.thread, NULL), 0);
    assert_int_equal(atomic_load(&member.done), 1);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owed),
        cmocka_unit_test(test_cycle),
        cmocka_unit_test(test_due),
        cmocka_unit_test(test_books),
        cmocka_unit_test(test_stop_ends_a_rest),
        cmocka_unit_test(test_rest_together),
        cmocka_unit_test(test_leaving_frees_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
