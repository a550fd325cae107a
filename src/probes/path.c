/* path - raw TCP beside the live channel: what the paper measured. */
#include "probes/path.h"

#include "probes/stream.h"

static const struct setting rows[] = {STREAM_SETTINGS};
static const struct setting_group group =
    SETTING_GROUP("probe.path", SETTING_PROBE, rows, struct stream_settings);
static const struct stream_kind kind = {.group = &group};

static int run_server(struct worker_context *worker, struct error *error) {
    return stream_server(worker, &kind, error);
}

static int run_client(struct worker_context *worker, struct error *error) {
    return stream_client(worker, &kind, error);
}

static const struct metric metrics[] = {
    {"throughput", "Mbit/s", METRIC_HIGHER, true,
     "raw TCP beside the live channel, as the paper measured: what the link gives, counted from "
     "arrival to arrival. It enters no channel, so no difference here is a price of its security."},
    STREAM_METRICS,
};
static const struct role roles[] = {
    {.name = "path-server",
     .party = PARTY_BROKER,
     .process = "receiver",
     .run = run_server,
     .direct = true},
    {.name = "path-client",
     .party = PARTY_CLIENT2,
     .process = "sender",
     .run = run_client,
     .direct = true},
};

const struct probe probe_path = {
    .group = &group,
    .help = "raw TCP beside the live channel: what the link gives",
    .metrics = metrics,
    .n_metrics = ARRAY_SIZE(metrics),
    .roles = roles,
    .n_roles = ARRAY_SIZE(roles),
    .rung = 1,
    .planned_ns = stream_planned_ns,
};
