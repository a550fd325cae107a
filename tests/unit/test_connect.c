/* probes/connect: one connection's books, and every way in which it can fail. */
#include "peer.h"

#include "probes/connect.h"

#include <errno.h>

/* Hears a CONNECT, answers, and hears until the client has said goodbye. */
static void answer(struct transport *transport, struct peer *peer) {
    if (peer_hear(transport, peer) <= 0)
        return;
    peer->code = transport->ops->send(transport, peer->answer, peer->answer_length);
    (void)peer_hear(transport, peer);
}

static void hear_and_leave(struct transport *transport, struct peer *peer) {
    (void)peer_hear(transport, peer);
}

#define ANSWER(bytes) .answer = (bytes), .answer_length = sizeof(bytes) - 1
#define ACCEPTED      ANSWER("\x20\x02\0\0")

/* Makes one connection, which counts, to the peer. */
static int connect_to(struct peer *peer, struct client_config *config, struct connect_loop *loop,
                      struct error *error) {
    static const _Atomic bool measuring = true;
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;
    int r;

    if (config->tls.enabled)
        assert_int_equal(tls_context_client(&context, config, NULL), 0);
    peer_start(peer);
    config->port = peer->port;
    r = connect_loop_open(loop, config, context, false, &measuring, error);
    peer_stop(peer);
    connect_loop_close(loop);
    return r;
}

static struct client_config *client(const char *use) {
    return peer_config(peer_certs, use, "1.3", "1.3", PARTY_CLIENT2);
}

/* A broker with the client's version of TLS, which gives no tickets. */
static struct peer tls_peer(const char *use) {
    CLEANUP(client_config_freep)
    struct client_config *config = peer_config(peer_certs, use, "1.3", "1.3", PARTY_BROKER);

    config->tls.tickets = 0;
    return (struct peer){.act = answer, ACCEPTED, .context = peer_context(config)};
}

/* CONNECT, then DISCONNECT; the bytes up to the CONNACK, and the times of the two steps. */
static void test_in_clear(void **state) {
    static const char packets[] = "\x10\x13\0\4MQTT\4\2\0\x3c\0\7client2\xe0";
    CLEANUP_FREE struct connect_loop *loop = memory_new(1, sizeof(*loop));
    CLEANUP(client_config_freep) struct client_config *config = client("");
    struct peer peer = {.act = answer, ACCEPTED};
    struct error error = {""};

    (void)state;
    assert_int_equal(connect_to(&peer, config, loop, &error), 0);
    assert_int_equal(peer.heard_length, sizeof(packets));
    assert_memory_equal(peer.heard, packets, sizeof(packets));
    assert_int_equal(loop->made, 1);
    assert_int_equal(loop->total.n, 1);
    assert_int_equal(loop->sums.sent_bytes, 21);
    assert_int_equal(loop->sums.received_bytes, 4);
    assert_true(loop->sums.tcp_ns > 0 && loop->sums.mqtt_ns > 0);
    assert_int_equal(loop->sums.tls_ns + loop->sums.tls_sent_bytes + loop->sums.tls_received_bytes +
                         loop->sums.handshake_bytes,
                     0);
    assert_int_equal(loop->total.min, loop->sums.tcp_ns + loop->sums.mqtt_ns);
    assert_string_equal(loop->session.version, "");
}

/* The bytes are what TLS has put on the wire: those of the two packets, 22 for the record of each,
 * the rest is the handshake's. In MQTT 5 both packets have properties. */
static void test_over_tls(void **state) {
    static const struct {
        int64_t mqtt;
        const char *answer;
        size_t answer_length;
        int64_t asked_bytes;
    } cases[] = {{MQTT_3_1_1, "\x20\2\0\0", 4, 21}, {MQTT_5, "\x20\6\0\0\3\x21\0\x14", 8, 22}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE struct connect_loop *loop = memory_new(1, sizeof(*loop));
        CLEANUP(client_config_freep) struct client_config *config = client("tls certificate");
        const struct connect_sums *sums = &loop->sums;
        struct peer peer = tls_peer("tls certificate");
        struct error error = {""};

        config->mqtt = cases[i].mqtt;
        peer.answer = cases[i].answer;
        peer.answer_length = cases[i].answer_length;
        if (connect_to(&peer, config, loop, &error) != 0)
            fail_msg("%s", error.text);
        assert_string_equal(loop->session.version, "TLSv1.3");
        assert_int_equal(loop->record_overhead, 22);
        assert_true(sums->tls_ns > 0);
        assert_true(sums->tls_sent_bytes > 500);
        /* The peer gives no tickets: what it has sent besides is its answer's record. */
        assert_int_equal(sums->handshake_bytes, sums->tls_sent_bytes + sums->received_bytes -
                                                    (int64_t)cases[i].answer_length - 22);
        assert_int_equal(sums->sent_bytes - sums->tls_sent_bytes, cases[i].asked_bytes + 22);
        assert_true(sums->received_bytes > 1000);
        /* How long its record is, is known from the next connection on. */
        assert_int_equal(sums->received_bytes - sums->tls_received_bytes, cases[i].answer_length);
    }
}

