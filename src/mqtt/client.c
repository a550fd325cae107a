#include "mqtt/client.h"

#include "base/clock.h"
#include "security/credentials.h"
#include "security/payload_client.h"
#include "security/tls_context.h"

#include <errno.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#define TIMEOUT_NS  (5 * NS_PER_S)
#define KEEPALIVE_S 60
/* Packets taken in one turn before the caller has its say again. */
#define TURN_PACKETS 256

struct mqtt_client {
    struct mosquitto *library;
    SSL_CTX *context;
    struct payload_client *payload;
    mqtt_message_fn *on_message;
    void *user;
    int64_t received, completed;
    int64_t next_misc_ns;
    int64_t mqtt;        /* enum mqtt_version */
    int connack, suback; /* -1 until it comes */
    int farewell;        /* the reason of the broker's DISCONNECT (MQTT 5), or 0 */
};

static void on_connect(struct mosquitto *library, void *user, int code) {
    (void)library;
    ((struct mqtt_client *)user)->connack = code;
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
        client->farewell = code;
}

static void on_message(struct mosquitto *library, void *user,
                       const struct mosquitto_message *message) {
    struct mqtt_client *client = user;
    const void *payload = message->payload;
    size_t length = (size_t)message->payloadlen;

    (void)library;
    client->received++;
    if (payload_client_open(client->payload, message->topic, &payload, &length) &&
        client->on_message)
        client->on_message(client->user, message->topic, payload, length);
}

static int failed(int code, const char *what, struct error *error) {
    int saved = errno;

    if (code == MOSQ_ERR_ERRNO && saved)
        return error_errno(error, -saved, "MQTT %s", what);
    return error_set(error, -ECONNRESET, "MQTT %s: %s", what, mosquitto_strerror(code));
}

static int lost(const struct mqtt_client *client, int code, struct error *error) {
    if (client->farewell)
        return error_set(error, -ECONNRESET, "MQTT: the broker ended the connection: %s",
                         mosquitto_reason_string(client->farewell));
    return failed(code, "connection lost", error);
}

static void init_library(void) {
    (void)mosquitto_lib_init();
}

static int show_credentials(struct mqtt_client *client, const struct client_config *config,
                            struct error *error) {
    struct credentials shown;
    int r = credentials_now(&shown, config, error);

    if (r == 0 && *shown.username)
        (void)mosquitto_username_pw_set(client->library, shown.username, shown.password);
    OPENSSL_cleanse(shown.token, sizeof(shown.token));
    return r;
}

static int configure(struct mqtt_client *client, const struct client_config *config,
                     struct error *error) {
    int r = payload_client_new(&client->payload, &config->payload, error);

    if (r < 0)
        return r;
    (void)mosquitto_int_option(client->library, MOSQ_OPT_PROTOCOL_VERSION,
                               config->mqtt == MQTT_5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
    /* Of QoS 2, Mosquitto sends the next message when one is received, and not when it is complete:
     * with the library's 20 it would be taken for more than was asked for. In 3.1.1 clients cannot
     * limit it either. */
    (void)mosquitto_int_option(client->library, MOSQ_OPT_RECEIVE_MAXIMUM, UINT16_MAX);
    mosquitto_connect_callback_set(client->library, on_connect);
    mosquitto_subscribe_callback_set(client->library, on_subscribe);
    mosquitto_disconnect_callback_set(client->library, on_disconnect);
    mosquitto_publish_v5_callback_set(client->library, on_publish);
    mosquitto_message_callback_set(client->library, on_message);
    (void)mosquitto_int_option(client->library, MOSQ_OPT_TCP_NODELAY, 1);
    if (config->inflight)
        (void)mosquitto_int_option(client->library, MOSQ_OPT_SEND_MAXIMUM, (int)config->inflight);
    if (!config->tls.enabled)
        return 0;
    /* The library would check no host name under a context of ours: tls_context_client() does. */
    r = tls_context_client(&client->context, config, error);
    if (r < 0)
        return r;
    (void)mosquitto_int_option(client->library, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0);
    (void)mosquitto_void_option(client->library, MOSQ_OPT_SSL_CTX, client->context);
    return 0;
}

/* Turns until *answer is no longer -1. */
static int await(struct mqtt_client *client, const int *answer, const char *what,
                 struct error *error) {
    int64_t deadline = clock_monotonic_ns() + TIMEOUT_NS;

    while (*answer < 0) {
        int r = mqtt_client_turn(client, clock_poll_ms(deadline), error);

        if (r < 0)
            return r;
        if (*answer < 0 && clock_monotonic_ns() >= deadline)
            return error_set(error, -ETIMEDOUT, "MQTT: no %s within %d s", what,
                             (int)(TIMEOUT_NS / NS_PER_S));
    }
    return 0;
}

/* How the library connects: mosquitto_connect(), or mosquitto_reconnect() with its arguments. */
static int log_in(struct mqtt_client *client, const struct client_config *config, bool again,
                  struct error *error) {
    int r = show_credentials(client, config, error);

    if (r < 0)
        return r;
    client->connack = -1;
    r = again ? mosquitto_reconnect(client->library)
              : mosquitto_connect(client->library, config->address, (int)config->port, KEEPALIVE_S);
    if (r != MOSQ_ERR_SUCCESS)
        return failed(r, "connection", error);
    r = await(client, &client->connack, "CONNACK", error);
    if (client->connack > 0) /* whatever the library made of it */
        return error_set(error, -EACCES, "MQTT: the broker refused %s: %s", config->client_id,
                         client->mqtt == MQTT_5 ? mosquitto_reason_string(client->connack)
                                                : mosquitto_connack_string(client->connack));
    return r;
}

int mqtt_client_connect(struct mqtt_client **ret, const struct client_config *config,
                        mqtt_message_fn *handler, void *context, struct error *error) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    CLEANUP(mqtt_client_freep) struct mqtt_client *client = memory_new(1, sizeof(*client));
    int r;

    (void)pthread_once(&once, init_library);
    client->on_message = handler;
    client->user = context;
    client->suback = -1;
    client->mqtt = config->mqtt;
    client->library = mosquitto_new(config->client_id, true, client);
    if (!client->library)
        return error_errno(error, -errno, "MQTT client '%s'", config->client_id);
    r = configure(client, config, error);
    if (r < 0)
        return r;
    r = log_in(client, config, false, error);
    if (r < 0)
        return r;
    *ret = client;
    client = NULL;
    return 0;
}

