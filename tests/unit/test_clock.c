/* base/clock: instants as texts, also those that a time_t of 32 bits does not reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"

#include <time.h>

static void test_known_instants(void **state) {
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.123Z"},          {951782400, "2000-02-29T00:00:00.123Z"},
        {1677628799, "2023-02-28T23:59:59.123Z"}, {1795336200, "2026-11-22T08:30:00.123Z"},
        {2147483647, "2038-01-19T03:14:07.123Z"}, {2147483648, "2038-01-19T03:14:08.123Z"},
        {2424297599, "2046-10-27T23:59:59.123Z"}, {4107542399, "2100-02-28T23:59:59.123Z"},
        {4107542400, "2100-03-01T00:00:00.123Z"}, {-1, "1969-12-31T23:59:59.123Z"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[CLOCK_TEXT_SIZE];

        clock_format_utc(rows[i].seconds * NS_PER_S + 123 * NS_PER_MS, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void test_compact(void **state) {
    char text[CLOCK_TEXT_SIZE];

    (void)state;
    clock_format_compact(1795336200 * NS_PER_S + 999, text);
    assert_string_equal(text, "20261122T083000Z");
    clock_format_compact(2147483648 * NS_PER_S, text);
    assert_string_equal(text, "20380119T031408Z");
}

/* Every day from 1968 to 2037, at a time of its own, as the C library has it. */
static void test_every_day(void **state) {
    (void)state;
    for (time_t seconds = -63158400; seconds < 2145916800 - 90000; seconds += 86400 + 997) {
        char text[CLOCK_TEXT_SIZE], expected[64];
        struct tm utc;

        clock_format_utc((int64_t)seconds * NS_PER_S, text);
        assert_non_null(gmtime_r(&seconds, &utc));
        assert_true(strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.000Z", &utc) > 0);
        assert_string_equal(text, expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_instants),
        cmocka_unit_test(test_compact),
        cmocka_unit_test(test_every_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
