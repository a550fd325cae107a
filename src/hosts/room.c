#include "hosts/room.h"

#include "base/memory.h"
#include "hosts/control_group.h"
#include "hosts/peek.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void put(json_t *room, const char *name, double value) {
    if (isfinite(value))
        (void)json_object_set_new(room, name, json_integer((json_int_t)fmax(value, 0)));
}

static double hard_limit(int resource) {
    struct rlimit limit;

    return getrlimit((__rlimit_resource_t)resource, &limit) == 0 && limit.rlim_max != RLIM_INFINITY
               ? (double)limit.rlim_max
               : INFINITY;
}

/* ---- control groups ---- */

static const struct limit {
    const char *name; /* in the answer */
    const char *folder, *controllers;
    const char *most, *taken;
    /* In memory.stat: what counts as taken, and is given back when it is needed; or NULL. */
    const char *spare;
} limits[] = {
    {"memory_bytes", "/sys/fs/cgroup", "", "memory.max", "memory.current", "inactive_file"},
    {"memory_bytes", "/sys/fs/cgroup/memory", "memory", "memory.limit_in_bytes",
     "memory.usage_in_bytes", "total_inactive_file"},
    {"processes", "/sys/fs/cgroup", "", "pids.max", "pids.current", NULL},
    {"processes", "/sys/fs/cgroup/pids", "pids", "pids.max", "pids.current", NULL},
};

static double spare_of(const char *group, const char *key) {
    CLEANUP_FREE char *path = text_format("%s/memory.stat", group);
    CLEANUP(fclosep) FILE *file = key ? fopen(path, "re") : NULL;
    char word[64];
    double value;

    while (file && fscanf(file, "%63s %lf", word, &value) == 2)
        if (text_equal(word, key))
            return value;
    return 0;
}

/* What one group leaves; "max", and what version 1 has in its place, is no limit. */
static double left_in(const struct limit *limit, const char *group) {
    CLEANUP_FREE char *most_path = text_format("%s/%s", group, limit->most);
    CLEANUP_FREE char *taken_path = text_format("%s/%s", group, limit->taken);
    double most, taken;

    if (!peek_number(most_path, &most) || !peek_number(taken_path, &taken))
        return INFINITY;
    return most - taken + spare_of(group, limit->spare);
}

static double left_by_groups(const char *root, const char *name) {
    double least = INFINITY;

    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        size_t top;
        CLEANUP_FREE char *path =
            control_group_find(root, limits[i].folder, limits[i].controllers, &top);

        if (!path || !text_equal(limits[i].name, name))
            continue;
        do
            least = fmin(least, left_in(&limits[i], path));
        while (control_group_up(path, top));
    }
    return least;
}

/* ---- ports ---- */

#define TIME_WAIT 6 /* of a connection that has ended: its port serves for another */

/* Marks the local ports in a table of the kernel's: "sl local_address rem_address st ...". */
static void mark_ports(const char *path, int first, int last, bool *taken) {
    CLEANUP(fclosep) FILE *file = fopen(path, "re");
    char line[512];
    unsigned port, state;

    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, " %*u: %*[0-9A-F]:%x %*s %x", &port, &state) == 2 && state != TIME_WAIT &&
            (int)port >= first && (int)port <= last)
            taken[port] = true;
}

/* /proc/self/net is of our own network namespace. */
static void put_ports(const char *root, json_t *room) {
    static const char *const tables[] = {"tcp", "tcp6"};
    CLEANUP_FREE char *path = text_format("%s/proc/sys/net/ipv4/ip_local_port_range", root);
    CLEANUP_FREE char *range = peek_line(path);
    CLEANUP_FREE bool *taken = memory_new(65536, sizeof(*taken));
    int first, last, n = 0;

    if (!range || sscanf(range, "%d %d", &first, &last) != 2 || first < 1 || last > 65535)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        CLEANUP_FREE char *table = text_format("%s/proc/self/net/%s", root, tables[i]);

        mark_ports(table, first, last, taken);
    }
    for (int port = first; port <= last; port++)
        n += taken[port];
    put(room, "ports", last - first + 1);
    put(room, "ports_taken", n);
}

/* Of which network the ports are: "net:[4026531840]". */
static void put_network(const char *root, json_t *room) {
    CLEANUP_FREE char *path = text_format("%s/proc/self/ns/net", root);
    char name[64];
    ssize_t length = readlink(path, name, sizeof(name));

    if (length > 0)
        (void)json_object_set_new(room, "network", json_stringn(name, (size_t)length));
}

/* ---- all of it ---- */

static double available_memory(const char *root) {
    CLEANUP_FREE char *path = text_format("%s/proc/meminfo", root);
    CLEANUP_FREE char *kib = peek_key(path, "MemAvailable", ':');

    return kib ? 1024 * strtod(kib, NULL) : INFINITY;
}

static double process_limit(const char *root) {
    CLEANUP_FREE char *path = text_format("%s/proc/sys/kernel/pid_max", root);
    double most;

    if (!peek_number(path, &most))
        most = INFINITY;
    return geteuid() == 0 ? most : fmin(most, hard_limit(RLIMIT_NPROC));
}

json_t *room_collect(const char *root) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    json_t *room = json_object();

    put(room, "descriptors", hard_limit(RLIMIT_NOFILE));
    put_ports(root, room);
    put_network(root, room);
    put(room, "memory_bytes", fmin(available_memory(root), left_by_groups(root, "memory_bytes")));
    put(room, "processes", fmin(process_limit(root), left_by_groups(root, "processes")));
    if (cores > 0)
        put(room, "cores", (double)cores);
    return room;
}
