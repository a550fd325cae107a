/* run/journal: the folder of a run, and the rows of its trials. */
#include "run_record.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>

#define STARTED_NS INT64_C(1795336200123456789) /* 2026-11-22T08:30:00.123Z */

static void commit(struct record *record, const struct trial_result *result) {
    struct error error = {""};

    if (journal_commit(record->journal, &record->id, result, &error) < 0)
        fail_msg("%s", error.text);
}

static void test_folder(void **state) {
    static const struct {
        const char *name, *start;
    } files[] = {
        {"scenario.ini", "# format: 2\n# Resolved by mqtt-security-bench "},
        {"environment.json", "{\n  \"local\": {\n    \"kernel\": \"6.1\"\n  }\n}\n"},
        {"definitions.csv", "probe,metric,unit,better,headline,help,rung,sender,receiver\n"
                            "path,throughput,Mbit/s,higher,yes,"},
        {"metrics.csv", "trial,attempt,party,process,host,metric,unit,value\n"},
        {"distributions.csv", "trial,attempt,metric,unit,upper_bound,count\n"},
        {"intervals.csv", "trial,attempt,party,start_s,end_s,bytes\n"},
        {"proofs.csv", "block,attempt,channel,proof,expected,observed,cause,verdict,variant\n"},
        {"telemetry.csv",
         "block,attempt,channel,sequence,due_utc,latency_ms,status,latency_bound_ms,variant\n"},
        {"blocks.csv", "block,attempt,host,metric,unit,before,after\n"},
        {"trials.csv", "trial,attempt,block,position,channel,probe,variant,started_utc,duration_s,"
                       "bytes,throughput_mbit_s,status,reason,tls_version,tls_cipher,tls_group,"
                       "tls_signature\n"},
    };
    struct record *record = *state;
    const char *folder = journal_folder(record->journal), *name = strrchr(folder, '/') + 1;
    CLEANUP_FREE char *log = text_format("%s/log", folder);

    assert_int_equal(access(log, W_OK), 0);
    assert_int_equal(strncmp(name, "small-20", 8), 0);
    assert_int_equal(strlen(name), strlen("small-20261122T083000Z"));
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        CLEANUP_FREE char *text = workshop_get(folder, files[i].name);

        if (strncmp(text, files[i].start, strlen(files[i].start)) != 0)
            fail_msg("%s begins otherwise: %s", files[i].name, text);
    }
}

/* The probes of this run, each with exactly one headline. */
static void test_definitions(void **state) {
    CLEANUP_FREE char *rows = record_rows(*state, "definitions.csv");
    size_t headlines = 0;

    for (const char *at = rows; (at = strstr(at, ",yes,")); at++)
        headlines++;
    assert_int_equal(headlines, 2);
    assert_has(rows, "\ndelivery,throughput,Mbit/s,higher,yes,");
    assert_has(rows, ",1,client2.sender,broker.receiver\n");
    assert_has(rows, ",4,client2.sender,client1.receiver\n");
    assert_has(rows, "CPU time of a process, as a share of one core\",,,\n");
    assert_has_not(rows, "transport,throughput");
}

static void test_committed_trial(void **state) {
    struct record *record = *state;
    struct trial_result result = {
        .status = TRIAL_OK,
        .started_realtime_ns = STARTED_NS,
        .duration_s = 10.000125,
        .bytes = 117650000,
        .tls = {"TLSv1.3", "TLS_AES_256_GCM_SHA384", "x25519", "ed25519", "ed25519"}};
    CLEANUP_FREE char *trials = NULL, *metrics = NULL, *intervals = NULL, *distributions = NULL;

    journal_metric(record->journal, &record->id, "client2", "path-client", "cpu_s", 1.25);
    journal_metric(record->journal, &record->id, "broker", "", "rtt", NAN);
    journal_host_metric(record->journal, &record->id, "client2", "host", "exec:ssh pi", "cores", 4);
    journal_distribution(record->journal, &record->id, "latency", "ms", 0.507903, 12);
    journal_distribution(record->journal, &record->id, "latency", "ms", 0.511999, 3);
    journal_interval(record->journal, &record->id, "broker", 0.1, 0.2, 123456789);
    commit(record, &result);
    trials = record_rows(record, "trials.csv");
    metrics = record_rows(record, "metrics.csv");
    intervals = record_rows(record, "intervals.csv");
    distributions = record_rows(record, "distributions.csv");
    assert_string_equal(trials, "5,1,2,1,plain,path,,2026-11-22T08:30:00.123Z,10.000125,117650000,"
                                "94.1188235,ok,,TLSv1.3,TLS_AES_256_GCM_SHA384,x25519,ed25519\n");
    assert_string_equal(metrics, "5,1,client2,path-client,,cpu_s,s,1.25\n5,1,broker,,,rtt,ms,\n"
                                 "5,1,client2,host,exec:ssh pi,cores,cores,4\n");
    assert_string_equal(intervals, "5,1,broker,0.1,0.2,123456789\n");
    assert_string_equal(distributions, "5,1,latency,ms,0.507903,12\n5,1,latency,ms,0.511999,3\n");
}

