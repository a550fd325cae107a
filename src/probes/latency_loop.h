/*
 * latency_loop - the two threads of the latency probe, in one process and so on one clock: one
 * publishes at a fixed rate, the other receives what comes back from the broker.
 *
 * Message number n is due at a time of an absolute schedule, and its latency counts from there: a
 * publisher that is late, for whatever reason, delays no clock (no coordinated omission).
 */
#ifndef BENCH_PROBES_LATENCY_LOOP_H
#define BENCH_PROBES_LATENCY_LOOP_H

#include "base/histogram.h"
#include "mqtt/client.h"
#include "probes/sequence.h"
#include "probes/worker_context.h"

enum latency_load { LATENCY_LOAD_NONE, LATENCY_LOAD_PATH };
enum latency_connection { LATENCY_PERSISTENT, LATENCY_PER_MESSAGE };

struct latency_settings {
    struct worker_window window;
    int64_t rate, payload_bytes, qos, load, connection;
};

struct latency {
    const struct latency_settings *settings; /* borrowed */
    struct client_config *as_publisher;      /* borrowed: with it the publisher connects again */
    struct mqtt_client *publisher, *subscriber;
    char *topic;
    unsigned char *payload;
    struct stream streams[2]; /* the publisher's, the subscriber's */
    int64_t first, beyond;    /* numbers of the messages that are due in the measured time */
    _Atomic bool stop;
    _Atomic int64_t start_ns;    /* when number 0 is due */
    _Atomic int64_t published;   /* how many, once the publisher is at its end; else -1 */
    struct histogram latency_ns; /* of the measured messages: due to received */
    struct histogram delay_ns;   /* ... due to handed over: how late the publisher itself was */
    int64_t late;                /* ... of these, by the time between two messages or more */
    struct sequence sequence;    /* of all messages */
    int64_t wrong;               /* messages that are none of this trial's */
};

/* An empty one, for a topic of its own; both are borrowed. It may be static only. */
void latency_open(struct latency *latency, const struct latency_settings *settings,
                  const char *topic);
/* Connects and subscribes; as_publisher is borrowed until the end. */
int latency_connect(struct latency *latency, const struct client_config *as_subscriber,
                    struct client_config *as_publisher, struct error *error);
void latency_close(struct latency *latency);

/* Both threads, for worker_measure(). */
void *latency_run(void *stream);

/* What this way of waiting and waking takes by itself: the median time from an instant that one
 * thread waits for to a byte of its in another thread, through a socket pair. Takes 0.1 s. */
int latency_floor(int64_t *ret_ns, struct error *error);

#endif
