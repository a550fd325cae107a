/* conditions: what the report says of processors that were held back and of clocks. */
#include "analysis/report.h"
#include "model/throttling.h"

#include "run_folder.h"

#include <errno.h>

#define BLOCKS_HEADER "block,attempt,host,metric,unit,before,after\n"
#define TELEMETRY_HEADER                                                                           \
    "block,attempt,channel,sequence,due_utc,latency_ms,status,latency_bound_ms\n"
#define DUE "2026-11-22T08:30:00Z"
#define PI  "ssh://pi@pi-a"

/* A plain trial in each of the blocks 1 to n; the caller's. */
static char *trials_of(int n) {
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    (void)fputs(TRIALS_HEADER, out);
    for (int i = 1; i <= n; i++)
        (void)fprintf(out, TRIAL("%d,1,%d", "plain", "10", "ok", ""), i, i);
    (void)fclose(out);
    return text;
}

static char *run_of(const char *trials, const char *blocks, const char *telemetry) {
    char *run = run_make(SCENARIO, DEFINITIONS, trials, METRICS_HEADER);

    if (blocks)
        run_put(run, "blocks.csv", blocks);
    if (telemetry)
        run_put(run, "telemetry.csv", telemetry);
    return run;
}

/* What the report says in caution, " SENTENCE " each; the caller's. */
static char *report(const char *run) {
    static const char kind[] = "caution,warning,,,,,";
    CLEANUP_FREE char *text = NULL;
    struct error error = {""};
    char *cautions = text_copy(" ");

    if (report_write(run, &error) < 0)
        fail_msg("%s", error.text);
    text = run_get(run, "findings.csv");
    assert_non_null(text);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (strncmp(line, kind, strlen(kind)) == 0)
            text_append(&cautions, " ", line + strlen(kind));
    text_append(&cautions, " ", "");
    for (char *c = cautions; *c; c++)
        *c = *c == '"' ? ' ' : *c;
    return cautions;
}

static char *report_of(int n_blocks, const char *blocks, const char *telemetry) {
    CLEANUP_FREE char *trials = trials_of(n_blocks);
    CLEANUP(run_removep) char *run = run_of(trials, blocks, telemetry);

    return report(run);
}

static void assert_has(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("no '%s' in:\n%s", part, text);
}

static void assert_has_not(const char *text, const char *part) {
    if (strstr(text, part))
        fail_msg("'%s' in:\n%s", part, text);
}

