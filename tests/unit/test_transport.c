/* transport: TCP and TLS pass bytes exactly as they are, and tell how a stream ended. */
#include "emulator.h"
#include "peer.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#define BYTES (3 * 1024 * 1024 + 17)

/* The byte at a place of the stream: no period that a record or a page could hide. */
static unsigned char pattern(size_t i) {
    return (unsigned char)(i * 2654435761u >> 13);
}

static unsigned char *make_pattern(void) {
    unsigned char *bytes = memory_new(BYTES, 1);

    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = pattern(i);
    return bytes;
}

/* ---- what the other side does ---- */

/* Compares what comes with the pattern until the end; answer_length becomes the length. */
static void compare(struct transport *transport, struct peer *peer) {
    static unsigned char block[100000];
    ssize_t n;

    while ((n = transport->ops->receive(transport, block, sizeof(block))) > 0)
        for (ssize_t i = 0; i < n; i++)
            if (block[i] != pattern(peer->answer_length++) && peer->code == 0)
                peer->code = -EBADMSG;
    if (n < 0)
        peer->code = (int)n;
    transport->ops->finish(transport);
}

/* Sends the pattern in pieces of odd sizes, then finishes. */
static void dictate(struct transport *transport, struct peer *peer) {
    unsigned char *bytes = make_pattern();

    for (size_t done = 0, length; done < BYTES && peer->code == 0; done += length) {
        length = 1 + done % 99991;
        length = length < BYTES - done ? length : BYTES - done;
        peer->code = transport->ops->send(transport, bytes + done, length);
    }
    transport->ops->finish(transport);
    (void)peer_hear(transport, peer);
    free(bytes);
}

static void leave_early(struct transport *transport, struct peer *peer) {
    (void)transport->ops->send(transport, "half", 4);
    (void)peer;
}

static void wait_and_leave(struct transport *transport, struct peer *peer) {
    (void)peer_hear(transport, peer);
}

/* ---- both ends ---- */

/* In clear, or over TLS of this version with records gathered into sends of so many bytes. */
struct kind {
    const char *version; /* NULL: TCP */
    int64_t gather_bytes;
};

static const struct kind kinds[] = {
    {NULL, 0}, {"1.3", 0}, {"1.3", 65536}, {"1.2", 0}, {"1.2", 200000},
};

static struct client_config *config_of(const struct kind *kind, enum party party) {
    return kind->version ? peer_config(peer_certs, "tls", kind->version, kind->version, party)
                         : peer_config(peer_certs, "", "1.3", "1.3", party);
}

/* Starts the peer and connects to it as client2. */
static struct transport *meet(const struct kind *kind, struct peer *peer) {
    CLEANUP(client_config_freep) struct client_config *client = config_of(kind, PARTY_CLIENT2);
    CLEANUP(client_config_freep) struct client_config *broker = config_of(kind, PARTY_BROKER);
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;
    struct transport_options options = {
        .timeout_ns = DEADLINE_NS, .gather_bytes = kind->gather_bytes, .not_sent_bytes = 131072};
    struct transport *transport = NULL;
    struct error error = {""};

    peer->options.gather_bytes = kind->gather_bytes;
    if (kind->version) {
        peer->context = peer_context(broker);
        assert_int_equal(tls_context_client(&context, client, NULL), 0);
    }
    peer_start(peer);
    client->port = peer->port;
    if (transport_connect(&transport, client, context, &options, &error) != 0)
        fail_msg("%s", error.text);
    return transport;
}

static void test_sends_exactly(void **state) {
    CLEANUP_FREE unsigned char *bytes = make_pattern();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct peer peer = {.act = compare};
        struct transport *transport = meet(&kinds[i], &peer);
        size_t first = 65536 * 20;
        char end;

        for (size_t done = 0; done < first; done += 65536)
            assert_int_equal(transport->ops->send(transport, bytes + done, 65536), 0);
        assert_int_equal(transport->ops->send(transport, bytes + first, 1), 0);
        assert_int_equal(transport->ops->send(transport, bytes + first + 1, BYTES - first - 1), 0);
        transport->ops->finish(transport);
        assert_int_equal(transport->ops->receive(transport, &end, 1), 0);
        peer_stop(&peer);
        transport_free(transport);
        assert_int_equal(peer.code, 0);
        assert_int_equal(peer.answer_length, BYTES);
    }
}

