/*
 * file - whole files in memory, and bytes to a descriptor, all of them.
 */
#ifndef BENCH_BASE_FILE_H
#define BENCH_BASE_FILE_H

#include "base/error.h"

#include <stddef.h>

/* The bytes of a regular file and a zero behind them, the caller's. A stranger's run may have a
 * pipe or a device in the place of a file: -EBADMSG, and no wait. -EFBIG above the limit. Errors
 * start with the path; of a folder it is -EISDIR. */
int file_read(const char *path, size_t limit_bytes, char **ret, size_t *ret_length,
              struct error *error);

/* Hands all bytes to the kernel: 0 or a negative errno. */
int file_write(int fd, const char *bytes, size_t length);

#endif
