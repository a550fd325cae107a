/* run/resumption: what is no run, or not the run that it was, is refused in so many
 * words. */
#include "run_resume.h"

#include <openssl/evp.h>

/* It is refused with that code and words of which these are a part. */
static void assert_refused(const struct run *run, int code, const char *words) {
    struct resumption *resumption = NULL;
    struct error error = {""};
    int r = resumption_open(&resumption, run->folder, workshop_registry(), &error);

    assert_has(error.text, words);
    assert_int_equal(r, code);
    assert_null(resumption);
}

static void test_lock(void **state) {
    struct run *run = *state;
    CLEANUP(resumption_closep) struct resumption *resumption = NULL;
    struct journal *journal;

    assert_refused(run, -EBUSY, "another bench is measuring into it");
    leave(run);
    resumption = resume(run);
    assert_refused(run, -EBUSY, "another bench is measuring into it");
    journal = reopen(resumption);
    assert_refused(run, -EBUSY, "another bench is measuring into it");
    journal_close(journal);
}

static void test_missing_files(void **state) {
    static const char *const names[] = {
        "environment.json",  "definitions.csv", "scenario.ini", "trials.csv",    "metrics.csv",
        "distributions.csv", "intervals.csv",   "proofs.csv",   "telemetry.csv", "blocks.csv"};
    struct run *run = *state;

    leave(run);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        CLEANUP_FREE char *path = text_format("%s/%s", run->folder, names[i]);
        CLEANUP_FREE char *away = text_format("%s.away", path);
        CLEANUP_FREE char *words = text_format("/%s is missing", names[i]);

        assert_int_equal(rename(path, away), 0);
        assert_refused(run, -ENOENT, words);
        assert_int_equal(access(path, F_OK), -1); /* nor is it made */
        assert_int_equal(rename(away, path), 0);
    }
    resumption_close(resume(run));
}

/* A shell completes a folder's name with a slash at its end. */
static void test_slashes(void **state) {
    struct run *run = *state;
    CLEANUP_FREE char *plain = text_copy(run->folder);
    CLEANUP(resumption_closep) struct resumption *resumption = NULL;
    struct resumption *none = NULL;
    struct error error = {""};

    leave(run);
    text_append(&run->folder, "", "//");
    resumption = resume(run);
    assert_string_equal(resumption->folder, plain);
    assert_true(resumption_open(&none, "/", workshop_registry(), &error) < 0);
    assert_int_equal(error.text[0], '/');
}

static void test_no_run(void **state) {
    struct run *run = *state;

    leave(run);
    text_replace(&run->folder, "/nonexistent/run");
    assert_refused(run, -ENOENT, "/nonexistent/run: no run folder");
    text_replace(&run->folder, run->record.folder);
    assert_refused(run, -ENOENT, "/environment.json is missing");
}

