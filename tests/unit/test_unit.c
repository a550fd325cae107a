/* model/unit: numbers with units, as they are read and as they are written. */
#include "model/unit.h"

#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define GIB (INT64_C(1) << 30)

struct reading {
    enum unit_kind kind;
    const char *text;
    int64_t value;
    const char *written; /* NULL: like text */
};

static const struct reading readings[] = {
    {UNIT_NONE, "0", 0, NULL},
    {UNIT_NONE, "50", 50, NULL},
    {UNIT_NONE, "007", 7, "7"},
    {UNIT_NONE, "3.0", 3, "3"},
    {UNIT_NONE, "9223372036854775807", INT64_MAX, NULL},
    {UNIT_BYTES, "0B", 0, NULL},
    {UNIT_BYTES, "0GiB", 0, "0B"},
    {UNIT_BYTES, "30B", 30, NULL},
    {UNIT_BYTES, "64KiB", 65536, NULL},
    {UNIT_BYTES, "65536B", 65536, "64KiB"},
    {UNIT_BYTES, "1024KiB", 1048576, "1MiB"},
    {UNIT_BYTES, "4MiB", 4 << 20, NULL},
    {UNIT_BYTES, "1GiB", GIB, NULL},
    {UNIT_BYTES, "1.5KiB", 1536, "1536B"},
    {UNIT_BYTES, "0.5GiB", GIB / 2, "512MiB"},
    {UNIT_BYTES, "64 KiB", 65536, "64KiB"},
    {UNIT_BYTES, "8589934591GiB", 8589934591 * GIB, NULL},
    {UNIT_DURATION, "0s", 0, NULL},
    {UNIT_DURATION, "1ns", 1, NULL},
    {UNIT_DURATION, "250us", 250000, NULL},
    {UNIT_DURATION, "100ms", 100 * NS_PER_MS, NULL},
    {UNIT_DURATION, "1.5s", 1500 * NS_PER_MS, "1500ms"},
    {UNIT_DURATION, "0.1s", 100 * NS_PER_MS, "100ms"},
    {UNIT_DURATION, "0.000000001s", 1, "1ns"},
    {UNIT_DURATION, "10s", 10 * NS_PER_S, NULL},
    {UNIT_DURATION, "90s", 90 * NS_PER_S, NULL},
    {UNIT_DURATION, "5min", 300 * NS_PER_S, NULL},
    {UNIT_DURATION, "60min", 3600 * NS_PER_S, "1h"},
    {UNIT_DURATION, "12h", 43200 * NS_PER_S, NULL},
    {UNIT_DURATION, "365d", 365 * (86400 * NS_PER_S), NULL},
    {UNIT_DURATION, "0.5d", 43200 * NS_PER_S, "12h"},
    {UNIT_DURATION, "106751d", 106751 * (86400 * NS_PER_S), NULL},
    {UNIT_RATE, "0bit/s", 0, NULL},
    {UNIT_RATE, "13.4Mbit/s", 13400000, "13400kbit/s"},
    {UNIT_RATE, "1000Mbit/s", 1000000000, "1Gbit/s"},
    {UNIT_PERCENT, "0%", 0, NULL},
    {UNIT_PERCENT, "0.0001%", 1, NULL},
    {UNIT_PERCENT, "0.5%", 5000, NULL},
    {UNIT_PERCENT, "2%", 20000, NULL},
    {UNIT_PERCENT, "2.50%", 25000, "2.5%"},
    {UNIT_PERCENT, "12.0305 %", 120305, "12.0305%"},
    {UNIT_PERCENT, "100%", 1000000, NULL},
};

static void test_reads(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(readings); i++) {
        struct error error = {""};
        int64_t value = -1;

        if (unit_parse(readings[i].kind, readings[i].text, &value, &error) != 0)
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
        CLEANUP_FREE char *written = unit_format(reading->kind, reading->value);
        int64_t value = -1;

        assert_string_equal(written, reading->written ? reading->written : reading->text);
        assert_int_equal(unit_parse(reading->kind, written, &value, NULL), 0);
        assert_true(value == reading->value);
    }
}

/* Whatever is written is read back: steps through all sizes, with and without a common unit. */
static void test_round_trip(void **state) {
    static const enum unit_kind kinds[] = {UNIT_NONE, UNIT_BYTES, UNIT_DURATION, UNIT_RATE,
                                           UNIT_PERCENT};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        for (int64_t value = 1; value < INT64_MAX / 3; value = value * 3 - value / 7) {
            CLEANUP_FREE char *written = unit_format(kinds[i], value);
            int64_t again = -1;

            if (unit_parse(kinds[i], written, &again, NULL) != 0 || again != value)
                fail_msg("%lld was written as %s", (long long)value, written);
        }
}

struct refusal {
    enum unit_kind kind;
    const char *text;
    int code;
    const char *message;
};

static void assert_refused(const struct refusal *refusal) {
    struct error error = {""};
    int64_t value = 42;
    int r = unit_parse(refusal->kind, refusal->text, &value, &error);

    if (r != refusal->code)
        fail_msg("'%s': %d, value %lld", refusal->text, r, (long long)value);
    assert_true(value == 42);
    if (refusal->message)
        assert_string_equal(error.text, refusal->message);
    else
        assert_true(*error.text);
    assert_int_equal(unit_parse(refusal->kind, refusal->text, &value, NULL), refusal->code);
}