static void test_receives_exactly(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct peer peer = {.act = dictate};
        struct transport *transport = meet(&kinds[i], &peer);
        CLEANUP_FREE unsigned char *block = memory_new(70001, 1);
        size_t length = 0;
        ssize_t n;

        while ((n = transport->ops->receive(transport, block, 1 + length % 70001)) > 0)
            for (ssize_t j = 0; j < n; j++)
                if (block[j] != pattern(length++))
                    fail_msg("byte %zu differs", length - 1);
        assert_int_equal(n, 0);
        assert_int_equal(transport->ops->receive(transport, block, 1), 0); /* and stays so */
        assert_int_equal(length, BYTES);
        transport->ops->finish(transport);
        peer_stop(&peer);
        transport_free(transport);
        assert_int_equal(peer.code, 0);
    }
}

/* What is sent while less than a full buffer is gathered goes out with finish(). */
static void test_finish_sends_the_rest(void **state) {
    static const size_t lengths[] = {1, 100, 65535, 65537};
    CLEANUP_FREE unsigned char *bytes = make_pattern();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        for (size_t j = 0; j < ARRAY_SIZE(lengths); j++) {
            struct peer peer = {.act = compare};
            struct transport *transport = meet(&kinds[i], &peer);

            assert_int_equal(transport->ops->send(transport, bytes, lengths[j]), 0);
            transport->ops->finish(transport);
            peer_stop(&peer);
            transport_free(transport);
            assert_int_equal(peer.code, 0);
            assert_int_equal(peer.answer_length, lengths[j]);
        }
}

static void test_flush_sends_what_was_gathered(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct peer peer = {.act = wait_and_leave};
        struct transport *transport = meet(&kinds[i], &peer);
        char end;

        assert_int_equal(transport->ops->send(transport, "abc", 3), 0);
        transport->ops->flush(transport);
        /* It has heard, and left. */
        assert_true(transport->ops->receive(transport, &end, 1) <= 0);
        transport->ops->finish(transport);
        peer_stop(&peer);
        transport_free(transport);
        assert_int_equal(peer.heard_length, 3);
    }
}

/* ---- what a receiver costs ---- */

#ifndef __SANITIZE_ADDRESS__ /* which has a memmove of its own */
static _Thread_local size_t moved;

/* In place of the C library's, for OpenSSL too: counts what it moves. */
void *memmove(void *to, const void *from, size_t length) {
    volatile unsigned char *target = to;
    const volatile unsigned char *source = from;

    moved += length;
    if (target < source)
        for (size_t i = 0; i < length; i++)
            target[i] = source[i];
    else
        for (size_t i = length; i-- > 0;)
            target[i] = source[i];
    return to;
}

/* Until so much waits to be read that many records come with one read. */
static void await_much(int fd) {
    const int wanted = 256 * 1024, size = 1024 * 1024;

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
    for (int waiting = 0, tries = 0; waiting < wanted && tries < 2000; tries++) {
        assert_int_equal(ioctl(fd, FIONREAD, &waiting), 0);
        (void)poll(NULL, 0, 5);
    }
}

/* OpenSSL, when it reads ahead, moves all that it has read to the front for each record. */
static void test_nothing_is_moved_for_a_record(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct peer peer = {.act = dictate};
        struct transport *transport = meet(&kinds[i], &peer);
        CLEANUP_FREE unsigned char *block = memory_new(131072, 1);
        size_t length = 0;
        ssize_t n;

        await_much(transport->fd);
        moved = 0;
        while ((n = transport->ops->receive(transport, block, 131072)) > 0)
            length += (size_t)n;
        if (moved > length / 10)
            fail_msg("%zu bytes were moved for %zu, kind %zu", moved, length, i);
        assert_int_equal(length, BYTES);
        transport->ops->finish(transport);
        peer_stop(&peer);
        transport_free(transport);
    }
}
#endif

