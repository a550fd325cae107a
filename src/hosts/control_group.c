#include "hosts/control_group.h"

#include "base/memory.h"
#include "hosts/peek.h"

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

/* At the top of version 1 is the whole machine, or a container: that cannot be known. The top of
 * version 2 has this file in a container alone. */
static const struct {
    const char *folder, *controllers, *taken;
    bool at_top;
} memories[] = {
    {"/sys/fs/cgroup/memory", "memory", "memory.usage_in_bytes", false},
    {"/sys/fs/cgroup", "", "memory.current", true},
};

/* A group of version 2 need not count memory: one above it does then. */
char *control_group_memory(const char *root, double *ret_bytes) {
    for (size_t i = 0; i < ARRAY_SIZE(memories); i++) {
        size_t top;
        char *path = control_group_find(root, memories[i].folder, memories[i].controllers, &top);

        while (path && (memories[i].at_top || strlen(path) > top)) {
            CLEANUP_FREE char *taken = text_format("%s/%s", path, memories[i].taken);

            if (peek_number(taken, ret_bytes))
                return path;
            if (!control_group_up(path, top))
                break;
        }
        free(path);
    }
    return NULL;
}

bool control_group_holds(const char *group, const char *other) {
    size_t length = strlen(group);

    return strncmp(group, other, length) == 0 && (!other[length] || other[length] == '/');
}
