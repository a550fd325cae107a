#include "security/broker_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int broker_file_write(const struct bringup *bringup, const char *name, const char *text,
                      char **ret_path, struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/%s", bringup->folder, name);
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || dprintf(fd, "%s", text) < 0)
        return error_errno(error, -errno, "%s", path);
    *ret_path = path;
    path = NULL;
    return 0;
}
