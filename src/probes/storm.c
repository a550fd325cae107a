#include "probes/storm.h"

#include "base/clock.h"
#include "base/histogram.h"
#include "probes/conductor.h"
#include "probes/fleet_clients.h"

#include <errno.h>
#include <math.h>

enum storm_kind { STORM_RESTART, STORM_CUT };

/* From the driver's word until all begin: all hosts have heard it by then. */
#define AHEAD_NS (300 * NS_PER_MS)
/* So long before that the broker is looked at. */
#define LOOK_NS (50 * NS_PER_MS)
/* A trial in which fewer are back has failed. */
#define BACK_SHARE 0.99

struct storm_settings {
    int64_t kind, limit_ns, retry_ns;
};

#define AT(member) .offset = offsetof(struct storm_settings, member)
static const struct setting rows[] = {
    {"kind", SETTING_CHOICE, "restart", .choices = "restart cut",
     .help =
         "why all reconnect: restart, the broker was killed and started again; cut, the link "
         "was cut and restored (where it is no link of a lab, the clients reset their connections)",
     AT(kind)},
    {"limit", SETTING_DURATION, "2min", "1s", "1h",
     .help = "how long members may take to be back; 99 % of them must be", AT(limit_ns)},
    {"retry", SETTING_DURATION, "1s", "10ms", "10min",
     .help = "who is refused or lost tries again after so long", AT(retry_ns)},
};
static const struct setting_group group =
    SETTING_GROUP("probe.storm", SETTING_PROBE, rows, struct storm_settings);

/* ---- what brings it about ---- */

static int drop(struct conductor *conductor, json_t **ret, struct error *error) {
    return conductor_ask(conductor, CONDUCTOR_CLIENTS, "drop", NULL, CONDUCTOR_SLACK_NS, ret,
                         error);
}

/* Their ends are gone with the broker's. */
static int restart(struct conductor *conductor, json_t **ret, struct error *error) {
    int r = conductor->verbs->restart_broker(conductor, error);

    return r < 0 ? r : drop(conductor, ret, error);
}

/* What resets the clients' ends comes nowhere while the link is down. Whatever fails meanwhile, the
 * link is joined again: the trials that follow need it. */
static int cut(struct conductor *conductor, json_t **ret, struct error *error) {
    bool done, joined;
    int r = conductor->verbs->cut_link(conductor, true, &done, error), rejoined;

    if (r == 0)
        r = drop(conductor, ret, error);
    rejoined =
        done ? conductor->verbs->cut_link(conductor, false, &joined, r < 0 ? NULL : error) : 0;
    if (!done)
        conductor->verbs->remark(conductor, "the link is none of a lab that could be cut: "
                                            "the clients reset their connections");
    return r < 0 ? r : rejoined;
}

/* ---- the storm ---- */

struct outcome {
    json_t *before, *after; /* answers of the clients */
    struct conductor_look looks[2];
    struct histogram *back;
};

static void clear(struct outcome *outcome) {
    json_decref(outcome->before);
    json_decref(outcome->after);
    free(outcome->back);
}

/* The window of CPU time opens just before all begin, and closes when they are back. While each
 * host is asked how busy it is, all may have begun: the broker is looked at before. */
static int storm(struct conductor *conductor, const struct storm_settings *settings,
                 struct outcome *outcome, struct error *error) {
    int64_t begin_ns = clock_monotonic_ns() + AHEAD_NS;
    int r = conductor->verbs->tell(conductor, CONDUCTOR_CLIENTS, "storm",
                                   json_pack("{s:I,s:I}", "at_ns", (json_int_t)begin_ns, "limit_ns",
                                             (json_int_t)settings->limit_ns),
                                   error);

    if (r == 0)
        r = conductor->verbs->wait(conductor, begin_ns - LOOK_NS, error);
    if (r == 0)
        r = conductor->verbs->look(conductor, &outcome->looks[0], error);
    if (r == 0)
        r = conductor->verbs->begin(conductor, error);
    if (r == 0)
        r = conductor->verbs->hear(conductor, CONDUCTOR_CLIENTS,
                                   settings->limit_ns + CONDUCTOR_SLACK_NS, &outcome->after, error);
    if (r == 0)
        r = conductor->verbs->look(conductor, &outcome->looks[1], error);
    return r < 0 ? r : conductor->verbs->end(conductor, error);
}

/* ---- the result ---- */

static double grown(const struct outcome *outcome, const char *name) {
    return conductor_sum(outcome->after, name) - conductor_sum(outcome->before, name);
}

