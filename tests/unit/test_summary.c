/* summary: the values of each cell by time, whatever the order of the rows, and what is made of
 * blocks and of time; never a NaN in summary.csv. */
#include "run_analysis.h"

#include "analysis/reading.h"

#define SEED "seed = 77\n"
/* A trial with its time; the values are Mbit/s. */
#define TIMED(ids, channel, time, value) ids ",1," channel ",path,," time ",,," value ",ok,,,,\n"
#define AT(time)                         "2026-11-22T" time "Z"

static struct summary *summarise(const char *run, struct dataset **ret_dataset) {
    CLEANUP(cells_freep) struct cells *cells = NULL;
    struct error error = {""};

    if (dataset_read(ret_dataset, run, &error) < 0)
        fail_msg("%s", error.text);
    cells = cells_new(*ret_dataset);
    return summary_new(cells);
}

/* The row of a metric, of the channel in this place. */
static const struct summary_row *row_of(const struct summary *summary, size_t channel,
                                        const char *metric) {
    for (size_t i = 0; i < summary->n_rows; i++)
        if (summary->rows[i].channel == channel && strcmp(summary->rows[i].metric, metric) == 0)
            return &summary->rows[i];
    fail_msg("no row of %s", metric);
    return NULL;
}

/* Five trials an hour from each other: neither their numbers nor their rows are in that order. */
#define FIVE_TRIALS                                                                                \
    TRIALS_HEADER TIMED("2,1,4", "plain", AT("11:00:00"), "4")                                     \
        TIMED("3,1,1", "plain", AT("08:00:00"), "1") TIMED("4,1,5", "plain", AT("12:00:00"), "5")  \
            TIMED("1,1,3", "plain", AT("10:00:00"), "3")                                           \
                TIMED("5,1,2", "plain", AT("09:00:00"), "2")
#define FIVE_METRICS                                                                               \
    METRICS_HEADER "4,1,c,s,x,B,20\n2,1,c,s,x,B,10\n3,1,c,s,x,B,20\n"                              \
                   "5,1,c,s,x,B,10\n1,1,c,s,x,B,20\n"

/* 1..5: the sum of neighbours' products is 4, of squares 10. 20, 10, 20, 10, 20 alternates. */
static void test_time_order(void **state) {
    CLEANUP(run_removep) char *run = run_make(SCENARIO, DEFINITIONS, FIVE_TRIALS, FIVE_METRICS);
    CLEANUP(dataset_freep) struct dataset *dataset = NULL;
    CLEANUP(summary_freep) struct summary *summary = summarise(run, &dataset);
    const struct statistics *up = &row_of(summary, 0, "throughput")->statistics;
    const struct statistics *zigzag = &row_of(summary, 0, "c.s.x")->statistics;

    (void)state;
    assert_true(fabs(up->autocorrelation - 0.4) < 1e-12);
    assert_true(isnan(up->drift.per_hour) && isnan(up->drift.low)); /* of fewer than ten */
    assert_true(up->n_effective >= 1 && up->n_effective < 5);
    assert_int_equal(zigzag->n, 5);
    assert_true(zigzag->autocorrelation < -0.5 && zigzag->n_effective == 5);
}

/* The interval is Student's, of R's t.test(), whatever the scenario's seed. */
static void test_interval(void **state) {
    static const double values[] = {1.13, 2.71, 3.02, 4.69, 5.57, 6.18, 9.06, 12.2, 15.8, 30.1};
    static const char *const scenarios[] = {SCENARIO SEED, SCENARIO};
    CLEANUP_FREE char *trials = text_copy(TRIALS_HEADER);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        CLEANUP_FREE char *row = text_format(TIMED("%zu,1,%zu", "plain", AT("08:%02zu:00"), "%g"),
                                             i + 1, i + 1, i, values[i]);

        text_append(&trials, "", row);
    }
    for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
        CLEANUP(run_removep)
        char *run = run_make(scenarios[i], DEFINITIONS, trials, METRICS_HEADER);
        CLEANUP(dataset_freep) struct dataset *dataset = NULL;
        CLEANUP(summary_freep) struct summary *summary = summarise(run, &dataset);
        const struct statistics *statistics = &row_of(summary, 0, "throughput")->statistics;

        assert_true(fabs(statistics->ci_low - 2.84061504236) < 1e-9);
        assert_true(fabs(statistics->ci_high - 15.25138495764) < 1e-9);
        /* R: lm(values ~ I((0:9) / 60)) and its confint(), ten trials a minute from each other. */
        assert_true(fabs(statistics->drift.per_hour / 60 - 2.49684848485) < 1e-9);
        assert_true(fabs(statistics->drift.low / 60 - 1.35120220340) < 1e-9);
        assert_true(fabs(statistics->drift.high / 60 - 3.64249476630) < 1e-9);
    }
}

