#include "base/capability.h"

#include "base/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

static bool has(int number) {
    CLEANUP(fclosep) FILE *file = fopen("/proc/self/status", "re");
    unsigned long long effective = 0;
    char line[256];

    while (file && fgets(line, sizeof(line), file))
        (void)sscanf(line, "CapEff: %llx", &effective);
    return effective >> number & 1;
}

int capability_check(int number, const char *name, const char *purpose, struct error *error) {
    if (has(number))
        return 0;
    if (geteuid() != 0)
        return error_set(error, -EOPNOTSUPP, "needs root here (CAP_%s, %s)", name, purpose);
    return error_set(error, -EOPNOTSUPP,
                     "root lacks CAP_%s here, %s, as in a container; Docker gives it with "
                     "--cap-add %s, and all with --privileged",
                     name, purpose, name);
}
