/* dataset and summary: what is read, which attempt counts, and what every damage is called. */
#include "run_analysis.h"

#include "analysis/reading.h"

#include <errno.h>
#include <sys/stat.h>

/* Four trials in two blocks, all well. */
#define GOOD_TRIALS                                                                                \
    TRIALS_HEADER TRIAL("1,1,1", "plain", "10", "ok", "")                                          \
        TRIAL("2,1,1", "mutual-tls", "8", "ok", "") TRIAL("3,1,2", "mutual-tls", "9", "ok", "")    \
            TRIAL("4,1,2", "plain", "12", "ok", "")

static struct dataset *read_good(const char *run) {
    struct dataset *dataset = NULL;
    struct error error = {""};

    if (dataset_read(&dataset, run, &error) < 0)
        fail_msg("%s", error.text);
    return dataset;
}

/* Reading fails with `code` and RUN/`message`, whole. */
static void assert_rejected(const char *scenario, const char *definitions, const char *trials,
                            const char *metrics, int code, const char *message) {
    CLEANUP(run_removep) char *run = run_make(scenario, definitions, trials, metrics);
    CLEANUP_FREE char *expected = text_format("%s/%s", run, message);
    struct dataset *dataset = NULL;
    struct error error = {""};

    assert_int_equal(dataset_read(&dataset, run, &error), code);
    assert_null(dataset);
    assert_string_equal(error.text, expected);
}

static void assert_bad_trial(const char *trial, const char *message) {
    CLEANUP_FREE char *trials = text_format("%s%s", GOOD_TRIALS, trial);

    assert_rejected(SCENARIO, DEFINITIONS, trials, METRICS_HEADER, -EBADMSG, message);
}

static void test_reads_a_run(void **state) {
    CLEANUP(run_removep)
    char *run =
        run_make(SCENARIO "[hosts]\nbroker = local\naddress = \npublisher = ssh://pi\n"
                          "[channel.plain]\ndescription = an open port\n" REFERENCE,
                 DEFINITIONS, GOOD_TRIALS,
                 METRICS_HEADER "1,1,client2,sender,cpu_s,s,0.5\n4,1,client2,sender,cpu_s,s,1.5\n"
                                "4,1,client1,receiver,cpu_s,s,\n");
    CLEANUP(dataset_freep) struct dataset *dataset = read_good(run);
    CLEANUP(cells_freep) struct cells *cells = cells_new(dataset);
    CLEANUP(summary_freep) struct summary *summary = summary_new(cells);
    const struct summary_row *row;

    (void)state;
    assert_string_equal(dataset->channels[0].description, "an open port");
    assert_string_equal(dataset->channels[1].description, "");
    assert_string_equal(dataset->warnings, "");
    assert_int_equal(dataset->repetitions, 2);
    assert_int_equal(summary->n_rows, 3);
    row = find_headline(summary, 0, 0, 0);
    assert_non_null(row);
    assert_true(row->statistics.mean == 11 && row->reference == 13.4);
    assert_string_equal(summary->rows[1].metric, "client2.sender.cpu_s");
    assert_true(summary->rows[1].statistics.mean == 1 && isnan(summary->rows[1].reference));
    assert_int_equal(summary->rows[2].channel, 1);
    assert_true(summary->rows[2].statistics.mean == 8.5);
}

static void test_writes_the_columns(void **state) {
    CLEANUP(run_removep)
    char *run = run_make(SCENARIO REFERENCE, DEFINITIONS,
                         TRIALS_HEADER TRIAL("1,1,1", "plain", "10.123456789123", "ok", "")
                             TRIAL("2,1,1", "mutual-tls", "", "void", "proof broken")
                                 TRIAL("3,1,2", "plain", "10.123456789123", "ok", "")
                                     TRIAL("4,1,2", "mutual-tls", "", "skipped", "no TLS"),
                         METRICS_HEADER);
    CLEANUP_FREE char *text = NULL;

    (void)state;
    assert_int_equal(report_write(run, NULL), 0);
    text = run_get(run, "summary.csv");
    assert_string_equal(
        text, "probe,channel,variant,metric,unit,trials,failed,void,mean,ci_low,ci_high,median,"
              "q1,q3,sd,autocorrelation,n_effective,drift_per_hour,drift_low,drift_high,"
              "reference\n"
              "path,plain,,throughput,Mbit/s,2,0,0,10.1234568,10.1234568,10.1234568,10.1234568,"
              "10.1234568,10.1234568,0,,,,,,13.4\n"
              "path,mutual-tls,,throughput,Mbit/s,0,0,1,,,,,,,,,,,,,8.48\n");
}

