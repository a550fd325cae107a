/* ladder: shares of the path and what each rung takes, block by block, and what that costs. */
#include "run_analysis.h"

#define LADDER                                                                                     \
    "[scenario]\nname = l\nchannels = plain tls\nprobes = delivery path transport connect\n"       \
    "baseline = plain\n"
#define LADDER_DEFINITIONS                                                                         \
    DEFINITIONS "transport,throughput,Mbit/s,higher,yes,inside\n"                                  \
                "delivery,throughput,Mbit/s,higher,yes,through\n"                                  \
                "connect,delay,ms,lower,yes,how long\n"

static const struct ladder_step *find(const struct analysis *analysis, const char *probe,
                                      const char *channel) {
    for (size_t i = 0; i < analysis->ladder->n; i++) {
        const struct ladder_step *step = &analysis->ladder->list[i];

        if (text_equal(analysis->dataset->probes[step->probe].name, probe) &&
            text_equal(analysis->dataset->channels[step->channel].name, channel))
            return step;
    }
    fail_msg("no step %s of %s", probe, channel);
    return NULL;
}

/* Blocks of very different speed, always in the proportion 100 : 80 : 20, one without delivery. */
static struct analysis *climb(void) {
    struct draft_run draft = {NULL, NULL, 0};

    for (int block = 1; block <= 4; block++) {
        double speed = 100 * block;

        draft_value(&draft, block, "plain", "path", speed);
        draft_metric(&draft, "client2,sender,cpu_share,%", 30);
        draft_metric(&draft, "broker,host,busy_share,%", 60);
        draft_value(&draft, block, "plain", "transport", speed * 0.8);
        draft_metric(&draft, "client2,sender,cpu_share,%", 99);
        draft_metric(&draft, "broker,receiver,cpu_share,%", 40);
        draft_metric(&draft, "client2,sender,wire_per_payload,B/B", 1.04);
        draft_metric(&draft, "client2,sender,wire_per_payload_theory,B/B", 1.036);
        draft_trial(&draft, block, "plain", "delivery", "", block == 2 ? "" : "20",
                    block == 2 ? "failed" : "ok");
        draft_metric(&draft, "broker,mosquitto,cpu_share,%", 5);
    }
    return draft_analyse(&draft, LADDER, LADDER_DEFINITIONS, NULL);
}

static bool near(double a, double b) {
    return fabs(a - b) < 1e-9 * fabs(b) + 1e-12;
}

static void test_shares(void **state) {
    CLEANUP(analysis_freep) struct analysis *analysis = climb();
    const struct ladder_step *path = find(analysis, "path", "plain");
    const struct ladder_step *transport = find(analysis, "transport", "plain");
    const struct ladder_step *delivery = find(analysis, "delivery", "plain");

    (void)state;
    assert_ptr_equal(path, &analysis->ladder->list[0]); /* from rung to rung, not as planned */
    assert_ptr_equal(transport, &analysis->ladder->list[1]);
    assert_true(near(path->throughput.mean, 250));
    assert_true(near(path->of_path.mean, 1) && isnan(path->of_path.low));
    assert_true(isnan(path->lost.mean));
    assert_string_equal(path->limit, "not a processor");
    assert_string_equal(delivery->limit, "not known"); /* nothing of its host */
    assert_string_equal(find(analysis, "path", "tls")->limit, "");
    assert_true(near(transport->of_path.mean, 0.8) && near(transport->of_path.low, 0.8));
    assert_true(near(transport->lost.mean, 0.2));
    assert_int_equal(delivery->of_path.n, 3); /* 20/100, 20/300, 20/400 */
    assert_true(near(delivery->of_path.mean, (0.2 + 20.0 / 300 + 0.05) / 3));
    assert_true(near(delivery->lost.mean, 0.8 - (0.2 + 20.0 / 300 + 0.05) / 3));
    assert_true(delivery->of_path.low < delivery->of_path.mean);
}

/* A run has one 95 % interval of a mean: that of ladder.csv is that of summary.csv. */
static void test_same_interval_as_summary(void **state) {
    CLEANUP(analysis_freep) struct analysis *analysis = climb();

    (void)state;
    for (size_t i = 0; i < analysis->ladder->n; i++) {
        const struct ladder_step *step = &analysis->ladder->list[i];
        const struct summary_row *row =
            find_headline(analysis->summary, step->probe, step->channel, step->variant);

        assert_int_equal(step->throughput.n, row->statistics.n);
        if (step->throughput.n < 2)
            continue;
        assert_true(near(step->throughput.low, row->statistics.ci_low));
        assert_true(near(step->throughput.high, row->statistics.ci_high));
    }
}

