#include "base/place.h"

#include "base/memory.h"
#include "installed.h"

#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder that the program is in, as the kernel knows it. */
static char *own_folder(void) {
    char self[PATH_MAX] = "";

    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        self[0] = '\0';
    return text_copy(dirname(self));
}

bool place_is_installed(void) {
    CLEANUP_FREE char *own = own_folder(), *installed = realpath(BENCH_INSTALLED_PROGRAMS, NULL);

    return installed && text_equal(own, installed);
}

char *place_root(void) {
    CLEANUP_FREE char *own = own_folder();
    const char *given = getenv("BENCH_ROOT");

    if (place_is_installed())
        return text_copy(BENCH_INSTALLED_DATA);
    return text_copy(given && *given ? given : dirname(own));
}

char *place_home(void) {
    return place_is_installed() ? getcwd(NULL, 0) : place_root();
}

/* $XDG_DATA_HOME or what it is by default: where it begins, and what there may have to be made. */
static const char *data_home(const char **ret_below) {
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

    *ret_below = data && *data == '/' ? "/" PLACE_NAME : "/.local/share/" PLACE_NAME;
    return data && *data == '/' ? data : home ? home : "";
}

char *place_certs(void) {
    CLEANUP_FREE char *root = place_root();
    const char *below, *home = data_home(&below);

    return place_is_installed() ? text_format("%s%s/certs", home, below)
                                : text_format("%s/certs", root);
}

void place_make_data(void) {
    const char *below, *home = data_home(&below);

    if (!place_is_installed())
        return;
    for (size_t end = 1; end <= strlen(below); end++) {
        CLEANUP_FREE char *folder = text_format("%s%.*s", home, (int)end, below);

        if (below[end] == '/' || below[end] == '\0')
            (void)mkdir(folder, 0700);
    }
}

const char *place_documents(void) {
    return BENCH_INSTALLED_DOCUMENTS;
}

const char *place_call(void) {
    return place_is_installed() ? PLACE_NAME : "./bench";
}
