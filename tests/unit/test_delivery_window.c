/* probes/delivery: how much may be on its way where the scenario leaves it open. */
#include "workshop.h"

#include "probes/delivery.h"

#include <math.h>

#define MIB (INT64_C(1) << 20)

/* 250 MB/s: two mebibytes take 8.39 ms, 32 take 134.2 ms. */
static void test_round_trips(void **state) {
    static const struct {
        double round_trip_ms;
        int64_t mebibytes;
    } cases[] = {
        {NAN, 2},  {0, 2},      {0.03, 2},   {8.38, 2},   {8.40, 4},   {16.7, 4},     {16.8, 8},
        {100, 32}, {134.2, 32}, {134.3, 64}, {268.4, 64}, {268.5, 64}, {1000000, 64},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(delivery_window(cases[i].round_trip_ms), cases[i].mebibytes * MIB);
}

/* A scenario with two channels and these lines, what is chosen in it, and the window it then has.
 */
static void assert_chosen(const char *lines, int64_t chosen, const char *written) {
    CLEANUP(workshop_removep) char *folder = workshop_make();
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    CLEANUP_FREE char *text = text_format("[scenario]\nchannels = a b\n%s[channel.a]\nuse =\n"
                                          "[channel.b]\nuse = password\n",
                                          lines);
    CLEANUP_FREE char *own = NULL, *windows = text_copy("");
    const struct setting *row = setting_find(probe_delivery.group, "window");
    struct error error = {""};

    workshop_put(folder, "main.ini", text);
    if (scenario_load(&scenario, workshop_registry(), folder, "main", NULL, 0, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(delivery_choose_window(scenario, 100), chosen);
    assert_int_equal(delivery_choose_window(scenario, 1), 0); /* once */
    own = setting_format(row, settings_get(&scenario->settings, probe_delivery.group));
    text_append(&windows, "", own);
    for (size_t i = 0; i < scenario->n_measurements; i++)
        if (scenario->measurements[i].group == probe_delivery.group) {
            CLEANUP_FREE char *one = setting_format(row, scenario->measurements[i].settings);

            text_append(&windows, " ", one);
        }
    assert_string_equal(windows, written);
}

/* The scenario's own value, then that of each measurement. */
static void test_choice(void **state) {
    (void)state;
    assert_chosen("probes = delivery\n", 32 * MIB, "32MiB 32MiB");
    assert_chosen("probes = path\n", 0, "0B");
    assert_chosen("probes = delivery\n[probe.delivery]\nwindow = 1MiB\n", 0, "1MiB 1MiB");
    assert_chosen("probes = path delivery\n[vary]\nprobe.delivery.payload = 30B 1KiB\n", 32 * MIB,
                  "32MiB 32MiB 32MiB");
    assert_chosen("probes = delivery\n[vary]\nprobe.delivery.window = 0B 1MiB\n", 32 * MIB,
                  "32MiB 32MiB 1MiB");
    assert_chosen("probes = delivery\n[vary]\nprobe.delivery.window = 1MiB 4MiB\n", 0,
                  "0B 1MiB 4MiB");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_choice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
