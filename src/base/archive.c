#include "base/archive.h"

#include "base/memory.h"

#include <archive.h>
#include <archive_entry.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES (256 * 1024)
#define SHOWN_BYTES  200 /* of a member's name in a message */

struct unpacking {
    struct archive *archive;
    const char *path, *folder;
    const struct archive_limits *limits;
    struct archive_limits left;
    char *buffer;
    struct error *error;
};

/* A member's name for a message: a terminal must not obey what stands in it. */
static char *show(const char *name) {
    char *shown = text_format("%.*s", SHOWN_BYTES, name);

    for (char *c = shown; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?';
    return shown;
}

static int refuse(const struct unpacking *unpacking, const char *name, const char *why) {
    CLEANUP_FREE char *shown = show(name);

    return error_set(unpacking->error, -EBADMSG, "%s: member '%s' %s", unpacking->path, shown, why);
}

/* What libarchive says about the archive itself. */
static int complain(const struct unpacking *unpacking) {
    const char *words = archive_error_string(unpacking->archive);
    int code = archive_errno(unpacking->archive);

    if (code == ENOMEM || code == EIO || code == EACCES)
        return error_set(unpacking->error, -code, "%s: %s", unpacking->path, strerror(code));
    return error_set(unpacking->error, -EBADMSG, "%s: cut off or damaged: %s", unpacking->path,
                     words ? words : "its end is missing");
}

static int cannot_make(const struct unpacking *unpacking, const char *name, const char *path) {
    if (errno == EEXIST || errno == ENOTDIR)
        return refuse(unpacking, name, "is there twice");
    if (errno == ENAMETOOLONG)
        return refuse(unpacking, name, "has a name that is too long");
    return error_errno(unpacking->error, -errno, "%s", path);
}

/* ---- names ---- */

static bool is_clutter(const char *part, size_t length) {
    static const char *const names[] = {"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (strlen(names[i]) == length && strncmp(names[i], part, length) == 0)
            return true;
    return length > 2 && strncmp(part, "._", 2) == 0;
}

/* Where a member goes, below the folder, with every folder on the way made; *ret is NULL for what
 * is passed over. A path as it stands in the archive: no link is ever made, so it leads nowhere
 * else. */
static int make_way(const struct unpacking *unpacking, const char *name, char **ret) {
    CLEANUP_FREE char *path = text_copy(unpacking->folder);
    const char *part = name;

    *ret = NULL;
    if (*name == '/')
        return refuse(unpacking, name, "has an absolute path");
    while (*part) {
        size_t length = strcspn(part, "/");
        char *longer;

        if (length == 2 && strncmp(part, "..", 2) == 0)
            return refuse(unpacking, name, "leads out of its folder ('..')");
        if (is_clutter(part, length))
            return 0;
        if (length && !(length == 1 && *part == '.')) {
            if (strlen(path) > strlen(unpacking->folder) && mkdir(path, 0755) < 0 &&
                errno != EEXIST)
                return cannot_make(unpacking, name, path);
            longer = text_format("%s/%.*s", path, (int)length, part);
            free(path);
            path = longer;
        }
        part += length;
        part += *part == '/';
    }
    *ret = path;
    path = NULL;
    return 0;
}

/* ---- members ---- */

static int write_all(const struct unpacking *unpacking, int fd, const char *path, size_t length) {
    const char *bytes = unpacking->buffer;

    while (length) {
        ssize_t n = write(fd, bytes, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_errno(unpacking->error, n < 0 ? -errno : -ENOSPC, "%s", path);
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

static int too_much(const struct unpacking *unpacking) {
    return error_set(unpacking->error, -E2BIG,
                     "%s: more files or bytes in it than are taken (%lld, %lld)", unpacking->path,
                     (long long)unpacking->limits->members, (long long)unpacking->limits->bytes);
}

static int unpack_file(struct unpacking *unpacking, const char *name, const char *path) {
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    ssize_t n;
    int r;

    if (fd < 0)
        return cannot_make(unpacking, name, path);
    while ((n = archive_read_data(unpacking->archive, unpacking->buffer, BUFFER_BYTES)) > 0) {
        unpacking->left.bytes -= n;
        if (unpacking->left.bytes < 0)
            return too_much(unpacking);
        r = write_all(unpacking, fd, path, (size_t)n);
        if (r < 0)
            return r;
    }
    return n < 0 ? complain(unpacking) : 0;
}

static int unpack_member(struct unpacking *unpacking, struct archive_entry *entry) {
    /* Names in UTF-8 have no form in the C locale; others have only that. */
    const char *utf8 = archive_entry_pathname_utf8(entry);
    const char *name = utf8 ? utf8 : archive_entry_pathname(entry);
    mode_t type = archive_entry_filetype(entry);
    CLEANUP_FREE char *path = NULL;
    int r;

    if (!name || !*name)
        return refuse(unpacking, "", "has no name that can be read");
    if (archive_entry_hardlink(entry) || archive_entry_hardlink_utf8(entry) || type == AE_IFLNK)
        return refuse(unpacking, name, "is a link");
    if (type != AE_IFREG && type != AE_IFDIR)
        return refuse(unpacking, name, "is neither a file nor a folder");
    if (--unpacking->left.members < 0 ||
        (archive_entry_size_is_set(entry) && archive_entry_size(entry) > unpacking->left.bytes))
        return too_much(unpacking);
    r = make_way(unpacking, name, &path);
    if (r < 0 || !path)
        return r;
    if (type == AE_IFREG)
        return unpack_file(unpacking, name, path);
    return mkdir(path, 0755) < 0 && errno != EEXIST ? cannot_make(unpacking, name, path) : 0;
}

/* ---- the archive ---- */

static bool has_at(const char *path, off_t offset, int whence, const char *bytes, size_t length) {
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    char found[512];

    return fd >= 0 && lseek(fd, offset, whence) >= 0 &&
           read(fd, found, length) == (ssize_t)length && memcmp(found, bytes, length) == 0;
}

/* A tar file that was cut between two members looks whole but for the zeroes at its end. (If it is
 * compressed, the compression tells.) */
static bool is_cut_between(const struct unpacking *unpacking) {
    static const char zeroes[512];

    return (archive_format(unpacking->archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR &&
           archive_filter_count(unpacking->archive) == 1 &&
           !has_at(unpacking->path, -(off_t)sizeof(zeroes), SEEK_END, zeroes, sizeof(zeroes));
}

static int unpack_all(struct unpacking *unpacking) {
    struct archive_entry *entry;
    int code, r;

    while ((code = archive_read_next_header(unpacking->archive, &entry)) == ARCHIVE_OK ||
           code == ARCHIVE_WARN) {
        r = unpack_member(unpacking, entry);
        if (r < 0)
            return r;
    }
    if (code != ARCHIVE_EOF)
        return complain(unpacking);
    if (is_cut_between(unpacking))
        return error_set(unpacking->error, -EBADMSG, "%s: cut off: its end is missing",
                         unpacking->path);
    return 0;
}

/* Whether the file begins like one of those that are read: then it is not whole if it cannot be. */
static bool has_known_start(const char *path) {
    static const char *const starts[] = {"PK\3\4", "\37\213", "\3757zXZ", "BZh", "\50\265\57\375"};

    for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
        if (has_at(path, 0, SEEK_SET, starts[i], strlen(starts[i])))
            return true;
    return false;
}

/* A zip is read by the directory at its end alone: without that it is not whole, and what stands
 * before need not be what the directory says. */
static int open_archive(const struct unpacking *unpacking) {
    struct archive *archive = unpacking->archive;

    (void)archive_read_support_filter_gzip(archive);
    (void)archive_read_support_filter_bzip2(archive);
    (void)archive_read_support_filter_xz(archive);
    (void)archive_read_support_filter_zstd(archive);
    (void)archive_read_support_format_tar(archive);
    (void)archive_read_support_format_zip_seekable(archive);
    if (archive_read_open_filename(archive, unpacking->path, BUFFER_BYTES) == ARCHIVE_OK)
        return 0;
    if (access(unpacking->path, R_OK) < 0)
        return error_errno(unpacking->error, -errno, "%s", unpacking->path);
    if (has_known_start(unpacking->path))
        return error_set(unpacking->error, -EBADMSG,
                         "%s: cut off or damaged: no zip and no compressed tar can be read",
                         unpacking->path);
    return error_set(unpacking->error, -ENOTSUP, "%s: neither .zip nor .tar, .tar.gz or .tar.xz",
                     unpacking->path);
}

int archive_unpack(const char *path, const char *folder, const struct archive_limits *limits,
                   struct error *error) {
    CLEANUP_FREE char *buffer = memory_new(BUFFER_BYTES, 1);
    struct unpacking unpacking = {.archive = archive_read_new(),
                                  .path = path,
                                  .folder = folder,
                                  .limits = limits,
                                  .left = *limits,
                                  .buffer = buffer,
                                  .error = error};
    int r;

    if (!unpacking.archive)
        return error_set(error, -ENOMEM, "%s: no memory to read it", path);
    r = open_archive(&unpacking);
    if (r == 0)
        r = unpack_all(&unpacking);
    (void)archive_read_free(unpacking.archive);
    return r;
}
