#include "transport/attempt.h"

#include "base/clock.h"
#include "security/payload.h"
#include "security/tls_context.h"
#include "transport/packet.h"
#include "transport/transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <string.h>

#define TLS_ALERT   21 /* content type of a record */
#define ALERT_BYTES 7  /* of a record with one */

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
    {120, "no_application_protocol"},
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

static bool is_mismatch(int verified) {
    return verified == X509_V_ERR_HOSTNAME_MISMATCH || verified == X509_V_ERR_IP_ADDRESS_MISMATCH;
}

/* One name of a certificate, appended where it is an address or a host's. */
static void append_name(char **list, const GENERAL_NAME *name) {
    char address[INET6_ADDRSTRLEN] = "";
    int length, family;

    if (name->type == GEN_DNS)
        text_append(list, ", ", (const char *)ASN1_STRING_get0_data(name->d.dNSName));
    if (name->type != GEN_IPADD)
        return;
    length = ASN1_STRING_length(name->d.iPAddress);
    family = length == sizeof(struct in6_addr) ? AF_INET6 : AF_INET;
    if ((family == AF_INET6 || length == sizeof(struct in_addr)) &&
        inet_ntop(family, ASN1_STRING_get0_data(name->d.iPAddress), address, sizeof(address)))
        text_append(list, ", ", address);
}

/* "a.example, 192.0.2.1": the caller's. Without alternative names the common name counts. */
static char *names_of(const X509 *certificate) {
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    char *list = text_copy(""), common[128] = "";

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        append_name(&list, sk_GENERAL_NAME_value(names, i));
    if (!names)
        (void)X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, common,
                                        sizeof(common));
    if (*common)
        text_append(&list, ", ", common);
    GENERAL_NAMES_free(names);
    return list;
}

/* OpenSSL's verify callback: decides nothing. The certificate is known here alone. */
static int note_mismatch(int ok, X509_STORE_CTX *store) {
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct attempt *attempt = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    if (!ok && attempt && is_mismatch(X509_STORE_CTX_get_error(store))) {
        CLEANUP_FREE char *names = names_of(X509_STORE_CTX_get_current_cert(store));

        (void)snprintf(attempt->mismatch, sizeof(attempt->mismatch), "the certificate is for %s",
                       *names ? names : "no name");
    }
    return ok;
}

/* ---- the conversation ---- */

/* The broker left without a CONNACK: by an alert, which note_alert() has seen, or silently. */
static int refused(struct attempt *attempt, int code, int64_t limit_ns, struct error *error) {
    if (code == -ETIMEDOUT || code == -EAGAIN)
        return error_set(error, -ETIMEDOUT, "the broker did not answer within %d s",
                         (int)(limit_ns / NS_PER_S));
    if (!*attempt->cause)
        (void)snprintf(attempt->cause, sizeof(attempt->cause), "closed");
    return 0;
}

/* What answers a CONNECT is a CONNACK, or an alert to a client that speaks no TLS, in the clear. */
static int read_answer(struct transport *transport, const struct client_config *config,
                       struct attempt *attempt, struct error *error) {
    unsigned char answer[ALERT_BYTES];
    size_t start = PACKET_CONNACK_BYTES;
    struct packet_connack connack;
    int r = transport_receive_all(transport, answer, start);

    if (r < 0)
        return refused(attempt, r, config->answer_ns, error);
    if (answer[0] == TLS_ALERT &&
        transport_receive_all(transport, answer + start, ALERT_BYTES - start) == 0) {
        refuse_by_alert(attempt, answer[ALERT_BYTES - 1]);
        return 0;
    }
    r = packet_receive_connack(transport, answer, config->mqtt, &connack);
    if (r == -EBADMSG)
        return error_set(error, -EPROTO, "the answer to CONNECT begins with byte 0x%02x",
                         answer[0]);
    if (r < 0)
        return refused(attempt, r, config->answer_ns, error);
    attempt->mqtt = connack.mqtt;
    attempt->accepted = connack.code == 0;
    (void)snprintf(attempt->cause, sizeof(attempt->cause), "connack %d", connack.code);
    return 0;
}

