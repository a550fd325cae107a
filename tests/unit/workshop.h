/*
 * workshop - for the unit tests: a temporary folder for the files of a test, which is removed with
 * everything in it; channels of the product's mechanisms.
 */
#ifndef BENCH_TESTS_WORKSHOP_H
#define BENCH_TESTS_WORKSHOP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../registry.h"
#include "base/memory.h"

#include <errno.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A new folder; belongs to the caller, who ends it with workshop_remove(). */
static inline char *workshop_make(void) {
    const char *parent = getenv("TMPDIR");
    char *folder = text_format("%s/bench-test-XXXXXX", parent && *parent ? parent : "/tmp");

    assert_non_null(mkdtemp(folder));
    return folder;
}

static inline int workshop_remove_one(const char *path, const struct stat *status, int kind,
                                      struct FTW *place) {
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline void workshop_remove(char *folder) {
    assert_int_equal(nftw(folder, workshop_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(folder);
}
DEFINE_CLEANUP(char *, workshop_remove)

/* Writes a file of the folder, and makes the folders between. */
static inline void workshop_put(const char *folder, const char *name, const char *text) {
    CLEANUP_FREE char *path = text_format("%s/%s", folder, name);
    FILE *file;

    for (char *slash = path + strlen(folder); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* What a file of the folder holds; belongs to the caller. */
static inline char *workshop_get(const char *folder, const char *name) {
    CLEANUP_FREE char *path = text_format("%s/%s", folder, name);
    CLEANUP(fclosep) FILE *file = fopen(path, "re");
    char *text = memory_new(65536, 1);

    if (!file)
        fail_msg("%s: %s", path, strerror(errno));
    (void)!fread(text, 1, 65535, file);
    return text;
}

static inline void assert_has(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("no '%s' in: %s", part, text);
}

static inline void assert_has_not(const char *text, const char *part) {
    if (strstr(text, part))
        fail_msg("'%s' in: %s", part, text);
}

/* A channel that uses these mechanisms with their defaults; channel_clear() ends it. */
static inline struct channel workshop_channel(const char *name, const char *use) {
    struct channel channel;
    struct error error;

    channel_init(&channel, name, workshop_registry());
    if (channel_assign(&channel, "use", use, &error) < 0)
        fail_msg("%s", error.text);
    return channel;
}

#endif
