/* analysis/precision: the widest interval of the ratios to the baseline, from a run's files. */
#include "run_analysis.h"

#include "analysis/analysis.h"

#include <errno.h>
#include <math.h>

/* The widest interval of a run; *ret_fewest: the blocks that the one with the fewest rests on. */
static double read_precision(const char *scenario, const char *definitions, const char *trials,
                             const char *metrics, size_t *ret_fewest) {
    CLEANUP(run_removep) char *run = run_make(scenario, definitions, trials, metrics);
    struct error error = {""};
    double widest = -1;

    if (analysis_precision(run, &widest, ret_fewest, &error) != 0)
        fail_msg("%s", error.text);
    return widest;
}

static double precision_of(const char *scenario, const char *definitions, const char *trials,
                           const char *metrics) {
    size_t fewest;

    return read_precision(scenario, definitions, trials, metrics, &fewest);
}

static double of(const char *trials) {
    return precision_of(SCENARIO, DEFINITIONS, trials, METRICS_HEADER);
}

static void near(double value, double expected) {
    if (!(fabs(value - expected) <= 1e-9 * fabs(expected)))
        fail_msg("%.17g where %.17g was expected", value, expected);
}

#define PAIR(a, b, block, plain, mutual)                                                           \
    TRIAL(a ",1," block, "plain", plain, "ok", "")                                                 \
    TRIAL(b ",1," block, "mutual-tls", mutual, "ok", "")

/* Log-ratios -ln 2, 0, ln 2: their mean is 0, sd ln 2, t(0.975; 2) 4.302652729749464, and so the
 * half width 1.7218731; 2 sinh of it. The level drifts, which is no matter. */
#define THREE_BLOCKS                                                                               \
    PAIR("1", "2", "1", "10", "5")                                                                 \
    PAIR("3", "4", "2", "20", "20") PAIR("5", "6", "3", "40", "80")
#define OF_THREE 5.416267311506736

static void test_closed_form(void **state) {
    (void)state;
    near(of(TRIALS_HEADER THREE_BLOCKS), OF_THREE);
}

static void test_equal_ratios(void **state) {
    double width = of(TRIALS_HEADER PAIR("1", "2", "1", "10", "5") PAIR("3", "4", "2", "20", "10"));

    (void)state;
    assert_true(width >= 0 && width < 1e-12);
}

/* Only a block with both values counts; one whose trial failed has none. */
static void test_pairs_only(void **state) {
    (void)state;
    near(of(TRIALS_HEADER THREE_BLOCKS TRIAL("7,1,4", "plain", "900", "ok", "")), OF_THREE);
    near(of(TRIALS_HEADER THREE_BLOCKS TRIAL("7,1,4", "mutual-tls", "900", "ok", "")), OF_THREE);
    near(of(TRIALS_HEADER THREE_BLOCKS TRIAL("7,1,4", "plain", "900", "ok", "")
                TRIAL("8,1,4", "mutual-tls", "", "failed", "why")),
         OF_THREE);
}

/* The last complete attempt of a block is it. */
static void test_attempts(void **state) {
    (void)state;
    near(of(TRIALS_HEADER THREE_BLOCKS TRIAL("7,1,4", "plain", "1", "ok", "")
                TRIAL("8,1,4", "mutual-tls", "9", "ok", "") TRIAL("5,2,3", "plain", "10", "ok", "")
                    TRIAL("6,2,3", "mutual-tls", "20", "ok", "")
                        TRIAL("7,2,4", "plain", "", "void", "why")
                            TRIAL("8,2,4", "mutual-tls", "5", "ok", "")),
         OF_THREE);
}