int mqtt_client_connect_again(struct mqtt_client *client, const struct client_config *config,
                              struct error *error) {
    int r;

    /* A new connection seals under a key of its own. */
    if (client->payload)
        payload_client_free(client->payload);
    client->payload = NULL;
    r = payload_client_new(&client->payload, &config->payload, error);
    return r < 0 ? r : log_in(client, config, true, error);
}

void mqtt_client_leave(struct mqtt_client *client) {
    (void)mosquitto_disconnect(client->library);
}

void mqtt_client_free(struct mqtt_client *client) {
    if (client->library) {
        (void)mosquitto_disconnect(client->library);
        mosquitto_destroy(client->library);
    }
    SSL_CTX_free(client->context);
    if (client->payload)
        payload_client_free(client->payload);
    free(client);
}

int mqtt_client_subscribe(struct mqtt_client *client, const char *topic, int qos,
                          struct error *error) {
    int r;

    client->suback = -1;
    r = mosquitto_subscribe(client->library, NULL, topic, qos);
    if (r != MOSQ_ERR_SUCCESS)
        return failed(r, "subscription", error);
    r = await(client, &client->suback, "SUBACK", error);
    if (r < 0)
        return r;
    if (client->suback > 2)
        return error_set(error, -EACCES, "MQTT: the broker refused the subscription to %s", topic);
    return 0;
}

int mqtt_client_publish(struct mqtt_client *client, const char *topic, const void *payload,
                        size_t length, int qos, struct error *error) {
    int r = payload_client_seal(client->payload, topic, &payload, &length, error);

    return r < 0 ? r : mqtt_client_publish_raw(client, topic, payload, length, qos, error);
}

int mqtt_client_publish_raw(struct mqtt_client *client, const char *topic, const void *payload,
                            size_t length, int qos, struct error *error) {
    int r = mosquitto_publish(client->library, NULL, topic, (int)length, payload, qos, false);

    return r == MOSQ_ERR_SUCCESS ? 0 : failed(r, "publication", error);
}

bool mqtt_client_wants_write(struct mqtt_client *client) {
    return mosquitto_want_write(client->library);
}

/* The library takes about one packet a call, and says nothing of whether there was one: a call that
 * brings no message ends the turn, and poll() tells whether more came. */
static int receive(struct mqtt_client *client, struct error *error) {
    for (int i = 0; i < TURN_PACKETS; i++) {
        int64_t before = client->received;
        int r = mosquitto_loop_read(client->library, 1);

        if (r != MOSQ_ERR_SUCCESS)
            return lost(client, r, error);
        if (client->received == before)
            return 0;
    }
    return 0;
}

int mqtt_client_turn(struct mqtt_client *client, int timeout_ms, struct error *error) {
    struct pollfd poller = {.fd = mosquitto_socket(client->library), .events = POLLIN};
    int64_t now;
    int r;

    if (mosquitto_want_write(client->library))
        poller.events |= POLLOUT;
    r = poll(&poller, 1, timeout_ms);
    if (r < 0 && errno != EINTR)
        return error_errno(error, -errno, "poll");
    if (r > 0 && poller.revents & ~POLLOUT) {
        r = receive(client, error);
        if (r < 0)
            return r;
    }
    if (mosquitto_want_write(client->library)) {
        r = mosquitto_loop_write(client->library, 1);
        if (r != MOSQ_ERR_SUCCESS)
            return lost(client, r, error);
    }
    now = clock_monotonic_ns();
    if (now >= client->next_misc_ns) {
        client->next_misc_ns = now + NS_PER_S;
        r = mosquitto_loop_misc(client->library);
        if (r != MOSQ_ERR_SUCCESS)
            return lost(client, r, error);
    }
    return 0;
}

int64_t mqtt_client_completed(const struct mqtt_client *client) {
    return client->completed;
}

int64_t mqtt_client_payload_bytes(const struct mqtt_client *client, int64_t length) {
    return payload_client_sealed_bytes(client->payload, length);
}

bool mqtt_client_opens(const struct mqtt_client *client) {
    return payload_client_opens(client->payload);
}

const int64_t *mqtt_client_rejected(const struct mqtt_client *client) {
    return payload_client_rejected(client->payload);
}

int mqtt_client_fd(const struct mqtt_client *client) {
    return mosquitto_socket(client->library);
}

void mqtt_client_session(struct mqtt_client *client, struct tls_session *ret) {
    SSL *ssl = mosquitto_ssl_get(client->library);

    *ret = (struct tls_session){{0}, {0}, {0}};
    if (ssl)
        tls_context_session(ssl, ret);
}

int64_t mqtt_client_version(const struct mqtt_client *client) {
    return client->mqtt;
}

char *mqtt_client_library_version(void) {
    int major, minor, revision;

    (void)mosquitto_lib_version(&major, &minor, &revision);
    return text_format("%d.%d.%d", major, minor, revision);
}