/* Of what did not measure nothing is told that looks like a measurement. */
static void test_trials_without_measurement(void **state) {
    struct record *record = *state;
    struct trial_result results[] = {
        {.status = TRIAL_FAILED, .reason = (char *)(uintptr_t) "the broker ended: \"exit\", 1"},
        {.status = TRIAL_VOID, .reason = (char *)(uintptr_t) "two\nlines"},
        {.status = TRIAL_SKIPPED, .reason = (char *)(uintptr_t) "no, not here"},
        {.status = TRIAL_OK, .duration_s = 2, .bytes = -1}, /* a probe without bulk data */
    };
    CLEANUP_FREE char *trials = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
        results[i].started_realtime_ns = STARTED_NS;
        if (results[i].status != TRIAL_OK) {
            results[i].duration_s = 9;
            results[i].bytes = 1000;
        }
        record->id.trial = (int64_t)i + 1;
        commit(record, &results[i]);
    }
    trials = record_rows(record, "trials.csv");
    assert_string_equal(
        trials, "1,1,2,1,plain,path,,2026-11-22T08:30:00.123Z,,,,failed,"
                "\"the broker ended: \"\"exit\"\", 1\",,,,\n"
                "2,1,2,1,plain,path,,2026-11-22T08:30:00.123Z,,,,void,two lines,,,,\n"
                "3,1,2,1,plain,path,,2026-11-22T08:30:00.123Z,,,,skipped,\"no, not here\",,,,\n"
                "4,1,2,1,plain,path,,2026-11-22T08:30:00.123Z,2,,,ok,,,,,\n");
}

/* The trial's row is on the disk last: nothing is there before it is committed. */
static void test_nothing_before_the_commit(void **state) {
    struct record *record = *state;
    CLEANUP_FREE char *before = NULL, *flushed = NULL, *trials = NULL;

    journal_interval(record->journal, &record->id, "broker", 0, 0.1, 1);
    before = record_rows(record, "intervals.csv");
    assert_string_equal(before, "");
    record_flush(record);
    flushed = record_rows(record, "intervals.csv");
    assert_string_equal(flushed, "5,1,broker,0,0.1,1\n");
    trials = record_rows(record, "trials.csv");
    assert_string_equal(trials, "");
}

