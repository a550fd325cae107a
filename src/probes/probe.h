/*
 * probe - one way of measuring a channel. One file a probe, one row in probe.c.
 *
 * A probe is its settings, its metrics, and its roles: what runs on which party's host, as freshly
 * executed workers. Roles are started in order, and what one says in its `ready` is in the
 * parameters of the next. Telemetry and proofs are roles too, of no probe.
 *
 * Parameters of every role (JSON): "settings" (the probe's block), "client" (the client_config of
 * its party, filled in by its host), "peers" (the `ready` of the roles before it, by name), "topic"
 * (below the probe's setting of that name, if it has one; carries the trial's id, so that nothing
 * late of one trial counts in the next), "pin" (what TLS the MQTT session negotiated: version,
 * cipher, group), "fleet" (the scenario's settings of that name, where it has one), "inflight" (the
 * broker's limit of messages on their way, which a client that sends more of QoS 2 is thrown out
 * for).
 *
 * In its `ready` a role says "sends": true when data flows from it. The driver stops senders first
 * and hands what they have told ("sent") to the receivers, whose result is the trial's: "bytes",
 * "elapsed_ns", "steps", and perhaps a "remark". A role that is neither says in its `ready` what
 * "process" its metrics are of: "client".
 */
#ifndef BENCH_PROBES_PROBE_H
#define BENCH_PROBES_PROBE_H

#include "model/metric.h"
#include "model/scenario.h"
#include "model/setting.h"
#include "probes/worker_context.h"
#include "security/mechanism.h"

struct conductor;  /* conductor.h */
struct fleet_plan; /* model/fleet.h */

struct role {
    const char *name; /* "path-server": what `bench worker` is told to be */
    enum party party; /* on whose host, and under whose client_config */
    /* Of what process its metrics are in metrics.csv: "sender", "receiver", or "client", which is
     * both; NULL: it is not what the probe measures. */
    const char *process;
    /* The group of worker->settings; NULL: it has none. */
    const struct setting_group *settings;
    /* The whole life of a worker. A failure's message is told to the driver by the caller. */
    int (*run)(struct worker_context *worker, struct error *error);
    const void *context; /* what sets it apart from other roles with this run; see worker->role */
    bool direct;         /* speaks with another role of its probe, not with the broker */
    bool many_files;     /* has many connections: its worker gets all the descriptors it may have */
    bool fleet;  /* has members: a process a core on every publisher's host (probe.conduct) */
    bool beside; /* of a probe in the channel: this one moves bytes beside it, under no TLS */
    /* Whether the probe's settings ask for it; NULL: it always runs. */
    bool (*applies)(const void *settings);
};

struct probe {
    const struct setting_group *group; /* named "probe.NAME" */
    const char *help;
    const struct metric *metrics; /* the usual headline first */
    size_t n_metrics;
    const struct role *roles;
    size_t n_roles;
    /* The metric that the probe is about with such settings, where that is another than the
     * headline of its table, else NULL; NULL: it never is. */
    const char *(*headline)(const void *settings);
    int rung;          /* its height on the ladder, from 1; 0: it is not on it */
    bool fleet;        /* has members connect, as many as [fleet] says */
    int least_members; /* that it takes on each publisher's host; 0: as many as there are */
    /* Connections of one process beside members' own; NULL: a few at most. */
    int64_t (*subscribers)(const void *settings);
    /* Of a probe with a fleet: whether its settings are possible together, and with so many
     * members; NULL: they are. -EINVAL, with what would be right. */
    int (*check)(const void *settings, const struct fleet_plan *fleet, struct error *error);
    /* Directs its workers itself, by words that they answer (conductor.h), in place of the usual
     * phases; NULL: it does not. Telemetry rests meanwhile. */
    int (*conduct)(struct conductor *conductor, const void *settings, struct error *error);
    bool in_channel; /* passes through the channel: its TLS must be that of the MQTT sessions */
    /* How long one trial measures, warm-up included. */
    int64_t (*planned_ns)(const void *settings);
};

extern const struct probe probe_latency; /* the others have headers of their own */

extern const struct probe *const probes[];
extern const size_t n_probes;

/* "path" of a group "probe.path". */
const char *probe_name(const struct probe *probe);
const struct probe *probe_find(const char *name);
/* What the probe is about in this scenario: all its measurements there must agree on another metric
 * than the usual one. */
const struct metric *probe_headline(const struct probe *probe, const struct scenario *scenario);
/* Whether one of the scenario's probes has a fleet, and so its brokers know members. */
bool scenario_has_fleet(const struct scenario *scenario);

/* All metrics of the probe that has these settings. */
const struct metric *probe_metrics(const struct setting_group *group, size_t *ret_n);
/* A metric of the probe's table, or NULL. */
const struct metric *probe_metric(const struct probe *probe, const char *name);
/* The role whose process is the "sender" of what the probe measures, or the "receiver"; a "client"
 * is both. NULL: none. */
const struct role *probe_role(const struct probe *probe, const char *process);

/* Any role by its name, those of telemetry and proofs included; NULL when there is none. */
const struct role *role_find(const char *name);

/* Reads worker->settings and worker->client out of the parameters and runs the role. Both are freed
 * when it has ended; but after a failure its threads may use the settings until the process ends,
 * so that these stay. */
int role_run(struct worker_context *worker, struct error *error);

/* The client_config of the parameters; the caller's. */
int role_client(const struct worker_context *worker, struct client_config **ret,
                struct error *error);
/* The same for a role that also receives what its own party publishes (mechanism_make_reader). */
int role_reader(const struct worker_context *worker, struct client_config **ret,
                struct error *error);
/* The tag of this trial's messages, where it has its place in a number (probes/sequence.h). */
int64_t role_tag(const struct worker_context *worker);
/* The channel as it was brought up, for a role that deals with its mechanisms. The channel is the
 * caller's (channel_clear()), the rest the worker context's. */
int role_bringup(const struct worker_context *worker, struct channel *ret_channel,
                 struct bringup *ret, struct error *error);

/* probe.planned_ns of settings that begin with a struct worker_window. */
int64_t probe_window_ns(const void *settings);

/* Rows of a table, to be put into those of probes. */
/* clang-format off */
/* What is measured of every worker, and of the broker, for the metrics of a probe. */
#define METRICS_OF_PROCESS                                                                         \
    {"cpu_s", "s", METRIC_LOWER, false,                                                            \
     "CPU time of a process in the measured time; on one machine receiving counts for the sender"},\
    {"cpu_share", "%", METRIC_NONE, false, "CPU time of a process, as a share of one core"},       \
    {"busy_share", "%", METRIC_NONE, false, "of all cores of a host, by whoever it was"},          \
    {"cores", "cores", METRIC_NONE, false, "processors of a host"},                                \
    {"quota", "cores", METRIC_NONE, false, "what a host's control groups let the measurement use"},\
    {"throttled_share", "%", METRIC_NONE, false, "periods in which that was used up"},             \
    {"throttled_s", "s", METRIC_NONE, false, "time for which it was then stopped"},                \
    {"peak_memory", "B", METRIC_LOWER, false, "largest resident memory of a process"},             \
    {"energy", "J", METRIC_LOWER, false, "of whatever hosts.meter measures, in the measured time"},\
    {"power", "W", METRIC_LOWER, false, "the mean of it"},                                         \
    {"energy_per_unit", "J", METRIC_LOWER, false,                                                  \
     "energy a message, block of bulk data or connection"}
/* clang-format on */

#endif
