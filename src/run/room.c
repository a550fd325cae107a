#include "run/room.h"

#include "base/jsonline.h"
#include "broker/broker.h"
#include "model/fleet.h"

#include <errno.h>

/* Of a process, for all but connections of members and subscribers. */
#define OTHER_DESCRIPTORS 64
/* Of the broker and of each address, for telemetry, proofs, the wiretap. */
#define OTHER_CONNECTIONS 256
/* Agent, telemetry, proofs. */
#define OTHER_PROCESSES 32

/* What a connection takes of memory at either end, without and with TLS. Measured with hold on
 * x86-64, OpenSSL 3.0, each member with a P-256 certificate of its own: 1.2 KiB at most in clear;
 * in mutual TLS 25 KiB at the broker and 33 KiB at the client, whose process had 59 KiB for each of
 * 10,000 while all reconnected at once (storm). Half more than is held, or a tenth more than that
 * peak, and 4 KiB for the kernel's own of a socket. */
static const struct {
    int64_t client_bytes, broker_bytes;
} takes[] = {{6 << 10, 6 << 10}, {70 << 10, 42 << 10}};

size_t room_processes(int64_t cores, int64_t members) {
    int64_t n = cores < WORKERS_OF_HOST_MAX ? cores : WORKERS_OF_HOST_MAX, most = members / 2;

    n = n < most ? n : most;
    return n < 1 ? 1 : (size_t)n;
}

/* ---- what each thing has room for ---- */

struct fitting {
    const struct room_fleet *fleet;
    const struct room_share *shares;
    size_t n;
    int64_t n_publishers;
};

/* The members that fit, in all, by one thing of one host: INT64_MAX when it has no limit. *ret, why
 * there are no more and what helps, is the caller's. */
typedef int64_t fits(const struct fitting *fitting, const struct room_share *share, char **ret);

static int64_t amount(const struct room_share *share, const char *name) {
    return jsonline_integer(share->room, name, INT64_MAX);
}

/* Hosts have equal parts of the fleet. */
static int64_t in_all(const struct fitting *fitting, int64_t on_host) {
    on_host = on_host < 0 ? 0 : on_host;
    return on_host > INT64_MAX / fitting->n_publishers ? INT64_MAX
                                                       : on_host * fitting->n_publishers;
}

static bool on_one_machine(const struct room_share *one, const struct room_share *other) {
    return text_equal(one->machine, other->machine);
}

/* A network belongs to a machine. */
static bool in_one_network(const struct room_share *one, const struct room_share *other) {
    return on_one_machine(one, other) && text_equal(jsonline_text(one->room, "network", NULL),
                                                    jsonline_text(other->room, "network", NULL));
}

/* What is together with a share, itself included. */
struct together {
    int64_t publishers, brokers; /* hosts of these */
    int64_t subscribers;
};

static struct together count_together(const struct fitting *fitting, const struct room_share *share,
                                      bool are_together(const struct room_share *one,
                                                        const struct room_share *other)) {
    struct together ret = {0, 0, 0};

    for (size_t i = 0; i < fitting->n; i++) {
        const struct room_share *other = &fitting->shares[i];

        if (!are_together(share, other))
            continue;
        ret.publishers += other->publisher;
        ret.brokers += other->broker;
        ret.subscribers += other->subscriber ? fitting->fleet->subscribers : 0;
    }
    return ret;
}

static int64_t fit_descriptors(const struct fitting *fitting, const struct room_share *share,
                               char **ret) {
    int64_t n = amount(share, "descriptors"), cores = jsonline_integer(share->room, "cores", 1);
    size_t processes;

    if (!share->publisher || n == INT64_MAX)
        return INT64_MAX;
    processes = room_processes(cores / count_together(fitting, share, on_one_machine).publishers,
                               INT64_MAX);
    *ret =
        text_format("%zu process%s may have %lld descriptors each, and a member takes one; raise "
                    "the hard limit there (`ulimit -Hn`, LimitNOFILE= of systemd), add "
                    "publishers' hosts (--publisher-host)",
                    processes, processes == 1 ? "" : "es", (long long)n);
    return in_all(fitting, (int64_t)processes * (n - OTHER_DESCRIPTORS));
}

