#include "security/plugin_file.h"

#include "base/memory.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

/* From the folder of bench, and from that of a unit test beside it. */
static const char *const places[] = {"src/plugin", "../src/plugin"};

int plugin_file(const char *name, char **ret, struct error *error) {
    char self[PATH_MAX] = "";
    const char *folder;

    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        return error_errno(error, -errno, "/proc/self/exe");
    folder = dirname(self);
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        CLEANUP_FREE char *path = text_format("%s/%s/%s.so", folder, places[i], name);

        *ret = realpath(path, NULL);
        if (*ret)
            return 0;
    }
    return error_errno(error, -errno, "%s/%s/%s.so: the plugin of this build", folder, places[0],
                       name);
}
