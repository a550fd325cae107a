/*
 * latency - from when a message is due to its arrival, through the broker, on one clock: publisher
 * and subscriber are two threads of one process on client2's host. One publishes at a fixed rate,
 * the other receives what comes back from the broker.
 *
 * Message number n is due at a time of an absolute schedule, and its latency counts from there: a
 * publisher that is late, for whatever reason, delays no clock (no coordinated omission).
 */
#include "base/clock.h"
#include "base/histogram.h"
#include "mqtt/client.h"
#include "probes/probe.h"
#include "probes/sequence.h"
#include "probes/stream.h"
#include "probes/wire_bytes.h"
#include "security/payload.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* A publisher that was so late is worth a remark. */
#define LATE_NS  (2 * NS_PER_S)
#define TURN_MS  100
#define SLICE_NS (TURN_MS * NS_PER_MS)
/* A publisher that has not caught up so long after the measured time cannot hold the rate. */
#define BEHIND_NS (5 * NS_PER_S)
#define LEAVE_NS  (10 * NS_PER_S)

enum latency_load { LATENCY_LOAD_NONE, LATENCY_LOAD_PATH };
enum latency_connection { LATENCY_PERSISTENT, LATENCY_PER_MESSAGE };

struct latency_settings {
    struct worker_window window;
    int64_t rate, payload_bytes, qos, load, connection;
};

#define AT(member) .offset = offsetof(struct latency_settings, member)
static const struct setting rows[] = {
    {"duration", SETTING_DURATION, "10s", "100ms", "1h", .help = "measured time of a trial",
     AT(window.duration_ns)},
    {"warmup", SETTING_DURATION, "1s", "0s", "10min",
     .help = "time before that, whose messages do not count", AT(window.warmup_ns)},
    {"rate", SETTING_COUNT, "200", "1", "100000", .help = "messages per second, evenly spaced",
     AT(rate)},
    {"payload", SETTING_BYTES, "30B", "8B", "4MiB", .help = "payload of a message",
     AT(payload_bytes)},
    {"qos", SETTING_CHOICE, "0", .choices = "0 1 2", .help = "quality of service, both hops",
     AT(qos)},
    {"load", SETTING_CHOICE, "none", .choices = "none path",
     .help = "path: a bulk TCP stream from client2 to the broker's host fills the link meanwhile",
     AT(load)},
    {"connection", SETTING_CHOICE, "persistent", .choices = "persistent per-message",
     .help = "one connection, or a new one for each message: then connecting is part of it",
     AT(connection)},
};
static const struct setting_group group =
    SETTING_GROUP("probe.latency", SETTING_PROBE, rows, struct latency_settings);

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
    int64_t wrong;               /* messages with its tag that are none of this trial's */
    int64_t tag;                 /* above the numbers */
};

/* ---- the floor ---- */

#define ROUNDS      100
#define INTERVAL_NS NS_PER_MS

struct echo {
    int fd;
    struct histogram latency_ns;
};

/* Receives instants and notes how long ago they were, as the subscriber does. */
static void *listen_on(void *argument) {
    struct echo *echo = argument;
    struct pollfd poller = {.fd = echo->fd, .events = POLLIN};
    int64_t due_ns;

    while (poll(&poller, 1, -1) > 0 && read(echo->fd, &due_ns, sizeof(due_ns)) > 0)
        histogram_record(&echo->latency_ns, clock_monotonic_ns() - due_ns);
    return NULL;
}

