#include "base/csv.h"
#include "base/decimal.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* What has been read of the file. Rows are copied out field by field, so that one that is not
 * there as a whole can be begun again once more has been read. */
struct csv_input {
    int fd;
    char *buffer;  /* with room for capacity bytes and a final zero */
    size_t cursor; /* where the next row begins */
    size_t whole;  /* behind the last line end: so far rows can be whole */
    size_t length, capacity;
    size_t line; /* of the cursor */
    bool at_end; /* of the file */
    char *row;   /* the fields of the row at hand, each with a final zero; room as buffer */
    size_t n_fields;
};

#define UNFINISHED 1 /* the row goes on behind what has been read */

/* ---- reading the file ---- */

/* Nothing that was written as text has one, and a field would end there without a word. */
static int check_zero_bytes(const struct csv_reader *reader, size_t from, struct error *error) {
    const struct csv_input *input = reader->input;
    const char *zero = memchr(input->buffer + from, '\0', input->whole - from);
    size_t line = input->line;

    if (!zero)
        return 0;
    for (const char *c = input->buffer + input->cursor; c < zero; c++)
        line += *c == '\n';
    return error_set(error, -EBADMSG, "%s:%zu: a zero byte: this is no CSV file", reader->path,
                     line);
}

/* Drops what has been taken, and makes room for more. */
static void make_room(struct csv_input *input) {
    input->length -= input->cursor;
    input->whole -= input->cursor;
    memmove(input->buffer, input->buffer + input->cursor, input->length);
    input->cursor = 0;
    if (input->length <= input->capacity / 2)
        return;
    input->capacity *= 2;
    input->buffer = memory_resize(input->buffer, input->capacity + 1, 1);
    input->row = memory_resize(input->row, input->capacity + 1, 1);
}

