#include "transport/attempt.h"

#include "base/clock.h"
#include "security/tls_context.h"
#include "transport/transport.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <string.h>

#define TIMEOUT_NS  (5 * NS_PER_S)
#define KEEPALIVE_S 60
#define MAX_PACKET  4096
#define TLS_ALERT   21 /* content type of a record */

static const struct {
    int code;
    const char *name;
} alerts[] = {
    {10, "unexpected_message"},
    {20, "bad_record_mac"},
    {22, "record_overflow"},
    {40, "handshake_failure"},
    {42, "bad_certificate"},
    {43, "unsupported_certificate"},
    {44, "certificate_revoked"},
    {45, "certificate_expired"},
    {46, "certificate_unknown"},
    {47, "illegal_parameter"},
    {48, "unknown_ca"},
    {49, "access_denied"},
    {50, "decode_error"},
    {51, "decrypt_error"},
    {70, "protocol_version"},
    {71, "insufficient_security"},
    {80, "internal_error"},
    {109, "missing_extension"},
    {112, "unrecognized_name"},
    {115, "unknown_psk_identity"},
    {116, "certificate_required"},
};

static void refuse_by_alert(struct attempt *attempt, int code) {
    const char *name = "unknown";

    for (size_t i = 0; i < ARRAY_SIZE(alerts); i++)
        if (alerts[i].code == code)
            name = alerts[i].name;
    (void)snprintf(attempt->cause, sizeof(attempt->cause), "alert %d %s", code, name);
}

/* OpenSSL tells every alert here, also one that comes long after the handshake. */
static void note_alert(const SSL *ssl, int where, int value) {
    struct attempt *attempt = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    if (attempt && where & SSL_CB_ALERT && where & SSL_CB_READ && (value & 0xff) != 0)
        refuse_by_alert(attempt, value & 0xff);
}

/* ---- packets (MQTT 3.1.1, section 3) ---- */

struct packet {
    unsigned char bytes[MAX_PACKET];
    size_t length;
};