static void test_bits(void **state) {
    static const struct {
        unsigned before, after;
        const char *words;
    } cases[] = {
        {0, 0, ""},
        {0, 0x1, "under-voltage"},
        {0x2, 0, "frequency capped"},
        {0x50005, 0x50000, "under-voltage, throttled"},
        {0x50000, 0x50000, ""}, /* of long ago */
        {0x10000, 0x50000, "throttled"},
        {0, 0x80008, "soft temperature limit"},
        {0x50000, 0, ""},
        {0, 0xf0000, "under-voltage, frequency capped, throttled, soft temperature limit"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *words =
            throttling_words(throttling_between(cases[i].before, cases[i].after));

        assert_string_equal(words, cases[i].words);
    }
}

static void test_throttled_blocks(void **state) {
    CLEANUP_FREE char *text = report_of(
        9,
        BLOCKS_HEADER "1,1," PI ",temperature,C,48,85\n"          /* not throttled */
                      "1,1," PI ",throttled,bits,0,0\n"           /* nothing */
                      "2,1," PI ",throttled,bits,327680,327680\n" /* both long ago */
                      "3,1," PI ",throttled,bits,0,327685\n"
                      "3,1,local,throttled,bits,0,0\n"
                      "5,1," PI ",throttled,bits,327680,327685\n"
                      "6,1," PI ",throttled,bits,327685,327680\n"
                      "7,1," PI ",throttled,bits,327681,327684\n"
                      "8,1,local,throttled,bits,,262144\n" /* no reading before: not new */
                      "9,1,local,throttled,bits,,262148\n",
        NULL);

    (void)state;
    assert_has(text, " blocks 3, 5-7, " PI ": under-voltage, throttled during the blocks. ");
    assert_has(text, " block 9, local: throttled during the block. ");
    assert_has_not(text, "1,");
    assert_has_not(text, "block 8");
}

static void test_other_runs(void **state) {
    CLEANUP_FREE char *text = report_of(4,
                                        BLOCKS_HEADER "1,1,local,other_runs,runs,0,0\n"
                                                      "2,1,local,other_runs,runs,0,2\n"
                                                      "3,1,local,other_runs,runs,1,\n"
                                                      "3,1," PI ",other_runs,runs,0,0\n"
                                                      "4,1,local,other_runs,runs,0,0\n",
                                        NULL);

    (void)state;
    assert_has(text, " blocks 2-3, local: another run measured on this host at the same time: ");
    assert_has_not(text, PI);
    assert_has_not(text, "block 4");
}

/* Its counters go on from block to block, and begin anew with another relay. */
static void test_relay_as_limit(void **state) {
    CLEANUP_FREE char *text = report_of(6,
                                        BLOCKS_HEADER "1,1,lab:a,relay_overrun,frames,0,0\n"
                                                      "2,1,lab:a,relay_overrun,frames,0,12\n"
                                                      "3,1,lab:a,relay_overrun,frames,12,52\n"
                                                      "4,1,lab:a,relay_overrun,frames,52,52\n"
                                                      "4,1,lab:a,relay_dropped,frames,0,900\n"
                                                      "5,1,lab:a,relay_overrun,frames,52,\n"
                                                      "6,1,lab:a,relay_overrun,frames,52,7\n",
                                        NULL);

    (void)state;
    assert_has(text, " blocks 2-3, 6, lab:a: the link's relay could not take up to 40 frames: it, "
                     "not the link that was asked for, was the limit then; choose a lower "
                     "lab.rate or less delay. ");
    assert_has_not(text, "block 4");
    assert_has_not(text, "block 5");
}

/* An attempt that does not count may be the one that failed for it. */
static void test_clocks_set(void **state) {
    static const char trials[] = TRIALS_HEADER TRIAL("1,1,1", "plain", "", "failed", "expired")
        TRIAL("2,1,2", "plain", "10", "ok", "") TRIAL("1,2,1", "plain", "11", "ok", "");
    CLEANUP(run_removep)
    char *run = run_of(trials,
                       BLOCKS_HEADER "1,1,local,clock_set,s,0,7200\n"
                                     "2,1,local,clock_set,s,0,0\n"
                                     "2,1," PI ",clock_set,s,-5,\n"
                                     "1,2," PI ",clock_set,s,,0\n",
                       NULL);
    CLEANUP_FREE char *text = report(run);

    (void)state;
    assert_has(text, " block 1, local: the clock was set 2.0 hours ahead: certificates and tokens "
                     "may be taken for invalid,");
    assert_has(text, " block 2, " PI ": the clock was set 5 s back: ");
    assert_has_not(text, "blocks 1-2");
}

/* Every second of 60 blocks: the list is cut. */
static void test_many_blocks(void **state) {
    CLEANUP_FREE char *blocks = NULL, *text = NULL;
    size_t length;
    FILE *out = open_memstream(&blocks, &length);

    (void)state;
    (void)fputs(BLOCKS_HEADER, out);
    for (int i = 1; i <= 60; i += 2)
        (void)fprintf(out, "%d,1," PI ",throttled,bits,4,4\n", i);
    (void)fclose(out);
    text = report_of(60, blocks, NULL);
    assert_has(text, " blocks 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, ... (30 blocks), " PI
                     ": throttled during the blocks. ");
}

/* Only the attempt that counts, in whatever order its rows come. */
static void test_repeated_block(void **state) {
    static const char trials[] = TRIALS_HEADER TRIAL("1,1,1", "plain", "", "failed", "gone")
        TRIAL("2,1,2", "plain", "10", "ok", "") TRIAL("1,2,1", "plain", "11", "ok", "");
    CLEANUP(run_removep)
    char *run = run_of(trials,
                       BLOCKS_HEADER "1,1," PI ",throttled,bits,0,2\n"
                                     "2,1," PI ",throttled,bits,0,1\n"
                                     "1,2," PI ",throttled,bits,0,1\n"
                                     "3,1," PI ",throttled,bits,0,2\n",
                       TELEMETRY_HEADER "1,1,plain,1," DUE ",0.1,delivered,0.9\n"
                                        "1,2,plain,1," DUE ",1,delivered,0.9\n");
    CLEANUP_FREE char *text = report(run);

    (void)state;
    assert_has(text, " blocks 1-2, " PI ": under-voltage during the blocks. ");
    assert_has_not(text, "frequency capped");
    assert_has_not(text, "one-way");
}

static void test_rough_clocks(void **state) {
    CLEANUP_FREE char *text =
        report_of(2, NULL,
                  TELEMETRY_HEADER "1,1,plain,1," DUE ",0.3,delivered,0.41\n"
                                   "1,1,plain,2," DUE ",0.5,delivered,0.41\n"
                                   "1,1,plain,3," DUE ",-0.2,delivered,0.35\n"
                                   "1,1,plain,4," DUE ",,lost,0.41\n"
                                   "2,1,plain,1," DUE ",0.1,delivered,\n"); /* one host: no bound */

    (void)state;
    assert_has(
        text, " 2 of 3 one-way telemetry latencies are smaller than the error bound of the clocks' "
              "comparison (0.41 ms): they carry no information. ");
}

/* Runs of one host, calm ones, old ones: not a word. */
static void test_nothing_to_say(void **state) {
    static const char *const telemetry[] = {
        NULL,
        TELEMETRY_HEADER,
        TELEMETRY_HEADER "1,1,plain,1," DUE ",0.5,delivered,0.41\n",
        "block,attempt,channel,sequence,due_utc,latency_ms,status\n"
        "1,1,plain,1," DUE ",0.1,delivered\n",
    };
    CLEANUP_FREE char *plain = report_of(1, NULL, NULL);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(telemetry); i++) {
        CLEANUP_FREE char *text = report_of(
            1, BLOCKS_HEADER "1,1," PI ",throttled,bits,0,0\n1,1," PI ",load,processes,0,1\n",
            telemetry[i]);

        assert_string_equal(text, plain);
    }
}

