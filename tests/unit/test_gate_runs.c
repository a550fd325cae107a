/* gate_runs: which runs measured the same, what differs of them, and what of them is judged. */
#include "analysis/gate_runs.h"

#include "run_folder.h"

#include <errno.h>

#define RUNS   5 /* the first is judged */
#define BLOCKS 6

#define SETTINGS                                                                                   \
    "[scenario]\nname = small\nchannels = plain mutual-tls\nprobes = path fleet\n"                 \
    "repetitions = 6\nbaseline = plain\norder = shuffled\n"                                        \
    "[hosts]\naddress =\ncongestion = cubic\nfolder = bench\nmeter =\n[lab]\nrate = 1Mbit/s\n"     \
    "[broker]\nmax_inflight = 100\n[fleet]\nclients = 1000\n[telemetry]\ninterval = 3s\n"          \
    "[probe.path]\nduration = 10s\n[probe.fleet]\nqos = 0\n[probe.delivery]\nqos = 0\n"            \
    "[channel.plain]\nuse =\n[channel.mutual-tls]\nuse = tls certificate\n"
#define METRICS                                                                                    \
    DEFINITIONS "fleet,throughput,Mbit/s,higher,yes,\"of all\"\n"                                  \
                "fleet,limit_s,s,none,no,\"of a connection\"\n"                                    \
                "connect,connections,1/s,higher,yes,all\n"

struct runs {
    char *folders[RUNS];
};

/* A trial of each probe and channel in each block; of path one a variant. `zero`: what path has on
 * mutual-tls in the last block is 0. */
static void put_trials(const char *run, double level, const char *variants, bool zero) {
    CLEANUP_FREE char *trials = text_copy(TRIALS_HEADER), *metrics = text_copy(METRICS_HEADER);
    const char *rungs = *variants ? variants : "path";
    int trial = 0;

    for (int block = 1; block <= BLOCKS; block++)
        for (int secured = 0; secured < 2; secured++) {
            CLEANUP_FREE char *words = text_format("fleet %s", rungs);
            const char *cursor = words, *word;
            size_t length;

            while ((word = text_next_word(&cursor, &length))) {
                bool is_fleet = strncmp(word, "fleet", length) == 0;
                double value = (secured ? 9 : 10) * level * (1 + 0.001 * (block + secured));
                CLEANUP_FREE char *row = text_format(
                    "%d,1,%d,1,%s,%s,%.*s,2026-11-22T08:30:00Z,,,%g,ok,,,,\n", ++trial, block,
                    secured ? "mutual-tls" : "plain", is_fleet ? "fleet" : "path",
                    is_fleet || !*variants ? 0 : (int)length, word,
                    zero && secured && !is_fleet && block == BLOCKS ? 0 : value);
                CLEANUP_FREE char *more =
                    text_format("%d,1,client2,sender,cpu_s,s,%g\n%d,1,client2,sender,limit_s,s,1\n",
                                trial, value / 10, trial);

                text_append(&trials, "", row);
                text_append(&metrics, "", more);
            }
        }
    run_put(run, "trials.csv", trials);
    run_put(run, "metrics.csv", metrics);
}

/* The kernels of the broker's host and the other's, and the broker's version. */
static void put_hosts(const char *run, const char *first, const char *second,
                      const char *mosquitto) {
    CLEANUP_FREE char *text =
        text_format("{\"hosts\": [{\"spec\": \"lab:a\", \"processors\": 2, \"kernel\": \"%s\","
                    " \"versions\": {\"mosquitto\": \"%s\"}},"
                    " {\"spec\": \"lab:b\", \"processors\": 2, \"kernel\": \"%s\","
                    " \"versions\": {\"mosquitto\": \"%s\"}}]}\n",
                    first, mosquitto, second, mosquitto);

    run_put(run, "environment.json", text);
}

