#include "hosts/lab.h"

#include "base/capability.h"
#include "base/jsonline.h"
#include "base/process.h"
#include "base/program.h"
#include "hosts/kind.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <math.h>
#include <net/if.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define INTERFACE "bench0" /* at either end; of several links, the bridge */
#define PORT      "bench"  /* and a number from 1: an end in the bridge */

/* Of a place in the lab: its address, and the network of its further ones. */
#define ADDRESS_FORMAT "192.0.2.%d"
#define FURTHER_FORMAT "198.18.%d"

/* ---- starting an agent ---- */

static int check(const char *rest, struct error *error) {
    if (rest[0] >= 'a' && rest[0] <= 'z' && !rest[1])
        return 0;
    return error_set(error, -EINVAL,
                     "a lab has two hosts, lab:a and lab:b, or more publishers', up to lab:z");
}

/* Each makes its network namespace. For links to be laid between them without being root, all must
 * belong to one user namespace: that of the first. */
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

/* tc's tbf can do no more than a rate. */
bool lab_takes_relay(const struct lab_settings *link) {
    return link->delay_ns || link->jitter_ns || link->loss_ppm;
}

/* An error of the host's own, with its name. */
static int order(struct host *host, const char *name, json_t *args, json_t **ret,
                 struct error *error) {
    int r = host_order(host, name, args, ret, error);

    return r < 0 && r != -EINTR && r != -EPIPE ? error_prefix(error, r, "host %s", host_spec(host))
                                               : r;
}

static bool take_relay(const struct lab_settings *const *links, size_t n_links) {
    for (size_t i = 0; i < n_links; i++)
        if (lab_takes_relay(links[i]))
            return true;
    return false;
}

/* The broker's host first: it lays the links, or starts the relay. */
static int join_broker(struct host *const *hosts, size_t n_hosts, const struct lab_settings *link,
                       bool relayed, json_t **ret, struct error *error) {
    json_t *mates = json_array();

    for (size_t i = 1; i < n_hosts && !relayed; i++)
        (void)json_array_append_new(mates, json_integer(host_pid(hosts[i])));
    return order(hosts[0], "lab",
                 json_pack("{s:i,s:I,s:I,s:b,s:o}", "place", 0, "addresses",
                           (json_int_t)link->addresses, "cpu_percent",
                           (json_int_t)link->broker_cpu_percent, "relay", relayed, "mates", mates),
                 ret, error);
}

static int join_publisher(struct host *host, int place, const struct lab_settings *link,
                          const json_t *relay, struct error *error) {
    return order(host, "lab",
                 json_pack("{s:i,s:I,s:I,s:I}", "place", place, "addresses",
                           (json_int_t)link->addresses, "cpu_percent",
                           (json_int_t)link->publisher_cpu_percent, "relay_pid",
                           (json_int_t)jsonline_integer(relay, "relay_pid", 0)),
                 NULL, error);
}

int lab_join(struct host *const *hosts, size_t n_hosts, const struct lab_settings *const *links,
             size_t n_links, json_t **ret, struct error *error) {
    bool relayed = take_relay(links, n_links);
    json_auto_t *relay = NULL;
    int r;

    *ret = NULL;
    r = join_broker(hosts, n_hosts, links[0], relayed, &relay, error);
    for (size_t i = 0; i < n_links && r == 0 && relayed; i++)
        r = relay_check(links[i], jsonline_integer(relay, "limit_bit_s", 0), error);
    for (size_t i = 1; i < n_hosts && r == 0; i++)
        r = join_publisher(hosts[i], (int)i, links[0], relay, error);
    if (r == 0 && relayed)
        *ret = json_incref(relay);
    return r;
}

