/* base/terminal: lines broken between words, verdicts and their styles, what no terminal gets. */
#include "base/memory.h"
#include "base/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void test_wrapped(void **state) {
    static const struct {
        const char *line;
        int columns, indent;
        const char *wrapped;
    } cases[] = {
        {"", 10, 2, ""},
        {"fits", 10, 2, "fits"},
        {"fits  well", 10, 2, "fits  well"},
        {"one two three", 10, 2, "one two\n  three"},
        {"one two three four", 7, 2, "one two\n  three\n  four"},
        {"path /a/long/one", 10, 2, "path /a/long/one"},
        {"a/long/word b", 10, 2, "a/long/word\n  b"},
        {"  indented already", 12, 4, "  indented\n    already"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *wrapped =
            terminal_wrap(cases[i].line, cases[i].columns, cases[i].indent);

        assert_string_equal(wrapped, cases[i].wrapped);
    }
}

static void test_styles(void **state) {
    (void)state;
    assert_int_equal(terminal_style_of("held"), STYLE_GOOD);
    assert_int_equal(terminal_style_of("not slower"), STYLE_GOOD);
    assert_int_equal(terminal_style_of("undecided"), STYLE_DOUBTFUL);
    assert_int_equal(terminal_style_of("failed"), STYLE_BAD);
    assert_int_equal(terminal_style_of("verdict"), STYLE_PLAIN);
    assert_int_equal(terminal_style_of(""), STYLE_PLAIN);
}

/* A file is none, whatever TERM says; and what is printed cannot bring escape sequences. */
static void test_file(void **state) {
    CLEANUP(fclosep) FILE *file = tmpfile();
    char text[64] = "";

    (void)state;
    assert_non_null(file);
    assert_int_equal(setenv("TERM", "xterm", 1), 0);
    assert_false(terminal_obeys(file));
    assert_int_equal(terminal_size(file).columns, 80);
    assert_int_equal(terminal_size(file).rows, 24);
    terminal_print(file, STYLE_BAD, "%s", "failed\033[0m");
    rewind(file);
    assert_non_null(fgets(text, sizeof(text), file));
    assert_string_equal(text, "failed\\x1b[0m");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrapped),
        cmocka_unit_test(test_styles),
        cmocka_unit_test(test_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