/* Two channels; block 2 was measured again; a trial that failed has no value, a doubled row two. */
static void test_metrics_by_cell(void **state) {
    CLEANUP(run_removep)
    char *run =
        run_make(SCENARIO, DEFINITIONS,
                 TRIALS_HEADER TIMED("1,1,1", "mutual-tls", AT("08:00:00"), "1")
                     TIMED("2,1,1", "plain", AT("08:01:00"), "2")
                         TIMED("3,1,2", "mutual-tls", AT("08:02:00"), "3")
                             TRIAL("4,1,2", "plain", "", "failed", "")
                                 TRIAL("5,1,3", "mutual-tls", "", "void", "")
                                     TIMED("6,1,3", "plain", AT("08:05:00"), "6")
                                         TIMED("3,2,2", "mutual-tls", AT("09:00:00"), "7")
                                             TIMED("4,2,2", "plain", AT("09:01:00"), "8"),
                 METRICS_HEADER "1,1,c,s,x,B,1\n2,1,c,s,x,B,2\n2,1,c,s,y,B,2\n3,1,c,s,x,B,30\n"
                                "6,1,c,s,x,B,6\n3,2,c,s,x,B,3\n4,2,c,s,x,B,4\n");
    CLEANUP(dataset_freep) struct dataset *dataset = NULL;
    CLEANUP(summary_freep) struct summary *summary = summarise(run, &dataset);
    static const char *const metrics[] = {"throughput", "c.s.x", "c.s.y", "throughput", "c.s.x"};

    (void)state;
    assert_int_equal(summary->n_rows, ARRAY_SIZE(metrics));
    for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
        assert_string_equal(summary->rows[i].metric, metrics[i]);
        assert_int_equal(summary->rows[i].channel, i >= 3);
        assert_int_equal(summary->rows[i].headline, strcmp(metrics[i], "throughput") == 0);
    }
    assert_int_equal(row_of(summary, 0, "c.s.x")->statistics.n, 3);
    assert_true(row_of(summary, 0, "c.s.x")->statistics.mean == 4); /* 2, 6, 4 */
    assert_true(row_of(summary, 1, "c.s.x")->statistics.mean == 2); /* 1, 3 */
    assert_true(row_of(summary, 1, "throughput")->statistics.n == 2);
    assert_int_equal(row_of(summary, 1, "c.s.x")->counts[TRIAL_VOID], 1);
    assert_true(find_headline(summary, 0, 1, 0) == &summary->rows[3]);
    assert_null(find_headline(summary, 0, 1, 1));
}

/* Series of the same name but other units are others. */
static void test_units(void **state) {
    CLEANUP(run_removep)
    char *run = run_make(SCENARIO, DEFINITIONS, FIVE_TRIALS,
                         METRICS_HEADER "1,1,c,s,x,B,1\n1,1,c,s,x,MB,2\n2,1,c,s,x,B,3\n");
    CLEANUP(dataset_freep) struct dataset *dataset = NULL;
    CLEANUP(summary_freep) struct summary *summary = summarise(run, &dataset);

    (void)state;
    assert_int_equal(dataset->n_series, 2);
    assert_int_equal(summary->n_rows, 4); /* the other channel has none */
    assert_string_equal(summary->rows[1].unit, "B");
    assert_int_equal(summary->rows[1].statistics.n, 2);
    assert_string_equal(summary->rows[2].unit, "MB");
}

