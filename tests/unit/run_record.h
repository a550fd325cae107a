/*
 * run_record - for the tests of run/: a small scenario, and a journal of it in a temporary folder.
 */
#ifndef BENCH_TESTS_RUN_RECORD_H
#define BENCH_TESTS_RUN_RECORD_H

#include "workshop.h"

#include "base/clock.h"
#include "run/journal.h"

struct record {
    char *folder; /* of results */
    struct scenario *scenario;
    struct journal *journal;
    struct planned_deployment deployment;
    struct trial_id
        id; /* trial 5, attempt 1, of block 2, position 1, channel and probe the first */
};

static inline struct journal *record_journal(const struct record *record) {
    CLEANUP_FREE char *results = text_format("%s/results", record->folder);
    json_auto_t *environment = json_pack("{s:{s:s}}", "local", "kernel", "6.1");
    struct journal *journal = NULL;
    struct error error = {""};

    if (journal_create(&journal, results, record->scenario, environment, &error) < 0)
        fail_msg("%s", error.text);
    return journal;
}

static inline int record_set_up_of(void **state, const char *names) {
    struct record *record = memory_new(1, sizeof(*record));
    CLEANUP_FREE char *text =
        text_format("[scenario]\nchannels = plain login\nprobes = %s\nrepetitions = 2\n"
                    "[channel.plain]\nuse =\n[channel.login]\nuse = password\n",
                    names);
    struct error error = {""};

    record->folder = workshop_make();
    workshop_put(record->folder, "small.ini", text);
    if (scenario_load(&record->scenario, workshop_registry(), record->folder, "small", NULL, 0,
                      &error) < 0)
        fail_msg("%s", error.text);
    record->journal = record_journal(record);
    record->deployment =
        (struct planned_deployment){.block = 2, .position = 1, .channel = 0, .trial = 5};
    record->id = (struct trial_id){.trial = 5,
                                   .attempt = 1,
                                   .deployment = &record->deployment,
                                   .channel = "plain",
                                   .measurement = &record->scenario->measurements[0],
                                   .probe = "path"};
    *state = record;
    return 0;
}

static inline int record_set_up(void **state) {
    return record_set_up_of(state, "path delivery");
}

static inline int record_tear_down(void **state) {
    struct record *record = *state;

    journal_close(record->journal);
    scenario_free(record->scenario);
    workshop_remove(record->folder);
    free(record);
    return 0;
}

/* What a file of the run's folder holds, without its first line; belongs to the caller. */
static inline char *record_rows(const struct record *record, const char *name) {
    CLEANUP_FREE char *text = workshop_get(journal_folder(record->journal), name);
    const char *end = strchr(text, '\n');

    assert_non_null(end);
    return text_copy(end + 1);
}

static inline void record_flush(const struct record *record) {
    struct error error = {""};

    if (journal_flush(record->journal, &error) < 0)
        fail_msg("%s", error.text);
}

#define RECORD_TEST(name) cmocka_unit_test_setup_teardown(name, record_set_up, record_tear_down)

#endif
