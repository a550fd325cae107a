#include "hosts/lab.h"

#include "base/capability.h"
#include "base/jsonline.h"
#include "base/process.h"
#include "base/program.h"
#include "hosts/kind.h"
#include "model/setting.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <net/if.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INTERFACE "bench0" /* at either end */

/* ---- settings ---- */

static const struct setting rows[] = {
    {"rate", SETTING_RATE, "0bit/s", "0bit/s", "100Gbit/s",
     .help = "of the link, in each direction; 0bit/s: as fast as it goes",
     .offset = offsetof(struct lab_settings, rate_bit_s)},
    {"burst", SETTING_BYTES, "16KiB", "2KiB", "16MiB",
     .help = "what may leave at once at a limited rate (tc's tbf)",
     .offset = offsetof(struct lab_settings, burst_bytes)},
    {"queue", SETTING_BYTES, "2MiB", "4KiB", "256MiB",
     .help = "what may wait at a limited rate; more is dropped",
     .offset = offsetof(struct lab_settings, queue_bytes)},
    {"delay", SETTING_DURATION, "0s", "0s", "10s", .help = "added in each direction (tc's netem)",
     .offset = offsetof(struct lab_settings, delay_ns)},
    {"loss", SETTING_PERCENT, "0%", "0%", "50%",
     .help = "of packets, in each direction (tc's netem)",
     .offset = offsetof(struct lab_settings, loss_ppm)},
    {"broker_cpu", SETTING_COUNT, "0", "0", "100000",
     .help = "limit of the broker's host, in % of one core; 0: none; needs root",
     .offset = offsetof(struct lab_settings, broker_cpu_percent)},
    {"publisher_cpu", SETTING_COUNT, "0", "0", "100000", .help = "the same of the publisher's host",
     .offset = offsetof(struct lab_settings, publisher_cpu_percent)},
};
const struct setting_group lab_group =
    SETTING_GROUP("lab", SETTING_SCENARIO, rows, struct lab_settings);

/* ---- starting an agent ---- */

static int check(const char *rest, struct error *error) {
    if (text_equal(rest, "a") || text_equal(rest, "b"))
        return 0;
    return error_set(error, -EINVAL, "a lab has two hosts, lab:a and lab:b");
}

/* Each makes its network namespace. For the link to be laid between them without being root, both
 * must belong to one user namespace: that of the first. */
static int command(const struct launch *launch, struct words *ret, struct error *error) {
    CLEANUP_FREE char *program = process_own_path();
    const char *name = launch->spec + strlen("lab:");
    bool root = geteuid() == 0;
    int r = 0;

    if (root)
        r = capability_check(CAP_SYS_ADMIN, "SYS_ADMIN", "to make a network namespace", error);
    if (root && r == 0)
        r = capability_check(CAP_NET_ADMIN, "NET_ADMIN", "to lay a link", error);
    if (r < 0)
        return r;
    if (access(program, X_OK) < 0 || strncmp(program, "/proc/", 6) == 0)
        return error_set(error, -ENOENT, "the program was built anew meanwhile; start again");
    if (!root && launch->mate) {
        words_add_all(ret, "nsenter --user --preserve-credentials --target");
        words_add(ret, "%d", (int)launch->mate);
        words_add_all(ret, "unshare --net");
    } else {
        words_add_all(ret, root ? "unshare --net" : "unshare --user --map-root-user --net");
    }
    words_add(ret, "%s", program);
    words_add_all(ret, "agent --certs");
    words_add(ret, "%s/lab-%s", launch->certs, name);
    return 0;
}

static char *advise(const struct launch *launch, int status, const char *last_words) {
    (void)launch;
    (void)status;
    if (!strstr(last_words, "unshare") && !strstr(last_words, "nsenter"))
        return NULL;
    if (geteuid() == 0)
        return text_format("root may not make a network namespace here (%.*s), as where a "
                           "container's profile forbids it; Docker allows it with --privileged",
                           (int)strcspn(last_words, "\n"), last_words);
    return text_format(
        "this kernel gives an ordinary user no network namespace (%.*s); be root, or "
        "set the sysctl kernel.unprivileged_userns_clone to 1 (on some systems "
        "kernel.apparmor_restrict_unprivileged_userns to 0)",
        (int)strcspn(last_words, "\n"), last_words);
}

const struct host_kind host_kind_lab = {
    .prefix = "lab:", .form = "lab:a, lab:b", .check = check, .command = command, .advise = advise};