static void test_unknown_time(void **state) {
    CLEANUP(run_removep)
    char *run = run_make(SCENARIO, DEFINITIONS,
                         TRIALS_HEADER TIMED("1,1,1", "plain", "", "1")
                             TIMED("2,1,2", "plain", AT("08:00:00"), "2")
                                 TIMED("3,1,3", "plain", AT("09:00:00"), "3")
                                     TIMED("4,1,4", "plain", AT("10:00:00"), "5"),
                         METRICS_HEADER);
    CLEANUP(dataset_freep) struct dataset *dataset = NULL;
    CLEANUP(summary_freep) struct summary *summary = summarise(run, &dataset);
    const struct statistics *statistics = &row_of(summary, 0, "throughput")->statistics;

    (void)state;
    assert_true(isnan(statistics->drift.per_hour) && isnan(statistics->drift.low));
    assert_false(isnan(statistics->autocorrelation));
}

/* Writes the summary of a run: as many fields in each row as in the header, each a number, a name
 * or nothing. The text belongs to the caller. */
static char *write_summary(const char *scenario, const char *trials, const char *metrics) {
    CLEANUP(run_removep) char *run = run_make(scenario, DEFINITIONS, trials, metrics);
    char *text;
    size_t commas = 0;

    assert_int_equal(report_write(run, NULL), 0);
    text = run_get(run, "summary.csv");
    for (const char *c = text; *c; c++) {
        commas += *c == ',';
        if (*c == '\n') {
            assert_int_equal(commas, 20);
            commas = 0;
        }
    }
    if (strstr(text, "nan") || strstr(text, "inf"))
        fail_msg("%s", text);
    return text;
}

static void assert_row(const char *text, const char *row) {
    if (!strstr(text, row))
        fail_msg("no '%s' in:\n%s", row, text);
}

#define ZERO(ids) TIMED(ids, "plain", AT("08:00:00"), "0")

static void test_degenerate(void **state) {
    static const char one_channel[] =
        "[scenario]\nname = one\nchannels = plain\nprobes = path\nbaseline = plain\n";
    CLEANUP_FREE char *none = write_summary(SCENARIO, TRIALS_HEADER, METRICS_HEADER);
    CLEANUP_FREE char *one = write_summary(
        one_channel, TRIALS_HEADER TIMED("1,1,1", "plain", AT("08:00:00"), "3"), METRICS_HEADER);
    CLEANUP_FREE char *two =
        write_summary(one_channel,
                      TRIALS_HEADER TIMED("1,1,1", "plain", AT("08:00:00"), "3")
                          TIMED("2,1,9", "plain", AT("10:00:00"), "5"),
                      METRICS_HEADER "1,1,c,s,x,B,1e300\n2,1,c,s,x,B,-1e300\n");
    CLEANUP_FREE char *zeros = write_summary(
        SCENARIO, TRIALS_HEADER ZERO("1,1,1") ZERO("2,1,2") ZERO("3,1,3"), METRICS_HEADER);
    CLEANUP_FREE char *void_only = write_summary(
        SCENARIO, TRIALS_HEADER TRIAL("1,1,1", "plain", "", "void", "broken"), METRICS_HEADER);

    (void)state;
    assert_row(none, "\npath,plain,,throughput,Mbit/s,0,0,0,,,,,,,,,,,,,\n");
    assert_row(one, "\npath,plain,,throughput,Mbit/s,1,0,0,3,,,3,3,3,,,,,,,\n");
    assert_row(two, "\npath,plain,,throughput,Mbit/"
                    "s,2,0,0,4,-8.70620474,16.7062047,4,3.5,4.5,1.41421356,,,,,,\n");
    assert_row(two, "\npath,plain,,c.s.x,B,2,0,0,0,");
    assert_row(zeros, "\npath,plain,,throughput,Mbit/s,3,0,0,0,0,0,0,0,0,0,,,,,,\n");
    assert_row(void_only, "\npath,plain,,throughput,Mbit/s,0,0,1,,,,,,,,,,,,,\n");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_order),      cmocka_unit_test(test_interval),
        cmocka_unit_test(test_metrics_by_cell), cmocka_unit_test(test_units),
        cmocka_unit_test(test_unknown_time),    cmocka_unit_test(test_degenerate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
