#include "base/jsonline.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES 16384

void jsonline_init(struct jsonline_reader *reader, int fd) {
    *reader = (struct jsonline_reader){.fd = fd};
}

void jsonline_clear(struct jsonline_reader *reader) {
    free(reader->buffer);
    *reader = (struct jsonline_reader){.fd = -1};
}

int jsonline_fill(struct jsonline_reader *reader, struct error *error) {
    ssize_t n;

    if (reader->capacity - reader->length < READ_BYTES) {
        reader->capacity = reader->length * 2 + READ_BYTES;
        reader->buffer = memory_resize(reader->buffer, reader->capacity, 1);
    }
    do
        n = read(reader->fd, reader->buffer + reader->length, READ_BYTES);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return error_errno(error, -errno, "reading a line");
    reader->length += (size_t)n;
    return (int)n;
}

/* Takes the first so many bytes out of the buffer. */
static void drop(struct jsonline_reader *reader, size_t length) {
    reader->length -= length;
    memmove(reader->buffer, reader->buffer + length, reader->length);
    reader->scanned = 0;
}

int jsonline_next(struct jsonline_reader *reader, json_t **ret, struct error *error) {
    char *end = reader->length ? memchr(reader->buffer + reader->scanned, '\n',
                                        reader->length - reader->scanned)
                               : NULL;
    size_t length = end ? (size_t)(end - reader->buffer) : 0;
    json_t *object;

    if (reader->skipping && end) {
        drop(reader, length + 1);
        reader->skipping = false;
        return jsonline_next(reader, ret, error);
    }
    if (!end && (reader->skipping || reader->length > JSONLINE_MAX_BYTES)) {
        reader->length = reader->scanned = 0;
        if (reader->skipping)
            return 0;
        reader->skipping = true;
        return error_set(error, -EMSGSIZE, "a line of more than %d bytes", JSONLINE_MAX_BYTES);
    }
    if (!end) {
        reader->scanned = reader->length;
        return 0;
    }
    object = json_loadb(reader->buffer, length, 0, NULL);
    reader->taken = length;
    drop(reader, length + 1);
    if (json_is_object(object)) {
        *ret = object;
        return 1;
    }
    json_decref(object);
    /* Not quoted: a line may carry a password. */
    return error_set(error, -EBADMSG, "a line of %zu bytes that is no JSON object", length);
}

int jsonline_wait(struct jsonline_reader *reader, int cancel_fd, int64_t deadline_ns, json_t **ret,
                  struct error *error) {
    struct pollfd pollers[2] = {{.fd = reader->fd, .events = POLLIN},
                                {.fd = cancel_fd, .events = POLLIN}};
    int n;

    for (;;) {
        n = jsonline_next(reader, ret, error);
        if (n != 0)
            return n < 0 ? n : 0;
        n = poll(pollers, 2, clock_poll_ms(deadline_ns));
        if (n < 0 && errno != EINTR)
            return error_errno(error, -errno, "poll");
        if (n == 0 || (reader->skipping && clock_monotonic_ns() >= deadline_ns))
            return error_set(error, -ETIMEDOUT, "no answer in time");
        if (n > 0 && pollers[1].revents)
            return error_set(error, -EINTR, "interrupted");
        if (n > 0 && pollers[0].revents) {
            n = jsonline_fill(reader, error);
            if (n <= 0)
                return n < 0 ? n : error_set(error, -EPIPE, "the other side has ended");
        }
    }
}

int jsonline_send(int fd, json_t *object, struct error *error) {
    CLEANUP_FREE char *text = json_dumps(object, JSON_COMPACT);
    size_t length;
    int r;

    json_decref(object);
    if (!text)
        return error_set(error, -EINVAL, "a line that is no JSON");
    length = strlen(text);
    text[length] = '\n'; /* in place of the final zero */
    r = file_write(fd, text, length + 1);
    return r < 0 ? error_errno(error, r, "sending a line") : 0;
}

json_t *jsonline_words(const char *words) {
    json_t *value = json_string(words ? words : "");
    CLEANUP_FREE char *ascii = value ? NULL : text_copy(words);

    if (value)
        return value;
    for (char *c = ascii; *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    return json_string(ascii);
}

int jsonline_read_file(const char *path, json_t **ret, struct error *error) {
    CLEANUP_FREE char *text = NULL;
    json_error_t what;
    size_t length;
    int r = file_read_text(path, SIZE_MAX, &text, &length, error);

    if (r < 0)
        return r;
    *ret = json_loadb(text, length, JSON_REJECT_DUPLICATES, &what);
    return *ret ? 0 : error_set(error, -EBADMSG, "%s:%d: %s", path, what.line, what.text);
}

static json_t *visible_string(const char *text) {
    CLEANUP_FREE char *visible = text_visible(text);

    return json_string(visible);
}

json_t *jsonline_visible(const json_t *value) {
    json_t *copy = NULL, *one;
    const char *name;
    size_t i;

    switch (json_typeof(value)) {
    case JSON_STRING:
        return visible_string(json_string_value(value));
    case JSON_ARRAY:
        copy = json_array();
        json_array_foreach(value, i, one) {
            (void)json_array_append_new(copy, jsonline_visible(one));
        }
        return copy;
    case JSON_OBJECT:
        copy = json_object();
        json_object_foreach((json_t *)value, name, one) {
            CLEANUP_FREE char *visible = text_visible(name);

            (void)json_object_set_new(copy, visible, jsonline_visible(one));
        }
        return copy;
    default:
        return json_copy((json_t *)value);
    }
}

const char *jsonline_text(const json_t *object, const char *key, const char *fallback) {
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : fallback;
}

int64_t jsonline_integer(const json_t *object, const char *key, int64_t fallback) {
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? json_integer_value(value) : fallback;
}
