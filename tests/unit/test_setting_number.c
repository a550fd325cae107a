/* model/setting: numbers with units, as they are read and as they are written. */
#include "model/setting.h"

#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define GIB (INT64_C(1) << 30)

struct reading {
    enum setting_type type;
    const char *text;
    int64_t value;
    const char *written; /* NULL: like text */
};

static const struct reading readings[] = {
    {SETTING_COUNT, "0", 0, NULL},
    {SETTING_COUNT, "50", 50, NULL},
    {SETTING_COUNT, "007", 7, "7"},
    {SETTING_COUNT, "9223372036854775807", INT64_MAX, NULL},
    {SETTING_BYTES, "0B", 0, NULL},
    {SETTING_BYTES, "0GiB", 0, "0B"},
    {SETTING_BYTES, "30B", 30, NULL},
    {SETTING_BYTES, "64KiB", 65536, NULL},
    {SETTING_BYTES, "65536B", 65536, "64KiB"},
    {SETTING_BYTES, "1024KiB", 1048576, "1MiB"},
    {SETTING_BYTES, "4MiB", 4 << 20, NULL},
    {SETTING_BYTES, "1GiB", GIB, NULL},
    {SETTING_BYTES, "1.5KiB", 1536, "1536B"},
    {SETTING_BYTES, "0.5GiB", GIB / 2, "512MiB"},
    {SETTING_BYTES, "64 KiB", 65536, "64KiB"},
    {SETTING_BYTES, "8589934591GiB", 8589934591 * GIB, NULL},
    {SETTING_DURATION, "0s", 0, NULL},
    {SETTING_DURATION, "1ns", 1, NULL},
    {SETTING_DURATION, "250us", 250000, NULL},
    {SETTING_DURATION, "100ms", 100 * NS_PER_MS, NULL},
    {SETTING_DURATION, "1.5s", 1500 * NS_PER_MS, "1500ms"},
    {SETTING_DURATION, "0.1s", 100 * NS_PER_MS, "100ms"},
    {SETTING_DURATION, "0.000000001s", 1, "1ns"},
    {SETTING_DURATION, "10s", 10 * NS_PER_S, NULL},
    {SETTING_DURATION, "90s", 90 * NS_PER_S, NULL},
    {SETTING_DURATION, "5min", 300 * NS_PER_S, NULL},
    {SETTING_DURATION, "60min", 3600 * NS_PER_S, "1h"},
    {SETTING_DURATION, "12h", 43200 * NS_PER_S, NULL},
    {SETTING_DURATION, "365d", 365 * (86400 * NS_PER_S), NULL},
    {SETTING_DURATION, "0.5d", 43200 * NS_PER_S, "12h"},
    {SETTING_DURATION, "106751d", 106751 * (86400 * NS_PER_S), NULL},
    {SETTING_RATE, "0bit/s", 0, NULL},
    {SETTING_RATE, "13.4Mbit/s", 13400000, "13400kbit/s"},
    {SETTING_RATE, "1000Mbit/s", 1000000000, "1Gbit/s"},
    {SETTING_PERCENT, "0%", 0, NULL},
    {SETTING_PERCENT, "0.0001%", 1, NULL},
    {SETTING_PERCENT, "0.5%", 5000, NULL},
    {SETTING_PERCENT, "2%", 20000, NULL},
    {SETTING_PERCENT, "2.50%", 25000, "2.5%"},
    {SETTING_PERCENT, "12.0305 %", 120305, "12.0305%"},
    {SETTING_PERCENT, "100%", 1000000, NULL},
};

static void test_reads(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(readings); i++) {
        struct error error = {""};
        int64_t value = -1;

        if (setting_number_parse(readings[i].type, readings[i].text, &value, &error) != 0)
            fail_msg("%s: %s", readings[i].text, error.text);
        if (value != readings[i].value)
            fail_msg("%s: %lld", readings[i].text, (long long)value);
    }
}

/* The shortest exact form, and format(parse(x)) is read as the same value. */
static void test_writes(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(readings); i++) {
        const struct reading *reading = &readings[i];
        CLEANUP_FREE char *written = setting_number_format(reading->type, reading->value);
        int64_t value = -1;

        assert_string_equal(written, reading->written ? reading->written : reading->text);
        assert_int_equal(setting_number_parse(reading->type, written, &value, NULL), 0);
        assert_true(value == reading->value);
    }
}