static void test_no_interval_yet(void **state) {
    (void)state;
    assert_true(isnan(of(TRIALS_HEADER)));
    assert_true(isnan(of(TRIALS_HEADER PAIR("1", "2", "1", "10", "5"))));
    assert_true(isnan(of(TRIALS_HEADER PAIR("1", "2", "1", "10", "0")
                             PAIR("3", "4", "2", "20", "10") PAIR("5", "6", "3", "20", "10"))));
    assert_true(isnan(of(TRIALS_HEADER PAIR("1", "2", "1", "0", "10")
                             PAIR("3", "4", "2", "20", "10") PAIR("5", "6", "3", "20", "10"))));
    assert_true(isnan(of(TRIALS_HEADER TRIAL("1,1,1", "plain", "1", "ok", "")
                             TRIAL("2,1,2", "plain", "1", "ok", ""))));
}

#define ALONE "[scenario]\nname = x\nchannels = plain\nprobes = path\nbaseline = plain\n"
#define STRANGE                                                                                    \
    "[scenario]\nname = x\nchannels = plain mutual-tls\nprobes = path\nbaseline = gone\n"

static void test_nothing_to_compare(void **state) {
    (void)state;
    assert_true(isnan(precision_of(ALONE, DEFINITIONS,
                                   TRIALS_HEADER TRIAL("1,1,1", "plain", "1", "ok", "")
                                       TRIAL("2,1,2", "plain", "1", "ok", ""),
                                   METRICS_HEADER)));
    assert_true(
        isnan(precision_of(STRANGE, DEFINITIONS, TRIALS_HEADER THREE_BLOCKS, METRICS_HEADER)));
}

#define WIDE                                                                                       \
    "[scenario]\nname = x\nchannels = other plain mutual-tls\nprobes = path\nbaseline = plain\n"

/* Every channel has an interval, or there is no widest. */
static void test_widest_of_the_channels(void **state) {
#define STEADY                                                                                     \
    TRIAL("11,1,1", "other", "10", "ok", "")                                                       \
    TRIAL("12,1,2", "other", "20", "ok", "") TRIAL("13,1,3", "other", "40", "ok", "")
    (void)state;
    near(precision_of(WIDE, DEFINITIONS, TRIALS_HEADER THREE_BLOCKS STEADY, METRICS_HEADER),
         OF_THREE);
    assert_true(isnan(precision_of(WIDE, DEFINITIONS, TRIALS_HEADER THREE_BLOCKS, METRICS_HEADER)));
}

/* Blocks with a value of both channels, of the pair that has the fewest: not those measured. */
static void test_fewest_blocks(void **state) {
    size_t fewest = 9;

    (void)state;
    (void)read_precision(SCENARIO, DEFINITIONS,
                         TRIALS_HEADER THREE_BLOCKS TRIAL("7,1,4", "plain", "900", "ok", "")
                             TRIAL("8,1,4", "mutual-tls", "", "void", "why"),
                         METRICS_HEADER, &fewest);
    assert_int_equal(fewest, 3);
    (void)read_precision(WIDE, DEFINITIONS, TRIALS_HEADER THREE_BLOCKS STEADY, METRICS_HEADER,
                         &fewest);
    assert_int_equal(fewest, 3);
    (void)read_precision(WIDE, DEFINITIONS, TRIALS_HEADER THREE_BLOCKS, METRICS_HEADER, &fewest);
    assert_int_equal(fewest, 0);
    (void)read_precision(ALONE, DEFINITIONS, TRIALS_HEADER, METRICS_HEADER, &fewest);
    assert_int_equal(fewest, 0);
}

/* A headline that stands in metrics.csv. */
static void test_headline_in_metrics(void **state) {
    static const char definitions[] = DEFINITIONS_HEADER "path,rate,1/s,higher,yes,x\n";
    static const char metrics[] =
        METRICS_HEADER "1,1,client2,sender,rate,1/s,10\n2,1,client2,sender,rate,1/s,5\n"
                       "3,1,client2,sender,rate,1/s,20\n4,1,client2,sender,rate,1/s,20\n"
                       "5,1,client2,sender,rate,1/s,40\n6,1,client2,sender,rate,1/s,80\n";

    (void)state;
    near(precision_of(SCENARIO, definitions,
                      TRIALS_HEADER PAIR("1", "2", "1", "", "") PAIR("3", "4", "2", "", "")
                          PAIR("5", "6", "3", "", ""),
                      metrics),
         OF_THREE);
}

