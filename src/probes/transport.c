/* transport - through the channel's own transport: TCP, or TLS as the MQTT session has it. */
#include "probes/transport.h"

#include "probes/stream.h"

static const struct setting rows[] = {
    STREAM_SETTINGS,
    STREAM_SETTING("write", SETTING_CHOICE, "gathered", NULL, NULL, "gathered per-unit",
                   "gathered: TLS records leave in large sends; per-unit: a send for each record",
                   write),
};
static const struct setting_group group =
    SETTING_GROUP("probe.transport", SETTING_PROBE, rows, struct stream_settings);
static const struct stream_kind kind = {.group = &group, .in_channel = true};

static int run_server(struct worker_context *worker, struct error *error) {
    return stream_server(worker, &kind, error);
}

static int run_client(struct worker_context *worker, struct error *error) {
    return stream_client(worker, &kind, error);
}

static const struct metric metrics[] = {
    {"throughput", "Mbit/s", METRIC_HIGHER, true,
     "through the channel's own transport: TCP, or TLS with the certificates, version and cipher "
     "of the MQTT session, counted from arrival to arrival. One hop, no broker: what the protocol "
     "itself costs."},
    STREAM_METRICS,
};
static const struct role roles[] = {
    {.name = "transport-server",
     .party = PARTY_BROKER,
     .process = "receiver",
     .run = run_server,
     .direct = true},
    {.name = "transport-client",
     .party = PARTY_CLIENT2,
     .process = "sender",
     .run = run_client,
     .direct = true},
};

const struct probe probe_transport = {
    .group = &group,
    .help = "through the channel's own TCP or TLS: what the protocol itself costs",
    .metrics = metrics,
    .n_metrics = ARRAY_SIZE(metrics),
    .roles = roles,
    .n_roles = ARRAY_SIZE(roles),
    .rung = 2,
    .in_channel = true,
    .planned_ns = stream_planned_ns,
};
