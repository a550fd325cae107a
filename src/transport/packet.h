/*
 * packet - the few MQTT packets that are made by hand here: where the exact reason of a refusal or
 * the price of a connection matters, a library is in the way. Pure data, MQTT 3.1.1.
 */
#ifndef BENCH_TRANSPORT_PACKET_H
#define BENCH_TRANSPORT_PACKET_H

#include "base/error.h"
#include "model/client_config.h"

#define PACKET_MAX_BYTES 4096

struct packet {
    unsigned char bytes[PACKET_MAX_BYTES];
    size_t length;
};

#define PACKET_CONNACK_BYTES 4
#define PACKET_SHORT_BYTES   2 /* of those that have no body, and of PINGRESP */
extern const unsigned char packet_ping[PACKET_SHORT_BYTES], packet_pong[PACKET_SHORT_BYTES],
    packet_disconnect[PACKET_SHORT_BYTES];

/* CONNECT with config's identifier, user name and password, for a clean session. -E2BIG when these
 * are too long. It holds the password: OPENSSL_cleanse() it. */
int packet_connect(struct packet *ret, const struct client_config *config, struct error *error);
/* PUBLISH of QoS 0. */
int packet_publish(struct packet *ret, const char *topic, const void *payload, size_t length,
                   struct error *error);

/* Whether the bytes are a CONNACK; *ret_code is then its code, 0 of a client that is let in. */
bool packet_is_connack(const unsigned char bytes[PACKET_CONNACK_BYTES], int *ret_code);
/* What a CONNACK's code means: "not authorized". */
const char *packet_connack_meaning(int code);

#endif
