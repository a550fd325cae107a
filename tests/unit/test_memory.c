/* base/memory and base/error: text helpers, clean-up, messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void test_new_is_zeroed(void **state) {
    CLEANUP_FREE unsigned char *bytes = memory_new(1000, 3);
    CLEANUP_FREE void *nothing = memory_new(0, 0);

    (void)state;
    for (size_t i = 0; i < 3000; i++)
        assert_int_equal(bytes[i], 0);
    assert_non_null(nothing);
}

static void test_resize_keeps(void **state) {
    int *numbers = memory_resize(NULL, 2, sizeof(int));

    (void)state;
    numbers[0] = 7;
    numbers[1] = 8;
    numbers = memory_resize(numbers, 100000, sizeof(int));
    assert_int_equal(numbers[0], 7);
    assert_int_equal(numbers[1], 8);
    numbers = memory_resize(numbers, 0, sizeof(int));
    assert_non_null(numbers);
    free(numbers);
}

static void test_fd_cleanup(void **state) {
    int kept;

    (void)state;
    {
        CLEANUP_FD int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        CLEANUP_FD int none = -1;

        (void)none;
        kept = fd;
        errno = ENODEV;
    }
    assert_int_equal(errno, ENODEV);
    assert_int_equal(fcntl(kept, F_GETFD), -1);
    assert_int_equal(errno, EBADF);
}

static void test_text_copy(void **state) {
    CLEANUP_FREE char *copy = text_copy("a b");

    (void)state;
    assert_string_equal(copy, "a b");
    assert_null(text_copy(NULL));
}

static void test_text_format_long(void **state) {
    CLEANUP_FREE char *text = text_format("%0*d|%s", 5000, 1, "end");

    (void)state;
    assert_int_equal(strlen(text), 5004);
    assert_string_equal(text + 5000, "|end");
}

static void test_text_replace(void **state) {
    CLEANUP_FREE char *text = NULL;

    (void)state;
    text_replace(&text, "one two");
    assert_string_equal(text, "one two");
    text_replace(&text, text + 4); /* a part of itself */
    assert_string_equal(text, "two");
    text_replace(&text, NULL);
    assert_null(text);
}

static void test_text_equal(void **state) {
    (void)state;
    assert_true(text_equal(NULL, NULL));
    assert_false(text_equal(NULL, ""));
    assert_false(text_equal("", NULL));
    assert_true(text_equal("a", "a"));
    assert_false(text_equal("a", "A"));
}

static void test_next_line(void **state) {
    static const char *const lines[] = {"one two", "", "three"};
    const char *cursor = "one two\n\nthree\n", *none = "";

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        CLEANUP_FREE char *line = text_next_line(&cursor);

        assert_string_equal(line, lines[i]);
    }
    assert_null(text_next_line(&cursor));
    assert_null(text_next_line(&none));
}

static void test_next_word(void **state) {
    const char *cursor = "  one\ttwo \r\n three", *word;
    size_t length;

    (void)state;
    word = text_next_word(&cursor, &length);
    assert_int_equal(length, 3);
    assert_memory_equal(word, "one", 3);
    word = text_next_word(&cursor, &length);
    assert_memory_equal(word, "two", 3);
    word = text_next_word(&cursor, &length);
    assert_int_equal(length, 5);
    assert_memory_equal(word, "three", 5);
    assert_null(text_next_word(&cursor, &length));
    assert_null(text_next_word(&cursor, &length));
}

static void test_next_word_of_nothing(void **state) {
    const char *none = NULL, *empty = "", *blank = " \t\n";
    size_t length;

    (void)state;
    assert_null(text_next_word(&none, &length));
    assert_null(text_next_word(&empty, &length));
    assert_null(text_next_word(&blank, &length));
}

static void test_has_word(void **state) {
    (void)state;
    assert_true(text_has_word("tls certificate password", "certificate"));
    assert_true(text_has_word("tls\n", "tls"));
    assert_false(text_has_word("tls12", "tls"));
    assert_false(text_has_word("tls", "tls12"));
    assert_false(text_has_word("tls", ""));
    assert_false(text_has_word("", "tls"));
    assert_false(text_has_word(NULL, "tls"));
}

static void test_error_set(void **state) {
    struct error error;

    (void)state;
    assert_int_equal(error_set(&error, -EINVAL, "%s: %d", "x", 7), -EINVAL);
    assert_string_equal(error.text, "x: 7");
    assert_int_equal(error_set(NULL, -EINVAL, "%s", "x"), -EINVAL);
}

