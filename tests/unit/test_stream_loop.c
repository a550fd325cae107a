/* probes/stream: with and without an imposed loss, all that is sent is received, and a burst's
 * end is answered when the receiver has all of it. */
#include "peer.h"

#include "probes/stream.h"

#define BUFFER_BYTES (64 * 1024)

struct kind {
    bool tls;
    int64_t gather_bytes;
};

static const struct kind kinds[] = {{false, 0}, {true, 0}, {true, 65536}};

/* Starts the peer and connects to it. */
static struct transport *meet(const struct kind *kind, struct peer *peer) {
    const char *use = kind->tls ? "tls" : "";
    CLEANUP(client_config_freep)
    struct client_config *client = peer_config(peer_certs, use, "1.3", "1.3", PARTY_CLIENT2);
    CLEANUP(client_config_freep)
    struct client_config *broker = peer_config(peer_certs, use, "1.3", "1.3", PARTY_BROKER);
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;
    /* Buffers that are small: with units of a byte the receiver is slow, and a burst only ends when
     * it has taken all that they hold. */
    struct transport_options options = {.send_buffer_bytes = BUFFER_BYTES,
                                        .receive_buffer_bytes = BUFFER_BYTES,
                                        .timeout_ns = DEADLINE_NS,
                                        .gather_bytes = kind->gather_bytes};
    struct transport *transport = NULL;
    struct error error = {""};

    peer->options = options;
    if (kind->tls) {
        peer->context = peer_context(broker);
        assert_int_equal(tls_context_client(&context, client, NULL), 0);
    }
    peer_start(peer);
    client->port = peer->port;
    if (transport_connect(&transport, client, context, &options, &error) != 0)
        fail_msg("%s", error.text);
    return transport;
}

/* ---- both loops ---- */

/* The other end of a stream; peer->answer: its loop, peer->answer_length: the unit. */
static void receive_all(struct transport *transport, struct peer *peer) {
    static unsigned char buffer[100000];
    struct stream_loop loop = {.transport = transport,
                               .buffer = buffer,
                               .size = sizeof(buffer),
                               .unit_bytes = (int64_t)peer->answer_length};
    struct stream stream = {.run = stream_loop_of(false, peer->answer != NULL), .context = &loop};

    (void)stream_run(&stream);
    peer->code = atomic_load(&stream.ended) ? stream.code : 1;
    peer->error = stream.error;
    peer->answer_length = (size_t)atomic_load(&stream.counter.bytes);
}

struct sender {
    struct stream stream;
    struct stream_loop loop;
    struct pauses pauses;
    _Atomic bool stop;
};

/* Sends until `rests` bursts have ended; with none of them for 50 ms, and until something has left.
 */
static void send_for(struct sender *sender, const struct kind *kind, size_t unit, int rests) {
    bool slowed = rests > 0, enough = false;
    struct peer peer = {
        .act = receive_all, .answer = slowed ? "slowed" : NULL, .answer_length = unit};
    int64_t start = clock_monotonic_ns();

    *sender = (struct sender){.stream = {.run = stream_loop_of(true, slowed),
                                         .context = &sender->loop,
                                         .stop = &sender->stop}};
    sender->loop = (struct stream_loop){.transport = meet(kind, &peer),
                                        .buffer = memory_new(unit, 1),
                                        .size = unit,
                                        .unit_bytes = (int64_t)unit,
                                        .pauses = &sender->pauses};
    memset(sender->loop.buffer, 0xff, unit);
    pauses_init(&sender->pauses, 100000, 100 * NS_PER_MS, 1);
    assert_int_equal(pthread_create(&sender->stream.thread, NULL, stream_run, &sender->stream), 0);
    while (!enough && clock_monotonic_ns() < start + 60 * NS_PER_S &&
           !atomic_load(&sender->stream.ended)) {
        clock_sleep_until(clock_monotonic_ns() + NS_PER_MS);
        if (!slowed) {
            enough = atomic_load(&sender->stream.counter.bytes) > 0 &&
                     clock_monotonic_ns() > start + 50 * NS_PER_MS;
            continue;
        }
        (void)pthread_mutex_lock(&sender->pauses.lock);
        enough = sender->pauses.round >= rests;
        (void)pthread_mutex_unlock(&sender->pauses.lock);
    }
    atomic_store(&sender->stop, true);
    assert_int_equal(pthread_join(sender->stream.thread, NULL), 0);
    peer_stop(&peer);
    transport_free(sender->loop.transport);
    free(sender->loop.buffer);
    if (sender->stream.code)
        fail_msg("%s", sender->stream.error.text);
    assert_true(atomic_load(&sender->stream.ended));
    assert_int_equal(peer.code, 0);
    assert_true(peer.answer_length > 0);
    assert_int_equal(peer.answer_length, atomic_load(&sender->stream.counter.bytes));
    assert_int_equal(peer.answer_length % unit, 0);
}