/* A file-size limit in place of a full disk: no row of the trial in trials.csv, no half row. */
static void test_full_disk(void **state) {
    struct record *record = *state;
    struct trial_result result = {.status = TRIAL_OK, .duration_s = 1, .bytes = 1};
    struct rlimit old, small = {.rlim_cur = 2000};
    CLEANUP_FREE char *trials = NULL, *intervals = NULL;
    struct error error = {""};
    int r;

    for (int i = 0; i < 1000; i++)
        journal_interval(record->journal, &record->id, "broker", i, i + 1, i);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    r = journal_commit(record->journal, &record->id, &result, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(r, -EFBIG);
    assert_has(error.text, "/intervals.csv: File too large");
    trials = record_rows(record, "trials.csv");
    intervals = record_rows(record, "intervals.csv");
    assert_string_equal(trials, "");
    assert_string_equal(intervals, "");
}

static void test_proofs_and_telemetry(void **state) {
    struct record *record = *state;
    json_auto_t *row = json_pack("{s:s,s:s,s:s,s:s,s:s}", "proof", "wrong-password-refused",
                                 "expected", "refused: connack 5", "observed", "refused", "cause",
                                 "connack 5, really", "verdict", "held");
    json_auto_t *broken = json_pack("{s:s,s:s}", "proof", "half", "expected", "a row");
    CLEANUP_FREE char *proofs = NULL, *telemetry = NULL;

    record->id.attempt = 2;
    journal_proof(record->journal, &record->id, row);
    journal_proof(record->journal, &record->id, broken);
    journal_telemetry(record->journal, &record->id, 7, STARTED_NS, 0.625, "delivered", NAN);
    journal_telemetry(record->journal, &record->id, 8, STARTED_NS, 1.5, "delivered", 0.25);
    record_flush(record);
    proofs = record_rows(record, "proofs.csv");
    telemetry = record_rows(record, "telemetry.csv");
    assert_string_equal(proofs, "2,2,plain,wrong-password-refused,refused: connack 5,refused,"
                                "\"connack 5, really\",held,\n2,2,plain,half,a row,,,,\n");
    assert_string_equal(telemetry, "2,2,plain,7,2026-11-22T08:30:00.123Z,0.625,delivered,,\n"
                                   "2,2,plain,8,2026-11-22T08:30:00.123Z,1.5,delivered,0.25,\n");
}

static void test_readings(void **state) {
    struct record *record = *state;
    CLEANUP_FREE char *blocks = NULL;

    journal_reading(record->journal, 2, 1, "local", "temperature", "C", 41.5, 43);
    journal_reading(record->journal, 2, 1, "ssh://pi@b", "throttled", "", NAN, 0);
    record_flush(record);
    blocks = record_rows(record, "blocks.csv");
    assert_string_equal(blocks, "2,1,local,temperature,C,41.5,43\n"
                                "2,1,ssh://pi@b,throttled,,,0\n");
}

static void test_broker_log(void **state) {
    struct record *record = *state;
    CLEANUP_FREE char *log = NULL;

    assert_int_equal(journal_broker_log(record->journal, &record->id, "line 1\nline 2\n", NULL), 0);
    log = workshop_get(journal_folder(record->journal),
                       "log/broker-block002-plain-attempt1-trial5.log");
    assert_string_equal(log, "line 1\nline 2\n");
}

/* Runs that begin in the same second get folders of their own. */
static void test_folder_is_taken(void **state) {
    struct record *record = *state;
    struct journal *journal;
    int64_t now = clock_realtime_ns();
    const char *folder;

    for (int i = 0; i < 20; i++) { /* all that the next one could be called */
        char stamp[CLOCK_TEXT_SIZE];
        CLEANUP_FREE char *taken = NULL;

        clock_format_compact(now + i * NS_PER_S, stamp);
        taken = text_format("%s/results/small-%s", record->folder, stamp);
        assert_true(mkdir(taken, 0700) == 0 || errno == EEXIST);
    }
    journal = record_journal(record);
    folder = journal_folder(journal);
    assert_string_equal(folder + strlen(folder) - 3, "Z-2");
    assert_string_not_equal(folder, journal_folder(record->journal));
    journal_close(journal);
}

static void test_no_folder(void **state) {
    struct record *record = *state;
    CLEANUP_FREE char *file = text_format("%s/small.ini", record->folder);
    CLEANUP_FREE char *below = text_format("%s/none/results", record->folder);
    struct journal *journal = NULL;
    struct error error = {""};

    assert_int_equal(journal_create(&journal, file, record->scenario, NULL, &error), -ENOTDIR);
    assert_int_equal(journal_create(&journal, below, record->scenario, NULL, &error), -ENOENT);
    assert_has(error.text, below);
    assert_null(journal);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        RECORD_TEST(test_folder),
        RECORD_TEST(test_definitions),
        RECORD_TEST(test_committed_trial),
        RECORD_TEST(test_trials_without_measurement),
        RECORD_TEST(test_nothing_before_the_commit),
        RECORD_TEST(test_full_disk),
        RECORD_TEST(test_proofs_and_telemetry),
        RECORD_TEST(test_readings),
        RECORD_TEST(test_broker_log),
        RECORD_TEST(test_folder_is_taken),
        RECORD_TEST(test_no_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
