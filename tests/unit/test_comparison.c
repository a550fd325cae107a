/* comparison: pairs of blocks, the family, the verdict by its rule, and comparisons.csv. */
#include "run_analysis.h"

#define THREE                                                                                      \
    "[scenario]\nname = three\nchannels = plain password mutual-tls\nprobes = path\n"              \
    "repetitions = 10\nbaseline = plain\nseed = 7\n"

/* Ten blocks of plain at about 100, password at `password` and mutual-tls at `tls` times that. */
static struct analysis *three(double password, double tls, double noise, int blocks) {
    struct draft_run draft = {NULL, NULL, 0};

    for (int block = 1; block <= blocks; block++) {
        double plain = 100 * (1 + 0.2 * draft_noise(block));

        draft_value(&draft, block, "plain", "path", plain);
        draft_value(&draft, block, "password", "path",
                    plain * password * (1 + noise * draft_noise(1000 + block)));
        draft_value(&draft, block, "mutual-tls", "path",
                    plain * tls * (1 + noise * draft_noise(2000 + block)));
    }
    return draft_analyse(&draft, THREE, DEFINITIONS, NULL);
}

static const struct comparison *find(const struct analysis *analysis, const char *channel) {
    return comparisons_find(analysis->comparisons, 0, 0,
                            (size_t)dataset_find_channel(analysis->dataset, channel));
}

/* Blocks differ by 20 %, which cancels: what is left is decided. */
static void test_verdicts(void **state) {
    CLEANUP(analysis_freep) struct analysis *analysis = three(1.001, 0.9, 0.01, 10);
    const struct comparison *password = find(analysis, "password"),
                            *tls = find(analysis, "mutual-tls");

    (void)state;
    assert_int_equal(analysis->comparisons->n, 3);
    assert_int_equal(analysis->comparisons->n_declared, 2);
    assert_int_equal(password->verdict, VERDICT_EQUIVALENT);
    assert_string_equal(password->reason, "");
    assert_int_equal(tls->verdict, VERDICT_SLOWER);
    assert_true(fabs(tls->paired.ratio - 0.9) < 0.01);
    assert_int_equal(tls->paired.n, 10);
    assert_true(isnan(analysis->comparisons->list[2].p_holm)); /* nobody declared it */
    assert_int_equal(analysis->comparisons->list[2].verdict, VERDICT_UNDECIDED);
    assert_null(find(analysis, "plain"));
}

static void test_faster_and_undecided(void **state) {
    CLEANUP(analysis_freep) struct analysis *analysis = three(1.1, 0.99, 0.05, 10);

    (void)state;
    assert_int_equal(find(analysis, "password")->verdict, VERDICT_FASTER);
    assert_int_equal(find(analysis, "mutual-tls")->verdict, VERDICT_UNDECIDED);
    assert_string_equal(find(analysis, "mutual-tls")->reason,
                        "neither a difference nor equivalence is shown");
}

/* A clear difference that lies within the margin is equivalent: the rule asks for that first. */
static void test_small_but_certain(void **state) {
    CLEANUP(analysis_freep) struct analysis *analysis = three(0.99, 1, 0.001, 10);

    (void)state;
    assert_true(find(analysis, "password")->p_holm < 0.05);
    assert_int_equal(find(analysis, "password")->verdict, VERDICT_EQUIVALENT);
}

/* Six blocks cannot show any difference to a family of two: 2 x 1/32 > 0.05. */
static void test_no_difference_can_be_shown(void **state) {
    CLEANUP(analysis_freep) struct analysis *six = three(1, 0.5, 0.001, 6);
    CLEANUP(analysis_freep) struct analysis *seven = three(1, 0.5, 0.001, 7);

    (void)state;
    assert_int_equal(find(six, "mutual-tls")->verdict, VERDICT_UNDECIDED);
    assert_string_equal(find(six, "mutual-tls")->reason,
                        "no equivalence, and too few blocks to show a difference of any size");
    assert_int_equal(find(seven, "mutual-tls")->verdict, VERDICT_SLOWER);
}

