/* connect - connecting to the broker again and again: how often a second, and what each costs. */
#include "probes/connect.h"

#include "base/clock.h"
#include "security/tls_context.h"
#include "transport/overhead.h"

#include <errno.h>
#include <openssl/crypto.h>

enum connect_session { SESSION_FULL, SESSION_RESUMED };

struct connect_settings {
    struct worker_window window;
    int64_t parallel, session;
};

#define AT(member) .offset = offsetof(struct connect_settings, member)
static const struct setting rows[] = {
    {"duration", SETTING_DURATION, "10s", "100ms", "1h", .help = "measured time of a trial",
     AT(window.duration_ns)},
    {"warmup", SETTING_DURATION, "1s", "0s", "10min",
     .help = "time before that, which does not count", AT(window.warmup_ns)},
    {"parallel", SETTING_COUNT, "1", "1", "64",
     .help = "connections on their way at once, a thread each", AT(parallel)},
    {"session", SETTING_CHOICE, "full", .choices = "full resumed",
     .help = "full: a whole TLS handshake each time; resumed: by a ticket of the one before "
             "(without TLS both are the same)",
     AT(session)},
};
static const struct setting_group group =
    SETTING_GROUP("probe.connect", SETTING_PROBE, rows, struct connect_settings);

/* ---- the loop ---- */

/* One connection. */
struct connection {
    struct transport transport;
    int64_t start_ns, tcp_ns, tls_ns, mqtt_ns; /* instants: begun, and each step done */
    int64_t sent_bytes, received_bytes, tls_sent_bytes, handshake_bytes;
    int64_t answer_bytes; /* of the CONNACK */
};

/* What the TLS of a connection has put on the wire and taken from it, until now. */
static int64_t written(SSL *ssl) {
    return (int64_t)BIO_number_written(SSL_get_wbio(ssl));
}

