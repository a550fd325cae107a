/* findings and validity: sentences that follow from the verdicts, and what speaks against them. */
#include "run_analysis.h"

#define CONTROLS "[channel.again]\ncontrol = same\n[channel.slowed]\ncontrol = slowed\nloss = 5%\n"
#define SCENARIO_OF(channels)                                                                      \
    "[scenario]\nname = s\nchannels = " channels "\nprobes = path\nbaseline = plain\n" CONTROLS

static struct analysis *run_of(const char *scenario, const char *channels, const double *ratios,
                               double noise, int blocks) {
    struct draft_run draft = {NULL, NULL, 0};

    for (int block = 1; block <= blocks; block++) {
        const char *cursor = channels, *word;
        size_t length, i = 0;

        while ((word = text_next_word(&cursor, &length))) {
            CLEANUP_FREE char *name = text_format("%.*s", (int)length, word);
            double chance = noise * draft_noise(block + 100 * (int)i);

            draft_value(&draft, block, name, "path", 100 * ratios[i++] * (1 + chance));
        }
    }
    return draft_analyse(&draft, scenario, DEFINITIONS, NULL);
}

/* All sentences of a kind, a line each; the caller's. */
static char *sentences(const struct analysis *analysis, enum finding_kind kind) {
    char *text = text_copy("");

    for (size_t i = 0; i < analysis->findings->n; i++)
        if (analysis->findings->list[i].kind == kind)
            text_append(&text, "\n", analysis->findings->list[i].text);
    return text;
}

/* The first of a kind; NULL when there is none. */
static const struct finding *first_of(const struct analysis *analysis, enum finding_kind kind) {
    for (size_t i = 0; i < analysis->findings->n; i++)
        if (analysis->findings->list[i].kind == kind)
            return &analysis->findings->list[i];
    fail_msg("no finding of kind %d", kind);
    return NULL;
}

static void test_sentences(void **state) {
    CLEANUP(analysis_freep)
    struct analysis *analysis =
        run_of(SCENARIO_OF("plain password tls again slowed"), "plain password tls again slowed",
               (const double[]){1, 1, 0.8, 1, 0.95}, 0.002, 10);
    CLEANUP_FREE char *verdicts = sentences(analysis, FINDING_VERDICT);
    CLEANUP_FREE char *controls = sentences(analysis, FINDING_CONTROL);
    CLEANUP_FREE char *unsteady = sentences(analysis, FINDING_UNSTEADY);
    CLEANUP_FREE char *cautions = sentences(analysis, FINDING_CAUTION);

    (void)state;
    assert_string_equal(unsteady, "");
    assert_part(verdicts, "path: password is equivalent to plain within 2 % (ratio 1.0");
    assert_part(verdicts, "90 % CI ");
    assert_part(verdicts, "\npath: tls is slower than plain: throughput 2");
    assert_part(verdicts, " lower (ratio 0.8");
    assert_part(verdicts, ", p = 0.0078 after Holm, 10 blocks).");
    assert_part(controls, "Control passed, path: again, which is plain once more, is "
                          "equivalent to plain within 2 % (");
    assert_part(controls, "): differences below about 0.");
    assert_part(controls, "\nControl passed, path: slowed, which is plain with 5 % of its "
                          "sender's time taken away, is slower than plain: throughput ");
    assert_part(cautions, "A difference on path is not caused by a channel");
    assert_no_part(cautions, "No A/A control");
}

/* "Not significant" is never turned into "equal". */
static void test_undecided(void **state) {
    CLEANUP(analysis_freep)
    struct analysis *analysis = run_of(SCENARIO_OF("plain password"), "plain password",
                                       (const double[]){1, 0.99}, 0.08, 10);
    CLEANUP_FREE char *verdicts = sentences(analysis, FINDING_VERDICT);

    (void)state;
    assert_part(verdicts, "path: password is undecided against plain, which does not mean equal: "
                          "neither a difference nor equivalence is shown (ratio ");
    assert_no_part(verdicts, "equivalent to");
}

static void test_unsteady(void **state) {
    CLEANUP(analysis_freep)
    struct analysis *same = run_of(SCENARIO_OF("plain tls again"), "plain tls again",
                                   (const double[]){1, 0.8, 0.9}, 0.002, 10);
    CLEANUP(analysis_freep)
    struct analysis *lost =
        run_of(SCENARIO_OF("plain slowed"), "plain slowed", (const double[]){1, 1}, 0.002, 10);

    CLEANUP_FREE char *controls = NULL;

    (void)state;
    assert_int_equal(same->findings->list[1].kind, FINDING_UNSTEADY); /* behind the answer */
    controls = sentences(same, FINDING_CONTROL);
    assert_part(controls, "Control failed, path: again, which is plain once more, is slower than");
    assert_part(same->findings->list[1].text, "The set-up is too unsteady to conclude (path): ");
    assert_int_equal(lost->findings->list[1].kind, FINDING_UNSTEADY);
    assert_part(lost->findings->list[1].text, "too unsteady to conclude (path)");
}

