#include "base/durable.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int durable_sync_folder(const char *folder, struct error *error) {
    CLEANUP_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL)) /* EINVAL: a file system without it */
        return error_errno(error, -errno, "%s", folder);
    return 0;
}

static int write_synced(const char *path, void print(FILE *out, const void *what), const void *what,
                        struct error *error) {
    FILE *out = fopen(path, "we");
    int code;

    if (!out)
        return error_errno(error, -errno, "%s", path);
    errno = 0;
    print(out, what);
    code = ferror(out) || fflush(out) != 0 || fsync(fileno(out)) < 0 ? (errno ? -errno : -EIO) : 0;
    if (fclose(out) != 0 && code == 0)
        code = -errno;
    return code < 0 ? error_errno(error, code, "%s", path) : 0;
}

int durable_write(const char *folder, const char *name, void print(FILE *out, const void *what),
                  const void *what, struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/%s", folder, name);
    CLEANUP_FREE char *draft = text_format("%s.draft", path);
    int r = write_synced(draft, print, what, error);

    if (r == 0 && rename(draft, path) < 0)
        r = error_errno(error, -errno, "%s", path);
    if (r < 0) {
        (void)unlink(draft);
        return r;
    }
    return durable_sync_folder(folder, error);
}
