#include "probes/courier.h"

#include "base/clock.h"
#include "security/payload_client.h"
#include "transport/transport.h"

#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>

#define MIN_WINDOW 4         /* one on either hop, and the next of each ready */
#define MAX_WINDOW (1 << 20) /* Paho C holds no more */
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

static int64_t window_of(const struct delivery_settings *settings) {
    int64_t window = settings->window_bytes / (settings->payload_bytes + MESSAGE_BYTES);

    return window < MIN_WINDOW ? MIN_WINDOW : window > MAX_WINDOW ? MAX_WINDOW : window;
}

static void count(struct courier *courier) {
    stream_count(&courier->stream, courier->moved * courier->settings->payload_bytes,
                 courier->moved);
}

static void *end(struct courier *courier, int code) {
    courier->stream.code = code;
    atomic_store(&courier->stream.ended, true);
    return NULL;
}

static int check_arrived(struct courier *courier) {
    int r = payload_check_rejected(mqtt_client_rejected(courier->client), &courier->stream.error);

    return r == 0 ? mqtt_client_check_qos(courier->client, &courier->stream.error) : r;
}

/* Whether anything has come or was acknowledged since this was last asked: what takes long, be it a
 * large message on a slow link, is no standstill. */
static bool has_moved(struct courier *courier) {
    struct tcp_counters now;
    int64_t before = courier->tcp_bytes;

    if (tcp_read_counters(mqtt_client_socket(courier->client), &now) < 0)
        return false;
    courier->tcp_bytes = now.bytes_acked + now.bytes_received;
    return courier->tcp_bytes != before;
}

/* Whether what is waited for since *since_ns has come to a standstill. The kernel is asked at half
 * of the time only. */
static bool is_at_standstill(struct courier *courier, int64_t *since_ns, int64_t limit_ns) {
    int64_t now = clock_monotonic_ns();

    if (now - *since_ns < limit_ns / 2)
        return false;
    if (!has_moved(courier))
        return now - *since_ns >= limit_ns;
    *since_ns = now;
    return false;
}

/* ---- publisher ---- */

static void take_credit(void *context, const char *topic, const void *payload, size_t length) {
    struct courier *courier = context;

    (void)topic;
    if (length != sizeof(courier->credited))
        return;
    memcpy(&courier->credited, payload, length);
    if (courier->credited & ASK)
        courier->answered = true;
    courier->credited &= ~ASK;
}

static int publish_one(struct courier *courier, int64_t number) {
    int r;

    memcpy(courier->payload, &number, sizeof(number));
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

/* The first one has all before it on its way. Only when it can say something: it takes time. */
static int measure_loop(struct courier *courier) {
    double share = courier_credit_wait(courier, courier->settings->window.duration_ns);
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

double courier_credit_wait(const struct courier *courier, int64_t elapsed_ns) {
    double share = (double)courier->starved_ns / (double)elapsed_ns;

    return share < 1 ? share : 1; /* a turn may have begun before the window */
}

bool courier_is_limited(const struct courier *courier, double messages_per_s, double credit_wait) {
    return credit_wait > STARVED && courier->loop_ns > 0 &&
           (double)courier->window / messages_per_s < QUEUED * (double)courier->loop_ns / 1e9;
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

void *courier_publish(void *argument) {
    struct courier *courier = ((struct stream *)argument)->context;
    int r;

    pauses_begin(&courier->pauses);
    r = publish_all(courier);
    return end(courier, r < 0 ? r : measure_loop(courier));
}

/* ---- subscriber ---- */

static void give_credit(struct courier *courier, int64_t answer) {
    int64_t credit = courier->moved | answer;

    courier->credited = courier->moved;
    courier->stream.code = mqtt_client_publish(courier->client, courier->credit_topic, &credit,
                                               sizeof(credit), 0, &courier->stream.error);
}

static void take_message(void *context, const char *topic, const void *payload, size_t length) {
    struct courier *courier = context;
    int64_t number = -1;

    (void)topic;
    if (length == (size_t)courier->settings->payload_bytes)
        memcpy(&number, payload, sizeof(number));
    if (number < 0) {
        courier->wrong++;
        return;
    }
    if (!sequence_take(&courier->sequence, number & ~ASK))
        return;
    courier->moved++;
    count(courier);
    if (number & ASK)
        give_credit(courier, ASK);
    else if (courier->moved - courier->credited >= courier->window / CREDITS_PER_WINDOW)
        give_credit(courier, 0);
}

/* Until all that the publisher has told of is here, or nothing more comes. */
static int receive_all(struct courier *courier) {
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

void *courier_receive(void *argument) {
    struct courier *courier = ((struct stream *)argument)->context;

    return end(courier, receive_all(courier));
}

/* ---- both ---- */

void courier_open(struct courier *courier, const char *topic,
                  const struct delivery_settings *settings) {
    *courier = (struct courier){.settings = settings,
                                .window = window_of(settings),
                                .expected = -1,
                                .silence_ns = WORKER_LOST_NS};
    courier->data_topic = text_format("%s/data", topic);
    courier->credit_topic = text_format("%s/credit", topic);
    courier->payload = memory_new((size_t)settings->payload_bytes, 1);
    (void)!getrandom(courier->payload, (size_t)settings->payload_bytes, 0);
    courier->stream.context = courier;
    courier->stream.stop = &courier->stop;
}

int courier_connect(struct courier *courier, const struct client_config *client, bool sends,
                    struct error *error) {
    bool slowed = client->loss_ppm > 0;
    int r = mqtt_client_connect(&courier->client, client, sends ? take_credit : take_message,
                                courier, error);

    courier->publish = slowed ? publish_slowed : publish_some;
    pauses_init(&courier->pauses, client->loss_ppm, courier->settings->window.duration_ns, 1);
    return r < 0 ? r
                 : mqtt_client_subscribe(courier->client,
                                         sends ? courier->credit_topic : courier->data_topic,
                                         sends ? 0 : (int)courier->settings->qos, error);
}

void courier_settle(struct courier *courier) {
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