/* Block 1: attempt 1 failed, attempt 2 is complete; block 2: attempt 2 was interrupted; block 3
 * has no complete attempt, so that the last one stands. */
static void test_last_complete_attempt(void **state) {
    CLEANUP(run_removep)
    char *run = run_make(
        SCENARIO, DEFINITIONS,
        TRIALS_HEADER TRIAL("1,1,1", "plain", "1", "ok", "") TRIAL(
            "2,1,1", "mutual-tls", "", "failed", "gone") TRIAL("1,2,1", "plain", "2", "ok", "")
            TRIAL("2,2,1", "mutual-tls", "3", "ok", "") TRIAL("3,1,2", "plain", "4", "ok", "")
                TRIAL("4,1,2", "mutual-tls", "", "failed", "slow")
                    TRIAL("3,2,2", "plain", "5", "ok", "") TRIAL("5,1,3", "plain", "6", "ok", "")
                        TRIAL("6,2,3", "mutual-tls", "7", "ok", ""),
        METRICS_HEADER "1,1,c,s,cpu_s,s,100\n1,2,c,s,cpu_s,s,1\n");
    CLEANUP(dataset_freep) struct dataset *dataset = read_good(run);
    CLEANUP(cells_freep) struct cells *cells = cells_new(dataset);
    CLEANUP(summary_freep) struct summary *summary = summary_new(cells);
    const struct summary_row *plain = find_headline(summary, 0, 0, 0);
    const struct summary_row *tls = find_headline(summary, 0, 1, 0);

    (void)state;
    assert_int_equal(plain->counts[TRIAL_OK], 2);
    assert_true(plain->statistics.mean == 3); /* 2 and 4 */
    assert_int_equal(tls->counts[TRIAL_OK], 2);
    assert_true(tls->statistics.mean == 5); /* 3 and 7 */
    assert_int_equal(tls->counts[TRIAL_FAILED], 1);
    assert_string_equal(tls->reasons[TRIAL_FAILED], "slow");
    assert_string_equal(summary->rows[1].metric, "c.s.cpu_s");
    assert_true(summary->rows[1].statistics.n == 1 && summary->rows[1].statistics.mean == 1);
}

/* Values stand by series, then by trial, also of blocks that were measured again at the end. */
static void test_values(void **state) {
    CLEANUP(run_removep)
    char *run = run_make(
        SCENARIO, DEFINITIONS,
        TRIALS_HEADER TRIAL("1,1,1", "plain", "1", "ok", "") TRIAL("2,1,1", "mutual-tls", "",
                                                                   "failed", "gone")
            TRIAL("3,1,2", "plain", "4", "ok", "") TRIAL("4,1,2", "mutual-tls", "5", "ok", "")
                TRIAL("1,2,1", "plain", "2", "ok", "") TRIAL("2,2,1", "mutual-tls", "3", "ok", ""),
        METRICS_HEADER "1,1,c,s,x,B,100\n3,1,c,s,x,B,30\n3,1,c,s,y,B,31\n4,1,c,s,x,B,40\n"
                       "1,2,c,s,x,B,10\n2,2,c,s,y,B,21\n2,2,c,s,x,B,20\n");
    CLEANUP(dataset_freep) struct dataset *dataset = read_good(run);

    (void)state;
    assert_int_equal(dataset->n_series, 2);
    assert_int_equal(dataset->n_values, 6);
    assert_string_equal(dataset->series[1].name, "c.s.y");
    for (size_t i = 1; i < dataset->n_values; i++) {
        const struct dataset_value *a = &dataset->values[i - 1], *b = &dataset->values[i];

        assert_true(a->series == b->series ? a->trial < b->trial : a->series < b->series);
    }
    for (size_t i = 0; i < dataset->n_trials; i++) {
        double wanted = (double)dataset->trials[i].trial * 10;

        if (dataset->trials[i].used)
            assert_true(dataset_value(dataset, 0, i) == wanted);
        else
            assert_true(isnan(dataset_value(dataset, 0, i)));
    }
    assert_string_equal(dataset->trials[0].reason, "");
}

