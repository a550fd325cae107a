/* outlier: which values lie far from the others of their series, how often chance alone makes one,
 * and what is said of them, of silent steps and of hosts with too much to do. */
#include "analysis/findings.h"

#include "run_analysis.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#define SCENARIO_OF_ONE                                                                            \
    "[scenario]\nname = s\nchannels = plain tls\nprobes = path\nbaseline = plain\n"
#define EXPERIMENTS 10000

/* ---- the rule ---- */

static void test_limit(void **state) {
    static const double calm[] = {9, 11, 10, 10.5, 9.5, 10, 10.2, 9.8, 10.1, 9.9};
    static const double alike[] = {5, 5, 5, 5, 5, 5, 5, 7};
    double median;

    (void)state;
    /* Distances 0, 0, .1, .1, .2, .2, .5, .5, 1, 1: MAD 0.2. */
    assert_true(fabs(validity_outlier_limit(calm, 10, 0, &median) - 9 * 0.2) < 1e-9);
    assert_true(median == 10);
    assert_true(validity_outlier_limit(alike, 8, 0.02, &median) == 0.02);
    assert_true(isinf(validity_outlier_limit(calm, 2, 0, &median)));
    assert_true(isinf(validity_outlier_limit(calm, 0, 0, &median)));
}

/* At least one of n values of a calm series is found wild: by chance. */
static double share_alarmed(gsl_rng *generator, size_t n) {
    double values[200], median, alarmed = 0;

    for (size_t i = 0; i < EXPERIMENTS; i++) {
        bool any = false;
        double limit;

        for (size_t k = 0; k < n; k++)
            values[k] = gsl_ran_gaussian(generator, 1);
        limit = validity_outlier_limit(values, n, 0, &median);
        for (size_t k = 0; k < n; k++)
            any = any || fabs(values[k] - median) > limit;
        alarmed += any;
    }
    return alarmed / EXPERIMENTS;
}

/* 2 % of series: the standard error here is 0.14 %. */
static void test_false_alarms(void **state) {
    gsl_rng *generator = gsl_rng_alloc(gsl_rng_mt19937);

    (void)state;
    gsl_rng_set(generator, 7);
    for (size_t n = 3; n <= 100; n += n < 24 ? 1 : 19) {
        double share = share_alarmed(generator, n);

        if (share > 0.026 || (n > 8 && share < 0.01))
            fail_msg("%zu values: %.2f %% of calm series have an outlier", n, 100 * share);
    }
    gsl_rng_free(generator);
}

/* ---- what is said ---- */

/* The cautions, a line each; the caller's. */
static char *cautions_of(const struct analysis *analysis) {
    char *text = text_copy("");

    for (size_t i = 0; i < analysis->findings->n; i++)
        if (analysis->findings->list[i].kind == FINDING_CAUTION)
            text_append(&text, "\n", analysis->findings->list[i].text);
    return text;
}

/* Ten blocks of two channels with a little noise; the eighth of plain is `factor` times itself. */
static struct analysis *run_with(double factor, int blocks, void (*files)(const char *run)) {
    struct draft_run draft = {NULL, NULL, 0};

    for (int block = 1; block <= blocks; block++) {
        double plain = 12000 * (1 + 0.01 * draft_noise(block));

        draft_value(&draft, block, "plain", "path", block == 8 ? factor * plain : plain);
        draft_value(&draft, block, "tls", "path", 9000 * (1 + 0.01 * draft_noise(100 + block)));
    }
    return draft_analyse(&draft, SCENARIO_OF_ONE, DEFINITIONS, files);
}

static void test_wild_block(void **state) {
    CLEANUP(analysis_freep) struct analysis *high = run_with(40, 10, NULL);
    CLEANUP(analysis_freep) struct analysis *low = run_with(0.025, 10, NULL);
    CLEANUP(analysis_freep) struct analysis *calm = run_with(1, 10, NULL);
    CLEANUP_FREE char *of_high = cautions_of(high), *of_low = cautions_of(low);
    CLEANUP_FREE char *of_calm = cautions_of(calm);

    (void)state;
    assert_part(of_high, "1 value lies far from the median of its series (more than 6 MAD, more in "
                         "short series): path of plain, block 8 (4");
    assert_part(of_high, " vs. 120");
    assert_part(of_high,
                " Mbit/s). None is left out: an outlier moves the mean, hardly the median.");
    assert_part(of_low, "path of plain, block 8 (3");
    assert_no_part(of_high, "of tls, block");
    assert_no_part(of_calm, "far from the median");
    assert_int_equal(find_headline(high->summary, 0, 0, 0)->statistics.n, 10);
}