static void put_text(struct packet *packet, const char *text) {
    size_t length = strlen(text);

    packet->bytes[packet->length++] = (unsigned char)(length >> 8);
    packet->bytes[packet->length++] = (unsigned char)length;
    memcpy(packet->bytes + packet->length, text, length);
    packet->length += length;
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

static int make_connect(struct packet *packet, const struct client_config *config,
                        struct error *error) {
    static const unsigned char protocol[] = {0, 4, 'M', 'Q', 'T', 'T', 4};
    bool named = *config->username != '\0';

    packet->length = 0;
    if (strlen(config->client_id) + strlen(config->username) + strlen(config->password) >
        MAX_PACKET - 64)
        return error_set(error, -E2BIG, "client id, user name and password are too long");
    memcpy(packet->bytes, protocol, sizeof(protocol));
    packet->length = sizeof(protocol);
    packet->bytes[packet->length++] = named ? 0xc2 : 0x02; /* user, password, clean session */
    packet->bytes[packet->length++] = 0;
    packet->bytes[packet->length++] = KEEPALIVE_S;
    put_text(packet, config->client_id);
    if (named) {
        put_text(packet, config->username);
        put_text(packet, config->password);
    }
    put_header(packet, 0x10);
    return 0;
}

/* ---- the conversation ---- */

/* Reads exactly length bytes: 0, -ECONNRESET when the peer leaves first, or a negative errno. */
static int read_all(struct transport *transport, unsigned char *data, size_t length) {
    while (length > 0) {
        ssize_t n = transport->ops->receive(transport, data, length);

        if (n <= 0)
            return n < 0 ? (int)n : -ECONNRESET;
        data += n;
        length -= (size_t)n;
    }
    return 0;
}

/* The broker left without a CONNACK: by an alert, which note_alert() has seen, or silently. */
static int refused(struct attempt *attempt, int code, struct error *error) {
    if (code == -ETIMEDOUT || code == -EAGAIN)
        return error_set(error, -ETIMEDOUT, "the broker did not answer within %d s",
                         (int)(TIMEOUT_NS / NS_PER_S));
    if (!*attempt->cause)
        (void)snprintf(attempt->cause, sizeof(attempt->cause), "closed");
    return 0;
}

static int read_connack(struct transport *transport, struct attempt *attempt, struct error *error) {
    unsigned char answer[7];
    int r = read_all(transport, answer, 4);

    if (r < 0)
        return refused(attempt, r, error);
    if (answer[0] == 0x20 && answer[1] == 2) {
        attempt->accepted = answer[3] == 0;
        (void)snprintf(attempt->cause, sizeof(attempt->cause), "connack %d", answer[3]);
    } else if (answer[0] == TLS_ALERT && read_all(transport, answer + 4, 3) == 0) {
        refuse_by_alert(attempt, answer[6]); /* to a client that speaks no TLS, in the clear */
    } else {
        return error_set(error, -EPROTO, "the answer to CONNECT begins with byte 0x%02x",
                         answer[0]);
    }
    return 0;
}

static int publish(struct transport *transport, const struct attempt_message *message,
                   struct error *error) {
    static const unsigned char ping[] = {0xc0, 0}, disconnect[] = {0xe0, 0};
    struct packet packet = {.length = 0};
    unsigned char answer[2];
    int r;

    put_text(&packet, message->topic);
    memcpy(packet.bytes + packet.length, message->payload, strlen(message->payload));
    packet.length += strlen(message->payload);
    put_header(&packet, 0x30);
    r = transport->ops->send(transport, packet.bytes, packet.length);
    if (r == 0)
        r = transport->ops->send(transport, ping, sizeof(ping));
    if (r == 0)
        r = read_all(transport, answer, sizeof(answer));
    if (r < 0 || answer[0] != 0xd0)
        return error_set(error, r < 0 ? r : -EPROTO, "no PINGRESP after publishing");
    (void)transport->ops->send(transport, disconnect, sizeof(disconnect));
    return 0;
}

static int converse(struct transport *transport, const struct client_config *config,
                    const struct attempt_message *message, struct attempt *attempt,
                    struct error *error) {
    struct packet packet;
    int r = make_connect(&packet, config, error);

    if (r < 0)
        return r;
    /* Not even a failure to send ends this: the reason may lie waiting to be read. */
    (void)transport->ops->send(transport, packet.bytes, packet.length);
    OPENSSL_cleanse(&packet, sizeof(packet));
    r = read_connack(transport, attempt, error);
    if (r == 0 && attempt->accepted && message)
        r = publish(transport, message, error);
    return r;
}

/* The handshake, with the causes that it can come to an end by. */
static int start_tls(struct transport *transport, SSL_CTX *context, struct attempt *attempt,
                     struct error *error) {
    long verified;
    int r;

    SSL_CTX_set_info_callback(context, note_alert);
    SSL_CTX_set_app_data(context, attempt);
    r = tls_start(transport, context, false, 0, error);
    if (!transport->ssl)
        return r;
    verified = SSL_get_verify_result(transport->ssl);
    if (r < 0 && verified != X509_V_OK) {
        (void)snprintf(attempt->cause, sizeof(attempt->cause), "verify %ld %s", verified,
                       X509_verify_cert_error_string(verified));
        return 0;
    }
    if (r == -EPROTO && !*attempt->cause)
        return r; /* not refused: what answers there is no TLS that we understand */
    if (r < 0)
        return refused(attempt, r, error);
    transport_session(transport, &attempt->session);
    return 1;
}

/* Nobody listens there: an end of which no connection tells. */
static int not_connected(int code, struct attempt *attempt) {
    if (code != -ECONNREFUSED)
        return code;
    (void)snprintf(attempt->cause, sizeof(attempt->cause), "tcp %d connection refused",
                   ECONNREFUSED);
    return 0;
}

int attempt_make(const struct client_config *config, const struct attempt_message *message,
                 struct attempt *ret, struct error *error) {
    static const struct transport_options options = {.timeout_ns = TIMEOUT_NS};
    CLEANUP(transport_freep) struct transport *transport = NULL;
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;
    int r;

    *ret = (struct attempt){.accepted = false};
    if (config->tls.enabled) {
        r = tls_context_client(&context, config, error);
        if (r < 0)
            return r;
    }
    r = transport_connect(&transport, config, NULL, &options, error);
    if (r < 0)
        return not_connected(r, ret);
    if (context) {
        r = start_tls(transport, context, ret, error);
        if (r <= 0)
            return r;
    }
    return converse(transport, config, message, ret, error);
}
