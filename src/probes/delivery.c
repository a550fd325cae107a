/* delivery - published by client2 through the broker, counted at the subscriber, client1.
 *
 * What is on its way is bounded by credit: the subscriber tells the publisher, on a topic of its
 * own, how much has arrived, so that no queue grows without bound, in the broker least of all, and
 * what is sent is what is received. */
#include "probes/delivery.h"

#include "base/clock.h"
#include "mqtt/client.h"
#include "transport/transport.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

struct delivery_settings {
    int64_t duration_ns, warmup_ns, payload_bytes, qos, window_bytes;
};

static const struct setting rows[] = {
    {"duration", SETTING_DURATION, "10s", "100ms", "1h", .help = "measured time of a trial",
     .offset = offsetof(struct delivery_settings, duration_ns)},
    {"warmup", SETTING_DURATION, "1s", "0s", "10min",
     .help = "time before that, which does not count",
     .offset = offsetof(struct delivery_settings, warmup_ns)},
    {"payload", SETTING_BYTES, "64KiB", "8B", "4MiB", .help = "payload of a message",
     .offset = offsetof(struct delivery_settings, payload_bytes)},
    {"qos", SETTING_CHOICE, "0", .choices = "0 1 2", .help = "quality of service, both hops",
     .offset = offsetof(struct delivery_settings, qos)},
    {"window", SETTING_BYTES, "2MiB", "1B", "1GiB",
     .help = "payload on its way at once; at least 16 and at most 8192 messages",
     .offset = offsetof(struct delivery_settings, window_bytes)},
};
static const struct setting_group group =
    SETTING_GROUP("probe.delivery", SETTING_PROBE, rows, struct delivery_settings);

#define MIN_WINDOW         16
#define MAX_WINDOW         8192
#define CREDITS_PER_WINDOW 8
#define TURN_MS            100
/* Silence of this length after the last message means that the rest is lost. */
#define SILENCE_NS (2 * NS_PER_S)
#define STALL_NS   (10 * NS_PER_S)

/* Either side's client, thread and books. */
struct courier {
    const struct delivery_settings *settings;
    char *data_topic, *credit_topic;
    struct mqtt_client *client;
    struct stream stream;
    unsigned char *payload;
    int64_t window;   /* messages */
    int64_t moved;    /* messages published, or received */
    int64_t credited; /* the last credit received, or given */
    int64_t wrong;    /* messages that cannot be of this trial: another length, a negative number */
    _Atomic bool stop;
    _Atomic int64_t expected; /* by the subscriber, once the publisher has told; else -1 */
};

static int64_t window_of(const struct delivery_settings *settings) {
    int64_t window = settings->window_bytes / settings->payload_bytes;

    return window < MIN_WINDOW ? MIN_WINDOW : window > MAX_WINDOW ? MAX_WINDOW : window;
}

static void count(struct courier *courier) {
    atomic_store_explicit(&courier->stream.counter.units, courier->moved, memory_order_relaxed);
    atomic_store_explicit(&courier->stream.counter.bytes,
                          courier->moved * courier->settings->payload_bytes, memory_order_relaxed);
}

static void *end(struct courier *courier, int code) {
    courier->stream.code = code;
    atomic_store(&courier->stream.ended, true);
    return NULL;
}

/* ---- publisher ---- */

static void take_credit(void *context, const char *topic, const void *payload, size_t length) {
    struct courier *courier = context;

    (void)topic;
    if (length == sizeof(courier->credited))
        memcpy(&courier->credited, payload, length);
}

/* Publishes until something waits to be sent, the window is full, or it is time to look around. */
static int publish_some(struct courier *courier) {
    const struct delivery_settings *settings = courier->settings;
    int64_t limit = courier->credited + courier->window, batch = courier->window / 16 + 1;

    for (int64_t i = 0; i < batch && courier->moved < limit; i++) {
        int r;

        memcpy(courier->payload, &courier->moved, sizeof(courier->moved));
        r = mqtt_client_publish(courier->client, courier->data_topic, courier->payload,
                                (size_t)settings->payload_bytes, (int)settings->qos,
                                &courier->stream.error);
        if (r < 0)
            return r;
        courier->moved++;
        if (mqtt_client_wants_write(courier->client))
            break;
    }
    count(courier);
    return 0;
}