static void test_costs(void **state) {
    CLEANUP(analysis_freep) struct analysis *analysis = climb();
    const struct ladder_step *transport = find(analysis, "transport", "plain");
    const struct ladder_step *delivery = find(analysis, "delivery", "plain");

    (void)state;
    /* 80 Mbit/s are 0.01 GB/s: 99 % of a core make 99 s/GB; a half, a third, a quarter of that at
     * 160, 240 and 320 Mbit/s. */
    assert_true(near(transport->cpu[LADDER_SENDER].mean, 99 * 25.0 / 48));
    assert_true(near(transport->cpu[LADDER_RECEIVER].mean, 40 * 25.0 / 48));
    assert_true(isnan(transport->cpu[LADDER_BROKER].mean));
    assert_true(near(delivery->cpu[LADDER_BROKER].mean, 20));
    assert_true(near(transport->wire.mean, 1.04) && near(transport->wire_theory, 1.036));
    assert_string_equal(transport->limit, "sender's processor");
    assert_string_equal(find(analysis, "path", "plain")->limit, "not a processor");
}

/* A processor that no process fills alone: three at 66 % on two cores, a quota, another's work. */
static void test_limits(void **state) {
    static const struct {
        const char *metrics[4];
        double values[4];
        const char *limit;
    } cases[] = {
        {{"client2,sender,cpu_share,%", "broker,host,busy_share,%"},
         {66, 99},
         "all cores of the broker's host"},
        {{"client2,sender,cpu_share,%", "broker,host,busy_share,%", "client2,host,busy_share,%"},
         {66, 30, 90},
         "all cores of the publisher's host"},
        {{"broker,mosquitto,cpu_share,%", "broker,host,busy_share,%",
          "broker,host,throttled_share,%"},
         {20, 30, 97},
         "CPU quota of the broker's host"},
        {{"broker,mosquitto,cpu_share,%", "broker,host,busy_share,%",
          "client2,host,throttled_share,%"},
         {95, 30, 50},
         "broker's processor, CPU quota of the publisher's host"},
        {{"client2,sender,cpu_share,%", "broker,host,busy_share,%",
          "broker,host,throttled_share,%"},
         {66, 89, 49},
         "not a processor"},
        {{"client2,sender,cpu_share,%"}, {66}, "not known"},
        {{"broker,host,busy_share,%"}, {50}, "not known"},
        {{"broker,host,busy_share,%"}, {95}, "all cores of the broker's host"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(analysis_freep) struct analysis *analysis = NULL;
        struct draft_run draft = {NULL, NULL, 0};
        const struct ladder_step *step;

        for (int block = 1; block <= 3; block++) {
            draft_value(&draft, block, "plain", "path", 100);
            draft_value(&draft, block, "plain", "transport", 90);
            for (size_t j = 0; j < 4 && cases[i].metrics[j]; j++)
                draft_metric(&draft, cases[i].metrics[j], cases[i].values[j]);
        }
        analysis = draft_analyse(&draft, LADDER, LADDER_DEFINITIONS, NULL);
        step = find(analysis, "transport", "plain");
        assert_string_equal(step->limit, cases[i].limit);
    }
}

static void test_file(void **state) {
    CLEANUP(analysis_freep) struct analysis *analysis = climb();
    CLEANUP_FREE char *text = draft_written(analysis, "ladder.csv");

    (void)state;
    assert_part(text, "channel,variant,probe,blocks,mbit_s,");
    assert_part(text, "\nplain,,transport,4,200,");
    assert_part(text, ",1.04,1.04,1.04,1.036,sender's processor\n");
    assert_part(text, "\ntls,,path,0,,,,,,,,,,,,,,,,,,,,,,,,,,\n"); /* nothing was measured */
    assert_no_part(text, "nan");
}

static void test_no_ladder(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;

    (void)state;
    draft_value(&draft, 1, "plain", "path", 100);
    analysis = draft_analyse(&draft, SCENARIO, DEFINITIONS, NULL);
    assert_int_equal(analysis->ladder->n, 0); /* a path alone */
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares), cmocka_unit_test(test_same_interval_as_summary),
        cmocka_unit_test(test_costs),  cmocka_unit_test(test_limits),
        cmocka_unit_test(test_file),   cmocka_unit_test(test_no_ladder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
