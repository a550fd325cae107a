/* transport-per-unit - the transport probe, each unit written for itself as an MQTT library does: a
 * probe of its own, so that both rungs of the ladder are measured in one run. */
#include "probes/per_unit.h"

#include "probes/stream.h"

static const struct setting rows[] = {STREAM_SETTINGS};
static const struct setting_group group =
    SETTING_GROUP("probe.transport-per-unit", SETTING_PROBE, rows, struct stream_settings);
static const struct stream_kind kind = {.group = &group, .in_channel = true, .per_unit = true};

static int run_server(struct worker_context *worker, struct error *error) {
    return stream_server(worker, &kind, error);
}

static int run_client(struct worker_context *worker, struct error *error) {
    return stream_client(worker, &kind, error);
}

static const struct metric metrics[] = {
    {"throughput", "Mbit/s", METRIC_HIGHER, true,
     "as transport, but each unit is written for itself, as an MQTT library writes a message: "
     "under TLS a send for every record of at most 16 KiB, none gathered. From arrival to arrival. "
     "One hop, no broker: what "
     "this way of writing costs on top of the protocol."},
    STREAM_METRICS,
};
static const struct role roles[] = {
    {.name = "transport-per-unit-server",
     .party = PARTY_BROKER,
     .process = "receiver",
     .run = run_server,
     .direct = true},
    {.name = "transport-per-unit-client",
     .party = PARTY_CLIENT2,
     .process = "sender",
     .run = run_client,
     .direct = true},
};

const struct probe probe_transport_per_unit = {
    .group = &group,
    .help = "through the same, each unit written for itself as MQTT libraries do",
    .metrics = metrics,
    .n_metrics = ARRAY_SIZE(metrics),
    .roles = roles,
    .n_roles = ARRAY_SIZE(roles),
    .rung = 3,
    .in_channel = true,
    .planned_ns = stream_planned_ns,
};
