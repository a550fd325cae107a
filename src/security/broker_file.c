#include "security/broker_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

int broker_file_write(const struct bringup *bringup, const char *name, char **ret_path,
                      struct error *error, const char *format, ...) {
    CLEANUP_FREE char *path = text_format("%s/%s", bringup->folder, name);
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    va_list arguments;
    int n = -1;

    va_start(arguments, format);
    if (fd >= 0)
        n = vdprintf(fd, format, arguments);
    va_end(arguments);
    if (n < 0)
        return error_errno(error, -errno, "%s", path);
    *ret_path = path;
    path = NULL;
    return 0;
}
