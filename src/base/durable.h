/*
 * durable - files that a power cut leaves whole: the old text or the new one, never half of it.
 */
#ifndef BENCH_BASE_DURABLE_H
#define BENCH_BASE_DURABLE_H

#include "base/error.h"

#include <sys/types.h>

#define DURABLE_PRIVATE 0600 /* the mode of a file that holds a secret */

/* Makes or replaces a file by the text, which may be a secret: under a temporary name, synced,
 * renamed; then its folder is synced. Of several processes one at a time may do so. */
int durable_write_text(const char *path, mode_t mode, const char *text, struct error *error);

/* Names that were made in the folder outlast a power cut from here on. */
int durable_sync_folder(const char *folder, struct error *error);

#endif
