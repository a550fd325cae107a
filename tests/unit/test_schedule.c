/* run/schedule: what is still to be measured, in which order, as which attempt. Three blocks of the
 * channels a and b with two probes each; a deployment is written "1a", with its attempt "1a.2". */
#include "workshop.h"

#include "run/schedule.h"

#define N_CHANNELS 2
#define N_PROBES   2
#define N_BLOCKS   3

/* Shuffled: 1b 1a 2a 2b 3b 3a, sequential: 1a 2a 3a 1b 2b 3b; trials 1 and 2, 3 and 4, ... */
static struct planned_deployment shuffled[] = {{1, 1, 1, 1}, {1, 2, 0, 3}, {2, 1, 0, 5},
                                               {2, 2, 1, 7}, {3, 1, 1, 9}, {3, 2, 0, 11}};
static struct planned_deployment sequential[] = {{1, 1, 0, 1}, {2, 1, 0, 3}, {3, 1, 0, 5},
                                                 {1, 2, 1, 7}, {2, 2, 1, 9}, {3, 2, 1, 11}};
static const struct plan plans[] = {
    [ORDER_SHUFFLED] = {shuffled, N_BLOCKS *N_CHANNELS, N_PROBES},
    [ORDER_SEQUENTIAL] = {sequential, N_BLOCKS *N_CHANNELS, N_PROBES},
};

static struct schedule *schedule_of(enum scenario_order order) {
    return schedule_new(&plans[order], order);
}

static void assert_list(struct schedule_list list, const char *expected) {
    CLEANUP_FREE char *text = text_copy("");

    for (size_t i = 0; i < list.n; i++) {
        const struct planned_deployment *deployment = list.items[i].deployment;
        char *longer = text_format("%s%s%d%c.%d", text, i ? " " : "", deployment->block,
                                   (char)('a' + deployment->channel), list.items[i].attempt);

        free(text);
        text = longer;
    }
    free(list.items);
    assert_string_equal(text, expected);
}

#define ASSERT_FIRST(schedule, expected) assert_list(schedule_first(schedule), expected)
#define ASSERT_AGAIN(schedule, expected) assert_list(schedule_again(schedule), expected)

/* Commits all trials of that many deployments of the plan, from the first. */
static void measure(struct schedule *schedule, enum scenario_order order, size_t deployments) {
    for (size_t i = 0; i < deployments; i++)
        for (int j = 0; j < N_PROBES; j++)
            assert_true(schedule_commit(schedule, plans[order].deployments[i].trial + j, 1, false));
}

/* Does what a list says; the trial of that number fails. */
static void execute(struct schedule *schedule, struct schedule_list list, int64_t failing) {
    for (size_t i = 0; i < list.n; i++)
        for (int64_t trial = list.items[i].deployment->trial;
             trial < list.items[i].deployment->trial + N_PROBES; trial++)
            assert_true(schedule_commit(schedule, trial, list.items[i].attempt, trial == failing));
    free(list.items);
}

static void test_fresh(void **state) {
    CLEANUP(schedule_freep) struct schedule *shuffled_one = schedule_of(ORDER_SHUFFLED);
    CLEANUP(schedule_freep) struct schedule *sequential_one = schedule_of(ORDER_SEQUENTIAL);

    (void)state;
    ASSERT_FIRST(shuffled_one, "1b.1 1a.1 2a.1 2b.1 3b.1 3a.1");
    ASSERT_FIRST(sequential_one, "1a.1 2a.1 3a.1 1b.1 2b.1 3b.1");
    ASSERT_AGAIN(shuffled_one, "");
}

static void test_complete(void **state) {
    CLEANUP(schedule_freep) struct schedule *schedule = schedule_of(ORDER_SHUFFLED);

    (void)state;
    measure(schedule, ORDER_SHUFFLED, 6);
    ASSERT_FIRST(schedule, "");
    ASSERT_AGAIN(schedule, "");
}

