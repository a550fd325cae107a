/*
 * csv_file - for the tests of base/csv: a temporary file, and a writer that must not fail.
 */
#ifndef BENCH_TESTS_CSV_FILE_H
#define BENCH_TESTS_CSV_FILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/csv.h"

#include <string.h>
#include <unistd.h>

static char path[64];

static inline int set_up(void **state) {
    int fd;

    (void)state;
    (void)strcpy(path, "/tmp/bench-csv.XXXXXX");
    fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static inline int tear_down(void **state) {
    (void)state;
    return unlink(path);
}

static inline void put(const char *bytes, size_t length) {
    CLEANUP(fclosep) FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
}

/* Of up to five texts: a row is an array of so many. */
static inline struct csv_writer *open_writer(size_t n) {
    static const struct csv_column columns[] = {
        {"a", CSV_TEXT, 0},
        {"b", CSV_TEXT, sizeof(char *)},
        {"c", CSV_TEXT, 2 * sizeof(char *)},
        {"d", CSV_TEXT, 3 * sizeof(char *)},
        {"e", CSV_TEXT, 4 * sizeof(char *)},
    };
    struct csv_writer *writer;
    struct error error;

    if (csv_writer_open(&writer, path, columns, n, &error) < 0)
        fail_msg("%s", error.text);
    return writer;
}

#define ROW(...) ((const char *const[]){__VA_ARGS__})

static inline void flush(struct csv_writer *writer) {
    struct error error;

    if (csv_flush(writer, true, &error) < 0)
        fail_msg("%s", error.text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
