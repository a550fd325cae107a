#include "transport/packet.h"

#include "security/token.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

/* First bytes. */
#define CONNECT 0x10
#define CONNACK 0x20
#define PUBLISH 0x30

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

static void put_no_properties(struct packet *packet, int64_t mqtt) {
    if (mqtt == MQTT_5)
        put(packet, "", 1); /* their length: 0 */
}

static void put_connect(struct packet *packet, const struct client_config *config,
                        const struct credentials *shown) {
    const unsigned char level = config->mqtt == MQTT_5 ? 5 : 4;
    bool named = *shown->username != '\0';
    /* User name and password follow, or do not; a clean session either way. */
    const unsigned char rest[] = {named ? 0xc2 : 0x02, 0, KEEPALIVE_S};

    put_text(packet, "MQTT");
    put(packet, &level, 1);
    put(packet, rest, sizeof(rest));
    put_no_properties(packet, config->mqtt);
    put_text(packet, config->client_id);
    if (named) {
        put_text(packet, shown->username);
        put_text(packet, shown->password);
    }
    put_header(packet, CONNECT);
}

int packet_connect(struct packet *ret, const struct client_config *config, struct error *error) {
    struct credentials shown;
    int r = credentials_now(&shown, config, error);

    if (r == 0 && strlen(config->client_id) + strlen(shown.username) + strlen(shown.password) >
                      PACKET_BYTES - HEADERS_BYTES)
        r = error_set(error, -E2BIG, "client id, user name and password are too long");
    ret->length = 0;
    if (r == 0)
        put_connect(ret, config, &shown);
    OPENSSL_cleanse(shown.token, sizeof(shown.token));
    return r;
}

int packet_publish(struct packet *ret, int64_t mqtt, const char *topic, const void *payload,
                   size_t length, struct error *error) {
    if (strlen(topic) + length > PACKET_BYTES - HEADERS_BYTES)
        return error_set(error, -E2BIG, "topic and payload are too long");
    ret->length = 0;
    put_text(ret, topic);
    put_no_properties(ret, mqtt);
    put(ret, payload, length);
    put_header(ret, PUBLISH);
    return 0;
}

/* A number of one or two bytes, the most there can be in a packet of ours: how many it has, or 0.
 */
static size_t read_number(const unsigned char *bytes, size_t length, size_t *ret) {
    if (length > 0 && !(bytes[0] & 0x80)) {
        *ret = bytes[0];
        return 1;
    }
    if (length > 1 && !(bytes[1] & 0x80)) {
        *ret = (size_t)(bytes[0] & 0x7f) | (size_t)bytes[1] << 7;
        return 2;
    }
    return 0;
}

/* Flags and a code are behind the header, and in MQTT 5 at least the length of the properties. */
size_t packet_connack_length(const unsigned char start[PACKET_CONNACK_BYTES], int64_t mqtt) {
    size_t body, digits = read_number(start + 1, PACKET_CONNACK_BYTES - 1, &body);

    if (start[0] != CONNACK || !digits || body < 2 || (body > 2 && mqtt != MQTT_5) ||
        1 + digits + body > PACKET_MAX_BYTES)
        return 0;
    return 1 + digits + body;
}

bool packet_read_connack(const unsigned char *bytes, size_t length, struct packet_connack *ret) {
    size_t body, header = 1 + read_number(bytes + 1, length - 1, &body), properties, digits;
    const unsigned char *rest = bytes + header + 2;

    *ret = (struct packet_connack){bytes[header + 1], body > 2 ? MQTT_5 : MQTT_3_1_1, length};
    if (ret->mqtt == MQTT_3_1_1)
        return true;
    digits = read_number(rest, body - 2, &properties);
    return digits && digits + properties == body - 2;
}

int packet_receive_connack(struct transport *transport,
                           const unsigned char start[PACKET_CONNACK_BYTES], int64_t mqtt,
                           struct packet_connack *ret) {
    size_t length = packet_connack_length(start, mqtt), had = PACKET_CONNACK_BYTES;
    unsigned char bytes[PACKET_MAX_BYTES];
    int r = 0;

    memcpy(bytes, start, had);
    if (length > had)
        r = transport_receive_all(transport, bytes + had, length - had);
    if (r < 0)
        return r;
    return length && packet_read_connack(bytes, length, ret) ? 0 : -EBADMSG;
}

/* MQTT 3.1.1, table 3.1, and MQTT 5, table 3-1. */
static const struct {
    int code;
    const char *meaning;
} meanings[] = {
    {0, "accepted"},
    {1, "unacceptable protocol version"},
    {2, "identifier rejected"},
    {3, "server unavailable"},
    {4, "bad user name or password"},
    {5, "not authorized"},
    {128, "unspecified error"},
    {129, "malformed packet"},
    {130, "protocol error"},
    {131, "implementation specific error"},
    {132, "unsupported protocol version"},
    {133, "client identifier not valid"},
    {134, "bad user name or password"},
    {135, "not authorized"},
    {136, "server unavailable"},
    {137, "server busy"},
    {138, "banned"},
    {140, "bad authentication method"},
    {144, "topic name invalid"},
    {149, "packet too large"},
    {151, "quota exceeded"},
    {153, "payload format invalid"},
    {154, "retain not supported"},
    {155, "QoS not supported"},
    {156, "use another server"},
    {157, "server moved"},
    {159, "connection rate exceeded"},
};

const char *packet_connack_meaning(int code) {
    for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
        if (meanings[i].code == code)
            return meanings[i].meaning;
    return "unknown code";
}