/* Members of a host take turns with its addresses; all others have the first. */
static int64_t fit_ports(const struct fitting *fitting, const struct room_share *share,
                         char **ret) {
    int64_t n = amount(share, "ports"), left = n - jsonline_integer(share->room, "ports_taken", 0);
    struct together together = count_together(fitting, share, in_one_network);
    int64_t others = OTHER_CONNECTIONS + together.subscribers;
    CLEANUP_FREE char *shared = NULL;

    if (!(share->publisher || share->subscriber) || n == INT64_MAX)
        return INT64_MAX;
    shared = together.publishers > 1
                 ? text_format("which %lld hosts share, ", (long long)together.publishers)
                 : text_copy("");
    *ret =
        text_format("%lld ports are left at each of its %lld address%s, %s%lld of them for "
                    "other connections than members'; widen net.ipv4.ip_local_port_range there "
                    "(sysctl), %sadd publishers' hosts%s (--publisher-host)",
                    (long long)left, (long long)share->addresses, share->addresses == 1 ? "" : "es",
                    shared, (long long)others,
                    fitting->fleet->lab ? "give it more addresses (--set lab.addresses=N), " : "",
                    together.publishers > 1 ? " on other machines" : "");
    if (!together.publishers)
        return left < others ? 0 : INT64_MAX;
    return in_all(fitting, (left - others) * share->addresses / together.publishers);
}

static int64_t fit_processes(const struct fitting *fitting, const struct room_share *share,
                             char **ret) {
    int64_t n = amount(share, "processes");

    (void)fitting;
    *ret = text_format("%lld processes may still be started, and a run takes some %d; end others "
                       "there, or raise the limit (`ulimit -Hu`, pids.max of its control group)",
                       (long long)n, OTHER_PROCESSES);
    return n < OTHER_PROCESSES ? 0 : INT64_MAX;
}

/* Several hosts may be one machine. */
static int64_t fit_memory(const struct fitting *fitting, const struct room_share *share,
                          char **ret) {
    int64_t bytes = amount(share, "memory_bytes"), each;
    struct together together = count_together(fitting, share, on_one_machine);

    each = takes[fitting->fleet->tls].client_bytes * together.publishers / fitting->n_publishers +
           takes[fitting->fleet->tls].broker_bytes * together.brokers;
    if (bytes == INT64_MAX || !each)
        return INT64_MAX;
    *ret = text_format("%.1f GiB of memory are left, and each member of the fleet takes about "
                       "%lld KiB there%s; end other programs, or have %s on another host",
                       (double)bytes / (1 << 30), (long long)each / 1024,
                       together.publishers && together.brokers ? ", its end at the broker included"
                                                               : "",
                       together.brokers ? "the broker" : "members");
    return bytes / each;
}

static int64_t fit_broker(const struct fitting *fitting, const struct room_share *share,
                          char **ret) {
    int64_t n = amount(share, "descriptors");

    if (!share->broker || n == INT64_MAX)
        return INT64_MAX;
    *ret = text_format("the broker may have %lld descriptors, and each connection takes one; raise "
                       "the hard limit there (`ulimit -Hn`, LimitNOFILE= of systemd)",
                       (long long)n);
    n -= OTHER_DESCRIPTORS + OTHER_CONNECTIONS + fitting->fleet->subscribers;
    return n < 0 ? 0 : n;
}

static int64_t fit_subscribers(const struct fitting *fitting, const struct room_share *share,
                               char **ret) {
    int64_t n = amount(share, "descriptors"), subscribers = fitting->fleet->subscribers;

    if (!share->subscriber || n == INT64_MAX)
        return INT64_MAX;
    *ret = text_format("a process may have %lld descriptors, and each of %lld subscribers takes "
                       "one; raise the hard limit there (`ulimit -Hn`, LimitNOFILE= of systemd), "
                       "or have fewer (--set probe.fleet.subscribers=N)",
                       (long long)n, (long long)subscribers);
    return n - OTHER_DESCRIPTORS < subscribers ? 0 : INT64_MAX;
}

static fits *const things[] = {fit_descriptors, fit_ports,  fit_memory,
                               fit_processes,   fit_broker, fit_subscribers};

/* ---- all of it ---- */

