/* base/program: a line is run to its end, and what it complains of is the error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/program.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static void test_success(void **state) {
    CLEANUP_FREE char *output = NULL, *nothing = NULL;
    struct error error = {"untouched"};

    (void)state;
    assert_int_equal(program_ask(&output, NULL, &error, "echo  one %s", "two"), 0);
    assert_string_equal(output, "one two\n");
    assert_int_equal(program_run(&error, "true"), 0);
    assert_int_equal(program_ask(&nothing, NULL, &error, "cat"), 0); /* its stdin is empty */
    assert_string_equal(nothing, "");
    assert_string_equal(error.text, "untouched");
}

/* The input reaches the program, and no message. */
static void test_input(void **state) {
    CLEANUP_FREE char *output = NULL, *unread = NULL;
    struct error error = {""};

    (void)state;
    assert_int_equal(program_ask(&output, "a secret\n", &error, "cat"), 0);
    assert_string_equal(output, "a secret\n");
    assert_int_equal(program_ask(&unread, "a secret\n", &error, "false"), -EIO);
    assert_null(unread);
    assert_string_equal(error.text, "`false`: ");
}

/* Also on stderr, and only the first line. */
static void test_complaint(void **state) {
    struct error error = {""};
    char *output = NULL;

    (void)state;
    assert_int_equal(program_ask(&output, NULL, &error, "ls /no-such-folder"), -EIO);
    assert_null(output);
    assert_int_equal(strncmp(error.text, "`ls /no-such-folder`: ", 22), 0);
    assert_non_null(strstr(error.text, "No such file"));
    assert_null(strchr(error.text, '\n'));
    assert_int_equal(program_run(&error, "no-such-program-at-all -x"), -ENOENT);
    assert_non_null(strstr(error.text, "no-such-program-at-all"));
    assert_int_equal(program_run(NULL, "false"), -EIO);
}

static int set_up(void **state) {
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN); /* as in every process that runs programs */
    return 0;
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_success),
        cmocka_unit_test(test_input),
        cmocka_unit_test(test_complaint),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