static void test_damage(void **state) {
    static const struct {
        const char *blocks, *telemetry, *message;
    } cases[] = {
        {BLOCKS_HEADER "1,1," PI ",throttled,bits,0,x\n", NULL,
         "blocks.csv:2: after: 'x' is not a number"},
        {BLOCKS_HEADER "1,1," PI ",throttled,bits,-1,0\n", NULL,
         "blocks.csv:2: before: '-1' is no set of bits"},
        {BLOCKS_HEADER "1,1," PI ",throttled,bits,0,1.5\n", NULL,
         "blocks.csv:2: after: '1.5' is no set of bits"},
        {BLOCKS_HEADER "one,1," PI ",load,processes,0,1\n", NULL,
         "blocks.csv:2: block: 'one' is not a whole number"},
        {"block,attempt,host,metric,unit,before\n", NULL, "blocks.csv: no column 'after'"},
        {NULL, TELEMETRY_HEADER "1,1,plain,1," DUE ",1,delivered,wide\n",
         "telemetry.csv:2: latency_bound_ms: 'wide' is not a number"},
    };
    CLEANUP_FREE char *trials = trials_of(1);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(run_removep) char *run = run_of(trials, cases[i].blocks, cases[i].telemetry);
        struct error error = {""};

        assert_true(report_write(run, &error) < 0);
        assert_has(error.text, cases[i].message);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits),           cmocka_unit_test(test_throttled_blocks),
        cmocka_unit_test(test_other_runs),     cmocka_unit_test(test_clocks_set),
        cmocka_unit_test(test_relay_as_limit), cmocka_unit_test(test_many_blocks),
        cmocka_unit_test(test_repeated_block), cmocka_unit_test(test_rough_clocks),
        cmocka_unit_test(test_nothing_to_say), cmocka_unit_test(test_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