/* A headline that is no throughput comes from metrics.csv, once a trial. */
static void test_headline_in_metrics(void **state) {
    static const char definitions[] = DEFINITIONS_HEADER "path,connect_ms,ms,lower,yes,how long\n";
    static const char trials[] = TRIALS_HEADER TRIAL("1,1,1", "plain", "", "ok", "")
        TRIAL("2,1,1", "mutual-tls", "", "failed", "");
    CLEANUP(run_removep)
    char *run =
        run_make(SCENARIO, definitions, trials, METRICS_HEADER "1,1,client2,x,connect_ms,ms,27\n");
    CLEANUP(dataset_freep) struct dataset *dataset = read_good(run);
    CLEANUP(cells_freep) struct cells *cells = cells_new(dataset);
    CLEANUP(summary_freep) struct summary *summary = summary_new(cells);

    (void)state;
    assert_string_equal(summary->rows[0].metric, "connect_ms");
    assert_true(summary->rows[0].statistics.mean == 27);
    assert_rejected(SCENARIO, definitions, trials, METRICS_HEADER, -EBADMSG,
                    "trials.csv:2: trial 1 is ok but has no connect_ms");
    assert_rejected(
        SCENARIO, definitions, trials,
        METRICS_HEADER "1,1,client2,x,connect_ms,ms,27\n1,1,client1,x,connect_ms,ms,1\n", -EBADMSG,
        "metrics.csv:3: metric: 'connect_ms' is a headline metric and has a value for "
        "this trial already");
}

/* What each host of a party has is told in the file alone: the trial's value is the party's. */
static void test_hosts_of_a_party(void **state) {
    static const char definitions[] = DEFINITIONS_HEADER "path,connect_ms,ms,lower,yes,how long\n";
    CLEANUP(run_removep)
    char *run = run_make(SCENARIO, definitions, TRIALS_HEADER TRIAL("1,1,1", "plain", "", "ok", ""),
                         "trial,attempt,party,process,host,metric,unit,value\n"
                         "1,1,client2,clients,local,connect_ms,ms,99\n"
                         "1,1,client2,clients,,connect_ms,ms,27\n"
                         "1,1,client2,clients,exec:a,connect_ms,ms,1\n"
                         "1,1,client2,host,exec:a,cores,,4\n");
    CLEANUP(dataset_freep) struct dataset *dataset = read_good(run);

    (void)state;
    assert_true(dataset->trials[0].value == 27);
    assert_int_equal(dataset->n_series, 1);
    assert_true(dataset_value(dataset, 0, 0) == 27);
}

/* Those of a cell's trials together, in whatever order they come; others' rows count for nothing.
 */
