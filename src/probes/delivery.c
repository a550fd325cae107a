/* delivery - published by client2 through the broker, counted at the subscriber, client1. */
#include "probes/delivery.h"

#include "base/clock.h"
#include "model/topic.h"
#include "probes/courier.h"
#include "probes/wire_bytes.h"
#include "transport/overhead.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const struct setting rows[] = {
    {"duration", SETTING_DURATION, "10s", "100ms", "1h", .help = "measured time of a trial",
     .offset = offsetof(struct delivery_settings, window.duration_ns)},
    {"warmup", SETTING_DURATION, "1s", "0s", "10min",
     .help = "time before that, which does not count",
     .offset = offsetof(struct delivery_settings, window.warmup_ns)},
    {"payload", SETTING_BYTES, "64KiB", "8B", "4MiB", .help = "payload of a message",
     .offset = offsetof(struct delivery_settings, payload_bytes)},
    {"qos", SETTING_CHOICE, "0", .choices = "0 1 2", .help = "quality of service, both hops",
     .offset = offsetof(struct delivery_settings, qos)},
    {"window", SETTING_BYTES, "0B", "0B", "1GiB",
     .help = "payload on its way at once; 4 messages at least; 0B: chosen when the run begins, "
             "2MiB to 64MiB by the round trip to the broker",
     .offset = offsetof(struct delivery_settings, window_bytes)},
    {"topic", SETTING_TEXT, "bench", .help = "it publishes below this one, and the trial's number",
     .offset = offsetof(struct delivery_settings, topic), .check = topic_check},
    {"library", SETTING_CHOICE, "libmosquitto", .choices = MQTT_LIBRARY_WORDS,
     .help = "whose MQTT client publishes and subscribes; paho: Paho C",
     .offset = offsetof(struct delivery_settings, library), .check = mqtt_client_check_library},
};
static const struct setting_group group =
    SETTING_GROUP("probe.delivery", SETTING_PROBE, rows, struct delivery_settings);

#define MIN_WINDOW         (INT64_C(2) << 20)
#define MAX_WINDOW         (INT64_C(64) << 20)
#define WINDOW_BYTES_PER_S (2 * 125e6)

int64_t delivery_window(double round_trip_ms) {
    int64_t window = MIN_WINDOW;

    while (window < MAX_WINDOW && (double)window < WINDOW_BYTES_PER_S * round_trip_ms / 1000)
        window *= 2;
    return window;
}

/* A variant with 0B takes what is written into the record. */
int64_t delivery_choose_window(struct scenario *scenario, double round_trip_ms) {
    struct delivery_settings *own = settings_edit(&scenario->settings, &group);
    int64_t chosen = 0;

    for (size_t i = 0; i < scenario->n_measurements; i++) {
        struct delivery_settings *settings = scenario->measurements[i].settings;

        if (scenario->measurements[i].group != &group || settings->window_bytes)
            continue;
        if (!own->window_bytes)
            own->window_bytes = chosen = delivery_window(round_trip_ms);
        settings->window_bytes = own->window_bytes;
    }
    return chosen;
}

static int begin(struct worker_context *worker, struct courier *courier, bool sends,
                 struct error *error) {
    CLEANUP(client_config_freep) struct client_config *client = NULL;
    int r = role_client(worker, &client, error);

    if (r < 0)
        return r;
    client_config_name_session(client, "delivery");
    client->library = courier->settings->library;
    r = courier_connect(courier, client, sends, error);
    return r < 0 ? r : worker_say(worker, "ready", json_pack("{s:b}", "sends", sends), error);
}

/* In less a publisher does not come to know its link. */
#define PACE_NS NS_PER_S

/* A rate takes two arrivals at least. The publisher knows how fast its link is. */
static int check_pace(const struct courier *courier, int fd, struct error *error) {
    const struct delivery_settings *settings = courier->settings;
    struct tcp_counters counters;
    double message_s;

    if (probe_window_ns(settings) < PACE_NS || tcp_read_counters(fd, &counters) < 0 ||
        counters.bytes_acked <= 0)
        return 0;
    message_s = (double)settings->payload_bytes / (double)counters.bytes_acked *
                (double)probe_window_ns(settings) / 1e9;
    if (message_s * 1e9 <= (double)settings->window.duration_ns)
        return 0;
    return error_set(error, -ENODATA,
                     "a message of %lld bytes takes about %.1f s on this link: set "
                     "probe.delivery.duration to at least %.0f s",
                     (long long)settings->payload_bytes, message_s, ceil(3 * message_s));
}

