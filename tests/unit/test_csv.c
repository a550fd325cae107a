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

static void test_writes_rows(void **state) {
    CLEANUP(csv_writer_closep) struct csv_writer *writer = open_writer("a,b,c,d,e");
    CLEANUP_FREE char *text = NULL;

    (void)state;
    csv_text(writer, "x y");
    csv_integer(writer, INT64_MIN);
    csv_real(writer, 0.1);
    csv_empty(writer);
    csv_text(writer, NULL);
    csv_end_row(writer);
    flush(writer);
    text = get();
    assert_string_equal(text, "a,b,c,d,e\nx y,-9223372036854775808,0.1,,\n");
}

static void test_writes_reals(void **state) {
    CLEANUP(csv_writer_closep) struct csv_writer *writer = open_writer("x");
    const double values[] = {0, 13.4, 1e300, 123456789, 1234567891, -0.0, -2.5e-7, NAN, INFINITY};
    CLEANUP_FREE char *text = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        csv_real(writer, values[i]);
        csv_end_row(writer);
    }
    flush(writer);
    text = get();
    assert_string_equal(text, "x\n0\n13.4\n1e+300\n123456789\n1234567891\n0\n-2.5e-07\n\n\n");
}

static void test_appends_without_second_header(void **state) {
    CLEANUP_FREE char *text = NULL;

    (void)state;
    for (int i = 0; i < 3; i++) {
        CLEANUP(csv_writer_closep) struct csv_writer *writer = open_writer("n");

        csv_integer(writer, i);
        csv_end_row(writer);
        flush(writer);
    }
    text = get();
    assert_string_equal(text, "n\n0\n1\n2\n");
}

/* What a power cut left: the next row must not be glued to it. */
static void test_cuts_half_line_before_appending(void **state) {
    CLEANUP_FREE char *text = NULL, *only = NULL;
    struct csv_writer *writer;

    (void)state;
    put("a,b\n1,2\n3,", 10);
    writer = open_writer("a,b");
    csv_integer(writer, 5);
    csv_integer(writer, 6);
    csv_end_row(writer);
    flush(writer);
    csv_writer_close(writer);
    text = get();
    assert_string_equal(text, "a,b\n1,2\n5,6\n");

    put("a,", 2); /* not even the header */
    csv_writer_close(open_writer("a,b"));
    only = get();
    assert_string_equal(only, "a,b\n");
}

static void test_flush_takes_ended_rows_only(void **state) {
    CLEANUP(csv_writer_closep) struct csv_writer *writer = open_writer("a,b");
    CLEANUP_FREE char *before = NULL, *after = NULL;

    (void)state;
    csv_text(writer, "1");
    csv_text(writer, "2");
    csv_end_row(writer);
    csv_text(writer, "3");
    flush(writer);
    before = get();
    assert_string_equal(before, "a,b\n1,2\n");
    csv_text(writer, "4");
    csv_end_row(writer);
    flush(writer);
    flush(writer);
    after = get();
    assert_string_equal(after, "a,b\n1,2\n3,4\n");
}

/* A file-size limit in place of a full disk: the write stops half-way. */
static void test_full_disk_leaves_no_half_row(void **state) {
    CLEANUP(csv_writer_closep) struct csv_writer *writer = open_writer("a");
    CLEANUP_FREE char *full = NULL, *after = NULL,
                      *message = text_format("%s: File too large", path);
    struct rlimit old, small;
    struct error error;
    int r;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){.rlim_cur = 100, .rlim_max = old.rlim_max};
    for (int i = 0; i < 60; i++) {
        csv_integer(writer, i);
        csv_end_row(writer);
    }
    csv_text(writer, "not ended");
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    r = csv_flush(writer, false, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(r, -EFBIG);
    assert_string_equal(error.text, message);
    full = get();
    assert_string_equal(full, "a\n");

    csv_end_row(writer);
    flush(writer);
    after = get();
    assert_string_equal(after, "a\nnot ended\n");
}

static void test_no_space(void **state) {
    struct csv_writer *writer = NULL;
    struct error error;

    (void)state;
    assert_int_equal(csv_writer_open(&writer, "/dev/full", "a", &error), -EINVAL);
    assert_null(writer);
}

static void test_writer_open_fails(void **state) {
    struct csv_writer *writer = NULL;
    struct error error;

    (void)state;
    assert_int_equal(csv_writer_open(&writer, "/nonexistent/x.csv", "a", &error), -ENOENT);
    assert_string_equal(error.text, "/nonexistent/x.csv: No such file or directory");
    assert_null(writer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_writes_rows),
        TEST(test_writes_reals),
        TEST(test_appends_without_second_header),
        TEST(test_cuts_half_line_before_appending),
        TEST(test_flush_takes_ended_rows_only),
        TEST(test_full_disk_leaves_no_half_row),
        TEST(test_no_space),
        TEST(test_writer_open_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
