/* Paho C, by its asynchronous interface, the one of its two that keeps many messages on their way.
 * It sends and receives in threads of its own (mqtt/paho.h). */
#include "base/clock.h"
#include "mqtt/paho.h"
#include "mqtt/sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Messages handed over and not complete at which it is time to wait: many enough for its threads,
 * and each search of its lists is as long as they are. */
#define BACKLOG      1024
#define MAX_BUFFERED (1 << 20)
#define ROOM_NS      (10 * NS_PER_S)
#define LOSS_TURNS   20
#define LOSS_TURN_MS 50
#define LEAVE_NS     (2 * NS_PER_S)
#define LEAVE_MS     1000

static struct paho *own_of(const struct mqtt_client *client) {
    return client->own;
}

/* ---- the connection ---- */

static int rejected(int code, const char *what, struct error *error) {
    const char *words = MQTTAsync_strerror(code);

    return error_set(error, -ECONNRESET, "MQTT %s: %s", what, words ? words : "Paho C refuses it");
}

static void set_login(MQTTAsync_connectOptions *options, struct paho *paho,
                      const struct credentials *shown) {
    options->keepAliveInterval = MQTT_KEEPALIVE_S;
    options->connectTimeout = CLIENT_ANSWER_S;
    options->maxInflight = (int)paho->inflight;
    if (*shown->username) {
        options->username = shown->username;
        options->password = shown->password;
    }
    if (paho->has_tls)
        options->ssl = &paho->tls.options;
    if (!paho->five)
        options->MQTTVersion = MQTTVERSION_3_1_1;
    paho_listen_login(paho, options);
}

/* Waits for the answer here already: TLS and the socket are to be looked at then. */
static int log_in(struct paho *paho, const struct credentials *shown, struct error *error) {
    MQTTAsync_connectOptions three = MQTTAsync_connectOptions_initializer,
                             five = MQTTAsync_connectOptions_initializer5;
    MQTTAsync_connectOptions *options = paho->five ? &five : &three;
    int64_t deadline = clock_monotonic_ns() + CLIENT_ANSWER_NS;
    int r;

    set_login(options, paho, shown);
    r = MQTTAsync_connect(paho->handle, options);
    if (r != MQTTASYNC_SUCCESS)
        return rejected(r, "connection", error);
    while (atomic_load(&paho->connack) < 0 && !atomic_load(&paho->lost)) {
        if (clock_monotonic_ns() >= deadline)
            return error_set(error, -ETIMEDOUT, "MQTT: no CONNACK within %d s", CLIENT_ANSWER_S);
        r = paho_await(paho, clock_poll_ms(deadline), error);
        if (r < 0)
            return r;
    }
    return atomic_load(&paho->connack) < 0 ? paho_failed(paho, "connection", error) : 0;
}

/* By itself the library leaves Nagle's algorithm on, which delays what is acknowledged by 40 ms. A
 * connection that is lost already is none any more, of which the library is about to tell. */
