#include "probes/telemetry.h"

#include "base/clock.h"
#include "model/topic.h"
#include "mqtt/client.h"

#include <poll.h>
#include <string.h>

enum { CONNECTION_PERSISTENT, CONNECTION_PER_MESSAGE };

#define AT(member) .offset = offsetof(struct telemetry_settings, member)
static const struct setting rows[] = {
    {"payload", SETTING_BYTES, "30B", "12B", "1MiB", .help = "payload of a message",
     AT(payload_bytes)},
    {"interval", SETTING_DURATION, "3s", "10ms", "1h", .help = "time from message to message",
     AT(interval_ns)},
    {"connection", SETTING_CHOICE, "persistent", .choices = "persistent per-message",
     .help = "one connection, or a new one for each message", AT(connection)},
    {"qos", SETTING_CHOICE, "0", .choices = "0 1 2", .help = "quality of service", AT(qos)},
    {"topic", SETTING_TEXT, "bench/telemetry", .help = "where it is published", AT(topic),
     .check = topic_check},
    {"library", SETTING_CHOICE, "libmosquitto", .choices = MQTT_LIBRARY_WORDS,
     .help = "whose MQTT client publishes and subscribes; paho: Paho C", AT(library),
     .check = mqtt_client_check_library},
};
const struct setting_group telemetry_group =
    SETTING_GROUP("telemetry", SETTING_SCENARIO, rows, struct telemetry_settings);

/* How long a message may take to leave: a link that is down for a moment is no failure. */
#define LEAVE_NS (10 * NS_PER_S)
#define IDLE_NS  NS_PER_S

/* A message begins with the tag of its run, hexadecimal, and its number, decimal. */
#define TAG_DIGITS    3
#define NUMBER_DIGITS 7
#define START_BYTES   (TAG_DIGITS + NUMBER_DIGITS)

struct reporter {
    const struct telemetry_settings *settings;
    struct mqtt_client *client;
    struct worker_context *worker;
    const char *topic;
    char tag[TAG_DIGITS + 1];
    int64_t count; /* published, or arrived, with those before this worker began */
    int code;
    struct error error;
};

/* Waits for the driver's word, the connection, or the instant; then lets the client work. 1 when
 * the driver has spoken. */
static int wait_for(struct reporter *reporter, int64_t instant_ns, struct error *error) {
    struct pollfd pollers[2] = {
        {.fd = worker_fd(reporter->worker), .events = POLLIN},
        {.fd = reporter->client ? mqtt_client_fd(reporter->client) : -1, .events = POLLIN}};
    int64_t left = instant_ns - clock_monotonic_ns();
    struct timespec timeout;
    int r;

    if (worker_has_word(reporter->worker))
        return 1;
    left = left < 0 ? 0 : left > IDLE_NS ? IDLE_NS : left; /* not past the next keep-alive */
    timeout =
        (struct timespec){.tv_sec = (time_t)(left / NS_PER_S), .tv_nsec = (long)(left % NS_PER_S)};
    if (ppoll(pollers, 2, &timeout, NULL) > 0 && pollers[0].revents)
        return 1;
    if (!reporter->client)
        return 0;
    r = mqtt_client_turn(reporter->client, 0, error);
    return r < 0 ? r : mqtt_client_check_qos(reporter->client, error);
}

/* ---- publisher ---- */

static int publish_connected(struct reporter *reporter, int64_t due_ns, struct error *error) {
    const struct telemetry_settings *settings = reporter->settings;
    CLEANUP_FREE char *payload = memory_new((size_t)settings->payload_bytes + 1, 1);
    int64_t due_utc_ns = due_ns - clock_monotonic_ns() + clock_realtime_ns();
    int64_t before = mqtt_client_completed(reporter->client);
    int r;

    memset(payload, '.', (size_t)settings->payload_bytes);
    (void)snprintf(payload, START_BYTES + 1, "%s%0*lld", reporter->tag, NUMBER_DIGITS,
                   (long long)reporter->count + 1);
    payload[START_BYTES] = ' ';
    reporter->count++;
    r = mqtt_client_publish(reporter->client, reporter->topic, payload,
                            (size_t)settings->payload_bytes, (int)settings->qos, error);
    if (r < 0)
        return r;
    r = worker_say(reporter->worker, "published",
                   json_pack("{s:I,s:I,s:I,s:s}", "sequence", (json_int_t)reporter->count, "due_ns",
                             (json_int_t)due_ns, "due_utc_ns", (json_int_t)due_utc_ns, "topic",
                             reporter->topic),
                   error);
    return r < 0 ? r : mqtt_client_flush(reporter->client, before + 1, LEAVE_NS, error);
}

static int publish(struct reporter *reporter, int64_t due_ns, struct error *error) {
    int r;

    if (reporter->settings->connection == CONNECTION_PERSISTENT)
        return publish_connected(reporter, due_ns, error);
    r = mqtt_client_connect(&reporter->client, reporter->worker->client, NULL, NULL, error);
    if (r < 0)
        return r;
    r = publish_connected(reporter, due_ns, error);
    mqtt_client_free(reporter->client);
    reporter->client = NULL;
    return r;
}

