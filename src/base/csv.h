/*
 * csv - RFC 4180 tables: written a row at a time so that a file never ends in half a
 * row, and read a row at a time with exact line numbers in every complaint.
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

/* Rows are structs: a column for each member that is listed, under its name. */
enum csv_kind {
    CSV_TEXT,    /* const char *; NULL: an empty field. Quoted when it must be */
    CSV_INTEGER, /* int64_t */
    CSV_REAL,    /* double: 9 digits, whole ones exact; NaN: an empty field */
};
struct csv_column {
    const char *name;
    enum csv_kind kind;
    size_t offset; /* of the member */
};
#define CSV_COLUMN(kind, type, member)                                                             \
    { #member, kind, offsetof(type, member) }

struct csv_writer;

/* Opens path for appending rows of these columns, which outlive the writer. A new or empty file
 * gets their names as header, a half last line is cut off. The writer is the caller's, who closes
 * it. */
int csv_writer_open(struct csv_writer **ret, const char *path, const struct csv_column *columns,
                    size_t n, struct error *error);
void csv_writer_close(struct csv_writer *writer);
DEFINE_CLEANUP(struct csv_writer *, csv_writer_close)

void csv_row(struct csv_writer *writer, const void *row);

/* The columns' names as the header of a file; the caller's. */
char *csv_header(const struct csv_column *columns, size_t n);
/* By how much a real that was written may differ from the number that it was given. */
double csv_real_error(double written);

/* Hands all rows to the kernel in one write; with `sync` also to the disk. On failure
 * (-ENOSPC, ...) the file is cut back to what it held before, so that no half row stays, and
 * these rows are forgotten. */
int csv_flush(struct csv_writer *writer, bool sync, struct error *error);

/* ---- reading ---- */

/* A table that is read row by row; rows have as many fields as the header, or reading fails. The
 * whole file is in memory; what a field points to is good until the reader is closed. */
struct csv_reader {
    char *path;
    char **names;  /* of the columns: the header's fields */
    char **fields; /* of the row at hand */
    size_t columns, n_fields;
    size_t line;         /* where the row at hand begins in the file, from 1 */
    bool half_last_line; /* the last line has no line end: it is left out */
    char *text;          /* of the file; rows that were read are cut into their fields */
    char *next, *end;    /* the next row; behind the last line end */
    size_t next_line;
};

/* Opens a table and reads its header. Errors name path:line; -ENOENT when there is no such file.
 * The reader is the caller's. */
int csv_reader_open(struct csv_reader **ret, const char *path, struct error *error);
void csv_reader_close(struct csv_reader *reader);
DEFINE_CLEANUP(struct csv_reader *, csv_reader_close)

/* 1: the next row is at hand; 0: there is none; or a negative errno. */
int csv_reader_next(struct csv_reader *reader, struct error *error);

/* The place of a column, or a negative errno and "path: no column NAME". */
int csv_reader_column(const struct csv_reader *reader, const char *name, struct error *error);

/* A field as a number: an empty one is NaN; anything that is no finite number is an error with
 * path:line and the column's name. */
int csv_reader_real(const struct csv_reader *reader, int column, double *ret, struct error *error);

#endif