/* ---- sessions ---- */

static void test_session(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct peer peer = {.act = wait_and_leave};
        struct transport *transport = meet(&kinds[i], &peer);
        CLEANUP_FREE char *version =
            kinds[i].version ? text_format("TLSv%s", kinds[i].version) : text_copy("");
        struct tls_session session;

        memset(&session, 'x', sizeof(session));
        transport_session(transport, &session);
        transport->ops->finish(transport);
        peer_stop(&peer);
        transport_free(transport);
        assert_string_equal(session.version, version);
        assert_string_equal(session.cipher, peer.session.cipher);
        assert_string_equal(session.group, peer.session.group);
        assert_int_equal(!*session.cipher, !kinds[i].version);
        assert_int_equal(!*session.group, !kinds[i].version);
        assert_string_equal(session.signature, kinds[i].version ? "ecdsa_secp256r1_sha256" : "");
        assert_string_equal(peer.session.signature, session.signature);
        assert_string_equal(session.client_signature, ""); /* it has no certificate */
    }
}

/* ---- ends that are not as they should be ---- */

/* TCP cannot tell an early end from a proper one; TLS can, and must. */
static void test_peer_leaves_early(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct peer peer = {.act = leave_early};
        struct transport *transport;
        size_t length = 0;
        char block[16];
        ssize_t n;

        if (kinds[i].gather_bytes)
            continue;
        transport = meet(&kinds[i], &peer);
        while ((n = transport->ops->receive(transport, block, sizeof(block))) > 0)
            length += (size_t)n;
        assert_int_equal(length, 4);
        if (kinds[i].version)
            assert_true(n < 0);
        else
            assert_int_equal(n, 0);
        peer_stop(&peer);
        transport_free(transport);
    }
}

static void test_sending_to_who_has_left(void **state) {
    static unsigned char block[65536];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct peer peer = {.act = leave_early};
        struct transport *transport = meet(&kinds[i], &peer);
        int r = 0;

        peer_stop(&peer);
        for (int times = 0; times < 1000 && r == 0; times++)
            r = transport->ops->send(transport, block, sizeof(block));
        assert_true(r == -EPIPE || r == -ECONNRESET);
        transport_free(transport);
    }
}

/* A stalled stream ends with its time limit, with the same word for every kind. */
static void test_time_limit(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct peer peer = {.act = wait_and_leave};
        struct transport *transport = meet(&kinds[i], &peer);
        const struct transport_options options = {.timeout_ns = 50 * NS_PER_MS};
        char byte;

        assert_int_equal(tcp_set_options(transport->fd, &options, NULL), 0);
        assert_int_equal(transport->ops->receive(transport, &byte, 1), -ETIMEDOUT);
        transport->ops->finish(transport);
        peer_stop(&peer);
        transport_free(transport);
    }
}

static void test_handshake_fails(void **state) {
    CLEANUP(client_config_freep)
    struct client_config *config = peer_config(peer_certs, "tls", "1.3", "1.3", PARTY_CLIENT2);
    CLEANUP(client_config_freep)
    struct client_config *broker = peer_config(peer_certs, "tls", "1.3", "1.3", PARTY_BROKER);
    struct transport_options options = {.timeout_ns = DEADLINE_NS};
    struct peer peer = {.act = wait_and_leave, .context = peer_context(broker)};
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;
    struct transport *transport = NULL;
    struct error error = {""};

    (void)state;
    text_replace(&config->expected_host, "wrong.example");
    assert_int_equal(tls_context_client(&context, config, NULL), 0);
    peer_start(&peer);
    config->port = peer.port;
    assert_int_equal(transport_connect(&transport, config, context, &options, &error), -EPROTO);
    peer_stop(&peer);
    assert_null(transport);
    assert_has(error.text, "TLS handshake: certificate of the peer: ");
    assert_true(peer.code < 0);
    assert_has(peer.error.text, "TLS handshake: ");
}

