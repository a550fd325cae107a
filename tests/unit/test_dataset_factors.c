/* dataset: factors.csv: a channel whose settings are varied is one for each variant of it, and the
 * rest of a trial's variant is its probe's. */
#include "analysis/cells.h"
#include "analysis/ladder.h"
#include "analysis/reading.h"

#include "run_folder.h"

#include <errno.h>
#include <math.h>

#define FACTORS_HEADER "channel,variant,factor,value\n"
/* Suites of mutual-tls, payloads of delivery. */
#define SUITES "channel.mutual-tls.tls.suites"
#define FACTORS                                                                                    \
    FACTORS_HEADER "plain,payload=30B,probe.delivery.payload,30B\n"                                \
                   "plain,payload=1KiB,probe.delivery.payload,1KiB\n"                              \
                   "mutual-tls,suites=A," SUITES ",A\n"                                            \
                   "mutual-tls,suites=A payload=30B," SUITES ",A\n"                                \
                   "mutual-tls,suites=A payload=30B,probe.delivery.payload,30B\n"                  \
                   "mutual-tls,suites=AB," SUITES ",AB\n"                                          \
                   "mutual-tls,suites=AB payload=30B," SUITES ",AB\n"
#define TWO_PROBES                                                                                 \
    "[scenario]\nname = small\nchannels = plain mutual-tls\nprobes = path delivery\n"              \
    "repetitions = 1\nbaseline = plain\n[channel.mutual-tls]\ndescription = both\n"                \
    "[reference]\npath.plain = 13.4\npath.mutual-tls = 8.48\n"
#define TWO_DEFINITIONS                                                                            \
    DEFINITIONS_HEADER "path,throughput,Mbit/s,higher,yes,raw\n"                                   \
                       "delivery,throughput,Mbit/s,higher,yes,published\n"
#define ROW(id, channel, probe, variant, value)                                                    \
    id ",1,1,1," channel "," probe "," variant ",2026-11-22T08:30:00Z,,," value ",ok,,,,\n"
#define TRIALS                                                                                     \
    TRIALS_HEADER ROW("1", "mutual-tls", "path", "suites=AB", "100")                               \
        ROW("2", "mutual-tls", "delivery", "suites=AB payload=30B", "20")                          \
            ROW("3", "mutual-tls", "delivery", "suites=AB payload=1KiB", "40")                     \
                ROW("4", "plain", "path", "", "100") ROW("5", "plain", "delivery", "payload=30B",  \
                                                         "50")                                     \
                    ROW("6", "plain", "delivery", "payload=1KiB", "80")                            \
                        ROW("7", "mutual-tls", "path", "suites=A", "100")                          \
                            ROW("8", "mutual-tls", "delivery", "suites=A payload=30B", "30")       \
                                ROW("9", "mutual-tls", "delivery", "suites=A payload=1KiB", "60")

static char *folder_with(const char *factors, const char *trials) {
    char *run = run_make(TWO_PROBES, TWO_DEFINITIONS, trials, METRICS_HEADER);

    if (factors)
        run_put(run, "factors.csv", factors);
    return run;
}

static struct dataset *read_good(const char *run) {
    struct dataset *dataset = NULL;
    struct error error = {""};

    if (dataset_read(&dataset, run, &error) < 0)
        fail_msg("%s", error.text);
    return dataset;
}

