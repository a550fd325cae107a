#include "base/durable.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int durable_sync_folder(const char *folder, struct error *error) {
    CLEANUP_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL)) /* EINVAL: a file system without it */
        return error_errno(error, -errno, "%s", folder);
    return 0;
}

static int write_synced(const char *path, mode_t mode, void print(FILE *out, const void *what),
                        const void *what, struct error *error) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode), code;
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

    if (!out)
        return error_errno(error, -errno, "%s", path);
    if (mode == DURABLE_PRIVATE)
        (void)setvbuf(out, NULL, _IONBF, 0); /* no copy of a secret stays behind in a buffer */
    errno = 0;
    print(out, what);
    code = ferror(out) || fflush(out) != 0 || fsync(fd) < 0 ? (errno ? -errno : -EIO) : 0;
    if (fclose(out) != 0 && code == 0)
        code = -errno;
    return code < 0 ? error_errno(error, code, "%s", path) : 0;
}

static int replace(const char *path, mode_t mode, void print(FILE *out, const void *what),
                   const void *what, struct error *error) {
    const char *slash = strrchr(path, '/');
    CLEANUP_FREE char *folder =
        slash ? text_format("%.*s/", (int)(slash - path), path) : text_copy(".");
    CLEANUP_FREE char *draft = text_format("%s.draft", path);
    int r;

    (void)unlink(draft); /* what a killed process has left, perhaps of another mode */
    r = write_synced(draft, mode, print, what, error);
    if (r == 0 && rename(draft, path) < 0)
        r = error_errno(error, -errno, "%s", path);
    if (r == 0)
        return durable_sync_folder(folder, error);
    (void)unlink(draft);
    return r;
}

int durable_write(const char *folder, const char *name, void print(FILE *out, const void *what),
                  const void *what, struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/%s", folder, name);

    return replace(path, 0666, print, what, error);
}

static void print_text(FILE *out, const void *what) {
    (void)fputs(what, out);
}

int durable_write_text(const char *path, mode_t mode, const char *text, struct error *error) {
    return replace(path, mode, print_text, text, error);
}
