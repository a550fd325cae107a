/*
 * stream - bulk streams between two workers: what path, transport and transport-per-unit share.
 */
#ifndef BENCH_PROBES_STREAM_H
#define BENCH_PROBES_STREAM_H

#include "probes/probe.h"
#include "probes/wire_bytes.h"

enum stream_direction { STREAM_UP, STREAM_DOWN }; /* up: from client2 to the broker's host */
enum stream_write { STREAM_GATHERED, STREAM_PER_UNIT };

struct stream_settings {
    int64_t duration_ns, warmup_ns, direction, streams, write_size_bytes, write;
    int64_t send_buffer_bytes, receive_buffer_bytes;
};

#define STREAM_SETTING(name, type, fallback, lowest, highest, words, text, member)                 \
    {                                                                                              \
        name, type, fallback, .min = lowest, .max = highest, .choices = words, .help = text,       \
                              .offset = offsetof(struct stream_settings, member)                   \
    }

/* The rows that all of them have. */
#define STREAM_SETTINGS                                                                            \
    STREAM_SETTING("duration", SETTING_DURATION, "10s", "100ms", "1h", NULL,                       \
                   "measured time of a trial", duration_ns),                                       \
        STREAM_SETTING("warmup", SETTING_DURATION, "1s", "0s", "10min", NULL,                      \
                       "time before that, which does not count", warmup_ns),                       \
        STREAM_SETTING("direction", SETTING_CHOICE, "up", NULL, NULL, "up down",                   \
                       "up: client2 to the broker's host; down: the other way", direction),        \
        STREAM_SETTING("streams", SETTING_COUNT, "1", "1", "64", NULL,                             \
                       "connections side by side, a thread each", streams),                        \
        STREAM_SETTING("write_size", SETTING_BYTES, "64KiB", "1B", "4MiB", NULL,                   \
                       "the unit: bytes handed over at once", write_size_bytes),                   \
        STREAM_SETTING("send_buffer", SETTING_BYTES, "0B", "0B", "1GiB", NULL,                     \
                       "SO_SNDBUF; 0B: the kernel's own", send_buffer_bytes),                      \
        STREAM_SETTING("receive_buffer", SETTING_BYTES, "0B", "0B", "1GiB", NULL,                  \
                       "SO_RCVBUF; 0B: the kernel's own", receive_buffer_bytes)

/* The metrics that all of them have, behind the headline. */
#define STREAM_METRICS METRICS_OF_PROCESS, METRICS_OF_TCP, METRICS_OF_WIRE

/* What sets them apart. */
struct stream_kind {
    const struct setting_group *group;
    bool in_channel; /* under TLS if the client_config says so; else it never is */
    bool per_unit;   /* as with write = per-unit, which this group then does not have */
    /* Beside what another probe measures: its settings come from that probe's, an imposed loss is
     * none of its own, and what it moves is told as a metric, load_throughput. */
    bool beside;
    int (*take_settings)(const struct worker_context *worker, void **ret, struct error *error);
};

/* The lives of the two roles of such a probe. */
int stream_server(struct worker_context *worker, const struct stream_kind *kind,
                  struct error *error);
int stream_client(struct worker_context *worker, const struct stream_kind *kind,
                  struct error *error);

/* probe.planned_ns of a struct stream_settings. */
int64_t stream_planned_ns(const void *settings);

#endif