static void test_all_arrives(void **state) {
    static const size_t units[] = {1, 4099, 65536, 200001};
    struct sender sender;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        for (size_t j = 0; j < ARRAY_SIZE(units); j++) {
            send_for(&sender, &kinds[i], units[j], 0);
            send_for(&sender, &kinds[i], units[j], 2);
            assert_true(sender.pauses.round >= 2);
            assert_true(sender.pauses.silent_ns > 0);
        }
}

/* ---- the answer ---- */

static bool hears(const struct transport *transport, int timeout_ms) {
    struct pollfd poller = {.fd = transport->fd, .events = POLLIN};

    return poll(&poller, 1, timeout_ms) > 0;
}

#define UNIT 1000

/* Sends `length` bytes of units whose first bytes are `mark`, from a place inside a unit. */
static void say(struct transport *transport, size_t place, size_t length, unsigned char mark) {
    unsigned char bytes[3 * UNIT];

    for (size_t i = 0; i < length; i++)
        bytes[i] = (place + i) % UNIT == 0 ? mark : 0xff;
    assert_int_equal(transport->ops->send(transport, bytes, length), 0);
}

static void test_answer_comes_when_all_is_there(void **state) {
    struct peer peer = {.act = receive_all, .answer = "slowed", .answer_length = UNIT};
    struct transport *transport;
    char answer;

    (void)state;
    transport = meet(&kinds[0], &peer);
    for (int round = 0; round < 3; round++) {
        say(transport, 0, UNIT + 1, 0); /* the first byte of a unit that is not the last */
        say(transport, 1, UNIT - 1, 0);
        assert_false(hears(transport, 30));
        say(transport, 0, 1, 1);
        assert_false(hears(transport, 30));
        say(transport, 1, UNIT - 2, 1);
        assert_false(hears(transport, 30));
        say(transport, UNIT - 1, 1, 1);
        assert_true(hears(transport, 10000));
        assert_int_equal(transport->ops->receive(transport, &answer, 1), 1);
    }
    transport->ops->finish(transport);
    assert_int_equal(transport->ops->receive(transport, &answer, 1), 0);
    peer_stop(&peer);
    transport_free(transport);
    assert_int_equal(peer.code, 0);
    assert_int_equal(peer.answer_length, 9 * UNIT);
}

/* ---- the end ---- */

static _Atomic bool may_leave;

static void receive_and_stay(struct transport *transport, struct peer *peer) {
    receive_all(transport, peer);
    while (!atomic_load(&may_leave))
        clock_sleep_until(clock_monotonic_ns() + NS_PER_MS);
}

