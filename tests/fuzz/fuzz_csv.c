/* base/csv: any file is read or refused; what was read is the same when it is written and read
 * again; rows are added behind what was read, whatever a power cut has left there. */
#include "fuzz.h"

#include "../csv_table.h"

#include <ctype.h>
#include <errno.h>

static struct csv_table *read_table(const struct fuzz_file *file) {
    struct csv_table *table = NULL;
    struct error error = {""};
    int r = csv_table_read(&table, file->path, &error);

    FUZZ_CHECK((r == 0) == (table != NULL), "%d", r);
    FUZZ_CHECK((r == 0) == !*error.text, "'%s'", error.text);
    FUZZ_CHECK(r == 0 || r == -EBADMSG, "%d", r);
    return table;
}

static void check_lines(const struct csv_table *table) {
    for (size_t row = 0; row < table->rows; row++)
        FUZZ_CHECK(table->lines[row + 1] > table->lines[row], "row %zu", row);
}

/* Columns have plain names wherever we write: what marks a file as an editor's is in none. */
static bool has_plain_names(const struct csv_table *table) {
    for (size_t i = 0; i < table->columns; i++)
        for (const char *c = table->fields[i]; *c; c++)
            if (!isalnum((unsigned char)*c) && *c != '_')
                return false;
    return true;
}

/* A column for each field; the caller's. */
static struct csv_column *columns_of(const struct csv_table *table) {
    struct csv_column *columns = memory_new(table->columns, sizeof(*columns));

    for (size_t i = 0; i < table->columns; i++)
        columns[i] = (struct csv_column){"x", CSV_TEXT, i * sizeof(char *)};
    return columns;
}

static void write_table(const struct csv_table *table, const struct fuzz_file *file) {
    CLEANUP_FREE struct csv_column *columns = columns_of(table);
    struct csv_writer *writer;
    struct error error;

    /* The header is the first row of fields; the writer's own is cut off again. */
    FUZZ_CHECK(csv_writer_open(&writer, file->path, columns, table->columns, &error) == 0, "%s",
               error.text);
    FUZZ_CHECK(ftruncate(file->fd, 0) == 0, "ftruncate");
    for (size_t row = 0; row <= table->rows; row++)
        csv_row(writer, &table->fields[row * table->columns]);
    FUZZ_CHECK(csv_flush(writer, false, &error) == 0, "%s", error.text);
    csv_writer_close(writer);
}

static void compare(const struct csv_table *table, const struct csv_table *again) {
    FUZZ_CHECK(again && again->rows >= table->rows && again->columns == table->columns, "%zu x %zu",
               table->rows, table->columns);
    for (size_t i = 0; i < (table->rows + 1) * table->columns; i++)
        FUZZ_CHECK(strcmp(again->fields[i], table->fields[i]) == 0, "field %zu: '%s'", i,
                   table->fields[i]);
}

static void add_row(const struct csv_table *table, const struct fuzz_file *file) {
    CLEANUP(csv_table_freep) struct csv_table *longer = NULL;
    CLEANUP_FREE struct csv_column *columns = columns_of(table);
    CLEANUP_FREE const char **fields = memory_new(table->columns, sizeof(char *));
    struct csv_writer *writer;
    struct error error;

    FUZZ_CHECK(csv_writer_open(&writer, file->path, columns, table->columns, &error) == 0, "%s",
               error.text);
    for (size_t column = 0; column < table->columns; column++)
        fields[column] = "added";
    csv_row(writer, fields);
    FUZZ_CHECK(csv_flush(writer, false, &error) == 0, "%s", error.text);
    csv_writer_close(writer);
    longer = read_table(file);
    compare(table, longer);
    FUZZ_CHECK(longer->rows == table->rows + 1 && !longer->half_last_line, "%zu", longer->rows);
    FUZZ_CHECK(strcmp(csv_table_field(longer, table->rows, 0), "added") == 0, "another row");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct fuzz_file in, out;
    CLEANUP(csv_table_freep) struct csv_table *table = NULL, *again = NULL;

    if (!in.fd) {
        in = fuzz_file_make();
        out = fuzz_file_make();
    }
    fuzz_file_put(&in, (const char *)data, size);
    table = read_table(&in);
    if (!table)
        return 0;
    FUZZ_CHECK(size == 0 || !memchr(data, '\0', size) || table->half_last_line, "a zero byte");
    check_lines(table);
    if (!has_plain_names(table))
        return 0;
    fuzz_file_put(&out, "", 0);
    write_table(table, &out);
    again = read_table(&out);
    compare(table, again);
    FUZZ_CHECK(again->rows == table->rows, "%zu", again->rows);
    add_row(table, &in);
    return 0;
}
