/*
 * run_resume - for the tests of runs that are taken up again: a run of two blocks of two channels
 * with two probes, trials 1 to 8, and nothing measured yet; or with other probes.
 */
#ifndef BENCH_TESTS_RUN_RESUME_H
#define BENCH_TESTS_RUN_RESUME_H

#include "run_record.h"

#include "run/resumption.h"

struct run {
    struct record record; /* its journal has left */
    struct plan *plan;
    char *folder; /* of the run, which no journal has open */
};

static inline int run_set_up_of(void **state, const char *names) {
    struct run *run = memory_new(1, sizeof(*run));
    json_auto_t *environment = json_pack("{s:s}", "commit", "0123abcd");
    CLEANUP_FREE char *results = NULL;
    struct record *record;
    struct error error = {""};
    void *inner;

    (void)record_set_up_of(&inner, names);
    record = inner;
    run->record = *record;
    free(record);
    journal_close(run->record.journal);
    run->plan = plan_new(run->record.scenario);
    results = text_format("%s/results", run->record.folder);
    if (resumption_promise(environment, run->record.scenario, run->plan, &error) < 0 ||
        journal_create(&run->record.journal, results, run->record.scenario, environment, &error) <
            0)
        fail_msg("%s", error.text);
    run->folder = text_copy(journal_folder(run->record.journal));
    *state = run;
    return 0;
}

static inline int run_set_up(void **state) {
    return run_set_up_of(state, "path delivery");
}

static inline int run_tear_down(void **state) {
    struct run *run = *state;

    if (run->record.journal)
        journal_close(run->record.journal);
    plan_free(run->plan);
    scenario_free(run->record.scenario);
    workshop_remove(run->record.folder);
    free(run->folder);
    free(run);
    return 0;
}

#define RUN_TEST(name) cmocka_unit_test_setup_teardown(name, run_set_up, run_tear_down)

static inline void leave(struct run *run) {
    journal_close(run->record.journal);
    run->record.journal = NULL;
}

static inline struct resumption *resume(const struct run *run) {
    struct resumption *resumption = NULL;
    struct error error = {""};

    if (resumption_open(&resumption, run->folder, workshop_registry(), &error) < 0)
        fail_msg("%s", error.text);
    return resumption;
}

/* How many deployments are left, and the attempt of the first. */
static inline void assert_left(const struct resumption *resumption, size_t n, int attempt) {
    struct schedule_list list = schedule_first(resumption->schedule);

    assert_int_equal(list.n, n);
    if (n)
        assert_int_equal(list.items[0].attempt, attempt);
    free(list.items);
}

static inline void append(const struct run *run, const char *name, const char *text) {
    CLEANUP_FREE char *path = text_format("%s/%s", run->folder, name);
    CLEANUP(fclosep) FILE *file = fopen(path, "ae");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
}

/* The same text with `old` in it replaced. */
static inline void edit(const struct run *run, const char *name, const char *old, const char *new) {
    CLEANUP_FREE char *text = workshop_get(run->folder, name), *edited = NULL;
    char *at = strstr(text, old);

    if (!at)
        fail_msg("no '%s' in %s", old, name);
    edited = text_format("%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
    workshop_put(run->folder, name, edited);
}

static inline struct journal *reopen(struct resumption *resumption) {
    json_auto_t *now = json_pack("{s:s}", "started_utc", "2026-11-22T09:00:00.000Z");
    struct journal *journal = NULL;
    struct error error = {""};

    resumption_enter(resumption, now);
    if (journal_reopen(&journal, resumption->folder, &resumption->lock_fd, resumption->environment,
                       &error) < 0)
        fail_msg("%s", error.text);
    return journal;
}

#endif