/* The sender awaits the receiver's end: that comes from the loop, not from who closes later. */
static void test_sender_sees_the_end(void **state) {
    static const char *const loops[] = {NULL, "slowed"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        for (size_t j = 0; j < ARRAY_SIZE(loops); j++) {
            struct peer peer = {.act = receive_and_stay, .answer = loops[j], .answer_length = UNIT};
            struct transport *transport;
            ssize_t n;
            char end;

            atomic_store(&may_leave, false);
            transport = meet(&kinds[i], &peer);
            say(transport, 0, UNIT, 0);
            transport->ops->finish(transport);
            n = transport->ops->receive(transport, &end, 1);
            atomic_store(&may_leave, true);
            peer_stop(&peer);
            transport_free(transport);
            assert_int_equal(n, 0);
            assert_int_equal(peer.code, 0);
            assert_int_equal(peer.answer_length, UNIT);
        }
}

/* A sender that leaves without a farewell: TLS tells, TCP cannot. */
static void test_receiver_tells_a_cut(void **state) {
    static const char *const loops[] = {NULL, "slowed"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        for (size_t j = 0; j < ARRAY_SIZE(loops); j++) {
            struct peer peer = {.act = receive_all, .answer = loops[j], .answer_length = UNIT};
            struct transport *transport = meet(&kinds[i], &peer);

            say(transport, 0, UNIT, 0);
            transport->ops->flush(transport);
            transport_free(transport);
            peer_stop(&peer);
            assert_int_equal(peer.code, kinds[i].tls ? -ECONNRESET : 0);
            assert_string_equal(peer.error.text,
                                kinds[i].tls ? "receiving: Connection reset by peer" : "");
            assert_int_equal(peer.answer_length, UNIT);
        }
}

static void leave(struct transport *transport, struct peer *peer) {
    (void)peer_hear(transport, peer);
}

/* A receiver that leaves ends the sending, with its reason. */
static void test_sender_tells_a_cut(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        for (int slowed = 0; slowed <= 1; slowed++) {
            static unsigned char unit[65536];
            static struct pauses pauses;
            _Atomic bool stop = false;
            struct peer peer = {.act = leave};
            struct stream_loop loop = {.transport = meet(&kinds[i], &peer),
                                       .buffer = unit,
                                       .size = sizeof(unit),
                                       .unit_bytes = sizeof(unit),
                                       .pauses = &pauses};
            struct stream stream = {
                .run = stream_loop_of(true, slowed), .context = &loop, .stop = &stop};

            pauses_init(&pauses, 100000, 100 * NS_PER_MS, 1);
            (void)stream_run(&stream);
            peer_stop(&peer);
            transport_free(loop.transport);
            assert_true(stream.code == -EPIPE || stream.code == -ECONNRESET);
            assert_has(stream.error.text, "sending: ");
            assert_true(atomic_load(&stream.ended));
        }
}

#define SLOW_BYTES (256 * 1024)

/* Takes what is there, a little at a time: far slower than the sender's time limit for all of it.
 */
static void receive_slowly(struct transport *transport, struct peer *peer) {
    unsigned char bytes[4096];

    while (transport->ops->receive(transport, bytes, sizeof(bytes)) > 0)
        clock_sleep_until(clock_monotonic_ns() + 60 * NS_PER_MS);
    transport->ops->finish(transport);
    (void)peer;
}

static void stall(struct transport *transport, struct peer *peer) {
    (void)transport;
    (void)peer;
    while (!atomic_load(&may_leave))
        clock_sleep_until(clock_monotonic_ns() + NS_PER_MS);
}

/* A receiver may take its time for what was sent, as long as it takes anything. */
static void test_slow_receiver(void **state) {
    static const struct {
        void (*act)(struct transport *transport, struct peer *peer);
        int64_t limit_ns;
        int code;
        const char *message;
    } cases[] = {
        {stall, 200 * NS_PER_MS, -ETIMEDOUT, "sending: Connection timed out"},
        {receive_slowly, 2500 * NS_PER_MS, 0, ""},
    };

    (void)state;
    atomic_store(&may_leave, false);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        static unsigned char bytes[SLOW_BYTES];
        const struct transport_options options = {.timeout_ns = cases[i].limit_ns,
                                                  .send_buffer_bytes = 2 * SLOW_BYTES};
        struct peer peer = {.act = cases[i].act};
        _Atomic bool stop = true; /* what is to be sent is on its way already */
        struct stream_loop loop = {
            .transport = meet(&kinds[0], &peer), .buffer = bytes, .size = sizeof(bytes)};
        struct stream stream = {
            .run = stream_loop_of(true, false), .context = &loop, .stop = &stop};

        assert_int_equal(tcp_set_options(loop.transport->fd, &options, NULL), 0);
        assert_int_equal(loop.transport->ops->send(loop.transport, bytes, sizeof(bytes)), 0);
        (void)stream_run(&stream);
        atomic_store(&may_leave, true);
        peer_stop(&peer);
        transport_free(loop.transport);
        assert_string_equal(stream.error.text, cases[i].message);
        assert_int_equal(stream.code, cases[i].code);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_arrives),
        cmocka_unit_test(test_answer_comes_when_all_is_there),
        cmocka_unit_test(test_sender_sees_the_end),
        cmocka_unit_test(test_receiver_tells_a_cut),
        cmocka_unit_test(test_sender_tells_a_cut),
        cmocka_unit_test(test_slow_receiver),
    };

    return cmocka_run_group_tests(tests, peer_set_up, peer_tear_down);
}