/* Ten blocks in which the control scatters, by 20 % to either side, and nothing else does. */
static struct analysis *run_unsure(double tls) {
    static const char *const names[] = {"plain", "tls", "password"};
    const double ratios[] = {1, tls, 0.9};
    struct draft_run draft = {NULL, NULL, 0};

    for (int block = 1; block <= 10; block++) {
        for (int i = 0; i < (int)ARRAY_SIZE(names); i++)
            draft_value(&draft, block, names[i], "path",
                        ratios[i] * (100 + 0.1 * draft_noise(block + 100 * i)));
        draft_value(&draft, block, "again", "path", block % 2 ? 120 : 80);
    }
    return draft_analyse(&draft, SCENARIO_OF("plain password tls again"), DEFINITIONS, NULL);
}

/* A control that is inconclusive has not failed: it says what cannot be seen. Its interval is 0.841
 * to 1.142 (test_comparison has R's): what lies outside stands, what overlaps it is undecided. */
static void test_resolution(void **state) {
    CLEANUP(analysis_freep) struct analysis *analysis = run_unsure(0.5);
    CLEANUP_FREE char *unsteady = sentences(analysis, FINDING_UNSTEADY);
    CLEANUP_FREE char *limits = sentences(analysis, FINDING_LIMIT);
    CLEANUP_FREE char *verdicts = sentences(analysis, FINDING_VERDICT);
    CLEANUP_FREE char *controls = sentences(analysis, FINDING_CONTROL);

    (void)state;
    assert_string_equal(unsteady, "");
    assert_string_equal(limits,
                        "Differences below about 16 % on path cannot be detected here: the A/A "
                        "control shows that equal channels come out that far apart.");
    assert_part(verdicts, "path: tls is slower than plain: ");
    assert_part(verdicts, "path: password is undecided against plain, which does not mean equal: "
                          "below this set-up's resolution (ratio 0.9");
    assert_part(controls, "Control inconclusive, path: again, which is plain once more, is "
                          "undecided against plain, ");
    assert_part(controls, ": differences below about 16 % cannot be detected here.");
}

static void test_control_without_an_interval(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    CLEANUP_FREE char *cautions = NULL;

    (void)state;
    for (int block = 1; block <= 10; block++) {
        draft_value(&draft, block, "plain", "path", 100 + draft_noise(block));
        draft_value(&draft, block, "tls", "path", 50 + draft_noise(50 + block));
        draft_trial(&draft, block, "again", "path", "", "", "void");
    }
    analysis = draft_analyse(&draft, SCENARIO_OF("plain tls again"), DEFINITIONS, NULL);
    cautions = sentences(analysis, FINDING_CAUTION);
    assert_part(cautions, "path: the A/A control has fewer than two values, so the smallest "
                          "difference that this set-up can detect is not known.");
    assert_part(first_of(analysis, FINDING_VERDICT)->text, "path: tls is slower than plain");
}

static void test_few_blocks(void **state) {
    CLEANUP(analysis_freep)
    struct analysis *analysis = run_of(SCENARIO_OF("plain tls again"), "plain tls again",
                                       (const double[]){1, 0.5, 1}, 0.002, 5);

    CLEANUP_FREE char *controls = NULL;

    (void)state;
    assert_string_equal(first_of(analysis, FINDING_LIMIT)->text,
                        "Too few blocks for any verdict: equivalent needs 6 complete ones, slower "
                        "and faster 7 (2 comparisons of a probe).");
    assert_int_not_equal((first_of(analysis, FINDING_LIMIT) + 1)->kind, FINDING_LIMIT);
    controls = sentences(analysis, FINDING_CONTROL);
    assert_part(controls,
                "Control inconclusive, path: again, which is plain once more, is undecided "
                "against plain");
}

