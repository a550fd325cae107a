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
    size_t ended; /* of length: what belongs to ended rows */
    bool in_row;
    bool unsynced; /* the kernel has rows that may not be on the disk yet */
};

static void append(struct csv_writer *writer, const char *bytes, size_t length) {
    if (writer->length + length > writer->capacity) {
        writer->capacity = (writer->length + length) * 2 + 256;
        writer->buffer = memory_resize(writer->buffer, writer->capacity, 1);
    }
    memcpy(writer->buffer + writer->length, bytes, length);
    writer->length += length;
}

/* Cuts off what stands behind the last line end: a row that a power cut left half written. Returns
 * the size then. */
static off_t cut_half_line(int fd, off_t size) {
    off_t end = size;
    char last;

    for (; end > 0; end--) {
        if (pread(fd, &last, 1, end - 1) != 1)
            return -EIO;
        if (last == '\n')
            break;
    }
    return end < size && ftruncate(fd, end) < 0 ? -errno : end;
}

int csv_writer_open(struct csv_writer **ret, const char *path, const char *header,
                    struct error *error) {
    CLEANUP(csv_writer_closep) struct csv_writer *writer = memory_new(1, sizeof(*writer));
    struct stat status;
    off_t size;
    int r;

    writer->path = text_copy(path);
    writer->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (writer->fd < 0)
        return error_errno(error, -errno, "%s", path);
    size = fstat(writer->fd, &status) < 0 ? -errno : cut_half_line(writer->fd, status.st_size);
    if (size < 0)
        return error_errno(error, (int)size, "%s", path);
    writer->unsynced = true; /* what a writer before this one has left */
    if (size == 0) {
        append(writer, header, strlen(header));
        csv_end_row(writer);
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

void csv_real_text(double value, char ret[CSV_REAL_SIZE]) {
    bool whole = fabs(value) < 9007199254740992.0 && value == floor(value); /* 2^53 */

    *ret = '\0';
    if (isfinite(value))
        (void)snprintf(ret, CSV_REAL_SIZE, whole ? "%.0f" : "%.9g", value == 0 ? 0 : value);
}

void csv_real(struct csv_writer *writer, double value) {
    char digits[CSV_REAL_SIZE];

    csv_real_text(value, digits);
    csv_text(writer, digits);
}

void csv_empty(struct csv_writer *writer) {
    csv_text(writer, NULL);
}

void csv_end_row(struct csv_writer *writer) {
    append(writer, "\n", 1);
    writer->ended = writer->length;
    writer->in_row = false;
}

/* Forgets the ended rows; what there is of a row that is not ended stays. */
static void drop_ended(struct csv_writer *writer) {
    writer->length -= writer->ended;
    memmove(writer->buffer, writer->buffer + writer->ended, writer->length);
    writer->ended = 0;
}

int csv_flush(struct csv_writer *writer, bool sync, struct error *error) {
    off_t before = lseek(writer->fd, 0, SEEK_END);
    size_t done = 0;

    while (done < writer->ended) {
        ssize_t n = write(writer->fd, writer->buffer + done, writer->ended - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int code = n < 0 ? -errno : -ENOSPC;

            if (before >= 0 && ftruncate(writer->fd, before) < 0)
                code = -errno;
            drop_ended(writer);
            return error_errno(error, code, "%s", writer->path);
        }
        done += (size_t)n;
    }
    if (done)
        drop_ended(writer);
    writer->unsynced = writer->unsynced || done;
    if (sync && writer->unsynced && fdatasync(writer->fd) < 0)
        return error_errno(error, -errno, "%s", writer->path);
    writer->unsynced = writer->unsynced && !sync;
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
    size_t first_line = parser->line;

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
                         parser->table->path, first_line);
    parser->cursor = from + 1;
    if (!strchr(",\r\n", *parser->cursor))
        return error_set(parser->error, -EBADMSG, "%s:%zu: text behind a closing quote",
                         parser->table->path, parser->line);
    *to = '\0'; /* never the separator: the closing quote at the latest */
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

/* Nothing that was written as text has one, and a field would end there without a word. */
static int check_zero_bytes(const struct csv_parser *parser) {
    const char *zero = memchr(parser->cursor, '\0', (size_t)(parser->end - parser->cursor));
    size_t line = 1;

    if (!zero)
        return 0;
    for (const char *c = parser->cursor; c < zero; c++)
        line += *c == '\n';
    return error_set(parser->error, -EBADMSG, "%s:%zu: a zero byte: this is no CSV file",
                     parser->table->path, line);
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
    r = check_zero_bytes(&parser);
    while (r == 0 && parser.cursor < parser.end)
        r = take_row(&parser);
    if (r < 0)
        return r;
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