/* What was never measured counts in no family: for the other alone six blocks are enough. */
static void test_absent_channel_is_no_burden(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    struct analysis *analysis;

    for (int block = 1; block <= 6; block++) {
        draft_value(&draft, block, "plain", "path", 100);
        draft_value(&draft, block, "mutual-tls", "path", 100 * (1 + 0.3 * draft_noise(block)));
    }
    analysis = draft_analyse(&draft, THREE, DEFINITIONS, NULL);
    (void)state;
    assert_true(find(analysis, "mutual-tls")->p_holm >= 0.05);
    assert_string_equal(find(analysis, "mutual-tls")->reason,
                        "neither a difference nor equivalence is shown");
    analysis_free(analysis);
}

static void test_few_blocks(void **state) {
    CLEANUP(analysis_freep) struct analysis *five = three(1, 0.5, 0.001, 5);
    CLEANUP(analysis_freep) struct analysis *one = three(1, 0.5, 0.001, 1);

    (void)state;
    assert_int_equal(find(five, "password")->verdict, VERDICT_UNDECIDED);
    assert_string_equal(find(five, "mutual-tls")->reason, "fewer than 6 complete blocks");
    assert_true(fabs(find(one, "mutual-tls")->paired.ratio - 0.5) < 0.01);
    assert_true(isnan(find(one, "mutual-tls")->paired.ci_low));
    assert_true(isnan(comparisons_widest(one->comparisons)));
}

/* Holm, two in the family: the smaller p twice, the larger as it is or as the smaller. */
static void test_family(void **state) {
    CLEANUP(analysis_freep) struct analysis *analysis = three(1.02, 0.9, 0.03, 10);
    const struct comparison *password = find(analysis, "password"),
                            *tls = find(analysis, "mutual-tls");

    (void)state;
    assert_true(tls->paired.p_value < password->paired.p_value);
    assert_true(fabs(tls->p_holm - 2 * tls->paired.p_value) < 1e-12);
    assert_true(fabs(password->p_holm - fmax(password->paired.p_value, tls->p_holm)) < 1e-12);
}

/* A block that lacks one of the two is in neither; a zero has no logarithm. */
static void test_gaps_and_zeros(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;

    (void)state;
    for (int block = 1; block <= 8; block++) {
        draft_value(&draft, block, "plain", "path", 100 + block);
        draft_trial(&draft, block, "password", "path", "", block == 3 ? "" : "50",
                    block == 3 ? "void" : "ok");
        draft_value(&draft, block, "mutual-tls", "path", block == 5 ? 0 : 100);
    }
    analysis = draft_analyse(&draft, THREE, DEFINITIONS, NULL);
    assert_int_equal(find(analysis, "password")->paired.n, 7);
    assert_int_equal(find(analysis, "password")->verdict, VERDICT_SLOWER);
    assert_int_equal(find(analysis, "mutual-tls")->paired.n, 8);
    assert_int_equal(find(analysis, "mutual-tls")->verdict, VERDICT_UNDECIDED);
    assert_string_equal(find(analysis, "mutual-tls")->reason, "a value is zero: there is no ratio");
}

/* Of a latency, more is slower. */
static void test_lower_is_better(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;

    (void)state;
    for (int block = 1; block <= 10; block++) {
        draft_trial(&draft, block, "plain", "wait", "", "", "ok");
        draft_metric(&draft, "client2,sender,delay,ms", 10 + 0.01 * draft_noise(block));
        draft_trial(&draft, block, "password", "wait", "", "", "ok");
        draft_metric(&draft, "client2,sender,delay,ms", 12 + 0.01 * draft_noise(50 + block));
        draft_trial(&draft, block, "mutual-tls", "wait", "", "", "ok");
        draft_metric(&draft, "client2,sender,delay,ms", 8 + 0.01 * draft_noise(90 + block));
    }
    analysis = draft_analyse(&draft,
                             "[scenario]\nchannels = plain password mutual-tls\nprobes = wait\n"
                             "baseline = plain\n",
                             DEFINITIONS_HEADER "wait,delay,ms,lower,yes,how long\n", NULL);
    assert_int_equal(find(analysis, "password")->verdict, VERDICT_SLOWER);
    assert_int_equal(find(analysis, "mutual-tls")->verdict, VERDICT_FASTER);
}

