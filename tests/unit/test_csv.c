/* base/csv, writing: whole rows, or none. */
#include "csv_file.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>

/* What the file holds, as text. */
static char *get(void) {
    CLEANUP(fclosep) FILE *file = fopen(path, "re");
    char *text = memory_new(65536, 1);

    assert_non_null(file);
    (void)!fread(text, 1, 65535, file);
    return text;
}

struct mixed {
    const char *text;
    int64_t integer;
    double real;
    const char *empty;
};
static const struct csv_column mixed_columns[] = {
    CSV_COLUMN(CSV_TEXT, struct mixed, text),
    CSV_COLUMN(CSV_INTEGER, struct mixed, integer),
    CSV_COLUMN(CSV_REAL, struct mixed, real),
    CSV_COLUMN(CSV_TEXT, struct mixed, empty),
};

static struct csv_writer *open_mixed(void) {
    struct csv_writer *writer;
    struct error error;

    if (csv_writer_open(&writer, path, mixed_columns, ARRAY_SIZE(mixed_columns), &error) < 0)
        fail_msg("%s", error.text);
    return writer;
}

static void test_writes_rows(void **state) {
    CLEANUP(csv_writer_closep) struct csv_writer *writer = open_mixed();
    CLEANUP_FREE char *text = NULL;

    (void)state;
    csv_row(writer, &(struct mixed){"x y", INT64_MIN, 0.1, NULL});
    csv_row(writer, &(struct mixed){"", 0, -1, ""});
    flush(writer);
    text = get();
    assert_string_equal(text, "text,integer,real,empty\nx y,-9223372036854775808,0.1,\n,0,-1,\n");
}

static void test_writes_reals(void **state) {
    CLEANUP(csv_writer_closep) struct csv_writer *writer = open_mixed();
    const double values[] = {0, 13.4, 1e300, 123456789, 1234567891, -0.0, -2.5e-7, NAN, INFINITY};
    CLEANUP_FREE char *text = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        csv_row(writer, &(struct mixed){.real = values[i]});
    flush(writer);
    text = get();
    assert_string_equal(text, "text,integer,real,empty\n,0,0,\n,0,13.4,\n,0,1e+300,\n"
                              ",0,123456789,\n,0,1234567891,\n,0,0,\n,0,-2.5e-07,\n,0,,\n,0,,\n");
}

static void test_appends_without_second_header(void **state) {
    CLEANUP_FREE char *text = NULL;

    (void)state;
    for (int i = 0; i < 3; i++) {
        CLEANUP(csv_writer_closep) struct csv_writer *writer = open_writer(1);
        CLEANUP_FREE char *number = text_format("%d", i);

        csv_row(writer, ROW(number));
        flush(writer);
    }
    text = get();
    assert_string_equal(text, "a\n0\n1\n2\n");
}

/* What a power cut left: the next row must not be glued to it. */
static void test_cuts_half_line_before_appending(void **state) {
    CLEANUP_FREE char *text = NULL, *only = NULL;
    struct csv_writer *writer;

    (void)state;
    put("a,b\n1,2\n3,", 10);
    writer = open_writer(2);
    csv_row(writer, ROW("5", "6"));
    flush(writer);
    csv_writer_close(writer);
    text = get();
    assert_string_equal(text, "a,b\n1,2\n5,6\n");

    put("a,", 2); /* not even the header */
    csv_writer_close(open_writer(2));
    only = get();
    assert_string_equal(only, "a,b\n");
}

/* Rows wait for a flush; what was flushed is not written again, be the next rows longer or shorter.
 */
static void test_flush_takes_each_row_once(void **state) {
    CLEANUP(csv_writer_closep) struct csv_writer *writer = open_writer(2);
    CLEANUP_FREE char *before = NULL, *after = NULL;

    (void)state;
    csv_row(writer, ROW("a long one", "2"));
    before = get();
    assert_string_equal(before, "a,b\n");
    flush(writer);
    csv_row(writer, ROW("3", "4"));
    flush(writer);
    flush(writer);
    csv_row(writer, ROW("5", "and a longer one"));
    flush(writer);
    after = get();
    assert_string_equal(after, "a,b\na long one,2\n3,4\n5,and a longer one\n");
}

/* A file-size limit in place of a full disk: the write stops half-way. */
static void test_full_disk_leaves_no_half_row(void **state) {
    CLEANUP(csv_writer_closep) struct csv_writer *writer = open_writer(1);
    CLEANUP_FREE char *full = NULL, *after = NULL,
                      *message = text_format("%s: File too large", path);
    struct rlimit old, small;
    struct error error;
    int r;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){.rlim_cur = 100, .rlim_max = old.rlim_max};
    for (int i = 0; i < 60; i++)
        csv_row(writer, ROW("17"));
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    r = csv_flush(writer, false, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(r, -EFBIG);
    assert_string_equal(error.text, message);
    full = get();
    assert_string_equal(full, "a\n");

    csv_row(writer, ROW("the next"));
    flush(writer);
    after = get();
    assert_string_equal(after, "a\nthe next\n");
}

static void test_no_space(void **state) {
    struct csv_writer *writer = NULL;
    struct error error;

    (void)state;
    assert_int_equal(csv_writer_open(&writer, "/dev/full", mixed_columns, 1, &error), -EINVAL);
    assert_null(writer);
}

static void test_writer_open_fails(void **state) {
    struct csv_writer *writer = NULL;
    struct error error;

    (void)state;
    assert_int_equal(csv_writer_open(&writer, "/nonexistent/x.csv", mixed_columns, 1, &error),
                     -ENOENT);
    assert_string_equal(error.text, "/nonexistent/x.csv: No such file or directory");
    assert_null(writer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_writes_rows),
        TEST(test_writes_reals),
        TEST(test_appends_without_second_header),
        TEST(test_cuts_half_line_before_appending),
        TEST(test_flush_takes_each_row_once),
        TEST(test_full_disk_leaves_no_half_row),
        TEST(test_no_space),
        TEST(test_writer_open_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
