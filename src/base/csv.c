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

double csv_real_error(double written) {
    return written == 0 ? 0 : 0.5 * pow(10, floor(log10(fabs(written))) - 8); /* of 9 digits */
}

void csv_real(struct csv_writer *writer, double value) {
    bool whole = fabs(value) < 9007199254740992.0 && value == floor(value); /* 2^53 */
    char digits[40] = "";

    if (isfinite(value))
        (void)snprintf(digits, sizeof(digits), whole ? "%.0f" : "%.9g", value == 0 ? 0 : value);
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

char *csv_header(const struct csv_column *columns, size_t n) {
    char *header = text_copy("");

    for (size_t i = 0; i < n; i++)
        text_append(&header, ",", columns[i].name);
    return header;
}

int csv_table_open(struct csv_writer **ret, const char *path, const struct csv_column *columns,
                   size_t n, struct error *error) {
    CLEANUP_FREE char *header = csv_header(columns, n);

    return csv_writer_open(ret, path, header, error);
}

void csv_row(struct csv_writer *writer, const struct csv_column *columns, size_t n,
             const void *row) {
    for (size_t i = 0; i < n; i++) {
        const void *member = (const char *)row + columns[i].offset;

        if (columns[i].kind == CSV_TEXT)
            csv_text(writer, *(const char *const *)member);
        else if (columns[i].kind == CSV_INTEGER)
            csv_integer(writer, *(const int64_t *)member);
        else
            csv_real(writer, *(const double *)member);
    }
    csv_end_row(writer);
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