/* Six blocks are enough for equivalent, but show no difference among two or more comparisons. */
static void test_few_blocks_for_a_difference(void **state) {
    CLEANUP(analysis_freep)
    struct analysis *six = run_of(SCENARIO_OF("plain tls again"), "plain tls again",
                                  (const double[]){1, 0.5, 1}, 0.002, 6);
    CLEANUP(analysis_freep)
    struct analysis *seven = run_of(SCENARIO_OF("plain tls again"), "plain tls again",
                                    (const double[]){1, 0.5, 1}, 0.002, 7);
    CLEANUP_FREE char *verdicts = sentences(six, FINDING_VERDICT);
    CLEANUP_FREE char *controls = sentences(six, FINDING_CONTROL);

    (void)state;
    assert_string_equal(first_of(six, FINDING_LIMIT)->text,
                        "Too few blocks to show a difference: slower and faster need 7 complete "
                        "ones (2 comparisons of a probe), equivalent needs 6.");
    assert_part(verdicts, "against plain, which does not mean equal: no equivalence, and too few "
                          "blocks to show a difference of any size");
    assert_part(controls, "is equivalent to plain within 2 %");
    assert_part(first_of(seven, FINDING_VERDICT)->text, "path: tls is slower than plain");
}

/* Ten blocks of a probe that sends no bulk data, whose headline is not throughput: nothing slows
 * it, so the slowed channel is as fast as the baseline. */
static struct analysis *run_without_bulk(const char *definition, const char *metric, double tls) {
    static const char *const names[] = {"plain", "tls", "again", "slowed"};
    static const char scenario[] = "[scenario]\nname = s\nchannels = plain tls again slowed\n"
                                   "probes = delay\nbaseline = plain\n" CONTROLS;
    CLEANUP_FREE char *definitions = text_format(DEFINITIONS_HEADER "delay,%s\n", definition);
    struct draft_run draft = {NULL, NULL, 0};

    for (int block = 1; block <= 10; block++)
        for (int i = 0; i < (int)ARRAY_SIZE(names); i++) {
            draft_trial(&draft, block, names[i], "delay", "", "", "ok");
            draft_metric(&draft, metric,
                         (i == 1 ? tls : 1) * (10 + 0.01 * draft_noise(block + 100 * i)));
        }
    return draft_analyse(&draft, scenario, definitions, NULL);
}

static void assert_without_bulk(const char *definition, const char *metric, double tls,
                                const char *verdict) {
    CLEANUP(analysis_freep)
    struct analysis *analysis = run_without_bulk(definition, metric, tls);
    CLEANUP_FREE char *unsteady = sentences(analysis, FINDING_UNSTEADY);
    CLEANUP_FREE char *verdicts = sentences(analysis, FINDING_VERDICT);
    CLEANUP_FREE char *controls = sentences(analysis, FINDING_CONTROL);

    assert_string_equal(unsteady, "");
    assert_part(verdicts, verdict);
    assert_no_part(verdicts, "slowed");
    assert_part(controls, "Control passed, delay: again, ");
    assert_part(controls,
                "\nNo control on delay: slowed takes time away from senders of bulk data; "
                "this probe has none, so no difference is expected here.");
}

/* Slower is more time, and fewer a second; a probe on no rung has no positive control.
 */
static void test_no_bulk_data(void **state) {
    (void)state;
    assert_without_bulk("latency_p50,ms,lower,yes,median", "client2,receiver,latency_p50,ms", 1.25,
                        "delay: tls is slower than plain: latency p50 25.0 % higher (ratio 1.2");
    assert_without_bulk("latency_p50,ms,lower,yes,median", "client2,receiver,latency_p50,ms", 0.5,
                        "delay: tls is faster than plain: latency p50 50.0 % lower (ratio 0.5");
    assert_without_bulk("connections_per_s,1/s,higher,yes,rate",
                        "client2,receiver,connections_per_s,1/s", 0.5,
                        "delay: tls is slower than plain: connections per s 50.0 % lower (ratio");
}

/* ---- findings.csv ---- */

static void add_proofs(const char *run) {
    run_put(run, "proofs.csv",
            "block,attempt,channel,proof,expected,observed,cause,verdict\n"
            "1,1,tls,no-key,refused,refused,alert 40,held\n"
            "2,1,tls,no-key,refused,accepted,connack 0,broken\n");
}

static void test_file(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    CLEANUP_FREE char *text = NULL;

    (void)state;
    for (int block = 1; block <= 2; block++) {
        draft_value(&draft, block, "plain", "path", 100);
        draft_trial(&draft, block, "tls", "path", "", block == 1 ? "50" : "",
                    block == 1 ? "ok" : "failed");
    }
    analysis = draft_analyse(&draft, SCENARIO_OF("plain tls"), DEFINITIONS, add_proofs);
    text = draft_written(analysis, "findings.csv");
    assert_part(text, "kind,severity,probe,variant,channel,verdict,text\n"
                      "answer,info,,,,,No verdict: 1 complete block is too few.\n");
    assert_part(text, "\nlimit,warning,,,,,\"A single trial has no spread, hence no interval.\"\n");
    assert_part(text, "\nverdict,info,path,,tls,undecided,\"path: tls is undecided against plain");
    assert_part(text, "\ntrials,info,,,,,\"4 in 2 blocks: 3 ok, 1 failed\"\n"
                      "trials,warning,path,,tls,,1 failed (a reason)\n"
                      "proof,error,,,tls,broken,\"no-key: expected refused, observed accepted "
                      "(connack 0); held 1, broken 1 of 2 times.\"\n"
                      "channel,info,,,plain,,\n");
    assert_part(text, "\ntls,info,,,tls,,none\nlegend,info,");
}

