/* estimate: what many devices take, from the costs of one. */
#include "run_analysis.h"

#include "analysis/estimate.h"
#include "near.h"

#define FLEET                                                                                      \
    "[scenario]\nname = f\nchannels = plain tls\nprobes = hold storm fleet\nbaseline = plain\n"
#define FLEET_DEFINITIONS                                                                          \
    DEFINITIONS_HEADER "hold,memory_per_connection,B,lower,yes,memory\n"                           \
                       "storm,time_99,s,lower,yes,time\n"                                          \
                       "fleet,delivered_rate,1/s,higher,yes,rate\n"

/* Costs of two trials, `spread` away from their mean each; `message`: us, `variant`: of fleet. */
struct drawn {
    const char *channel, *variant;
    double connect_us, connect_bytes, memory, message_us, message_bytes, hold_s, hold_bytes;
    double tau_s, spread;
    int trials;
};

static void draw_connections(struct draft_run *draft, const struct drawn *drawn) {
    for (int i = 0; i < drawn->trials; i++) {
        double k = 1 + (i % 2 ? drawn->spread : -drawn->spread);

        draft_trial(draft, i + 1, drawn->channel, "hold", "", "", "ok");
        draft_metric(draft, "broker,mosquitto,memory_per_connection,B", k * drawn->memory);
        draft_metric(draft, "broker,mosquitto,memory_per_connection_low,B", 0.9 * drawn->memory);
        draft_metric(draft, "broker,mosquitto,memory_per_connection_high,B", 1.2 * drawn->memory);
        draft_metric(draft, "broker,mosquitto,keepalive_cpu_per_hour,s", k * drawn->hold_s);
        draft_metric(draft, "broker,mosquitto,keepalive_bytes_per_hour,B", k * drawn->hold_bytes);
        draft_trial(draft, i + 1, drawn->channel, "storm", "", "", "ok");
        draft_metric(draft, "broker,mosquitto,connect_cpu,us", k * drawn->connect_us);
        draft_metric(draft, "broker,mosquitto,connect_bytes,B", k * drawn->connect_bytes);
        draft_metric(draft, "client2,fleet,time_99,s", 1);
    }
}

static void draw_messages(struct draft_run *draft, const struct drawn *drawn) {
    for (int i = 0; i < drawn->trials; i++) {
        double k = 1 + (i % 2 ? drawn->spread : -drawn->spread);

        draft_trial(draft, i + 1, drawn->channel, "fleet", drawn->variant, "", "ok");
        draft_metric(draft, "broker,mosquitto,broker_cpu_per_message,us", k * drawn->message_us);
        draft_metric(draft, "broker,mosquitto,message_bytes,B", k * drawn->message_bytes);
        draft_metric(draft, "client2,clients,clients_up,connections", 50); /* of one host */
        draft_metric(draft, "client2,fleet,clients_up,connections", 100);
        draft_metric(draft, "client2,fleet,published_rate,1/s", 100 / drawn->tau_s);
        draft_metric(draft, "client2,fleet,delivered_rate,1/s", 1);
    }
}

static void draw(struct draft_run *draft, const struct drawn *drawn) {
    draw_connections(draft, drawn);
    draw_messages(draft, drawn);
}

static const struct drawn plain = {"plain", "", 200, 700, 4096, 40, 200, 0.036, 3600, 2, 0.01, 2};

static struct estimate *make(const struct analysis *analysis, const char *const words[],
                             struct estimate_settings *settings) {
    struct error error = {""};

    for (size_t i = 0; i < estimate_group.n_rows && words[i]; i++)
        if (setting_assign(&estimate_group.rows[i], settings, words[i], &error) < 0)
            fail_msg("%s", error.text);
    return estimate_new(analysis->summary, settings);
}

/* The last row of a quantity of a channel: that of all devices. */
static const struct estimate_row *last(const struct estimate *estimate, const char *channel,
                                       const char *quantity) {
    for (size_t i = estimate->n; i-- > 0;)
        if (text_equal(estimate->rows[i].channel, channel) &&
            text_equal(estimate->rows[i].quantity, quantity))
            return &estimate->rows[i];
    fail_msg("no %s of %s", quantity, channel);
    return NULL;
}

static void is_row(const struct estimate *estimate, const char *quantity, double value,
                   double half) {
    const struct estimate_row *row = last(estimate, "plain", quantity);

    near(row->value, value, 1e-9 * value);
    near(row->ci_low, value - half, 1e-7 * value);
    near(row->ci_high, value + half, 1e-7 * value);
}

