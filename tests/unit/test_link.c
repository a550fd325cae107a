/* hosts/link, hosts/relay: what a profile of a link sets, and when; which links a relay can be. */
#include "workshop.h"

#include "hosts/relay.h"

#define BASE                                                                                       \
    "[scenario]\nchannels = plain\nprobes = path\n"                                                \
    "[hosts]\nbroker = lab:a\npublisher = lab:b\n"
#define RESOLVED                                                                                   \
    "[lab]\nprofile = lte-m\nrate = 375kbit/s\nburst = 2KiB\nqueue = 64KiB\ndelay = 25ms\n"        \
    "jitter = 25ms\nloss = 0%\n"
/* The link's own settings; the others limit a host. */
static const char *const keys[] = {"rate", "burst", "queue", "delay", "jitter", "loss"};

static struct scenario *load(const char *text, const struct scenario_override *overrides,
                             size_t n) {
    CLEANUP(workshop_removep) char *folder = workshop_make();
    struct scenario *scenario = NULL;
    struct error error = {""};

    workshop_put(folder, "channels/plain.ini", "[channel]\nuse =\n");
    workshop_put(folder, "main.ini", text);
    if (scenario_load(&scenario, workshop_registry(), folder, "main", overrides, n, &error) != 0)
        fail_msg("%s", error.text);
    return scenario;
}

/* "375kbit/s 2KiB ...": the keys of a link. */
static void assert_link(const struct scenario *scenario, size_t place, const char *expected) {
    CLEANUP_FREE char *list = text_copy("");

    assert_in_range(place, 0, scenario->n_links - 1);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        CLEANUP_FREE char *value =
            setting_format(setting_find(&lab_group, keys[i]), scenario->links[place].settings);

        text_append(&list, " ", value);
    }
    assert_string_equal(list, expected);
}

/* ---- profiles ---- */

/* All of a link, each within its bounds; about a frame at once, and more than that may wait. */
static void test_profiles(void **state) {
    static const char *const profiles[] = {"ethernet", "lte-m", "nb-iot", "satellite"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
        CLEANUP_FREE struct lab_settings *link = setting_block_new(&lab_group);
        struct error error = {""};
        size_t n = 0;

        for (size_t k = 0; k < lab_group.n_presets; k++) {
            const struct setting_preset *preset = &lab_group.presets[k];

            if (!text_equal(preset->word, profiles[i]))
                continue;
            assert_int_equal(
                setting_assign(setting_find(&lab_group, preset->sets), link, preset->value, NULL),
                0);
            n++;
        }
        assert_int_equal(n, ARRAY_SIZE(keys));
        assert_in_range(link->burst_bytes, RELAY_FRAME_BYTES, 2 * RELAY_FRAME_BYTES - 1);
        assert_true(link->queue_bytes > 10 * RELAY_FRAME_BYTES);
        assert_int_equal(relay_check(link, 200000000, &error), 0);
    }
}

static void test_what_is_set_stays(void **state) {
    CLEANUP(scenario_freep)
    struct scenario *one = load(BASE "[lab]\nprofile = nb-iot\nloss = 2%\n", NULL, 0);
    CLEANUP(scenario_freep)
    struct scenario *varied =
        load(BASE "[lab]\nloss = 2%\n[vary]\nlab.profile = none satellite\n", NULL, 0);
    CLEANUP(scenario_freep) struct scenario *resolved = load(BASE RESOLVED, NULL, 0);

    (void)state;
    assert_link(one, 0, "46kbit/s 2KiB 32KiB 400ms 400ms 2%");
    assert_link(varied, 0, "0bit/s 16KiB 2MiB 0s 0s 2%");
    assert_link(varied, 1, "1Mbit/s 2KiB 256KiB 300ms 0s 2%");
    assert_link(resolved, 0, "375kbit/s 2KiB 64KiB 25ms 25ms 0%");
}

/* A run's scenario.ini sets all of the link that it had: a profile that the command line names is
 * meant all the same, and only what stands there, too, stays beside it. */
static void test_profile_of_command_line(void **state) {
    static const struct scenario_override other[] = {{"--set", "lab.profile", "nb-iot"}};
    static const struct scenario_override more[] = {{"--set", "lab.profile", "nb-iot"},
                                                    {"--set", "lab.delay", "1s"}};
    static const struct scenario_override varied[] = {
        {"--set", "vary.lab.profile", "satellite ethernet"}};
    static const struct scenario_override delay[] = {{"--set", "lab.delay", "1s"}};
    static const struct scenario_override none[] = {{"--set", "lab.profile", "none"}};
    CLEANUP(scenario_freep) struct scenario *a = load(BASE RESOLVED, other, 1);
    CLEANUP(scenario_freep) struct scenario *b = load(BASE RESOLVED, more, 2);
    CLEANUP(scenario_freep) struct scenario *c = load(BASE RESOLVED, varied, 1);
    CLEANUP(scenario_freep) struct scenario *d = load(BASE RESOLVED, delay, 1);
    CLEANUP(scenario_freep) struct scenario *e = load(BASE RESOLVED, none, 1);

    (void)state;
    assert_link(a, 0, "46kbit/s 2KiB 32KiB 400ms 400ms 0%");
    assert_link(b, 0, "46kbit/s 2KiB 32KiB 1s 400ms 0%");
    assert_link(c, 0, "1Mbit/s 2KiB 256KiB 300ms 0s 0.1%");
    assert_link(c, 1, "100Mbit/s 2KiB 128KiB 100us 0s 0%");
    assert_link(d, 0, "375kbit/s 2KiB 64KiB 1s 25ms 0%");
    assert_link(e, 0, "0bit/s 16KiB 2MiB 0s 0s 0%");
}

/* ---- what a relay can be ---- */

static void test_relay_check(void **state) {
    static const struct {
        struct lab_settings link;
        const char *refusal; /* NULL: it can */
    } cases[] = {
        {{.rate_bit_s = 0, .delay_ns = 10000000000}, NULL}, /* as fast as it goes */
        {{.rate_bit_s = 300000000}, NULL},
        {{.rate_bit_s = 300000001},
         "lab.rate: the relay that delay, jitter and loss take carries "
         "300 Mbit/s each way here, less than 300 Mbit/s"},
        /* 1e8 x 3.96 / 8 / 1514 = 32695 frames, and 73 that wait: 32768 */
        {{.rate_bit_s = 100000000, .delay_ns = 3960000000, .queue_bytes = 109000}, NULL},
        {{.rate_bit_s = 100000000, .delay_ns = 3960000000, .queue_bytes = 112000},
         "lab.delay, lab.rate and lab.queue: 32769 frames would be on their way at once"},
        {{.rate_bit_s = 100000000,
          .delay_ns = 3000000000,
          .jitter_ns = 960000000,
          .queue_bytes = 112000},
         "32769 frames would be on their way"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error error = {""};
        int r = relay_check(&cases[i].link, 300000000, &error);

        assert_int_equal(r, cases[i].refusal ? -EOPNOTSUPP : 0);
        if (cases[i].refusal)
            assert_has(error.text, cases[i].refusal);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profiles),
        cmocka_unit_test(test_what_is_set_stays),
        cmocka_unit_test(test_profile_of_command_line),
        cmocka_unit_test(test_relay_check),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