/* When that share of all members was back; NaN when so many were not. */
static double time_of(const struct conductor *conductor, const struct outcome *outcome,
                      double share) {
    double part = share * (double)conductor->fleet->clients / (double)outcome->back->n;

    return part <= 1 ? histogram_percentile(outcome->back, part) / 1e9 : NAN;
}

static int put(struct conductor *conductor, const struct outcome *outcome, struct error *error) {
    double clients = (double)conductor->fleet->clients, back = (double)outcome->back->n;
    double accepted = grown(outcome, "accepted");
    CLEANUP_FREE char *why = conductor_reasons(outcome->after);

    if (back < BACK_SHARE * clients)
        return error_set(error, -ETIMEDOUT, "only %.0f of %.0f members are back%s%s", back, clients,
                         *why ? ": " : "", why);
    conductor->window_ns = outcome->looks[1].at_ns - outcome->looks[0].at_ns;
    conductor->units = outcome->back->n;
    conductor->verbs->metric(conductor, "time_50", time_of(conductor, outcome, 0.5));
    conductor->verbs->metric(conductor, "time_99", time_of(conductor, outcome, 0.99));
    conductor->verbs->metric(conductor, "time_100", time_of(conductor, outcome, 1));
    conductor->verbs->metric(conductor, "resumed", 100 * grown(outcome, "resumed") / accepted);
    conductor->verbs->metric(conductor, "connect_cpu",
                             (outcome->looks[1].cpu_s - outcome->looks[0].cpu_s) * 1e6 / accepted);
    conductor->verbs->metric(conductor, "connect_bytes", grown(outcome, "wire_bytes") / accepted);
    conductor->verbs->metric(conductor, "clients_up", conductor_sum(outcome->after, "up"));
    conductor->verbs->metric(conductor, "refused", grown(outcome, "refused"));
    conductor->verbs->metric(conductor, "lost", grown(outcome, "lost"));
    conductor->verbs->distribution(conductor, "back", "s", outcome->back, 1e9);
    return 0;
}

/* ---- the probe ---- */

static int conduct(struct conductor *conductor, const void *block, struct error *error) {
    const struct storm_settings *settings = block;
    CLEANUP(clear)
    struct outcome outcome = {.back = memory_new(1, sizeof(struct histogram))};
    /* All at once: they are neither held back nor paced. */
    json_t *facts = json_pack("{s:I,s:i}", "retry_ns", (json_int_t)settings->retry_ns, "paced", 0);
    json_auto_t *up = NULL;
    int r = conductor_open(conductor, conductor->fleet->clients, facts, NULL, error);

    if (r == 0)
        r = conductor_connect(conductor, 1, &up, error);
    if (r < 0)
        return r;
    conductor_remark_absent(conductor, up);
    r = (settings->kind == STORM_CUT ? cut : restart)(conductor, &outcome.before, error);
    if (r == 0)
        r = storm(conductor, settings, &outcome, error);
    if (r < 0)
        return r;
    conductor_add(outcome.after, "back", outcome.back);
    return put(conductor, &outcome, error);
}

static int64_t planned_ns(const void *block) {
    (void)block;
    return 5 * NS_PER_S;
}

static const struct metric metrics[] = {
    {"time_50", "s", METRIC_LOWER, false, "from when all begin until half of all members are back"},
    {"time_99", "s", METRIC_LOWER, true,
     "from when all members begin to reconnect, at one instant, until 99 % of them are back"},
    {"time_100", "s", METRIC_LOWER, false, "until all are; none where some are not"},
    {"resumed", "%", METRIC_NONE, false,
     "connections that resumed a TLS session of an earlier one: none can after a restart, as the "
     "broker's keys for tickets are new"},
    {"connect_cpu", "us", METRIC_LOWER, false, "CPU time of the broker for a connection"},
    {"connect_bytes", "B", METRIC_LOWER, false,
     "bytes of TCP and of its and IP's headers for a connection, both ways, attempts that failed "
     "included (estimate: " FLEET_HEADERS ")"},
    METRICS_OF_FLEET,
    METRICS_OF_PROCESS,
};
static const struct role roles[] = {FLEET_CLIENTS_ROLE("storm-clients")};

const struct probe probe_storm = {
    .group = &group,
    .help = "how long it takes all to be back when they reconnect at once",
    .metrics = metrics,
    .n_metrics = ARRAY_SIZE(metrics),
    .roles = roles,
    .n_roles = ARRAY_SIZE(roles),
    .fleet = true,
    .in_channel = true,
    .planned_ns = planned_ns,
    .conduct = conduct,
};
