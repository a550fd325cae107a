/*
 * fuzz - for the libFuzzer targets: files, inputs of several parts, and
 * what must hold whatever the input is.
 *
 * A target's main is libFuzzer's. What a file holds belongs to it, parts point into the input.
 */
#ifndef BENCH_TESTS_FUZZ_H
#define BENCH_TESTS_FUZZ_H

#include "base/error.h"
#include "base/memory.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process, which libFuzzer takes for a crash and keeps the input. */
#define FUZZ_CHECK(condition, ...)                                                                 \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)dprintf(2, "%s:%d: does not hold: %s: ", __FILE__, __LINE__, #condition);        \
            (void)dprintf(2, __VA_ARGS__);                                                         \
            (void)dprintf(2, "\n");                                                                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* ---- parts: what stands between lines of "%%%" ---- */

#define FUZZ_SEPARATOR "%%%\n"

struct fuzz_part {
    const char *text;
    size_t length;
};

/* Takes the next part off the rest; its text is NULL when nothing is left. */
static inline struct fuzz_part fuzz_next(struct fuzz_part *rest) {
    struct fuzz_part part = *rest;
    const char *end =
        part.text ? memmem(part.text, part.length, FUZZ_SEPARATOR, strlen(FUZZ_SEPARATOR)) : NULL;

    if (!end) {
        *rest = (struct fuzz_part){NULL, 0};
        return part;
    }
    part.length = (size_t)(end - part.text);
    rest->text = end + strlen(FUZZ_SEPARATOR);
    rest->length -= part.length + strlen(FUZZ_SEPARATOR);
    return part;
}

static inline char *fuzz_text(struct fuzz_part part) {
    char *text = memory_new(part.length + 1, 1);

    if (part.length)
        memcpy(text, part.text, part.length);
    return text;
}

/* ---- files ---- */

/* A file without a place in any folder, to be opened by its path. */
struct fuzz_file {
    int fd;
    char path[32];
};

static inline struct fuzz_file fuzz_file_make(void) {
    struct fuzz_file file = {.fd = memfd_create("fuzz", MFD_CLOEXEC)};

    FUZZ_CHECK(file.fd >= 0, "memfd_create");
    (void)snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
    return file;
}

/* Replaces what it holds. */
static inline void fuzz_file_put(const struct fuzz_file *file, const char *text, size_t length) {
    FUZZ_CHECK(ftruncate(file->fd, 0) == 0, "ftruncate");
    FUZZ_CHECK(!length || pwrite(file->fd, text, length, 0) == (ssize_t)length, "pwrite");
}

/* ---- folders ---- */

struct fuzz_folder {
    char path[64];
    const char *const *names;
    size_t n;
};

/* A new folder without a file; fuzz_folder_remove() ends it. */
static inline void fuzz_folder_make(struct fuzz_folder *folder, const char *const *names,
                                    size_t n) {
    const char *parent = getenv("TMPDIR");

    folder->names = names;
    folder->n = n;
    (void)snprintf(folder->path, sizeof(folder->path), "%.40s/bench-fuzz-XXXXXX",
                   parent && *parent ? parent : "/tmp");
    FUZZ_CHECK(mkdtemp(folder->path), "%s", folder->path);
}

/* What one of its files holds; with NULL there is no such file. */
static inline void fuzz_folder_put(const struct fuzz_folder *folder, size_t file, const char *text,
                                   size_t length) {
    CLEANUP_FREE char *path = text_format("%s/%s", folder->path, folder->names[file]);
    CLEANUP_FD int fd = -1;

    if (!text) {
        (void)unlink(path);
        return;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_CHECK(fd >= 0 && write(fd, text, length) == (ssize_t)length, "%s", path);
}

static inline void fuzz_folder_remove(const struct fuzz_folder *folder) {
    for (size_t i = 0; i < folder->n; i++)
        fuzz_folder_put(folder, i, NULL, 0);
    (void)rmdir(folder->path);
}

#endif