/* ---- validity ---- */

static void test_drift(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    CLEANUP_FREE char *cautions = NULL;

    (void)state;
    for (int block = 1; block <= 20; block++) {
        draft_value(&draft, block, "plain", "path", 100 - block + draft_noise(block) / 10);
        draft_value(&draft, block, "again", "path", 100 + draft_noise(99 + block));
    }
    analysis = draft_analyse(&draft, SCENARIO_OF("plain again") "", DEFINITIONS, NULL);
    cautions = sentences(analysis, FINDING_CAUTION);
    assert_part(cautions,
                "Drift from the first trial to the last, as a share of the mean: path of plain "
                "by -21.");
    assert_no_part(cautions, "path of again by");
    assert_no_part(cautions, "all channels share it, so"); /* plain alone does */
    assert_part(cautions, "drift of only some does not.");
    assert_part(cautions,
                "Trials depend on those before them. path of plain: 20 correlated trials are "
                "worth about ");
}

/* Of fewer than ten trials a slope says nothing, however steep. */
static void test_no_drift_of_few(void **state) {
    for (int blocks = 9; blocks <= 10; blocks++) {
        struct draft_run draft = {NULL, NULL, 0};
        CLEANUP(analysis_freep) struct analysis *analysis = NULL;
        CLEANUP_FREE char *cautions = NULL;

        (void)state;
        for (int block = 1; block <= blocks; block++) {
            draft_value(&draft, block, "plain", "path", 100 - 9 * block);
            draft_value(&draft, block, "again", "path", 100 + draft_noise(99 + block));
        }
        analysis = draft_analyse(&draft, SCENARIO_OF("plain again"), DEFINITIONS, NULL);
        cautions = sentences(analysis, FINDING_CAUTION);
        if (blocks < 10)
            assert_no_part(cautions, "Drift");
        else
            assert_part(cautions, "path of plain by -160.4 %"); /* 81 of a mean of 50.5 */
    }
}

/* The number of blocks depended on what was measured: the errors are those of simulate. */
static void test_until(void **state) {
    CLEANUP(analysis_freep)
    struct analysis *analysis =
        run_of("[scenario]\nchannels = plain tls\nprobes = path\nbaseline = plain\n"
               "repetitions = until 1%\n",
               "plain tls", (const double[]){1, 1}, 0.001, 10);
    CLEANUP(analysis_freep)
    struct analysis *fixed =
        run_of(SCENARIO_OF("plain tls"), "plain tls", (const double[]){1, 1}, 0.001, 10);
    CLEANUP_FREE char *cautions = sentences(analysis, FINDING_CAUTION);
    CLEANUP_FREE char *others = sentences(fixed, FINDING_CAUTION);

    (void)state;
    assert_part(cautions, "The number of blocks depended on the data (until 1 %)");
    assert_no_part(others, "depended on the data");
}

static void test_order_and_controls(void **state) {
    CLEANUP(analysis_freep)
    struct analysis *analysis =
        run_of("[scenario]\nchannels = plain tls\nprobes = path\nbaseline = plain\n"
               "order = sequential\nrepetitions = 8\n",
               "plain tls", (const double[]){1, 1}, 0.01, 7);
    CLEANUP_FREE char *cautions = sentences(analysis, FINDING_CAUTION);

    (void)state;
    assert_part(cautions, "The order was sequential: drift cannot be told");
    assert_part(cautions, "No A/A control: ");
    assert_part(cautions, "The run is incomplete: 14 of 16 trials are there.");
}

static void add_telemetry(const char *run) {
    run_put(run, "telemetry.csv",
            "block,attempt,channel,sequence,due_utc,latency_ms,status\n"
            "1,1,plain,1,2026-11-22T08:30:00Z,1.5,delivered\n"
            "1,1,plain,2,2026-11-22T08:30:01Z,,lost\n"
            "2,1,plain,1,2026-11-22T08:30:02Z,1.5,delivered\n");
}

