/*
 * delivery - published by client2 through the broker, counted at the subscriber, client1.
 *
 * A courier is either side of it, publisher or subscriber, with its client, its thread and its
 * books.
 *
 * What is on its way is bounded by credit: the subscriber tells the publisher, on a topic of its
 * own, how much has arrived, so that no queue grows without bound, in the broker least of all, and
 * what is sent is what is received. Each message carries its number, by which the subscriber knows
 * what was lost, came twice or out of order.
 *
 * A publisher that has waited for credit may have done so for a full queue, or because the path is
 * too long for the window: when all has left, it asks how long a message and its answer take by
 * themselves.
 *
 * On a channel with an imposed loss (probes/pauses.h) the publisher asks for credit with the last
 * message of a burst, and rests when it has been answered and all is acknowledged: nothing is on
 * its way then, in no queue.
 */
#ifndef BENCH_PROBES_DELIVERY_H
#define BENCH_PROBES_DELIVERY_H

#include "model/scenario.h"
#include "mqtt/client.h"
#include "probes/pauses.h"
#include "probes/probe.h"
#include "probes/sequence.h"

extern const struct probe probe_delivery;

/* How many bytes keep a path of 1 Gbit/s busy for twice its round trip, as a broker stores and
 * forwards: a power of two, 2 MiB to 64 MiB, so that it is the same from run to run. NaN, a round
 * trip that is not known: 2 MiB. */
int64_t delivery_window(double round_trip_ms);

/* Sets the window where the scenario leaves it open (0B); the bytes, or 0 when it does nowhere. */
int64_t delivery_choose_window(struct scenario *scenario, double round_trip_ms);

struct delivery_settings {
    struct worker_window window;
    int64_t payload_bytes, qos, window_bytes, library;
    char *topic;
};

struct courier {
    const struct delivery_settings *settings; /* borrowed */
    char *data_topic, *credit_topic;
    int64_t tag;                /* of its trial, above the numbers */
    struct mqtt_client *client; /* the thread's while that runs */
    struct stream stream;
    unsigned char *payload;
    int64_t window;   /* messages */
    int64_t moved;    /* messages published, or received, each once */
    int64_t credited; /* the last credit received, or given */
    bool shared;      /* others may publish on the topic */
    bool capped;      /* the window is not the setting: the broker queues no more */
    int64_t wrong; /* messages with the trial's tag that cannot be of it: another length, a negative
                      number */
    _Atomic bool stop;
    _Atomic int64_t expected; /* by the subscriber, once the publisher has told; else -1 */
    int64_t tcp_bytes;        /* both ways, when the kernel was last asked */
    int64_t silence_ns;       /* after which the subscriber takes for lost what it expects */
    struct sequence sequence; /* a subscriber's: which messages have arrived */
    /* A publisher's: how it publishes what may be on its way, and, with an imposed loss, whether
     * the last message of a burst has left, and whether it was answered. */
    int (*publish)(struct courier *courier);
    struct pauses pauses;
    bool asked, answered;
    const _Atomic bool *measuring; /* a publisher's: the window of measurement is open */
    int64_t starved_ns;            /* in it, with nothing to do until credit came */
    int64_t loop_ns;               /* a message and its answer alone on their way; 0: not known */
    int64_t burst;                 /* messages published before this burst */
};

/* With topics below `topic`; the courier connects as client, which is borrowed for the call. */
void courier_open(struct courier *courier, const char *topic,
                  const struct delivery_settings *settings);
int courier_connect(struct courier *courier, const struct client_config *client, bool sends,
                    struct error *error);
void courier_close(struct courier *courier);

#endif
