/* analysis/names: the same name, the same number, in the order of the first question. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/names.h"

#include <stdio.h>
#include <string.h>

static size_t number(struct names *names, const char *text) {
    return names_number(names, text, strlen(text));
}

static void test_numbers(void **state) {
    CLEANUP(names_clear) struct names names = {0};

    (void)state;
    assert_int_equal(number(&names, "b"), 0);
    assert_int_equal(number(&names, ""), 1);
    assert_int_equal(number(&names, "a"), 2);
    assert_int_equal(number(&names, "b"), 0);
    assert_int_equal(number(&names, ""), 1);
    assert_int_equal(names.n, 3);
    assert_string_equal(names.texts[0], "b");
    assert_string_equal(names.texts[1], "");
}

static void test_zero_bytes_tell_names_apart(void **state) {
    CLEANUP(names_clear) struct names names = {0};

    (void)state;
    assert_int_equal(names_number(&names, "a\0bc", 4), 0);
    assert_int_equal(names_number(&names, "ab\0c", 4), 1);
    assert_int_equal(names_number(&names, "a\0bc", 4), 0);
    assert_string_equal(names.texts[0] + 2, "bc");
}

static void test_many(void **state) {
    CLEANUP(names_clear) struct names names = {0};
    char text[32];

    (void)state;
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < 100000; i++) {
            (void)snprintf(text, sizeof(text), "name %zu", i * 7919);
            assert_int_equal(number(&names, text), i);
        }
    assert_int_equal(names.n, 100000);
}

static void test_taken(void **state) {
    struct names names = {0};
    char **texts;
    size_t n;

    (void)state;
    (void)number(&names, "x");
    texts = names_take(&names, &n);
    assert_int_equal(n, 1);
    assert_string_equal(texts[0], "x");
    assert_int_equal(names.n, 0);
    assert_int_equal(number(&names, "y"), 0);
    names_clear(&names);
    free(texts[0]);
    free(texts);
    assert_null(names_take(&names, &n));
    assert_int_equal(n, 0);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_zero_bytes_tell_names_apart),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
