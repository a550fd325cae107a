#include "mqtt/paho.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define FIRST_MESSAGES 256

/* ---- in the library's threads ---- */

/* Once until somebody has looked: a write for each message would be dear. */
void paho_ring(struct paho *paho) {
    uint64_t one = 1;

    if (!atomic_exchange(&paho->rung, true))
        (void)!write(paho->bell, &one, sizeof(one));
}

static void explain(struct paho *paho, const char *words) {
    (void)pthread_mutex_lock(&paho->lock);
    if (!*paho->why)
        (void)snprintf(paho->why, sizeof(paho->why), "%s", words);
    (void)pthread_mutex_unlock(&paho->lock);
}

static void lose(struct paho *paho, const char *words) {
    explain(paho, words);
    atomic_store(&paho->lost, true);
    paho_ring(paho);
}

static int on_message(void *context, char *topic, int topic_length, MQTTAsync_message *message) {
    struct paho *paho = context;
    struct paho_inbox *inbox = &paho->incoming;

    (void)topic_length; /* 0 but for topics with a NUL in them, which MQTT forbids */
    (void)pthread_mutex_lock(&paho->lock);
    if (inbox->n == inbox->size) {
        inbox->size = inbox->size ? inbox->size * 2 : FIRST_MESSAGES;
        inbox->messages = memory_resize(inbox->messages, inbox->size, sizeof(*inbox->messages));
    }
    inbox->messages[inbox->n++] = (struct paho_message){topic, message};
    (void)pthread_mutex_unlock(&paho->lock);
    paho_ring(paho);
    return 1;
}

static void on_lost(void *context, char *cause) {
    lose(context, cause ? cause : "connection lost");
}

static void on_sent_away(void *context, MQTTProperties *properties, enum MQTTReasonCodes code) {
    CLEANUP_FREE char *words =
        text_format("the broker ended the connection: %s", MQTTReasonCode_toString(code));

    (void)properties;
    lose(context, words);
}

static void tell(struct paho *paho, _Atomic int *answer, int code) {
    atomic_store(answer, code);
    paho_ring(paho);
}

static void on_connected(void *context, MQTTAsync_successData *data) {
    (void)data;
    tell(context, &((struct paho *)context)->connack, 0);
}

static void on_connected5(void *context, MQTTAsync_successData5 *data) {
    struct paho *paho = context;

    if (data && MQTTProperties_hasProperty(&data->properties, MQTTPROPERTY_CODE_MAXIMUM_QOS))
        atomic_store(&paho->max_qos, MQTTProperties_getNumericValue(&data->properties,
                                                                    MQTTPROPERTY_CODE_MAXIMUM_QOS));
    tell(context, &((struct paho *)context)->connack, 0);
}

/* Codes of the broker are positive, of the library negative. */
static void refuse(struct paho *paho, int code, const char *words) {
    if (code > 0)
        tell(paho, &paho->connack, code);
    else
        lose(paho, words ? words : MQTTAsync_strerror(code));
}

static void on_refused(void *context, MQTTAsync_failureData *data) {
    refuse(context, data ? data->code : MQTTASYNC_FAILURE, data ? data->message : NULL);
}

/* The broker's reason stands in either, by the version of the library. */
static void on_refused5(void *context, MQTTAsync_failureData5 *data) {
    int code = !data                  ? MQTTASYNC_FAILURE
               : data->reasonCode > 0 ? (int)data->reasonCode
                                      : data->code;

    refuse(context, code, data ? data->message : NULL);
}

static void on_subscribed(void *context, MQTTAsync_successData *data) {
    tell(context, &((struct paho *)context)->suback, data ? data->alt.qos : 0);
}

static void on_subscribed5(void *context, MQTTAsync_successData5 *data) {
    tell(context, &((struct paho *)context)->suback, data ? (int)data->reasonCode : 0);
}

static void on_unsubscribed(void *context, MQTTAsync_failureData *data) {
    (void)data;
    tell(context, &((struct paho *)context)->suback, 128);
}

static void on_unsubscribed5(void *context, MQTTAsync_failureData5 *data) {
    (void)data;
    tell(context, &((struct paho *)context)->suback, 128);
}

/* A publication that is refused (MQTT 5) is complete as well. */
static void complete(struct paho *paho) {
    (void)atomic_fetch_add(&paho->completed, 1);
    paho_ring(paho);
}