static void test_refuses(void **state) {
    static const struct refusal refusals[] = {
        {UNIT_NONE, "", -EINVAL, "has no value; write, say, 50"},
        {UNIT_BYTES, "", -EINVAL, "has no value; write, say, 64KiB"},
        {UNIT_DURATION, "", -EINVAL, "has no value; write, say, 10s"},
        {UNIT_NONE, "-1", -EINVAL, "'-1' is negative"},
        {UNIT_DURATION, "-0s", -EINVAL, "'-0s' is negative"},
        {UNIT_RATE, "13.4", -EINVAL,
         "'13.4' lacks a unit (bit/s, kbit/s, Mbit/s or Gbit/s); write, say, 13.4kbit/s"},
        {UNIT_BYTES, "64", -EINVAL, "'64' lacks a unit (B, KiB, MiB or GiB); write, say, 64KiB"},
        {UNIT_DURATION, "10", -EINVAL,
         "'10' lacks a unit (us, ms, s, min, h or d); write, say, 10s"},
        {UNIT_DURATION, "0", -EINVAL, "'0' lacks a unit (us, ms, s, min, h or d); write, say, 0s"},
        {UNIT_BYTES, "64kB", -EINVAL,
         "'64kB' has the wrong unit; right would be B, KiB, MiB or GiB, as in 64KiB"},
        {UNIT_DURATION, "10sec", -EINVAL,
         "'10sec' has the wrong unit; right would be us, ms, s, min, h or d, as in 10s"},
        {UNIT_NONE, "50x", -EINVAL, "'50x' has the wrong unit; right would be no unit, as in 50"},
        {UNIT_BYTES, "10s", -EINVAL, NULL},
        {UNIT_DURATION, "10MiB", -EINVAL, NULL},
        {UNIT_DURATION, "10S", -EINVAL, NULL},
        {UNIT_DURATION, "10s ", -EINVAL, NULL},
        {UNIT_NONE, "1.5", -EINVAL, "'1.5' is not a whole number of the smallest unit, 1"},
        {UNIT_BYTES, "1.5B", -EINVAL, "'1.5B' is not a whole number of the smallest unit, 1B"},
        {UNIT_BYTES, "0.3KiB", -EINVAL, NULL},
        {UNIT_DURATION, "0.5ns", -EINVAL, NULL},
        {UNIT_NONE, "x", -EINVAL, "'x' is not a number that can be used here; write, say, 50"},
        {UNIT_NONE, " 5", -EINVAL, NULL},
        {UNIT_NONE, "+5", -EINVAL, NULL},
        {UNIT_NONE, ".5", -EINVAL, NULL},
        {UNIT_NONE, "0x10", -EINVAL, NULL},
        {UNIT_NONE, "1e3", -EINVAL, NULL},
        {UNIT_NONE, "1,5", -EINVAL, NULL},
        {UNIT_NONE, "inf", -EINVAL, NULL},
        {UNIT_DURATION, "s", -EINVAL, NULL},
        {UNIT_PERCENT, "", -EINVAL, "has no value; write, say, 0.5%"},
        {UNIT_PERCENT, "2", -EINVAL, "'2' lacks a unit (%); write, say, 2%"},
        {UNIT_PERCENT, "-2%", -EINVAL, "'-2%' is negative"},
        {UNIT_PERCENT, "2ppm", -EINVAL, "'2ppm' has the wrong unit; right would be %, as in 0.5%"},
        {UNIT_PERCENT, "0.00005%", -EINVAL,
         "'0.00005%' is not a whole number of the smallest unit, 0.0001%"},
        {UNIT_PERCENT, "much", -EINVAL,
         "'much' is not a number that can be used here; write, say, 0.5%"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
        assert_refused(&refusals[i]);
}

static void test_overflow(void **state) {
    static const struct refusal refusals[] = {
        {UNIT_NONE, "9223372036854775808", -ERANGE, NULL},
        {UNIT_NONE, "99999999999999999999999", -ERANGE, NULL},
        {UNIT_BYTES, "8589934592GiB", -ERANGE, "'8589934592GiB' is too large"},
        {UNIT_DURATION, "106752d", -ERANGE, "'106752d' is too large"},
        {UNIT_DURATION, "9223372037s", -ERANGE, NULL},
        {UNIT_PERCENT, "922337203685478%", -ERANGE, "'922337203685478%' is too large"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
        assert_refused(&refusals[i]);
}

/* The whole part fits, the whole part and the fraction together do not. */
static void test_overflow_by_fraction(void **state) {
    static const struct refusal refusals[] = {
        {UNIT_DURATION, "106751.999d", -ERANGE, NULL},
        {UNIT_DURATION, "9223372036.9s", -ERANGE, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
        assert_refused(&refusals[i]);
}

/* Digits that say nothing do not make a number too large. */
static void test_long_fractions(void **state) {
    int64_t value = -1;

    (void)state;
    assert_int_equal(unit_parse(UNIT_DURATION, "1.500000s", &value, NULL), 0);
    assert_true(value == 1500 * NS_PER_MS);
    assert_int_equal(unit_parse(UNIT_DURATION, "1.500000d", &value, NULL), 0);
    assert_true(value == 129600 * NS_PER_S);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),          cmocka_unit_test(test_writes),
        cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_overflow),       cmocka_unit_test(test_overflow_by_fraction),
        cmocka_unit_test(test_long_fractions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
