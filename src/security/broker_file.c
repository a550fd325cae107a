#include "security/broker_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <unistd.h>

int broker_file_write(const struct bringup *bringup, FILE *lines, const char *key, const char *name,
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
    fprintf(lines, "%s %s\n", key, path);
    return 0;
}

int broker_file_plugin(FILE *lines, const char *name, struct error *error) {
    /* From the folder of bench, from that of a unit test beside it, and where it is installed. */
    static const char *const places[] = {"src/plugin", "../src/plugin", "plugin"};
    char self[PATH_MAX] = "";
    const char *folder;

    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        return error_errno(error, -errno, "/proc/self/exe");
    folder = dirname(self);
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        CLEANUP_FREE char *path = text_format("%s/%s/%s.so", folder, places[i], name);
        CLEANUP_FREE char *plugin = realpath(path, NULL);

        if (plugin) {
            fprintf(lines, "plugin %s\n", plugin);
            return 0;
        }
    }
    return error_errno(error, -errno, "%s/%s/%s.so: the plugin of this build", folder, places[0],
                       name);
}