/* Interrupted between two blocks: nothing is measured twice. */
static void test_between_blocks(void **state) {
    CLEANUP(schedule_freep) struct schedule *schedule = schedule_of(ORDER_SHUFFLED);

    (void)state;
    measure(schedule, ORDER_SHUFFLED, 2);
    ASSERT_FIRST(schedule, "2a.1 2b.1 3b.1 3a.1");
}

/* A block of a shuffled run belongs together, so also between two of its deployments. */
static void test_between_deployments(void **state) {
    CLEANUP(schedule_freep) struct schedule *schedule = schedule_of(ORDER_SHUFFLED);

    (void)state;
    measure(schedule, ORDER_SHUFFLED, 3);
    ASSERT_FIRST(schedule, "2a.2 2b.2 3b.1 3a.1");
}

static void test_within_deployment(void **state) {
    CLEANUP(schedule_freep) struct schedule *schedule = schedule_of(ORDER_SHUFFLED);

    (void)state;
    measure(schedule, ORDER_SHUFFLED, 3);
    assert_true(schedule_commit(schedule, 7, 1, false));
    ASSERT_FIRST(schedule, "2a.2 2b.2 3b.1 3a.1");
}

/* Every kind of row counts, whatever is committed: its key must never come again. */
static void test_traces(void **state) {
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        CLEANUP(schedule_freep) struct schedule *schedule = schedule_of(ORDER_SHUFFLED);

        measure(schedule, ORDER_SHUFFLED, 2);
        if (kind == 0)
            schedule_note(schedule, 6, 4);
        else if (kind == 1)
            schedule_note_channel(schedule, 2, 1, 4);
        else
            schedule_note_block(schedule, 2, 4);
        ASSERT_FIRST(schedule, "2a.5 2b.5 3b.1 3a.1");
    }
}

/* The rows of a later attempt do not undo an earlier complete one. */
static void test_trace_behind_complete(void **state) {
    CLEANUP(schedule_freep) struct schedule *schedule = schedule_of(ORDER_SHUFFLED);

    (void)state;
    measure(schedule, ORDER_SHUFFLED, 6);
    schedule_note(schedule, 6, 2);
    ASSERT_FIRST(schedule, "");
    ASSERT_AGAIN(schedule, "");
}

static void test_interrupted_twice(void **state) {
    CLEANUP(schedule_freep) struct schedule *schedule = schedule_of(ORDER_SHUFFLED);

    (void)state;
    assert_true(schedule_commit(schedule, 1, 1, false));
    assert_true(schedule_commit(schedule, 1, 2, true));
    assert_true(schedule_commit(schedule, 2, 2, false));
    assert_true(schedule_commit(schedule, 3, 2, false));
    ASSERT_FIRST(schedule, "1b.3 1a.3 2a.1 2b.1 3b.1 3a.1");
    ASSERT_AGAIN(schedule, ""); /* what failed there does not count: the attempt is not complete */
}

/* The two halves of a block from two attempts are no whole one. */
static void test_halves(void **state) {
    CLEANUP(schedule_freep) struct schedule *schedule = schedule_of(ORDER_SHUFFLED);

    (void)state;
    for (int64_t trial = 1; trial <= 2; trial++)
        assert_true(schedule_commit(schedule, trial, 1, false));
    for (int64_t trial = 3; trial <= 4; trial++)
        assert_true(schedule_commit(schedule, trial, 2, false));
    ASSERT_FIRST(schedule, "1b.3 1a.3 2a.1 2b.1 3b.1 3a.1");
}

/* ---- blocks with a failed trial ---- */

static void test_failed_block_once_more(void **state) {
    CLEANUP(schedule_freep) struct schedule *schedule = schedule_of(ORDER_SHUFFLED);

    (void)state;
    execute(schedule, schedule_first(schedule), 8);
    ASSERT_FIRST(schedule, "");
    ASSERT_AGAIN(schedule, "2a.2 2b.2");
    execute(schedule, schedule_again(schedule), 8);
    ASSERT_FIRST(schedule, "");
    ASSERT_AGAIN(schedule, ""); /* not a third time */
}

