#include "probes/connect_loop.h"

#include "base/clock.h"
#include "security/tls_context.h"
#include "transport/overhead.h"

#include <errno.h>
#include <openssl/crypto.h>

#define TIMEOUT_NS (10 * NS_PER_S)

/* One connection. */
struct connection {
    struct transport transport;
    int64_t start_ns, tcp_ns, tls_ns, mqtt_ns; /* instants: begun, and each step done */
    int64_t sent_bytes, received_bytes, tls_sent_bytes;
    int64_t answer_bytes; /* of the CONNACK */
};

/* What the TLS of a connection has put on the wire and taken from it, until now. */
static int64_t written(SSL *ssl) {
    return (int64_t)BIO_number_written(SSL_get_wbio(ssl));
}

static int64_t taken(SSL *ssl) {
    return (int64_t)BIO_number_read(SSL_get_rbio(ssl));
}

/* The broker was left without a CONNACK: TLS 1.3 tells of a refused client only then. */
static int unanswered(int code, struct error *error) {
    if (code == -EPROTO)
        return error_set(error, code, "refused instead of CONNACK: %s", openssl_reason());
    if (code == -ECONNRESET || code == -EPIPE)
        return error_set(error, code, "the broker closed the connection without a CONNACK");
    return error_errno(error, code, "no CONNACK");
}

static int log_in(struct connect_loop *loop, struct connection *connection, struct error *error) {
    struct transport *transport = &connection->transport;
    unsigned char answer[PACKET_CONNACK_BYTES];
    struct packet_connack connack = {.code = 0};
    int r = packet_connect(&loop->packet, loop->client, error);

    if (r < 0)
        return r;
    r = transport->ops->send(transport, loop->packet.bytes, loop->packet.length);
    if (r == 0)
        r = transport_receive_all(transport, answer, sizeof(answer));
    if (r == 0)
        r = packet_receive_connack(transport, answer, loop->client->mqtt, &connack);
    connection->mqtt_ns = clock_monotonic_ns();
    if (r == -EBADMSG)
        return error_set(error, -EPROTO, "the answer to CONNECT begins with byte 0x%02x",
                         answer[0]);
    if (r < 0)
        return unanswered(r, error);
    if (connack.code != 0)
        return error_set(error, -EACCES, "the broker refused the client: connack %d, %s",
                         connack.code, packet_connack_meaning(connack.code));
    connection->answer_bytes = (int64_t)connack.length;
    return 0;
}

static int make(struct connect_loop *loop, struct connection *connection, struct error *error) {
    struct transport *transport = &connection->transport;
    int r;

    connection->start_ns = clock_monotonic_ns();
    r = tcp_reach(&transport->fd, &loop->address, &loop->options, error);
    if (r < 0)
        return r;
    connection->tcp_ns = clock_monotonic_ns();
    if (loop->context)
        r = tls_start(transport, loop->context, false, &loop->options, error);
    if (r < 0)
        return r;
    connection->tls_ns = loop->context ? clock_monotonic_ns() : connection->tcp_ns;
    connection->tls_sent_bytes = loop->context ? written(transport->ssl) : 0;
    r = log_in(loop, connection, error);
    if (r < 0)
        return r;
    connection->sent_bytes = loop->context ? written(transport->ssl) : (int64_t)loop->packet.length;
    connection->received_bytes = loop->context ? taken(transport->ssl) : connection->answer_bytes;
    return 0;
}

/* Until the broker has closed; under TLS, whatever it says before that. */
static void await_end(struct connect_loop *loop) {
    struct transport transport = {.fd = loop->leaving_fd};
    char rest[1024];

    while (transport.fd >= 0 && tcp_ops.receive(&transport, rest, sizeof(rest)) > 0)
        ;
    memory_close_fdp(&loop->leaving_fd);
    loop->leaving_fd = -1;
}

