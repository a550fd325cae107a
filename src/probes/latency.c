/* latency - from when a message is due to its arrival, through the broker, on one clock: publisher
 * and subscriber are both on client2's host. */
#include "probes/latency.h"

#include "base/clock.h"
#include "probes/latency_loop.h"
#include "probes/stream.h"
#include "probes/wire_bytes.h"
#include "security/payload_client.h"

#include <errno.h>

/* A publisher that was so late is worth a remark. */
#define LATE_NS (2 * NS_PER_S)

static const struct setting rows[] = {
    {"duration", SETTING_DURATION, "10s", "100ms", "1h", .help = "measured time of a trial",
     .offset = offsetof(struct latency_settings, window.duration_ns)},
    {"warmup", SETTING_DURATION, "1s", "0s", "10min",
     .help = "time before that, whose messages do not count",
     .offset = offsetof(struct latency_settings, window.warmup_ns)},
    {"rate", SETTING_COUNT, "200", "1", "100000", .help = "messages per second, evenly spaced",
     .offset = offsetof(struct latency_settings, rate)},
    {"payload", SETTING_BYTES, "30B", "8B", "4MiB", .help = "payload of a message",
     .offset = offsetof(struct latency_settings, payload_bytes)},
    {"qos", SETTING_CHOICE, "0", .choices = "0 1 2", .help = "quality of service, both hops",
     .offset = offsetof(struct latency_settings, qos)},
    {"load", SETTING_CHOICE, "none", .choices = "none path",
     .help = "path: a bulk TCP stream from client2 to the broker's host fills the link meanwhile",
     .offset = offsetof(struct latency_settings, load)},
    {"connection", SETTING_CHOICE, "persistent", .choices = "persistent per-message",
     .help = "one connection, or a new one for each message: then connecting is part of it",
     .offset = offsetof(struct latency_settings, connection)},
};
static const struct setting_group group =
    SETTING_GROUP("probe.latency", SETTING_PROBE, rows, struct latency_settings);

/* ---- the result ---- */

static const struct {
    const char *metric;
    double share;
} percentiles[] = {
    {"latency_p50", 0.5},
    {"latency_p90", 0.9},
    {"latency_p99", 0.99},
    {"latency_p99_9", 0.999},
};

static void put_ms(struct worker_context *worker, const char *name, double ns) {
    worker_metric(worker, name, ns / (double)NS_PER_MS);
}

/* A percentile that so few messages do not show has no row. */
static void put_latencies(struct worker_context *worker, const struct histogram *latency_ns) {
    for (size_t i = 0; i < ARRAY_SIZE(percentiles); i++)
        if (i == 0 || histogram_supports(latency_ns->n, percentiles[i].share))
            put_ms(worker, percentiles[i].metric,
                   histogram_percentile(latency_ns, percentiles[i].share));
    put_ms(worker, "latency_mean", histogram_mean(latency_ns));
    put_ms(worker, "latency_min", (double)latency_ns->min);
    put_ms(worker, "latency_max", (double)latency_ns->max);
    worker_distribution(worker, "latency", "ms", latency_ns, (double)NS_PER_MS);
}

static void put_delays(struct worker_context *worker, const struct latency *latency) {
    const struct histogram *delay_ns = &latency->delay_ns;

    put_ms(worker, "send_delay_p50", histogram_percentile(delay_ns, 0.5));
    if (histogram_supports(delay_ns->n, 0.99))
        put_ms(worker, "send_delay_p99", histogram_percentile(delay_ns, 0.99));
    put_ms(worker, "send_delay_max", (double)delay_ns->max);
    worker_metric(worker, "late_sends", (double)latency->late);
    worker_distribution(worker, "send_delay", "ms", delay_ns, (double)NS_PER_MS);
}

static void put_messages(struct worker_context *worker, const struct latency *latency) {
    int64_t sent = latency->beyond - latency->first, received = latency->latency_ns.n;

    worker_metric(worker, "messages_sent", (double)sent);
    worker_metric(worker, "messages_received", (double)received);
    worker_metric(worker, "messages_lost", (double)(sent - received));
    worker_metric(worker, "messages_duplicated", (double)latency->sequence.duplicated);
    worker_metric(worker, "messages_reordered", (double)latency->sequence.reordered);
}

static void put_remark(struct worker_context *worker, const struct latency *latency) {
    int64_t sent = latency->beyond - latency->first, lost = sent - latency->latency_ns.n;
    CLEANUP_FREE char *late = text_format("the publisher was up to %.1f s late",
                                          (double)latency->delay_ns.max / (double)NS_PER_S);
    CLEANUP_FREE char *missing =
        text_format("%lld of %lld messages were lost", (long long)lost, (long long)sent);
    CLEANUP_FREE char *words = text_copy("");

    if (lost > 0)
        text_append(&words, ", ", missing);
    if (latency->delay_ns.max > LATE_NS)
        text_append(&words, ", ", late);
    if (*words)
        (void)json_object_set_new(worker->result, "remark", json_string(words));
}

/* Of two connections the second may be heard first, unless it waited for the first one's answer. */
static bool is_ordered(const struct latency_settings *settings) {
    return settings->connection == LATENCY_PERSISTENT || settings->qos > 0;
}

static int check(const struct latency *latency, struct error *error) {
    int r;

    if (latency->wrong)
        return error_set(error, -EBADMSG, "%lld messages were none of this trial's",
                         (long long)latency->wrong);
    r = payload_check_rejected(mqtt_client_rejected(latency->subscriber), error);
    if (r == 0)
        r = mqtt_client_check_qos(latency->subscriber, error);
    if (r < 0)
        return r;
    if (!latency->latency_ns.n)
        return error_set(error, -EIO, "not one message has arrived");
    return sequence_check(&latency->sequence, atomic_load(&latency->published),
                          (int)latency->settings->qos, is_ordered(latency->settings), error);
}