static void put_setting(const char *run, const char *old, const char *new) {
    const char *at = strstr(SETTINGS, old);
    CLEANUP_FREE char *text = NULL;

    assert_non_null(at);
    text = text_format("%.*s%s%s", (int)(at - SETTINGS), SETTINGS, new, at + strlen(old));
    run_put(run, "scenario.ini", text);
}

static int setup(void **state) {
    static const double levels[RUNS] = {1, 1.001, 0.999, 1.002, 1};
    struct runs *runs = memory_new(1, sizeof(*runs));

    for (size_t i = 0; i < RUNS; i++) {
        runs->folders[i] = run_make(SETTINGS, METRICS, NULL, NULL);
        put_hosts(runs->folders[i], "6.12", "6.12", "2.0.2");
        put_trials(runs->folders[i], levels[i], "", false);
    }
    *state = runs;
    return 0;
}

static int teardown(void **state) {
    struct runs *runs = *state;

    for (size_t i = 0; i < RUNS; i++)
        run_remove(runs->folders[i]);
    free(runs);
    return 0;
}

/* Of these metrics, or of all headline metrics. */
static int ask(const struct runs *runs, const char *const *metrics, size_t n_metrics,
               struct gate_answer **ret, struct error *error) {
    struct gate_question question = {.run = runs->folders[0],
                                     .baselines = (const char *const *)runs->folders + 1,
                                     .n_baselines = RUNS - 1,
                                     .metrics = metrics,
                                     .n_metrics = n_metrics,
                                     .margin = 0.05};

    return gate_answer_new(ret, &question, error);
}

static struct gate_answer *answer_of(const struct runs *runs, const char *const *metrics,
                                     size_t n_metrics) {
    struct gate_answer *answer = NULL;
    struct error error = {""};

    if (ask(runs, metrics, n_metrics, &answer, &error) != 0)
        fail_msg("%s", error.text);
    return answer;
}

static void assert_differences(const struct runs *runs, const char *expected) {
    CLEANUP(gate_answer_freep) struct gate_answer *answer = answer_of(runs, NULL, 0);

    assert_string_equal(answer->differences, expected);
}

static void assert_refused(const struct runs *runs, const char *metric, const char *words) {
    struct gate_answer *answer = NULL;
    struct error error = {""};

    assert_int_equal(ask(runs, &metric, metric ? 1 : 0, &answer, &error), -EINVAL);
    if (!strstr(error.text, words))
        fail_msg("'%s' is not in '%s'", words, error.text);
}

/* ---- the same experiment ---- */

static void test_nothing_differs(void **state) {
    CLEANUP(gate_answer_freep) struct gate_answer *answer = answer_of(*state, NULL, 0);

    assert_string_equal(answer->differences, "");
    assert_string_equal(answer->machines, "");
    assert_int_equal(answer->verdict, GATE_NO_CHANGE);
    assert_true(answer->absolute);
    assert_int_equal(answer->n_rows, 6); /* path and fleet: a ratio, and two values */
}

/* Runs that did not measure the same are refused, whichever of the settings it is that differs. */
static void test_deciding_settings(void **state) {
    static const struct {
        const char *now, *before, *words;
    } rows[] = {
        {"clients = 1000", "clients = 10", "[fleet] clients is '10'"},
        {"congestion = cubic", "congestion = reno", "[hosts] congestion is 'reno'"},
        {"rate = 1Mbit/s", "rate = 2Mbit/s", "[lab] rate is '2Mbit/s'"},
        {"interval = 3s", "interval = 1s", "[telemetry] interval is '1s'"},
        {"duration = 10s", "duration = 1s", "[probe.path] duration is '1s'"},
        {"order = shuffled", "order = sequential", "[scenario] order is 'sequential'"},
    };
    const struct runs *runs = *state;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        put_setting(runs->folders[2], rows[i].now, rows[i].before);
        assert_refused(runs, NULL, rows[i].words);
    }
}

