#include "mqtt/client.h"

#include "base/clock.h"
#include "mqtt/library.h"
#include "security/payload.h"

#include <errno.h>
#include <openssl/crypto.h>

#define HIGHEST_QOS 2

static const struct mqtt_library *find(int64_t library) {
    return library == LIBRARY_PAHO ? mqtt_library_paho : &mqtt_library_mosquitto;
}

/* ---- which library ---- */

static int refuse_absent(struct error *error) {
    return error_set(error, -EOPNOTSUPP,
                     "this bench was built without Paho C; apt-get install libpaho-mqtt-dev, "
                     "remove its build folder (build/) and start ./bench again, on each host");
}

int mqtt_client_check_library(const char *word, struct error *error) {
    return text_equal(word, "paho") && !find(LIBRARY_PAHO) ? refuse_absent(error) : 0;
}

char *mqtt_client_library_version(int64_t library) {
    return find(library) ? find(library)->version() : NULL;
}

/* ---- connecting ---- */

/* Turns until *answer is no longer -1. */
static int await(struct mqtt_client *client, const int *answer, const char *what,
                 struct error *error) {
    int64_t deadline = clock_monotonic_ns() + client->answer_ns;

    while (*answer < 0) {
        int r = mqtt_client_turn(client, clock_poll_ms(deadline), error);

        if (r < 0)
            return r;
        if (*answer < 0 && clock_monotonic_ns() >= deadline)
            return error_set(error, -ETIMEDOUT, "MQTT: no %s within %d s", what,
                             (int)(client->answer_ns / NS_PER_S));
    }
    return 0;
}

static int log_in(struct mqtt_client *client, const struct client_config *config, bool again,
                  struct error *error) {
    struct credentials shown;
    int r = credentials_now(&shown, config, error);

    if (r < 0)
        return r;
    client->connack = -1;
    client->max_qos = HIGHEST_QOS;
    r = client->library->connect(client, config, &shown, again, error);
    OPENSSL_cleanse(shown.token, sizeof(shown.token));
    if (r < 0)
        return r;
    r = await(client, &client->connack, "CONNACK", error);
    if (client->connack > 0) /* whatever the library made of it */
        return error_set(error, -EACCES, "MQTT: the broker refused %s: %s", config->client_id,
                         client->library->refusal(client));
    return r;
}

int mqtt_client_connect(struct mqtt_client **ret, const struct client_config *config,
                        mqtt_message_fn *handler, void *context, struct error *error) {
    CLEANUP(mqtt_client_freep) struct mqtt_client *client = NULL;
    int r;

    if (!find(config->library))
        return refuse_absent(error);
    client = memory_new(1, sizeof(*client));
    client->library = find(config->library);
    client->on_message = handler;
    client->user = context;
    client->suback = -1;
    client->mqtt = config->mqtt;
    client->answer_ns = config->answer_ns;
    r = payload_client_new(&client->payload, &config->payload, error);
    if (r < 0)
        return r;
    r = client->library->open(client, config, error);
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
    client->library->leave(client);
}

void mqtt_client_free(struct mqtt_client *client) {
    client->library->close(client);
    if (client->payload)
        payload_client_free(client->payload);
    free(client);
}

/* ---- quality of service ---- */

static int check_maximum(const struct mqtt_client *client, int qos, struct error *error) {
    if (qos <= client->max_qos)
        return 0;
    return error_set(error, -EPROTO,
                     "MQTT: the broker takes QoS %d at most, and QoS %d was asked for",
                     client->max_qos, qos);
}

int mqtt_client_check_qos(const struct mqtt_client *client, struct error *error) {
    if (client->lowest >= client->granted)
        return 0;
    return error_set(error, -EPROTO, "MQTT: a message came at QoS %d, and QoS %d was granted",
                     client->lowest, client->granted);
}

/* ---- messages ---- */

int mqtt_client_subscribe(struct mqtt_client *client, const char *topic, int qos,
                          struct error *error) {
    int r = check_maximum(client, qos, error);

    if (r < 0)
        return r;
    client->suback = -1;
    r = client->library->subscribe(client, topic, qos, error);
    if (r < 0)
        return r;
    r = await(client, &client->suback, "SUBACK", error);
    if (r < 0)
        return r;
    if (client->suback > HIGHEST_QOS)
        return error_set(error, -EACCES,
                         "MQTT: the broker refused the subscription to %s: it may permit only "
                         "others (bench list settings shows them: ...topic)",
                         topic);
    if (client->suback != qos)
        return error_set(error, -EPROTO,
                         "MQTT: the broker grants QoS %d to the subscription to %s, and QoS %d was "
                         "asked for",
                         client->suback, topic, qos);
    client->granted = qos;
    client->lowest = HIGHEST_QOS;
    return 0;
}

int mqtt_client_publish(struct mqtt_client *client, const char *topic, const void *payload,
                        size_t length, int qos, struct error *error) {
    int r = payload_client_seal(client->payload, topic, &payload, &length, error);

    return r < 0 ? r : mqtt_client_publish_raw(client, topic, payload, length, qos, error);
}

int mqtt_client_publish_raw(struct mqtt_client *client, const char *topic, const void *payload,
                            size_t length, int qos, struct error *error) {
    int r = check_maximum(client, qos, error);

    return r < 0 ? r : client->library->publish(client, topic, payload, length, qos, error);
}

bool mqtt_client_wants_write(const struct mqtt_client *client) {
    return client->library->wants_write(client);
}

int mqtt_client_turn(struct mqtt_client *client, int timeout_ms, struct error *error) {
    return client->library->turn(client, timeout_ms, error);
}

int mqtt_client_flush(struct mqtt_client *client, int64_t count, int64_t limit_ns,
                      struct error *error) {
    int64_t deadline = clock_monotonic_ns() + limit_ns;

    while (mqtt_client_completed(client) < count) {
        int r;

        if (clock_monotonic_ns() > deadline)
            return error_set(error, -ETIMEDOUT, "a message did not leave within %d s",
                             (int)(limit_ns / NS_PER_S));
        r = mqtt_client_turn(client, clock_poll_ms(deadline), error);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- what is known of it ---- */

int64_t mqtt_client_completed(const struct mqtt_client *client) {
    return client->completed;
}

int64_t mqtt_client_payload_bytes(const struct mqtt_client *client, int64_t length) {
    return length + (int64_t)client->payload->overhead;
}

bool mqtt_client_opens(const struct mqtt_client *client) {
    return client->payload->opener;
}

const int64_t *mqtt_client_rejected(const struct mqtt_client *client) {
    return client->payload->rejected;
}

int mqtt_client_fd(const struct mqtt_client *client) {
    return client->library->fd(client);
}

int mqtt_client_socket(const struct mqtt_client *client) {
    return client->library->socket(client);
}

void mqtt_client_session(const struct mqtt_client *client, struct tls_session *ret) {
    *ret = (struct tls_session){.version = ""};
    client->library->session(client, ret);
}
