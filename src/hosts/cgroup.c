#include "hosts/cgroup.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX    "bench-lab-"
#define PERIOD_US "100000" /* the kernel's default, too */

/* Where groups that limit processor time are made: version 2, or one of the places of version 1. */
static const struct {
    const char *folder, *sign; /* a file that shows that it is there */
    const char *limit;         /* the file that takes the quota of each period, in microseconds */
    const char *tail;          /* what follows the quota there */
} places[] = {
    {"/sys/fs/cgroup", "cgroup.controllers", "cpu.max", " " PERIOD_US},
    {"/sys/fs/cgroup/cpu,cpuacct", "cpu.cfs_quota_us", "cpu.cfs_quota_us", ""},
    {"/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "cpu.cfs_quota_us", ""},
};

static int put(const char *group, const char *file, const char *text) {
    CLEANUP_FREE char *path = text_format("%s/%s", group, file);
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CLOEXEC);

    return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static bool is_orphan(const char *name) {
    pid_t pid = (pid_t)strtol(name + strlen(PREFIX), NULL, 10);

    return pid <= 0 || pid == getpid() || (kill(pid, 0) < 0 && errno == ESRCH);
}

/* One that is in use cannot be removed; but one that was made just now is in no use yet: whose
 * process is there is let alone. */
static void sweep(const char *folder) {
    DIR *entries = opendir(folder);
    struct dirent *entry;

    while (entries && (entry = readdir(entries))) {
        CLEANUP_FREE char *path = text_format("%s/%s", folder, entry->d_name);

        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0 && is_orphan(entry->d_name))
            (void)rmdir(path);
    }
    if (entries)
        (void)closedir(entries);
}

static bool is_place(size_t place) {
    CLEANUP_FREE char *sign = text_format("%s/%s", places[place].folder, places[place].sign);

    return access(sign, F_OK) == 0;
}

int cgroup_enter(char **ret, int64_t cpu_percent, struct error *error) {
    CLEANUP_FREE char *group = NULL, *quota = NULL, *pid = text_format("%d", (int)getpid());
    size_t place = 0;
    int r;

    while (place < ARRAY_SIZE(places) && !is_place(place))
        place++;
    if (place == ARRAY_SIZE(places))
        return error_set(error, -EOPNOTSUPP,
                         "a CPU limit needs control groups with the controller cpu, which are not "
                         "to be had here");
    sweep(places[place].folder);
    group = text_format("%s/" PREFIX "%s", places[place].folder, pid);
    if (mkdir(group, 0755) < 0)
        return error_errno(error, -errno, "a CPU limit needs root: %s", group);
    quota =
        text_format("%lld%s", (long long)cpu_percent * atoll(PERIOD_US) / 100, places[place].tail);
    /* Version 2 hands the controller down only when told to; version 1 knows no such file. */
    (void)put(places[place].folder, "cgroup.subtree_control", "+cpu");
    r = put(group, places[place].limit, quota);
    if (r == 0)
        r = put(group, "cgroup.procs", pid);
    if (r < 0) {
        (void)rmdir(group);
        return error_errno(error, r, "a CPU limit: %s/%s", group, places[place].limit);
    }
    *ret = group;
    group = NULL;
    return 0;
}

void cgroup_leave(const char *group) {
    CLEANUP_FREE char *parent = strndup(group, (size_t)(strrchr(group, '/') - group));
    CLEANUP_FREE char *pid = text_format("%d", (int)getpid());

    (void)put(parent, "cgroup.procs", pid);
    (void)rmdir(group);
}
