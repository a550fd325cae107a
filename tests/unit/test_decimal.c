/* base/decimal: the same double as strtod(), bit by bit, and the same texts refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/decimal.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

#define RANDOM_FIELDS 2000000

static void check(const char *text) {
    double wanted, value = 42;
    char *end;
    bool is = decimal_read(text, &value);

    wanted = strtod(text, &end);
    if (end == text || *end || !isfinite(wanted)) {
        if (is || value != 42)
            fail_msg("'%s' was read as %.17g", text, value);
    } else if (!is || memcmp(&value, &wanted, sizeof(value)) != 0) {
        fail_msg("'%s': %.17g, not %.17g", text, value, wanted);
    }
}

static void test_cases(void **state) {
    static const char *const texts[] = {
        "0",
        "-0",
        "0.0",
        "-0.000",
        "1",
        "0.1",
        "-2.5e-07",
        "1e22",
        "1e23",
        "1e-22",
        "1e-23",
        "999999999999999",
        "9999999999999999",
        "9007199254740993",
        "123456789012345e22",
        "123456789012345e-22",
        "123456789012347e23",
        "999999999999999e23",
        "999999999999997e-23",
        "123456789012347e-24",
        "00000000000000000000001",
        "0.00000000000000000000001",
        "0.0000000000000000000000000001",
        "8.5e307",
        "1.7976931348623157e308",
        "1e309",
        "-1e309",
        "4.9e-324",
        "1e-400",
        "0e999",
        "1E5",
        "1e+5",
        "1e+05",
        "1e",
        "1e+",
        "1e-",
        "e5",
        "",
        "-",
        "+1",
        "+",
        ".",
        ".5",
        "5.",
        "-.5",
        "-5.e1",
        "--1",
        "1-",
        "1.2.3",
        "1,5",
        " 1",
        "1 ",
        "0x10",
        "0x1p3",
        "inf",
        "nan",
        "infinity",
        "1e99999999999999999999",
        "1e-99999999999999999999",
        "2.2250738585072011e-308",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        check(texts[i]);
}

/* Numbers as programs write them. */
static void test_random_numbers(void **state) {
    unsigned seed = 2022;

    (void)state;
    for (int i = 0; i < RANDOM_FIELDS; i++) {
        char text[64];
        double value = (double)rand_r(&seed) / (1 + rand_r(&seed) % 1000000) *
                       pow(10, rand_r(&seed) % 60 - 30) * (rand_r(&seed) % 2 ? 1 : -1);

        (void)snprintf(text, sizeof(text), "%.*g", 1 + rand_r(&seed) % 18, value);
        check(text);
        (void)snprintf(text, sizeof(text), "%.*f", rand_r(&seed) % 10, fmod(value, 1e9));
        check(text);
    }
}

/* What consists of the same characters, but is seldom a number. */
static void test_random_texts(void **state) {
    static const char letters[] = "0123456789000999.-+eE x";
    unsigned seed = 2023;

    (void)state;
    for (int i = 0; i < RANDOM_FIELDS; i++) {
        char text[32];
        size_t length = (size_t)rand_r(&seed) % (sizeof(text) - 1);

        for (size_t k = 0; k < length; k++)
            text[k] = letters[(size_t)rand_r(&seed) % (sizeof(letters) - 1)];
        text[length] = '\0';
        check(text);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_random_numbers),
        cmocka_unit_test(test_random_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
