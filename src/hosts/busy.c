#include "hosts/busy.h"

#include "base/clock.h"
#include "base/memory.h"
#include "hosts/control_group.h"
#include "hosts/peek.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* user nice system idle iowait irq softirq steal; guests are within user. */
enum { IDLE = 3, IOWAIT = 4, TICKS = 8 };

static void put_ticks(const char *root, json_t *facts) {
    CLEANUP_FREE char *path = text_format("%s/proc/stat", root), *line = peek_line(path);
    unsigned long long ticks[TICKS], all = 0;

    if (!line || sscanf(line, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &ticks[0], &ticks[1],
                        &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7]) != TICKS)
        return;
    for (size_t i = 0; i < TICKS; i++)
        all += ticks[i];
    (void)json_object_set_new(facts, "all", json_integer((json_int_t)all));
    (void)json_object_set_new(facts, "busy",
                              json_integer((json_int_t)(all - ticks[IDLE] - ticks[IOWAIT])));
}

/* ---- control groups ---- */

/* The hierarchies in which processor time is limited, and how a group tells of it. */
static const struct hierarchy {
    const char *folder;     /* where it is mounted */
    const char *controller; /* in /proc/self/cgroup: version 2 has an empty list */
    const char *stopped;    /* the key in cpu.stat of the time that it was stopped */
    double second;          /* of that key's unit */
} hierarchies[] = {
    {"/sys/fs/cgroup/cpu,cpuacct", "cpu,cpuacct", "throttled_time", 1e9},
    {"/sys/fs/cgroup/cpu", "cpu", "throttled_time", 1e9},
    {"/sys/fs/cgroup/cpu", "cpu,cpuacct", "throttled_time", 1e9},
    {"/sys/fs/cgroup", "", "throttled_usec", 1e6},
};

/* Cores that a group lets its processes use; false where it does not limit them. */
static bool read_quota(const char *group, double *ret) {
    CLEANUP_FREE char *max = text_format("%s/cpu.max", group);
    CLEANUP_FREE char *quota = text_format("%s/cpu.cfs_quota_us", group);
    CLEANUP_FREE char *period = text_format("%s/cpu.cfs_period_us", group);
    CLEANUP_FREE char *line = peek_line(max);
    double of = 0, part = 0;

    if (line ? sscanf(line, "%lf %lf", &part, &of) != 2
             : !peek_number(quota, &part) || !peek_number(period, &of))
        return false;
    *ret = part / of;
    return part > 0 && of > 0;
}

/* The numbers of a group's cpu.stat. */
static void put_stops(const struct hierarchy *hierarchy, const char *group, json_t *facts) {
    const struct {
        const char *key, *name;
        double unit;
    } numbers[] = {
        {"nr_periods", "periods", 1},
        {"nr_throttled", "throttled_periods", 1},
        {hierarchy->stopped, "throttled_s", hierarchy->second},
    };
    CLEANUP_FREE char *path = text_format("%s/cpu.stat", group);
    CLEANUP(fclosep) FILE *file = fopen(path, "re");
    char key[64];
    double value;

    while (file && fscanf(file, "%63s %lf", key, &value) == 2)
        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
            if (text_equal(key, numbers[i].key))
                (void)json_object_set_new(facts, numbers[i].name,
                                          json_real(value / numbers[i].unit));
}

/* Every group from this process's up to the top of the hierarchy: the tightest limits. */
static void put_tightest(const struct hierarchy *hierarchy, char *path, size_t top, double cores,
                         json_t *facts) {
    CLEANUP_FREE char *tightest = NULL;
    double least = cores, quota;

    do {
        if (read_quota(path, &quota) && quota < least) {
            least = quota;
            text_replace(&tightest, path);
        }
    } while (control_group_up(path, top));
    (void)json_object_set_new(facts, "quota", json_real(least));
    if (tightest)
        put_stops(hierarchy, tightest, facts);
}

static void put_quota(const char *root, double cores, json_t *facts) {
    for (size_t i = 0; i < ARRAY_SIZE(hierarchies); i++) {
        size_t top;
        CLEANUP_FREE char *path =
            control_group_find(root, hierarchies[i].folder, hierarchies[i].controller, &top);

        if (path) {
            put_tightest(&hierarchies[i], path, top, cores, facts);
            return;
        }
    }
}

json_t *busy_collect(const char *root) {
    json_t *facts = json_pack("{s:I}", "at_ns", (json_int_t)clock_monotonic_ns());
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (cores > 0)
        (void)json_object_set_new(facts, "cores", json_integer(cores));
    put_ticks(root, facts);
    if (cores > 0)
        put_quota(root, (double)cores, facts);
    return facts;
}