/* A fleet of another size has no part in what is judged. */
static void test_fleet_unconcerned(void **state) {
    static const char *const path = "path";
    const struct runs *runs = *state;

    put_setting(runs->folders[2], "clients = 1000", "clients = 10");
    gate_answer_free(answer_of(runs, &path, 1));
    assert_refused(runs, "fleet", "[fleet] clients is '10'");
}

/* What may have made the difference is said; what cannot have, is not. */
static void test_said_settings(void **state) {
    static const struct {
        const char *now, *before, *words;
    } rows[] = {
        {"max_inflight = 100", "max_inflight = 20", "broker.max_inflight: 100 (before: 20)"},
        {"address =", "address = 192.0.2.1", "hosts.address: empty (before: 192.0.2.1)"},
        {"meter =", "meter = pi5", "hosts.meter: empty (before: pi5)"},
        {"use = tls certificate", "use = tls",
         "channel.mutual-tls.use: tls certificate (before: tls)"},
        {"folder = bench", "folder = other", ""},
        {"[probe.delivery]\nqos = 0", "[probe.delivery]\nqos = 1", ""},
    };
    const struct runs *runs = *state;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        put_setting(runs->folders[2], rows[i].now, rows[i].before);
        assert_differences(runs, rows[i].words);
    }
}

/* ---- software ---- */

static void test_second_host(void **state) {
    const struct runs *runs = *state;

    for (size_t i = 1; i < RUNS; i++)
        put_hosts(runs->folders[i], "6.12", "6.1", "2.0.2");
    assert_differences(runs, "kernel of lab:b: 6.12 (before: 6.1)");
}

static void test_both_hosts(void **state) {
    const struct runs *runs = *state;

    for (size_t i = 1; i < RUNS; i++)
        put_hosts(runs->folders[i], "6.1", "6.1", "2.0.2");
    assert_differences(runs, "kernel: 6.12 (before: 6.1)");
    for (size_t i = 1; i < RUNS; i++)
        put_hosts(runs->folders[i], "6.1", "6.10", "2.0.2");
    assert_differences(runs, "kernel of lab:a: 6.12 (before: 6.1)\n"
                             "kernel of lab:b: 6.12 (before: 6.10)");
}

/* One version is the beginning of another. */
static void test_versions_alike(void **state) {
    const struct runs *runs = *state;

    put_hosts(runs->folders[1], "6.12", "6.12", "2.0.110");
    put_hosts(runs->folders[2], "6.12", "6.12", "2.0.1");
    put_hosts(runs->folders[3], "6.12", "6.12", "2.0.110");
    put_hosts(runs->folders[4], "6.12", "6.12", "0.1");
    assert_differences(runs, "mosquitto: 2.0.2 (before: 2.0.110, 2.0.1, 0.1)");
}

/* ---- what only baselines have ---- */

static void test_variant_absent(void **state) {
    const struct runs *runs = *state;

    for (size_t i = 0; i < RUNS; i++)
        put_trials(runs->folders[i], 1, i ? "payload=30B payload=1KiB" : "payload=1KiB", false);
    assert_differences(runs, "probe path, payload=30B: not measured (before: measured)");
}

static void test_channel_and_probe_absent(void **state) {
    const struct runs *runs = *state;

    for (size_t i = 1; i < RUNS; i++)
        put_setting(runs->folders[i], "channels = plain", "channels = password plain");
    assert_differences(runs, "channel password: not measured (before: measured)");
    for (size_t i = 1; i < RUNS; i++)
        put_setting(runs->folders[i], "probes = path", "probes = connect path");
    assert_differences(runs, "probe connect: not measured (before: measured)");
}

