#include "base/csv.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct csv_writer {
    char *path;
    int fd;
    char *buffer; /* rows not yet handed to the kernel */
    size_t length, capacity;
    bool in_row;
};

static void append(struct csv_writer *writer, const char *bytes, size_t length) {
    if (writer->length + length > writer->capacity) {
        writer->capacity = (writer->length + length) * 2 + 256;
        writer->buffer = memory_resize(writer->buffer, writer->capacity, 1);
    }
    memcpy(writer->buffer + writer->length, bytes, length);
    writer->length += length;
}

int csv_writer_open(struct csv_writer **ret, const char *path, const char *header,
                    struct error *error) {
    CLEANUP(csv_writer_closep) struct csv_writer *writer = memory_new(1, sizeof(*writer));
    struct stat status;
    int r;

    writer->path = text_copy(path);
    writer->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (writer->fd < 0 || fstat(writer->fd, &status) < 0)
        return error_errno(error, -errno, "%s", path);
    if (status.st_size == 0) {
        append(writer, header, strlen(header));
        append(writer, "\n", 1);
        r = csv_flush(writer, false, error);
        if (r < 0)
            return r;
    }
    *ret = writer;
    writer = NULL;
    return 0;
}

void csv_writer_close(struct csv_writer *writer) {
    memory_close_fdp(&writer->fd);
    free(writer->buffer);
    free(writer->path);
    free(writer);
}

static void separate(struct csv_writer *writer) {
    if (writer->in_row)
        append(writer, ",", 1);
    writer->in_row = true;
}