/* ---- the connections after the first ---- */

static _Atomic bool enough;

static void answer_once(struct transport *transport, struct peer *peer) {
    atomic_store(&enough, true);
    answer(transport, peer);
}

/* A broker of TLS 1.3 with one suite, or with all of them. */
static struct peer suite_peer(const char *suite, bool tickets) {
    CLEANUP(client_config_freep)
    struct client_config *config = peer_config(peer_certs, "tls", "1.3", "1.3", PARTY_BROKER);

    text_replace(&config->tls.suites, suite);
    config->tls.tickets = tickets;
    return (struct peer){.act = answer_once, ACCEPTED, .context = peer_context(config)};
}

static void see(char *own, const char *seen, size_t size) {
    if (*seen)
        (void)snprintf(own, size, "%s", seen);
}

/* Makes a connection to one broker, and the next to another; what the loop says of that. seen: what
 * the first is taken for; empty: its own. */
static int connect_twice(const char *suite, struct tls_session seen, const char *next_suite,
                         struct error *error) {
    static const _Atomic bool measuring = true;
    struct peer first = suite_peer(suite, false), second = suite_peer(next_suite, false);
    CLEANUP_FREE struct connect_loop *loop = memory_new(1, sizeof(*loop));
    CLEANUP(client_config_freep) struct client_config *config = client("tls");
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;
    struct stream stream = {.run = connect_loop_run, .context = loop, .stop = &enough};

    assert_int_equal(tls_context_client(&context, config, NULL), 0);
    peer_start(&first);
    config->port = first.port;
    if (connect_loop_open(loop, config, context, false, &measuring, error) < 0)
        fail_msg("%s", error->text);
    peer_stop(&first);
    see(loop->session.version, seen.version, sizeof(seen.version));
    see(loop->session.group, seen.group, sizeof(seen.group));
    see(loop->session.signature, seen.signature, sizeof(seen.signature));
    see(loop->session.client_signature, seen.client_signature, sizeof(seen.client_signature));
    peer_start(&second);
    assert_int_equal(tcp_resolve(&loop->address, "127.0.0.1", second.port, &loop->options, NULL),
                     0);
    atomic_store(&enough, false);
    (void)stream_run(&stream);
    connect_loop_close(loop);
    peer_stop(&second);
    assert_true(atomic_load(&stream.ended));
    assert_int_equal(loop->made, stream.code == 0 ? 2 : 1);
    assert_int_equal(loop->total.n, loop->made);
    *error = stream.error;
    return stream.code;
}

/* Other TLS than the first connection's is no connection of the channel, whatever alone is other.
 */
static void test_later_is_other(void **state) {
    static const char one[] = "TLS_AES_128_GCM_SHA256", other[] = "TLS_CHACHA20_POLY1305_SHA256";
    static const struct tls_session itself = {.version = ""};
    static const struct tls_session others[] = {
        {.version = "TLSv1.2"},
        {.group = "secp521r1"},
        {.signature = "ed25519"},
        {.client_signature = "ed25519"},
    };
    struct error error = {""};

    (void)state;
    assert_int_equal(connect_twice(one, itself, one, &error), 0);
    assert_int_equal(connect_twice(one, itself, other, &error), -EPROTO);
    assert_has(error.text, "connection 2: TLS is not the first connection's: TLSv1.3 "
                           "TLS_CHACHA20_POLY1305_SHA256");
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        assert_int_equal(connect_twice(one, others[i], one, &error), -EPROTO);
        assert_has(error.text, "connection 2: TLS is not the first connection's: TLSv1.3 "
                               "TLS_AES_128_GCM_SHA256");
    }
}

/* Of a loop that resumes: the ticket of one broker is nothing to the next, and one that gives none
 * is told at once. */