/* An absolute schedule: what comes late does not move what follows. */
static int publish_all(struct reporter *reporter, struct error *error) {
    int64_t start = clock_monotonic_ns();

    for (int64_t i = 0;; i++) {
        int64_t due = start + i * reporter->settings->interval_ns;
        int r;

        do { /* also when it is late already: the driver must be heard */
            r = wait_for(reporter, due, error);
            if (r != 0)
                return r < 0 ? r : 0;
        } while (clock_monotonic_ns() < due);
        r = publish(reporter, due, error);
        if (r < 0)
            return r;
    }
}

static int await_go(struct reporter *reporter, struct error *error) {
    int r = worker_say(reporter->worker, "ready", NULL, error);

    return r < 0 ? r : worker_await(reporter->worker, "go", NULL, error);
}

static int run_as_publisher(struct reporter *reporter, struct error *error) {
    int r = 0;

    if (reporter->settings->connection == CONNECTION_PERSISTENT)
        r = mqtt_client_connect(&reporter->client, reporter->worker->client, NULL, NULL, error);
    if (r < 0)
        return r;
    r = await_go(reporter, error);
    if (r < 0)
        return r;
    r = publish_all(reporter, error);
    return r < 0 ? r : worker_await(reporter->worker, "stop", NULL, error);
}

/* ---- subscriber ---- */

static void take_message(void *context, const char *topic, const void *payload, size_t length) {
    struct reporter *reporter = context;
    int64_t at_ns = clock_monotonic_ns();
    char start[START_BYTES + 1] = "";

    (void)topic;
    if (length < START_BYTES)
        return;
    memcpy(start, payload, START_BYTES);
    if (strncmp(start, reporter->tag, TAG_DIGITS) != 0)
        return; /* of another run at this broker, or late */
    reporter->count++;
    reporter->code = worker_say(reporter->worker, "arrived",
                                json_pack("{s:I,s:I,s:I,s:s}", "sequence",
                                          (json_int_t)strtoll(start + TAG_DIGITS, NULL, 10),
                                          "at_ns", (json_int_t)at_ns, "bytes", (json_int_t)length,
                                          "topic", reporter->topic),
                                &reporter->error);
}

static int run_as_subscriber(struct reporter *reporter, struct error *error) {
    const struct telemetry_settings *settings = reporter->settings;
    json_auto_t *facts = NULL;
    int64_t deadline, expected;
    int r = mqtt_client_connect(&reporter->client, reporter->worker->client, take_message, reporter,
                                error);

    if (r < 0)
        return r;
    r = mqtt_client_subscribe(reporter->client, reporter->topic, (int)settings->qos, error);
    if (r < 0)
        return r;
    r = await_go(reporter, error);
    while (r == 0)
        r = wait_for(reporter, INT64_MAX, error);
    if (r < 0)
        return r;
    r = worker_await(reporter->worker, "stop", &facts, error);
    if (r < 0)
        return r;
    expected = jsonline_integer(facts, "sent", 0);
    deadline = clock_monotonic_ns() + WORKER_LOST_NS;
    while (reporter->count < expected && clock_monotonic_ns() < deadline) {
        r = mqtt_client_turn(reporter->client, clock_poll_ms(deadline), error);
        if (r < 0)
            return r;
    }
    return mqtt_client_check_qos(reporter->client, error);
}

/* ---- both ---- */

static void clear(struct reporter *reporter) {
    mqtt_client_freep(&reporter->client);
}

static int run(struct worker_context *worker, struct error *error) {
    CLEANUP(clear) struct reporter reporter = {.worker = worker, .settings = worker->settings};
    int r;

    worker->client->library = reporter.settings->library;
    reporter.topic = *worker->client->telemetry_topic ? worker->client->telemetry_topic
                                                      : reporter.settings->topic;
    reporter.count = jsonline_integer(worker->params, "first", 0);
    (void)snprintf(reporter.tag, sizeof(reporter.tag), "%0*llx", TAG_DIGITS,
                   (unsigned long long)jsonline_integer(worker->params, "tag", 0) & 0xfff);
    r = worker->role == &role_telemetry_publisher ? run_as_publisher(&reporter, error)
                                                  : run_as_subscriber(&reporter, error);
    if (r < 0)
        return r;
    if (reporter.code < 0)
        return error_set(error, reporter.code, "%s", reporter.error.text);
    (void)json_object_set_new(worker->result, "sent", json_integer(reporter.count));
    return worker_report(worker, error);
}

const struct role role_telemetry_publisher = {.name = "telemetry-publisher",
                                              .party = PARTY_CLIENT2,
                                              .settings = &telemetry_group,
                                              .run = run};
const struct role role_telemetry_subscriber = {.name = "telemetry-subscriber",
                                               .party = PARTY_CLIENT1,
                                               .settings = &telemetry_group,
                                               .run = run};
