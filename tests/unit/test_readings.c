/* readings, facts: what programs and the kernel say, as texts taken from real hosts; and,
 * with stand-ins on PATH for the hardware that a test machine has not, that they are asked. */
#include "hosts/facts.h"
#include "hosts/readings.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "workshop.h"

static const char link_text[] = "Connected to 02:00:00:00:00:01 (on wlan0)\n"
                                "\tSSID: signal: -1 dBm\n"
                                "\tfreq: 2437\n"
                                "\tRX: 1234 bytes (10 packets)\n"
                                "\tTX: 5678 bytes (20 packets)\n"
                                "\tsignal: -52 dBm\n"
                                "\trx bitrate: 72.2 MBit/s MCS 7 short GI\n"
                                "\ttx bitrate: 65.0 MBit/s\n"
                                "\n"
                                "\tbss flags:\tshort-slot-time\n";

static const char proc_text[] =
    "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE\n"
    " face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22\n"
    " wlan1: 0000   31.  79.  0        0      0      0      0      0        0\n"
    " wlan0: 0000   70.  -40.  -256        0      0      0      0      0        0\n";

static void assert_json(const json_t *object, const char *expected) {
    CLEANUP_FREE char *text =
        json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));

    assert_string_equal(text, expected);
}

static void test_vcgencmd(void **state) {
    static const struct {
        const char *text, *label;
        double value; /* negative: nothing */
    } cases[] = {
        {"throttled=0x50005\n", "throttled", 0x50005},
        {"throttled=0x0\n", "throttled", 0},
        {"frequency(48)=1500345728\n", "frequency", 1500345728},
        {"frequency(0)=600117184\n", "frequency", 600117184},
        {"temp=48.3'C\n", "temp", 48.3},
        {"VCHI initialization failed\n", "throttled", -1},
        {"error=1 error_msg=\"Command not registered\"\n", "throttled", -1},
        {"throttled=\n", "throttled", -1},
        {"throttled", "throttled", -1},
        {"", "temp", -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        double value = -1;

        assert_int_equal(readings_parse_vcgencmd(cases[i].text, cases[i].label, &value),
                         cases[i].value >= 0);
        assert_true(value == cases[i].value);
    }
}

static void test_wifi_texts(void **state) {
    json_auto_t *wifi = json_object(), *other = json_object(), *none = json_object();

    (void)state;
    wifi_parse_proc(wifi, proc_text, "wlan0");
    assert_json(wifi, "{\"signal_dbm\":-40.0}");
    json_object_clear(wifi);
    wifi_parse_link(wifi, link_text);
    wifi_parse_power_save(wifi, "Power save: on\n");
    wifi_parse_proc(wifi, proc_text, "wlan0"); /* what iw said stays */
    assert_json(wifi, "{\"bit_rate_mbit_s\":65.0,\"frequency_mhz\":2437.0,\"power_save\":\"on\","
                      "\"rx_bit_rate_mbit_s\":72.2,\"signal_dbm\":-52.0}");
    wifi_parse_proc(other, proc_text, "wlan1"); /* no dBm */
    assert_json(other, "{}");
    wifi_parse_link(none, "Not connected.\n");
    wifi_parse_power_save(none, "command failed: No such device (-19)\n");
    wifi_parse_proc(none, proc_text, "wlan");
    wifi_parse_proc(none, "", "wlan0");
    assert_json(none, "{}");
}

/* Puts a script that stands for a program into the folder, in front of PATH. */
static void stand_in(const char *folder, const char *name, const char *script) {
    CLEANUP_FREE char *path = text_format("%s/%s", folder, name);
    CLEANUP_FREE char *text = text_format("#!/bin/sh\n%s\n", script);

    workshop_put(folder, name, text);
    assert_int_equal(chmod(path, 0700), 0);
}

static void assert_reading(const json_t *readings, const char *metric, double value,
                           const char *unit) {
    const json_t *reading = json_object_get(readings, metric);

    if (json_object_size(reading) != 2)
        fail_msg("no %s", metric);
    assert_true(json_number_value(json_object_get(reading, "value")) == value);
    assert_string_equal(json_string_value(json_object_get(reading, "unit")), unit);
}

/* Stand-ins for a Raspberry Pi's firmware and for a radio link. */
static void test_stand_ins(void **state) {
    struct peek peek = peek_begin();
    CLEANUP(workshop_removep) char *folder = workshop_make();
    CLEANUP_FREE char *old = text_copy(getenv("PATH"));
    CLEANUP_FREE char *path = text_format("%s:%s", folder, old);
    json_auto_t *readings = NULL, *broken = NULL, *wired = NULL;

    (void)state;
    assert_int_equal(setenv("PATH", path, 1), 0);
    stand_in(folder, "vcgencmd",
             "case $* in get_throttled) echo throttled=0x50005 ;; 'measure_clock arm') echo "
             "'frequency(48)=1500000000' ;; measure_temp) echo \"temp=48.3'C\" ;; esac");
    stand_in(folder, "iw",
             "case $* in 'dev bench0 link') echo '  signal: -60 dBm'; echo '  tx bitrate: 72.2 "
             "MBit/s' ;; *get_power_save*) exit 1 ;; esac");
    readings = readings_collect(&peek, "bench0");
    assert_reading(readings, "throttled", 0x50005, "bits");
    assert_reading(readings, "arm_frequency", 1500, "MHz");
    assert_reading(readings, "core_temperature", 48.3, "C");
    assert_reading(readings, "wifi_signal", -60, "dBm");
    assert_reading(readings, "wifi_bit_rate", 72.2, "Mbit/s");
    assert_non_null(json_object_get(readings, "load"));
    wired = readings_collect(&peek, NULL);
    assert_null(json_object_get(wired, "wifi_signal"));
    stand_in(folder, "vcgencmd", "echo throttled=0x1; exit 255");
    broken = readings_collect(&peek, "");
    assert_null(json_object_get(broken, "throttled"));
    assert_int_equal(setenv("PATH", old, 1), 0);
}

/* What hangs costs its own readings, however often it would be asked, and none of the others. */
static void test_hanging_tools(void **state) {
    CLEANUP(workshop_removep) char *folder = workshop_make();
    CLEANUP_FREE char *old = text_copy(getenv("PATH"));
    CLEANUP_FREE char *path = text_format("%s:%s", folder, old);
    int64_t begin = clock_monotonic_ns();
    json_auto_t *facts = NULL;
    const json_t *readings;

    (void)state;
    assert_int_equal(setenv("PATH", path, 1), 0);
    stand_in(folder, "vcgencmd", "sleep 60");
    stand_in(folder, "iw", "sleep 60");
    stand_in(folder, "tc", "sleep 60");
    stand_in(folder, "mosquitto", "sleep 60");
    facts = facts_collect(folder, "127.0.0.1", NULL);
    /* host.c waits for an answer that long */
    assert_true(clock_monotonic_ns() - begin < 20 * NS_PER_S);
    readings = json_object_get(facts, "readings");
    assert_non_null(json_object_get(readings, "load"));
    assert_null(json_object_get(readings, "throttled"));
    assert_non_null(json_object_get(json_object_get(facts, "network"), "route"));
    assert_int_equal(setenv("PATH", old, 1), 0);
}

static void test_facts(void **state) {
    CLEANUP(workshop_removep) char *folder = workshop_make();
    CLEANUP_FREE char *list = text_format("%s/programs", folder);
    json_auto_t *elsewhere = facts_collect(folder, "", NULL), *facts = NULL;
    size_t own = json_object_size(json_object_get(elsewhere, "programs"));
    CLEANUP(facts_programs_close) struct facts_programs programs;
    const json_t *network, *paths, *versions;
    const char *key;
    json_t *value;

    (void)state;
    assert_int_equal(file_replace(list, 0644,
                                  "# a comment of some more words\nsh dash driver -c  what for\n"
                                  "too few words\nno-such nowhere nobody - nothing",
                                  NULL),
                     0);
    facts = facts_collect(folder, "127.0.0.1", NULL);
    network = json_object_get(facts, "network");
    paths = json_object_get(facts, "programs");
    versions = json_object_get(facts, "versions");
    assert_true(json_integer_value(json_object_get(facts, "processors")) > 0);
    assert_true(json_integer_value(json_object_get(facts, "memory_mib")) > 0);
    assert_non_null(json_object_get(versions, "openssl"));
    assert_non_null(json_object_get(versions, "sh")); /* what it complains of */
    assert_null(json_object_get(versions, "no-such"));
    assert_true(own > 0);
    assert_int_equal(json_object_size(paths), own + 2);
    assert_true(json_is_string(json_object_get(paths, "sh")));
    assert_true(json_is_null(json_object_get(paths, "no-such")));
    facts_programs_open(&programs, folder);
    assert_int_equal(programs.n, own + 2);
    assert_string_equal(programs.rows[own].package, "dash");
    assert_string_equal(programs.rows[own].purpose, "what for");
    assert_int_equal(programs.rows[own].need, NEED_DRIVER);
    assert_int_equal(programs.rows[own + 1].need, NEED_NOBODY);
    assert_null(programs.rows[own + 1].version);
    assert_true(json_is_true(json_object_get(network, "own")));
    assert_string_equal(json_string_value(json_object_get(network, "interface")), "lo");
    assert_true(json_integer_value(json_object_get(network, "mtu")) > 0);
    assert_null(json_object_get(elsewhere, "network"));
    json_object_foreach(facts, key, value) {
        if (json_is_null(value) || (json_is_string(value) && !*json_string_value(value)))
            fail_msg("%s is empty", key);
    }
}

static void test_commit(void **state) {
    CLEANUP(workshop_removep) char *folder = workshop_make();
    CLEANUP_FREE char *none = facts_commit(folder), *deployed = NULL, *git = NULL, *clone = NULL;
    CLEANUP_FREE char *script = NULL;

    (void)state;
    assert_null(none);
    assert_null(facts_commit(NULL));
    workshop_put(folder, ".deployed", "COMMIT 899aa8d6a24e-dirty\nmore\n");
    deployed = facts_commit(folder);
    assert_string_equal(deployed, "899aa8d6a24e-dirty");
    if (process_find(&git, "git", NULL) < 0)
        skip();
    script = text_format("cd '%s' && git init -q . && git -c user.name=x -c user.email=x@x.invalid "
                         "commit -q --allow-empty -m x",
                         folder);
    {
        const char *const argv[] = {"/bin/sh", "-c", script, NULL};

        CLEANUP_FREE char *output = NULL;

        assert_int_equal(process_run(argv, NULL, 60 * NS_PER_S, &output, NULL), 0);
    }
    clone = facts_commit(folder);
    assert_int_equal(strlen(clone), 40);
    assert_int_equal(strspn(clone, "0123456789abcdef"), 40);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vcgencmd),  cmocka_unit_test(test_wifi_texts),
        cmocka_unit_test(test_stand_ins), cmocka_unit_test(test_facts),
        cmocka_unit_test(test_commit),    cmocka_unit_test(test_hanging_tools),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
