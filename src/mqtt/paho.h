/*
 * paho - a client of Paho C's, and what the library's threads tell of it.
 *
 * What they tell is kept, and a bell (an eventfd) is rung that the client's poll() hears; its next
 * turn takes it over.
 */
#ifndef BENCH_MQTT_PAHO_H
#define BENCH_MQTT_PAHO_H

#include "mqtt/library.h"
#include "mqtt/paho_tls.h"

#include <MQTTAsync.h>
#include <pthread.h>
#include <stdatomic.h>

#define PAHO_WHY_SIZE 160

struct paho_message {
    char *topic;
    MQTTAsync_message *message;
};

struct paho_inbox {
    struct paho_message *messages;
    size_t n, size;
};

/* `own` of an mqtt_client. */
struct paho {
    MQTTAsync handle;
    struct paho_tls tls;
    bool has_tls, five; /* five: MQTT 5, which has callbacks of its own */
    int bell, socket;
    int64_t published, inflight; /* inflight: of QoS 1 and 2, before the first is acknowledged */
    struct paho_inbox taken;     /* the client's, while it is handed over */
    /* What the library's threads tell. */
    _Atomic bool rung, lost, left;
    _Atomic int connack, suback; /* -1 until it comes */
    _Atomic int max_qos;         /* -1 where it is not told */
    _Atomic int64_t completed;
    pthread_mutex_t lock; /* of the rest */
    struct paho_inbox incoming;
    char why[PAHO_WHY_SIZE]; /* it was lost */
};

/* Where the library is to call when something has happened; after that a callback tells `paho`. */
int paho_listen(struct paho *paho);
void paho_listen_login(struct paho *paho, MQTTAsync_connectOptions *options);
void paho_listen_farewell(struct paho *paho, MQTTAsync_disconnectOptions *options);
void paho_listen_subscription(struct paho *paho, MQTTAsync_responseOptions *options);
void paho_listen_publication(struct paho *paho, MQTTAsync_responseOptions *options);

/* Rings the bell, once until it is awaited. */
void paho_ring(struct paho *paho);
/* Waits for the bell; what is told from then on rings it again. */
int paho_await(struct paho *paho, int timeout_ms, struct error *error);
/* Hands the messages that have come over to the client whose `own` it is. */
void paho_hand_over(struct mqtt_client *client);
/* Fills error with why the connection was lost. */
int paho_failed(struct paho *paho, const char *what, struct error *error);
/* Frees messages that nobody takes. */
void paho_empty(struct paho_inbox *inbox);

#endif