static void test_nothing_to_compare(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *single = NULL, *none = NULL;

    (void)state;
    draft_value(&draft, 1, "plain", "path", 1);
    single =
        draft_analyse(&draft, "[scenario]\nchannels = plain\nprobes = path\nbaseline = plain\n",
                      DEFINITIONS, NULL);
    assert_int_equal(single->comparisons->n, 0);
    assert_true(isnan(comparisons_widest(single->comparisons)));
    none = draft_analyse(&draft, THREE, DEFINITIONS, NULL);
    assert_int_equal(none->comparisons->n, 3);
    assert_string_equal(find(none, "password")->reason, "no block has both");
}

/* A channel that these hosts cannot have is no burden to a run that waits for its intervals. */
static void test_skipped(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *analysis = NULL, *part = NULL;

    (void)state;
    for (int block = 1; block <= 6; block++) {
        draft_value(&draft, block, "plain", "path", 100 + draft_noise(block));
        draft_value(&draft, block, "password", "path", 100 + draft_noise(100 + block));
        draft_trial(&draft, block, "mutual-tls", "path", "", "", "skipped");
    }
    analysis = draft_analyse(&draft, THREE, DEFINITIONS, NULL);
    assert_true(find(analysis, "mutual-tls")->skipped);
    assert_string_equal(find(analysis, "mutual-tls")->reason,
                        "one of the two was skipped on these hosts");
    assert_false(find(analysis, "password")->skipped);
    assert_true(isfinite(comparisons_widest(analysis->comparisons)));
    assert_int_equal(comparisons_fewest(analysis->comparisons), 6);
    draft_value(&draft, 1, "plain", "path", 100);
    draft_trial(&draft, 1, "password", "path", "", "", "skipped");
    draft_value(&draft, 2, "plain", "path", 100);
    draft_value(&draft, 2, "password", "path", 100);
    part = draft_analyse(&draft, THREE, DEFINITIONS, NULL);
    assert_false(find(part, "password")->skipped); /* not always */
    assert_true(isnan(comparisons_widest(part->comparisons)));
}

#define CONTROLLED                                                                                 \
    "[scenario]\nname = c\nchannels = plain tls again slowed\nprobes = path\nbaseline = plain\n"   \
    "[channel.again]\ncontrol = same\n[channel.slowed]\ncontrol = slowed\nloss = 5%\n"

/* Ten blocks; the control was measured in so many of them, and scatters. */
static struct analysis *controlled(double tls, double again, double scatter, int blocks,
                                   double slowed) {
    struct draft_run draft = {NULL, NULL, 0};

    for (int block = 1; block <= 10; block++) {
        draft_value(&draft, block, "plain", "path", 100 + 0.1 * draft_noise(block));
        draft_value(&draft, block, "tls", "path", tls * (100 + 0.1 * draft_noise(500 + block)));
        if (block <= blocks)
            draft_value(&draft, block, "again", "path",
                        again * 100 * (1 + scatter * (block % 2 ? 1 : -1)));
        draft_value(&draft, block, "slowed", "path",
                    slowed * (100 + 0.1 * draft_noise(900 + block)));
    }
    return draft_analyse(&draft, CONTROLLED, DEFINITIONS, NULL);
}

static void assert_judged(const struct analysis *analysis, const char *channel,
                          enum verdict verdict, const char *reason, bool failed) {
    const struct comparison *comparison = find(analysis, channel);

    assert_int_equal(comparison->verdict, verdict);
    assert_string_equal(comparison->reason, reason);
    assert_int_equal(comparison->failed, failed);
}

#define HIDDEN "below this set-up's resolution"

/* The control comes out 20 % to either side. R: exp(t.test(log(rep(c(1.2, 0.8), 5)))$conf.int) is
 * 0.8409 to 1.1416. A difference beyond that stands, one within is hidden; so is equivalence. */
static void test_resolution(void **state) {
    CLEANUP(analysis_freep) struct analysis *far = controlled(0.5, 1, 0.2, 10, 0.95);
    CLEANUP(analysis_freep) struct analysis *near = controlled(0.9, 1, 0.2, 10, 0.95);
    CLEANUP(analysis_freep) struct analysis *same = controlled(1, 1, 0.2, 10, 0.95);
    CLEANUP(analysis_freep) struct analysis *fine = controlled(0.9, 1, 0.001, 10, 0.95);
    struct resolution resolution = comparisons_resolution(far->comparisons, 0, 0);

    (void)state;
    assert_true(resolution.known && !resolution.equivalent);
    assert_true(fabs(resolution.low - 0.8409) < 2e-3 && fabs(resolution.high - 1.1416) < 2e-3);
    assert_judged(far, "again", VERDICT_UNDECIDED, "neither a difference nor equivalence is shown",
                  false);
    assert_judged(far, "tls", VERDICT_SLOWER, "", false);
    assert_judged(near, "tls", VERDICT_UNDECIDED, HIDDEN, false);
    assert_judged(near, "slowed", VERDICT_UNDECIDED, HIDDEN, false);
    assert_judged(same, "tls", VERDICT_UNDECIDED, HIDDEN, false);
    assert_judged(fine, "tls", VERDICT_SLOWER, "", false);
    assert_judged(fine, "again", VERDICT_EQUIVALENT, "", false);
}