static int look_at_socket(struct paho *paho, const struct sockets *before, int64_t port,
                          struct error *error) {
    int one = 1;

    paho->socket = sockets_find_new(before, (int)port);
    if (paho->socket >= 0 &&
        setsockopt(paho->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0)
        return 0;
    for (int i = 0; i < LOSS_TURNS && !atomic_load(&paho->lost); i++)
        if (paho_await(paho, LOSS_TURN_MS, NULL) < 0)
            break;
    return atomic_load(&paho->lost) ? paho_failed(paho, "connection", error)
                                    : error_set(error, -EIO, "Paho C: its connection is not found");
}

static int connect_client(struct mqtt_client *client, const struct client_config *config,
                          const struct credentials *shown, bool again, struct error *error) {
    struct paho *paho = own_of(client);
    struct sockets before;
    int r, seen = 0;

    (void)again;
    atomic_store(&paho->connack, -1);
    atomic_store(&paho->max_qos, -1);
    atomic_store(&paho->lost, false);
    atomic_store(&paho->left, false);
    *paho->why = '\0';
    sockets_list(&before, (int)config->port);
    r = paho->has_tls ? paho_tls_begin(config, error) : 0;
    if (r < 0)
        return r;
    r = log_in(paho, shown, error);
    if (paho->has_tls)
        seen = paho_tls_end(&paho->tls, r < 0 ? NULL : error);
    if (r == 0)
        r = seen;
    if (r == 0 && atomic_load(&paho->connack) == 0)
        r = look_at_socket(paho, &before, config->port, error);
    if (atomic_load(&paho->max_qos) >= 0)
        client->max_qos = atomic_load(&paho->max_qos);
    client->connack = atomic_load(&paho->connack);
    return r;
}

static void leave(struct mqtt_client *client) {
    struct paho *paho = own_of(client);
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    int64_t deadline = clock_monotonic_ns() + LEAVE_NS;

    options.timeout = LEAVE_MS;
    paho_listen_farewell(paho, &options);
    atomic_store(&paho->left, false);
    if (MQTTAsync_disconnect(paho->handle, &options) != MQTTASYNC_SUCCESS)
        return;
    while (!atomic_load(&paho->left) && clock_monotonic_ns() < deadline)
        if (paho_await(paho, clock_poll_ms(deadline), NULL) < 0)
            return;
}

/* ---- making one ---- */

static char *make_uri(const struct client_config *config) {
    bool colons = strchr(config->address, ':') != NULL;

    return text_format("%s://%s%s%s:%d", config->tls.enabled ? "ssl" : "tcp", colons ? "[" : "",
                       config->address, colons ? "]" : "", (int)config->port);
}

static int create(struct paho *paho, const struct client_config *config, struct error *error) {
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
    CLEANUP_FREE char *uri = make_uri(config);
    int r;

    options.maxBufferedMessages = MAX_BUFFERED;
    options.MQTTVersion = paho->five ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
    r = MQTTAsync_createWithOptions(&paho->handle, uri, config->client_id,
                                    MQTTCLIENT_PERSISTENCE_NONE, NULL, &options);
    if (r == MQTTASYNC_SUCCESS)
        r = paho_listen(paho);
    return r == MQTTASYNC_SUCCESS ? 0 : rejected(r, "client", error);
}

static int open_client(struct mqtt_client *client, const struct client_config *config,
                       struct error *error) {
    struct paho *paho = memory_new(1, sizeof(*paho));

    client->own = paho;
    paho->socket = -1;
    (void)pthread_mutex_init(&paho->lock, NULL);
    paho->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (paho->bell < 0)
        return error_errno(error, -errno, "eventfd");
    paho->five = config->mqtt == MQTT_5;
    paho->inflight = config->inflight ? config->inflight : UINT16_MAX;
    paho->has_tls = config->tls.enabled;
    if (paho->has_tls)
        paho_tls_open(&paho->tls, config);
    return create(paho, config, error);
}

/* Behind the last of its clients the library ends its threads, which takes it tenths of a second.
 * It would be worse to keep it: a thread of its that has nothing to receive hears of the next
 * connection only after a second. */
static void close_client(struct mqtt_client *client) {
    struct paho *paho = own_of(client);

    if (!paho)
        return;
    if (paho->handle) {
        leave(client);
        MQTTAsync_destroy(&paho->handle);
    }
    paho_empty(&paho->incoming);
    free(paho->incoming.messages);
    free(paho->taken.messages);
    if (paho->has_tls)
        paho_tls_close(&paho->tls);
    if (paho->bell >= 0)
        (void)close(paho->bell);
    (void)pthread_mutex_destroy(&paho->lock);
    free(paho);
}

/* ---- messages ---- */

static int subscribe(struct mqtt_client *client, const char *topic, int qos, struct error *error) {
    struct paho *paho = own_of(client);
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    int r;

    paho_listen_subscription(paho, &options);
    atomic_store(&paho->suback, -1);
    r = MQTTAsync_subscribe(paho->handle, topic, qos, &options);
    return r == MQTTASYNC_SUCCESS ? 0 : rejected(r, "subscription", error);
}

/* The library's thread that sends sleeps on when an acknowledgement makes room, up to a second: it
 * is given nothing that it cannot send at once. */
static int wait_for_room(struct paho *paho, struct error *error) {
    int64_t deadline = clock_monotonic_ns() + ROOM_NS;
    bool waited = false;
    int r = 0;

    while (r == 0 && paho->published - atomic_load(&paho->completed) >= paho->inflight) {
        if (atomic_load(&paho->lost))
            return paho_failed(paho, "connection", error);
        if (clock_monotonic_ns() >= deadline)
            return error_set(error, -ETIMEDOUT, "MQTT: no acknowledgement within %d s",
                             (int)(ROOM_NS / NS_PER_S));
        r = paho_await(paho, clock_poll_ms(deadline), error);
        waited = true;
    }
    if (waited) /* for the turn that follows */
        paho_ring(paho);
    return r;
}

static int publish(struct mqtt_client *client, const char *topic, const void *payload,
                   size_t length, int qos, struct error *error) {
    struct paho *paho = own_of(client);
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    int r = qos > 0 ? wait_for_room(paho, error) : 0;

    if (r < 0)
        return r;
    paho_listen_publication(paho, &options);
    r = MQTTAsync_send(paho->handle, topic, (int)length, payload, qos, 0, &options);
    if (r != MQTTASYNC_SUCCESS)
        return rejected(r, "publication", error);
    paho->published++;
    return 0;
}

static bool wants_write(const struct mqtt_client *client) {
    return own_of(client)->published - client->completed >= BACKLOG;
}

static int turn(struct mqtt_client *client, int timeout_ms, struct error *error) {
    struct paho *paho = own_of(client);
    bool lost;
    int r = paho_await(paho, timeout_ms, error);

    if (r < 0)
        return r;
    lost = atomic_load(&paho->lost); /* what came before that is not */
    paho_hand_over(client);
    client->completed = atomic_load(&paho->completed);
    client->connack = atomic_load(&paho->connack);
    client->suback = atomic_load(&paho->suback);
    return lost ? paho_failed(paho, "connection", error) : 0;
}

/* ---- what is known of it ---- */

static int bell_of(const struct mqtt_client *client) {
    return own_of(client)->bell;
}

static int socket_of(const struct mqtt_client *client) {
    return own_of(client)->socket;
}

static void session(const struct mqtt_client *client, struct tls_session *ret) {
    *ret = own_of(client)->tls.session;
}

static const char *refusal(const struct mqtt_client *client) {
    static const char *const words[] = {"",
                                        "unacceptable protocol version",
                                        "identifier rejected",
                                        "server unavailable",
                                        "bad user name or password",
                                        "not authorised"};
    const char *reason = client->mqtt == MQTT_5
                             ? MQTTReasonCode_toString((enum MQTTReasonCodes)client->connack)
                         : (size_t)client->connack < ARRAY_SIZE(words) ? words[client->connack]
                                                                       : NULL;

    return reason ? reason : "for a reason that Paho C does not know";
}

static char *version(void) {
    const MQTTAsync_nameValue *info = MQTTAsync_getVersionInfo();

    for (; info && info->name; info++)
        if (text_equal(info->name, "Version"))
            return text_copy(info->value);
    return text_copy("unknown");
}

static const struct mqtt_library library = {
    .open = open_client,
    .close = close_client,
    .connect = connect_client,
    .leave = leave,
    .subscribe = subscribe,
    .publish = publish,
    .wants_write = wants_write,
    .turn = turn,
    .fd = bell_of,
    .socket = socket_of,
    .session = session,
    .refusal = refusal,
    .version = version,
};

const struct mqtt_library *const mqtt_library_paho = &library;
