/*
 * folder - a private temporary folder that cannot stay behind for good: it is locked as long as its
 * owner lives, and whoever makes the next one removes those that nobody holds any more.
 */
#ifndef BENCH_BASE_FOLDER_H
#define BENCH_BASE_FOLDER_H

#include "base/error.h"

struct folder {
    char *path;  /* NULL: none */
    int lock_fd; /* -1: none */
};

#define FOLDER_NONE ((struct folder){.path = NULL, .lock_fd = -1})

/* Makes TMPDIR/<prefix>XXXXXX (mode 0700; -EOPNOTSUPP where the file system knows no modes). Ours
 * of the same prefix that were orphaned by a kill are removed first. */
int folder_make(struct folder *ret, const char *prefix, struct error *error);

/* Removes it with all that is in it. Nothing to do for FOLDER_NONE. */
void folder_remove(struct folder *folder);

#endif