/* The second attempt of a failed block was interrupted: it is made up for, and only it. */
static void test_interrupted_again(void **state) {
    CLEANUP(schedule_freep) struct schedule *schedule = schedule_of(ORDER_SHUFFLED);

    (void)state;
    execute(schedule, schedule_first(schedule), 8);
    assert_true(schedule_commit(schedule, 5, 2, false));
    ASSERT_FIRST(schedule, "");
    ASSERT_AGAIN(schedule, "2a.3 2b.3");
}

/* It was interrupted, then measured whole with a failure: that is its one complete attempt. */
static void test_failed_after_interruption(void **state) {
    CLEANUP(schedule_freep) struct schedule *schedule = schedule_of(ORDER_SHUFFLED);

    (void)state;
    schedule_note(schedule, 1, 1);
    execute(schedule, schedule_first(schedule), 3);
    ASSERT_AGAIN(schedule, "1b.3 1a.3");
}

/* ---- the paper's order, in which blocks are spread over the run ---- */

static void test_sequential_between_deployments(void **state) {
    CLEANUP(schedule_freep) struct schedule *schedule = schedule_of(ORDER_SEQUENTIAL);

    (void)state;
    measure(schedule, ORDER_SEQUENTIAL, 4);
    ASSERT_FIRST(schedule, "2b.1 3b.1");
}

static void test_sequential_within_deployment(void **state) {
    CLEANUP(schedule_freep) struct schedule *first = schedule_of(ORDER_SEQUENTIAL);
    CLEANUP(schedule_freep) struct schedule *second = schedule_of(ORDER_SEQUENTIAL);

    (void)state;
    measure(first, ORDER_SEQUENTIAL, 1);
    assert_true(schedule_commit(first, 3, 1, false));
    ASSERT_FIRST(first, "2a.2 2b.2 3a.1 1b.1 3b.1");
    measure(second, ORDER_SEQUENTIAL, 4);
    schedule_note_channel(second, 2, 1, 1);
    ASSERT_FIRST(second, "2a.2 2b.2 3b.1");
}

/* The new attempt of the interrupted block is interrupted as well: between its deployments it goes
 * on, within one it is the next attempt. */
static void test_sequential_interrupted_twice(void **state) {
    CLEANUP(schedule_freep) struct schedule *schedule = schedule_of(ORDER_SEQUENTIAL);

    (void)state;
    measure(schedule, ORDER_SEQUENTIAL, 4);
    schedule_note_channel(schedule, 2, 1, 1);
    assert_true(schedule_commit(schedule, 3, 2, false));
    assert_true(schedule_commit(schedule, 4, 2, false));
    ASSERT_FIRST(schedule, "2b.2 3b.1");
    schedule_note(schedule, 9, 2);
    ASSERT_FIRST(schedule, "2a.3 2b.3 3b.1");
}

static void test_sequential_failed_block(void **state) {
    CLEANUP(schedule_freep) struct schedule *schedule = schedule_of(ORDER_SEQUENTIAL);

    (void)state;
    measure(schedule, ORDER_SEQUENTIAL, 3);
    assert_true(schedule_commit(schedule, 7, 1, true));
    assert_true(schedule_commit(schedule, 8, 1, false));
    ASSERT_FIRST(schedule, "2b.1 3b.1");
    ASSERT_AGAIN(schedule, "1a.2 1b.2"); /* known already, and the last to be done */
    execute(schedule, schedule_first(schedule), 0);
    ASSERT_AGAIN(schedule, "1a.2 1b.2");
}