/* The subscriber knows only that it has waited. */
static int explain_silence(const struct courier *courier, int r, struct error *error) {
    CLEANUP_FREE char *words = text_copy(error->text);

    if (r != -ENODATA)
        return r;
    return error_set(error, r,
                     "%s on topic %s; if a message of %lld bytes takes that long here, set "
                     "probe.delivery.duration to three times as much",
                     words, courier->data_topic, (long long)courier->settings->payload_bytes);
}

/* A loss is never silent; where the quality of service excludes it, it is a failure, as is anything
 * else that breaks a promise of MQTT. */
static int check_promises(struct worker_context *worker, const struct courier *courier,
                          int64_t sent, struct error *error) {
    int r = sequence_check(&courier->sequence, sent, (int)courier->settings->qos, true, error);

    if (r == 0 && courier->moved < sent) {
        CLEANUP_FREE char *words = text_format("%lld of %lld messages were lost",
                                               (long long)(sent - courier->moved), (long long)sent);

        (void)json_object_set_new(worker->result, "remark", json_string(words));
    }
    return r;
}

/* What the publisher has waited for, and whether a larger window would have let more leave. */
static void put_credit(struct worker_context *worker, const struct courier *courier,
                       double messages_per_s, int64_t elapsed_ns) {
    double waited = courier_credit_wait(courier, elapsed_ns);
    CLEANUP_FREE char *words = NULL;

    worker_metric(worker, "credit_wait", 100 * waited);
    if (courier->loop_ns)
        worker_metric(worker, "message_loop", (double)courier->loop_ns / 1e6);
    if (!courier_is_limited(courier, messages_per_s, waited))
        return;
    words =
        text_format("limited by probe.delivery.window: the publisher waited %.0f %% of its time "
                    "for credit, and a message takes %.1f ms there and back by itself; set it "
                    "larger",
                    100 * waited, (double)courier->loop_ns / 1e6);
    (void)json_object_set_new(worker->result, "remark", json_string(words));
}

static int put_books(struct worker_context *worker, const struct courier *courier, bool sends,
                     const json_t *facts, struct error *error) {
    int64_t units = json_integer_value(json_object_get(worker->result, "units"));
    int64_t elapsed_ns = json_integer_value(json_object_get(worker->result, "elapsed_ns"));
    int64_t sent = jsonline_integer(facts, "sent", 0);

    (void)json_object_set_new(worker->result, sends ? "sent" : "received",
                              json_integer(courier->moved));
    if (sends) {
        put_credit(worker, courier, (double)units * 1e9 / (double)elapsed_ns, elapsed_ns);
        return 0;
    }
    worker_metric(worker, "messages_per_s", (double)units * 1e9 / (double)elapsed_ns);
    worker_metric(worker, "messages_sent", (double)sent);
    worker_metric(worker, "messages_received", (double)courier->moved);
    worker_metric(worker, "messages_lost", (double)(sent - courier->moved));
    worker_metric(worker, "messages_duplicated", (double)courier->sequence.duplicated);
    worker_metric(worker, "messages_reordered", (double)courier->sequence.reordered);
    if (mqtt_client_opens(courier->client))
        worker_metric(worker, "messages_replayed",
                      (double)mqtt_client_rejected(courier->client)[SEAL_REPLAYED]);
    return check_promises(worker, courier, sent, error);
}

/* What the publisher's hop has cost on the wire, beside what it must cost. */
static void put_wire(struct worker_context *worker, struct courier *courier,
                     const struct wire_bytes *wire, const struct tls_session *session) {
    int64_t payload = courier->settings->payload_bytes, theory = -1,
            record = overhead_record(session->version, session->cipher);

    if (record >= 0)
        theory = courier->moved *
                 overhead_message(mqtt_client_payload_bytes(courier->client, payload),
                                  (int64_t)strlen(courier->data_topic), (int)courier->settings->qos,
                                  mqtt_client_version(courier->client), record);
    courier_settle(courier);
    wire_bytes_put(wire, worker, courier->moved * payload, theory);
}