static void *speak(void *argument) {
    int fd = *(const int *)argument;
    int64_t start_ns = clock_monotonic_ns();

    (void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    for (int64_t i = 1; i <= ROUNDS; i++) {
        int64_t due_ns = start_ns + i * INTERVAL_NS, left = due_ns - clock_monotonic_ns();
        struct timespec timeout = {.tv_nsec = left > 0 ? (long)left : 0};

        (void)ppoll(NULL, 0, &timeout, NULL);
        if (write(fd, &due_ns, sizeof(due_ns)) != sizeof(due_ns))
            break;
    }
    (void)shutdown(fd, SHUT_WR);
    return NULL;
}

/* What this way of waiting and waking takes by itself: the median time from an instant that one
 * thread waits for to a byte of its in another thread, through a socket pair. Takes 0.1 s. */
static int measure_floor(int64_t *ret_ns, struct error *error) {
    CLEANUP_FREE struct echo *echo = memory_new(1, sizeof(*echo));
    pthread_t listener, speaker;
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return error_errno(error, -errno, "socket pair");
    echo->fd = fds[1];
    if (pthread_create(&listener, NULL, listen_on, echo) != 0) {
        (void)close(fds[0]);
        (void)close(fds[1]);
        return error_set(error, -EAGAIN, "no thread for the floor of the latency");
    }
    if (pthread_create(&speaker, NULL, speak, &fds[0]) == 0)
        (void)pthread_join(speaker, NULL);
    else
        (void)shutdown(fds[0], SHUT_WR);
    (void)pthread_join(listener, NULL);
    (void)close(fds[0]);
    (void)close(fds[1]);
    if (!echo->latency_ns.n)
        return error_set(error, -EAGAIN, "the floor of the latency could not be measured");
    *ret_ns = (int64_t)histogram_percentile(&echo->latency_ns, 0.5);
    return 0;
}

static int64_t due_ns(const struct latency *latency, int64_t number) {
    return atomic_load_explicit(&latency->start_ns, memory_order_acquire) +
           number * NS_PER_S / latency->settings->rate;
}

static bool is_measured(const struct latency *latency, int64_t number) {
    return number >= latency->first && number < latency->beyond;
}

/* ---- publisher ---- */

/* Lets the client work until the message is due; a client that has left has nothing to do. */
static int await_due(struct latency *latency, int64_t instant_ns, struct error *error) {
    bool persistent = latency->settings->connection == LATENCY_PERSISTENT;
    int64_t left;

    do {
        struct pollfd poller = {.fd = persistent ? mqtt_client_fd(latency->publisher) : -1,
                                .events = POLLIN};
        struct timespec timeout = {0};

        left = instant_ns - clock_monotonic_ns();
        if (persistent && mqtt_client_wants_write(latency->publisher))
            poller.events |= POLLOUT;
        timeout.tv_nsec = (long)(left < 0 ? 0 : left < SLICE_NS ? left : SLICE_NS);
        if ((ppoll(&poller, 1, &timeout, NULL) > 0 || left > SLICE_NS || left <= 0) && persistent) {
            int r = mqtt_client_turn(latency->publisher, 0, error);

            if (r < 0)
                return r;
        }
        left = instant_ns - clock_monotonic_ns();
    } while (left > 0);
    return 0;
}

/* One that is late, however much, but catches up has measured what such a stall costs. */
static int check_pace(const struct latency *latency, int64_t number, struct error *error) {
    if (number >= latency->beyond ||
        clock_monotonic_ns() < due_ns(latency, latency->beyond) + BEHIND_NS)
        return 0;
    return error_set(error, -ETIMEDOUT,
                     "the publisher cannot hold %lld messages/s: %d s after the measured time %lld "
                     "of its messages had not left; a lower probe.latency.rate would do",
                     (long long)latency->settings->rate, (int)(BEHIND_NS / NS_PER_S),
                     (long long)(latency->beyond - number));
}

static void note_delay(struct latency *latency, int64_t number) {
    int64_t delay_ns = clock_monotonic_ns() - due_ns(latency, number);

    if (!is_measured(latency, number))
        return;
    histogram_record(&latency->delay_ns, delay_ns);
    latency->late += delay_ns >= NS_PER_S / latency->settings->rate;
}

static int publish(struct latency *latency, int64_t number, struct error *error) {
    const struct latency_settings *settings = latency->settings;
    bool again = settings->connection == LATENCY_PER_MESSAGE;
    int64_t tagged;
    int r;

    note_delay(latency, number);
    r = again ? mqtt_client_connect_again(latency->publisher, latency->as_publisher, error) : 0;
    if (r < 0)
        return r;
    tagged = number | latency->tag;
    memcpy(latency->payload, &tagged, sizeof(tagged));
    r = mqtt_client_publish(latency->publisher, latency->topic, latency->payload,
                            (size_t)settings->payload_bytes, (int)settings->qos, error);
    if (r < 0 || !again)
        return r;
    r = mqtt_client_flush(latency->publisher, number + 1, LEAVE_NS, error);
    if (r < 0)
        return r;
    mqtt_client_leave(latency->publisher);
    return 0;
}

/* Until told to stop, but all that is due in the measured time; and until all that has left,
 * acknowledged where it must be. */
static int publish_all(struct latency *latency, int64_t *number, struct error *error) {
    while (!atomic_load(&latency->stop) || *number < latency->beyond) {
        int r = await_due(latency, due_ns(latency, *number), error);

        if (r < 0)
            return r;
        r = check_pace(latency, *number, error);
        if (r < 0)
            return r;
        r = publish(latency, (*number)++, error);
        if (r < 0)
            return r;
    }
    return mqtt_client_flush(latency->publisher, *number, LEAVE_NS, error);
}

static int run_publisher(struct stream *stream) {
    struct latency *latency = stream->context;
    int64_t number = 0;
    int r;

    /* The kernel may wake this thread 50 us late, to save power, unless it is told not to. */
    (void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    atomic_store_explicit(&latency->start_ns, clock_monotonic_ns(), memory_order_release);
    r = publish_all(latency, &number, &stream->error);
    atomic_store(&latency->published, number);
    return r;
}

/* ---- subscriber ---- */

static void take_message(void *context, const char *topic, const void *payload, size_t length) {
    int64_t at_ns = clock_monotonic_ns(), number = -1;
    struct latency *latency = context;

    (void)topic;
    if (length >= sizeof(number))
        memcpy(&number, payload, sizeof(number));
    if (number < 0 ? *latency->as_publisher->latency_topic != '\0'
                   : (number & ~SEQUENCE_MAX) != latency->tag)
        return; /* somebody else's, or late */
    if (number >= 0)
        number &= SEQUENCE_MAX;
    if (number < 0 || length != (size_t)latency->settings->payload_bytes)
        latency->wrong++;
    else if (sequence_take(&latency->sequence, number) && is_measured(latency, number))
        histogram_record(&latency->latency_ns, at_ns - due_ns(latency, number));
    atomic_store_explicit(&latency->streams[1].counter.units, latency->sequence.arrived,
                          memory_order_relaxed);
}

/* Until all that was published is here, or nothing more comes. */
static int run_subscriber(struct stream *stream) {
    struct latency *latency = stream->context;
    int64_t last_arrived = -1, last_change_ns = 0;

    for (;;) {
        int64_t published = atomic_load(&latency->published), now_ns = clock_monotonic_ns();
        int r;

        if (latency->sequence.arrived != last_arrived || published < 0) {
            last_arrived = latency->sequence.arrived;
            last_change_ns = now_ns;
        }
        if (published >= 0 &&
            (last_arrived >= published || now_ns - last_change_ns > WORKER_LOST_NS))
            return 0;
        r = mqtt_client_turn(latency->subscriber, TURN_MS, &stream->error);
        if (r < 0)
            return r;
    }
}

/* ---- both ---- */

/* An empty one, for a topic of its own; both are borrowed. It may be static only. */
static void latency_open(struct latency *latency, const struct latency_settings *settings,
                         const char *topic) {
    latency->settings = settings;
    latency->topic = text_format("%s/latency", topic);
    latency->payload = memory_new((size_t)settings->payload_bytes, 1);
    (void)!getrandom(latency->payload, (size_t)settings->payload_bytes, 0);
    latency->first = (settings->window.warmup_ns * settings->rate + NS_PER_S - 1) / NS_PER_S;
    latency->beyond = latency->first + settings->window.duration_ns * settings->rate / NS_PER_S;
    if (latency->beyond == latency->first)
        latency->beyond++;
    atomic_store(&latency->published, -1);
    latency->streams[0] =
        (struct stream){.run = run_publisher, .context = latency, .stop = &latency->stop};
    latency->streams[1] =
        (struct stream){.run = run_subscriber, .context = latency, .stop = &latency->stop};
}

static int latency_connect(struct latency *latency, const struct client_config *as_subscriber,
                           struct client_config *as_publisher, struct error *error) {
    int r;

    latency->as_publisher = as_publisher;
    if (*as_publisher->latency_topic)
        text_replace(&latency->topic, as_publisher->latency_topic);
    r = mqtt_client_connect(&latency->subscriber, as_subscriber, take_message, latency, error);
    if (r < 0)
        return r;
    r = mqtt_client_subscribe(latency->subscriber, latency->topic, (int)latency->settings->qos,
                              error);
    return r < 0 ? r : mqtt_client_connect(&latency->publisher, as_publisher, NULL, NULL, error);
}

static void latency_close(struct latency *latency) {
    if (latency->publisher)
        mqtt_client_free(latency->publisher);
    if (latency->subscriber)
        mqtt_client_free(latency->subscriber);
    free(latency->topic);
    free(latency->payload);
}

/* ---- the result ---- */

static void put_ms(struct worker_context *worker, const char *name, double ns) {
    worker_metric(worker, name, ns / (double)NS_PER_MS);
}

static int check(const struct latency *latency, struct error *error) {
    const struct latency_settings *settings = latency->settings;
    /* Of two connections the second may be heard first, unless it waited for the first one's
     * answer. */
    bool ordered = settings->connection == LATENCY_PERSISTENT || settings->qos > 0;
    int r;

    if (latency->wrong)
        return error_set(error, -EBADMSG, "%lld messages were none of this trial's",
                         (long long)latency->wrong);
    r = payload_check_rejected(mqtt_client_rejected(latency->subscriber), error);
    if (r < 0)
        return r;
    r = mqtt_client_check_qos(latency->subscriber, error);
    if (r < 0)
        return r;
    if (!latency->latency_ns.n)
        return error_set(error, -EIO,
                         "not one message has arrived on topic %s; the broker may not permit it, "
                         "or take no payload of %lld bytes or QoS %d",
                         latency->topic, (long long)settings->payload_bytes, (int)settings->qos);
    return sequence_check(&latency->sequence, atomic_load(&latency->published), (int)settings->qos,
                          ordered, error);
}

static int put_result(struct worker_context *worker, const struct latency *latency,
                      int64_t floor_ns, struct error *error) {
    static const struct {
        const char *metric;
        double share;
    } percentiles[] = {
        {"latency_p50", 0.5},
        {"latency_p90", 0.9},
        {"latency_p99", 0.99},
        {"latency_p99_9", 0.999},
    };
    const struct histogram *latency_ns = &latency->latency_ns, *delay_ns = &latency->delay_ns;
    int64_t sent = latency->beyond - latency->first, lost = sent - latency_ns->n;
    CLEANUP_FREE char *late = NULL;
    CLEANUP_FREE char *words = NULL;
    struct tls_session session;
    int r = check(latency, error);

    if (r < 0)
        return r;
    /* A percentile that so few messages do not show has no row. */
    for (size_t i = 0; i < ARRAY_SIZE(percentiles); i++)
        if (i == 0 || histogram_supports(latency_ns->n, percentiles[i].share))
            put_ms(worker, percentiles[i].metric,
                   histogram_percentile(latency_ns, percentiles[i].share));
    put_ms(worker, "latency_mean", histogram_mean(latency_ns));
    put_ms(worker, "latency_min", (double)latency_ns->min);
    put_ms(worker, "latency_max", (double)latency_ns->max);
    worker_distribution(worker, "latency", "ms", latency_ns, (double)NS_PER_MS);
    put_ms(worker, "send_delay_p50", histogram_percentile(delay_ns, 0.5));
    if (histogram_supports(delay_ns->n, 0.99))
        put_ms(worker, "send_delay_p99", histogram_percentile(delay_ns, 0.99));
    put_ms(worker, "send_delay_max", (double)delay_ns->max);
    worker_metric(worker, "late_sends", (double)latency->late);
    worker_distribution(worker, "send_delay", "ms", delay_ns, (double)NS_PER_MS);
    worker_metric(worker, "messages_sent", (double)sent);
    worker_metric(worker, "messages_received", (double)latency_ns->n);
    worker_metric(worker, "messages_lost", (double)lost);
    worker_metric(worker, "messages_duplicated", (double)latency->sequence.duplicated);
    worker_metric(worker, "messages_reordered", (double)latency->sequence.reordered);
    words = lost > 0
                ? text_format("%lld of %lld messages were lost", (long long)lost, (long long)sent)
                : text_copy("");
    if (delay_ns->max > LATE_NS) {
        late = text_format("the publisher was up to %.1f s late",
                           (double)delay_ns->max / (double)NS_PER_S);
        text_append(&words, ", ", late);
    }
    if (*words)
        (void)json_object_set_new(worker->result, "remark", json_string(words));
    put_ms(worker, "floor", (double)floor_ns);
    /* Nothing here is bulk data: the window's bytes would be taken for a throughput. */
    (void)json_object_del(worker->result, "bytes");
    mqtt_client_session(latency->subscriber, &session);
    worker_put_tls(worker, &session);
    return worker_report(worker, error);
}

/* ---- the prober ---- */

static int run_prober(struct worker_context *worker, struct error *error) {
    static struct latency latency; /* large; and after a failure its threads may still use it */
    CLEANUP(client_config_freep) struct client_config *subscriber = NULL;
    const struct latency_settings *settings = worker->settings;
    int64_t floor_ns = 0;
    int r = role_reader(worker, &subscriber, error);

    if (r < 0)
        return r;
    client_config_name_session(worker->client, "latency");
    client_config_name_session(subscriber, "echo");
    latency.tag = role_tag(worker);
    latency_open(&latency, settings, jsonline_text(worker->params, "topic", "bench"));
    r = latency_connect(&latency, subscriber, worker->client, error);
    if (r < 0)
        return r;
    r = measure_floor(&floor_ns, error);
    if (r < 0)
        return r;
    r = worker_measure_client(worker, &settings->window, latency.streams,
                              ARRAY_SIZE(latency.streams), error);
    if (settings->qos > 0 && (r == -ECONNRESET || r == -EPIPE || r == -ETIMEDOUT)) {
        struct error end = *error;

        return error_set(error, r, "%s; the broker may take no QoS %d (probe.latency.qos)",
                         end.text, (int)settings->qos);
    }
    if (r < 0)
        return r;
    r = put_result(worker, &latency, floor_ns, error);
    if (r < 0)
        return r;
    latency_close(&latency);
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
     .run = stream_end,
     .context = &stream_kinds[STREAM_LOAD],
     .direct = true,
     .beside = true,
     .applies = is_loaded},
    {.name = "latency-load-client",
     .party = PARTY_CLIENT2,
     .run = stream_end,
     .context = &stream_kinds[STREAM_LOAD],
     .direct = true,
     .beside = true,
     .applies = is_loaded},
    {.name = "latency-prober",
     .party = PARTY_CLIENT2,
     .process = "client",
     .settings = &group,
     .run = run_prober},
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