static void test_commit_twice(void **state) {
    CLEANUP(schedule_freep) struct schedule *schedule = schedule_of(ORDER_SHUFFLED);

    (void)state;
    assert_true(schedule_commit(schedule, 12, 1, false));
    assert_false(schedule_commit(schedule, 12, 1, false));
    assert_false(schedule_commit(schedule, 12, 1, true));
    assert_true(schedule_commit(schedule, 12, 2, false));
    assert_true(schedule_commit(schedule, 11, 1, false));
}

/* Wherever a run is cut, resumed and cut again, it comes to its end with every block whole, and no
 * trial is ever measured twice as the same attempt (schedule_commit() would tell). */
static void cut_everywhere(enum scenario_order order) {
    enum { ALL = N_BLOCKS * N_CHANNELS * N_PROBES };

    for (int64_t first_cut = 0; first_cut <= ALL; first_cut++)
        for (int64_t second_cut = 0; second_cut <= ALL; second_cut++) {
            CLEANUP(schedule_freep) struct schedule *schedule = schedule_of(order);
            int64_t cuts[] = {first_cut, second_cut};

            for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
                struct schedule_list list = schedule_first(schedule);

                for (size_t j = 0; j < list.n * N_PROBES && (int64_t)j < cuts[i]; j++)
                    assert_true(schedule_commit(schedule,
                                                list.items[j / N_PROBES].deployment->trial +
                                                    (int64_t)(j % N_PROBES),
                                                list.items[j / N_PROBES].attempt, false));
                free(list.items);
            }
            execute(schedule, schedule_first(schedule), 0);
            ASSERT_FIRST(schedule, "");
            ASSERT_AGAIN(schedule, "");
        }
}

static void test_cut_everywhere(void **state) {
    (void)state;
    cut_everywhere(ORDER_SHUFFLED);
    cut_everywhere(ORDER_SEQUENTIAL);
}

static void assert_measured(const struct schedule *schedule, int64_t expected, bool interrupted) {
    bool found;

    assert_int_equal(schedule_measured(schedule, &found), expected);
    assert_int_equal(found, interrupted);
}

/* Blocks that are whole, whether or not a trial failed; and whether one is not. */
static void test_measured(void **state) {
    CLEANUP(schedule_freep) struct schedule *schedule = schedule_of(ORDER_SHUFFLED);

    (void)state;
    assert_measured(schedule, 0, false);
    measure(schedule, ORDER_SHUFFLED, 1);
    assert_measured(schedule, 0, true);
    execute(schedule, schedule_first(schedule), 5);
    assert_measured(schedule, 3, false);
    schedule_note_block(schedule, 2, 2); /* the failed one is being measured again */
    assert_measured(schedule, 3, false);
}

static void test_measured_channel_by_channel(void **state) {
    CLEANUP(schedule_freep) struct schedule *schedule = schedule_of(ORDER_SEQUENTIAL);

    (void)state;
    measure(schedule, ORDER_SEQUENTIAL, 4);
    assert_measured(schedule, 1, true);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measured),
        cmocka_unit_test(test_measured_channel_by_channel),
        cmocka_unit_test(test_fresh),
        cmocka_unit_test(test_complete),
        cmocka_unit_test(test_between_blocks),
        cmocka_unit_test(test_between_deployments),
        cmocka_unit_test(test_within_deployment),
        cmocka_unit_test(test_traces),
        cmocka_unit_test(test_trace_behind_complete),
        cmocka_unit_test(test_interrupted_twice),
        cmocka_unit_test(test_halves),
        cmocka_unit_test(test_failed_block_once_more),
        cmocka_unit_test(test_interrupted_again),
        cmocka_unit_test(test_failed_after_interruption),
        cmocka_unit_test(test_sequential_between_deployments),
        cmocka_unit_test(test_sequential_within_deployment),
        cmocka_unit_test(test_sequential_interrupted_twice),
        cmocka_unit_test(test_sequential_failed_block),
        cmocka_unit_test(test_commit_twice),
        cmocka_unit_test(test_cut_everywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