int room_check(const struct room_fleet *fleet, const struct room_share *shares, size_t n,
               struct error *error) {
    struct fitting fitting = {.fleet = fleet, .shares = shares, .n = n};
    CLEANUP_FREE char *least_why = NULL;
    const char *least_spec = NULL;
    int64_t least = INT64_MAX;

    for (size_t i = 0; i < n; i++)
        fitting.n_publishers += shares[i].publisher;
    if (fleet->clients < fitting.n_publishers)
        return error_set(error, -EINVAL,
                         "fleet.clients: %lld members cannot be on %lld publishers' hosts; right "
                         "would be at least one on each",
                         (long long)fleet->clients, (long long)fitting.n_publishers);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < ARRAY_SIZE(things); j++) {
            CLEANUP_FREE char *why = NULL;
            int64_t fitting_members = things[j](&fitting, &shares[i], &why);

            if (fitting_members >= least)
                continue;
            least = fitting_members;
            least_spec = shares[i].spec;
            text_replace(&least_why, why);
        }
    }
    if (fleet->clients <= least)
        return 0;
    return error_set(error, -ENOSPC,
                     "fleet.clients: there is room for %lld members, not for %lld. Host %s: %s%s",
                     (long long)least, (long long)fleet->clients, least_spec, least_why,
                     least ? ", or choose fewer members (--set fleet.clients=N)" : "");
}

/* ---- the hosts of a run ---- */

static bool has_own_broker(const struct scenario *scenario) {
    for (size_t i = 0; i < scenario->n_channels; i++)
        if (!broker_kind_of(&scenario->channels[i])->group)
            return true;
    return false;
}

static bool has_tls(const struct scenario *scenario) {
    for (size_t i = 0; i < scenario->n_channels; i++)
        if (channel_uses(&scenario->channels[i], "tls"))
            return true;
    return false;
}

/* Of the measurement that has most of them. */
static int64_t count_subscribers(const struct scenario *scenario) {
    int64_t most = 0;

    for (size_t i = 0; i < scenario->n_measurements; i++) {
        const struct measurement *measurement = &scenario->measurements[i];
        const struct probe *probe = probe_find(measurement->probe);
        int64_t n = probe->subscribers ? probe->subscribers(measurement->settings) : 0;

        most = n > most ? n : most;
    }
    return most;
}

/* The shares' rooms are one reference each of `rooms`. */
static int ask_rooms(const struct site *site, struct room_share *shares, json_t *rooms,
                     struct error *error) {
    const struct lab_settings *lab = settings_get(&site->scenario->settings, &lab_group);
    bool own_broker = has_own_broker(site->scenario);
    size_t first, n = workers_publishers(site->workers, &first);

    for (size_t i = 0; i < site->workers->n_hosts; i++) {
        struct host *host = site->workers->hosts[i];
        json_t *room = NULL;
        int r = host_order(host, "room", NULL, &room, error);

        if (r < 0)
            return r == -EINTR || r == -EPIPE ? r
                                              : error_prefix(error, r, "host %s", host_spec(host));
        (void)json_array_append_new(rooms, room);
        shares[i] = (struct room_share){.spec = host_spec(host),
                                        .machine = host_machine(host),
                                        .broker = i == 0 && own_broker,
                                        .publisher = i >= first && i < first + n,
                                        .subscriber = i == 0,
                                        .addresses = lab_is(host_spec(host)) ? lab->addresses : 1,
                                        .room = room};
    }
    return 0;
}

int room_check_site(const struct site *site, struct error *error) {
    const struct scenario *scenario = site->scenario;
    const struct fleet_plan *plan = settings_get(&scenario->settings, &fleet_group);
    struct room_share shares[WORKERS_HOSTS_MAX];
    json_auto_t *rooms = json_array();
    int r;

    if (!scenario_has_fleet(scenario))
        return 0;
    r = ask_rooms(site, shares, rooms, error);
    if (r < 0)
        return r;
    return room_check(&(struct room_fleet){.clients = plan->clients,
                                           .subscribers = count_subscribers(scenario),
                                           .tls = has_tls(scenario),
                                           .lab = lab_is(shares[0].spec)},
                      shares, site->workers->n_hosts, error);
}