/* Sealed, if the channel's clients do that. */
static int publish(struct transport *transport, const struct client_config *config,
                   const struct attempt_message *message, struct error *error) {
    CLEANUP(payload_client_freep) struct payload_client *client = NULL;
    const void *payload = message->payload;
    size_t length = strlen(message->payload);
    unsigned char answer[PACKET_SHORT_BYTES];
    struct packet packet;
    int r = payload_client_new(&client, &config->payload, error);

    if (r < 0)
        return r;
    r = payload_client_seal(client, message->topic, &payload, &length, error);
    if (r < 0)
        return r;
    r = packet_publish(&packet, config->mqtt, message->topic, payload, length, error);
    if (r < 0)
        return r;
    r = transport->ops->send(transport, packet.bytes, packet.length);
    if (r == 0)
        r = transport->ops->send(transport, packet_ping, sizeof(packet_ping));
    if (r == 0)
        r = transport_receive_all(transport, answer, sizeof(answer));
    if (r < 0 || answer[0] != packet_pong[0])
        return error_set(error, r < 0 ? r : -EPROTO,
                         "no PINGRESP after publishing to %s; the broker may not "
                         "permit that topic (external.proof_topic)",
                         message->topic);
    (void)transport->ops->send(transport, packet_disconnect, sizeof(packet_disconnect));
    return 0;
}

static int converse(struct transport *transport, const struct client_config *config,
                    const struct attempt_message *message, struct attempt *attempt,
                    struct error *error) {
    struct packet packet;
    int r = packet_connect(&packet, config, error);

    if (r < 0)
        return r;
    /* Not even a failure to send ends this: the reason may lie waiting to be read. */
    (void)transport->ops->send(transport, packet.bytes, packet.length);
    OPENSSL_cleanse(&packet, sizeof(packet));
    r = read_answer(transport, config, attempt, error);
    if (r < 0 || !attempt->accepted || !message)
        return r;
    return publish(transport, config, message, error);
}

/* A broker that refuses a certificate may close on the rest of what was on its way to it, which
 * resets the connection while we still send. What it has said before lies there to be read all the
 * same: the rest of the handshake goes nowhere. */
static void read_reason(struct transport *transport) {
    BIO *nowhere = BIO_new(BIO_s_null());
    char byte;

    if (!nowhere)
        return;
    SSL_set0_wbio(transport->ssl, nowhere);
    if (SSL_connect(transport->ssl) == 1)
        (void)SSL_read(transport->ssl, &byte, sizeof(byte));
}

/* The handshake, with the causes that it can come to an end by. */
static int start_tls(struct transport *transport, SSL_CTX *context,
                     const struct transport_options *options, struct attempt *attempt,
                     struct error *error) {
    long verified;
    int r;

    SSL_CTX_set_info_callback(context, note_alert);
    SSL_CTX_set_app_data(context, attempt);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, note_mismatch);
    r = tls_start(transport, context, false, options, error);
    if (!transport->ssl)
        return r;
    if (r == -EPIPE || r == -ECONNRESET)
        read_reason(transport);
    verified = SSL_get_verify_result(transport->ssl);
    if (r < 0 && verified != X509_V_OK) {
        (void)snprintf(attempt->cause, sizeof(attempt->cause), "verify %ld %s", verified,
                       X509_verify_cert_error_string(verified));
        return 0;
    }
    if (r == -EPROTO && !*attempt->cause)
        return r; /* not refused: what answers there is no TLS that we understand */
    if (r < 0)
        return refused(attempt, r, options->timeout_ns, error);
    transport_session(transport, &attempt->session);
    attempt->resumed = transport_resumed(transport);
    return 1;
}

/* resume may be NULL; *ret_session is the caller's, NULL when nothing was given. */
static int make(const struct client_config *config, const struct attempt_message *message,
                SSL_SESSION *resume, struct attempt *ret, SSL_SESSION **ret_session,
                struct error *error) {
    const struct transport_options options = {.timeout_ns = config->answer_ns, .resume = resume};
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
    if (r == -ECONNREFUSED) { /* nobody listens there: an end of which no connection tells */
        (void)snprintf(ret->cause, sizeof(ret->cause), "tcp %d connection refused", ECONNREFUSED);
        return 0;
    }
    if (r < 0)
        return r;
    if (context) {
        r = start_tls(transport, context, &options, ret, error);
        if (r <= 0)
            return r;
    }
    r = converse(transport, config, message, ret, error);
    if (r < 0)
        return r;
    *ret_session = transport_take_session(transport);
    return 0;
}

int attempt_make(const struct client_config *config, const struct attempt_message *message,
                 struct attempt *ret, struct error *error) {
    CLEANUP(SSL_SESSION_freep) SSL_SESSION *session = NULL;

    return make(config, message, NULL, ret, &session, error);
}

int attempt_resume(const struct client_config *config, bool *ret_ticket, struct attempt *ret,
                   struct error *error) {
    CLEANUP(SSL_SESSION_freep) SSL_SESSION *first = NULL, *second = NULL;
    int r = make(config, NULL, NULL, ret, &first, error);

    if (r < 0)
        return r;
    if (first) {
        r = make(config, NULL, first, ret, &second, error);
        if (r < 0)
            return r;
    }
    *ret_ticket = first != NULL;
    return 0;
}
