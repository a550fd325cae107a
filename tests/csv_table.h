/*
 * csv_table - for the tests of base/csv: all that a reader says of a file, in memory.
 */
#ifndef BENCH_TESTS_CSV_TABLE_H
#define BENCH_TESTS_CSV_TABLE_H

#include "base/csv.h"

struct csv_table {
    char **fields; /* (1 + rows) x columns, the header first */
    size_t *lines; /* the line in the file of each row, the header's first */
    size_t rows;   /* without the header */
    size_t columns;
    bool half_last_line;
};

static inline void csv_table_free(struct csv_table *table) {
    for (size_t i = 0; i < (table->rows + 1) * table->columns; i++)
        free(table->fields[i]);
    free(table->fields);
    free(table->lines);
    free(table);
}
DEFINE_CLEANUP(struct csv_table *, csv_table_free)

static inline void csv_table_add(struct csv_table *table, char *const *fields, size_t row) {
    table->fields = memory_resize(table->fields, (row + 1) * table->columns, sizeof(char *));
    for (size_t i = 0; i < table->columns; i++)
        table->fields[row * table->columns + i] = text_copy(fields[i]);
}

/* Like csv_reader_open(), and through to the end. */
static inline int csv_table_read(struct csv_table **ret, const char *path, struct error *error) {
    CLEANUP(csv_reader_closep) struct csv_reader *reader = NULL;
    struct csv_table *table;
    int r = csv_reader_open(&reader, path, error);

    if (r < 0)
        return r;
    table = memory_new(1, sizeof(*table));
    table->columns = reader->columns;
    table->lines = memory_new(1, sizeof(*table->lines));
    table->lines[0] = reader->line;
    csv_table_add(table, reader->names, 0);
    while ((r = csv_reader_next(reader, error)) > 0) {
        csv_table_add(table, reader->fields, ++table->rows);
        table->lines = memory_resize(table->lines, table->rows + 1, sizeof(*table->lines));
        table->lines[table->rows] = reader->line;
    }
    table->half_last_line = reader->half_last_line;
    if (r < 0)
        csv_table_free(table);
    else
        *ret = table;
    return r;
}

/* Field of row (from 0) and column. */
static inline const char *csv_table_field(const struct csv_table *table, size_t row,
                                          size_t column) {
    return table->fields[(row + 1) * table->columns + column];
}

#endif
