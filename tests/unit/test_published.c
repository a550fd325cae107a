/* analysis/published: which metrics, ratios and channels published values belong to, what stands
 * beside them, and what is said of it. */
#include "run_analysis.h"

#define SCENARIO_OF_THREE                                                                          \
    "[scenario]\nname = small\nchannels = plain tls pq\nprobes = connect\nrepetitions = 4\n"
#define CONNECT                                                                                    \
    "probe,metric,unit,better,headline,help,rung,sender,receiver\n"                                \
    "connect,rate,1/s,higher,yes,how often,,c.c,c.c\nconnect,tls_time,ms,lower,no,TLS's part,,,\n" \
    "connect,cpu_s,s,lower,no,CPU time,,,\n"

/* Four blocks; the time is 1, 2 and 2.5 ms but for noise that a block has for all. pq may be
 * skipped. */
static struct analysis *run_against(const char *baseline, const char *references, bool skipped) {
    static const char *const channels[] = {"plain", "tls", "pq"};
    static const double times[] = {1, 2, 2.5};
    CLEANUP_FREE char *scenario =
        text_format("%sbaseline = %s\n[reference]\n%s", SCENARIO_OF_THREE, baseline, references);
    struct draft_run draft = {NULL, NULL, 0};

    for (int block = 1; block <= 4; block++)
        for (size_t i = 0; i < 3; i++) {
            double noise = 1 + 0.01 * draft_noise(block) + 0.001 * draft_noise(9 * block + (int)i);

            if (skipped && i == 2) {
                draft_trial(&draft, block, channels[i], "connect", "", "", "skipped");
                continue;
            }
            draft_trial(&draft, block, channels[i], "connect", "", "", "ok");
            draft_metric(&draft, "client2,client,rate,1/s", 100 / times[i]);
            draft_metric(&draft, "client2,client,tls_time,ms", times[i] * noise);
            draft_metric(&draft, "client2,client,cpu_s,s", 3);
            draft_metric(&draft, "broker,mosquitto,cpu_s,s", 4);
        }
    return draft_analyse(&draft, scenario, CONNECT, NULL);
}

static struct analysis *run_of(const char *references, bool skipped) {
    return run_against("plain", references, skipped);
}

/* The sentences of the kind, a line each; the caller's. */
static char *sentences(const struct analysis *analysis, enum finding_kind kind) {
    char *text = text_copy("");

    for (size_t i = 0; i < analysis->findings->n; i++)
        if (analysis->findings->list[i].kind == kind)
            text_append(&text, "\n", analysis->findings->list[i].text);
    return text;
}

static void test_value_of_a_metric(void **state) {
    CLEANUP(analysis_freep)
    struct analysis *analysis = run_of("source = there\nconnect.tls_time.tls = 2\n"
                                       "connect.client2.client.cpu_s.pq = 31\n",
                                       false);
    CLEANUP_FREE char *rows = draft_written(analysis, "references.csv"),
                      *summary = draft_written(analysis, "summary.csv"),
                      *said = sentences(analysis, FINDING_PUBLISHED);

    (void)state;
    assert_int_equal(analysis->published->n, 6);
    assert_part(rows,
                "probe,variant,channel,metric,unit,baseline,trials,mean,ci_low,ci_high,median,"
                "sd,blocks,ratio,ratio_low,ratio_high,reference,comparable,reference_ratio,"
                "comparable_ratio\nconnect,,plain,client2.client.tls_time,ms,plain,4,");
    assert_part(rows, ",0,1,,,,,,\nconnect,,tls,client2.client.tls_time,ms,plain,4,");
    assert_part(rows, ",2,yes,,\nconnect,,pq,client2.client.tls_time,ms,plain,4,");
    assert_part(rows, "connect,,pq,client2.client.cpu_s,s,plain,4,3,3,3,3,0,4,1,1,1,31,no,,\n");
    assert_part(summary, "connect,pq,,client2.client.cpu_s,s,4,0,0,3,3,3,3,3,3,0,,,,,,31\n");
    assert_part(said, "connect: tls time of tls: published 2 ms, measured ");
    assert_part(said, ", 4 blocks): the published one is within this interval.\n");
    assert_part(said, "connect: client2.client.cpu s of pq: published 31 s, measured 3 s (95 % CI "
                      "3 to 3, 4 blocks): more than ten times apart: not comparable.\n"
                      "Published in: there.");
}