static void test_losses(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    CLEANUP_FREE char *cautions = NULL;

    (void)state;
    draft_value(&draft, 1, "plain", "path", 100);
    draft_metric(&draft, "client2,sender,retransmits,segments", 3);
    draft_metric(&draft, "client2,sender,segments_out,segments", 100);
    draft_trial(&draft, 1, "again", "path", "", "", "failed");
    draft_trial(&draft, 2, "plain", "path", "", "", "void");
    draft_value(&draft, 2, "again", "path", 100);
    analysis = draft_analyse(&draft, SCENARIO_OF("plain again"), DEFINITIONS, add_telemetry);
    cautions = sentences(analysis, FINDING_CAUTION);
    assert_part(cautions, "Not all trials are ok: of 4, 1 failed, 1 void;");
    assert_part(cautions, "path: 3.00 % of the segments were retransmitted.");
    assert_part(cautions, "1 of 3 telemetry messages were lost.");
    assert_int_equal(analysis->dataset->n_latencies, 2);
}

/* Eight of ten blocks fail at first, on one channel; then all is well. */
static void test_failed_at_first(void **state) {
    CLEANUP_FREE char *trials = text_copy(TRIALS_HEADER), *cautions = NULL;
    CLEANUP(run_removep) char *run = NULL;
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    struct error error = {""};

    (void)state;
    for (int block = 1; block <= 10; block++)
        for (int attempt = 1; attempt <= (block <= 8 ? 2 : 1); attempt++) {
            bool fails = block <= 8 && attempt == 1;

            draft_text(&trials, text_format(TRIAL("%d,%d,%d", "plain", "100", "ok", "")
                                                TRIAL("%d,%d,%d", "tls", "%s", "%s", "%s"),
                                            2 * block - 1, attempt, block, 2 * block, attempt,
                                            block, fails ? "" : "90",
                                            !fails       ? "ok"
                                            : block == 8 ? "void"
                                                         : "failed",
                                            !fails       ? ""
                                            : block == 1 ? "the broker ended"
                                                         : "gone"));
        }
    run = run_make(SCENARIO_OF("plain tls"), DEFINITIONS, trials, METRICS_HEADER);
    assert_int_equal(analysis_new(&analysis, run, &error), 0);
    cautions = sentences(analysis, FINDING_CAUTION);
    assert_no_part(cautions, "Not all trials are ok");
    assert_part(cautions, "Left out, because their block was measured again: path of tls, 8 "
                          "times (first: failed, the broker ended).");
    assert_no_part(cautions, "path of plain");
}

/* What the probe says of a trial that is ok. */
static void test_remarks(void **state) {
    CLEANUP(run_removep)
    char *run = run_make(SCENARIO_OF("plain tls"), DEFINITIONS,
                         TRIALS_HEADER TRIAL("1,1,1", "plain", "10", "ok", "")
                             TRIAL("2,1,1", "tls", "9", "ok", "the publisher was up to 3.2 s late")
                                 TRIAL("3,1,2", "plain", "10", "ok", "")
                                     TRIAL("4,1,2", "tls", "9", "ok", "3 of 9 messages were lost"),
                         METRICS_HEADER);
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    CLEANUP_FREE char *cautions = NULL;
    struct error error = {""};

    (void)state;
    assert_int_equal(analysis_new(&analysis, run, &error), 0);
    cautions = sentences(analysis, FINDING_CAUTION);
    assert_part(cautions,
                "Remarks on trials that are ok: path of tls, 2 trials (first: the publisher "
                "was up to 3.2 s late).");
}

static void test_nothing_to_say(void **state) {
    CLEANUP(analysis_freep)
    struct analysis *analysis =
        run_of(SCENARIO_OF("plain again"), "plain again", (const double[]){1, 1}, 0.002, 10);
    CLEANUP_FREE char *cautions = NULL;

    (void)state;
    cautions = sentences(analysis, FINDING_CAUTION);
    assert_string_equal(cautions, "");
    assert_part(first_of(analysis, FINDING_LOOKED)->text, "drift");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_drift_of_few),
        cmocka_unit_test(test_until),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_undecided),
        cmocka_unit_test(test_unsteady),
        cmocka_unit_test(test_resolution),
        cmocka_unit_test(test_control_without_an_interval),
        cmocka_unit_test(test_few_blocks),
        cmocka_unit_test(test_few_blocks_for_a_difference),
        cmocka_unit_test(test_no_bulk_data),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_drift),
        cmocka_unit_test(test_order_and_controls),
        cmocka_unit_test(test_losses),
        cmocka_unit_test(test_nothing_to_say),
        cmocka_unit_test(test_failed_at_first),
        cmocka_unit_test(test_remarks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
