#include "probes/hold.h"

#include "base/clock.h"
#include "probes/conductor.h"
#include "probes/fitted_slope.h"
#include "probes/fleet_clients.h"

#include <errno.h>
#include <math.h>

/* After connecting, until what a broker frees when a handshake is over is free. */
#define SETTLE_NS (200 * NS_PER_MS)
/* So few connect together in each process: what handshakes take while they last a broker keeps, and
 * the next connections would be put there. */
#define AT_ONCE 2
/* For so long, or as long as connections are held, the broker is looked at before any is. */
#define IDLE_NS (10 * NS_PER_S)

struct hold_settings {
    int64_t duration_ns;
};

static const struct setting rows[] = {
    {"duration", SETTING_DURATION, "10s", "100ms", "24h",
     .help = "how long all connections are held; what keeping them alive takes is measured where "
             "that is fleet.keepalive or longer",
     .offset = offsetof(struct hold_settings, duration_ns)},
};
static const struct setting_group group =
    SETTING_GROUP("probe.hold", SETTING_PROBE, rows, struct hold_settings);

/* ---- memory ---- */

/* The shares of the fleet that are up at the points of the slope. */
static const struct {
    double share;
    const char *memory, *connections; /* what it is called; NULL: it is not */
} points[] = {
    {1e-9, NULL, NULL}, /* one of each process */
    {0.25, "memory_quarter", "connections_quarter"},
    {0.5, "memory_half", "connections_half"},
    {1, "memory_all", "connections"},
};

struct held {
    double up[ARRAY_SIZE(points)], broker[ARRAY_SIZE(points)], clients[ARRAY_SIZE(points)];
    double group[ARRAY_SIZE(points)]; /* NaN: it says nothing of the broker */
    double made;     /* bytes that a client takes before it connects; NaN: it is not known */
    json_t *answers; /* of the clients, to the last word */
    double idle;     /* cores that the broker takes by itself; NaN: not measured */
};

static void clear(struct held *held) {
    json_decref(held->answers);
}

/* Asks the clients; their answers are those that count. */
static int ask_clients(struct conductor *conductor, struct held *held, struct error *error) {
    json_t *answers;
    int r = conductor_ask(conductor, CONDUCTOR_CLIENTS, "look", NULL, CONDUCTOR_SLACK_NS, &answers,
                          error);

    if (r < 0)
        return r;
    json_decref(held->answers);
    held->answers = answers;
    return 0;
}

static int make_clients(struct conductor *conductor, struct held *held, struct error *error) {
    json_auto_t *answers = NULL;
    int r = conductor_open(conductor, AT_ONCE, NULL, &answers, error);

    if (r == 0)
        held->made = conductor_sum(answers, "made_bytes") / conductor_sum(answers, "made");
    return r;
}

static int reach_point(struct conductor *conductor, struct held *held, size_t i,
                       struct error *error) {
    struct conductor_look look;
    int r = conductor_connect(conductor, points[i].share, NULL, error);

    if (r == 0)
        r = conductor->verbs->wait(conductor, clock_monotonic_ns() + SETTLE_NS, error);
    if (r == 0)
        r = ask_clients(conductor, held, error);
    if (r == 0)
        r = conductor->verbs->look(conductor, &look, error);
    if (r < 0)
        return r;
    held->up[i] = conductor_sum(held->answers, "up");
    held->broker[i] = look.memory_bytes;
    held->group[i] = look.group_bytes;
    held->clients[i] = conductor_sum(held->answers, "memory");
    if (points[i].memory)
        conductor->verbs->metric(conductor, points[i].memory, look.memory_bytes);
    if (points[i].connections)
        conductor->verbs->metric(conductor, points[i].connections, held->up[i]);
    return 0;
}