static void test_error_errno(void **state) {
    struct error error;

    (void)state;
    assert_int_equal(error_errno(&error, -ENOENT, "open %s", "x"), -ENOENT);
    assert_string_equal(error.text, "open x: No such file or directory");
    assert_int_equal(error_errno(NULL, -ENOENT, "open"), -ENOENT);
}

static void test_error_prefix(void **state) {
    struct error error;

    (void)state;
    (void)error_set(&error, -EIO, "the cause");
    assert_int_equal(error_prefix(&error, -EIO, "%s %d", "block", 3), -EIO);
    assert_string_equal(error.text, "block 3: the cause");
    assert_int_equal(error_prefix(NULL, -EIO, "x"), -EIO);
}

/* Messages that do not fit are cut, and the file that they name and the cause stay readable. */
static void test_error_too_long(void **state) {
    CLEANUP_FREE char *path = text_format("%0*d", 3000, 1);
    struct error error;

    (void)state;
    (void)error_set(&error, -EIO, "%s", path);
    assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
    (void)error_errno(&error, -EIO, "%s", path);
    assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
    (void)error_set(&error, -EIO, "the cause");
    (void)error_prefix(&error, -EIO, "%s", path);
    assert_true(strlen(error.text) < sizeof(error.text));
    assert_non_null(strstr(error.text, ": the cause"));
}

static void test_append(void **state) {
    CLEANUP_FREE char *list = text_copy("");

    (void)state;
    text_append(&list, ", ", "one");
    text_append(&list, ", ", "two");
    assert_string_equal(list, "one, two");
}

static void test_hex(void **state) {
    static const unsigned char bytes[] = {0x00, 0x7f, 0xff};
    char text[2 * sizeof(bytes) + 1];

    (void)state;
    text_hex(text, bytes, sizeof(bytes));
    assert_string_equal(text, "007fff");
}

static void test_real(void **state) {
    static const struct {
        const char *text;
        bool is;
        double value;
    } cases[] = {
        {"13.4", true, 13.4}, {"-2.5e-07", true, -2.5e-07}, {"0x10", true, 16},
        {"", false, 42},      {"1,5", false, 42},           {"1 ", false, 42},
        {"nan", false, 42},   {"-inf", false, 42},          {"1e309", false, 42},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        double value = 42;

        assert_int_equal(text_real(cases[i].text, &value), cases[i].is);
        assert_true(value == cases[i].value);
    }
}

static void test_visible(void **state) {
    static const char *const cases[][2] = {
        {"", ""},
        {"a~ \xc3\xa4 \xe2\x89\xa4 \xf0\x9f\x98\x80", "a~ \xc3\xa4 \xe2\x89\xa4 \xf0\x9f\x98\x80"},
        {"\033]0;t\a", "\\x1b]0;t\\x07"},
        {"a\rb\bc\td\177", "a\\x0db\\x08c\\x09d\\x7f"},
        {"two\nlines", "two\nlines"},
        {"\\x1b", "\\x1b"},                                 /* what is visible stays */
        {"\xc2\x80\xc2\x9f\xc2\xa0", "\\x80\\x9f\xc2\xa0"}, /* C1, and the first behind it */
        {"\x9b", "\\x9b"},
        {"\xc3", "\\xc3"}, /* cut off */
        {"\xe2\x89", "\\xe2\\x89"},
        {"\xe2\033", "\\xe2\\x1b"},
        {"\xc0\x9b", "\\xc0\\x9b"}, /* longer than it need be */
        {"\xe0\x82\x9b", "\\xe0\\x82\\x9b"},
        {"\xf0\x80\x82\x9b", "\\xf0\\x80\\x82\\x9b"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* half of a pair */
        {"\xed\x9f\xbf", "\xed\x9f\xbf"},
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* behind the last */
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
        {"\xf5\x80\x80\x80\xff", "\\xf5\\x80\\x80\\x80\\xff"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *shown = text_visible(cases[i][0]);

        assert_string_equal(shown, cases[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_is_zeroed),
        cmocka_unit_test(test_resize_keeps),
        cmocka_unit_test(test_fd_cleanup),
        cmocka_unit_test(test_text_copy),
        cmocka_unit_test(test_text_format_long),
        cmocka_unit_test(test_text_replace),
        cmocka_unit_test(test_text_equal),
        cmocka_unit_test(test_next_line),
        cmocka_unit_test(test_next_word),
        cmocka_unit_test(test_next_word_of_nothing),
        cmocka_unit_test(test_has_word),
        cmocka_unit_test(test_error_set),
        cmocka_unit_test(test_error_errno),
        cmocka_unit_test(test_error_prefix),
        cmocka_unit_test(test_error_too_long),
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_real),
        cmocka_unit_test(test_visible),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
