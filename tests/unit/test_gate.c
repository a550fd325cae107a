/* gate: verdicts of runs whose numbers can be followed by hand. */
#include "analysis/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "near.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#define T_2       2.9199855803537 /* 0.95 quantile of Student's t, 2 degrees of freedom */
#define MOST_RUNS 8
#define BLOCKS    200

/* Runs of up to BLOCKS blocks each; the first is the new one. */
struct runs {
    double logs[MOST_RUNS][BLOCKS];
    struct gate_run list[MOST_RUNS];
    struct gate_series series;
};

/* Each run around its own mean; neighbouring blocks are `step` above and below it. */
static void fill(struct runs *runs, const double *means, size_t n_runs, size_t blocks,
                 double step) {
    for (size_t i = 0; i < n_runs; i++) {
        for (size_t k = 0; k < blocks; k++)
            runs->logs[i][k] = means[i] + (k % 2 ? step : -step);
        runs->list[i] = (struct gate_run){runs->logs[i], blocks};
    }
    runs->series = (struct gate_series){
        .kind = GATE_RATIO, .now = runs->list[0], .before = runs->list + 1, .n_before = n_runs - 1};
}

static struct gate_judgement judge(const struct runs *runs, double margin) {
    struct gate_judgement judgement;

    gate_judge(&runs->series, 1, margin, 1, &judgement);
    return judgement;
}

/* P of Student's t with 2 degrees of freedom below -t. */
static double below(double t) {
    return 0.5 - t / (2 * sqrt(2 + t * t));
}

/* One against three whose means have s = 0.01: t = 0.05 / (0.01 sqrt(4/3)). */
static void test_t(void **state) {
    static const double means[] = {-0.05, 0, 0.01, -0.01};
    double deviation = 0.01 * sqrt(4 / 3.0);
    struct gate_judgement one;
    struct runs runs;

    (void)state;
    fill(&runs, means, 4, 6, 0);
    one = judge(&runs, 0.02);
    near(one.now, exp(-0.05), 1e-15);
    near(one.before, 1, 1e-15);
    near(one.ratio, exp(-0.05), 1e-15);
    near(one.freedom, 2, 1e-12);
    near(one.ci_low, exp(-0.05 - T_2 * deviation), 1e-9);
    near(one.ci_high, exp(-0.05 + T_2 * deviation), 1e-9);
    near(one.between_sd, 0.01, 1e-12);
    near(one.within_sd, 0, 1e-12);
    near(one.p_slower, below(0.05 / deviation), 1e-9);
    near(one.p_faster, 1 - below(0.05 / deviation), 1e-9);
    near(one.p_slower_holm, one.p_slower, 0);
    assert_int_equal(one.verdict, GATE_SLOWER);
    assert_int_equal(judge(&runs, 0.5).verdict, GATE_NO_CHANGE);

    runs.series.lower_is_better = true;
    one = judge(&runs, 0.02);
    near(one.ratio, exp(-0.05), 1e-15);
    near(one.p_faster, below(0.05 / deviation), 1e-9);
    assert_int_equal(one.verdict, GATE_FASTER);
}

/* Better by so much that it is not worse, and too little to be shown. */
static void test_not_slower(void **state) {
    static const double means[] = {0.03, 0, 0.02, -0.02};
    struct runs runs;

    (void)state;
    fill(&runs, means, 4, 6, 0);
    assert_int_equal(judge(&runs, 0.05).verdict, GATE_NOT_SLOWER);
    runs.series.lower_is_better = true;
    assert_int_equal(judge(&runs, 0.05).verdict, GATE_UNDECIDED);
}

static void test_nothing_scatters(void **state) {
    static const double means[] = {0, 0, 0, 0};
    struct gate_judgement one;
    struct runs runs;

    (void)state;
    fill(&runs, means, 4, 6, 0);
    one = judge(&runs, 0.05);
    near(one.ci_low, 1, 0);
    near(one.ci_high, 1, 0);
    near(one.p_slower, 1, 0);
    assert_int_equal(one.verdict, GATE_NO_CHANGE);
}

/* Of ten blocks the two at each end are cut off: one that stands apart moves nothing, and neither
 * does a second. */
