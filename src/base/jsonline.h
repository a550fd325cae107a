/*
 * jsonline - one JSON object a line, over a pipe: how driver, agent and workers speak.
 *
 * A reader owns its buffer, not its descriptor. Objects handed out are the caller's (json_decref).
 */
#ifndef BENCH_BASE_JSONLINE_H
#define BENCH_BASE_JSONLINE_H

#include "base/error.h"
#include "base/memory.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A longer line is an error: nobody who keeps to the protocol sends one. */
#define JSONLINE_MAX_BYTES (2 * 1024 * 1024)

struct jsonline_reader {
    int fd;
    char *buffer;
    size_t length, capacity;
    size_t scanned; /* so far without a line end */
    bool skipping;  /* the rest of a line that was too long */
    size_t taken;   /* bytes of the line that was handed out last */
};

void jsonline_init(struct jsonline_reader *reader, int fd);
void jsonline_clear(struct jsonline_reader *reader);
static inline void jsonline_clearp(struct jsonline_reader *reader) {
    jsonline_clear(reader);
}

/* Reads once from the descriptor into the buffer: the number of bytes, 0 at the end, -EAGAIN or
 * another negative errno. */
int jsonline_fill(struct jsonline_reader *reader, struct error *error);

/* The next complete line of the buffer: 1 and *ret, 0 when more must be read, -EBADMSG when the
 * line is no JSON object (it is skipped), -EMSGSIZE when it is too long. */
int jsonline_next(struct jsonline_reader *reader, json_t **ret, struct error *error);

/* Waits for a line until the monotonic deadline: 0 and *ret, -ETIMEDOUT, -EPIPE at the end of the
 * stream, or as above. With cancel_fd >= 0, -EINTR as soon as that descriptor can be read. */
int jsonline_wait(struct jsonline_reader *reader, int cancel_fd, int64_t deadline_ns, json_t **ret,
                  struct error *error);

/* Writes object as one line; the reference is taken. */
int jsonline_send(int fd, json_t *object, struct error *error);

/* Words for people, whatever their bytes are: JSON knows UTF-8 alone, so that in other words, be it
 * for a character that was cut in half, a '?' stands for each byte that is not ASCII. */
json_t *jsonline_words(const char *words);

/* The object or array of a whole file, the caller's; -EBADMSG with path:line when it is none. */
int jsonline_read_file(const char *path, json_t **ret, struct error *error);

/* A copy in which every word, names too, is as text_visible() shows it: what another host sends may
 * reach a terminal or a file. The caller's. */
json_t *jsonline_visible(const json_t *value);

/* Text of a key, or fallback. */
const char *jsonline_text(const json_t *object, const char *key, const char *fallback);
int64_t jsonline_integer(const json_t *object, const char *key, int64_t fallback);

#endif
