/* run/resumption, run/journal: a run that was interrupted goes on. */
#include "run_resume.h"

static struct trial_id id_of(const struct run *run, int64_t trial, int attempt) {
    size_t place = (size_t)trial - 1, n = run->plan->n_measurements;
    const struct planned_deployment *deployment = &run->plan->deployments[place / n];

    return (struct trial_id){.trial = trial,
                             .attempt = attempt,
                             .deployment = deployment,
                             .channel = run->record.scenario->channels[deployment->channel].name,
                             .probe = run->record.scenario->probes[place % n]};
}

static void commit(const struct run *run, struct journal *journal, int64_t trial, int attempt,
                   enum trial_status status) {
    struct trial_id id = id_of(run, trial, attempt);
    struct trial_result result = {.status = status, .duration_s = 1, .bytes = 1000};
    struct error error = {""};

    journal_metric(journal, &id, "broker", "agent", "cpu_s", 0.5);
    journal_interval(journal, &id, "broker", 0, 0.1, 100);
    if (journal_commit(journal, &id, &result, &error) < 0)
        fail_msg("%s", error.text);
}

static void cut(const struct run *run, const char *name, off_t size) {
    CLEANUP_FREE char *path = text_format("%s/%s", run->folder, name);

    assert_int_equal(truncate(path, size), 0);
}

static void test_untouched(void **state) {
    struct run *run = *state;
    CLEANUP(resumption_closep) struct resumption *resumption = NULL;

    leave(run);
    resumption = resume(run);
    assert_left(resumption, 4, 1);
    assert_int_equal(resumption->trials[TRIAL_OK], 0);
    assert_string_equal(scenario_own(resumption->scenario)->name, "small");
}

static void test_counts(void **state) {
    struct run *run = *state;
    CLEANUP(resumption_closep) struct resumption *resumption = NULL;

    for (int64_t trial = 1; trial <= 5; trial++)
        commit(run, run->record.journal, trial, 1,
               trial == 2   ? TRIAL_FAILED
               : trial == 3 ? TRIAL_VOID
                            : TRIAL_OK);
    leave(run);
    resumption = resume(run);
    assert_int_equal(resumption->trials[TRIAL_OK], 3);
    assert_int_equal(resumption->trials[TRIAL_FAILED], 1);
    assert_int_equal(resumption->trials[TRIAL_VOID], 1);
    assert_left(resumption, 2, 2); /* the second block, whole */
}

/* A row in any table, of an attempt that nothing else knows: its key is never used again. */
static void test_traces_in_every_table(void **state) {
    static const struct {
        const char *name, *row;
    } cases[] = {
        {"metrics.csv", "5,3,broker,agent,,cpu_s,s,1\n"},
        {"distributions.csv", "6,4,latency,ms,0.5,12\n"},
        {"intervals.csv", "6,5,broker,0,0.1,5\n"},
        {"proofs.csv", "2,6,login,a,b,c,d,held,\n"},
        {"telemetry.csv", "2,7,plain,1,2026-11-22T08:30:00.000Z,1,delivered,,\n"},
        {"blocks.csv", "2,8,local,temperature,C,40,41\n"},
    };
    struct run *run = *state;

    for (int64_t trial = 1; trial <= 4; trial++)
        commit(run, run->record.journal, trial, 1, TRIAL_OK);
    leave(run);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(resumption_closep) struct resumption *resumption = NULL;

        append(run, cases[i].name, cases[i].row);
        resumption = resume(run);
        assert_left(resumption, 2, (int)i + 4);
    }
}

/* Half a row behind the rows of each table, and half a header: the rows stay as they are. */
static void test_half_last_lines(void **state) {
    static const char *const halves[JOURNAL_N_TABLES] = {
        [JOURNAL_METRICS] = "7,1,brok",
        [JOURNAL_INTERVALS] = "7",
        [JOURNAL_DISTRIBUTIONS] = "7,1,lat",
        [JOURNAL_PROOFS] = "2,9,pla",
        [JOURNAL_TELEMETRY] = "2,9,plain,1,2026-11-22T08:30",
        [JOURNAL_BLOCKS] = "2,9,local,temp",
        [JOURNAL_TRIALS] = "5,1,2,1,\"half a rea",
    };
    struct run *run = *state;
    char *before[JOURNAL_N_TABLES];
    CLEANUP(resumption_closep) struct resumption *resumption = NULL;

    for (int64_t trial = 1; trial <= 4; trial++)
        commit(run, run->record.journal, trial, 1, TRIAL_OK);
    leave(run);
    for (int i = 0; i < JOURNAL_N_TABLES; i++) {
        before[i] = workshop_get(run->folder, journal_layouts[i].name);
        append(run, journal_layouts[i].name, halves[i]);
    }
    cut(run, "blocks.csv", 7);
    resumption = resume(run);
    assert_left(resumption, 2, 1); /* what is half written is not there */
    journal_close(reopen(resumption));
    for (int i = 0; i < JOURNAL_N_TABLES; i++) {
        CLEANUP_FREE char *after = workshop_get(run->folder, journal_layouts[i].name);

        assert_string_equal(after, before[i]);
        free(before[i]);
    }
}