/* Reads on until there is another line end, or the end of the file. */
static int read_on(struct csv_reader *reader, struct error *error) {
    struct csv_input *input = reader->input;
    size_t before;

    make_room(input);
    before = input->whole;
    while (input->whole == before && !input->at_end) {
        ssize_t n;
        char *end;

        if (input->length == input->capacity)
            make_room(input);
        n = read(input->fd, input->buffer + input->length, input->capacity - input->length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(error, -errno, "%s", reader->path);
        input->at_end = n == 0;
        end = memrchr(input->buffer + input->length, '\n', (size_t)n);
        input->length += (size_t)n;
        if (end)
            input->whole = (size_t)(end + 1 - input->buffer);
    }
    input->buffer[input->length] = '\0';
    reader->half_last_line = input->at_end && input->whole < input->length;
    return check_zero_bytes(reader, before, error);
}

/* ---- rows ---- */

/* While a row is taken: where it is read, and where its text goes. */
struct csv_cut {
    const char *from, *end;
    char *to;
    size_t line;
};

/* Unquotes a field into the row; leaves `from` on the byte behind the closing quote. */
static int take_quoted(const struct csv_reader *reader, struct csv_cut *cut, struct error *error) {
    const char *from = cut->from + 1;
    size_t first_line = cut->line;

    for (; from < cut->end; from++) {
        if (*from == '"' && from[1] != '"')
            break;
        if (*from == '"')
            from++;
        if (*from == '\n')
            cut->line++;
        *cut->to++ = *from;
    }
    if (from >= cut->end)
        return !reader->input->at_end
                   ? UNFINISHED
                   : error_set(error, -EBADMSG, "%s:%zu: a quote is never closed", reader->path,
                               first_line);
    cut->from = from + 1;
    if (*cut->from != ',' && *cut->from != '\r' && *cut->from != '\n')
        return error_set(error, -EBADMSG, "%s:%zu: text behind a closing quote", reader->path,
                         cut->line);
    return 0;
}

static void take_plain(struct csv_cut *cut) {
    const char *from = cut->from;
    char *to = cut->to;

    while (*from != ',' && *from != '\n' && *from != '\r')
        *to++ = *from++;
    cut->from = from;
    cut->to = to;
}

/* Fields beyond those of the header are counted, not kept. */
static void add_field(struct csv_reader *reader, char *field) {
    struct csv_input *input = reader->input;

    if (!reader->names)
        reader->fields =
            memory_resize(reader->fields, input->n_fields + 1, sizeof(*reader->fields));
    if (!reader->names || input->n_fields < reader->columns)
        reader->fields[input->n_fields] = field;
    input->n_fields++;
}

/* Takes the row at the cursor, which ends before input->whole or is UNFINISHED. */
static int take_row(struct csv_reader *reader, struct error *error) {
    struct csv_input *input = reader->input;
    struct csv_cut cut = {input->buffer + input->cursor, input->buffer + input->whole, input->row,
                          input->line};
    char separator;

    input->n_fields = 0;
    do {
        char *field = cut.to;
        int r = 0;

        if (*cut.from == '"')
            r = take_quoted(reader, &cut, error);
        else
            take_plain(&cut);
        if (r != 0)
            return r;
        *cut.to++ = '\0'; /* there is room: a separator follows in the file */
        separator = *cut.from++;
        add_field(reader, field);
    } while (separator == ',');
    if (separator == '\r' && *cut.from == '\n')
        cut.from++;
    reader->line = input->line;
    input->line = cut.line + 1;
    input->cursor = (size_t)(cut.from - input->buffer);
    return 0;
}

/* The next row, whatever the number of its fields: 1, 0 at the end, or a negative errno. */
static int next_row(struct csv_reader *reader, struct error *error) {
    struct csv_input *input = reader->input;

    for (;;) {
        int r = UNFINISHED;

        if (input->cursor < input->whole)
            r = take_row(reader, error);
        else if (input->at_end)
            return 0;
        if (r != UNFINISHED)
            return r < 0 ? r : 1;
        r = read_on(reader, error);
        if (r < 0)
            return r;
    }
}

int csv_reader_next(struct csv_reader *reader, struct error *error) {
    int r = next_row(reader, error);

    if (r == 1 && reader->input->n_fields != reader->columns)
        return error_set(error, -EBADMSG, "%s:%zu: %zu fields where the header has %zu",
                         reader->path, reader->line, reader->input->n_fields, reader->columns);
    return r;
}

/* ---- the table ---- */

static int read_header(struct csv_reader *reader, struct error *error) {
    int r = next_row(reader, error);

    if (r == 0)
        return error_set(error, -EBADMSG, "%s: empty, not even a header", reader->path);
    if (r < 0)
        return r;
    reader->columns = reader->input->n_fields;
    reader->names = memory_new(reader->columns, sizeof(*reader->names));
    for (size_t i = 0; i < reader->columns; i++)
        reader->names[i] = text_copy(reader->fields[i]);
    return 0;
}

int csv_reader_open_sized(struct csv_reader **ret, const char *path, size_t buffer_bytes,
                          struct error *error) {
    CLEANUP(csv_reader_closep) struct csv_reader *reader = memory_new(1, sizeof(*reader));
    struct csv_input *input = memory_new(1, sizeof(*input));
    int r;

    reader->path = text_copy(path);
    reader->input = input;
    input->line = 1;
    input->capacity = buffer_bytes;
    input->buffer = memory_new(buffer_bytes + 1, 1);
    input->row = memory_new(buffer_bytes + 1, 1);
    input->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (input->fd < 0)
        return error_errno(error, -errno, "%s", path);
    r = read_header(reader, error);
    if (r < 0)
        return r;
    *ret = reader;
    reader = NULL;
    return 0;
}

int csv_reader_open(struct csv_reader **ret, const char *path, struct error *error) {
    return csv_reader_open_sized(ret, path, CSV_BUFFER_BYTES, error);
}

void csv_reader_close(struct csv_reader *reader) {
    for (size_t i = 0; i < reader->columns; i++)
        free(reader->names[i]);
    free(reader->names);
    free(reader->fields);
    free(reader->path);
    memory_close_fdp(&reader->input->fd);
    free(reader->input->buffer);
    free(reader->input->row);
    free(reader->input);
    free(reader);
}

int csv_reader_column(const struct csv_reader *reader, const char *name, struct error *error) {
    for (size_t i = 0; i < reader->columns; i++)
        if (strcmp(reader->names[i], name) == 0)
            return (int)i;
    return error_set(error, -EBADMSG, "%s: no column '%s'", reader->path, name);
}

int csv_reader_real(const struct csv_reader *reader, int column, double *ret, struct error *error) {
    const char *field = reader->fields[column];

    if (!*field) {
        *ret = NAN;
        return 0;
    }
    if (decimal_read(field, ret))
        return 0;
    return error_set(error, -EBADMSG, "%s:%zu: %s: '%s' is not a number", reader->path,
                     reader->line, reader->names[column], field);
}
