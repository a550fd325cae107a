#include "hosts/control_group.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What follows the controllers in a line "4:cpu,cpuacct:/group"; "" for "/". NULL: no such line. */
static char *find_name(const char *root, const char *wanted) {
    CLEANUP_FREE char *path = text_format("%s/proc/self/cgroup", root);
    CLEANUP(fclosep) FILE *file = fopen(path, "re");
    char line[4096];

    while (file && fgets(line, sizeof(line), file)) {
        char *controllers = strchr(line, ':'), *group;

        if (!controllers || !(group = strchr(++controllers, ':')))
            continue;
        *group++ = '\0';
        group[strcspn(group, "\n")] = '\0';
        if (text_equal(controllers, wanted))
            return text_copy(text_equal(group, "/") ? "" : group);
    }
    return NULL;
}

char *control_group_find(const char *root, const char *folder, const char *controllers,
                         size_t *ret_top) {
    CLEANUP_FREE char *top = text_format("%s%s", root, folder);
    CLEANUP_FREE char *name = find_name(root, controllers);

    if (!name || access(top, F_OK) != 0)
        return NULL;
    *ret_top = strlen(top);
    return text_format("%s%s", top, name);
}

bool control_group_up(char *path, size_t top) {
    if (strlen(path) <= top)
        return false;
    *strrchr(path, '/') = '\0';
    return true;
}