/* Says goodbye to a broker that has let it in; the end of the connection before must be over. */
static void leave(struct connect_loop *loop, struct connection *connection, bool let_in) {
    struct transport *transport = &connection->transport;

    if (let_in)
        (void)transport->ops->send(transport, packet_disconnect, sizeof(packet_disconnect));
    if (transport->ssl) {
        /* OpenSSL takes the session of a connection without farewells for a spoilt one. */
        SSL_set_shutdown(transport->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(transport->ssl);
    }
    await_end(loop);
    if (let_in)
        loop->leaving_fd = transport->fd;
    else
        memory_close_fdp(&transport->fd);
}

/* What the broker gives for the next connection; its own ticket a connection had used up. */
static int keep_session(struct connect_loop *loop, const struct transport *transport,
                        struct error *error) {
    SSL_SESSION_free(loop->options.resume);
    loop->options.resume = transport_take_session(transport);
    if (loop->options.resume)
        return 0;
    return error_set(error, -ENOENT,
                     "the broker gives no ticket by which a session could be resumed; set "
                     "tls.resumption = ticket on this channel, or probe.connect.session = full");
}

/* A connection under other TLS than the first says nothing about the channel. A resumed one may
 * have no group of its own (TLS 1.2). */
static int check_session(const struct connect_loop *loop, const struct transport *transport,
                         struct error *error) {
    bool resumed = transport_resumed(transport);

    if (resumed != (loop->options.resume != NULL))
        return error_set(error, -EPROTO, "the TLS session was %sresumed", resumed ? "" : "not ");
    if (!text_equal(SSL_get_version(transport->ssl), loop->session.version) ||
        !text_equal(SSL_get_cipher_name(transport->ssl), loop->session.cipher))
        return error_set(error, -EPROTO, "TLS is not the first connection's: %s %s",
                         SSL_get_version(transport->ssl), SSL_get_cipher_name(transport->ssl));
    return 0;
}

static int settle(struct connect_loop *loop, const struct transport *transport,
                  struct error *error) {
    int r;

    if (!loop->context)
        return 0;
    if (!*loop->session.version)
        transport_session(transport, &loop->session);
    r = check_session(loop, transport, error);
    return r == 0 && loop->resumes ? keep_session(loop, transport, error) : r;
}

static void count(struct connect_loop *loop, const struct connection *connection) {
    struct connect_sums *sums = &loop->sums;

    sums->tcp_ns += connection->tcp_ns - connection->start_ns;
    sums->tls_ns += connection->tls_ns - connection->tcp_ns;
    sums->mqtt_ns += connection->mqtt_ns - connection->tls_ns;
    sums->sent_bytes += connection->sent_bytes;
    sums->received_bytes += connection->received_bytes;
    sums->tls_sent_bytes += connection->tls_sent_bytes;
    if (loop->context)
        sums->tls_received_bytes +=
            connection->received_bytes -
            overhead_written(connection->answer_bytes, loop->record_overhead);
    histogram_record(&loop->total, connection->mqtt_ns - connection->start_ns);
}

static int connect_once(struct connect_loop *loop, struct error *error) {
    struct connection connection = {.transport = {.ops = &tcp_ops, .fd = -1}};
    int r = make(loop, &connection, error);
    bool counts = atomic_load_explicit(loop->measuring, memory_order_relaxed), let_in = r == 0;

    if (r == 0)
        r = settle(loop, &connection.transport, error);
    leave(loop, &connection, let_in);
    if (r < 0)
        return error_prefix(error, r, "connection %lld", (long long)loop->made + 1);
    loop->made++;
    if (counts)
        count(loop, &connection);
    return 0;
}

int connect_loop_open(struct connect_loop *loop, const struct client_config *client,
                      SSL_CTX *context, bool resumes, const _Atomic bool *measuring,
                      struct error *error) {
    int r;

    loop->client = client;
    loop->context = context;
    loop->options = (struct transport_options){.timeout_ns = TIMEOUT_NS};
    loop->resumes = resumes && context;
    loop->measuring = measuring;
    loop->leaving_fd = -1;
    r = tcp_resolve(&loop->address, client->address, client->port, error);
    if (r < 0)
        return r;
    r = connect_once(loop, error);
    if (r < 0)
        return r;
    loop->record_overhead = overhead_record(loop->session.version, loop->session.cipher);
    return 0;
}

void connect_loop_close(struct connect_loop *loop) {
    await_end(loop);
    SSL_SESSION_free(loop->options.resume);
    OPENSSL_cleanse(&loop->packet, sizeof(loop->packet));
}

void *connect_loop_run(void *argument) {
    struct stream *stream = argument;
    struct connect_loop *loop = stream->context;

    while (stream->code == 0 && !atomic_load_explicit(stream->stop, memory_order_relaxed)) {
        stream->code = connect_once(loop, &stream->error);
        atomic_store_explicit(&stream->counter.units, loop->total.n, memory_order_relaxed);
    }
    atomic_store(&stream->ended, true);
    return NULL;
}

void connect_loop_add(struct connect_loop *loop, const struct connect_loop *other) {
    loop->made += other->made;
    loop->sums.tcp_ns += other->sums.tcp_ns;
    loop->sums.tls_ns += other->sums.tls_ns;
    loop->sums.mqtt_ns += other->sums.mqtt_ns;
    loop->sums.sent_bytes += other->sums.sent_bytes;
    loop->sums.received_bytes += other->sums.received_bytes;
    loop->sums.tls_sent_bytes += other->sums.tls_sent_bytes;
    loop->sums.tls_received_bytes += other->sums.tls_received_bytes;
    histogram_add(&loop->total, &other->total);
}