/* Whatever is written is read back: steps through all sizes, with and without a common unit. */
static void test_round_trip(void **state) {
    static const enum setting_type types[] = {SETTING_COUNT, SETTING_BYTES, SETTING_DURATION,
                                              SETTING_RATE, SETTING_PERCENT};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        for (int64_t value = 1; value < INT64_MAX / 3; value = value * 3 - value / 7) {
            CLEANUP_FREE char *written = setting_number_format(types[i], value);
            int64_t again = -1;

            if (setting_number_parse(types[i], written, &again, NULL) != 0 || again != value)
                fail_msg("%lld was written as %s", (long long)value, written);
        }
}

struct refusal {
    enum setting_type type;
    const char *text;
    int code;
    const char *message;
};

static void assert_refused(const struct refusal *refusal) {
    struct error error = {""};
    int64_t value = 42;
    int r = setting_number_parse(refusal->type, refusal->text, &value, &error);

    if (r != refusal->code)
        fail_msg("'%s': %d, value %lld", refusal->text, r, (long long)value);
    assert_true(value == 42);
    if (refusal->message)
        assert_string_equal(error.text, refusal->message);
    else
        assert_true(*error.text);
    assert_int_equal(setting_number_parse(refusal->type, refusal->text, &value, NULL),
                     refusal->code);
}

