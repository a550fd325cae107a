#include "base/file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_read(const char *path, size_t limit_bytes, char **ret, size_t *ret_length,
              struct error *error) {
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    CLEANUP_FREE char *text = NULL;
    size_t size, length = 0;
    struct stat status;
    ssize_t n = 1;

    if (fd < 0 || fstat(fd, &status) < 0)
        return error_errno(error, -errno, "%s", path);
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) /* reading a folder says what it is */
        return error_set(error, -EBADMSG, "%s: not a regular file", path);
    if ((uint64_t)status.st_size > limit_bytes)
        return error_set(error, -EFBIG, "%s: larger than %zu bytes", path, limit_bytes);
    size = (size_t)status.st_size;
    text = memory_new(size + 1, 1);
    while (length < size && n != 0) {
        n = read(fd, text + length, size - length);
        if (n < 0 && errno != EINTR)
            return error_errno(error, -errno, "%s", path);
        length += n > 0 ? (size_t)n : 0;
    }
    *ret = text;
    *ret_length = length;
    text = NULL;
    return 0;
}

size_t file_mark_bytes(const char *text) {
    return strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/* What iconv calls the form of a text in UTF-16; NULL: it is none. Without a mark its first two
 * characters are taken for ASCII. */
static const char *utf16_form(const char *text, size_t length) {
    bool zero[4] = {false};

    if (length >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
        return "UTF-16";
    if (length < ARRAY_SIZE(zero))
        return NULL;
    for (size_t i = 0; i < ARRAY_SIZE(zero); i++)
        zero[i] = !text[i];
    if (!zero[0] && zero[1] && !zero[2] && zero[3])
        return "UTF-16LE";
    return zero[0] && !zero[1] && zero[2] && !zero[3] ? "UTF-16BE" : NULL;
}

int file_read_text(const char *path, size_t limit_bytes, char **ret, size_t *ret_length,
                   struct error *error) {
    CLEANUP_FREE char *text = NULL;
    const char *form;
    size_t length, mark;
    int r = file_read(path, limit_bytes, &text, &length, error);

    if (r < 0)
        return r;
    form = utf16_form(text, length);
    if (form)
        return error_set(error, -EBADMSG,
                         "%s: is UTF-16: save it as UTF-8, or iconv -f %s -t UTF-8 FILE >NEW", path,
                         form);
    if (strchr(text, '\r') && !strchr(text, '\n') && strlen(text) == length)
        return error_set(error, -EBADMSG,
                         "%s: its lines end in CR alone: tr '\\r' '\\n' <FILE >NEW", path);
    mark = file_mark_bytes(text);
    memmove(text, text + mark, length + 1 - mark);
    *ret = text;
    *ret_length = length - mark;
    text = NULL;
    return 0;
}

int file_write(int fd, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -ENOSPC;
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

int file_check_private(const char *path, struct error *error) {
    struct stat status;

    if (stat(path, &status) < 0)
        return error_errno(error, -errno, "%s", path);
    if (!(status.st_mode & 077))
        return 0;
    return error_set(error, -EACCES,
                     "%s can be read by others; chmod 600 it; where that changes nothing (vfat, "
                     "some mounts), keep it on another file system",
                     path);
}

int file_sync_folder(const char *folder, struct error *error) {
    CLEANUP_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL)) /* EINVAL: a file system without it */
        return error_errno(error, -errno, "%s", folder);
    return 0;
}

/* Under its temporary name, and synced. */
static int write_draft(const char *draft, mode_t mode, const char *text, struct error *error) {
    CLEANUP_FD int fd = -1;
    struct stat status;
    int r;

    (void)unlink(draft); /* what a killed process has left, perhaps of another mode */
    fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd >= 0 && mode == FILE_PRIVATE && fstat(fd, &status) == 0 && status.st_mode & 077)
        return error_set(error, -EOPNOTSUPP,
                         "%s: others could read it: this file system keeps no permissions (vfat, "
                         "some mounts); take a folder on another (--certs DIR)",
                         draft);
    r = fd < 0 ? -errno : file_write(fd, text, strlen(text));
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    return r < 0 ? error_errno(error, r, "%s", draft) : 0;
}

int file_replace(const char *path, mode_t mode, const char *text, struct error *error) {
    const char *slash = strrchr(path, '/');
    CLEANUP_FREE char *folder =
        slash ? text_format("%.*s/", (int)(slash - path), path) : text_copy(".");
    CLEANUP_FREE char *draft = text_format("%s.draft", path);
    int r = write_draft(draft, mode, text, error);

    if (r == 0 && rename(draft, path) < 0)
        r = error_errno(error, -errno, "%s", path);
    if (r == 0)
        return file_sync_folder(folder, error);
    (void)unlink(draft);
    return r;
}