static int perform(struct worker_context *worker, struct courier *courier, bool sends,
                   struct error *error) {
    json_auto_t *facts = NULL;
    int r, fd = mqtt_client_socket(courier->client);
    struct tls_session session;
    struct wire_bytes wire;

    wire_bytes_begin(&wire, &fd, 1);
    r = worker_measure(worker, &courier->settings->window, &courier->stream, 1,
                       sends ? courier_publish : courier_receive, !sends, error);
    if (r < 0)
        return explain_silence(courier, r, error);
    if (sends) {
        r = check_pace(courier, fd, error);
        if (r < 0)
            return r;
    }
    role_tcp_metrics(worker, &fd, 1);
    r = worker_await(worker, "stop", &facts, error);
    if (r < 0)
        return r;
    atomic_store(&courier->expected, jsonline_integer(facts, "sent", 0));
    atomic_store(&courier->stop, true);
    r = worker_finish(&courier->stream, 1, error);
    if (r < 0)
        return r;
    if (courier->wrong)
        return error_set(error, -EBADMSG, "%lld messages were none of this trial's",
                         (long long)courier->wrong);
    r = put_books(worker, courier, sends, facts, error);
    if (r < 0)
        return r;
    mqtt_client_session(courier->client, &session);
    worker_put_tls(worker, &session);
    if (sends)
        put_wire(worker, courier, &wire, &session);
    r = worker_report(worker, error);
    /* A publisher that left now, on credits that it has not read, would reset its connection, and
     * the broker would drop what it has not read either: it stays until the driver drops it. */
    if (r == 0 && sends)
        (void)worker_await(worker, "leave", NULL, NULL);
    return r;
}

static int run_role(struct worker_context *worker, bool sends, struct error *error) {
    static struct courier courier; /* after a failure its thread may still use it */
    void *settings = NULL;
    int r = role_settings(worker, &group, &settings, error);

    if (r < 0)
        return r;
    courier_open(&courier, jsonline_text(worker->params, "topic", "bench"), settings);
    courier.measuring = &worker->measuring;
    r = begin(worker, &courier, sends, error);
    if (r < 0)
        return r;
    r = perform(worker, &courier, sends, error);
    if (r < 0)
        return r;
    courier_close(&courier);
    setting_block_free(&group, settings);
    return 0;
}

static int run_subscriber(struct worker_context *worker, struct error *error) {
    return run_role(worker, false, error);
}

static int run_publisher(struct worker_context *worker, struct error *error) {
    return run_role(worker, true, error);
}

static const struct metric metrics[] = {
    {"throughput", "Mbit/s", METRIC_HIGHER, true,
     "payload published through the broker and counted at the subscriber, from arrival to arrival: "
     "two hops and, under TLS, two sessions. What an application gets, not one hop."},
    {"messages_per_s", "1/s", METRIC_HIGHER, false, "messages received, from arrival to arrival"},
    {"messages_sent", "messages", METRIC_NONE, false, "published, warm-up included"},
    {"messages_received", "messages", METRIC_NONE, false, "received, warm-up included"},
    {"messages_lost", "messages", METRIC_LOWER, false, "sent and never received"},
    {"messages_duplicated", "messages", METRIC_LOWER, false, "received again"},
    {"messages_reordered", "messages", METRIC_LOWER, false, "received after a later one"},
    {"messages_replayed", "messages", METRIC_LOWER, false,
     "sealed and received more than once: opened once"},
    {"credit_wait", "%", METRIC_LOWER, false,
     "of the publisher's time, without anything to send until more had arrived"},
    {"message_loop", "ms", METRIC_LOWER, false,
     "a message and its answer, alone on their way, behind the measured time; where it matters"},
    METRICS_OF_PROCESS,
    METRICS_OF_TCP,
    METRICS_OF_WIRE,
};
static const struct role roles[] = {
    {.name = "delivery-subscriber",
     .party = PARTY_CLIENT1,
     .process = "receiver",
     .run = run_subscriber},
    {.name = "delivery-publisher",
     .party = PARTY_CLIENT2,
     .process = "sender",
     .run = run_publisher},
};

const struct probe probe_delivery = {
    .group = &group,
    .help = "published through the broker, counted at the subscriber: what an application gets",
    .metrics = metrics,
    .n_metrics = ARRAY_SIZE(metrics),
    .roles = roles,
    .n_roles = ARRAY_SIZE(roles),
    .rung = 4,
    .in_channel = true,
    .planned_ns = probe_window_ns,
};
