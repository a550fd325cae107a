/* delivery - published by client2 through the broker, counted at the subscriber, client1. */
#include "probes/delivery.h"

#include "base/clock.h"
#include "model/topic.h"
#include "probes/wire_bytes.h"
#include "security/payload.h"
#include "transport/overhead.h"

#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>

#define AT(member) .offset = offsetof(struct delivery_settings, member)
static const struct setting rows[] = {
    {"duration", SETTING_DURATION, "10s", "100ms", "1h", .help = "measured time of a trial",
     AT(window.duration_ns)},
    {"warmup", SETTING_DURATION, "1s", "0s", "10min",
     .help = "time before that, which does not count", AT(window.warmup_ns)},
    {"payload", SETTING_BYTES, "64KiB", "8B", "4MiB", .help = "payload of a message",
     AT(payload_bytes)},
    {"qos", SETTING_CHOICE, "0", .choices = "0 1 2", .help = "quality of service, both hops",
     AT(qos)},
    {"window", SETTING_BYTES, "0B", "0B", "1GiB",
     .help = "payload on its way at once; 4 messages at least; 0B: chosen when the run begins, "
             "2MiB to 64MiB by the round trip to the broker",
     AT(window_bytes)},
    {"topic", SETTING_TEXT, "bench", .help = "it publishes below this one, and the trial's number",
     AT(topic), .check = topic_check},
    {"library", SETTING_CHOICE, "libmosquitto", .choices = MQTT_LIBRARY_WORDS,
     .help = "whose MQTT client publishes and subscribes; paho: Paho C", AT(library),
     .check = mqtt_client_check_library},
};
static const struct setting_group group =
    SETTING_GROUP("probe.delivery", SETTING_PROBE, rows, struct delivery_settings);

#define MIN_WINDOW_BYTES   (INT64_C(2) << 20)
#define MAX_WINDOW_BYTES   (INT64_C(64) << 20)
#define WINDOW_BYTES_PER_S (2 * 125e6)