/* Rows that the plan does not know, each with its place. */
static void test_damaged_tables(void **state) {
    static const struct {
        const char *name, *rows, *words;
    } cases[] = {
        {"trials.csv", "9,1,2,2,plain,path,,,,,,ok,,,,,\n", "/trials.csv:2: trial: '9' is not in"},
        {"trials.csv", "0,1,2,2,plain,path,,,,,,ok,,,,,\n", "/trials.csv:2: trial: '0' is not in"},
        {"trials.csv", "1x,1,1,1,plain,path,,,,,,ok,,,,,\n", "'1x' is not a whole number"},
        {"trials.csv", "1,,1,1,plain,path,,,,,,ok,,,,,\n", "attempt: '' is not a whole number"},
        {"trials.csv", "1,0,1,1,plain,path,,,,,,ok,,,,,\n", "attempt: '0' is not in the plan"},
        {"trials.csv", "1,99999999999,1,1,plain,path,,,,,,ok,,,,,\n", "attempt: '99999999999' is"},
        {"trials.csv", "1,1,2,1,plain,path,,,,,,ok,,,,,\n",
         "block: '2' is not as planned; trial 1"},
        {"trials.csv", "1,1,1,2,plain,path,,,,,,ok,,,,,\n", "position: '2' is not as planned"},
        {"trials.csv", "1,1,1,1,tls,path,,,,,,ok,,,,,\n", "channel: 'tls' is not as planned"},
        {"trials.csv", "1,1,1,1,CHANNEL,delivery,,,,,,ok,,,,,\n", "probe: 'delivery' is not as"},
        {"trials.csv", "1,1,1,1,CHANNEL,path,v,,,,,ok,,,,,\n", "variant: 'v' is not as planned"},
        {"trials.csv", "1,1,1,1,CHANNEL,path,,,,,,fine,,,,,\n", "status: 'fine' is none of"},
        {"trials.csv", "1,1,1,1,CHANNEL,path,,,,,,ok,,,,,\n1,1,1,1,CHANNEL,path,,,,,,ok,,,,,\n",
         "/trials.csv:3: trial: '1' stands in the table already"},
        {"trials.csv", "1,1,1,1\n", "/trials.csv:2: 4 fields where the header has 17"},
        {"metrics.csv", "9,1,broker,agent,,cpu_s,s,1\n", "/metrics.csv:2: trial: '9' is not in"},
        {"distributions.csv", "9,1,latency,ms,0.5,12\n", "/distributions.csv:2: trial: '9' is"},
        {"intervals.csv", "-1,1,broker,0,0.1,5\n", "/intervals.csv:2: trial: '-1' is not a whole"},
        {"proofs.csv", "3,1,plain,a,b,c,d,held,\n", "/proofs.csv:2: block: '3' is not in the plan"},
        {"proofs.csv", "1,1,tls,a,b,c,d,held,\n", "/proofs.csv:2: channel: 'tls' is no channel"},
        {"telemetry.csv", "1,1,tls,1,,1,delivered,,\n", "/telemetry.csv:2: channel: 'tls' is no"},
        {"blocks.csv", "1,1.5,local,x,,1,2\n", "/blocks.csv:2: attempt: '1.5' is not a whole"},
    };
    struct run *run = *state;
    const char *channel = run->record.scenario->channels[run->plan->deployments[0].channel].name;

    leave(run);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *before = workshop_get(run->folder, cases[i].name);
        char *at;

        append(run, cases[i].name, cases[i].rows);
        for (;;) { /* the channel that is planned first depends on the seed */
            CLEANUP_FREE char *text = workshop_get(run->folder, cases[i].name);

            at = strstr(text, "CHANNEL");
            if (!at)
                break;
            edit(run, cases[i].name, "CHANNEL", channel);
        }
        assert_refused(run, -EBADMSG, cases[i].words);
        workshop_put(run->folder, cases[i].name, before);
    }
    resumption_close(resume(run));
}

static void test_other_columns(void **state) {
    struct run *run = *state;

    leave(run);
    for (int i = 0; i < JOURNAL_N_TABLES; i++) {
        CLEANUP_FREE char *before = workshop_get(run->folder, journal_layouts[i].name);
        CLEANUP_FREE char *words = text_format("/%s:1: the columns are", journal_layouts[i].name);

        edit(run, journal_layouts[i].name, "attempt", "try");
        assert_refused(run, -EBADMSG, words);
        workshop_put(run->folder, journal_layouts[i].name, before);
    }
}

static void test_changed_scenario(void **state) {
    static const char *const edits[][2] = {
        {"seed = 2022", "seed = 2023"},
        {"repetitions = 2", "repetitions = 3"},
        {"channels = plain login", "channels = plain"},
        {"broker = local", "broker = lab:a"},
        {"interval = 3s", "interval = 4s"},
    };
    struct run *run = *state;

    leave(run);
    for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
        CLEANUP_FREE char *before = workshop_get(run->folder, "scenario.ini");

        edit(run, "scenario.ini", edits[i][0], edits[i][1]);
        assert_refused(run, -EINVAL,
                       "/scenario.ini is not the scenario that the run began with "
                       "(scenario_sha256 in environment.json)");
        workshop_put(run->folder, "scenario.ini", before);
    }
    edit(run, "scenario.ini", "seed = ", "sead = ");
    assert_refused(run, -EINVAL, "[scenario] sead: unknown key");
}