/* A metric that is no headline, of a process that the run has not. */
static void test_series_absent(void **state) {
    static const char *const metric = "path.cpu_s";
    const struct runs *runs = *state;
    CLEANUP(gate_answer_freep) struct gate_answer *answer = NULL;

    for (size_t i = 1; i < RUNS; i++) {
        CLEANUP_FREE char *metrics = run_get(runs->folders[i], "metrics.csv");

        text_append(&metrics, "", "2,1,client3,sender,cpu_s,s,1\n");
        run_put(runs->folders[i], "metrics.csv", metrics);
    }
    assert_differences(runs, "");
    answer = answer_of(runs, &metric, 1);
    assert_string_equal(answer->differences,
                        "path.client3.sender.cpu_s: not measured (before: measured)");
}

/* ---- values of 0 ---- */

static const struct gate_row *ratio_of_path(const struct gate_answer *answer) {
    assert_string_equal(answer->rows[0].probe, "path");
    assert_int_equal(answer->rows[0].kind, GATE_RATIO);
    return &answer->rows[0];
}

static void test_remarks(void **state) {
    const struct runs *runs = *state;
    struct gate_answer *answer;

    /* Three baselines are left. */
    put_trials(runs->folders[1], 1, "", true);
    answer = answer_of(runs, NULL, 0);
    assert_int_equal(ratio_of_path(answer)->baselines, 3);
    assert_int_equal(ratio_of_path(answer)->judgement.verdict, GATE_NO_CHANGE);
    assert_string_equal(ratio_of_path(answer)->remark, "");
    gate_answer_free(answer);

    put_trials(runs->folders[2], 1, "", true);
    answer = answer_of(runs, NULL, 0);
    assert_int_equal(ratio_of_path(answer)->judgement.verdict, GATE_UNDECIDED);
    assert_string_equal(ratio_of_path(answer)->remark, "a value is 0, so there is no ratio");
    gate_answer_free(answer);

    put_trials(runs->folders[1], 1, "", false);
    put_trials(runs->folders[2], 1, "", false);
    put_trials(runs->folders[0], 1, "", true);
    answer = answer_of(runs, NULL, 0);
    assert_int_equal(ratio_of_path(answer)->baselines, 4);
    assert_string_equal(ratio_of_path(answer)->remark, "a value is 0, so there is no ratio");
    gate_answer_free(answer);
}

/* ---- metrics ---- */

/* What is asked twice, in other words too, is one comparison. */
static void test_metrics_twice(void **state) {
    static const char *const metrics[] = {"path", "path", "path.throughput", "path.cpu_s",
                                          "path.client2.sender.cpu_s"};
    CLEANUP(gate_answer_freep)
    struct gate_answer *answer = answer_of(*state, metrics, ARRAY_SIZE(metrics));

    assert_int_equal(answer->n_rows, 6);
    for (size_t i = 0; i < answer->n_rows; i++)
        assert_int_equal(answer->rows[i].is_amount,
                         text_equal(answer->rows[i].metric, "client2.sender.cpu_s"));
}

static void test_metrics_refused(void **state) {
    static const struct {
        const char *asked, *words;
    } rows[] = {
        {"throughput", "write --metric path.throughput or --metric fleet.throughput"},
        {"client2.sender.cpu_s", "write --metric path.client2.sender.cpu_s or --metric fleet."},
        {"pth", "has no probe 'pth' (did you mean path?); it has: path fleet"},
        {"path.cpu", "of path it has: throughput cpu_s"},
        {"path.", "of path it has: throughput cpu_s"},
        {"fleet.limit_s", "neither more nor less of it is better; `bench list metrics fleet` says"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_refused(*state, rows[i].asked, rows[i].words);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_differs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deciding_settings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fleet_unconcerned, setup, teardown),
        cmocka_unit_test_setup_teardown(test_said_settings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_second_host, setup, teardown),
        cmocka_unit_test_setup_teardown(test_both_hosts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_versions_alike, setup, teardown),
        cmocka_unit_test_setup_teardown(test_variant_absent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_channel_and_probe_absent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_series_absent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_remarks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_metrics_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(test_metrics_refused, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
