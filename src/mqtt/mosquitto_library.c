/* libmosquitto, without its threads: it works in turns, under a TLS context of ours. */
#include "mqtt/library.h"

#include "base/clock.h"
#include "security/tls_context.h"

#include <errno.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <poll.h>
#include <pthread.h>

/* Packets taken in one turn before the caller has its say again. */
#define TURN_PACKETS 256

struct own {
    struct mosquitto *library;
    SSL_CTX *context;
    int64_t next_misc_ns;
    int farewell; /* the reason of the broker's DISCONNECT (MQTT 5), or 0 */
};

static struct own *own_of(const struct mqtt_client *client) {
    return client->own;
}

/* ---- what the library tells ---- */

static void on_connect(struct mosquitto *library, void *user, int code, int flags,
                       const mosquitto_property *properties) {
    struct mqtt_client *client = user;
    uint8_t max_qos;

    (void)library;
    (void)flags;
    if (mosquitto_property_read_byte(properties, MQTT_PROP_MAXIMUM_QOS, &max_qos, false))
        client->max_qos = max_qos;
    client->connack = code;
}

static void on_subscribe(struct mosquitto *library, void *user, int id, int count,
                         const int *granted) {
    (void)library;
    (void)id;
    ((struct mqtt_client *)user)->suback = count > 0 ? granted[0] : 128;
}

/* A publication that is refused (MQTT 5) is complete as well; in version 5 alone of this callback
 * one of QoS 2 is told of, too. */
static void on_publish(struct mosquitto *library, void *user, int id, int code,
                       const mosquitto_property *properties) {
    (void)library;
    (void)id;
    (void)code;
    (void)properties;
    ((struct mqtt_client *)user)->completed++;
}

static void on_disconnect(struct mosquitto *library, void *user, int code) {
    struct mqtt_client *client = user;

    (void)library;
    if (client->mqtt == MQTT_5 && code >= MQTT_RC_UNSPECIFIED)
        own_of(client)->farewell = code;
}

static void on_message(struct mosquitto *library, void *user,
                       const struct mosquitto_message *message) {
    (void)library;
    mqtt_library_take(user, message->topic, message->payload, (size_t)message->payloadlen,
                      message->qos);
}

static int failed(int code, const char *what, struct error *error) {
    int saved = errno;

    if (code == MOSQ_ERR_ERRNO && saved)
        return error_errno(error, -saved, "MQTT %s", what);
    return error_set(error, -ECONNRESET, "MQTT %s: %s", what, mosquitto_strerror(code));
}

static int lost(const struct own *own, int code, struct error *error) {
    if (own->farewell)
        return error_set(error, -ECONNRESET, "MQTT: the broker ended the connection: %s",
                         mosquitto_reason_string(own->farewell));
    return failed(code, "connection lost", error);
}

/* ---- making one ---- */

static void init_library(void) {
    (void)mosquitto_lib_init();
}

static int configure(struct own *own, const struct client_config *config, struct error *error) {
    int r;

    mosquitto_connect_v5_callback_set(own->library, on_connect);
    mosquitto_subscribe_callback_set(own->library, on_subscribe);
    mosquitto_disconnect_callback_set(own->library, on_disconnect);
    mosquitto_publish_v5_callback_set(own->library, on_publish);
    mosquitto_message_callback_set(own->library, on_message);
    (void)mosquitto_int_option(own->library, MOSQ_OPT_PROTOCOL_VERSION,
                               config->mqtt == MQTT_5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
    /* Of QoS 2, Mosquitto sends the next message when one is received, and not when it is complete:
     * with the library's 20 it would be taken for more than was asked for. In 3.1.1 clients cannot
     * limit it either. */
    (void)mosquitto_int_option(own->library, MOSQ_OPT_RECEIVE_MAXIMUM, UINT16_MAX);
    (void)mosquitto_int_option(own->library, MOSQ_OPT_TCP_NODELAY, 1);
    if (config->inflight)
        (void)mosquitto_int_option(own->library, MOSQ_OPT_SEND_MAXIMUM, (int)config->inflight);
    if (!config->tls.enabled)
        return 0;
    /* The library would check no host name under a context of ours: tls_context_client() does. */
    r = tls_context_client(&own->context, config, error);
    if (r < 0)
        return r;
    (void)mosquitto_int_option(own->library, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0);
    (void)mosquitto_void_option(own->library, MOSQ_OPT_SSL_CTX, own->context);
    return 0;
}

static int open_client(struct mqtt_client *client, const struct client_config *config,
                       struct error *error) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct own *own = memory_new(1, sizeof(*own));

    (void)pthread_once(&once, init_library);
    client->own = own;
    own->library = mosquitto_new(config->client_id, true, client);
    if (!own->library)
        return error_errno(error, -errno, "MQTT client '%s'", config->client_id);
    return configure(own, config, error);
}

