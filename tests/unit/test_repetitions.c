/* Repetitions in model/scenario: how many blocks, or how precise. */
#include "workshop.h"

#include "model/plan.h"

#include <math.h>

static void test_reads(void **state) {
    static const struct {
        const char *text;
        int64_t blocks;
        double precision;
    } cases[] = {
        {"1", 1, 0},          {"50", 50, 0},           {"100000", 100000, 0},
        {"until 1%", 0, .01}, {"until 0.5%", 0, .005}, {"until \t 0.0001%", 0, 1e-6},
        {"until 300%", 0, 3}, {"until 2 %", 0, .02},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct repetitions repetitions = {-1, -1, -1};
        struct error error = {""};

        if (repetitions_parse(cases[i].text, &repetitions, &error) != 0)
            fail_msg("%s: %s", cases[i].text, error.text);
        assert_int_equal(repetitions.smallest, cases[i].blocks);
        assert_int_equal(repetitions.largest, cases[i].blocks);
        assert_true(fabs(repetitions.precision - cases[i].precision) < 1e-12);
        assert_int_equal(repetitions_parse(cases[i].text, NULL, NULL), 0);
    }
}

static void test_refuses(void **state) {
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"0", "'0' is out of bounds; right would be a number from 1 to 100000; also possible: "
              "until 1%"},
        {"100001", "'100001' is out of bounds; right would be a number from 1 to 100000; "},
        {"-3", "'-3' is negative; also possible: until 1%"},
        {"many", "'many' is not a number that can be used here; write, say, 50; also possible: "},
        {"1%", "'1%' has the wrong unit; right would be no unit, as in 50; also possible: until "},
        {"until1%", "'until1%' is not a number"},
        {"untilled 1%", "'untilled 1%' is not a number"},
        {"until", "'until' lacks a precision; write, say, until 1%"},
        {"until 1", "'1' lacks a unit (%); write, say, 1%"},
        {"until 0%", "'0%' is out of bounds; right would be a share from 0.0001% to 1000%"},
        {"until 1001%", "'1001%' is out of bounds; right would be a share from 0.0001% to 1000%"},
        {"until 1% 2%", "'1% 2%' has the wrong unit; right would be %, as in 0.5%"},
        {"until 1s", "'1s' has the wrong unit; right would be %, as in 0.5%"},
        {"until it is good", "'it is good' is not a number"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct repetitions repetitions = {-1, -1, -1};
        struct error error = {""};

        assert_true(repetitions_parse(cases[i].text, &repetitions, &error) < 0);
        assert_int_equal(repetitions.largest, -1);
        if (strncmp(error.text, cases[i].message, strlen(cases[i].message)) != 0)
            fail_msg("'%s' does not begin with '%s'", error.text, cases[i].message);
    }
}

/* ---- in a scenario ---- */

#define HEAD                                                                                       \
    "[channel.a]\nuse =\n[channel.b]\nuse = password\n[scenario]\nprobes = path\n"                 \
    "channels = a b\n"

/* Of main.ini with this text; its error, when it is refused, "@" for the folder in it. */
static struct scenario *load(const char *text, struct error *error) {
    CLEANUP(workshop_removep) char *folder = workshop_make();
    struct scenario *scenario = NULL;

    workshop_put(folder, "main.ini", text);
    if (scenario_load(&scenario, workshop_registry(), folder, "main", NULL, 0, error) < 0 &&
        strncmp(error->text, folder, strlen(folder)) == 0)
        memmove(error->text, error->text + strlen(folder),
                strlen(error->text + strlen(folder)) + 1);
    return scenario;
}

static void assert_blocks(const char *text, int64_t smallest, int64_t largest, double precision) {
    struct error error = {""};
    CLEANUP(scenario_freep) struct scenario *scenario = load(text, &error);
    struct repetitions repetitions;

    if (!scenario)
        fail_msg("%s", error.text);
    repetitions = scenario_repetitions(scenario);
    assert_int_equal(repetitions.smallest, smallest);
    assert_int_equal(repetitions.largest, largest);
    assert_true(repetitions.precision == precision);
}

static void test_of_a_scenario(void **state) {
    (void)state;
    assert_blocks(HEAD, 50, 50, 0);
    assert_blocks(HEAD "repetitions = 3\nrepetitions_min = 9\nrepetitions_max = 8\n", 3, 3, 0);
    assert_blocks(HEAD "repetitions = until 1%\n", 20, 200, .01);
    assert_blocks(HEAD "repetitions = until 1%\nrepetitions_min = 6\nrepetitions_max = 6\n", 6, 6,
                  .01);
}

static void assert_refused(const char *text, const char *expected) {
    struct error error = {""};

    assert_null(load(text, &error));
    if (strncmp(error.text, expected, strlen(expected)) != 0)
        fail_msg("'%s' does not begin with '%s'", error.text, expected);
}

static void test_refused_scenarios(void **state) {
    (void)state;
    assert_refused(HEAD "order = sequential\nrepetitions = until 1%\n",
                   "/main.ini:9: [scenario] repetitions: 'until 1%' needs order = shuffled, ");
    assert_refused("[channel.a]\nuse =\n[scenario]\nchannels = a\nrepetitions = until 1%\n",
                   "/main.ini:5: [scenario] repetitions: 'until 1%' needs a channel to compare "
                   "with the baseline, a; ");
    assert_refused(HEAD "repetitions_min = 20\nrepetitions_max = 19\nrepetitions = until 1%\n",
                   "/main.ini:8: [scenario] repetitions_min: at least 20 blocks (repetitions_min) "
                   "are more than at most 19 (repetitions_max)");
    assert_refused(HEAD "repetitions_max = 9\nrepetitions = until 1%\n",
                   "/main.ini:8: [scenario] repetitions_max: at least 20 blocks");
    assert_refused(HEAD "repetitions_min = 5\n",
                   "/main.ini:8: [scenario] repetitions_min: '5' is out of bounds; right would be "
                   "a number from 6 to 100000");
    assert_refused(HEAD "repetitions = until 0%\n",
                   "/main.ini:8: [scenario] repetitions: '0%' is out of bounds");
}

/* As many blocks as there may be, and those of a run with that number. */
static void test_plan(void **state) {
    struct error error = {""};
    CLEANUP(scenario_freep)
    struct scenario *open = load(HEAD "repetitions = until 1%\nrepetitions_max = 27\n", &error);
    CLEANUP(scenario_freep) struct scenario *fixed = load(HEAD "repetitions = 27\n", &error);
    CLEANUP(plan_freep) struct plan *a = NULL, *b = NULL;

    (void)state;
    if (!open || !fixed)
        fail_msg("%s", error.text);
    a = plan_new(open);
    b = plan_new(fixed);
    assert_int_equal(a->n_deployments, 54);
    assert_int_equal(b->n_deployments, 54);
    for (size_t i = 0; i < a->n_deployments; i++)
        assert_memory_equal(&a->deployments[i], &b->deployments[i], sizeof(a->deployments[i]));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),         cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_of_a_scenario), cmocka_unit_test(test_refused_scenarios),
        cmocka_unit_test(test_plan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