static void on_published(void *context, MQTTAsync_successData *data) {
    (void)data;
    complete(context);
}

static void on_published5(void *context, MQTTAsync_successData5 *data) {
    (void)data;
    complete(context);
}

static void on_unpublished(void *context, MQTTAsync_failureData *data) {
    (void)data;
    complete(context);
}

static void on_unpublished5(void *context, MQTTAsync_failureData5 *data) {
    (void)data;
    complete(context);
}

static void on_left(void *context, MQTTAsync_successData *data) {
    (void)data;
    atomic_store(&((struct paho *)context)->left, true);
    paho_ring(context);
}

static void on_stayed(void *context, MQTTAsync_failureData *data) {
    (void)data;
    on_left(context, NULL);
}

/* ---- where they call ---- */

int paho_listen(struct paho *paho) {
    int r = MQTTAsync_setCallbacks(paho->handle, paho, on_lost, on_message, NULL);

    return r == MQTTASYNC_SUCCESS && paho->five
               ? MQTTAsync_setDisconnected(paho->handle, paho, on_sent_away)
               : r;
}

void paho_listen_login(struct paho *paho, MQTTAsync_connectOptions *options) {
    options->context = paho;
    options->onSuccess = paho->five ? NULL : on_connected;
    options->onFailure = paho->five ? NULL : on_refused;
    options->onSuccess5 = paho->five ? on_connected5 : NULL;
    options->onFailure5 = paho->five ? on_refused5 : NULL;
}

void paho_listen_farewell(struct paho *paho, MQTTAsync_disconnectOptions *options) {
    options->context = paho;
    options->onSuccess = on_left;
    options->onFailure = on_stayed;
}

void paho_listen_subscription(struct paho *paho, MQTTAsync_responseOptions *options) {
    options->context = paho;
    options->onSuccess = paho->five ? NULL : on_subscribed;
    options->onFailure = paho->five ? NULL : on_unsubscribed;
    options->onSuccess5 = paho->five ? on_subscribed5 : NULL;
    options->onFailure5 = paho->five ? on_unsubscribed5 : NULL;
}

void paho_listen_publication(struct paho *paho, MQTTAsync_responseOptions *options) {
    options->context = paho;
    options->onSuccess = paho->five ? NULL : on_published;
    options->onFailure = paho->five ? NULL : on_unpublished;
    options->onSuccess5 = paho->five ? on_published5 : NULL;
    options->onFailure5 = paho->five ? on_unpublished5 : NULL;
}

/* ---- in the client's thread ---- */

int paho_await(struct paho *paho, int timeout_ms, struct error *error) {
    struct pollfd poller = {.fd = paho->bell, .events = POLLIN};
    uint64_t times;
    int r = poll(&poller, 1, timeout_ms);

    if (r < 0 && errno != EINTR)
        return error_errno(error, -errno, "poll");
    if (r > 0)
        (void)!read(paho->bell, &times, sizeof(times));
    atomic_store(&paho->rung, false);
    return 0;
}

void paho_empty(struct paho_inbox *inbox) {
    for (size_t i = 0; i < inbox->n; i++) {
        MQTTAsync_freeMessage(&inbox->messages[i].message);
        MQTTAsync_free(inbox->messages[i].topic);
    }
    inbox->n = 0;
}

void paho_hand_over(struct mqtt_client *client) {
    struct paho *paho = client->own;
    struct paho_inbox inbox;

    (void)pthread_mutex_lock(&paho->lock);
    inbox = paho->incoming;
    paho->incoming = paho->taken;
    (void)pthread_mutex_unlock(&paho->lock);
    paho->taken = inbox;
    for (size_t i = 0; i < inbox.n; i++)
        mqtt_library_take(client, inbox.messages[i].topic, inbox.messages[i].message->payload,
                          (size_t)inbox.messages[i].message->payloadlen,
                          inbox.messages[i].message->qos);
    paho_empty(&paho->taken);
}

int paho_failed(struct paho *paho, const char *what, struct error *error) {
    int r;

    (void)pthread_mutex_lock(&paho->lock);
    r = error_set(error, -ECONNRESET, "MQTT %s: %s", what, paho->why);
    (void)pthread_mutex_unlock(&paho->lock);
    return r;
}