bool lab_is(const char *spec) {
    return strncmp(spec, host_kind_lab.prefix, strlen(host_kind_lab.prefix)) == 0;
}

/* ---- the driver's side ---- */

static int seat(struct host *host, const char *address, pid_t mate, int64_t cpu_percent,
                const struct lab_settings *settings, struct error *error) {
    json_t *order =
        json_pack("{s:s+,s:I,s:o}", "address", address, "/24", "cpu_percent",
                  (json_int_t)cpu_percent, "settings", setting_block_to_json(&lab_group, settings));
    int r;

    if (mate)
        (void)json_object_set_new(order, "mate", json_integer(mate));
    r = host_order(host, "lab", order, NULL, error);
    return r < 0 && r != -EINTR && r != -EPIPE ? error_prefix(error, r, "host %s", host_spec(host))
                                               : r;
}

int lab_join(struct host *broker, struct host *publisher, const struct lab_settings *settings,
             struct error *error) {
    int r = seat(broker, LAB_BROKER_ADDRESS, host_pid(publisher), settings->broker_cpu_percent,
                 settings, error);

    return r < 0 ? r
                 : seat(publisher, LAB_PUBLISHER_ADDRESS, 0, settings->publisher_cpu_percent,
                        settings, error);
}

/* ---- a limit of processor time: for an agent and all that it starts ----
 *
 * The group is removed when it is left. One whose owner was killed is empty, and is removed by
 * whoever makes the next. */

#define CGROUP_PREFIX "bench-lab-"
#define PERIOD_US     "100000" /* the kernel's default, too */