void csv_text(struct csv_writer *writer, const char *value) {
    separate(writer);
    if (!value)
        return;
    if (!strpbrk(value, ",\"\r\n")) {
        append(writer, value, strlen(value));
        return;
    }
    append(writer, "\"", 1);
    for (const char *c = value; *c; c++)
        append(writer, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
    append(writer, "\"", 1);
}

void csv_integer(struct csv_writer *writer, int64_t value) {
    char digits[32];

    (void)snprintf(digits, sizeof(digits), "%lld", (long long)value);
    csv_text(writer, digits);
}

void csv_real(struct csv_writer *writer, double value) {
    char digits[40];

    (void)snprintf(digits, sizeof(digits), "%.9g", value);
    csv_text(writer, isfinite(value) ? digits : NULL);
}

void csv_empty(struct csv_writer *writer) {
    csv_text(writer, NULL);
}

void csv_end_row(struct csv_writer *writer) {
    append(writer, "\n", 1);
    writer->in_row = false;
}

int csv_flush(struct csv_writer *writer, bool sync, struct error *error) {
    off_t before = lseek(writer->fd, 0, SEEK_END);
    size_t done = 0;

    while (done < writer->length) {
        ssize_t n = write(writer->fd, writer->buffer + done, writer->length - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int code = n < 0 ? -errno : -ENOSPC;

            if (before >= 0 && ftruncate(writer->fd, before) < 0)
                code = -errno;
            writer->length = 0;
            return error_errno(error, code, "%s", writer->path);
        }
        done += (size_t)n;
    }
    writer->length = 0;
    if (sync && fdatasync(writer->fd) < 0)
        return error_errno(error, -errno, "%s", writer->path);
    return 0;
}

/* ---- reading ---- */

static int read_whole(const char *path, char **ret_text, size_t *ret_length, struct error *error) {
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    CLEANUP_FREE char *text = NULL;
    size_t length = 0, capacity = 0;
    ssize_t n;

    if (fd < 0)
        return error_errno(error, -errno, "%s", path);
    do {
        if (length + 1 >= capacity) {
            capacity = capacity * 2 + 65536;
            text = memory_resize(text, capacity, 1);
        }
        n = read(fd, text + length, capacity - length - 1);
        if (n < 0)
            return error_errno(error, -errno, "%s", path);
        length += (size_t)n;
    } while (n > 0);
    text[length] = '\0';
    *ret_text = text;
    *ret_length = length;
    text = NULL;
    return 0;
}

/* State while one file is taken apart; fields are unquoted in place. */
struct csv_parser {
    struct csv_table *table;
    char *cursor, *end;
    size_t line, n_fields, capacity, n_rows, row_capacity;
    struct error *error;
};

static void add_field(struct csv_parser *parser, char *field) {
    if (parser->n_fields == parser->capacity) {
        parser->capacity = parser->capacity * 2 + 64;
        parser->table->fields =
            memory_resize(parser->table->fields, parser->capacity, sizeof(char *));
    }
    parser->table->fields[parser->n_fields++] = field;
}

/* Unquotes the field at the cursor; leaves the cursor on the byte behind the closing quote. */
static int take_quoted(struct csv_parser *parser, char **ret) {
    char *from = parser->cursor + 1, *to = parser->cursor;

    *ret = to;
    for (; from < parser->end; from++) {
        if (*from == '"' && from[1] != '"')
            break;
        if (*from == '"')
            from++;
        if (*from == '\n')
            parser->line++;
        *to++ = *from;
    }
    if (from >= parser->end)
        return error_set(parser->error, -EBADMSG, "%s:%zu: a quote is never closed",
                         parser->table->path, parser->line);
    parser->cursor = from + 1;
    if (!strchr(",\r\n", *parser->cursor))
        return error_set(parser->error, -EBADMSG, "%s:%zu: text behind a closing quote",
                         parser->table->path, parser->line);
    /* The separator is overwritten only once it has been looked at: see take_row(). */
    if (to != parser->cursor)
        *to = '\0';
    return 0;
}

/* Takes one row; the caller knows that a line end lies ahead. */
static int take_row(struct csv_parser *parser) {
    struct csv_table *table = parser->table;
    size_t first = parser->n_fields, line = parser->line;

    for (;;) {
        char *field = parser->cursor, separator;
        int r;

        if (*parser->cursor == '"') {
            r = take_quoted(parser, &field);
            if (r < 0)
                return r;
        } else {
            parser->cursor += strcspn(parser->cursor, ",\r\n");
        }
        separator = *parser->cursor;
        if (separator == '\0')
            return error_set(parser->error, -EBADMSG, "%s:%zu: a zero byte: this is no CSV file",
                             table->path, parser->line);
        *parser->cursor++ = '\0';
        add_field(parser, field);
        if (separator == '\r' && *parser->cursor == '\n')
            parser->cursor++;
        if (separator != ',')
            break;
    }
    if (parser->n_rows == parser->row_capacity) {
        parser->row_capacity = parser->row_capacity * 2 + 64;
        table->lines = memory_resize(table->lines, parser->row_capacity, sizeof(size_t));
    }
    table->lines[parser->n_rows++] = line;
    parser->line++;
    if (!table->columns)
        table->columns = parser->n_fields - first;
    if (parser->n_fields - first != table->columns)
        return error_set(parser->error, -EBADMSG, "%s:%zu: %zu fields where the header has %zu",
                         table->path, line, parser->n_fields - first, table->columns);
    return 0;
}

int csv_table_read(struct csv_table **ret, const char *path, struct error *error) {
    CLEANUP(csv_table_freep) struct csv_table *table = memory_new(1, sizeof(*table));
    struct csv_parser parser = {.table = table, .line = 1, .error = error};
    size_t length, whole;
    int r;

    table->path = text_copy(path);
    r = read_whole(path, &table->text, &length, error);
    if (r < 0)
        return r;
    for (whole = length; whole && table->text[whole - 1] != '\n';)
        whole--;
    table->half_last_line = whole != length;
    table->text[whole] = '\0';
    parser.cursor = table->text;
    parser.end = table->text + whole;
    while (parser.cursor < parser.end) {
        r = take_row(&parser);
        if (r < 0)
            return r;
    }
    if (!parser.n_rows)
        return error_set(error, -EBADMSG, "%s: empty, not even a header", path);
    table->rows = parser.n_rows - 1;
    *ret = table;
    table = NULL;
    return 0;
}

void csv_table_free(struct csv_table *table) {
    free(table->path);
    free(table->text);
    free(table->fields);
    free(table->lines);
    free(table);
}

int csv_table_column(const struct csv_table *table, const char *name, struct error *error) {
    for (size_t i = 0; i < table->columns; i++)
        if (strcmp(table->fields[i], name) == 0)
            return (int)i;
    return error_set(error, -EBADMSG, "%s: no column '%s'", table->path, name);
}

int csv_table_real(const struct csv_table *table, size_t row, int column, double *ret,
                   struct error *error) {
    const char *field = csv_table_field(table, row, column);
    char *end;
    double value;

    if (!*field) {
        *ret = NAN;
        return 0;
    }
    value = strtod(field, &end);
    if (*end || !isfinite(value))
        return error_set(error, -EBADMSG, "%s:%zu: %s: '%s' is not a number", table->path,
                         table->lines[row + 1], table->fields[column], field);
    *ret = value;
    return 0;
}
