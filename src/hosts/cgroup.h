/*
 * cgroup - a limit of processor time for this process and all that it starts.
 *
 * The group is removed when it is left. One whose owner was killed is empty, and is removed by
 * whoever makes the next.
 */
#ifndef BENCH_HOSTS_CGROUP_H
#define BENCH_HOSTS_CGROUP_H

#include "base/error.h"

#include <stdint.h>

/* Puts this process into a group of its own that gets cpu_percent of one core; *ret, the group's
 * folder, is the caller's. -EACCES and the like say what is missing. */
int cgroup_enter(char **ret, int64_t cpu_percent, struct error *error);
void cgroup_leave(const char *group);

#endif