#define ESTIMATE(name, ...)                                                                        \
    struct estimate_settings *settings = setting_block_new(&estimate_group);                       \
    CLEANUP(estimate_freep)                                                                        \
    struct estimate *name = make(analysis, (const char *const[]){__VA_ARGS__, NULL}, settings)

static void test_model(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    /* Two values 1 % around their mean: sd = 0.01 sqrt 2, t(0.975; 1) = 12.7062047, by sqrt 2. */
    const double share = 12.70620473617471 * 0.01;
    double cpu_message = 1e5 / 4 * 40e-6, cpu_connect = 1e5 / 3600 * 200e-6;
    double cpu_hold = (1e5 - 2 * 1e5 / 4) * 0.036 / 3600;
    double bytes[] = {1e5 / 4 * 200, 1e5 / 3600 * 700, (1e5 - 2 * 1e5 / 4) * 1};

    (void)state;
    draw(&draft, &plain);
    analysis = draft_analyse(&draft, FLEET, FLEET_DEFINITIONS, NULL);
    ESTIMATE(estimate, "100000", "4s", "1/h", "4", "200MiB", "50%");
    assert_string_equal(estimate->missing, "");
    is_row(estimate, "cores", 2 * (cpu_message + cpu_connect + cpu_hold),
           2 * share *
               sqrt(cpu_message * cpu_message + cpu_connect * cpu_connect + cpu_hold * cpu_hold));
    near(last(estimate, "plain", "brokers")->value, 4, 0); /* of 3.01 */
    near(last(estimate, "plain", "brokers")->ci_low, 3, 0);
    near(last(estimate, "plain", "machines")->value, 2, 0); /* 390.6 MiB */
    is_row(estimate, "memory", 1e5 * 4096, share * 1e5 * 4096);
    is_row(estimate, "bandwidth", 8e-6 * (bytes[0] + bytes[1] + bytes[2]),
           8e-6 * share * hypot(hypot(bytes[0], bytes[1]), bytes[2]));
    is_row(estimate, "storm_time", 1e5 * 200e-6 / 4, share * 1e5 * 200e-6 / 4);
    assert_true(isnan(last(estimate, "tls", "cores")->value)); /* has no trial */
    setting_block_free(&estimate_group, settings);
}

/* At the interval of the run its keep-alive is in the cost of a message, and not counted again. */
static void test_keepalive_counts_once(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;

    (void)state;
    draw(&draft, &plain);
    analysis = draft_analyse(&draft, FLEET, FLEET_DEFINITIONS, NULL);
    ESTIMATE(estimate, "1000", "2s", "0/day");
    is_row(estimate, "cores", 500 * 40e-6, 12.70620473617471 * 0.01 * 500 * 40e-6);
    is_row(estimate, "bandwidth", 500 * 200 * 8e-6, 12.70620473617471 * 0.01 * 500 * 200 * 8e-6);
    setting_block_free(&estimate_group, settings);
}

/* One trial has no interval over trials: the probe's own counts, where it gives one. */
static void test_one_trial(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    struct drawn one = plain;

    (void)state;
    one.trials = 1;
    one.spread = 0;
    draw(&draft, &one);
    analysis = draft_analyse(&draft, FLEET, FLEET_DEFINITIONS, NULL);
    ESTIMATE(estimate, "10", "1s");
    near(last(estimate, "plain", "memory")->value, 40960, 1e-6);
    near(last(estimate, "plain", "memory")->ci_low, 36864, 1e-6);
    near(last(estimate, "plain", "memory")->ci_high, 49152, 1e-6);
    assert_true(isnan(last(estimate, "plain", "cores")->ci_low));
    assert_false(isnan(last(estimate, "plain", "cores")->value));
    near(last(estimate, "plain", "brokers")->value, 1, 0);
    setting_block_free(&estimate_group, settings);
}

/* Of several variants the dearest counts, with the messages of that one. */
static void test_variants(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    struct drawn small = plain, large = plain;

    (void)state;
    small.variant = "payload=30B";
    large.variant = "payload=64KiB";
    large.message_us = 400;
    large.message_bytes = 66000;
    draw(&draft, &large);
    draw_messages(&draft, &small);
    analysis = draft_analyse(&draft, FLEET, FLEET_DEFINITIONS, NULL);
    ESTIMATE(estimate, "1000", "2s", "0/day");
    near(last(estimate, "plain", "cores")->value, 500 * 400e-6, 1e-9);
    near(last(estimate, "plain", "bandwidth")->value, 500 * 66000 * 8e-6, 1e-6);
    setting_block_free(&estimate_group, settings);
}