static int put_slopes(struct conductor *conductor, const struct held *held, struct error *error) {
    struct fitted_slope broker, all, clients;

    if (isnan(held->broker[0]))
        return error_set(
            error, -EOPNOTSUPP,
            "the memory of this broker cannot be seen: it is not a process of ours, or "
            "the kernel of its host has no smaps_rollup");
    if (!fitted_slope_make(held->up, held->broker, ARRAY_SIZE(points), &broker) ||
        !fitted_slope_make(held->up, held->clients, ARRAY_SIZE(points), &clients))
        return error_set(error, -EINVAL,
                         "too few connections came up for a slope: no more than the processes that "
                         "make them");
    conductor->verbs->metric(conductor, "memory_per_connection", broker.value);
    conductor->verbs->metric(conductor, "memory_per_connection_low", broker.low);
    conductor->verbs->metric(conductor, "memory_per_connection_high", broker.high);
    if (fitted_slope_make(held->up, held->group, ARRAY_SIZE(points), &all))
        conductor->verbs->metric(conductor, "group_memory_per_connection", all.value);
    conductor->verbs->metric(conductor, "client_memory_per_connection", held->made + clients.value);
    return 0;
}

/* ---- keeping alive ---- */

/* Whole intervals of keep-alive, in which each connection has the same number of pings; 0 where the
 * duration is too short for one. */
static int64_t keepalive_window_ns(const struct conductor *conductor, int64_t duration_ns) {
    int64_t keepalive_ns = fleet_keepalive_s(conductor->fleet) * NS_PER_S;

    return duration_ns / keepalive_ns * keepalive_ns;
}

/* Before anybody connects. */
static int look_at_idle(struct conductor *conductor, struct held *held, int64_t window_ns,
                        struct error *error) {
    struct conductor_look looks[2];
    int r = conductor->verbs->look(conductor, &looks[0], error);

    if (r < 0)
        return r;
    conductor->verbs->metric(conductor, "memory_0", looks[0].memory_bytes);
    if (!window_ns)
        return 0;
    r = conductor->verbs->wait(conductor,
                               looks[0].at_ns + (window_ns < IDLE_NS ? window_ns : IDLE_NS), error);
    if (r == 0)
        r = conductor->verbs->look(conductor, &looks[1], error);
    if (r == 0)
        held->idle =
            (looks[1].cpu_s - looks[0].cpu_s) * 1e9 / (double)(looks[1].at_ns - looks[0].at_ns);
    return r;
}

static void put_keepalive(struct conductor *conductor, const struct held *held,
                          const struct conductor_look looks[2], double before_bytes) {
    double window_s = (double)(looks[1].at_ns - looks[0].at_ns) / 1e9;
    double connection_hours = window_s / 3600 * conductor_sum(held->answers, "up");
    double cpu_s = looks[1].cpu_s - looks[0].cpu_s - held->idle * window_s;
    double bytes = conductor_sum(held->answers, "wire_bytes") - before_bytes;

    conductor->verbs->metric(conductor, "keepalive_cpu_per_hour", cpu_s / connection_hours);
    conductor->verbs->metric(conductor, "keepalive_bytes_per_hour", bytes / connection_hours);
}

/* Clients are asked right at both ends of the window: to ask all hosts how busy they are takes a
 * while. */
static int hold(struct conductor *conductor, struct held *held, int64_t duration_ns,
                struct error *error) {
    int64_t window_ns = keepalive_window_ns(conductor, duration_ns);
    double before = conductor_sum(held->answers, "wire_bytes");
    struct conductor_look looks[2];
    int r = conductor->verbs->look(conductor, &looks[0], error);

    if (r == 0)
        r = conductor->verbs->begin(conductor, error);
    if (r == 0)
        r = conductor->verbs->wait(conductor,
                                   looks[0].at_ns + (window_ns ? window_ns : duration_ns), error);
    if (r == 0)
        r = conductor->verbs->look(conductor, &looks[1], error);
    if (r == 0)
        r = ask_clients(conductor, held, error);
    if (r == 0)
        r = conductor->verbs->end(conductor, error);
    if (r < 0)
        return r;
    conductor->window_ns = looks[1].at_ns - looks[0].at_ns;
    if (window_ns)
        put_keepalive(conductor, held, looks, before);
    else
        conductor->verbs->remark(conductor, "no cost of keeping alive: probe.hold.duration is "
                                            "shorter than fleet.keepalive");
    return 0;
}

