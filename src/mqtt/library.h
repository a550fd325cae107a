/*
 * library - what mqtt/client needs of a client library: a table of functions, and one file a
 * library, the only one that knows it.
 *
 * A library may have threads of its own. What it tells of reaches the client in `turn` all the
 * same, so that a client belongs to one thread at a time whatever is behind it.
 */
#ifndef BENCH_MQTT_LIBRARY_H
#define BENCH_MQTT_LIBRARY_H

#include "base/error.h"
#include "model/client_config.h"
#include "model/trial.h"
#include "security/payload.h"
#include "security/token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MQTT_KEEPALIVE_S 60

/* What a client is to its library. */
struct mqtt_client {
    const struct mqtt_library *library;
    void *own; /* the library's */
    struct payload_client *payload;
    void (*on_message)(void *user, const char *topic, const void *payload, size_t length);
    void *user;
    int64_t received, completed;
    int64_t answer_ns;   /* how long the broker may take */
    int64_t mqtt;        /* enum mqtt_version */
    int connack, suback; /* -1 until it comes */
    int max_qos;         /* which the broker takes; MQTT 5 alone tells */
    int granted;         /* QoS of the last subscription */
    int lowest;          /* QoS of all messages that have come since */
};

struct mqtt_library {
    /* Makes `own`, under the configuration, without a connection; close() frees what is there of
     * it, also after a failure, and leaves before. */
    int (*open)(struct mqtt_client *client, const struct client_config *config,
                struct error *error);
    void (*close)(struct mqtt_client *client);
    /* Connects; the CONNACK may come in a later turn, which then sets max_qos before connack, where
     * it is told. Again: the client has left before. */
    int (*connect)(struct mqtt_client *client, const struct client_config *config,
                   const struct credentials *shown, bool again, struct error *error);
    void (*leave)(struct mqtt_client *client);
    int (*subscribe)(struct mqtt_client *client, const char *topic, int qos, struct error *error);
    int (*publish)(struct mqtt_client *client, const char *topic, const void *payload,
                   size_t length, int qos, struct error *error);
    bool (*wants_write)(const struct mqtt_client *client);
    int (*turn)(struct mqtt_client *client, int timeout_ms, struct error *error);
    int (*fd)(const struct mqtt_client *client);
    int (*socket)(const struct mqtt_client *client);
    void (*session)(const struct mqtt_client *client, struct tls_session *ret);
    /* A CONNACK's code in words. */
    const char *(*refusal)(const struct mqtt_client *client);
    char *(*version)(void);
};

extern const struct mqtt_library mqtt_library_mosquitto;
/* NULL where the library was not there when this program was built. */
extern const struct mqtt_library *const mqtt_library_paho;

/* A message has come: counts and opens it, and hands it on. */
static inline void mqtt_library_take(struct mqtt_client *client, const char *topic,
                                     const void *payload, size_t length, int qos) {
    client->received++;
    if (qos < client->lowest)
        client->lowest = qos;
    if (payload_client_open(client->payload, topic, &payload, &length) && client->on_message)
        client->on_message(client->user, topic, payload, length);
}

#endif
