#include "probes/latency_loop.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>

#define TURN_MS  100
#define SLICE_NS (TURN_MS * NS_PER_MS)
/* A publisher that has not caught up so long after the measured time cannot hold the rate. */
#define BEHIND_NS (5 * NS_PER_S)
#define LEAVE_NS  (10 * NS_PER_S)

static int64_t due_ns(const struct latency *latency, int64_t number) {
    return atomic_load_explicit(&latency->start_ns, memory_order_acquire) +
           number * NS_PER_S / latency->settings->rate;
}

static bool is_measured(const struct latency *latency, int64_t number) {
    return number >= latency->first && number < latency->beyond;
}

static void *end(struct stream *stream, int code) {
    stream->code = code;
    atomic_store(&stream->ended, true);
    return NULL;
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
    int r;

    note_delay(latency, number);
    r = again ? mqtt_client_connect_again(latency->publisher, latency->as_publisher, error) : 0;
    if (r < 0)
        return r;
    memcpy(latency->payload, &number, sizeof(number));
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

static void *run_publisher(struct latency *latency) {
    struct stream *stream = &latency->streams[0];
    int64_t number = 0;
    int r;

    /* The kernel may wake this thread 50 us late, to save power, unless it is told not to. */
    (void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    atomic_store_explicit(&latency->start_ns, clock_monotonic_ns(), memory_order_release);
    r = publish_all(latency, &number, &stream->error);
    atomic_store(&latency->published, number);
    return end(stream, r);
}

/* ---- subscriber ---- */

static void take_message(void *context, const char *topic, const void *payload, size_t length) {
    int64_t at_ns = clock_monotonic_ns(), number = -1;
    struct latency *latency = context;

    (void)topic;
    if (length == (size_t)latency->settings->payload_bytes)
        memcpy(&number, payload, sizeof(number));
    if (number < 0 || number > SEQUENCE_MAX)
        latency->wrong++;
    else if (sequence_take(&latency->sequence, number) && is_measured(latency, number))
        histogram_record(&latency->latency_ns, at_ns - due_ns(latency, number));
    atomic_store_explicit(&latency->streams[1].counter.units, latency->sequence.arrived,
                          memory_order_relaxed);
}

/* Until all that was published is here, or nothing more comes. */
static void *receive_all(struct latency *latency) {
    struct stream *stream = &latency->streams[1];
    int64_t last_arrived = -1, last_change_ns = 0;
    int r = 0;

    while (r == 0) {
        int64_t published = atomic_load(&latency->published), now_ns = clock_monotonic_ns();

        if (latency->sequence.arrived != last_arrived || published < 0) {
            last_arrived = latency->sequence.arrived;
            last_change_ns = now_ns;
        }
        if (published >= 0 &&
            (last_arrived >= published || now_ns - last_change_ns > WORKER_LOST_NS))
            break;
        r = mqtt_client_turn(latency->subscriber, TURN_MS, &stream->error);
    }
    return end(stream, r);
}

/* ---- both ---- */

void *latency_run(void *argument) {
    struct stream *stream = argument;
    struct latency *latency = stream->context;

    return stream == &latency->streams[0] ? run_publisher(latency) : receive_all(latency);
}

void latency_open(struct latency *latency, const struct latency_settings *settings,
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
    for (size_t i = 0; i < ARRAY_SIZE(latency->streams); i++) {
        latency->streams[i].context = latency;
        latency->streams[i].stop = &latency->stop;
    }
}

int latency_connect(struct latency *latency, const struct client_config *as_subscriber,
                    struct client_config *as_publisher, struct error *error) {
    int r = mqtt_client_connect(&latency->subscriber, as_subscriber, take_message, latency, error);

    if (r < 0)
        return r;
    latency->as_publisher = as_publisher;
    r = mqtt_client_subscribe(latency->subscriber, latency->topic, (int)latency->settings->qos,
                              error);
    return r < 0 ? r : mqtt_client_connect(&latency->publisher, as_publisher, NULL, NULL, error);
}

void latency_close(struct latency *latency) {
    if (latency->publisher)
        mqtt_client_free(latency->publisher);
    if (latency->subscriber)
        mqtt_client_free(latency->subscriber);
    free(latency->topic);
    free(latency->payload);
}
