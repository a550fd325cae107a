/* run/agenda: what is still to be measured, in which order, as which attempt. Three blocks of the
 * channels a and b with two probes each; a visit is written "1a", with its attempt "1a.2". */
#include "workshop.h"

#include "run/agenda.h"

#define N_CHANNELS 2
#define N_PROBES   2
#define N_BLOCKS   3

/* Shuffled: 1b 1a 2a 2b 3b 3a, sequential: 1a 2a 3a 1b 2b 3b; trials 1 and 2, 3 and 4, ... */
static struct visit shuffled[] = {{1, 1, 1, 1}, {1, 2, 0, 3}, {2, 1, 0, 5},
                                  {2, 2, 1, 7}, {3, 1, 1, 9}, {3, 2, 0, 11}};
static struct visit sequential[] = {{1, 1, 0, 1}, {2, 1, 0, 3}, {3, 1, 0, 5},
                                    {1, 2, 1, 7}, {2, 2, 1, 9}, {3, 2, 1, 11}};
static const struct plan plans[] = {
    [ORDER_SHUFFLED] = {shuffled, N_BLOCKS *N_CHANNELS, N_PROBES},
    [ORDER_SEQUENTIAL] = {sequential, N_BLOCKS *N_CHANNELS, N_PROBES},
};

static struct agenda *agenda_of(enum scenario_order order) {
    return agenda_new(&plans[order], order);
}

static void assert_list(struct agenda_list list, const char *expected) {
    CLEANUP_FREE char *text = text_copy("");

    for (size_t i = 0; i < list.n; i++) {
        const struct visit *visit = list.items[i].visit;
        char *longer = text_format("%s%s%d%c.%d", text, i ? " " : "", visit->block,
                                   (char)('a' + visit->channel), list.items[i].attempt);

        free(text);
        text = longer;
    }
    free(list.items);
    assert_string_equal(text, expected);
}

#define ASSERT_FIRST(agenda, expected) assert_list(agenda_first(agenda), expected)
#define ASSERT_AGAIN(agenda, expected) assert_list(agenda_again(agenda), expected)

/* Commits all trials of that many visits of the plan, from the first. */
static void measure(struct agenda *agenda, enum scenario_order order, size_t visits) {
    for (size_t i = 0; i < visits; i++)
        for (int j = 0; j < N_PROBES; j++)
            assert_true(agenda_commit(agenda, plans[order].visits[i].trial + j, 1, false));
}

/* Does what a list says; the trial of that number fails. */
static void execute(struct agenda *agenda, struct agenda_list list, int64_t failing) {
    for (size_t i = 0; i < list.n; i++)
        for (int64_t trial = list.items[i].visit->trial;
             trial < list.items[i].visit->trial + N_PROBES; trial++)
            assert_true(agenda_commit(agenda, trial, list.items[i].attempt, trial == failing));
    free(list.items);
}

static void test_fresh(void **state) {
    CLEANUP(agenda_freep) struct agenda *shuffled_one = agenda_of(ORDER_SHUFFLED);
    CLEANUP(agenda_freep) struct agenda *sequential_one = agenda_of(ORDER_SEQUENTIAL);

    (void)state;
    ASSERT_FIRST(shuffled_one, "1b.1 1a.1 2a.1 2b.1 3b.1 3a.1");
    ASSERT_FIRST(sequential_one, "1a.1 2a.1 3a.1 1b.1 2b.1 3b.1");
    ASSERT_AGAIN(shuffled_one, "");
}

static void test_complete(void **state) {
    CLEANUP(agenda_freep) struct agenda *agenda = agenda_of(ORDER_SHUFFLED);

    (void)state;
    measure(agenda, ORDER_SHUFFLED, 6);
    ASSERT_FIRST(agenda, "");
    ASSERT_AGAIN(agenda, "");
}

/* Interrupted between two blocks: nothing is measured twice. */
static void test_between_blocks(void **state) {
    CLEANUP(agenda_freep) struct agenda *agenda = agenda_of(ORDER_SHUFFLED);

    (void)state;
    measure(agenda, ORDER_SHUFFLED, 2);
    ASSERT_FIRST(agenda, "2a.1 2b.1 3b.1 3a.1");
}

/* A block of a shuffled run belongs together, so also between two of its visits. */
static void test_between_visits(void **state) {
    CLEANUP(agenda_freep) struct agenda *agenda = agenda_of(ORDER_SHUFFLED);

    (void)state;
    measure(agenda, ORDER_SHUFFLED, 3);
    ASSERT_FIRST(agenda, "2a.2 2b.2 3b.1 3a.1");
}

static void test_within_visit(void **state) {
    CLEANUP(agenda_freep) struct agenda *agenda = agenda_of(ORDER_SHUFFLED);

    (void)state;
    measure(agenda, ORDER_SHUFFLED, 3);
    assert_true(agenda_commit(agenda, 7, 1, false));
    ASSERT_FIRST(agenda, "2a.2 2b.2 3b.1 3a.1");
}