/* A channel without `use` would be looked for elsewhere. */
static void test_no_other_channel(void **state) {
    struct run *run = *state;

    leave(run);
    edit(run, "scenario.ini", "\nuse = password", "");
    workshop_put(run->folder, "channels/login.ini", "[channel]\nuse = password\n");
    assert_refused(run, -EINVAL, "unknown channel 'login': a [channel.login] of its own needs");
}

/* SHA-256 of a scenario behind the comments that it begins with. */
static void fingerprint(const struct run *run, char ret[65]) {
    CLEANUP_FREE char *text = workshop_get(run->folder, "scenario.ini");
    unsigned char bytes[32];
    const char *start = text;

    while (*start == '#')
        start = strchr(start, '\n') + 1;
    assert_int_equal(EVP_Digest(start, strlen(start), bytes, NULL, EVP_sha256(), NULL), 1);
    text_hex(ret, bytes, sizeof(bytes));
}

/* The file is as it was, but a later program has a setting more: its default was never promised. */
static void test_other_program(void **state) {
    struct run *run = *state;
    char before[65], after[65];

    leave(run);
    fingerprint(run, before);
    edit(run, "scenario.ini", "interval = 3s\n", "");
    fingerprint(run, after);
    edit(run, "environment.json", before, after);
    assert_refused(run, -EINVAL, "go on with commit 0123abcd, or start a new run");
}

static void test_other_plan(void **state) {
    struct run *run = *state;

    leave(run);
    edit(run, "environment.json", "\"plan_sha256\": \"", "\"plan_sha256\": \"0");
    assert_refused(run, -EINVAL, "plans other trials than the one that began the run");
}

static void test_no_promise(void **state) {
    struct run *run = *state;
    CLEANUP_FREE char *before = workshop_get(run->folder, "environment.json");

    leave(run);
    edit(run, "environment.json", "plan_sha256", "plan");
    assert_refused(run, -EBADMSG, "/environment.json has no plan_sha256");
    workshop_put(run->folder, "environment.json", before);
    edit(run, "environment.json", "scenario_sha256", "scenario");
    assert_refused(run, -EBADMSG, "/environment.json has no scenario_sha256");
    workshop_put(run->folder, "environment.json", "{\n\"commit\": \n");
    assert_refused(run, -EBADMSG, "/environment.json:");
}

/* What a run promises of its plan. */
static void fingerprint_plan(const struct run *run, char ret[65]) {
    json_auto_t *environment = json_object();

    assert_int_equal(resumption_promise(environment, run->record.scenario, run->plan, NULL), 0);
    (void)snprintf(ret, 65, "%s", json_string_value(json_object_get(environment, "plan_sha256")));
}

/* Each thing that the plan fixes is in its fingerprint. */
static void test_fingerprint_of_plan(void **state) {
    struct run *run = *state;
    char first[65], other[65];
    struct planned_deployment *deployment = &run->plan->deployments[1], before = *deployment;
    struct planned_deployment changed[] = {before, before, before, before};

    changed[0].block++;
    changed[1].position++;
    changed[2].channel = 1 - before.channel;
    changed[3].trial++;
    fingerprint_plan(run, first);
    assert_int_equal(strlen(first), 64);
    for (size_t i = 0; i < ARRAY_SIZE(changed); i++) {
        *deployment = changed[i];
        fingerprint_plan(run, other);
        assert_string_not_equal(first, other);
    }
    *deployment = before;
    fingerprint_plan(run, other);
    assert_string_equal(first, other);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        RUN_TEST(test_lock),
        RUN_TEST(test_missing_files),
        RUN_TEST(test_slashes),
        RUN_TEST(test_no_run),
        RUN_TEST(test_damaged_tables),
        RUN_TEST(test_other_columns),
        RUN_TEST(test_changed_scenario),
        RUN_TEST(test_no_other_channel),
        RUN_TEST(test_other_program),
        RUN_TEST(test_other_plan),
        RUN_TEST(test_no_promise),
        RUN_TEST(test_fingerprint_of_plan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