static void leave(struct mqtt_client *client) {
    (void)mosquitto_disconnect(own_of(client)->library);
}

static void close_client(struct mqtt_client *client) {
    struct own *own = own_of(client);

    if (!own)
        return;
    if (own->library) {
        leave(client);
        mosquitto_destroy(own->library);
    }
    SSL_CTX_free(own->context);
    free(own);
}

static int connect_client(struct mqtt_client *client, const struct client_config *config,
                          const struct credentials *shown, bool again, struct error *error) {
    struct mosquitto *library = own_of(client)->library;
    int r;

    if (*shown->username)
        (void)mosquitto_username_pw_set(library, shown->username, shown->password);
    r = again ? mosquitto_reconnect(library)
              : mosquitto_connect(library, config->address, (int)config->port, MQTT_KEEPALIVE_S);
    return r == MOSQ_ERR_SUCCESS ? 0 : failed(r, "connection", error);
}

/* ---- messages ---- */

static int subscribe(struct mqtt_client *client, const char *topic, int qos, struct error *error) {
    int r = mosquitto_subscribe(own_of(client)->library, NULL, topic, qos);

    return r == MOSQ_ERR_SUCCESS ? 0 : failed(r, "subscription", error);
}

static int publish(struct mqtt_client *client, const char *topic, const void *payload,
                   size_t length, int qos, struct error *error) {
    int r =
        mosquitto_publish(own_of(client)->library, NULL, topic, (int)length, payload, qos, false);

    return r == MOSQ_ERR_SUCCESS ? 0 : failed(r, "publication", error);
}

static bool wants_write(const struct mqtt_client *client) {
    return mosquitto_want_write(own_of(client)->library);
}

/* The library takes about one packet a call, and says nothing of whether there was one: a call that
 * brings no message ends the turn, and poll() tells whether more came. */
static int receive(struct mqtt_client *client, struct error *error) {
    for (int i = 0; i < TURN_PACKETS; i++) {
        int64_t before = client->received;
        int r = mosquitto_loop_read(own_of(client)->library, 1);

        if (r != MOSQ_ERR_SUCCESS)
            return lost(own_of(client), r, error);
        if (client->received == before)
            return 0;
    }
    return 0;
}

static int turn(struct mqtt_client *client, int timeout_ms, struct error *error) {
    struct own *own = own_of(client);
    struct pollfd poller = {.fd = mosquitto_socket(own->library), .events = POLLIN};
    int64_t now_ns;
    int r;

    if (mosquitto_want_write(own->library))
        poller.events |= POLLOUT;
    r = poll(&poller, 1, timeout_ms);
    if (r < 0 && errno != EINTR)
        return error_errno(error, -errno, "poll");
    if (r > 0 && poller.revents & ~POLLOUT) {
        r = receive(client, error);
        if (r < 0)
            return r;
    }
    if (mosquitto_want_write(own->library)) {
        r = mosquitto_loop_write(own->library, 1);
        if (r != MOSQ_ERR_SUCCESS)
            return lost(own, r, error);
    }
    now_ns = clock_monotonic_ns();
    if (now_ns < own->next_misc_ns)
        return 0;
    own->next_misc_ns = now_ns + NS_PER_S; /* keep-alives, once a second */
    r = mosquitto_loop_misc(own->library);
    return r == MOSQ_ERR_SUCCESS ? 0 : lost(own, r, error);
}

/* ---- what is known of it ---- */

static int socket_of(const struct mqtt_client *client) {
    return mosquitto_socket(own_of(client)->library);
}

static void session(const struct mqtt_client *client, struct tls_session *ret) {
    SSL *ssl = mosquitto_ssl_get(own_of(client)->library);

    if (ssl)
        tls_context_session(ssl, ret);
}

static const char *refusal(const struct mqtt_client *client) {
    return client->mqtt == MQTT_5 ? mosquitto_reason_string(client->connack)
                                  : mosquitto_connack_string(client->connack);
}

static char *version(void) {
    int major, minor, revision;

    (void)mosquitto_lib_version(&major, &minor, &revision);
    return text_format("%d.%d.%d", major, minor, revision);
}

const struct mqtt_library mqtt_library_mosquitto = {
    .open = open_client,
    .close = close_client,
    .connect = connect_client,
    .leave = leave,
    .subscribe = subscribe,
    .publish = publish,
    .wants_write = wants_write,
    .turn = turn,
    .fd = socket_of,
    .socket = socket_of,
    .session = session,
    .refusal = refusal,
    .version = version,
};