static void test_channels_and_variants(void **state) {
    CLEANUP(run_removep) char *run = folder_with(FACTORS, TRIALS);
    CLEANUP(dataset_freep) struct dataset *dataset = read_good(run);
    static const char *const names[] = {"plain", "mutual-tls suites=A", "mutual-tls suites=AB"};

    (void)state;
    assert_int_equal(dataset->n_channels, 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(dataset->channels[i].name, names[i]);
    assert_string_equal(dataset->channels[2].base, "mutual-tls");
    assert_string_equal(dataset->channels[2].variant, "suites=AB");
    assert_string_equal(dataset->channels[2].description, "both");
    assert_int_equal(dataset->n_variants, 3);
    assert_string_equal(dataset->variants[0], "");
    assert_string_equal(dataset->variants[1], "payload=30B");
    assert_string_equal(dataset->variants[2], "payload=1KiB");
    assert_int_equal(dataset->trials[2].channel, 2);
    assert_int_equal(dataset->trials[2].variant, 2);
    assert_int_equal(dataset->trials[7].channel, 1);
    assert_int_equal(dataset->trials[7].variant, 1);
    assert_int_equal(dataset->probes[0].n_variants, 1);
    assert_int_equal(dataset->probes[1].n_variants, 2);
}

/* What was published for the channel as a whole is not for one of its variants. */
static void test_references(void **state) {
    CLEANUP(run_removep) char *run = folder_with(FACTORS, TRIALS);
    CLEANUP(dataset_freep) struct dataset *dataset = read_good(run);

    (void)state;
    assert_true(dataset_reference(dataset, 0, DATASET_HEADLINE, 0, -1) == 13.4);
    assert_true(isnan(dataset_reference(dataset, 0, DATASET_HEADLINE, 1, -1)));
}

/* Every row has all of what was varied in that channel or probe. */
static void test_two_factors_of_a_channel(void **state) {
    CLEANUP(run_removep)
    char *run =
        folder_with(FACTORS_HEADER "mutual-tls,suites=A groups=X," SUITES ",A\n"
                                   "mutual-tls,suites=A groups=X,channel.mutual-tls.tls.groups,X\n"
                                   "mutual-tls,suites=A groups=Y," SUITES ",A\n"
                                   "mutual-tls,suites=A groups=Y,channel.mutual-tls.tls.groups,Y\n",
                    TRIALS_HEADER ROW("1", "mutual-tls", "path", "suites=A groups=Y", "1")
                        ROW("2", "mutual-tls", "delivery", "suites=A groups=X qos=1", "2"));
    CLEANUP(dataset_freep) struct dataset *dataset = read_good(run);

    (void)state;
    assert_int_equal(dataset->n_channels, 3);
    assert_string_equal(dataset->channels[1].name, "mutual-tls suites=A groups=X");
    assert_string_equal(dataset->channels[2].name, "mutual-tls suites=A groups=Y");
    assert_int_equal(dataset->trials[0].channel, 2);
    assert_int_equal(dataset->trials[1].channel, 1);
    assert_string_equal(dataset->variants[dataset->trials[1].variant], "qos=1");
}

/* Runs of before have no such file: their variants are the probes'. */
static void test_without_the_file(void **state) {
    CLEANUP(run_removep) char *run = folder_with(NULL, TRIALS);
    CLEANUP(dataset_freep) struct dataset *dataset = read_good(run);

    (void)state;
    assert_int_equal(dataset->n_channels, 2);
    assert_int_equal(dataset->n_variants, 9);
    assert_int_equal(dataset->probes[1].n_variants, 9);
}

static void test_nothing_is_varied(void **state) {
    CLEANUP(run_removep)
    char *run = folder_with(FACTORS_HEADER, TRIALS_HEADER ROW("1", "plain", "path", "", "1"));
    CLEANUP(dataset_freep) struct dataset *dataset = read_good(run);

    (void)state;
    assert_int_equal(dataset->n_channels, 2);
    assert_string_equal(dataset->channels[1].name, "mutual-tls");
    assert_int_equal(dataset->probes[1].n_variants, 1);
}

static void test_telemetry_and_proofs(void **state) {
    CLEANUP(run_removep) char *run = folder_with(FACTORS, TRIALS);
    CLEANUP(dataset_freep) struct dataset *dataset = NULL;

    (void)state;
    run_put(run, "telemetry.csv",
            "block,attempt,channel,sequence,due_utc,latency_ms,status,latency_bound_ms,variant\n"
            "1,1,plain,1,,1,delivered,,\n1,1,mutual-tls,1,,1,delivered,,suites=AB\n"
            "1,1,mutual-tls,2,,,lost,,suites=AB\n");
    run_put(run, "proofs.csv",
            "block,attempt,channel,proof,expected,observed,cause,verdict,variant\n"
            "1,1,mutual-tls,p,a,b,c,held,suites=A\n1,1,mutual-tls,p,a,b,c,broken,suites=AB\n");
    dataset = read_good(run);
    assert_int_equal(dataset->channels[0].messages, 1);
    assert_int_equal(dataset->channels[1].messages, 0);
    assert_int_equal(dataset->channels[2].lost, 1);
    assert_int_equal(dataset->n_proofs, 2);
    assert_int_equal(dataset->proofs[0].channel, 1);
    assert_int_equal(dataset->proofs[0].held, 1);
    assert_int_equal(dataset->proofs[1].broken, 1);
}

/* delivery is varied, path is not: each variant stands on the path as it is. */
static void test_ladder_of_a_varied_rung(void **state) {
    CLEANUP(run_removep) char *run = folder_with(FACTORS, TRIALS);
    CLEANUP(dataset_freep) struct dataset *dataset = read_good(run);
    CLEANUP(cells_freep) struct cells *cells = cells_new(dataset);
    CLEANUP(ladder_freep) struct ladder *ladder = ladder_new(cells);
    static const double shares[] = {1, 1, 1, 0.5, 0.3, 0.2, 0.8, 0.6, 0.4};

    (void)state;
    assert_int_equal(ladder->n, ARRAY_SIZE(shares));
    for (size_t i = 0; i < ladder->n; i++) {
        const struct ladder_step *step = &ladder->list[i];

        assert_int_equal(step->channel, i % 3);
        assert_int_equal(step->variant, i / 3);
        assert_int_equal(step->probe, i >= 3);
        assert_true(fabs(step->of_path.mean - shares[i]) < 1e-9);
        if (i >= 3)
            assert_true(fabs(step->lost.mean - (1 - shares[i])) < 1e-9);
    }
}

static void assert_rejected(const char *factors, const char *trials, const char *message) {
    CLEANUP(run_removep) char *run = folder_with(factors, trials);
    CLEANUP_FREE char *expected = text_format("%s/%s", run, message);
    struct dataset *dataset = NULL;
    struct error error = {""};

    assert_int_equal(dataset_read(&dataset, run, &error), -EBADMSG);
    assert_null(dataset);
    assert_string_equal(error.text, expected);
}

static void test_damage(void **state) {
    CLEANUP_FREE char *many = text_copy(FACTORS_HEADER);

    (void)state;
    assert_rejected(FACTORS_HEADER "psk,suites=A," SUITES ",A\n", TRIALS,
                    "factors.csv:2: channel: 'psk' is no channel of scenario.ini");
    assert_rejected(FACTORS_HEADER "mutual-tls,suites=A\n", TRIALS,
                    "factors.csv:2: 2 fields where the header has 4");
    assert_rejected(FACTORS, TRIALS_HEADER ROW("1", "mutual-tls", "path", "suites=ABC", "1"),
                    "trials.csv:2: variant: 'suites=ABC' is no variant of its channel in "
                    "factors.csv");
    assert_rejected(FACTORS, TRIALS_HEADER ROW("1", "mutual-tls", "path", "", "1"),
                    "trials.csv:2: variant: '' is no variant of its channel in factors.csv");
    for (int i = 0; i < 1025; i++) {
        CLEANUP_FREE char *row = text_format("mutual-tls,suites=%d," SUITES ",%d\n", i, i);

        text_append(&many, "", row);
    }
    assert_rejected(many, TRIALS, "factors.csv: 1025 variants; at most 1024 can be read");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_channels_and_variants),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_two_factors_of_a_channel),
        cmocka_unit_test(test_without_the_file),
        cmocka_unit_test(test_nothing_is_varied),
        cmocka_unit_test(test_telemetry_and_proofs),
        cmocka_unit_test(test_ladder_of_a_varied_rung),
        cmocka_unit_test(test_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