static void test_wild_blocks(void **state) {
    static const double means[] = {0, 0.001, -0.001, 0.002, -0.002};
    struct gate_judgement calm, wild;
    struct runs runs;

    (void)state;
    fill(&runs, means, 5, 10, 0.001);
    calm = judge(&runs, 0.05);
    runs.logs[0][0] = -5;
    runs.logs[0][2] = -7;
    wild = judge(&runs, 0.05);
    assert_int_equal(calm.verdict, GATE_NO_CHANGE);
    assert_int_equal(wild.verdict, GATE_NO_CHANGE);
    near(wild.now, calm.now, 0.002);
}

/* The blocks of the new run are all below the others, but not by more than runs differ: a test of
 * blocks alone would be sure. */
static void test_runs_scatter(void **state) {
    static const double means[] = {-0.054, 0.03, 0, -0.03, 0.02, -0.02};
    struct gate_judgement one;
    struct runs runs;

    (void)state;
    fill(&runs, means, 6, 10, 0.0001);
    one = judge(&runs, 0.05);
    assert_int_equal(one.verdict, GATE_UNDECIDED);
    assert_true(one.p_slower > 0.03);
    assert_true(one.baselines_needed > 5);
    assert_int_equal(one.blocks_needed, 0); /* blocks tell nothing of runs */
}

/* Blocks scatter, runs do not: more blocks help. */
static void test_blocks_scatter(void **state) {
    static const double means[] = {0, 0, 0, 0, 0, 0};
    struct gate_judgement one, narrower;
    struct runs runs;

    (void)state;
    fill(&runs, means, 6, 10, 0.08);
    one = judge(&runs, 0.08);
    narrower = judge(&runs, 0.07);
    near(one.between_sd, 0, 0);
    assert_int_equal(one.verdict, GATE_UNDECIDED);
    assert_in_range(one.blocks_needed, 11, GATE_MOST_BLOCKS);
    assert_true(narrower.blocks_needed > one.blocks_needed);
}

/* A loss that is less than the margin is none that TOST could show to be more, but one that more
 * baselines show: t = 0.045 / (0.02 sqrt(1 + 1/B)) is above its 0.95 quantile from B = 6 on. */
static void test_small_loss(void **state) {
    static const double means[] = {-0.045, 0.02 * M_SQRT2, -0.02 * M_SQRT2, 0, 0, 0};
    struct gate_judgement one;
    struct runs runs;

    (void)state;
    fill(&runs, means, 6, 6, 0);
    one = judge(&runs, 0.05);
    assert_int_equal(one.verdict, GATE_UNDECIDED);
    assert_int_equal(one.baselines_needed, 6);
}

/* Half of the interval of a run of n normal blocks of deviation 0.01, beside five of ten blocks
 * whose means have the variance that blocks explain, times `runs_to_blocks`. */
static double half_width(size_t n, double runs_to_blocks) {
    double apart = 0.01 * sqrt(runs_to_blocks / 10);
    const double means[] = {0, apart * M_SQRT2, -apart * M_SQRT2, 0, 0, 0};
    struct gate_judgement one;
    struct runs runs;

    fill(&runs, means, 6, 10, 0);
    runs.series.now.n = n;
    for (size_t i = 0; i < 6; i++) {
        size_t blocks = i ? 10 : n;

        for (size_t k = 0; k < blocks; k++)
            runs.logs[i][k] =
                means[i] + 0.01 * gsl_cdf_ugaussian_Pinv(((double)k + 0.5) / (double)blocks);
    }
    one = judge(&runs, 0.05);
    return log(one.ci_high / one.ci_low) / 2;
}

/* More blocks do not make an interval wider, whatever share of them is trimmed, and however little
 * runs scatter beside. */
static void test_more_blocks(void **state) {
    static const double ratios[] = {0, 0.5, 1.3, 2, 10};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ratios); i++)
        for (size_t n = GATE_BLOCKS + 1; n <= BLOCKS; n++)
            if (half_width(n, ratios[i]) > 1.02 * half_width(n - 1, ratios[i]))
                fail_msg("%zu blocks, %g: %g, one less: %g", n, ratios[i], half_width(n, ratios[i]),
                         half_width(n - 1, ratios[i]));
}

