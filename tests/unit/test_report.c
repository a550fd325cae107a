/* analysis/report: the files that are more than what was computed: table.csv, values.csv, and
 * cumulative.csv of few values and of many. */
#include "run_analysis.h"

#define SCENARIO_OF_ONE                                                                            \
    "[scenario]\nname = s\nchannels = plain tls\nprobes = path\nbaseline = plain\n"
#define MANY 100000

static const char *telemetry, *distributions;

static void put_files(const char *run) {
    if (telemetry)
        run_put(run, "telemetry.csv", telemetry);
    if (distributions)
        run_put(run, "distributions.csv", distributions);
}

static struct analysis *run_of_two_blocks(void) {
    struct draft_run draft = {NULL, NULL, 0};

    for (int block = 1; block <= 2; block++) {
        draft_value(&draft, block, "plain", "path", 5);
        draft_value(&draft, block, "tls", "path", 4);
    }
    return draft_analyse(&draft, SCENARIO_OF_ONE, DEFINITIONS, put_files);
}

static void test_rows(void **state) {
    static const char expected[] = "probe,variant,channel,metric,unit,value,share\n"
                                   "telemetry,,tls,latency,ms,1.5,0.25\n"
                                   "telemetry,,tls,latency,ms,3,0.5\n" /* two of four were lost */
                                   "path,,plain,latency,ms,0.5,0.4\n"
                                   "path,,plain,latency,ms,2,1\n"
                                   "path,,tls,latency,ms,8,1\n";
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    CLEANUP_FREE char *text = NULL;

    (void)state;
    telemetry = "block,attempt,channel,latency_ms,status\n"
                "1,1,tls,3,delivered\n1,1,tls,,lost\n1,1,tls,,duplicate\n"
                "2,1,tls,1.5,delivered\n2,1,tls,,lost\n2,2,tls,1,delivered\n";
    /* Of a cell together, in the order of the scenario. */
    distributions = "trial,attempt,metric,unit,upper_bound,count\n"
                    "2,1,latency,ms,8,5\n"
                    "1,1,latency,ms,0.5,1\n1,1,latency,ms,2,1\n"
                    "3,1,latency,ms,0.5,1\n3,1,latency,ms,2,2\n";
    analysis = run_of_two_blocks();
    text = draft_written(analysis, "cumulative.csv");
    assert_string_equal(text, expected);
}

/* Of many points some are left, with both ends; the rarest percent is not thinned like the rest. */
static void test_thinning(void **state) {
    CLEANUP_FREE char *text = NULL, *written = NULL;
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    CLEANUP(fclosep) FILE *file = NULL;
    size_t length, n = 0, rare = 0;
    double value = 0, share = 0, last_value = 0, last_share = 0;
    FILE *rows = open_memstream(&text, &length);
    char line[256];

    (void)state;
    (void)fputs("trial,attempt,metric,unit,upper_bound,count\n", rows);
    for (int i = 1; i <= MANY; i++)
        (void)fprintf(rows, "1,1,latency,ms,%d,1\n", i);
    (void)fclose(rows);
    telemetry = NULL;
    distributions = text;
    analysis = run_of_two_blocks();
    written = draft_written(analysis, "cumulative.csv");
    file = fmemopen(written, strlen(written), "r");
    assert_non_null(fgets(line, sizeof(line), file));
    for (; fgets(line, sizeof(line), file); n++) {
        assert_int_equal(sscanf(line, "path,,plain,latency,ms,%lf,%lf", &value, &share), 2);
        assert_true(value > last_value && fabs(share - value / MANY) < 1e-9);
        if (n == 0)
            assert_true(value == 1);
        else if (share < 0.99)
            assert_true(share - last_share < 0.011); /* no gap of two parts in 200 */
        rare += share >= 0.99;
        last_value = value;
        last_share = share;
    }
    assert_true(last_value == MANY && last_share == 1);
    assert_in_range(n, 200, 320);
    assert_in_range(rare, 50, 120);
}

/* ---- table.csv, values.csv ---- */

#define SCENARIO_OF_TWO                                                                            \
    "[scenario]\nname = small\nchannels = plain tls\nprobes = upper\nrepetitions = 8\n"            \
    "baseline = plain\n"
#define UPPER                                                                                      \
    "probe,metric,unit,better,headline,help,rung,sender,receiver\n"                                \
    "upper,throughput,Mbit/s,higher,yes,,2,c.s,b.r\n"
#define PUBLISHED "[reference]\nupper.plain = 13.4\nupper.tls = 8.5\n"

/* So many blocks of both channels, with the values but for noise. */
static struct analysis *run_of(double plain, double tls, int blocks) {
    struct draft_run draft = {NULL, NULL, 0};

    for (int block = 1; block <= blocks; block++) {
        draft_value(&draft, block, "plain", "upper", plain * (1 + 0.006 * draft_noise(20 * block)));
        draft_value(&draft, block, "tls", "upper", tls * (1 + 0.006 * draft_noise(20 * block + 1)));
    }
    return draft_analyse(&draft, SCENARIO_OF_TWO PUBLISHED, UPPER, NULL);
}

static void test_table(void **state) {
    CLEANUP(analysis_freep) struct analysis *analysis = run_of(100, 9, 8);
    CLEANUP_FREE char *table = draft_written(analysis, "table.csv"),
                      *of_values = draft_written(analysis, "values.csv");

    (void)state;
    assert_part(table, "probe,variant,channel,metric,unit,trials,mean,ci_low,ci_high,median,sd,"
                       "ratio,ratio_low,ratio_high,verdict,reference,comparable,"
                       "reference_ratio,comparable_ratio\n"
                       "upper,,plain,throughput,Mbit/s,8,");
    assert_part(table, ",1,,,,13.4,yes,,\n");
    assert_part(table, ",slower,8.5,yes,,\n");
    assert_part(of_values, "probe,variant,channel,trial,attempt,block,started_s,status,value\n"
                           "upper,,plain,1,1,1,0,ok,");
    assert_part(of_values, "\nupper,,tls,2,1,1,60,ok,");
}

/* Ten times ours is the last that may stand beside it. */
static void test_comparable(void **state) {
    CLEANUP(analysis_freep) struct analysis *analysis = run_of(150, 0.8, 1);
    CLEANUP_FREE char *table = draft_written(analysis, "table.csv");

    (void)state;
    assert_part(table, ",13.4,no,,\n");
    assert_part(table, ",8.5,no,,\n");
}

static void test_not_measured(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    CLEANUP_FREE char *table = NULL, *values = NULL;

    (void)state;
    draft_value(&draft, 1, "plain", "upper", 5);
    draft_trial(&draft, 1, "tls", "upper", "", "", "skipped");
    analysis = draft_analyse(&draft, SCENARIO_OF_TWO, UPPER, NULL);
    table = draft_written(analysis, "table.csv");
    values = draft_written(analysis, "values.csv");
    assert_part(table, "upper,,tls,throughput,Mbit/s,0,,,,,,,,,skipped,,,,\n");
    assert_part(values, "upper,,tls,2,1,1,60,skipped,\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),         cmocka_unit_test(test_thinning),
        cmocka_unit_test(test_table),        cmocka_unit_test(test_comparable),
        cmocka_unit_test(test_not_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