/* Every kind of row counts, whatever is committed: its key must never come again. */
static void test_traces(void **state) {
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        CLEANUP(agenda_freep) struct agenda *agenda = agenda_of(ORDER_SHUFFLED);

        measure(agenda, ORDER_SHUFFLED, 2);
        if (kind == 0)
            agenda_note(agenda, 6, 4);
        else if (kind == 1)
            agenda_note_channel(agenda, 2, 1, 4);
        else
            agenda_note_block(agenda, 2, 4);
        ASSERT_FIRST(agenda, "2a.5 2b.5 3b.1 3a.1");
    }
}

/* The rows of a later attempt do not undo an earlier complete one. */
static void test_trace_behind_complete(void **state) {
    CLEANUP(agenda_freep) struct agenda *agenda = agenda_of(ORDER_SHUFFLED);

    (void)state;
    measure(agenda, ORDER_SHUFFLED, 6);
    agenda_note(agenda, 6, 2);
    ASSERT_FIRST(agenda, "");
    ASSERT_AGAIN(agenda, "");
}

static void test_interrupted_twice(void **state) {
    CLEANUP(agenda_freep) struct agenda *agenda = agenda_of(ORDER_SHUFFLED);

    (void)state;
    assert_true(agenda_commit(agenda, 1, 1, false));
    assert_true(agenda_commit(agenda, 1, 2, true));
    assert_true(agenda_commit(agenda, 2, 2, false));
    assert_true(agenda_commit(agenda, 3, 2, false));
    ASSERT_FIRST(agenda, "1b.3 1a.3 2a.1 2b.1 3b.1 3a.1");
    ASSERT_AGAIN(agenda, ""); /* what failed there does not count: the attempt is not complete */
}

/* The two halves of a block from two attempts are no whole one. */
static void test_halves(void **state) {
    CLEANUP(agenda_freep) struct agenda *agenda = agenda_of(ORDER_SHUFFLED);

    (void)state;
    for (int64_t trial = 1; trial <= 2; trial++)
        assert_true(agenda_commit(agenda, trial, 1, false));
    for (int64_t trial = 3; trial <= 4; trial++)
        assert_true(agenda_commit(agenda, trial, 2, false));
    ASSERT_FIRST(agenda, "1b.3 1a.3 2a.1 2b.1 3b.1 3a.1");
}

/* ---- blocks with a failed trial ---- */

static void test_failed_block_once_more(void **state) {
    CLEANUP(agenda_freep) struct agenda *agenda = agenda_of(ORDER_SHUFFLED);

    (void)state;
    execute(agenda, agenda_first(agenda), 8);
    ASSERT_FIRST(agenda, "");
    ASSERT_AGAIN(agenda, "2a.2 2b.2");
    execute(agenda, agenda_again(agenda), 8);
    ASSERT_FIRST(agenda, "");
    ASSERT_AGAIN(agenda, ""); /* not a third time */
}

/* The second attempt of a failed block was interrupted: it is made up for, and only it. */
static void test_interrupted_again(void **state) {
    CLEANUP(agenda_freep) struct agenda *agenda = agenda_of(ORDER_SHUFFLED);

    (void)state;
    execute(agenda, agenda_first(agenda), 8);
    assert_true(agenda_commit(agenda, 5, 2, false));
    ASSERT_FIRST(agenda, "");
    ASSERT_AGAIN(agenda, "2a.3 2b.3");
}

/* It was interrupted, then measured whole with a failure: that is its one complete attempt. */
static void test_failed_after_interruption(void **state) {
    CLEANUP(agenda_freep) struct agenda *agenda = agenda_of(ORDER_SHUFFLED);

    (void)state;
    agenda_note(agenda, 1, 1);
    execute(agenda, agenda_first(agenda), 3);
    ASSERT_AGAIN(agenda, "1b.3 1a.3");
}

/* ---- the paper's order, in which blocks are spread over the run ---- */

static void test_sequential_between_visits(void **state) {
    CLEANUP(agenda_freep) struct agenda *agenda = agenda_of(ORDER_SEQUENTIAL);

    (void)state;
    measure(agenda, ORDER_SEQUENTIAL, 4);
    ASSERT_FIRST(agenda, "2b.1 3b.1");
}

static void test_sequential_within_visit(void **state) {
    CLEANUP(agenda_freep) struct agenda *first = agenda_of(ORDER_SEQUENTIAL);
    CLEANUP(agenda_freep) struct agenda *second = agenda_of(ORDER_SEQUENTIAL);

    (void)state;
    measure(first, ORDER_SEQUENTIAL, 1);
    assert_true(agenda_commit(first, 3, 1, false));
    ASSERT_FIRST(first, "2a.2 2b.2 3a.1 1b.1 3b.1");
    measure(second, ORDER_SEQUENTIAL, 4);
    agenda_note_channel(second, 2, 1, 1);
    ASSERT_FIRST(second, "2a.2 2b.2 3b.1");
}

/* The new attempt of the interrupted block is interrupted as well: between its visits it goes on,
 * within one it is the next attempt. */