int64_t delivery_window(double round_trip_ms) {
    int64_t window = MIN_WINDOW_BYTES;

    while (window < MAX_WINDOW_BYTES && (double)window < WINDOW_BYTES_PER_S * round_trip_ms / 1000)
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

/* ---- a courier ---- */

#define MIN_MESSAGES 4 /* one on either hop, and the next of each ready */
/* A stock Mosquitto queues 1000 messages for a subscriber, and drops what is above. */
#define QUEUED_MESSAGES 900
#define MAX_MESSAGES    (1 << 20) /* Paho C holds no more */
/* What a small message costs on its way besides its payload. */
#define MESSAGE_BYTES      64
#define CREDITS_PER_WINDOW 8
#define TURN_MS            100
#define SETTLE_TURN_MS     5
/* How often, and for how long at most, a message is sent alone; the shortest time counts. */
#define MAX_LOOPS 20
#define LOOPS_NS  NS_PER_S
/* The least share of waiting that says anything, and how many times as long as alone a message is
 * on its way where a queue is full. */
#define STARVED 0.05
#define QUEUED  2
/* How long nothing may move. */
#define STALL_NS WORKER_LOST_NS
/* In a message's number: the publisher asks for credit at once. In a credit: that is the answer. */
#define ASK (INT64_C(1) << 62)

static void count(struct courier *courier) {
    stream_count(&courier->stream, courier->moved * courier->settings->payload_bytes,
                 courier->moved);
}

static int check_arrived(struct courier *courier) {
    int r = payload_check_rejected(mqtt_client_rejected(courier->client), &courier->stream.error);

    return r == 0 ? mqtt_client_check_qos(courier->client, &courier->stream.error) : r;
}

/* Whether what is waited for since *since_ns has come to a standstill. Where anything has come or
 * was acknowledged meanwhile, what takes long, be it a large message on a slow link, is none. The
 * kernel is asked at half of the time only. */
static bool is_at_standstill(struct courier *courier, int64_t *since_ns, int64_t limit_ns) {
    int64_t now = clock_monotonic_ns(), before = courier->tcp_bytes;
    struct tcp_counters counters;

    if (now - *since_ns < limit_ns / 2)
        return false;
    if (tcp_read_counters(mqtt_client_socket(courier->client), &counters) == 0)
        courier->tcp_bytes = counters.bytes_acked + counters.bytes_received;
    if (courier->tcp_bytes == before)
        return now - *since_ns >= limit_ns;
    *since_ns = now;
    return false;
}

/* ---- publisher ---- */

/* Not of another trial, late. */
static bool is_own(const struct courier *courier, int64_t number) {
    return (number & ~(ASK | SEQUENCE_MAX)) == courier->tag;
}

static void take_credit(void *context, const char *topic, const void *payload, size_t length) {
    struct courier *courier = context;

    int64_t credit = -1;

    (void)topic;
    if (length == sizeof(credit))
        memcpy(&credit, payload, length);
    if (!is_own(courier, credit))
        return;
    if (credit & ASK)
        courier->answered = true;
    courier->credited = credit & SEQUENCE_MAX;
}

static int publish_one(struct courier *courier, int64_t number) {
    int64_t tagged = number | courier->tag;
    int r;

    memcpy(courier->payload, &tagged, sizeof(tagged));
    r = mqtt_client_publish(courier->client, courier->data_topic, courier->payload,
                            (size_t)courier->settings->payload_bytes, (int)courier->settings->qos,
                            &courier->stream.error);
    if (r == 0)
        courier->moved++;
    return r;
}

/* Publishes until something waits to be sent, the window is full, or it is time to look around. */
static int publish_some(struct courier *courier) {
    int64_t limit = courier->credited + courier->window, batch = courier->window / 16 + 1;

    for (int64_t i = 0; i < batch && courier->moved < limit; i++) {
        int r = publish_one(courier, courier->moved);

        if (r < 0)
            return r;
        if (mqtt_client_wants_write(courier->client))
            break;
    }
    count(courier);
    return 0;
}

/* The same with an imposed loss: a message a time, and a rest when the burst's last has arrived. */
static int publish_slowed(struct courier *courier) {
    bool last;
    int r;

    if (courier->asked) {
        if (!courier->answered || mqtt_client_completed(courier->client) < courier->moved)
            return 0;
        pauses_take(&courier->pauses, &courier->stop);
        courier->asked = courier->answered = false;
        courier->burst = courier->moved;
    }
    if (courier->moved >= courier->credited + courier->window)
        return 0;
    last = pauses_due(&courier->pauses, courier->moved - courier->burst,
                      courier->moved - courier->credited);
    r = publish_one(courier, last ? courier->moved | ASK : courier->moved);
    if (r < 0)
        return r;
    courier->asked = last;
    count(courier);
    return 0;
}

/* A turn in which nothing can be published, and nothing waits to be sent: credit ends it. */
static int wait_for_credit(struct courier *courier) {
    int64_t before = clock_monotonic_ns();
    int r = mqtt_client_turn(courier->client, TURN_MS, &courier->stream.error);

    if (courier->measuring && atomic_load_explicit(courier->measuring, memory_order_relaxed))
        courier->starved_ns += clock_monotonic_ns() - before;
    return r;
}

/* A message alone, until it is answered; -ETIMEDOUT: nobody does, and the rest is lost. A broker
 * with Nagle's algorithm holds the answer back until what came before it is acknowledged: at once,
 * as it is where more is on its way. */
static int send_alone(struct courier *courier) {
    int64_t since = clock_monotonic_ns();
    int r, at_once = 1;

    courier->answered = false;
    r = publish_one(courier, courier->moved | ASK);
    if (r < 0)
        return r;
    while (!courier->answered || mqtt_client_completed(courier->client) < courier->moved) {
        if (is_at_standstill(courier, &since, STALL_NS))
            return -ETIMEDOUT;
        (void)setsockopt(mqtt_client_socket(courier->client), IPPROTO_TCP, TCP_QUICKACK, &at_once,
                         sizeof(at_once));
        r = mqtt_client_turn(courier->client, TURN_MS, &courier->stream.error);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The share of so much of a publisher's time in which it waited for credit. */
static double credit_wait(const struct courier *courier, int64_t elapsed_ns) {
    double share = (double)courier->starved_ns / (double)elapsed_ns;

    return share < 1 ? share : 1; /* a turn may have begun before the window */
}

/* The first one has all before it on its way. Only when it can say something: it takes time. */
static int measure_loop(struct courier *courier) {
    double share = credit_wait(courier, courier->settings->window.duration_ns);
    int64_t begin = clock_monotonic_ns(), before, took;

    if (share <= STARVED || courier->publish != publish_some)
        return 0;
    for (int i = 0; i < MAX_LOOPS && (i < 2 || before - begin < LOOPS_NS); i++) {
        int r;

        before = clock_monotonic_ns();
        r = send_alone(courier);
        if (r < 0)
            return r == -ETIMEDOUT ? 0 : r;
        took = clock_monotonic_ns() - before;
        if (!courier->loop_ns || took < courier->loop_ns)
            courier->loop_ns = took;
    }
    return 0;
}

/* Until told to stop; then until all has left that was published. */
static int publish_all(struct courier *courier) {
    int64_t stalled_since = 0, credited = 0;

    for (;;) {
        bool stop = atomic_load_explicit(&courier->stop, memory_order_relaxed), busy, full;
        int r = 0;

        if (stop && mqtt_client_completed(courier->client) >= courier->moved &&
            !mqtt_client_wants_write(courier->client))
            return 0;
        if (!stop)
            r = courier->publish(courier);
        if (r < 0)
            return r;
        busy = stop || courier->asked || mqtt_client_wants_write(courier->client);
        full = busy || courier->moved >= courier->credited + courier->window;
        r = full && !busy
                ? wait_for_credit(courier)
                : mqtt_client_turn(courier->client, full ? TURN_MS : 0, &courier->stream.error);
        if (r < 0)
            return r;
        r = check_arrived(courier);
        if (r < 0)
            return r;
        if (!full || courier->credited != credited) {
            credited = courier->credited;
            stalled_since = 0;
        } else if (!stalled_since) {
            stalled_since = clock_monotonic_ns();
        } else if (is_at_standstill(courier, &stalled_since, STALL_NS)) {
            return error_set(&courier->stream.error, -ETIMEDOUT,
                             "nothing more has arrived at the subscriber for %d s",
                             (int)(STALL_NS / NS_PER_S));
        }
    }
}

static int publish(struct stream *stream) {
    struct courier *courier = stream->context;
    int r;

    pauses_begin(&courier->pauses);
    r = publish_all(courier);
    return r < 0 ? r : measure_loop(courier);
}

/* ---- subscriber ---- */

static void give_credit(struct courier *courier, int64_t answer) {
    int64_t credit = courier->moved | answer | courier->tag;

    courier->credited = courier->moved;
    courier->stream.code = mqtt_client_publish(courier->client, courier->credit_topic, &credit,
                                               sizeof(credit), 0, &courier->stream.error);
}

static void take_message(void *context, const char *topic, const void *payload, size_t length) {
    struct courier *courier = context;
    int64_t number = -1;

    (void)topic;
    if (length >= sizeof(number))
        memcpy(&number, payload, sizeof(number));
    if (number < 0 ? courier->shared : !is_own(courier, number))
        return; /* somebody else's */
    if (number < 0 || length != (size_t)courier->settings->payload_bytes) {
        courier->wrong++;
        return;
    }
    if (!sequence_take(&courier->sequence, number & SEQUENCE_MAX))
        return;
    courier->moved++;
    count(courier);
    if (number & ASK)
        give_credit(courier, ASK);
    else if (courier->moved - courier->credited >= courier->window / CREDITS_PER_WINDOW)
        give_credit(courier, 0);
}

/* Until all that the publisher has told of is here, or nothing more comes. */
static int receive(struct stream *stream) {
    struct courier *courier = stream->context;
    int64_t last_moved = -1, last_change = 0;

    for (;;) {
        int64_t expected = atomic_load_explicit(&courier->expected, memory_order_relaxed);
        int r;

        if (expected >= 0) {
            if (courier->moved != last_moved) {
                last_moved = courier->moved;
                last_change = clock_monotonic_ns();
            }
            if (courier->moved >= expected ||
                is_at_standstill(courier, &last_change, courier->silence_ns))
                return 0;
        }
        r = mqtt_client_turn(courier->client, TURN_MS, &courier->stream.error);
        if (r < 0)
            return r;
        if (courier->stream.code < 0)
            return courier->stream.code;
        r = check_arrived(courier);
        if (r < 0)
            return r;
    }
}

/* ---- both ---- */

void courier_open(struct courier *courier, const char *topic,
                  const struct delivery_settings *settings) {
    int64_t window = settings->window_bytes / (settings->payload_bytes + MESSAGE_BYTES);

    if (window < MIN_MESSAGES)
        window = MIN_MESSAGES;
    else if (window > MAX_MESSAGES)
        window = MAX_MESSAGES;
    *courier = (struct courier){
        .settings = settings, .window = window, .expected = -1, .silence_ns = WORKER_LOST_NS};
    courier->data_topic = text_format("%s/data", topic);
    courier->credit_topic = text_format("%s/credit", topic);
    courier->payload = memory_new((size_t)settings->payload_bytes, 1);
    (void)!getrandom(courier->payload, (size_t)settings->payload_bytes, 0);
    courier->stream.context = courier;
    courier->stream.stop = &courier->stop;
}

int courier_connect(struct courier *courier, const struct client_config *client, bool sends,
                    struct error *error) {
    int r;

    courier->capped = client->max_inflight > 0 && courier->window > QUEUED_MESSAGES;
    if (courier->capped)
        courier->window = QUEUED_MESSAGES;
    courier->shared = *client->data_topic;
    if (*client->data_topic)
        text_replace(&courier->data_topic, client->data_topic);
    if (*client->credit_topic)
        text_replace(&courier->credit_topic, client->credit_topic);
    r = mqtt_client_connect(&courier->client, client, sends ? take_credit : take_message, courier,
                            error);
    courier->publish = client->loss_ppm > 0 ? publish_slowed : publish_some;
    courier->stream.run = sends ? publish : receive;
    pauses_init(&courier->pauses, client->loss_ppm, courier->settings->window.duration_ns, 1);
    return r < 0 ? r
                 : mqtt_client_subscribe(courier->client,
                                         sends ? courier->credit_topic : courier->data_topic,
                                         sends ? 0 : (int)courier->settings->qos, error);
}

/* After the publisher's thread has ended: until the kernel has sent all and heard that it arrived,
 * or nothing moves for long. Only what is counted of the wire depends on it. */
static void settle(struct courier *courier) {
    int64_t moved_ns = clock_monotonic_ns();
    int waiting = INT_MAX, before;

    do {
        before = waiting;
        if (ioctl(mqtt_client_socket(courier->client), SIOCOUTQ, &waiting) < 0 || waiting == 0 ||
            mqtt_client_turn(courier->client, SETTLE_TURN_MS, NULL) < 0)
            return;
        if (waiting < before)
            moved_ns = clock_monotonic_ns();
    } while (clock_monotonic_ns() - moved_ns < STALL_NS);
}

void courier_close(struct courier *courier) {
    if (courier->client)
        mqtt_client_free(courier->client);
    free(courier->data_topic);
    free(courier->credit_topic);
    free(courier->payload);
}

/* ---- the role ---- */

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

/* What the publisher has waited for; and whether more would have left with a larger window, because
 * what was on its way was hardly longer on it than a message alone. */
static void put_credit(struct worker_context *worker, const struct courier *courier,
                       double messages_per_s, int64_t elapsed_ns) {
    double waited = credit_wait(courier, elapsed_ns), loop_ms = (double)courier->loop_ns / 1e6;
    CLEANUP_FREE char *words = NULL;

    worker_metric(worker, "credit_wait", 100 * waited);
    if (courier->loop_ns)
        worker_metric(worker, "message_loop", loop_ms);
    if (waited <= STARVED || !courier->loop_ns ||
        (double)courier->window / messages_per_s >= QUEUED * (double)courier->loop_ns / 1e9)
        return;
    words = text_format("limited by %s: the publisher waited %.0f %% of its time for credit, and a "
                        "message takes %.1f ms there and back by itself%s",
                        courier->capped ? "the 900 messages that a stock broker queues"
                                        : "probe.delivery.window",
                        100 * waited, loop_ms, courier->capped ? "" : "; set it larger");
    (void)json_object_set_new(worker->result, "remark", json_string(words));
}

static int put_books(struct worker_context *worker, const struct courier *courier, bool sends,
                     const json_t *facts, struct error *error) {
    int64_t units = json_integer_value(json_object_get(worker->result, "units"));
    int64_t elapsed_ns = json_integer_value(json_object_get(worker->result, "elapsed_ns"));
    int64_t sent = jsonline_integer(facts, "sent", 0);
    int r;

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
    /* A loss is never silent; where the quality of service excludes it, it is a failure, as is
     * anything else that breaks a promise of MQTT. */
    r = sequence_check(&courier->sequence, sent, (int)courier->settings->qos, true, error);
    if (r == 0 && courier->moved < sent) {
        CLEANUP_FREE char *words = text_format("%lld of %lld messages were lost",
                                               (long long)(sent - courier->moved), (long long)sent);

        (void)json_object_set_new(worker->result, "remark", json_string(words));
    }
    return r;
}

static bool is_left(int code) {
    return code == -ECONNRESET || code == -EPIPE;
}

/* What may be meant where a broker does not say it: the limits that brokers have. The code. */
static int explain_end(const struct courier *courier, bool sends, int code, struct error *error) {
    const struct delivery_settings *settings = courier->settings;
    struct error end = *error;

    if (code == -ENODATA && !sends) /* the subscriber knows only that it has waited */
        return error_set(
            error, code,
            "%s on topic %s; if a message of %lld bytes takes that long here, set "
            "probe.delivery.duration to three times as much; or the broker drops "
            "them: so large, so many in flight (external.max_inflight), or on this topic",
            end.text, courier->data_topic, (long long)settings->payload_bytes);
    if (code == -EIO) /* of QoS 1 and 2; see sequence_check() */
        return error_set(
            error, code,
            "%s; the broker may take fewer messages at a time (external.max_inflight), "
            "or queue less for a subscriber than probe.delivery.window",
            end.text);
    if (is_left(code) && settings->qos > 0)
        return error_set(error, code,
                         "%s; the broker may take no QoS %d (probe.delivery.qos), or no payload of "
                         "%lld bytes (probe.delivery.payload)",
                         end.text, (int)settings->qos, (long long)settings->payload_bytes);
    if (is_left(code))
        return error_set(
            error, code,
            "%s; the broker may take no payload of %lld bytes (probe.delivery.payload)", end.text,
            (long long)settings->payload_bytes);
    return code;
}

static int perform(struct worker_context *worker, struct courier *courier, bool sends,
                   struct error *error) {
    json_auto_t *facts = NULL;
    int r, fd = mqtt_client_socket(courier->client);
    struct tls_session session;
    struct wire_bytes wire;

    wire_bytes_begin(&wire, &fd, 1);
    r = worker_measure(worker, &courier->settings->window, &courier->stream, 1, !sends, error);
    if (r < 0)
        return explain_end(courier, sends, r, error);
    if (sends) {
        r = check_pace(courier, fd, error);
        if (r < 0)
            return r;
    }
    wire_bytes_put_tcp(worker, &fd, 1);
    r = worker_await(worker, "stop", &facts, error);
    if (r < 0)
        return r;
    atomic_store(&courier->expected, jsonline_integer(facts, "sent", 0));
    atomic_store(&courier->stop, true);
    r = worker_finish(&courier->stream, 1, error);
    if (r < 0)
        return explain_end(courier, sends, r, error);
    if (courier->wrong)
        return error_set(error, -EBADMSG, "%lld messages were none of this trial's",
                         (long long)courier->wrong);
    r = put_books(worker, courier, sends, facts, error);
    if (r < 0)
        return explain_end(courier, sends, r, error);
    mqtt_client_session(courier->client, &session);
    worker_put_tls(worker, &session);
    if (sends) { /* what this hop has cost on the wire, beside what it must cost */
        int64_t payload = courier->settings->payload_bytes, theory = -1,
                record = overhead_record(session.version, session.cipher);

        if (record >= 0)
            theory = courier->moved *
                     overhead_message(mqtt_client_payload_bytes(courier->client, payload),
                                      (int64_t)strlen(courier->data_topic),
                                      (int)courier->settings->qos, worker->client->mqtt, record);
        settle(courier);
        wire_bytes_put(&wire, worker, courier->moved * payload, theory);
    }
    r = worker_report(worker, error);
    /* A publisher that left now, on credits that it has not read, would reset its connection, and
     * the broker would drop what it has not read either: it stays until the driver drops it. */
    if (r == 0 && sends)
        (void)worker_await(worker, "leave", NULL, NULL);
    return r;
}

static int run(struct worker_context *worker, struct error *error) {
    static struct courier courier; /* after a failure its thread may still use it */
    const struct delivery_settings *settings = worker->settings;
    bool sends = worker->role->party == PARTY_CLIENT2;
    int r;

    client_config_name_session(worker->client, "delivery");
    worker->client->library = settings->library;
    courier_open(&courier, jsonline_text(worker->params, "topic", "bench"), settings);
    courier.measuring = &worker->measuring;
    courier.tag = role_tag(worker);
    r = courier_connect(&courier, worker->client, sends, error);
    if (r < 0)
        return r;
    r = worker_say(worker, "ready", json_pack("{s:b}", "sends", sends), error);
    if (r < 0)
        return r;
    r = perform(worker, &courier, sends, error);
    if (r < 0)
        return r;
    courier_close(&courier);
    return 0;
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
     .settings = &group,
     .run = run},
    {.name = "delivery-publisher",
     .party = PARTY_CLIENT2,
     .process = "sender",
     .settings = &group,
     .run = run},
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