static void test_distributions(void **state) {
    CLEANUP(run_removep)
    char *run = run_make(SCENARIO, DEFINITIONS,
                         TRIALS_HEADER TRIAL("1,1,1", "plain", "10", "ok", "")
                             TRIAL("2,1,1", "mutual-tls", "", "failed", "lost")
                                 TRIAL("3,1,2", "plain", "10", "ok", "")
                                     TRIAL("4,1,2", "mutual-tls", "9", "ok", ""),
                         METRICS_HEADER);
    CLEANUP(dataset_freep) struct dataset *dataset = NULL;
    struct error error = {""};

    (void)state;
    run_put(run, "distributions.csv",
            "trial,attempt,metric,unit,upper_bound,count\n"
            "1,1,latency,ms,0.5,3\n1,1,latency,ms,2,1\n"
            "2,1,latency,ms,0.5,100\n"  /* failed */
            "3,2,latency,ms,0.5,100\n"  /* never finished */
            "99,1,latency,ms,0.5,100\n" /* nor was this ever begun */
            "3,1,latency,ms,0.25,2\n3,1,latency,ms,2,4\n"
            "4,1,latency,ms,8,5\n4,1,delay,ms,1,6\n");
    if (dataset_read(&dataset, run, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(dataset->n_distributions, 3);
    assert_int_equal(dataset->distributions[0].n, 3);
    assert_int_equal(dataset->distributions[0].total, 10);
    for (size_t i = 0; i < 3; i++) {
        static const struct dataset_bucket expected[] = {{0.25, 2}, {0.5, 3}, {2, 5}};

        assert_true(dataset->distributions[0].buckets[i].upper_bound == expected[i].upper_bound);
        assert_int_equal(dataset->distributions[0].buckets[i].count, expected[i].count);
    }
    assert_int_equal(dataset->distributions[1].channel, 1);
    assert_string_equal(dataset->distributions[1].metric, "delay");
    run_put(run, "distributions.csv",
            "trial,attempt,metric,unit,upper_bound,count\n1,1,latency,ms,-1,3\n");
    dataset_freep(&dataset);
    dataset = NULL;
    assert_int_equal(dataset_read(&dataset, run, &error), -EBADMSG);
    assert_non_null(strstr(error.text, "distributions.csv:2: upper_bound: '-1' is no bound"));
}

static void test_variants(void **state) {
    CLEANUP(run_removep)
    char *run = run_make(SCENARIO, DEFINITIONS,
                         TRIALS_HEADER "1,1,1,1,plain,path,size=1,,,,1,ok,,,,\n"
                                       "2,1,1,1,plain,path,size=2,,,,2,ok,,,,\n"
                                       "3,1,1,1,mutual-tls,path,size=1,,,,3,ok,,,,\n"
                                       "4,1,1,1,mutual-tls,path,size=2,,,,4,ok,,,,\n"
                                       "1,2,1,1,plain,path,size=1,,,,5,ok,,,,\n"
                                       "2,2,1,1,plain,path,size=2,,,,6,ok,,,,\n"
                                       "3,2,1,1,mutual-tls,path,size=1,,,,7,ok,,,,\n",
                         METRICS_HEADER);
    CLEANUP(dataset_freep) struct dataset *dataset = read_good(run);
    CLEANUP(cells_freep) struct cells *cells = cells_new(dataset);
    CLEANUP(summary_freep) struct summary *summary = summary_new(cells);

    (void)state; /* attempt 2 lacks a variant: attempt 1 counts */
    assert_int_equal(summary->n_rows, 4);
    assert_string_equal(dataset_variant(dataset, summary->rows[0].variant), "size=1");
    assert_true(summary->rows[0].statistics.mean == 1 && summary->rows[1].statistics.mean == 3);
    assert_true(summary->rows[2].statistics.mean == 2 && summary->rows[3].statistics.mean == 4);
}

static void test_half_written_lines(void **state) {
    CLEANUP(run_removep)
    char *run =
        run_make(SCENARIO, DEFINITIONS, GOOD_TRIALS "5,1,3,1,plain,path,,2026-11-2",
                 METRICS_HEADER "1,1,client2,sender,cpu_s,s,1\n5,1,client2,sender,cpu_s,s,1\n");
    CLEANUP(dataset_freep) struct dataset *dataset = read_good(run);
    CLEANUP_FREE char *expected =
        text_format("%s/trials.csv: the last line is only half written; it was left out\n"
                    "%s/metrics.csv: 1 rows belong to trials that were never finished; they are "
                    "not used\n",
                    run, run);

    (void)state;
    assert_int_equal(dataset->n_trials, 4);
    assert_string_equal(dataset->warnings, expected);
}

static void test_published_twice(void **state) {
    CLEANUP(run_removep)
    char *run = run_make(SCENARIO "[reference]\npath.plain = 1\n\npath.throughput.plain = 2\n",
                         DEFINITIONS, GOOD_TRIALS, METRICS_HEADER);
    CLEANUP(dataset_freep) struct dataset *dataset = read_good(run);
    CLEANUP_FREE char *expected = text_format("%s/scenario.ini:10: [reference]: was published "
                                              "before, in line 8, which counts\n",
                                              run);

    (void)state;
    assert_string_equal(dataset->warnings, expected);
    assert_int_equal(dataset->n_references, 1);
    assert_true(dataset->references[0].value == 1);
}

/* Whoever has written so many into the file of a run. */
static void test_too_many_published(void **state) {
    CLEANUP_FREE char *scenario = text_copy(SCENARIO "[reference]\n"), *expected = NULL;
    CLEANUP(dataset_freep) struct dataset *dataset = NULL;
    CLEANUP(run_removep) char *run = NULL;

    (void)state;
    for (int i = 0; i <= SCENARIO_MAX_REFERENCES; i++) {
        CLEANUP_FREE char *line = text_format("path.p%d.x.plain = 1\n", i);

        text_append(&scenario, "", line);
    }
    run = run_make(scenario, DEFINITIONS, GOOD_TRIALS, METRICS_HEADER);
    dataset = read_good(run);
    expected = text_format("%s/scenario.ini: [reference]: only the first 1000 published values are "
                           "used\n",
                           run);
    assert_string_equal(dataset->warnings, expected);
}

/* What an interrupted attempt has left needs no word when the block was measured again. */
static void test_left_over_of_an_earlier_attempt(void **state) {
    CLEANUP(run_removep)
    char *run = run_make(SCENARIO, DEFINITIONS,
                         TRIALS_HEADER "1,2,1,1,plain,path,,,,,5,ok,,,,\n"
                                       "2,2,1,2,mutual-tls,path,,,,,6,ok,,,,\n",
                         METRICS_HEADER "1,1,client2,sender,cpu_s,s,1\n"
                                        "1,2,client2,sender,cpu_s,s,2\n"
                                        "2,1,client2,sender,cpu_s,s,3\n");
    CLEANUP(dataset_freep) struct dataset *dataset = read_good(run);

    (void)state;
    assert_string_equal(dataset->warnings, "");
    assert_int_equal(dataset->n_values, 1);
}

static void test_no_trials(void **state) {
    CLEANUP(run_removep) char *run = run_make(SCENARIO, DEFINITIONS, TRIALS_HEADER, METRICS_HEADER);
    CLEANUP(dataset_freep) struct dataset *dataset = read_good(run);
    CLEANUP(cells_freep) struct cells *cells = cells_new(dataset);
    CLEANUP(summary_freep) struct summary *summary = summary_new(cells);

    (void)state;
    assert_int_equal(summary->n_rows, 2);
    assert_int_equal(summary->rows[1].statistics.n, 0);
}

static void test_missing_files(void **state) {
    struct dataset *dataset = NULL;
    struct error error = {""};

    (void)state;
    assert_int_equal(dataset_read(&dataset, "/tmp/no-such-run", &error), -ENOENT);
    assert_string_equal(error.text, "/tmp/no-such-run: no run folder: No such file or directory");
    assert_int_equal(dataset_read(&dataset, "/dev/null", &error), -ENOTDIR);
    assert_string_equal(error.text, "/dev/null: not a run folder but a file");
    assert_rejected(NULL, DEFINITIONS, GOOD_TRIALS, METRICS_HEADER, -ENOENT,
                    "scenario.ini: no such file: this is no run folder");
    assert_rejected(SCENARIO, NULL, GOOD_TRIALS, METRICS_HEADER, -ENOENT,
                    "definitions.csv: No such file or directory");
    assert_rejected(SCENARIO, DEFINITIONS, NULL, METRICS_HEADER, -ENOENT,
                    "trials.csv: No such file or directory");
    assert_rejected(SCENARIO, DEFINITIONS, GOOD_TRIALS, NULL, -ENOENT,
                    "metrics.csv: No such file or directory");
    assert_rejected(SCENARIO, DEFINITIONS, "", METRICS_HEADER, -EBADMSG,
                    "trials.csv: empty, not even a header");
    assert_rejected(SCENARIO, DEFINITIONS, "trial,attempt\n", METRICS_HEADER, -EBADMSG,
                    "trials.csv: no column 'block': the run is of another version than "
                    "this, " BENCH_VERSION ", or its file was changed; take the file as it was "
                    "measured, or report it with the program that measured it");
}

static void test_bad_trials(void **state) {
    (void)state;
    assert_bad_trial("5,1,3,1,plain\n", "trials.csv:6: 5 fields where the header has 16");
    assert_bad_trial(TRIAL("5,1,3", "plain", "1", "fine", ""),
                     "trials.csv:6: status: 'fine' is none of ok, failed, void, skipped");
    assert_bad_trial(TRIAL("5,1,3", "psk", "1", "ok", ""),
                     "trials.csv:6: channel: 'psk' is no channel of scenario.ini");
    assert_bad_trial("5,1,3,1,plain,latency,,,,,1,ok,,,,\n",
                     "trials.csv:6: probe: 'latency' is no probe of scenario.ini");
    assert_bad_trial(TRIAL("five,1,3", "plain", "1", "ok", ""),
                     "trials.csv:6: trial: 'five' is not a whole number");
    assert_bad_trial(TRIAL("5,,3", "plain", "1", "ok", ""),
                     "trials.csv:6: attempt: '' is not a whole number");
    assert_bad_trial(TRIAL("5,1,-3", "plain", "1", "ok", ""),
                     "trials.csv:6: block: '-3' is not a whole number");
    assert_bad_trial(TRIAL("5,1,3", "plain", "1,5", "ok", ""),
                     "trials.csv:6: 17 fields where the header has 16");
    assert_bad_trial(TRIAL("5,1,3", "plain", "fast", "ok", ""),
                     "trials.csv:6: throughput_mbit_s: 'fast' is not a number");
    assert_bad_trial(TRIAL("5,1,3", "plain", "nan", "ok", ""),
                     "trials.csv:6: throughput_mbit_s: 'nan' is not a number");
    assert_bad_trial(TRIAL("5,1,3", "plain", "-1", "ok", ""),
                     "trials.csv:6: throughput_mbit_s: '-1' is below zero");
    assert_bad_trial(TRIAL("5,1,3", "plain", "", "ok", ""),
                     "trials.csv:6: trial 5 is ok but has no throughput");
    assert_bad_trial("5,1,3,1,plain,path,,2026-11-22T08:30:00.5e308Z,1,1,1,ok,,,,\n",
                     "trials.csv:6: started_utc: '2026-11-22T08:30:00.5e308Z' is no time like "
                     "2026-11-22T08:30:00.123Z");
    assert_bad_trial("5,1,3,1,plain,path,,9999-11-22T08:30:00Z,1,1,1,ok,,,,\n",
                     "trials.csv:6: started_utc: '9999-11-22T08:30:00Z' is no time like "
                     "2026-11-22T08:30:00.123Z");
    assert_bad_trial(TRIAL("2,1,3", "plain", "1", "ok", ""),
                     "trials.csv:6: trial 2, attempt 1 stands in line 3 already");
}

static void test_bad_metrics(void **state) {
    (void)state;
    assert_rejected(SCENARIO, DEFINITIONS, GOOD_TRIALS, METRICS_HEADER "1,1,c,s,cpu_s,s,much\n",
                    -EBADMSG, "metrics.csv:2: value: 'much' is not a number");
    assert_rejected(SCENARIO, DEFINITIONS, GOOD_TRIALS, METRICS_HEADER "x,1,c,s,cpu_s,s,1\n",
                    -EBADMSG, "metrics.csv:2: trial: 'x' is not a whole number");
}

static void test_bad_scenarios(void **state) {
    (void)state;
    assert_rejected("[scenario]\nchannels = plain\n", DEFINITIONS, GOOD_TRIALS, METRICS_HEADER,
                    -EINVAL, "scenario.ini: [scenario] probes: missing or empty");
    assert_rejected("[scenario]\nprobes = path\n", DEFINITIONS, GOOD_TRIALS, METRICS_HEADER,
                    -EINVAL, "scenario.ini: [scenario] channels: missing or empty");
    assert_rejected(SCENARIO "[reference]\npath.plain = fast\n", DEFINITIONS, GOOD_TRIALS,
                    METRICS_HEADER, -EINVAL,
                    "scenario.ini:8: [reference] path.plain: 'fast' is no published value; it "
                    "would be PROBE.CHANNEL = NUMBER");
    assert_rejected(SCENARIO "[reference]\nratio.path.plain.mutual-tls = 1\n", DEFINITIONS,
                    GOOD_TRIALS, METRICS_HEADER, -EINVAL,
                    "scenario.ini:8: [reference] ratio.path.plain.mutual-tls: '1' is no published "
                    "value; it would be PROBE.CHANNEL = NUMBER");
    assert_rejected(SCENARIO "margin = nan%\n", DEFINITIONS, GOOD_TRIALS, METRICS_HEADER, -EINVAL,
                    "scenario.ini: [scenario] margin: 'nan%' is no share like 2%");
    assert_rejected(SCENARIO "[channel.plain]\nloss = inf%\n", DEFINITIONS, GOOD_TRIALS,
                    METRICS_HEADER, -EINVAL,
                    "scenario.ini: [channel.plain] loss: 'inf%' is no share like 2%");
    assert_rejected(SCENARIO, DEFINITIONS_HEADER, GOOD_TRIALS, METRICS_HEADER, -EBADMSG,
                    "definitions.csv: probe 'path' of the scenario has no headline metric");
    assert_rejected(SCENARIO, DEFINITIONS "path,cpu_s,s,lower,yes,again\n", GOOD_TRIALS,
                    METRICS_HEADER, -EBADMSG,
                    "definitions.csv:4: probe: 'path' has a second headline metric");
    assert_rejected(SCENARIO, DEFINITIONS "path,cpu_s,s,lower,maybe,again\n", GOOD_TRIALS,
                    METRICS_HEADER, -EBADMSG,
                    "definitions.csv:4: headline: 'maybe' is neither yes nor no");
    assert_rejected(SCENARIO, DEFINITIONS "path,cpu_s,s,less,no,again\n", GOOD_TRIALS,
                    METRICS_HEADER, -EBADMSG,
                    "definitions.csv:4: better: 'less' is none of higher, lower, none");
}

/* Runs say of which format they are; those that do not are of the first. */
static void test_formats(void **state) {
    static const char definitions[] =
        "probe,metric,unit,better,headline,help,rung,sender,receiver\n"
        "path,throughput,Mbit/s,higher,yes,raw TCP,7,a.b,c.d\n";
    CLEANUP(run_removep)
    char *old = run_make(SCENARIO, DEFINITIONS, GOOD_TRIALS, METRICS_HEADER);
    CLEANUP(run_removep)
    char *run = run_make("# format: 2\n" SCENARIO, definitions, GOOD_TRIALS, METRICS_HEADER);
    CLEANUP(dataset_freep) struct dataset *first = read_good(old), *second = read_good(run);

    (void)state;
    assert_int_equal(first->probes[0].rung, 1);
    assert_string_equal(first->probes[0].sender, "client2.sender");
    assert_string_equal(first->probes[0].receiver, "broker.receiver");
    assert_int_equal(second->probes[0].rung, 7);
    assert_string_equal(second->probes[0].sender, "a.b");
    assert_string_equal(second->probes[0].receiver, "c.d");
    assert_rejected("# format: 3\n" SCENARIO, DEFINITIONS, GOOD_TRIALS, METRICS_HEADER, -EBADMSG,
                    "scenario.ini:1: a run of format 3, which a newer version has "
                    "made; this one (" BENCH_VERSION ") reads runs up to format 2: update it, as "
                    "by git pull");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_a_run),
        cmocka_unit_test(test_writes_the_columns),
        cmocka_unit_test(test_last_complete_attempt),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_headline_in_metrics),
        cmocka_unit_test(test_hosts_of_a_party),
        cmocka_unit_test(test_variants),
        cmocka_unit_test(test_distributions),
        cmocka_unit_test(test_half_written_lines),
        cmocka_unit_test(test_published_twice),
        cmocka_unit_test(test_too_many_published),
        cmocka_unit_test(test_left_over_of_an_earlier_attempt),
        cmocka_unit_test(test_no_trials),
        cmocka_unit_test(test_missing_files),
        cmocka_unit_test(test_bad_trials),
        cmocka_unit_test(test_bad_metrics),
        cmocka_unit_test(test_bad_scenarios),
        cmocka_unit_test(test_formats),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