/* A run with `repetitions = until 60%`, as it was recorded (tests/golden/runs/until.tgz): it ended
 * after 13 blocks. The widths were computed from its trials.csv by another program. */
static const double recorded[][6] = {
    {45228.8121, 30975.3573, 47586.3744, 502.502047, 603.170812, 753.000774},
    {31013.1481, 26050.6271, 58004.8583, 819.330662, 350.301917, 783.714167},
    {53630.341, 57315.736, 60689.1728, 787.668075, 1043.50838, 764.93705},
    {59698.4457, 60460.5214, 31407.2389, 945.250742, 843.745739, 532.691875},
    {57841.5595, 56521.7877, 58837.8035, 911.618163, 721.477617, 1030.51458},
    {41178.0169, 58948.5536, 58348.6271, 325.680443, 767.828405, 850.092057},
    {24061.9993, 26655.5232, 31941.9929, 893.492325, 616.015583, 639.892068},
    {39025.2881, 53672.7203, 29184.1404, 932.3317, 676.68835, 644.496155},
    {59131.5655, 62317.4828, 54409.4201, 761.558528, 859.526317, 925.918035},
    {57884.2378, 55488.8325, 46047.5267, 1061.15199, 478.567952, 461.260363},
    {61032.2229, 42495.5576, 28877.2919, 668.479605, 484.37717, 919.521185},
    {58847.0351, 53922.1334, 53346.9194, 723.157581, 931.028899, 635.224254},
    {58585.6937, 51689.4231, 42445.6573, 960.090194, 925.045309, 975.233414},
};
static const double recorded_widths[] = {1.27358238,  1.04651065,  0.883300435, 0.760716987,
                                         0.753397841, 0.685875147, 0.621587162, 0.565064884};

static double recorded_until(size_t n_blocks) {
    static const char *const probes[] = {"path", "delivery"};
    static const char *const channels[] = {"plain", "password", "plain-again"};
    struct draft_run draft = {NULL, NULL, 0};
    double width;

    for (size_t block = 0; block < n_blocks; block++)
        for (size_t i = 0; i < 6; i++)
            draft_value(&draft, (int)block + 1, channels[i % 3], probes[i / 3], recorded[block][i]);
    width = precision_of("[scenario]\nname = until\nchannels = plain password plain-again\n"
                         "probes = path delivery\nbaseline = plain\n",
                         DEFINITIONS "delivery,throughput,Mbit/s,higher,yes,x\n", draft.trials,
                         METRICS_HEADER);
    free(draft.trials);
    return width;
}

static void test_where_a_recorded_run_ended(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(recorded_widths); i++) {
        double width = recorded_until(6 + i);

        assert_true(fabs(width - recorded_widths[i]) <= 1e-7 * recorded_widths[i]);
        assert_true((width < 0.6) == (6 + i == ARRAY_SIZE(recorded)));
    }
}

static void test_broken_files(void **state) {
    CLEANUP(run_removep)
    char *run = run_make(SCENARIO, DEFINITIONS,
                         TRIALS_HEADER TRIAL("1,1,1", "gone", "10", "ok", ""), METRICS_HEADER);
    struct error error = {""};
    double widest = -1;
    size_t fewest = 9;

    (void)state;
    assert_true(analysis_precision(run, &widest, &fewest, &error) < 0);
    assert_non_null(strstr(error.text, "trials.csv:2: "));
    assert_true(widest == -1);
    assert_int_equal(fewest, 9);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_form),
        cmocka_unit_test(test_equal_ratios),
        cmocka_unit_test(test_pairs_only),
        cmocka_unit_test(test_attempts),
        cmocka_unit_test(test_no_interval_yet),
        cmocka_unit_test(test_nothing_to_compare),
        cmocka_unit_test(test_widest_of_the_channels),
        cmocka_unit_test(test_fewest_blocks),
        cmocka_unit_test(test_headline_in_metrics),
        cmocka_unit_test(test_where_a_recorded_run_ended),
        cmocka_unit_test(test_broken_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