int lab_shape(struct host *const *hosts, size_t n_hosts, const struct lab_settings *settings,
              struct error *error) {
    int r = 0;

    for (size_t i = 0; i < n_hosts && r == 0; i++)
        r = order(hosts[i], "lab-shape",
                  json_pack("{s:o}", "settings", setting_block_to_json(&lab_group, settings)), NULL,
                  error);
    return r;
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

/* Frames of at most the MTU, with right checksums, are all that a relay can carry. */
static int stop_offloads(struct error *error) {
    static const __u32 offloads[] = {ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO, ETHTOOL_STXCSUM};
    CLEANUP_FD int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    for (size_t i = 0; i < ARRAY_SIZE(offloads); i++) {
        struct ethtool_value value = {.cmd = offloads[i]};
        struct ifreq request = {.ifr_name = INTERFACE, .ifr_data = (char *)&value};

        if (ioctl(fd, SIOCETHTOOL, &request) < 0)
            return error_errno(error, -errno, "the offloads of " INTERFACE);
    }
    return 0;
}

/* An end of the link for this host; the other one goes to the namespace of that process. */
static int lay_link(const char *peer, int64_t process, struct error *error) {
    return program_run(error, "ip link add " INTERFACE " type veth peer name %s netns %lld", peer,
                       (long long)process);
}

/* A link whose end here is in the bridge. */
static int lay_port(size_t number, int64_t process, struct error *error) {
    int r = program_run(error,
                        "ip link add " PORT "%zu master " INTERFACE
                        " type veth peer name " INTERFACE " netns %lld",
                        number, (long long)process);

    return r < 0 ? r : program_run(error, "ip link set " PORT "%zu up", number);
}

static int lay_links(struct lab_seat *taken, const json_t *mates, struct error *error) {
    size_t n = json_array_size(mates);
    int r = 0;

    if (n == 1)
        return lay_link(INTERFACE, json_integer_value(json_array_get(mates, 0)), error);
    if (n)
        r = program_run(error, "ip link add " INTERFACE " type bridge");
    for (size_t i = 0; i < n && r == 0; i++) {
        r = lay_port(i + 1, json_integer_value(json_array_get(mates, i)), error);
        taken->n_ports = i + 1;
    }
    return r;
}

static int set_up(int place, struct error *error) {
    int r = program_run(error, "ip address add " ADDRESS_FORMAT "/24 dev " INTERFACE, place + 1);

    return r < 0 ? r : program_run(error, "ip link set " INTERFACE " up");
}

/* A whole network of addresses at once on the publisher's host; on the broker's the way there, by
 * the host's one neighbour: a table of neighbours holds about a thousand. */
static int add_further(const struct lab_seat *taken, size_t n_publishers, struct error *error) {
    int r = 0;

    if (taken->place)
        return program_run(error, "ip route add local " FURTHER_FORMAT ".0/24 dev lo",
                           taken->place + 1);
    for (int i = 1; i <= (int)n_publishers && r == 0; i++)
        r = program_run(error, "ip route add " FURTHER_FORMAT ".0/24 via " ADDRESS_FORMAT, i + 1,
                        i + 1);
    return r;
}

json_t *lab_seat_addresses(const struct lab_seat *taken) {
    json_t *addresses;

    if (!taken->place || taken->addresses <= 1)
        return NULL;
    addresses = json_pack("[o]", json_sprintf(ADDRESS_FORMAT, taken->place + 1));
    for (int i = 1; i < taken->addresses; i++)
        (void)json_array_append_new(addresses,
                                    json_sprintf(FURTHER_FORMAT ".%d", taken->place + 1, i));
    return addresses;
}

/* What tc says of it; the caller's. */
static json_t *read_back(const char *interface) {
    CLEANUP_FREE char *text = NULL;
    json_auto_t *all = NULL;

    if (program_ask(&text, NULL, NULL, "tc -j qdisc show dev %s", interface) == 0)
        all = json_loads(text, 0, NULL);
    return json_incref(json_array_get(all, 0));
}

/* What leaves by the interface. */
static int shape_by_tc(const char *interface, const struct lab_settings *settings,
                       struct error *error) {
    json_auto_t *found = NULL;
    json_int_t rate;
    int r;

    (void)program_run(NULL, "tc qdisc delete dev %s root", interface); /* there may be none */
    if (!settings->rate_bit_s)
        return 0;
    r = program_run(error, "tc qdisc add dev %s root tbf rate %lldbit burst %lld limit %lld",
                    interface, (long long)settings->rate_bit_s, (long long)settings->burst_bytes,
                    (long long)settings->queue_bytes);
    if (r < 0)
        return error_prefix(error, r, "lab.rate");
    found = read_back(interface);
    /* In bytes a second; of those, tc keeps whole ones. */
    rate = json_integer_value(json_object_get(json_object_get(found, "options"), "rate"));
    if (!rate)
        return error_set(error, -EIO, "lab.rate: tc does not tell what it has set");
    if (rate != settings->rate_bit_s / 8)
        return error_set(error, -EIO, "lab.rate: tc has set %lld bit/s, not %lld",
                         (long long)rate * 8, (long long)settings->rate_bit_s);
    return 0;
}

/* Of a bridge it is the ends in it that send over a link. */
static int shape_links(const struct lab_seat *taken, const struct lab_settings *settings,
                       struct error *error) {
    int r = taken->n_ports ? 0 : shape_by_tc(INTERFACE, settings, error);

    for (size_t i = 1; i <= taken->n_ports && r == 0; i++) {
        CLEANUP_FREE char *port = text_format(PORT "%zu", i);

        r = shape_by_tc(port, settings, error);
    }
    return r;
}

static int shape_by_relay(struct relay *relay, const struct lab_settings *settings,
                          struct error *error) {
    json_auto_t *wanted = setting_block_to_json(&lab_group, settings), *found = NULL;
    int r = relay_shape(relay, settings, &found, error);

    if (r < 0)
        return r;
    return json_equal(wanted, found) ? 0 : error_set(error, -EIO, "the relay shapes another link");
}

/* What connecting takes besides what it takes anywhere: ten round trips, some of them to send again
 * what was lost, and 64 KiB behind a full queue. */
static int64_t slow_ns(const struct lab_settings *settings) {
    double bits = 8 * (double)(settings->queue_bytes + (64 << 10));
    double rate_s = settings->rate_bit_s ? bits / (double)settings->rate_bit_s : 0;

    return 20 * (settings->delay_ns + settings->jitter_ns) + (int64_t)(fmin(rate_s, 1000) * 1e9);
}

int lab_shape_seat(struct lab_seat *taken, const json_t *order, struct error *error) {
    void *settings;
    int r =
        setting_block_from_json(&lab_group, json_object_get(order, "settings"), &settings, error);

    if (r < 0)
        return r;
    taken->slow_ns = slow_ns(settings);
    if (taken->relay.process.pid)
        r = shape_by_relay(&taken->relay, settings, error);
    else if (!taken->relayed)
        r = shape_links(taken, settings, error);
    setting_block_free(&lab_group, settings);
    return r;
}

int lab_cut_seat(struct lab_seat *taken, const json_t *order, struct error *error) {
    bool cut = json_is_true(json_object_get(order, "cut"));

    if (taken->relayed)
        return error_set(error, -EOPNOTSUPP, "a link that is a relay cannot be cut");
    return program_run(error, "ip link set " INTERFACE " %s", cut ? "down" : "up");
}

int lab_take_seat(struct lab_seat *taken, const json_t *order, json_t **ret, struct error *error) {
    const json_t *mates = json_object_get(order, "mates");
    int64_t relay_pid = jsonline_integer(order, "relay_pid", 0);
    int64_t cpu_percent = jsonline_integer(order, "cpu_percent", 0);
    bool relayed = json_is_true(json_object_get(order, "relay"));
    int r = check_fresh(error);

    taken->relayed = relayed || relay_pid;
    taken->place = (int)jsonline_integer(order, "place", 0);
    taken->addresses = jsonline_integer(order, "addresses", 1);
    if (r == 0)
        r = program_run(error, "ip link set lo up");
    if (r == 0 && relayed)
        r = relay_start(&taken->relay, error);
    if (r == 0 && relayed)
        *ret = json_pack("{s:i,s:I,s:I}", "relay_pid", (int)taken->relay.process.pid,
                         "limit_frames_s", (json_int_t)taken->relay.frames_s, "limit_bit_s",
                         (json_int_t)taken->relay.bit_s);
    if (r == 0)
        r = lay_links(taken, mates, error);
    if (r == 0 && relayed)
        r = lay_link(RELAY_END_BROKER, taken->relay.process.pid, error);
    if (r == 0 && relay_pid)
        r = lay_link(RELAY_END_PUBLISHER, relay_pid, error);
    if (r == 0 && taken->relayed)
        r = stop_offloads(error);
    if (r == 0)
        r = set_up(taken->place, error);
    if (r == 0 && taken->addresses > 1)
        r = add_further(taken, relayed ? 1 : json_array_size(mates), error);
    /* Last: the relay, which is no part of a host, has been started outside of it. */
    if (r == 0 && cpu_percent)
        r = enter_cgroup(&taken->cgroup, cpu_percent, error);
    return r;
}

void lab_put_readings(struct lab_seat *taken, json_t *readings) {
    json_auto_t *counts = NULL;
    const char *name;
    json_t *count;

    if (!taken->relay.process.pid || relay_look(&taken->relay, &counts, NULL) < 0)
        return;
    json_object_foreach(counts, name, count) {
        CLEANUP_FREE char *metric = text_format("relay_%s", name);

        (void)json_object_set_new(readings, metric,
                                  json_pack("{s:O,s:s}", "value", count, "unit", "frames"));
    }
}

int lab_seat_fd(const struct lab_seat *taken) {
    return taken->relay.process.pid ? taken->relay.process.out_fd : -1;
}

void lab_leave_seat(struct lab_seat *taken) {
    relay_stop(&taken->relay);
    if (taken->cgroup)
        leave_cgroup(taken->cgroup);
    free(taken->cgroup);
    taken->cgroup = NULL;
}
