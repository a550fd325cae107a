/*
 * control_group - the control groups that this process is in, of version 1 or 2: its own and those
 * above it, each of which may limit it. In a container those below the top may not be there to be
 * seen, and its own is at the top.
 */
#ifndef BENCH_HOSTS_CONTROL_GROUP_H
#define BENCH_HOSTS_CONTROL_GROUP_H

#include <stdbool.h>
#include <stddef.h>

/* The folder of this process's group in the hierarchy that is mounted at `folder`; controllers: its
 * list in /proc/self/cgroup, "" of version 2. *ret_top is how much of the path is the hierarchy's
 * top. root: "", or what stands before /proc and /sys. NULL where there is none, else the
 * caller's. */
char *control_group_find(const char *root, const char *folder, const char *controllers,
                         size_t *ret_top);
/* Makes the path that of the group above; false where it is the top. */
bool control_group_up(char *path, size_t top);

/* The group in which this process's memory is counted, and in *ret_bytes how much it is, the files'
 * that the kernel keeps for it included; the caller's. NULL: none is known, but for that of the
 * whole machine. */
char *control_group_memory(const char *root, double *ret_bytes);
/* Whether all that is in the second group is also in the first: both have paths as above, of one
 * machine. Two containers, each of which sees its own at the top, are taken for one group. */
bool control_group_holds(const char *group, const char *other);

#endif
