/* run/enough: when it is asked whether a run has measured enough, and what is said at its end. A
 * scenario of two channels and one probe, at least 6 and at most 8 blocks. */
#include "workshop.h"

#include "base/clock.h"
#include "run/enough.h"

#include <math.h>

struct oracle {
    int asked;
    bool answer;
    double widest;
    int code;
};

struct world {
    char *folder;
    struct scenario *scenario;
    struct plan *plan;
    struct schedule *schedule;
    struct oracle oracle;
    struct enough enough;
};

static int answer(void *context, const char *folder, bool *ret, double *ret_widest,
                  struct error *error) {
    struct oracle *oracle = context;

    oracle->asked++;
    assert_string_equal(folder, "the run");
    if (oracle->code < 0)
        return error_set(error, oracle->code, "trials.csv:7: half");
    *ret = oracle->answer;
    *ret_widest = oracle->widest;
    return 0;
}

/* A world of this scenario, which lives until tear_down(). */
static void populate(struct world *world, const char *repetitions) {
    CLEANUP_FREE char *text = text_format(
        "[scenario]\nchannels = a b\nprobes = path\nrepetitions = %s\nrepetitions_min = 6\n"
        "repetitions_max = 8\n[channel.a]\nuse =\n[channel.b]\nuse = password\n",
        repetitions);
    struct error error = {""};

    workshop_put(world->folder, "main.ini", text);
    if (scenario_load(&world->scenario, workshop_registry(), world->folder, "main", NULL, 0,
                      &error) < 0)
        fail_msg("%s", error.text);
    world->plan = plan_new(world->scenario);
    world->schedule = schedule_new(world->plan, ORDER_SHUFFLED);
    world->oracle = (struct oracle){.widest = 0.0093};
    world->enough = (struct enough){.question = {answer, &world->oracle},
                                    .scenario = world->scenario,
                                    .schedule = world->schedule};
}

static void clear(struct world *world) {
    schedule_freep(&world->schedule);
    plan_freep(&world->plan);
    scenario_freep(&world->scenario);
}

static int set_up(void **state) {
    struct world *world = memory_new(1, sizeof(*world));

    world->folder = workshop_make();
    populate(world, "until 1%");
    *state = world;
    return 0;
}

static int tear_down(void **state) {
    struct world *world = *state;

    clear(world);
    workshop_remove(world->folder);
    free(world);
    return 0;
}

/* Commits the deployments from..to of the plan, the last not included. */
static void measure(struct world *world, size_t from, size_t to, int attempt) {
    for (size_t i = from; i < to; i++)
        assert_true(
            schedule_commit(world->schedule, world->plan->deployments[i].trial, attempt, false));
}

static void ask(struct world *world) {
    struct error error = {""};

    if (enough_ask(&world->enough, "the run", &error) < 0)
        fail_msg("%s", error.text);
}

static void test_from_the_smallest_number_on(void **state) {
    struct world *world = *state;

    world->oracle.answer = true;
    measure(world, 0, 10, 1);
    ask(world);
    assert_int_equal(world->oracle.asked, 0);
    assert_false(world->enough.reached);
    measure(world, 10, 12, 1);
    ask(world);
    assert_int_equal(world->oracle.asked, 1);
    assert_true(world->enough.asked && world->enough.reached);
    assert_true(world->enough.widest == 0.0093);
}

/* Between two deployments of a block its trials would have no pair. */
static void test_not_within_a_block(void **state) {
    struct world *world = *state;

    world->oracle.answer = true;
    measure(world, 0, 13, 1);
    ask(world);
    assert_int_equal(world->oracle.asked, 0);
    measure(world, 12, 14, 2);
    ask(world);
    assert_int_equal(world->oracle.asked, 1);
}

static void test_the_last_answer_counts(void **state) {
    struct world *world = *state;

    world->oracle.answer = true;
    measure(world, 0, 12, 1);
    ask(world);
    world->oracle = (struct oracle){.answer = false, .widest = 0.011};
    ask(world);
    assert_false(world->enough.reached);
    assert_true(world->enough.widest == 0.011);
}

static void test_never_asked(void **state) {
    struct world *world = *state;

    measure(world, 0, 16, 1);
    world->enough.question.ask = NULL;
    ask(world);
    assert_false(world->enough.asked || world->enough.reached);
    clear(world);
    populate(world, "7");
    world->oracle.answer = true;
    measure(world, 0, 14, 1);
    ask(world);
    assert_int_equal(world->oracle.asked, 0);
    assert_false(world->enough.asked || world->enough.reached);
}

static void test_no_answer(void **state) {
    struct world *world = *state;
    struct error error = {""};

    measure(world, 0, 12, 1);
    world->oracle.code = -EBADMSG;
    assert_int_equal(enough_ask(&world->enough, "the run", &error), -EBADMSG);
    assert_string_equal(error.text, "whether 6 blocks are enough: trials.csv:7: half");
    assert_false(world->enough.asked);
}

/* ---- what is said ---- */

/* What stdout got belongs to the caller. */
static char *told(struct world *world) {
    CLEANUP_FREE char *path = text_format("%s/out", world->folder);
    struct progress *progress;
    int saved = dup(STDOUT_FILENO);

    assert_true(saved >= 0 && fflush(stdout) == 0);
    assert_non_null(freopen(path, "we", stdout));
    progress = progress_new(world->scenario, 16, NORMAL);
    enough_tell(&world->enough, progress);
    progress_free(progress);
    assert_int_equal(fflush(stdout), 0);
    assert_int_equal(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
    assert_int_equal(close(saved), 0);
    return workshop_get(world->folder, "out");
}

static void assert_told(struct world *world, const char *expected) {
    CLEANUP_FREE char *text = told(world);

    assert_string_equal(text, expected);
}

/* After this answer. */
static void assert_told_of(struct world *world, bool reached, double widest, const char *expected) {
    world->enough.asked = true;
    world->enough.reached = reached;
    world->enough.widest = widest;
    assert_told(world, expected);
}

static void test_words(void **state) {
    struct world *world = *state;

    measure(world, 0, 14, 1);
    assert_told(world, "");
    assert_told_of(world, true, 0.00931,
                   "enough   every interval is narrower than 1 % after 7 blocks (widest 0.931 "
                   "%)\n");
    measure(world, 14, 16, 1);
    assert_told_of(world, false, 0.0134,
                   "limit    after 8 blocks the widest interval is 1.34 %, not narrower than 1 "
                   "%\n");
    assert_told_of(world, false, NAN,
                   "limit    after 8 blocks some channel has too few values for an "
                   "interval that counts\n");
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(test_from_the_smallest_number_on),
        WORLD_TEST(test_not_within_a_block),
        WORLD_TEST(test_the_last_answer_counts),
        WORLD_TEST(test_never_asked),
        WORLD_TEST(test_no_answer),
        WORLD_TEST(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
