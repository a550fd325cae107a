#include "base/csv.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the file ---- */

/* A stranger's run may have a pipe or a device in the place of a file. */
static int read_all(struct csv_reader *reader, size_t *ret_length, struct error *error) {
    CLEANUP_FD int fd = open(reader->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t length = 0, room = 1 << 16;
    struct stat status;
    ssize_t n = 1;

    if (fd < 0 || fstat(fd, &status) < 0)
        return error_errno(error, -errno, "%s", reader->path);
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
        return error_set(error, -EBADMSG, "%s: not a regular file", reader->path);
    if (status.st_size > 0)
        room = (size_t)status.st_size + 1; /* so that the end is met without growing */
    reader->text = memory_resize(NULL, room + 1, 1);
    while (n > 0) {
        if (length == room)
            reader->text = memory_resize(reader->text, (room *= 2) + 1, 1);
        do
            n = read(fd, reader->text + length, room - length);
        while (n < 0 && errno == EINTR);
        if (n < 0)
            return error_errno(error, -errno, "%s", reader->path);
        length += (size_t)n;
    }
    reader->text[length] = '\0';
    *ret_length = length;
    return 0;
}

/* Nothing that was written as text has one, and a field would end there without a word. */
static int check_zero_bytes(const struct csv_reader *reader, struct error *error) {
    const char *zero = memchr(reader->text, '\0', (size_t)(reader->end - reader->text));
    size_t line = 1;

    if (!zero)
        return 0;
    for (const char *c = reader->text; c < zero; c++)
        line += *c == '\n';
    return error_set(error, -EBADMSG, "%s:%zu: a zero byte: this is no CSV file", reader->path,
                     line);
}

/* ---- rows ---- */

static bool is_separator(char c) {
    return c == ',' || c == '\n' || c == '\r';
}

/* Unquotes the field at *from into *to, which is never ahead of it; leaves *from behind the closing
 * quote. */
static int take_quoted(struct csv_reader *reader, char **from, char **to, struct error *error) {
    char *c = *from + 1;
    size_t first_line = reader->next_line;

    for (; c < reader->end && (*c != '"' || c[1] == '"'); c++) {
        c += *c == '"';
        reader->next_line += *c == '\n';
        *(*to)++ = *c;
    }
    if (c >= reader->end)
        return error_set(error, -EBADMSG, "%s:%zu: a quote is never closed", reader->path,
                         first_line);
    *from = c + 1;
    if (!is_separator(c[1]))
        return error_set(error, -EBADMSG, "%s:%zu: text behind a closing quote", reader->path,
                         reader->next_line);
    return 0;
}

/* The next row, whatever the number of its fields: 1, 0 at the end, or a negative errno. Its fields
 * are cut out of the text where they lie. */
static int next_row(struct csv_reader *reader, struct error *error) {
    char *from = reader->next, separator;

    if (from >= reader->end)
        return 0;
    reader->line = reader->next_line;
    reader->n_fields = 0;
    do {
        char *field = from, *to = from;

        if (*from == '"') {
            int r = take_quoted(reader, &from, &to, error);

            if (r < 0)
                return r;
        } else {
            while (!is_separator(*from))
                from++;
            to = from;
        }
        separator = *from++;
        *to = '\0';
        if (!reader->names) /* the header: as many as there are */
            reader->fields = memory_room(reader->fields, reader->n_fields, sizeof(char *));
        if (!reader->names || reader->n_fields < reader->columns)
            reader->fields[reader->n_fields] = field;
        reader->n_fields++;
    } while (separator == ',');
    from += separator == '\r' && *from == '\n';
    reader->next = from;
    reader->next_line++;
    return 1;
}

int csv_reader_next(struct csv_reader *reader, struct error *error) {
    int r = next_row(reader, error);

    if (r == 1 && reader->n_fields != reader->columns)
        return error_set(error, -EBADMSG, "%s:%zu: %zu fields where the header has %zu",
                         reader->path, reader->line, reader->n_fields, reader->columns);
    return r;
}

/* ---- the table ---- */

static int read_header(struct csv_reader *reader, struct error *error) {
    int r = next_row(reader, error);

    if (r == 0)
        return error_set(error, -EBADMSG, "%s: empty, not even a header", reader->path);
    if (r < 0)
        return r;
    reader->columns = reader->n_fields;
    reader->names = memory_new(reader->columns, sizeof(*reader->names));
    memcpy(reader->names, reader->fields, reader->columns * sizeof(*reader->names));
    return 0;
}

int csv_reader_open(struct csv_reader **ret, const char *path, struct error *error) {
    CLEANUP(csv_reader_closep) struct csv_reader *reader = memory_new(1, sizeof(*reader));
    const char *end;
    size_t length;
    int r;

    reader->path = text_copy(path);
    reader->next_line = 1;
    r = read_all(reader, &length, error);
    if (r < 0)
        return r;
    end = memrchr(reader->text, '\n', length);
    reader->next = reader->text;
    reader->end = end ? reader->text + (end + 1 - reader->text) : reader->text;
    reader->half_last_line = reader->end < reader->text + length;
    r = check_zero_bytes(reader, error);
    if (r == 0)
        r = read_header(reader, error);
    if (r < 0)
        return r;
    *ret = reader;
    reader = NULL;
    return 0;
}

void csv_reader_close(struct csv_reader *reader) {
    free(reader->names);
    free(reader->fields);
    free(reader->path);
    free(reader->text);
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
    if (text_real(field, ret))
        return 0;
    return error_set(error, -EBADMSG, "%s:%zu: %s: '%s' is not a number", reader->path,
                     reader->line, reader->names[column], field);
}
