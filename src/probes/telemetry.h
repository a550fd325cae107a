/*
 * telemetry - the paper's traffic: a small message at a fixed interval for as long as the channel
 * is up, from client2 through the broker to client1. Not a probe: it runs beside all of them.
 *
 * Messages are due on an absolute schedule, and latency counts from when a message was due. The
 * publisher says `published` (sequence, due_ns, due_utc_ns), the subscriber `arrived` (sequence,
 * at_ns, bytes); the times are of each host's monotonic clock.
 */
#ifndef BENCH_PROBES_TELEMETRY_H
#define BENCH_PROBES_TELEMETRY_H

#include "probes/probe.h"

struct telemetry_settings {
    int64_t payload_bytes, interval_ns, connection, qos, library;
    char *topic;
};
extern const struct setting_group telemetry_group;

extern const struct role role_telemetry_publisher, role_telemetry_subscriber;

#endif
