/*
 * packet - the few MQTT packets that are made by hand here: where the exact reason of a refusal or
 * the price of a connection matters, a library is in the way. MQTT 3.1.1 and 5, which differ
 * by a list of properties in each packet, ours being empty, and by codes of more kinds.
 */
#ifndef BENCH_TRANSPORT_PACKET_H
#define BENCH_TRANSPORT_PACKET_H

#include "base/error.h"
#include "model/client_config.h"
#include "transport/transport.h"

#define PACKET_MAX_BYTES 4096        /* of a CONNACK */
#define PACKET_BYTES     (3 * 65536) /* of ours: identifier, name and password at their longest */

struct packet {
    unsigned char bytes[PACKET_BYTES];
    size_t length;
};

#define PACKET_CONNACK_BYTES 4 /* the least; in MQTT 5 there are more */
#define PACKET_SHORT_BYTES   2 /* of those that have no body, and of PINGRESP */
extern const unsigned char packet_ping[PACKET_SHORT_BYTES], packet_pong[PACKET_SHORT_BYTES],
    packet_disconnect[PACKET_SHORT_BYTES];

/* CONNECT with config's identifier, version, and the credentials that it shows now
 * (security/token.h), for a clean session. -E2BIG when these are too long. It holds the
 * password: OPENSSL_cleanse() it. */
int packet_connect(struct packet *ret, const struct client_config *config, struct error *error);
/* PUBLISH of QoS 0, in this enum mqtt_version. */
int packet_publish(struct packet *ret, int64_t mqtt, const char *topic, const void *payload,
                   size_t length, struct error *error);

struct packet_connack {
    int code;               /* 0: the client is let in */
    enum mqtt_version mqtt; /* that the broker speaks: 3.1.1's has no properties */
    size_t length;          /* of the packet */
};
/* How many bytes a CONNACK has in all that begins so and answers a client of this version; 0 when
 * it is none, or longer than PACKET_MAX_BYTES. */
size_t packet_connack_length(const unsigned char start[PACKET_CONNACK_BYTES], int64_t mqtt);
/* Reads a whole one, of the length that was told; false when it is none after all. */
bool packet_read_connack(const unsigned char *bytes, size_t length, struct packet_connack *ret);
/* The same with what follows the start from the transport. -EBADMSG: it is none. */
int packet_receive_connack(struct transport *transport,
                           const unsigned char start[PACKET_CONNACK_BYTES], int64_t mqtt,
                           struct packet_connack *ret);
/* What a CONNACK's code means: "not authorized". Codes of both versions. */
const char *packet_connack_meaning(int code);

#endif