/* Until told to stop; then until all has left that was published. */
static void *publish_loop(void *argument) {
    struct courier *courier = ((struct stream *)argument)->context;
    int64_t stalled_since = 0, credited = 0;
    int r = 0;

    while (r == 0) {
        bool stop = atomic_load_explicit(&courier->stop, memory_order_relaxed), full;

        if (stop && mqtt_client_completed(courier->client) >= courier->moved &&
            !mqtt_client_wants_write(courier->client))
            break;
        if (!stop)
            r = publish_some(courier);
        full = stop || courier->moved >= courier->credited + courier->window ||
               mqtt_client_wants_write(courier->client);
        if (r == 0)
            r = mqtt_client_turn(courier->client, full ? TURN_MS : 0, &courier->stream.error);
        if (!full || courier->credited != credited) {
            credited = courier->credited;
            stalled_since = 0;
        } else if (!stalled_since) {
            stalled_since = clock_monotonic_ns();
        } else if (clock_monotonic_ns() - stalled_since > STALL_NS && r == 0) {
            r = error_set(&courier->stream.error, -ETIMEDOUT,
                          "nothing more has arrived at the subscriber for %d s",
                          (int)(STALL_NS / NS_PER_S));
        }
    }
    return end(courier, r);
}

/* ---- subscriber ---- */

static void take_message(void *context, const char *topic, const void *payload, size_t length) {
    struct courier *courier = context;
    int64_t sequence;

    (void)topic;
    if (length != (size_t)courier->settings->payload_bytes) {
        courier->wrong++;
        return;
    }
    memcpy(&sequence, payload, sizeof(sequence));
    if (sequence < 0)
        courier->wrong++;
    courier->moved++;
    count(courier);
    if (courier->moved - courier->credited >= courier->window / CREDITS_PER_WINDOW) {
        courier->credited = courier->moved;
        courier->stream.code =
            mqtt_client_publish(courier->client, courier->credit_topic, &courier->credited,
                                sizeof(courier->credited), 0, &courier->stream.error);
    }
}

/* Until all that the publisher has told of is here, or nothing more comes. */
static void *receive_loop(void *argument) {
    struct courier *courier = ((struct stream *)argument)->context;
    int64_t last_moved = -1, last_change = 0;
    int r = 0;

    while (r == 0) {
        int64_t expected = atomic_load_explicit(&courier->expected, memory_order_relaxed);

        if (expected >= 0) {
            int64_t now = clock_monotonic_ns();

            if (courier->moved != last_moved) {
                last_moved = courier->moved;
                last_change = now;
            }
            if (courier->moved >= expected || now - last_change > SILENCE_NS)
                break;
        }
        r = mqtt_client_turn(courier->client, TURN_MS, &courier->stream.error);
        if (r == 0)
            r = courier->stream.code;
    }
    return end(courier, r);
}

/* ---- both ---- */

static void courier_open(struct courier *courier, const struct stage *stage,
                         const struct delivery_settings *settings) {
    const char *topic = jsonline_text(stage->params, "topic", "bench");

    *courier =
        (struct courier){.settings = settings, .window = window_of(settings), .expected = -1};
    courier->data_topic = text_format("%s/data", topic);
    courier->credit_topic = text_format("%s/credit", topic);
    courier->payload = memory_new((size_t)settings->payload_bytes, 1);
    (void)!getrandom(courier->payload, (size_t)settings->payload_bytes, 0);
    courier->stream.context = courier;
    courier->stream.stop = &courier->stop;
}

static void courier_close(struct courier *courier) {
    if (courier->client)
        mqtt_client_free(courier->client);
    free(courier->data_topic);
    free(courier->credit_topic);
    free(courier->payload);
}

static int begin(struct stage *stage, struct courier *courier, bool sends, struct error *error) {
    CLEANUP(client_config_freep) struct client_config *client = NULL;
    int r = role_client(stage, &client, error);

    if (r < 0)
        return r;
    free(client->client_id);
    client->client_id = text_format("%s-delivery", sends ? "client2" : "client1");
    r = mqtt_client_connect(&courier->client, client, sends ? take_credit : take_message, courier,
                            error);
    if (r == 0)
        r = mqtt_client_subscribe(courier->client,
                                  sends ? courier->credit_topic : courier->data_topic,
                                  sends ? 0 : (int)courier->settings->qos, error);
    if (r == 0)
        r = stage_say(stage, "ready", json_pack("{s:b}", "sends", sends), error);
    return r;
}

/* A loss is never silent; where the quality of service excludes one, it is a failure. */
static int check_loss(struct stage *stage, const struct courier *courier, int64_t sent,
                      struct error *error) {
    CLEANUP_FREE char *words = text_format("%lld of %lld messages were lost",
                                           (long long)(sent - courier->moved), (long long)sent);

    if (courier->moved == sent)
        return 0;
    if (courier->settings->qos > 0)
        return error_set(error, -EIO, "%s in spite of QoS %d", words, (int)courier->settings->qos);
    (void)json_object_set_new(stage->result, "remark", json_string(words));
    return 0;
}

