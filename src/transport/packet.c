#include "transport/packet.h"

#include <errno.h>
#include <string.h>

#define KEEPALIVE_S 60
/* More than a CONNECT or PUBLISH has beside its texts and payload. */
#define HEADERS_BYTES 32

const unsigned char packet_ping[] = {0xc0, 0}, packet_pong[] = {0xd0, 0},
                    packet_disconnect[] = {0xe0, 0};

static void put(struct packet *packet, const void *data, size_t length) {
    memcpy(packet->bytes + packet->length, data, length);
    packet->length += length;
}

static void put_text(struct packet *packet, const char *text) {
    size_t length = strlen(text);
    unsigned char head[] = {(unsigned char)(length >> 8), (unsigned char)length};

    put(packet, head, sizeof(head));
    put(packet, text, length);
}

/* Puts type and remaining length in front of the body. */
static void put_header(struct packet *packet, unsigned char type) {
    unsigned char header[5] = {type};
    size_t left = packet->length, n = 1;

    do {
        header[n++] = (unsigned char)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
        left >>= 7;
    } while (left);
    memmove(packet->bytes + n, packet->bytes, packet->length);
    memcpy(packet->bytes, header, n);
    packet->length += n;
}

int packet_connect(struct packet *ret, const struct client_config *config, struct error *error) {
    static const unsigned char protocol[] = {0, 4, 'M', 'Q', 'T', 'T', 4};
    bool named = *config->username != '\0';
    /* User name and password follow, or do not; a clean session either way. */
    unsigned char rest[] = {named ? 0xc2 : 0x02, 0, KEEPALIVE_S};

    if (strlen(config->client_id) + strlen(config->username) + strlen(config->password) >
        PACKET_MAX_BYTES - HEADERS_BYTES)
        return error_set(error, -E2BIG, "client id, user name and password are too long");
    ret->length = 0;
    put(ret, protocol, sizeof(protocol));
    put(ret, rest, sizeof(rest));
    put_text(ret, config->client_id);
    if (named) {
        put_text(ret, config->username);
        put_text(ret, config->password);
    }
    put_header(ret, 0x10);
    return 0;
}

int packet_publish(struct packet *ret, const char *topic, const void *payload, size_t length,
                   struct error *error) {
    if (strlen(topic) + length > PACKET_MAX_BYTES - HEADERS_BYTES)
        return error_set(error, -E2BIG, "topic and payload are too long");
    ret->length = 0;
    put_text(ret, topic);
    put(ret, payload, length);
    put_header(ret, 0x30);
    return 0;
}

bool packet_is_connack(const unsigned char bytes[PACKET_CONNACK_BYTES], int *ret_code) {
    if (bytes[0] != 0x20 || bytes[1] != PACKET_CONNACK_BYTES - 2)
        return false;
    *ret_code = bytes[3];
    return true;
}

const char *packet_connack_meaning(int code) {
    static const char *const meanings[] = {
        "accepted",           "unacceptable protocol version", "identifier rejected",
        "server unavailable", "bad user name or password",     "not authorized",
    };

    return code >= 0 && (size_t)code < ARRAY_SIZE(meanings) ? meanings[code] : "unknown code";
}
