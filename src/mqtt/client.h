/*
 * client - an MQTT client as devices have it: a client library (mqtt/library.h) under a
 * client_config, which says which one.
 *
 * A client belongs to one thread at a time, and does its work in mqtt_client_turn(): all of it with
 * libmosquitto, while Paho C sends and receives in threads of its own, and hands over there.
 * Connections are never re-established behind the user's back.
 */
#ifndef BENCH_MQTT_CLIENT_H
#define BENCH_MQTT_CLIENT_H

#include "base/error.h"
#include "base/memory.h"
#include "model/client_config.h"
#include "model/trial.h"
#include "security/seal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mqtt_client;

/* Called inside mqtt_client_turn() for every message; must not call the client except to publish.
 */
typedef void mqtt_message_fn(void *context, const char *topic, const void *payload, size_t length);

/* Connects and waits for the CONNACK. The client is the caller's; on_message may be NULL. */
int mqtt_client_connect(struct mqtt_client **ret, const struct client_config *config,
                        mqtt_message_fn *on_message, void *context, struct error *error);
/* Leaves with DISCONNECT and frees. */
void mqtt_client_free(struct mqtt_client *client);
DEFINE_CLEANUP(struct mqtt_client *, mqtt_client_free)

/* Leaves with DISCONNECT; then comes back, as the same client with all that it was made with, and
 * waits for the CONNACK. */
void mqtt_client_leave(struct mqtt_client *client);
int mqtt_client_connect_again(struct mqtt_client *client, const struct client_config *config,
                              struct error *error);

/* Subscribes and waits for the SUBACK: -EACCES when the subscription is refused, -EPROTO when
 * another QoS is granted than was asked for. */
int mqtt_client_subscribe(struct mqtt_client *client, const char *topic, int qos,
                          struct error *error);

/* Whether all messages have come at the QoS that the last subscription was granted: 0, or -EPROTO.
 * For clients who know that they were published at that. */
int mqtt_client_check_qos(const struct mqtt_client *client, struct error *error);

/* Hands a message to the library, which sends it at once when it can; sealed, if the client_config
 * asks for that (security/payload.h). -EPROTO when the broker has said (MQTT 5) that it
 * takes a lower QoS at most. */
int mqtt_client_publish(struct mqtt_client *client, const char *topic, const void *payload,
                        size_t length, int qos, struct error *error);
/* The same, but the payload as it is: for proofs. */
int mqtt_client_publish_raw(struct mqtt_client *client, const char *topic, const void *payload,
                            size_t length, int qos, struct error *error);

/* Whether something waits to be sent; of a library with threads of its own, so much that it is time
 * to wait. */
bool mqtt_client_wants_write(const struct mqtt_client *client);

/* Waits up to timeout_ms (0: not at all) until the descriptor is ready, then receives all that is
 * there and sends what waits. Returns 0, or a negative errno when the connection is lost. */
int mqtt_client_turn(struct mqtt_client *client, int timeout_ms, struct error *error);

/* Messages that left completely: for QoS 0 sent, for QoS 1 and 2 answered by the broker, which in
 * MQTT 5 may refuse them. */
int64_t mqtt_client_completed(const struct mqtt_client *client);
/* Turns until so many have left since it was made; -ETIMEDOUT when that takes longer. */
int mqtt_client_flush(struct mqtt_client *client, int64_t count, int64_t limit_ns,
                      struct error *error);

/* How long a payload of that length is on the wire: longer when it is sealed. */
int64_t mqtt_client_payload_bytes(const struct mqtt_client *client, int64_t length);
/* Whether what comes must be opened. */
bool mqtt_client_opens(const struct mqtt_client *client);
/* Messages that came and could not be opened, by enum seal_verdict; on_message was not called for
 * them. The client's. */
const int64_t *mqtt_client_rejected(const struct mqtt_client *client);

/* "2.0.11" of an enum mqtt_library_name, NULL when the program was built without it; the caller's.
 */
char *mqtt_client_library_version(int64_t library);
/* Whether a word of MQTT_LIBRARY_WORDS is a library that this program has: for the check of a row
 * of settings. */
int mqtt_client_check_library(const char *word, struct error *error);

/* For poll(): readable when there is something to do in a turn. */
int mqtt_client_fd(const struct mqtt_client *client);
/* The connection, for what the kernel knows of it. */
int mqtt_client_socket(const struct mqtt_client *client);
void mqtt_client_session(const struct mqtt_client *client, struct tls_session *ret);

#endif