static void test_refuses(void **state) {
    static const struct refusal refusals[] = {
        {SETTING_COUNT, "", -EINVAL, "has no value; write, say, 50"},
        {SETTING_BYTES, "", -EINVAL, "has no value; write, say, 64KiB"},
        {SETTING_DURATION, "", -EINVAL, "has no value; write, say, 10s"},
        {SETTING_COUNT, "-1", -EINVAL, "'-1' is negative"},
        {SETTING_DURATION, "-0s", -EINVAL, "'-0s' is negative"},
        {SETTING_RATE, "13.4", -EINVAL,
         "'13.4' lacks a unit (bit/s, kbit/s, Mbit/s or Gbit/s); write, say, 13.4Mbit/s"},
        {SETTING_BYTES, "64", -EINVAL,
         "'64' lacks a unit (B, KiB, MiB or GiB); write, say, 64B or 64KiB"},
        {SETTING_DURATION, "10", -EINVAL,
         "'10' lacks a unit (us, ms, s, min, h or d); write, say, 10s"},
        {SETTING_DURATION, "0", -EINVAL,
         "'0' lacks a unit (us, ms, s, min, h or d); write, say, 0s"},
        {SETTING_BYTES, "64kB", -EINVAL,
         "'64kB' has the wrong unit (did you mean KiB?); right would be B, KiB, MiB or GiB, as in "
         "64KiB"},
        {SETTING_DURATION, "10sec", -EINVAL,
         "'10sec' has the wrong unit (did you mean s?); right would be us, ms, s, min, h or d, as "
         "in 10s"},
        {SETTING_COUNT, "50x", -EINVAL,
         "'50x' has the wrong unit; right would be no unit, as in 50"},
        {SETTING_BYTES, "10s", -EINVAL, NULL},
        {SETTING_DURATION, "10MiB", -EINVAL, NULL},
        {SETTING_DURATION, "10S", -EINVAL, NULL},
        {SETTING_DURATION, "10s ", -EINVAL, NULL},
        {SETTING_COUNT, "1.5", -EINVAL, "'1.5' has a decimal point: a whole number has none"},
        {SETTING_COUNT, "3.0", -EINVAL, "'3.0' has a decimal point: a whole number has none"},
        {SETTING_BYTES, "1.5B", -EINVAL, "'1.5B' is not a whole number of the smallest unit, 1B"},
        {SETTING_BYTES, "0.3KiB", -EINVAL, NULL},
        {SETTING_DURATION, "0.5ns", -EINVAL, NULL},
        {SETTING_COUNT, "x", -EINVAL, "'x' is not a number that can be used here; write, say, 50"},
        {SETTING_COUNT, " 5", -EINVAL, NULL},
        {SETTING_COUNT, "+5", -EINVAL, NULL},
        {SETTING_COUNT, ".5", -EINVAL, NULL},
        {SETTING_COUNT, "0x10", -EINVAL, NULL},
        {SETTING_COUNT, "1e3", -EINVAL, NULL},
        {SETTING_COUNT, "1,5", -EINVAL, NULL},
        {SETTING_COUNT, "inf", -EINVAL, NULL},
        {SETTING_DURATION, "s", -EINVAL, NULL},
        {SETTING_PERCENT, "", -EINVAL, "has no value; write, say, 0.5%"},
        {SETTING_PERCENT, "2", -EINVAL, "'2' lacks a unit (%); write, say, 2%"},
        {SETTING_PERCENT, "-2%", -EINVAL, "'-2%' is negative"},
        {SETTING_PERCENT, "2ppm", -EINVAL,
         "'2ppm' has the wrong unit; right would be %, as in 0.5%"},
        {SETTING_PERCENT, "0.00005%", -EINVAL,
         "'0.00005%' is not a whole number of the smallest unit, 0.0001%"},
        {SETTING_PERCENT, "much", -EINVAL,
         "'much' is not a number that can be used here; write, say, 0.5%"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
        assert_refused(&refusals[i]);
}

/* As others write a unit, and in the wrong letters. */
static void test_units_of_others(void **state) {
    static const struct {
        enum setting_type type;
        const char *text, *meant; /* "": none */
    } cases[] = {
        {SETTING_DURATION, "1m", "min"},    {SETTING_DURATION, "1M", "min"},
        {SETTING_DURATION, "2S", "s"},      {SETTING_DURATION, "5mins", "min"},
        {SETTING_DURATION, "2hours", "h"},  {SETTING_DURATION, "2days", "d"},
        {SETTING_DURATION, "9usec", "us"},  {SETTING_DURATION, "9MS", "ms"},
        {SETTING_DURATION, "2o", ""},       {SETTING_BYTES, "1kib", "KiB"},
        {SETTING_BYTES, "1K", "KiB"},       {SETTING_BYTES, "1MB", "MiB"},
        {SETTING_BYTES, "5b", "B"},         {SETTING_BYTES, "5 bytes", "B"},
        {SETTING_RATE, "10Mbps", "Mbit/s"}, {SETTING_RATE, "10mbit/s", "Mbit/s"},
        {SETTING_RATE, "10Mb/s", "Mbit/s"}, {SETTING_RATE, "10kbps", "kbit/s"},
        {SETTING_RATE, "10Mbit", "Mbit/s"}, {SETTING_RATE, "10bps", "bit/s"},
        {SETTING_PERCENT, "5percent", "%"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *expected =
            *cases[i].meant ? text_format("'%s' has the wrong unit (did you mean %s?); ",
                                          cases[i].text, cases[i].meant)
                            : text_format("'%s' has the wrong unit; ", cases[i].text);
        struct error error = {""};
        int64_t value;

        assert_int_equal(setting_number_parse(cases[i].type, cases[i].text, &value, &error),
                         -EINVAL);
        if (strncmp(error.text, expected, strlen(expected)) != 0)
            fail_msg("'%s' does not begin with '%s'", error.text, expected);
    }
}

static void test_overflow(void **state) {
    static const struct refusal refusals[] = {
        {SETTING_COUNT, "9223372036854775808", -ERANGE, NULL},
        {SETTING_COUNT, "99999999999999999999999", -ERANGE, NULL},
        {SETTING_BYTES, "8589934592GiB", -ERANGE, "'8589934592GiB' is too large"},
        {SETTING_DURATION, "106752d", -ERANGE, "'106752d' is too large"},
        {SETTING_DURATION, "9223372037s", -ERANGE, NULL},
        {SETTING_PERCENT, "922337203685478%", -ERANGE, "'922337203685478%' is too large"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
        assert_refused(&refusals[i]);
}

/* The whole part fits, the whole part and the fraction together do not. */
static void test_overflow_by_fraction(void **state) {
    static const struct refusal refusals[] = {
        {SETTING_DURATION, "106751.999d", -ERANGE, NULL},
        {SETTING_DURATION, "9223372036.9s", -ERANGE, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
        assert_refused(&refusals[i]);
}

/* Digits that say nothing do not make a number too large. */
static void test_long_fractions(void **state) {
    int64_t value = -1;

    (void)state;
    assert_int_equal(setting_number_parse(SETTING_DURATION, "1.500000s", &value, NULL), 0);
    assert_true(value == 1500 * NS_PER_MS);
    assert_int_equal(setting_number_parse(SETTING_DURATION, "1.500000d", &value, NULL), 0);
    assert_true(value == 129600 * NS_PER_S);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_writes),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_units_of_others),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_overflow_by_fraction),
        cmocka_unit_test(test_long_fractions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
