/*
 * archive - a .zip or .tar (plain or compressed) unpacked into a folder, as one unpacks what a
 * stranger has sent: only files and folders below that folder, not more than is allowed, and only
 * if the archive is whole.
 *
 * Modes, owners and times of the archive are not taken over. What file managers add for themselves
 * (__MACOSX, .DS_Store, ...) is passed over.
 */
#ifndef BENCH_BASE_ARCHIVE_H
#define BENCH_BASE_ARCHIVE_H

#include "base/error.h"

#include <stdint.h>

struct archive_limits {
    int64_t members, bytes; /* in all, unpacked */
};

#define ARCHIVE_LIMITS ((struct archive_limits){100000, INT64_C(16) << 30})

/* Unpacks the archive into a folder, which must exist and be empty. On failure what was unpacked
 * until then stays there for the caller to remove.
 *
 * -ENOTSUP: it is no archive; -EBADMSG: it is cut off or damaged, or has a member that is refused
 * (an absolute path, "..", a link, a device, one that is there twice), which is named; -E2BIG: more
 * than the limits; -ENOSPC and others: the folder cannot be written. */
int archive_unpack(const char *path, const char *folder, const struct archive_limits *limits,
                   struct error *error);

#endif
