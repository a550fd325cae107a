/* analysis/table_latex: a table stays on its page, however much there is in it. */
#include "analysis/table.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MAX_RUNGS 4
#define MAX_ROWS  100

static char title[] = "Title", subtitle[] = "run r", channel[] = "channel", mean[] = "mean",
            number[] = "7", nothing[] = "", name[] = "probe", help[] = "what it is";

static size_t count(const char *text, const char *part) {
    size_t n = 0;

    while ((text = strstr(text, part))) {
        text += strlen(part);
        n++;
    }
    return n;
}

static int depth(const char *text) {
    int braces = 0;

    for (; *text; text++)
        braces += (*text == '{') - (*text == '}');
    return braces;
}

/* So many rungs of so many channels each, and a note of so many letters, for the caller to free. */
static char *print(size_t n_rungs, size_t n_rows, size_t note_length) {
    static struct table_row rows[MAX_ROWS];
    static struct table_rung rungs[MAX_RUNGS];
    CLEANUP_FREE char *note = memory_new(note_length + 1, 1);
    char *notes[] = {note};
    struct table table = {.title = title,
                          .subtitle = subtitle,
                          .notes = notes,
                          .n_notes = 1,
                          .rungs = rungs,
                          .n_rungs = n_rungs};

    memset(note, 'n', note_length);
    table.headers[TABLE_CHANNEL] = channel;
    table.headers[TABLE_MEAN] = mean;
    for (size_t i = 0; i < MAX_ROWS; i++) {
        for (size_t k = 0; k < TABLE_N_COLUMNS; k++)
            rows[i].cells[k] = number;
        rows[i].note = nothing;
    }
    for (size_t i = 0; i < n_rungs; i++)
        rungs[i] = (struct table_rung){.name = name, .help = help, .rows = rows, .n_rows = n_rows};
    return table_latex(&table);
}

static void test_one_page(void **state) {
    CLEANUP_FREE char *latex = print(2, 10, 20);

    (void)state;
    assert_int_equal(count(latex, "\\begin{table}"), 1);
    assert_int_equal(count(latex, "part 1"), 0);
    assert_true(strstr(latex, "nnnn\\par") < strstr(latex, "\\end{table}"));
}

static void test_several_pages(void **state) {
    CLEANUP_FREE char *latex = print(3, 20, 20);
    const char *second;

    (void)state;
    assert_int_equal(count(latex, "\\begin{table}"), 2);
    assert_int_equal(count(latex, "\\end{table}"), 2);
    assert_int_equal(count(latex, "\nchannel & mean \\\\\n"), 2);
    assert_non_null(strstr(latex, "\\caption{Title (run r; part 1 of 2)}"));
    second = strstr(latex, "\\caption{Title (run r; part 2 of 2)}");
    assert_non_null(second);
    assert_int_equal(count(second, "\\textbf{probe}"), 1);
    assert_null(strstr(strstr(second, "\\end{table}") + 1, "\\end{table}"));
    assert_non_null(strstr(strstr(second, "\\end{table}"), "nnnn\\par"));
    assert_int_equal(depth(latex), 0);
}

static void test_more_than_a_page(void **state) {
    CLEANUP_FREE char *rung = print(1, MAX_ROWS, 20), *note = print(1, 10, 10000);

    (void)state;
    assert_int_equal(count(rung, "\\begin{table}"), 1);
    assert_int_equal(count(rung, "\\textheight"), 1); /* it is made smaller */
    assert_int_equal(count(note, "\\textheight"), 0);
    assert_non_null(strstr(strstr(note, "\\end{table}"), "nnnn\\par"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_page),
        cmocka_unit_test(test_several_pages),
        cmocka_unit_test(test_more_than_a_page),
    };

    return cmocka_run_group_tests_name("table_latex", tests, NULL, NULL);
}