/* What is smaller than the margin is no difference, however alike the others are. */
static void test_floor(void **state) {
    static const double last[] = {101.9, 98.1, 102.1, 97.9};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(last); i++) {
        struct draft_run draft = {NULL, NULL, 0};
        CLEANUP(analysis_freep) struct analysis *analysis = NULL;
        CLEANUP_FREE char *cautions = NULL;

        for (int block = 1; block <= 9; block++)
            draft_value(&draft, block, "plain", "path", block == 9 ? last[i] : 100);
        analysis = draft_analyse(&draft, SCENARIO_OF_ONE, DEFINITIONS, NULL);
        cautions = cautions_of(analysis);
        if (i < 2)
            assert_no_part(cautions, "far from the median");
        else
            assert_part(cautions, "path of plain, block 9");
    }
}

/* Twenty trials of 100 steps; seven of trial 5, two of trial 7, one of trial 9 are empty. */
static void add_steps(const char *run) {
    CLEANUP_FREE char *trials = run_get(run, "trials.csv"), *text = NULL;
    const char *line = trials;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    (void)fputs("trial,attempt,party,start_s,end_s,bytes\n", out);
    for (int trial = 1; trial <= 20; trial++) {
        int silent = trial == 5 ? 7 : trial == 7 ? 2 : trial == 9;
        double bytes;

        line = strchr(line, '\n') + 1;
        assert_int_equal(sscanf(line, "%*d,1,%*d,1,%*[a-z],path,,%*[^,],10,%lf", &bytes), 1);
        for (int step = 0; step < 100; step++)
            (void)fprintf(out, "%d,1,broker,%.1f,%.1f,%.0f\n", trial, step / 10.0,
                          (step + 1) / 10.0,
                          step && step <= silent ? 0
                          : step                 ? 1
                                                 : bytes - 99 + silent);
    }
    (void)fclose(out);
    run_put(run, "intervals.csv", text);
}

static void test_silence(void **state) {
    CLEANUP(analysis_freep) struct analysis *analysis = run_with(1, 10, add_steps);
    CLEANUP_FREE char *cautions = cautions_of(analysis);

    (void)state;
    assert_part(
        cautions,
        "Stalls in 2 trials, with nothing arriving for longer than usual: path of plain, block "
        "3 (0.7 s); path of plain, block 4 (0.2 s).");
}

/* Every trial of a slow link with large units is silent as long: that is how it is. */
static void add_even_steps(const char *run) {
    CLEANUP_FREE char *trials = run_get(run, "trials.csv"), *text = NULL;
    const char *line = trials;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    (void)fputs("trial,attempt,party,start_s,end_s,bytes\n", out);
    for (int trial = 1; trial <= 20; trial++) {
        double bytes;

        line = strchr(line, '\n') + 1;
        assert_int_equal(sscanf(line, "%*d,1,%*d,1,%*[a-z],path,,%*[^,],10,%lf", &bytes), 1);
        for (int step = 0; step < 100; step++)
            (void)fprintf(out, "%d,1,broker,%.1f,%.1f,%.0f\n", trial, step / 10.0,
                          (step + 1) / 10.0,
                          step == 83       ? bytes - 4e9
                          : step % 20 == 3 ? 1e9
                                           : 0);
    }
    (void)fclose(out);
    run_put(run, "intervals.csv", text);
}

static void test_even_silence(void **state) {
    CLEANUP(analysis_freep) struct analysis *analysis = run_with(1, 10, add_even_steps);
    CLEANUP_FREE char *cautions = cautions_of(analysis);

    (void)state;
    assert_no_part(cautions, "Nothing arrived");
}

#define LOADS                                                                                      \
    "block,attempt,host,metric,unit,before,after\n1,1,lab:a,load,processes,0.5,2\n"                \
    "2,1,lab:a,load,processes,2.5,1\n3,1,lab:a,load,processes,,3.25\n"                             \
    "3,1,lab:b,load,processes,2.5,3.75\n"

static void add_load(const char *run) {
    run_put(run, "blocks.csv", LOADS);
    run_put(run, "environment.json",
            "{\"hosts\": [{\"spec\": \"lab:a\", \"processors\": 2}, "
            "{\"spec\": \"lab:b\", \"processors\": 4}]}\n");
}

static void add_load_of_unknown(const char *run) {
    run_put(run, "blocks.csv", LOADS);
    run_put(run, "environment.json", "{\"hosts\": [{\"spec\": \"lab:a\"}]}\n");
}

static void test_load(void **state) {
    CLEANUP(analysis_freep) struct analysis *known = run_with(1, 10, add_load);
    CLEANUP(analysis_freep) struct analysis *unknown = run_with(1, 10, add_load_of_unknown);
    CLEANUP_FREE char *of_known = cautions_of(known), *of_unknown = cautions_of(unknown);

    (void)state;
    assert_part(of_known, "blocks 2-3, lab:a: a load of up to 3.25 on 2 processors: some "
                          "processes had to wait for one.");
    assert_no_part(of_known, "lab:b: a load");
    assert_no_part(of_unknown, "a load of");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit),      cmocka_unit_test(test_false_alarms),
        cmocka_unit_test(test_wild_block), cmocka_unit_test(test_floor),
        cmocka_unit_test(test_silence),    cmocka_unit_test(test_even_silence),
        cmocka_unit_test(test_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