/* ---- the probe ---- */

static int conduct(struct conductor *conductor, const void *block, struct error *error) {
    const struct hold_settings *settings = block;
    CLEANUP(clear) struct held held = {.idle = NAN};
    int r = make_clients(conductor, &held, error);

    if (r == 0)
        r = look_at_idle(conductor, &held, keepalive_window_ns(conductor, settings->duration_ns),
                         error);
    for (size_t i = 0; i < ARRAY_SIZE(points) && r == 0; i++)
        r = reach_point(conductor, &held, i, error);
    if (r == 0)
        r = put_slopes(conductor, &held, error);
    if (r == 0)
        r = hold(conductor, &held, settings->duration_ns, error);
    if (r < 0)
        return r;
    conductor_put_counts(conductor, held.answers);
    conductor_remark_absent(conductor, held.answers);
    conductor->units = (int64_t)conductor_sum(held.answers, "up");
    return 0;
}

static int64_t planned_ns(const void *block) {
    int64_t duration_ns = ((const struct hold_settings *)block)->duration_ns;

    return duration_ns + (duration_ns < IDLE_NS ? duration_ns : IDLE_NS);
}

static const struct metric metrics[] = {
    {"memory_per_connection", "B", METRIC_LOWER, true,
     "memory of the broker for each idle connection: the slope of its anonymous memory from a "
     "connection a process to all, by least squares"},
    {"memory_per_connection_low", "B", METRIC_LOWER, false,
     "lower end of the 95 % CI of the slope within a trial"},
    {"memory_per_connection_high", "B", METRIC_LOWER, false, "its upper end"},
    {"group_memory_per_connection", "B", METRIC_LOWER, false,
     "the same of all that is in the broker's control group, the kernel's sockets and buffers "
     "included; none where that is the whole machine's, or holds the driver or members"},
    {"client_memory_per_connection", "B", METRIC_LOWER, false,
     "memory of the processes that hold the other ends for each: of a client that is made, and "
     "the slope of what connecting adds"},
    {"memory_0", "B", METRIC_LOWER, false, "the broker's anonymous memory before anybody connects"},
    {"memory_quarter", "B", METRIC_LOWER, false, "with a quarter of all connections"},
    {"memory_half", "B", METRIC_LOWER, false, "with half of them"},
    {"memory_all", "B", METRIC_LOWER, false, "with all of them"},
    {"connections_quarter", "connections", METRIC_NONE, false, "how many a quarter were"},
    {"connections_half", "connections", METRIC_NONE, false, "how many half of them were"},
    {"connections", "connections", METRIC_NONE, false, "how many all of them were"},
    {"keepalive_cpu_per_hour", "s", METRIC_LOWER, false,
     "CPU time of the broker for holding a connection for an hour, pings answered, less what it "
     "took for itself before anybody connected; below 0 where that is all and varies"},
    {"keepalive_bytes_per_hour", "B", METRIC_LOWER, false,
     "bytes of TCP and of its and IP's headers that this takes, both ways (estimate: " FLEET_HEADERS
     ")"},
    METRICS_OF_FLEET,
    METRICS_OF_PROCESS,
};
static const struct role roles[] = {FLEET_CLIENTS_ROLE("hold-clients")};

const struct probe probe_hold = {
    .group = &group,
    .help = "memory, CPU time and bytes of idle connections, for each",
    .metrics = metrics,
    .n_metrics = ARRAY_SIZE(metrics),
    .roles = roles,
    .n_roles = ARRAY_SIZE(roles),
    .fleet = true,
    .least_members = 2, /* of the one process that may be there: a slope takes two points */
    .in_channel = true,
    .planned_ns = planned_ns,
    .conduct = conduct,
};
