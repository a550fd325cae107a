#include "base/csv.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- writing ---- */

struct csv_writer {
    char *path;
    int fd;
    const struct csv_column *columns;
    size_t n_columns;
    FILE *rows; /* not yet handed to the kernel: into text */
    char *text;
    size_t length;
    bool unsynced; /* the kernel has rows that may not be on the disk yet */
};

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

int csv_writer_open(struct csv_writer **ret, const char *path, const struct csv_column *columns,
                    size_t n, struct error *error) {
    CLEANUP(csv_writer_closep) struct csv_writer *writer = memory_new(1, sizeof(*writer));
    struct stat status;
    off_t size;

    *writer = (struct csv_writer){
        .path = text_copy(path),
        .fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644),
        .columns = columns,
        .n_columns = n,
        .unsynced = true, /* what a writer before this one has left */
    };
    if (writer->fd < 0)
        return error_errno(error, -errno, "%s", path);
    size = fstat(writer->fd, &status) < 0 ? -errno : cut_half_line(writer->fd, status.st_size);
    if (size < 0)
        return error_errno(error, (int)size, "%s", path);
    writer->rows = open_memstream(&writer->text, &writer->length);
    if (!writer->rows)
        return error_errno(error, -errno, "%s", path);
    if (size == 0) {
        CLEANUP_FREE char *header = csv_header(columns, n);
        int r;

        (void)fprintf(writer->rows, "%s\n", header);
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
    if (writer->rows)
        (void)fclose(writer->rows);
    free(writer->text);
    free(writer->path);
    free(writer);
}

char *csv_header(const struct csv_column *columns, size_t n) {
    char *header = text_copy("");

    for (size_t i = 0; i < n; i++)
        text_append(&header, ",", columns[i].name);
    return header;
}

static void put_text(FILE *rows, const char *value) {
    if (!strpbrk(value, ",\"\r\n")) {
        (void)fputs(value, rows);
        return;
    }
    (void)fputc('"', rows);
    for (const char *c = value; *c; c++)
        (void)fputs(*c == '"' ? "\"\"" : (char[]){*c, '\0'}, rows);
    (void)fputc('"', rows);
}

double csv_real_error(double written) {
    return written == 0 ? 0 : 0.5 * pow(10, floor(log10(fabs(written))) - 8); /* of 9 digits */
}

static void put_real(FILE *rows, double value) {
    bool whole = fabs(value) < 9007199254740992.0 && value == floor(value); /* 2^53 */

    if (isfinite(value))
        (void)fprintf(rows, whole ? "%.0f" : "%.9g", value == 0 ? 0 : value);
}

void csv_row(struct csv_writer *writer, const void *row) {
    for (size_t i = 0; i < writer->n_columns; i++) {
        const void *member = (const char *)row + writer->columns[i].offset;

        if (i)
            (void)fputc(',', writer->rows);
        if (writer->columns[i].kind == CSV_INTEGER)
            (void)fprintf(writer->rows, "%lld", (long long)*(const int64_t *)member);
        else if (writer->columns[i].kind == CSV_REAL)
            put_real(writer->rows, *(const double *)member);
        else if (*(const char *const *)member)
            put_text(writer->rows, *(const char *const *)member);
    }
    (void)fputc('\n', writer->rows);
}

int csv_flush(struct csv_writer *writer, bool sync, struct error *error) {
    off_t before = lseek(writer->fd, 0, SEEK_END);
    int r;

    (void)fflush(writer->rows);
    r = file_write(writer->fd, writer->text, writer->length);
    writer->unsynced = writer->unsynced || writer->length;
    rewind(writer->rows);
    if (r < 0 && before >= 0 && ftruncate(writer->fd, before) < 0)
        r = -errno;
    if (r < 0)
        return error_errno(error, r, "%s", writer->path);
    if (sync && writer->unsynced && fdatasync(writer->fd) < 0)
        return error_errno(error, -errno, "%s", writer->path);
    writer->unsynced = writer->unsynced && !sync;
    return 0;
}

/* ---- reading ---- */

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

static int read_header(struct csv_reader *reader, struct error *error) {
    int r = next_row(reader, error);

    if (r == 0)
        return error_set(error, -EBADMSG, "%s: empty, not even a header", reader->path);
    if (r < 0)
        return r;
    if (strncmp(reader->fields[0], "sep=", 4) == 0)
        return error_set(error, -EBADMSG, "%s:1: 'sep=%c' is a line for a spreadsheet: delete it",
                         reader->path, reader->n_fields > 1 ? ',' : reader->fields[0][4]);
    if (reader->n_fields == 1 && strpbrk(reader->fields[0], ";\t"))
        return error_set(error, -EBADMSG,
                         "%s:1: %s stands between its fields: save it with commas between fields "
                         "and points in numbers (in LibreOffice: language English, field delimiter "
                         "',')",
                         reader->path, strchr(reader->fields[0], ';') ? "';'" : "a tab");
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
    r = file_read_text(path, SIZE_MAX, &reader->text, &length, error);
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

static bool has_decimal_comma(const char *field) {
    CLEANUP_FREE char *text = text_copy(field);
    char *comma = strchr(text, ',');
    double value;

    if (comma)
        *comma = '.';
    return comma && text_real(text, &value);
}

int csv_reader_real(const struct csv_reader *reader, int column, double *ret, struct error *error) {
    const char *field = reader->fields[column];

    if (!*field) {
        *ret = NAN;
        return 0;
    }
    if (text_real(field, ret))
        return 0;
    if (has_decimal_comma(field))
        return error_set(error, -EBADMSG,
                         "%s:%zu: %s: '%s' has a decimal comma: save the table with a point in "
                         "numbers (in LibreOffice: language English)",
                         reader->path, reader->line, reader->names[column], field);
    return error_set(error, -EBADMSG, "%s:%zu: %s: '%s' is not a number", reader->path,
                     reader->line, reader->names[column], field);
}