static int64_t taken(SSL *ssl) {
    return (int64_t)BIO_number_read(SSL_get_rbio(ssl));
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
    if (r == -EPROTO) /* TLS 1.3 tells of a refused client only now */
        return error_set(error, r, "refused instead of CONNACK: %s", openssl_reason());
    if (r == -ECONNRESET || r == -EPIPE)
        return error_set(error, r, "the broker closed the connection without a CONNACK");
    if (r < 0)
        return error_errno(error, r, "no CONNACK");
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
    connection->handshake_bytes =
        loop->context ? connection->tls_sent_bytes + taken(transport->ssl) : 0;
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

/* Who resumes signs nothing, and may exchange no keys of its own (TLS 1.2). */
static bool is_same(const struct tls_session *first, const struct tls_session *later,
                    bool resumed) {
    return text_equal(later->version, first->version) && text_equal(later->cipher, first->cipher) &&
           (text_equal(later->group, first->group) || (resumed && !*later->group)) &&
           (resumed || (text_equal(later->signature, first->signature) &&
                        text_equal(later->client_signature, first->client_signature)));
}

/* A connection under other TLS than the first says nothing about the channel. With `resumes`, what
 * the broker gives is kept for the next connection; its own ticket a connection had used up. */
static int settle(struct connect_loop *loop, const struct transport *transport,
                  struct error *error) {
    bool resumed = transport_resumed(transport);
    struct tls_session own;

    if (!loop->context)
        return 0;
    transport_session(transport, &own);
    if (!*loop->session.version)
        loop->session = own;
    if (resumed != (loop->options.resume != NULL))
        return error_set(error, -EPROTO, "the TLS session was %sresumed", resumed ? "" : "not ");
    if (!is_same(&loop->session, &own, resumed))
        return error_set(error, -EPROTO, "TLS is not the first connection's: %s %s %s %s%s%s",
                         own.version, own.cipher, own.group, own.signature,
                         *own.client_signature ? " " : "", own.client_signature);
    if (!loop->resumes)
        return 0;
    SSL_SESSION_free(loop->options.resume);
    loop->options.resume = transport_take_session(transport);
    if (loop->options.resume)
        return 0;
    return error_set(error, -ENOENT,
                     "the broker gives no ticket by which a session could be resumed; set "
                     "tls.resumption = ticket on this channel, or probe.connect.session = full");
}

static void count(struct connect_loop *loop, const struct connection *connection) {
    struct connect_sums *sums = &loop->sums;

    sums->tcp_ns += connection->tcp_ns - connection->start_ns;
    sums->tls_ns += connection->tls_ns - connection->tcp_ns;
    sums->mqtt_ns += connection->mqtt_ns - connection->tls_ns;
    sums->sent_bytes += connection->sent_bytes;
    sums->received_bytes += connection->received_bytes;
    sums->tls_sent_bytes += connection->tls_sent_bytes;
    sums->handshake_bytes += connection->handshake_bytes;
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
    loop->options = (struct transport_options){.timeout_ns = client->answer_ns};
    loop->resumes = resumes && context;
    loop->measuring = measuring;
    loop->leaving_fd = -1;
    r = tcp_resolve(&loop->address, client->address, client->port, &loop->options, error);
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

int connect_loop_run(struct stream *stream) {
    struct connect_loop *loop = stream->context;
    int r = 0;

    while (r == 0 && !atomic_load_explicit(stream->stop, memory_order_relaxed)) {
        r = connect_once(loop, &stream->error);
        atomic_store_explicit(&stream->counter.units, loop->total.n, memory_order_relaxed);
    }
    return r;
}

void connect_loop_add(struct connect_loop *loop, const struct connect_loop *other) {
    loop->made += other->made;
    loop->sums.tcp_ns += other->sums.tcp_ns;
    loop->sums.tls_ns += other->sums.tls_ns;
    loop->sums.mqtt_ns += other->sums.mqtt_ns;
    loop->sums.sent_bytes += other->sums.sent_bytes;
    loop->sums.received_bytes += other->sums.received_bytes;
    loop->sums.tls_sent_bytes += other->sums.tls_sent_bytes;
    loop->sums.handshake_bytes += other->sums.handshake_bytes;
    loop->sums.tls_received_bytes += other->sums.tls_received_bytes;
    histogram_add(&loop->total, &other->total);
}

/* ---- the clients of a worker ---- */

/* One client a thread. */
struct connect_clients {
    size_t n;
    struct stream *streams;
    struct connect_loop *loops;
    struct client_config **configs;
    SSL_CTX *context;
    _Atomic bool stop;
};

/* A session of its own for each, as the broker ends the older of two of the same name. */
static struct client_config *name_client(const struct client_config *client, size_t i) {
    CLEANUP_FREE char *session = i ? text_format("connect-%zu", i + 1) : text_copy("connect");
    struct client_config *own = setting_block_copy(&client_config_group, client);

    client_config_name_session(own, session);
    return own;
}

static int clients_open(struct connect_clients *clients, const struct worker_context *worker,
                        const struct connect_settings *settings, struct error *error) {
    const struct client_config *client = worker->client;
    int r;

    if (client->one_session && settings->parallel > 1)
        return error_set(error, -EINVAL,
                         "probe.connect.parallel: external.client_id lets each client have one "
                         "connection at a time; right would be 1");
    clients->n = (size_t)settings->parallel;
    clients->streams = stream_new(clients->n, connect_loop_run, &clients->stop);
    clients->loops = memory_new(clients->n, sizeof(*clients->loops));
    clients->configs = memory_new(clients->n, sizeof(*clients->configs));
    if (client->tls.enabled) {
        r = tls_context_client(&clients->context, client, error);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < clients->n; i++) {
        clients->configs[i] = name_client(client, i);
        clients->streams[i].context = &clients->loops[i];
        r = connect_loop_open(&clients->loops[i], clients->configs[i], clients->context,
                              settings->session == SESSION_RESUMED, &worker->measuring, error);
        if (r < 0)
            return r;
    }
    return 0;
}

static void clients_close(struct connect_clients *clients) {
    for (size_t i = 0; i < clients->n; i++) {
        connect_loop_close(&clients->loops[i]);
        client_config_free(clients->configs[i]);
    }
    SSL_CTX_free(clients->context);
    free(clients->configs);
    free(clients->loops);
    free(clients->streams);
}

/* ---- the books ---- */

static int put_books(struct worker_context *worker, const struct connect_clients *clients,
                     struct error *error) {
    static const struct {
        const char *name;
        double share;
    } percentiles[] = {
        {"connect_time_median", 0.5},
        {"connect_time_p95", 0.95},
        {"connect_time_p99", 0.99},
    };
    CLEANUP_FREE struct connect_loop *all = memory_new(1, sizeof(*all));
    const struct connect_sums *sums = &all->sums;
    double n, elapsed_s = (double)jsonline_integer(worker->result, "elapsed_ns", 0) / 1e9;

    all->record_overhead = clients->loops[0].record_overhead;
    for (size_t i = 0; i < clients->n; i++)
        connect_loop_add(all, &clients->loops[i]);
    n = (double)all->total.n;
    if (!all->total.n)
        return error_set(error, -ETIMEDOUT, "no connection was made in the measured time");
    worker_metric(worker, "connections_per_s", n / elapsed_s);
    worker_metric(worker, "connections", n);
    worker_metric(worker, "connections_made", (double)all->made);
    worker_metric(worker, "connect_time", histogram_mean(&all->total) / 1e6);
    worker_metric(worker, "tcp_time", (double)sums->tcp_ns / n / 1e6);
    worker_metric(worker, "tls_time", (double)sums->tls_ns / n / 1e6);
    worker_metric(worker, "mqtt_time", (double)sums->mqtt_ns / n / 1e6);
    for (size_t i = 0; i < ARRAY_SIZE(percentiles); i++)
        if (histogram_supports(all->total.n, percentiles[i].share))
            worker_metric(worker, percentiles[i].name,
                          histogram_percentile(&all->total, percentiles[i].share) / 1e6);
    worker_distribution(worker, "connect_time", "ms", &all->total, 1e6);
    worker_metric(worker, "bytes_sent", (double)sums->sent_bytes / n);
    worker_metric(worker, "bytes_received", (double)sums->received_bytes / n);
    worker_metric(worker, "handshake_bytes", (double)sums->handshake_bytes / n);
    worker_metric(worker, "tls_bytes_sent", (double)sums->tls_sent_bytes / n);
    if (all->record_overhead >= 0)
        worker_metric(worker, "tls_bytes_received", (double)sums->tls_received_bytes / n);
    worker_share(worker, "connection", all->total.n);
    /* No bulk data. */
    (void)json_object_del(worker->result, "bytes");
    worker_put_tls(worker, &clients->loops[0].session);
    if (clients->loops[0].resumes && clients->loops[0].context)
        (void)json_object_set_new(worker->result, "resumed", json_true());
    return 0;
}

/* ---- the role ---- */

static int run(struct worker_context *worker, struct error *error) {
    static struct connect_clients clients; /* after a failure threads may still use it */
    const struct connect_settings *settings = worker->settings;
    int r = clients_open(&clients, worker, settings, error);

    if (r < 0)
        return r;
    r = worker_measure_client(worker, &settings->window, clients.streams, clients.n, error);
    if (r < 0)
        return r; /* the process ends, and its threads with it */
    r = put_books(worker, &clients, error);
    if (r < 0)
        return r;
    r = worker_report(worker, error);
    clients_close(&clients);
    return r;
}

static const struct metric metrics[] = {
    {"connections_per_s", "1/s", METRIC_HIGHER, true,
     "connections to the broker itself, one after the other: TCP, TLS if the channel has it, "
     "CONNECT, CONNACK, DISCONNECT; the broker closes one while the next begins. What a device "
     "pays that connects for each message."},
    {"connect_time", "ms", METRIC_LOWER, false, "mean, from the first call to the CONNACK"},
    {"connect_time_median", "ms", METRIC_LOWER, false, "half of all connections take at most that"},
    {"connect_time_p95", "ms", METRIC_LOWER, false, "95 % of all connections take at most that"},
    {"connect_time_p99", "ms", METRIC_LOWER, false, "99 % of all connections take at most that"},
    {"tcp_time", "ms", METRIC_LOWER, false, "mean, of it TCP's handshake"},
    {"tls_time", "ms", METRIC_LOWER, false, "mean, of it TLS's handshake, as the client sees it"},
    {"mqtt_time", "ms", METRIC_LOWER, false,
     "mean, of it CONNECT to CONNACK; with TLS 1.3 the broker checks a client's certificate then"},
    {"bytes_sent", "B", METRIC_LOWER, false, "TCP payload of a connection, up to the CONNACK"},
    {"bytes_received", "B", METRIC_LOWER, false, "TCP payload of a connection, with the CONNACK"},
    {"handshake_bytes", "B", METRIC_LOWER, false,
     "TLS's handshake both ways, records included, as `openssl s_client` counts it; the tickets of "
     "TLS 1.3 come after it"},
    {"tls_bytes_sent", "B", METRIC_LOWER, false, "of them TLS's, without the CONNECT's record"},
    {"tls_bytes_received", "B", METRIC_LOWER, false,
     "of them TLS's, session tickets included, without the CONNACK's record"},
    {"cpu_per_connection", "us", METRIC_LOWER, false,
     "CPU time of client or broker for a connection, closing included"},
    {"connections", "connections", METRIC_NONE, false, "that were made in the measured time"},
    {"connections_made", "connections", METRIC_NONE, false, "the same, and those around it"},
    METRICS_OF_PROCESS,
};
static const struct role roles[] = {
    {.name = "connect-client",
     .party = PARTY_CLIENT2,
     .process = "client",
     .settings = &group,
     .run = run},
};

const struct probe probe_connect = {
    .group = &group,
    .help = "connect, log in, leave: how often a second, and what each step costs",
    .metrics = metrics,
    .n_metrics = ARRAY_SIZE(metrics),
    .roles = roles,
    .n_roles = ARRAY_SIZE(roles),
    .in_channel = true,
    .planned_ns = probe_window_ns,
};