/* Of several rates the one counts that is nearest to what one broker gets. */
static void test_rates(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    struct drawn slow = plain, fast = plain;

    (void)state;
    slow.variant = "rate=100";
    slow.tau_s = 1;
    slow.message_us = 90;
    fast.variant = "rate=20000";
    fast.tau_s = 100 / 20000.0;
    draw(&draft, &slow);
    draw_messages(&draft, &fast);
    analysis = draft_analyse(&draft, FLEET, FLEET_DEFINITIONS, NULL);
    {
        ESTIMATE(estimate, "1000", "1s", "0/day"); /* nearer to 100, by factors */
        near(last(estimate, "plain", "cores")->value, 1000 * 90e-6, 1e-9);
        setting_block_free(&estimate_group, settings);
    }
    {
        ESTIMATE(estimate, "100000", "1s", "0/day"); /* of 9 brokers at the slow cost, 5 at this */
        near(last(estimate, "plain", "cores")->value,
             1e5 * 40e-6 + (1e5 - 1e5 * fast.tau_s) * 0.036 / 3600, 1e-6);
        near(last(estimate, "plain", "brokers")->value, 5, 0);
        setting_block_free(&estimate_group, settings);
    }
}

static void test_missing(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;

    (void)state;
    draft_trial(&draft, 1, "plain", "hold", "", "", "ok");
    draft_metric(&draft, "broker,mosquitto,memory_per_connection,B", 4096);
    analysis = draft_analyse(&draft, FLEET, FLEET_DEFINITIONS, NULL);
    ESTIMATE(estimate, "10", "1s");
    assert_string_equal(estimate->missing,
                        "connect_cpu connect_bytes broker_cpu_per_message message_bytes "
                        "keepalive_cpu_per_hour keepalive_bytes_per_hour");
    assert_true(isnan(last(estimate, "plain", "cores")->value));
    assert_true(isnan(last(estimate, "plain", "brokers")->value));
    setting_block_free(&estimate_group, settings);
}

/* For a figure: fewer devices, each number once, up to all of them. */
static void test_series(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    int64_t before = 0;
    size_t n = 0;

    (void)state;
    draw(&draft, &plain);
    analysis = draft_analyse(&draft, FLEET, FLEET_DEFINITIONS, NULL);
    ESTIMATE(estimate, "12", "1s");
    for (size_t i = 0; i < estimate->n; i++) {
        const struct estimate_row *row = &estimate->rows[i];

        if (!text_equal(row->channel, "plain") || !text_equal(row->quantity, "memory"))
            continue;
        assert_true(row->devices > before);
        near(row->value, 4096 * (double)row->devices, 1e-6);
        before = row->devices;
        n++;
    }
    assert_int_equal(before, 12);
    assert_int_equal(n, 4); /* 1, 2, 6, 12 */
    setting_block_free(&estimate_group, settings);
}

static void test_reconnects(void **state) {
    static const char *const wrong[] = {"",      "1",       "/day",   "1/",    "1/year", "-1/day",
                                        "x/day", "nan/day", "1/day ", "inf/s", "1//day", "1e9/s"};
    static const struct {
        const char *text;
        double per_s;
    } right[] = {{"1/day", 1 / 86400.0}, {"1/d", 1 / 86400.0}, {"0/day", 0},
                 {"2.5/h", 2.5 / 3600},  {"1/min", 1 / 60.0},  {"3/s", 3},
                 {"7/week", 1 / 86400.0}};
    struct error error;
    double per_s = -1;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_true(estimate_reconnects(wrong[i], &per_s, &error) < 0);
        assert_part(error.text, "'");
        near(per_s, -1, 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
        assert_int_equal(estimate_reconnects(right[i].text, &per_s, &error), 0);
        near(per_s, right[i].per_s, 1e-15);
        per_s = -1;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),     cmocka_unit_test(test_keepalive_counts_once),
        cmocka_unit_test(test_one_trial), cmocka_unit_test(test_variants),
        cmocka_unit_test(test_rates),     cmocka_unit_test(test_missing),
        cmocka_unit_test(test_series),    cmocka_unit_test(test_reconnects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