/* Ratios are made within blocks: what a block has for all channels cancels. */
static void test_ratio(void **state) {
    CLEANUP(analysis_freep)
    struct analysis *analysis = run_of("ratio.connect.tls_time.pq.tls = 1.5\n", false);
    CLEANUP_FREE char *rows = draft_written(analysis, "references.csv"),
                      *said = sentences(analysis, FINDING_PUBLISHED);
    const struct published_row *pq = &analysis->published->list[2];

    (void)state;
    assert_int_equal(analysis->published->n, 3);
    assert_int_equal(pq->blocks, 4);
    assert_true(fabs(pq->ratio - 1.25) < 0.002);
    assert_true(pq->ratio_low > 1.24 && pq->ratio_low < pq->ratio);
    assert_true(pq->ratio_high < 1.26 && pq->ratio_high > pq->ratio);
    assert_true(isnan(pq->reference) && pq->reference_ratio == 1.5);
    assert_part(rows, ",4,1.24966089,");
    assert_part(rows, ",,,1.5,yes\n");
    assert_part(said, "connect: tls time of pq to tls: published ratio 1.5, measured 1.250 (");
    assert_part(said, ", 4 blocks): the measured one is lower.");
    assert_no_part(said, "Published in");
}

/* What the table of headline metrics has is not said twice. */
static void test_headline(void **state) {
    CLEANUP(analysis_freep)
    struct analysis *analysis = run_of("connect.plain = 90\nconnect.rate.tls = 40\n"
                                       "ratio.connect.rate.tls.plain = 0.5\n"
                                       "ratio.connect.rate.pq.tls = 0.7\n",
                                       false);
    CLEANUP_FREE char *rows = draft_written(analysis, "references.csv"),
                      *table = draft_written(analysis, "table.csv"),
                      *comparisons = draft_written(analysis, "comparisons.csv"),
                      *said = sentences(analysis, FINDING_PUBLISHED);

    (void)state;
    assert_no_part(rows, ",rate,1/s,plain,");
    assert_part(rows, "connect,,pq,rate,1/s,tls,4,40,40,40,40,0,4,0.8,0.8,0.8,,,0.7,yes\n");
    assert_part(table, ",90,yes,,\n");
    assert_part(table, ",40,yes,0.5,yes\n");
    assert_part(comparisons, "connect,,rate,tls,plain,4,0.5,");
    assert_part(comparisons, ",0.5\n");
    assert_part(comparisons, ",0.7\n");
    assert_part(said, "connect: rate of tls to plain: published ratio 0.5, measured 0.500 (95 % CI "
                      "0.500 to 0.500, 4 blocks): the published one is within this interval.\n");
    assert_part(said, "connect: rate of pq to tls: published ratio 0.7, measured 0.800 (95 % CI "
                      "0.800 to 0.800, 4 blocks): the measured one is higher.");
    assert_no_part(said, "rate of plain");
}

/* Without a baseline a published value is no ratio to one. */
static void test_no_baseline(void **state) {
    CLEANUP(analysis_freep)
    struct analysis *analysis =
        run_against("", "connect.plain = 90\nratio.connect.rate.tls.plain = 0.5\n", false);
    CLEANUP_FREE char *rows = draft_written(analysis, "references.csv"),
                      *table = draft_written(analysis, "table.csv");

    (void)state;
    assert_part(table, ",90,yes,,\n");
    assert_part(rows, "connect,,tls,rate,1/s,plain,4,50,50,50,50,0,4,0.5,0.5,0.5,,,0.5,yes\n");
}

static void test_not_measured(void **state) {
    CLEANUP(analysis_freep)
    struct analysis *analysis =
        run_of("connect.tls_time.pq = 3\nratio.connect.tls_time.pq.tls = 1.25\n", true);
    CLEANUP_FREE char *said = sentences(analysis, FINDING_PUBLISHED);

    (void)state;
    assert_part(said, "connect: tls time of pq: published 3 ms, not measured here.\n");
    assert_part(said, "connect: tls time of pq to tls: published ratio 1.25, not measured here.");
}

/* Whoever wrote the scenario of a run: what the run does not have is passed over, what could be of
 * two processes is told. */
static void test_strange(void **state) {
    CLEANUP(analysis_freep)
    struct analysis *analysis =
        run_of("connect.nothing.tls = 1\nother.tls_time.tls = 1\nconnect.tls_time.other = 1\n"
               "ratio.connect.tls_time.tls.other = 1\nconnect..tls = 1\nconnect.a.b.c.d.e.tls = 1\n"
               "connect.lient2.client.tls_time.tls = 1\nratio.....= 1\nconnect.cpu_s.tls = 1\n"
               "ratio.connect.tls_time.tls.tls = 0\n",
               false);
    CLEANUP_FREE char *said = sentences(analysis, FINDING_PUBLISHED),
                      *warnings = sentences(analysis, FINDING_WARNING);

    (void)state;
    assert_int_equal(analysis->published->n, 3);
    assert_string_equal(said, "connect: tls time of tls to tls: published ratio 0, measured 1.000: "
                              "more than ten times apart: not comparable.");
    assert_string_equal(warnings, "scenario.ini:16: [reference]: several processes have a cpu_s; "
                                  "name one, as broker.mosquitto.cpu_s");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value_of_a_metric), cmocka_unit_test(test_ratio),
        cmocka_unit_test(test_headline),          cmocka_unit_test(test_no_baseline),
        cmocka_unit_test(test_not_measured),      cmocka_unit_test(test_strange),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