static void test_too_little(void **state) {
    static const double means[] = {0, 0, 0, 0, 0, 0};
    struct gate_judgement one;
    struct runs runs;

    (void)state;
    fill(&runs, means, 4, 6, 0);
    runs.series.now.n = 2;
    one = judge(&runs, 0.05);
    assert_int_equal(one.verdict, GATE_UNDECIDED);
    assert_int_equal(one.blocks_missing, 4);
    assert_int_equal(one.baselines_missing, 0);
    assert_true(isnan(one.p_slower) && isnan(one.ci_low));

    fill(&runs, means, 4, 6, 0);
    runs.list[2].n = 5; /* of a baseline: it does not count */
    one = judge(&runs, 0.05);
    assert_int_equal(one.verdict, GATE_UNDECIDED);
    assert_int_equal(one.baselines_missing, 1);

    fill(&runs, means, 1, 6, 0);
    runs.series.now.n = 0;
    one = judge(&runs, 0.05);
    assert_int_equal(one.verdict, GATE_UNDECIDED);
    assert_int_equal(one.baselines_missing, 3);
    assert_int_equal(one.blocks_missing, 6);
}

/* Ratios learn from each other how much runs scatter, absolute values do not. Holm multiplies the
 * least p by how many there are; one that has none does not count. */
static void test_several(void **state) {
    static const double means[3][6] = {{-0.04, 0.01, 0, -0.01, 0.012, -0.012},
                                       {0, 0.011, 0, -0.011, 0.01, -0.01},
                                       {0, 0.01, 0.001, -0.01, 0.01, -0.012}};
    struct gate_series series[4];
    struct gate_judgement alone, found[4];
    struct runs runs[4];

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        fill(&runs[i], means[i % 3], 6, 10, 0.001);
        series[i] = runs[i].series;
    }
    alone = judge(&runs[0], 0.02);
    near(alone.freedom, 4, 1e-9);
    series[3].n_before = 2;
    gate_judge(series, 4, 0.02, 1, found);
    assert_true(found[0].freedom > 4 && found[0].freedom <= 8 + 1e-9); /* 12 / (1 + 2 / 4) */
    assert_true(found[0].p_slower < alone.p_slower);
    near(found[0].p_slower_holm, 3 * found[0].p_slower, 1e-12);
    assert_true(isnan(found[3].p_slower_holm));
    assert_int_equal(gate_conclude(found, 3),
                     found[0].p_slower_holm < 0.05 ? GATE_SLOWER : GATE_UNDECIDED);
    for (size_t i = 0; i < 3; i++)
        series[i].kind = GATE_ABSOLUTE;
    gate_judge(series, 4, 0.02, 1, found);
    near(found[0].freedom, 4, 1e-9);
    near(found[0].p_slower, alone.p_slower, 1e-12);
}

static void test_conclude(void **state) {
    static const enum gate_verdict verdicts[] = {GATE_NO_CHANGE, GATE_FASTER, GATE_NOT_SLOWER,
                                                 GATE_UNDECIDED, GATE_SLOWER};
    struct gate_judgement list[ARRAY_SIZE(verdicts)];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(list); i++)
        list[i] = (struct gate_judgement){.verdict = verdicts[i]};
    assert_int_equal(gate_conclude(list, 0), GATE_UNDECIDED);
    assert_int_equal(gate_conclude(list, 3), GATE_NO_CHANGE);
    assert_int_equal(gate_conclude(list, 4), GATE_UNDECIDED);
    assert_int_equal(gate_conclude(list, 5), GATE_SLOWER);
    assert_string_equal(gate_verdict_word(GATE_NOT_SLOWER, false), "not slower");
    assert_string_equal(gate_verdict_word(GATE_NOT_SLOWER, true), "not more");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_t),
        cmocka_unit_test(test_not_slower),
        cmocka_unit_test(test_nothing_scatters),
        cmocka_unit_test(test_wild_blocks),
        cmocka_unit_test(test_runs_scatter),
        cmocka_unit_test(test_blocks_scatter),
        cmocka_unit_test(test_small_loss),
        cmocka_unit_test(test_more_blocks),
        cmocka_unit_test(test_too_little),
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_conclude),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