/* Whatever errno was left by others, a failure inside TLS is -EPROTO. */
static void test_handshake_fails_inside_tls(void **state) {
    CLEANUP(client_config_freep)
    struct client_config *config = peer_config(peer_certs, "tls", "1.2", "1.2", PARTY_CLIENT2);
    CLEANUP(client_config_freep)
    struct client_config *broker = peer_config(peer_certs, "tls", "1.3", "1.3", PARTY_BROKER);
    struct transport_options options = {.timeout_ns = DEADLINE_NS};
    struct peer peer = {.act = wait_and_leave, .context = peer_context(broker)};
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;
    struct transport *transport = NULL;
    struct error error = {""};

    (void)state;
    assert_int_equal(tls_context_client(&context, config, NULL), 0);
    peer_start(&peer);
    config->port = peer.port;
    errno = ENOTTY;
    assert_int_equal(transport_connect(&transport, config, context, &options, &error), -EPROTO);
    peer_stop(&peer);
    assert_has(error.text, "TLS handshake: tlsv1 alert protocol version");
    assert_int_equal(peer.code, -EPROTO);
}

/* ---- sockets ---- */

static void test_options(void **state) {
    struct transport_options options = {
        .timeout_ns = NS_PER_S, .send_buffer_bytes = 65536, .receive_buffer_bytes = 65536};
    struct error error = {""};
    int fd = -1, port = -1;

    (void)state;
    assert_int_equal(tcp_listen(&fd, "127.0.0.1", &options, &port, &error), 0);
    assert_in_range(port, 1, 65535);
    assert_int_equal(close(fd), 0);
    assert_int_equal(tcp_listen(&fd, "192.0.2.1", &options, &port, &error), -EADDRNOTAVAIL);
    assert_has(error.text, "cannot listen on 192.0.2.1: ");
}

static void test_counters(void **state) {
    static const struct kind tcp = {NULL, 0};
    struct peer peer = {.act = wait_and_leave};
    struct transport *transport;
    struct tcp_counters counters;
    CLEANUP_FD int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)state;
    if (under_emulator("qemu-user hands on no TCP_INFO"))
        skip();
    transport = meet(&tcp, &peer);
    assert_int_equal(transport->ops->send(transport, "0123456789", 10), 0);
    peer_stop(&peer);
    assert_int_equal(tcp_read_counters(transport->fd, &counters), 0);
    transport_free(transport);
    assert_int_equal(counters.bytes_sent, 10);
    assert_int_equal(counters.bytes_waiting, 0);
    assert_int_equal(counters.data_segments, 1);
    assert_true(counters.mss > 500);
    assert_true(counters.header_bytes == 40 || counters.header_bytes == 52);
    assert_in_range(counters.bytes_received, 0, 1); /* Linux counts the FIN */
    assert_int_equal(counters.retransmits, 0);
    assert_true(counters.segments_out >= 2);
    assert_int_equal(tcp_read_counters(file, &counters), -ENOTSOCK);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sends_exactly),
        cmocka_unit_test(test_receives_exactly),
        cmocka_unit_test(test_finish_sends_the_rest),
        cmocka_unit_test(test_flush_sends_what_was_gathered),
#ifndef __SANITIZE_ADDRESS__
        cmocka_unit_test(test_nothing_is_moved_for_a_record),
#endif
        cmocka_unit_test(test_session),
        cmocka_unit_test(test_peer_leaves_early),
        cmocka_unit_test(test_sending_to_who_has_left),
        cmocka_unit_test(test_time_limit),
        cmocka_unit_test(test_handshake_fails),
        cmocka_unit_test(test_handshake_fails_inside_tls),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_counters),
    };

    return cmocka_run_group_tests(tests, peer_set_up, peer_tear_down);
}