/* Two blocks of a control have a wide interval; one has none, and the others stand as without it.
 */
static void test_control_with_few_blocks(void **state) {
    CLEANUP(analysis_freep) struct analysis *two = controlled(0.5, 1, 0.2, 2, 0.95);
    CLEANUP(analysis_freep) struct analysis *one = controlled(0.5, 1, 0.2, 1, 0.95);

    (void)state;
    assert_judged(two, "tls", VERDICT_UNDECIDED, HIDDEN, false);
    assert_judged(one, "tls", VERDICT_SLOWER, "", false);
    assert_false(comparisons_resolution(one->comparisons, 0, 0).known);
}

/* A/A fails when it is shown to differ; a slowed control when less than half of its loss is shown,
 * not when its interval leaves that open. */
static void test_failed_controls(void **state) {
    CLEANUP(analysis_freep) struct analysis *differs = controlled(0.5, 0.9, 0.001, 10, 0.95);
    CLEANUP(analysis_freep) struct analysis *lost = controlled(0.5, 1, 0.001, 10, 1);
    CLEANUP(analysis_freep) struct analysis *faster = controlled(0.5, 1, 0.001, 10, 1.1);
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *open = NULL;

    (void)state;
    assert_judged(differs, "again", VERDICT_SLOWER, "", true);
    assert_judged(lost, "slowed", VERDICT_EQUIVALENT, "", true);
    assert_judged(faster, "slowed", VERDICT_FASTER, "", true);
    for (int block = 1; block <= 10; block++) {
        draft_value(&draft, block, "plain", "path", 100);
        draft_value(&draft, block, "slowed", "path", block % 2 ? 110 : 84);
    }
    open = draft_analyse(&draft, CONTROLLED, DEFINITIONS, NULL);
    assert_judged(open, "slowed", VERDICT_UNDECIDED,
                  "neither a difference nor equivalence is shown", false);
}

static void test_file(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    CLEANUP_FREE char *text = NULL;

    (void)state;
    for (int block = 1; block <= 3; block++) {
        draft_value(&draft, block, "plain", "path", 64 * block);
        draft_value(&draft, block, "password", "path", 64 * block);
        draft_value(&draft, block, "mutual-tls", "path", 32 * block);
    }
    analysis = draft_analyse(&draft, THREE, DEFINITIONS, NULL);
    text = draft_written(analysis, "comparisons.csv");
    assert_part(text, "probe,variant,metric,channel,baseline,blocks,ratio,ci_low,ci_high,p_value,"
                      "p_holm,shift,cliff_delta,verdict,reason,reference_ratio\n");
    assert_part(text, "\npath,,throughput,password,plain,3,1,1,1,1,1,0,0,undecided,"
                      "fewer than 6 complete blocks,\n");
    assert_part(text, "\npath,,throughput,mutual-tls,password,3,0.5,0.5,0.5,0.25,,");
    assert_no_part(text, "nan");
    assert_no_part(text, "inf");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_faster_and_undecided),
        cmocka_unit_test(test_small_but_certain),
        cmocka_unit_test(test_no_difference_can_be_shown),
        cmocka_unit_test(test_absent_channel_is_no_burden),
        cmocka_unit_test(test_few_blocks),
        cmocka_unit_test(test_family),
        cmocka_unit_test(test_gaps_and_zeros),
        cmocka_unit_test(test_lower_is_better),
        cmocka_unit_test(test_nothing_to_compare),
        cmocka_unit_test(test_skipped),
        cmocka_unit_test(test_resolution),
        cmocka_unit_test(test_control_with_few_blocks),
        cmocka_unit_test(test_failed_controls),
        cmocka_unit_test(test_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