/* Where groups that limit processor time are made: version 2, or one of the places of version 1. */
static const struct {
    const char *folder, *sign; /* a file that shows that it is there */
    const char *limit;         /* the file that takes the quota of each period, in microseconds */
    const char *tail;          /* what follows the quota there */
} cgroup_places[] = {
    {"/sys/fs/cgroup", "cgroup.controllers", "cpu.max", " " PERIOD_US},
    {"/sys/fs/cgroup/cpu,cpuacct", "cpu.cfs_quota_us", "cpu.cfs_quota_us", ""},
    {"/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "cpu.cfs_quota_us", ""},
};

static int put_cgroup(const char *group, const char *file, const char *text) {
    CLEANUP_FREE char *path = text_format("%s/%s", group, file);
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CLOEXEC);

    return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static bool is_orphan(const char *name) {
    pid_t pid = (pid_t)strtol(name + strlen(CGROUP_PREFIX), NULL, 10);

    return pid <= 0 || pid == getpid() || (kill(pid, 0) < 0 && errno == ESRCH);
}

/* One that is in use cannot be removed; but one that was made just now is in no use yet: whose
 * process is there is let alone. */
static void sweep_cgroups(const char *folder) {
    DIR *entries = opendir(folder);
    struct dirent *entry;

    while (entries && (entry = readdir(entries))) {
        CLEANUP_FREE char *path = text_format("%s/%s", folder, entry->d_name);

        if (strncmp(entry->d_name, CGROUP_PREFIX, strlen(CGROUP_PREFIX)) == 0 &&
            is_orphan(entry->d_name))
            (void)rmdir(path);
    }
    if (entries)
        (void)closedir(entries);
}

static bool is_cgroup_place(size_t place) {
    CLEANUP_FREE char *sign =
        text_format("%s/%s", cgroup_places[place].folder, cgroup_places[place].sign);

    return access(sign, F_OK) == 0;
}

/* Puts this process into a group of its own that gets cpu_percent of one core; *ret, the group's
 * folder, is the caller's. */
static int enter_cgroup(char **ret, int64_t cpu_percent, struct error *error) {
    CLEANUP_FREE char *group = NULL, *quota = NULL, *pid = text_format("%d", (int)getpid());
    size_t place = 0;
    int r;

    while (place < ARRAY_SIZE(cgroup_places) && !is_cgroup_place(place))
        place++;
    if (place == ARRAY_SIZE(cgroup_places))
        return error_set(error, -EOPNOTSUPP,
                         "a CPU limit needs control groups with the controller cpu, which are not "
                         "to be had here");
    sweep_cgroups(cgroup_places[place].folder);
    group = text_format("%s/" CGROUP_PREFIX "%s", cgroup_places[place].folder, pid);
    if (mkdir(group, 0755) < 0)
        return error_errno(error, -errno, "a CPU limit needs root: %s", group);
    quota = text_format("%lld%s", (long long)cpu_percent * atoll(PERIOD_US) / 100,
                        cgroup_places[place].tail);
    /* Version 2 hands the controller down only when told to; version 1 knows no such file. */
    (void)put_cgroup(cgroup_places[place].folder, "cgroup.subtree_control", "+cpu");
    r = put_cgroup(group, cgroup_places[place].limit, quota);
    if (r == 0)
        r = put_cgroup(group, "cgroup.procs", pid);
    if (r < 0) {
        (void)rmdir(group);
        return error_errno(error, r, "a CPU limit: %s/%s", group, cgroup_places[place].limit);
    }
    *ret = group;
    group = NULL;
    return 0;
}

static void leave_cgroup(const char *group) {
    CLEANUP_FREE char *parent = strndup(group, (size_t)(strrchr(group, '/') - group));
    CLEANUP_FREE char *pid = text_format("%d", (int)getpid());

    (void)put_cgroup(parent, "cgroup.procs", pid);
    (void)rmdir(group);
}

/* ---- an agent's side ---- */

/* Nobody's network but a fresh one is touched: nothing is up there, not even loopback. (It may have
 * more than that: tunnels that some modules put into every namespace.) */
static int check_fresh(struct error *error) {
    struct ifaddrs *all = NULL;
    bool fresh = getifaddrs(&all) == 0;

    for (struct ifaddrs *one = all; one; one = one->ifa_next)
        fresh = fresh && !(one->ifa_flags & IFF_UP);
    freeifaddrs(all);
    return fresh ? 0 : error_set(error, -EPERM, "this is no fresh network namespace");
}

static int lay_link(const char *address, int64_t mate, struct error *error) {
    int r = program_run(error, "ip link set lo up");

    if (r < 0)
        return r;
    if (mate)
        r = program_run(error,
                        "ip link add " INTERFACE " type veth peer name " INTERFACE " netns %lld",
                        (long long)mate);
    if (r < 0)
        return r;
    r = program_run(error, "ip address add %s dev " INTERFACE, address);
    if (r < 0)
        return r;
    return program_run(error, "ip link set " INTERFACE " up");
}

/* netem first, the rate below it. */
static int shape(const struct lab_settings *settings, struct error *error) {
    bool netem = settings->delay_ns > 0 || settings->loss_ppm > 0;
    CLEANUP_FREE char *loss = setting_number_format(SETTING_PERCENT, settings->loss_ppm);
    int r = 0;

    if (netem && program_run(error,
                             "tc qdisc add dev " INTERFACE " root handle 1: netem limit 100000 "
                             "delay %lldus loss %s",
                             (long long)(settings->delay_ns / 1000), loss) < 0)
        return error_prefix(error, -EOPNOTSUPP,
                            "lab.delay and lab.loss need the kernel's netem (module sch_netem), "
                            "which is not to be had here");
    if (settings->rate_bit_s)
        r = program_run(error,
                        "tc qdisc add dev " INTERFACE " %s tbf rate %lldbit burst %lld limit %lld",
                        netem ? "parent 1:1 handle 10:" : "root", (long long)settings->rate_bit_s,
                        (long long)settings->burst_bytes, (long long)settings->queue_bytes);
    return r < 0 ? error_prefix(error, r, "lab.rate") : 0;
}

int lab_take_seat(struct lab_seat *taken, const json_t *order, struct error *error) {
    int64_t mate = jsonline_integer(order, "mate", 0);
    int64_t cpu_percent = jsonline_integer(order, "cpu_percent", 0);
    void *settings;
    int r = check_fresh(error);

    if (r < 0)
        return r;
    r = setting_block_from_json(&lab_group, json_object_get(order, "settings"), &settings, error);
    if (r < 0)
        return r;
    r = lay_link(jsonline_text(order, "address", "?"), mate, error);
    if (r == 0)
        r = shape(settings, error);
    if (r == 0 && cpu_percent)
        r = enter_cgroup(&taken->cgroup, cpu_percent, error);
    setting_block_free(&lab_group, settings);
    return r;
}

void lab_leave_seat(struct lab_seat *taken) {
    if (taken->cgroup)
        leave_cgroup(taken->cgroup);
    free(taken->cgroup);
    taken->cgroup = NULL;
}