static int put_books(struct stage *stage, const struct courier *courier, bool sends,
                     const json_t *facts, struct error *error) {
    int64_t units = json_integer_value(json_object_get(stage->result, "units"));
    int64_t elapsed_ns = json_integer_value(json_object_get(stage->result, "elapsed_ns"));
    int64_t sent = jsonline_integer(facts, "sent", 0);

    (void)json_object_set_new(stage->result, sends ? "sent" : "received",
                              json_integer(courier->moved));
    if (sends)
        return 0;
    stage_metric(stage, "messages_per_s", "1/s", (double)units * 1e9 / (double)elapsed_ns);
    stage_metric(stage, "messages_sent", "messages", (double)sent);
    stage_metric(stage, "messages_received", "messages", (double)courier->moved);
    stage_metric(stage, "messages_lost", "messages", (double)(sent - courier->moved));
    return check_loss(stage, courier, sent, error);
}

static int perform(struct stage *stage, struct courier *courier, bool sends, struct error *error) {
    const struct delivery_settings *settings = courier->settings;
    struct stage_window window = {settings->warmup_ns, settings->duration_ns};
    json_auto_t *facts = NULL;
    struct tls_session session;
    int fd, r = stage_measure(stage, &window, &courier->stream, 1,
                              sends ? publish_loop : receive_loop, !sends, error);

    if (r == 0) {
        fd = mqtt_client_fd(courier->client);
        role_tcp_metrics(stage, &fd, 1);
        r = stage_await(stage, "stop", &facts, error);
    }
    if (r < 0)
        return r;
    atomic_store(&courier->expected, jsonline_integer(facts, "sent", 0));
    atomic_store(&courier->stop, true);
    r = stage_finish(&courier->stream, 1, error);
    if (r == 0 && courier->wrong)
        r = error_set(error, -EBADMSG, "%lld messages were none of this trial's",
                      (long long)courier->wrong);
    if (r < 0)
        return r;
    r = put_books(stage, courier, sends, facts, error);
    if (r < 0)
        return r;
    mqtt_client_session(courier->client, &session);
    stage_put_session(stage, &session);
    r = stage_report(stage, error);
    /* A publisher that left now, on credits that it has not read, would reset its connection, and
     * the broker would drop what it has not read either: it stays until the driver drops it. */
    if (r == 0 && sends)
        (void)stage_await(stage, "leave", NULL, NULL);
    return r;
}

static int live(struct stage *stage, bool sends, struct error *error) {
    static struct courier courier; /* after a failure its thread may still use it */
    void *settings = NULL;
    int r = role_settings(stage, &group, &settings, error);

    if (r < 0)
        return r;
    courier_open(&courier, stage, settings);
    r = begin(stage, &courier, sends, error);
    if (r == 0)
        r = perform(stage, &courier, sends, error);
    if (r == 0) {
        courier_close(&courier);
        setting_block_free(&group, settings);
    }
    return r;
}

static int run_subscriber(struct stage *stage, struct error *error) {
    return live(stage, false, error);
}

static int run_publisher(struct stage *stage, struct error *error) {
    return live(stage, true, error);
}

static int64_t planned_ns(const void *settings) {
    const struct delivery_settings *own = settings;

    return own->warmup_ns + own->duration_ns;
}

static const struct metric metrics[] = {
    {"throughput", "Mbit/s", METRIC_HIGHER, true,
     "payload published through the broker and counted at the subscriber: two hops and, under TLS, "
     "two sessions. What an application gets, not one hop."},
    {"messages_per_s", "1/s", METRIC_HIGHER, false, "messages received in the measured time"},
    {"messages_sent", "messages", METRIC_NONE, false, "published, warm-up included"},
    {"messages_received", "messages", METRIC_NONE, false, "received, warm-up included"},
    {"messages_lost", "messages", METRIC_LOWER, false, "sent and never received"},
    METRICS_OF_PROCESS,
    METRICS_OF_TCP,
};
static const struct role roles[] = {
    {"delivery-subscriber", PARTY_CLIENT1, run_subscriber},
    {"delivery-publisher", PARTY_CLIENT2, run_publisher},
};

const struct probe probe_delivery = {
    .group = &group,
    .help = "published through the broker, counted at the subscriber: what an application gets",
    .metrics = metrics,
    .n_metrics = ARRAY_SIZE(metrics),
    .roles = roles,
    .n_roles = ARRAY_SIZE(roles),
    .in_channel = true,
    .planned_ns = planned_ns,
};
