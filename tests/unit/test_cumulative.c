/* analysis/cumulative: distributions as shares that are no larger, of few values and of many. */
#include "run_analysis.h"

#include "analysis/cumulative.h"

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

/* What is written of the run; the caller's. */
static FILE *written(const struct analysis *analysis) {
    char path[] = "/tmp/bench-test-XXXXXX";
    CLEANUP_FD int fd = mkstemp(path);
    FILE *file;
    struct error error = {""};

    assert_true(fd >= 0);
    if (cumulative_write(analysis->dataset, path, &error) < 0)
        fail_msg("%s", error.text);
    file = fopen(path, "re");
    assert_non_null(file);
    (void)unlink(path);
    return file;
}

static void test_rows(void **state) {
    static const char expected[] = "probe,variant,channel,metric,unit,value,share\n"
                                   "telemetry,,tls,latency,ms,1.5,0.25\n"
                                   "telemetry,,tls,latency,ms,3,0.5\n" /* two of four were lost */
                                   "path,,plain,latency,ms,0.5,0.4\n"
                                   "path,,plain,latency,ms,2,1\n"
                                   "path,,tls,latency,ms,8,1\n";
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    CLEANUP(fclosep) FILE *file = NULL;
    char text[4096] = "";

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
    file = written(analysis);
    assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
    assert_string_equal(text, expected);
}

/* Of many points some are left, with both ends; the rarest percent is not thinned like the rest. */
static void test_thinning(void **state) {
    CLEANUP_FREE char *text = NULL;
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
    file = written(analysis);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_thinning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
