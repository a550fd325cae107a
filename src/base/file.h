/*
 * file - files as a whole: read into memory, or replaced so that a power cut leaves the old text or
 * the new one, never half of it.
 */
#ifndef BENCH_BASE_FILE_H
#define BENCH_BASE_FILE_H

#include "base/error.h"

#include <stddef.h>
#include <sys/types.h>

/* The bytes of a regular file and a zero behind them, the caller's. A stranger's run may have a
 * pipe or a device in the place of a file: -EBADMSG, and no wait. -EFBIG above the limit. Errors
 * start with the path; of a folder it is -EISDIR. */
int file_read(const char *path, size_t limit_bytes, char **ret, size_t *ret_length,
              struct error *error);

/* The same of a text, as an editor or a spreadsheet may have saved it: without a byte order mark.
 * -EBADMSG, too, for UTF-16 and for lines that end in CR alone, with what helps. */
int file_read_text(const char *path, size_t limit_bytes, char **ret, size_t *ret_length,
                   struct error *error);
/* How many bytes a byte order mark of UTF-8 takes at the start of a text: 3 or 0. */
size_t file_mark_bytes(const char *text);

/* Hands all bytes to the kernel: 0 or a negative errno. */
int file_write(int fd, const char *bytes, size_t length);

#define FILE_PRIVATE 0600 /* the mode of a file that holds a secret */

/* Whether nobody else can read it: -EACCES, with what helps. */
int file_check_private(const char *path, struct error *error);

/* Makes or replaces a file by the text, which may be a secret: under a temporary name, synced,
 * renamed; then its folder is synced. Of several processes one at a time may do so. -EOPNOTSUPP
 * when it is to be private, and the file system has no such thing. */
int file_replace(const char *path, mode_t mode, const char *text, struct error *error);

/* Names that were made in the folder outlast a power cut from here on. */
int file_sync_folder(const char *folder, struct error *error);

#endif