static int put_result(struct worker_context *worker, struct latency *latency, int64_t floor_ns,
                      struct error *error) {
    struct tls_session session;
    int r = check(latency, error);

    if (r < 0)
        return r;
    put_latencies(worker, &latency->latency_ns);
    put_delays(worker, latency);
    put_messages(worker, latency);
    put_remark(worker, latency);
    put_ms(worker, "floor", (double)floor_ns);
    /* Nothing here is bulk data: the window's bytes would be taken for a throughput. */
    (void)json_object_del(worker->result, "bytes");
    mqtt_client_session(latency->subscriber, &session);
    worker_put_tls(worker, &session);
    return worker_report(worker, error);
}

/* ---- the prober ---- */

static int perform(struct worker_context *worker, struct latency *latency, struct error *error) {
    int64_t floor_ns = 0;
    int r = latency_floor(&floor_ns, error);

    if (r < 0)
        return r;
    r = worker_measure_client(worker, &latency->settings->window, latency->streams,
                              ARRAY_SIZE(latency->streams), latency_run, error);
    return r < 0 ? r : put_result(worker, latency, floor_ns, error);
}

static int run_prober(struct worker_context *worker, struct error *error) {
    static struct latency latency; /* large; and after a failure its threads may still use it */
    CLEANUP(client_config_freep) struct client_config *publisher = NULL, *subscriber = NULL;
    void *settings = NULL;
    int r = role_settings(worker, &group, &settings, error);

    if (r < 0)
        return r;
    r = role_client(worker, &publisher, error);
    if (r < 0)
        return r;
    r = role_reader(worker, &subscriber, error);
    if (r < 0)
        return r;
    client_config_name_session(publisher, "latency");
    client_config_name_session(subscriber, "latency-echo");
    latency_open(&latency, settings, jsonline_text(worker->params, "topic", "bench"));
    r = latency_connect(&latency, subscriber, publisher, error);
    if (r < 0)
        return r;
    r = perform(worker, &latency, error);
    if (r < 0)
        return r;
    latency_close(&latency);
    setting_block_free(&group, settings);
    return 0;
}

/* ---- the probe ---- */

static bool is_loaded(const void *settings) {
    return ((const struct latency_settings *)settings)->load == LATENCY_LOAD_PATH;
}

static const struct metric metrics[] = {
    {"latency_p50", "ms", METRIC_LOWER, true,
     "from when a message is due to its arrival back on the publisher's host, through the broker: "
     "two hops and, under TLS, two sessions. Of all messages of a trial the median, which single "
     "stalls of a machine do not move; percentiles beside it tell of those"},
    {"latency_mean", "ms", METRIC_LOWER, false, "the mean of the same"},
    {"latency_p90", "ms", METRIC_LOWER, false, "nine of ten messages take no longer"},
    {"latency_p99", "ms", METRIC_LOWER, false, "99 of 100; none with fewer messages"},
    {"latency_p99_9", "ms", METRIC_LOWER, false, "999 of 1000; none with fewer messages"},
    {"latency_min", "ms", METRIC_LOWER, false, "the fastest message"},
    {"latency_max", "ms", METRIC_LOWER, false, "the slowest message"},
    {"send_delay_p50", "ms", METRIC_LOWER, false,
     "how late the publisher itself was, which is part of the latency: median"},
    {"send_delay_p99", "ms", METRIC_LOWER, false, "the same for 99 of 100 messages"},
    {"send_delay_max", "ms", METRIC_LOWER, false, "the same at its worst"},
    {"late_sends", "messages", METRIC_LOWER, false,
     "messages that left only when the next was due, or later"},
    {"floor", "ms", METRIC_LOWER, false,
     "what the probe's own waiting and waking takes, without network, TLS and MQTT: median"},
    {"messages_sent", "messages", METRIC_NONE, false, "due in the measured time"},
    {"messages_received", "messages", METRIC_NONE, false, "of these"},
    {"messages_lost", "messages", METRIC_LOWER, false, "of these never received"},
    {"messages_duplicated", "messages", METRIC_LOWER, false, "received again, warm-up included"},
    {"messages_reordered", "messages", METRIC_LOWER, false,
     "received after a later one, warm-up included"},
    {"load_throughput", "Mbit/s", METRIC_NONE, false, "of the stream that loads the link"},
    METRICS_OF_PROCESS,
    METRICS_OF_TCP,
    METRICS_OF_WIRE,
};
/* The prober last: what the trial is about is its result. */
static const struct role roles[] = {
    {.name = "latency-load-server",
     .party = PARTY_BROKER,
     .run = stream_server,
     .context = &stream_kinds[STREAM_LOAD],
     .direct = true,
     .beside = true,
     .applies = is_loaded},
    {.name = "latency-load-client",
     .party = PARTY_CLIENT2,
     .run = stream_client,
     .context = &stream_kinds[STREAM_LOAD],
     .direct = true,
     .beside = true,
     .applies = is_loaded},
    {.name = "latency-prober", .party = PARTY_CLIENT2, .process = "client", .run = run_prober},
};

const struct probe probe_latency = {
    .group = &group,
    .help = "from when a message is due to its arrival, through the broker, on one clock",
    .metrics = metrics,
    .n_metrics = ARRAY_SIZE(metrics),
    .roles = roles,
    .n_roles = ARRAY_SIZE(roles),
    .in_channel = true,
    .planned_ns = probe_window_ns,
};