/* Zeroes are what some file systems leave behind the end after a power cut. */
static void test_zeroes_behind_the_end(void **state) {
    struct run *run = *state;
    CLEANUP(resumption_closep) struct resumption *resumption = NULL;
    CLEANUP_FREE char *before = NULL, *after = NULL;

    commit(run, run->record.journal, 1, 1, TRIAL_OK);
    leave(run);
    before = workshop_get(run->folder, "trials.csv");
    cut(run, "trials.csv", (off_t)strlen(before) + 4096);
    resumption = resume(run);
    journal_close(reopen(resumption));
    after = workshop_get(run->folder, "trials.csv");
    assert_string_equal(after, before);
}

static void test_goes_on(void **state) {
    struct run *run = *state;
    CLEANUP_FREE char *before = NULL, *after = NULL, *environment = NULL;

    commit(run, run->record.journal, 1, 1, TRIAL_OK);
    leave(run);
    before = workshop_get(run->folder, "trials.csv");
    for (int attempt = 2; attempt <= 3; attempt++) {
        CLEANUP(resumption_closep) struct resumption *resumption = resume(run);
        struct journal *journal;

        assert_left(resumption, 4, attempt);
        journal = reopen(resumption);
        commit(run, journal, 1, attempt, TRIAL_OK);
        journal_close(journal);
    }
    after = workshop_get(run->folder, "trials.csv");
    assert_int_equal(strncmp(after, before, strlen(before)), 0);
    assert_has(after, "\n1,2,1,1,");
    assert_has(after, "\n1,3,1,1,");
    environment = workshop_get(run->folder, "environment.json");
    assert_has(environment, "\"commit\": \"0123abcd\"");
    assert_has(environment, "\"resumed\": [\n    {\n      \"started_utc\"");
    assert_has(strstr(environment, "started_utc") + 1, "\"started_utc\""); /* twice */
}

static void test_comment_changes_nothing(void **state) {
    struct run *run = *state;
    CLEANUP(resumption_closep) struct resumption *resumption = NULL;

    leave(run);
    edit(run, "scenario.ini", "\n[hosts]", "\n# to be remembered\n[hosts]");
    resumption = resume(run);
    assert_left(resumption, 4, 1);
}

/* Whatever else lies about is none of the run's. */
static void test_no_other_file(void **state) {
    struct run *run = *state;
    CLEANUP(resumption_closep) struct resumption *resumption = NULL;

    leave(run);
    workshop_put(run->folder, "hosts.ini", "[hosts]\nbroker = nowhere\n");
    workshop_put(run->folder, "channels/plain.ini", "garbage\n");
    resumption = resume(run);
    assert_left(resumption, 4, 1);
}

static int set_up_three_probes(void **state) {
    return run_set_up_of(state, "path transport delivery");
}

/* Which of a deployment's trials has which probe: known, and checked, for each of three. */
static void test_three_probes(void **state) {
    struct run *run = *state;
    struct resumption *resumption = NULL;
    struct error error = {""};

    for (int64_t trial = 1; trial <= 12; trial++)
        commit(run, run->record.journal, trial, 1, trial == 9 ? TRIAL_VOID : TRIAL_OK);
    leave(run);
    resumption = resume(run);
    assert_left(resumption, 0, 0);
    assert_int_equal(resumption->trials[TRIAL_OK], 11);
    resumption_close(resumption);
    resumption = NULL;
    edit(run, "trials.csv", ",delivery,", ",path,");
    assert_int_equal(resumption_open(&resumption, run->folder, workshop_registry(), &error),
                     -EBADMSG);
    assert_has(error.text,
               "/trials.csv:4: probe: 'path' is not as planned; trial 3 has 'delivery'");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        RUN_TEST(test_untouched),
        RUN_TEST(test_counts),
        RUN_TEST(test_traces_in_every_table),
        RUN_TEST(test_half_last_lines),
        RUN_TEST(test_zeroes_behind_the_end),
        RUN_TEST(test_goes_on),
        RUN_TEST(test_comment_changes_nothing),
        RUN_TEST(test_no_other_file),
        cmocka_unit_test_setup_teardown(test_three_probes, set_up_three_probes, run_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
