/*
 * csv - RFC 4180 tables: written a row at a time so that a file never ends in half a row, and
 * read whole with exact line numbers in every complaint.
 *
 * Numbers have '.' as decimal point in every locale (the program never calls setlocale).
 */
#ifndef BENCH_BASE_CSV_H
#define BENCH_BASE_CSV_H

#include "base/error.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- writing ---- */

struct csv_writer;

/* Opens path for appending; a new or empty file gets the header (comma-separated names), a half
 * last line is cut off. The writer is the caller's, who closes it. */
int csv_writer_open(struct csv_writer **ret, const char *path, const char *header,
                    struct error *error);
void csv_writer_close(struct csv_writer *writer);
DEFINE_CLEANUP(struct csv_writer *, csv_writer_close)

/* A row is put together field by field, then ended. Fields are quoted when they must be. */
void csv_text(struct csv_writer *writer, const char *value); /* NULL: an empty field */
void csv_integer(struct csv_writer *writer, int64_t value);
void csv_real(struct csv_writer *writer, double value); /* 9 digits, whole ones exact; NaN: empty */
/* What csv_real() writes, as a text. */
#define CSV_REAL_SIZE 40
void csv_real_text(double value, char ret[CSV_REAL_SIZE]);
void csv_empty(struct csv_writer *writer);
void csv_end_row(struct csv_writer *writer);

/* Hands all ended rows to the kernel in one write; with `sync` also to the disk. On failure
 * (-ENOSPC, ...) the file is cut back to what it held before, so that no half row stays, and
 * these rows are forgotten. */
int csv_flush(struct csv_writer *writer, bool sync, struct error *error);

/* ---- reading ---- */

/* A whole table in memory; rows have as many fields as the header, or reading fails. */
struct csv_table {
    char *path;
    char *text;    /* owns all fields */
    char **fields; /* (1 + rows) x columns, the header first */
    size_t *lines; /* the line in the file of each row, the header's first */
    size_t rows;   /* without the header */
    size_t columns;
    bool half_last_line; /* the last line had no line end: it was left out */
};

/* Errors name path:line. -ENOENT when there is no such file. */
int csv_table_read(struct csv_table **ret, const char *path, struct error *error);
void csv_table_free(struct csv_table *table);
DEFINE_CLEANUP(struct csv_table *, csv_table_free)

/* The place of a column, or a negative errno and "path: no column NAME". */
int csv_table_column(const struct csv_table *table, const char *name, struct error *error);

/* Field of row (from 0) and column; never NULL, "" when empty. */
static inline const char *csv_table_field(const struct csv_table *table, size_t row, int column) {
    return table->fields[(row + 1) * table->columns + (size_t)column];
}

/* The field as a number: an empty one is NaN; anything that is no finite number is an error with
 * path:line and the column's name. */
int csv_table_real(const struct csv_table *table, size_t row, int column, double *ret,
                   struct error *error);

#endif