static void test_sequential_interrupted_twice(void **state) {
    CLEANUP(agenda_freep) struct agenda *agenda = agenda_of(ORDER_SEQUENTIAL);

    (void)state;
    measure(agenda, ORDER_SEQUENTIAL, 4);
    agenda_note_channel(agenda, 2, 1, 1);
    assert_true(agenda_commit(agenda, 3, 2, false));
    assert_true(agenda_commit(agenda, 4, 2, false));
    ASSERT_FIRST(agenda, "2b.2 3b.1");
    agenda_note(agenda, 9, 2);
    ASSERT_FIRST(agenda, "2a.3 2b.3 3b.1");
}

static void test_sequential_failed_block(void **state) {
    CLEANUP(agenda_freep) struct agenda *agenda = agenda_of(ORDER_SEQUENTIAL);

    (void)state;
    measure(agenda, ORDER_SEQUENTIAL, 3);
    assert_true(agenda_commit(agenda, 7, 1, true));
    assert_true(agenda_commit(agenda, 8, 1, false));
    ASSERT_FIRST(agenda, "2b.1 3b.1");
    ASSERT_AGAIN(agenda, "1a.2 1b.2"); /* known already, and the last to be done */
    execute(agenda, agenda_first(agenda), 0);
    ASSERT_AGAIN(agenda, "1a.2 1b.2");
}

static void test_commit_twice(void **state) {
    CLEANUP(agenda_freep) struct agenda *agenda = agenda_of(ORDER_SHUFFLED);

    (void)state;
    assert_true(agenda_commit(agenda, 12, 1, false));
    assert_false(agenda_commit(agenda, 12, 1, false));
    assert_false(agenda_commit(agenda, 12, 1, true));
    assert_true(agenda_commit(agenda, 12, 2, false));
    assert_true(agenda_commit(agenda, 11, 1, false));
}

/* Wherever a run is cut, resumed and cut again, it comes to its end with every block whole, and no
 * trial is ever measured twice as the same attempt (agenda_commit() would tell). */
static void cut_everywhere(enum scenario_order order) {
    enum { ALL = N_BLOCKS * N_CHANNELS * N_PROBES };

    for (int64_t first_cut = 0; first_cut <= ALL; first_cut++)
        for (int64_t second_cut = 0; second_cut <= ALL; second_cut++) {
            CLEANUP(agenda_freep) struct agenda *agenda = agenda_of(order);
            int64_t cuts[] = {first_cut, second_cut};

            for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
                struct agenda_list list = agenda_first(agenda);

                for (size_t j = 0; j < list.n * N_PROBES && (int64_t)j < cuts[i]; j++)
                    assert_true(agenda_commit(
                        agenda, list.items[j / N_PROBES].visit->trial + (int64_t)(j % N_PROBES),
                        list.items[j / N_PROBES].attempt, false));
                free(list.items);
            }
            execute(agenda, agenda_first(agenda), 0);
            ASSERT_FIRST(agenda, "");
            ASSERT_AGAIN(agenda, "");
        }
}

static void test_cut_everywhere(void **state) {
    (void)state;
    cut_everywhere(ORDER_SHUFFLED);
    cut_everywhere(ORDER_SEQUENTIAL);
}

static void assert_measured(const struct agenda *agenda, int64_t expected, bool interrupted) {
    bool found;

    assert_int_equal(agenda_measured(agenda, &found), expected);
    assert_int_equal(found, interrupted);
}

/* Blocks that are whole, whether or not a trial failed; and whether one is not. */
static void test_measured(void **state) {
    CLEANUP(agenda_freep) struct agenda *agenda = agenda_of(ORDER_SHUFFLED);

    (void)state;
    assert_measured(agenda, 0, false);
    measure(agenda, ORDER_SHUFFLED, 1);
    assert_measured(agenda, 0, true);
    execute(agenda, agenda_first(agenda), 5);
    assert_measured(agenda, 3, false);
    agenda_note_block(agenda, 2, 2); /* the failed one is being measured again */
    assert_measured(agenda, 3, false);
}

static void test_measured_channel_by_channel(void **state) {
    CLEANUP(agenda_freep) struct agenda *agenda = agenda_of(ORDER_SEQUENTIAL);

    (void)state;
    measure(agenda, ORDER_SEQUENTIAL, 4);
    assert_measured(agenda, 1, true);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measured),
        cmocka_unit_test(test_measured_channel_by_channel),
        cmocka_unit_test(test_fresh),
        cmocka_unit_test(test_complete),
        cmocka_unit_test(test_between_blocks),
        cmocka_unit_test(test_between_visits),
        cmocka_unit_test(test_within_visit),
        cmocka_unit_test(test_traces),
        cmocka_unit_test(test_trace_behind_complete),
        cmocka_unit_test(test_interrupted_twice),
        cmocka_unit_test(test_halves),
        cmocka_unit_test(test_failed_block_once_more),
        cmocka_unit_test(test_interrupted_again),
        cmocka_unit_test(test_failed_after_interruption),
        cmocka_unit_test(test_sequential_between_visits),
        cmocka_unit_test(test_sequential_within_visit),
        cmocka_unit_test(test_sequential_interrupted_twice),
        cmocka_unit_test(test_sequential_failed_block),
        cmocka_unit_test(test_commit_twice),
        cmocka_unit_test(test_cut_everywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