static void test_resumes_or_fails(void **state) {
    static const _Atomic bool measuring = true;
    static const struct {
        bool tickets;
        const char *message;
    } cases[] = {
        {true, "connection 2: the TLS session was not resumed"},
        {false, "connection 1: the broker gives no ticket by which a session could be resumed; "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE struct connect_loop *loop = memory_new(1, sizeof(*loop));
        CLEANUP(client_config_freep) struct client_config *config = client("tls");
        CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;
        struct peer first = suite_peer("", cases[i].tickets), second = suite_peer("", true);
        struct stream stream = {.run = connect_loop_run, .context = loop, .stop = &enough};

        config->tls.tickets = 1;
        assert_int_equal(tls_context_client(&context, config, NULL), 0);
        peer_start(&first);
        config->port = first.port;
        stream.code = connect_loop_open(loop, config, context, true, &measuring, &stream.error);
        peer_stop(&first);
        peer_start(&second);
        assert_int_equal(
            tcp_resolve(&loop->address, "127.0.0.1", second.port, &loop->options, NULL), 0);
        atomic_store(&enough, false);
        if (stream.code == 0)
            (void)stream_run(&stream);
        connect_loop_close(loop);
        if (!cases[i].tickets) /* it was never called */
            (void)shutdown(second.listener, SHUT_RDWR);
        peer_stop(&second);
        assert_int_equal(stream.code, cases[i].tickets ? -EPROTO : -ENOENT);
        assert_has(stream.error.text, cases[i].message);
    }
}

/* The books of several clients are one. */
static void test_add(void **state) {
    CLEANUP_FREE struct connect_loop *loop = memory_new(1, sizeof(*loop));
    CLEANUP_FREE struct connect_loop *sum = memory_new(1, sizeof(*sum));

    (void)state;
    loop->made = 3;
    loop->sums = (struct connect_sums){1, 2, 3, 4, 5, 6, 7, 8};
    histogram_record(&loop->total, 6);
    connect_loop_add(sum, loop);
    connect_loop_add(sum, loop);
    assert_int_equal(sum->made, 6);
    assert_int_equal(sum->total.n, 2);
    assert_memory_equal(&sum->sums, (&(struct connect_sums){2, 4, 6, 8, 10, 12, 14, 16}),
                        sizeof(sum->sums));
}

static void assert_refused(struct peer *peer, struct client_config *config, const char *reason) {
    CLEANUP_FREE struct connect_loop *loop = memory_new(1, sizeof(*loop));
    CLEANUP_FREE char *message = text_format("connection 1: %s", reason);
    struct error error = {""};

    assert_true(connect_to(peer, config, loop, &error) < 0);
    if (strncmp(error.text, message, strlen(message)) != 0)
        fail_msg("'%s' does not begin with '%s'", error.text, message);
    assert_int_equal(loop->made + loop->total.n, 0);
}

static void test_refused_in_clear(void **state) {
    static const struct {
        void (*act)(struct transport *transport, struct peer *peer);
        const char *bytes;
        size_t length;
        const char *reason;
    } cases[] = {
        {answer, "\x20\x02\0\5", 4, "the broker refused the client: connack 5, not authorized"},
        {answer, "HTTP/1.1", 8, "the answer to CONNECT begins with byte 0x48"},
        {hear_and_leave, NULL, 0, "the broker closed the connection without a CONNACK"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(client_config_freep) struct client_config *config = client("");
        struct peer peer = {
            .act = cases[i].act, .answer = cases[i].bytes, .answer_length = cases[i].length};

        assert_refused(&peer, config, cases[i].reason);
    }
}

/* A client that shows no certificate: with TLS 1.3 its own handshake goes through. */
static void test_refused_over_tls(void **state) {
    CLEANUP(client_config_freep) struct client_config *config = client("tls");
    struct peer peer = tls_peer("tls certificate");

    (void)state;
    assert_refused(&peer, config, "refused instead of CONNACK: ");
    assert_int_equal(peer.heard_length, 0);
}

static void test_nobody_listens(void **state) {
    static const _Atomic bool measuring = true;
    CLEANUP_FREE struct connect_loop *loop = memory_new(1, sizeof(*loop));
    CLEANUP(client_config_freep) struct client_config *config = client("");
    CLEANUP_FREE char *message = NULL;
    struct error error = {""};

    (void)state;
    config->port = peer_free_port();
    message = text_format("connection 1: cannot connect to 127.0.0.1 port %d: Connection refused",
                          (int)config->port);
    assert_int_equal(connect_loop_open(loop, config, NULL, false, &measuring, &error),
                     -ECONNREFUSED);
    assert_string_equal(error.text, message);
    connect_loop_close(loop);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_clear),         cmocka_unit_test(test_over_tls),
        cmocka_unit_test(test_later_is_other),   cmocka_unit_test(test_add),
        cmocka_unit_test(test_resumes_or_fails), cmocka_unit_test(test_refused_in_clear),
        cmocka_unit_test(test_refused_over_tls), cmocka_unit_test(test_nobody_listens),
    };

    return cmocka_run_group_tests(tests, peer_set_up, peer_tear_down);
}
