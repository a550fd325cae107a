#include "base/durable.h"

#include "base/file.h"
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

/* Under its temporary name, and synced. */
static int write_draft(const char *draft, mode_t mode, const char *text, struct error *error) {
    CLEANUP_FD int fd = -1;
    int r;

    (void)unlink(draft); /* what a killed process has left, perhaps of another mode */
    fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
    r = fd < 0 ? -errno : file_write(fd, text, strlen(text));
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    return r < 0 ? error_errno(error, r, "%s", draft) : 0;
}

int durable_write_text(const char *path, mode_t mode, const char *text, struct error *error) {
    const char *slash = strrchr(path, '/');
    CLEANUP_FREE char *folder =
        slash ? text_format("%.*s/", (int)(slash - path), path) : text_copy(".");
    CLEANUP_FREE char *draft = text_format("%s.draft", path);
    int r = write_draft(draft, mode, text, error);

    if (r == 0 && rename(draft, path) < 0)
        r = error_errno(error, -errno, "%s", path);
    if (r == 0)
        return durable_sync_folder(folder, error);
    (void)unlink(draft);
    return r;
}
