/* probes/wiretap: what passes is passed on unchanged in both directions, and looked at. */
#include "peer.h"

#include "probes/wiretap.h"

#include <sys/socket.h>

static int set_up(void **state) {
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    return 0;
}

/* Hears a question, answers, hears until the end. */
static void answer(struct transport *transport, struct peer *peer) {
    if (peer_hear(transport, peer) <= 0)
        return;
    peer->code = transport->ops->send(transport, peer->answer, peer->answer_length);
    while (peer_hear(transport, peer) > 0)
        ;
}

static void answer_and_leave(struct transport *transport, struct peer *peer) {
    (void)peer_hear(transport, peer);
    (void)transport->ops->send(transport, peer->answer, peer->answer_length);
}

static struct wiretap *tap(int port) {
    struct wiretap *wiretap = NULL;
    struct error error = {""};

    if (wiretap_start(&wiretap, "127.0.0.1", port, &error) < 0)
        fail_msg("%s", error.text);
    assert_in_range(wiretap_port(wiretap), 1, 65535);
    assert_int_not_equal(wiretap_port(wiretap), port);
    return wiretap;
}

/* A socket that is connected to the wiretap. */
static int dial(const struct wiretap *wiretap) {
    static const struct transport_options options = {.timeout_ns = DEADLINE_NS};
    int fd = -1;

    assert_int_equal(tcp_connect(&fd, "127.0.0.1", wiretap_port(wiretap), &options, NULL), 0);
    return fd;
}

/* Reads exactly so many bytes. */
static void read_exactly(int fd, unsigned char *data, size_t length) {
    while (length > 0) {
        ssize_t n = read(fd, data, length);

        assert_true(n > 0);
        data += n;
        length -= (size_t)n;
    }
}

static void test_both_directions(void **state) {
    static const char question[] = "a question\0with a zero", reply[] = "an answer\0with another";
    struct peer peer = {.act = answer, .answer = reply, .answer_length = sizeof(reply)};
    CLEANUP(wiretap_freep) struct wiretap *wiretap = NULL;
    unsigned char heard[sizeof(reply)];
    int fd;

    (void)state;
    peer_start(&peer);
    wiretap = tap(peer.port);
    fd = dial(wiretap);
    assert_int_equal(write(fd, question, sizeof(question)), sizeof(question));
    read_exactly(fd, heard, sizeof(heard));
    assert_int_equal(close(fd), 0);
    wiretap_finish(wiretap);
    wiretap_finish(wiretap); /* a second time does no harm */
    peer_stop(&peer);
    assert_memory_equal(heard, reply, sizeof(reply));
    assert_int_equal(peer.heard_length, sizeof(question));
    assert_memory_equal(peer.heard, question, sizeof(question));
    assert_int_equal(wiretap_bytes(wiretap), sizeof(question) + sizeof(reply));
    assert_true(wiretap_saw(wiretap, "question"));
    assert_true(wiretap_saw(wiretap, "with a zero"));
    assert_true(wiretap_saw(wiretap, "an answer"));
    assert_true(wiretap_saw(wiretap, "another"));
    assert_false(wiretap_saw(wiretap, "quest ion"));
    assert_false(wiretap_saw(wiretap, "Question"));
    assert_false(wiretap_saw(wiretap, "zeroan")); /* nor from one direction into the other */
    assert_false(wiretap_saw(wiretap, "secret"));
}

/* A text in two packets is one text. */
static void test_text_in_pieces(void **state) {
    struct peer peer = {.act = answer, .answer = "x", .answer_length = 1};
    CLEANUP(wiretap_freep) struct wiretap *wiretap = NULL;
    unsigned char heard;
    int fd;

    (void)state;
    peer_start(&peer);
    wiretap = tap(peer.port);
    fd = dial(wiretap);
    assert_int_equal(write(fd, "mark", 4), 4);
    read_exactly(fd, &heard, 1);
    assert_int_equal(write(fd, "er", 2), 2);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    wiretap_finish(wiretap);
    assert_int_equal(close(fd), 0);
    peer_stop(&peer);
    assert_true(wiretap_saw(wiretap, "marker"));
    assert_int_equal(peer.heard_length, 6);
}

static void test_ends_with_the_broker(void **state) {
    struct peer peer = {.act = answer_and_leave, .answer = "bye", .answer_length = 3};
    CLEANUP(wiretap_freep) struct wiretap *wiretap = NULL;
    unsigned char heard[3], end;
    int64_t start;
    int fd;

    (void)state;
    peer_start(&peer);
    wiretap = tap(peer.port);
    fd = dial(wiretap);
    assert_int_equal(write(fd, "hello", 5), 5);
    read_exactly(fd, heard, sizeof(heard));
    start = clock_monotonic_ns();
    assert_int_equal(read(fd, &end, 1), 0);
    wiretap_finish(wiretap);
    assert_true(clock_monotonic_ns() - start < CLIENT_ANSWER_NS); /* not by its time limit */
    assert_int_equal(close(fd), 0);
    peer_stop(&peer);
    assert_true(wiretap_saw(wiretap, "bye"));
}

/* Nothing that runs through it is cut or reordered, up to what it keeps. */
static void test_many_bytes(void **state) {
    static unsigned char bytes[60000], heard[60000];
    struct peer peer = {.act = answer, .answer = bytes, .answer_length = sizeof(bytes)};
    CLEANUP(wiretap_freep) struct wiretap *wiretap = NULL;
    int fd;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 2654435761u >> 11);
    peer_start(&peer);
    wiretap = tap(peer.port);
    fd = dial(wiretap);
    assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
    read_exactly(fd, heard, sizeof(heard));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    wiretap_finish(wiretap);
    assert_int_equal(close(fd), 0);
    peer_stop(&peer);
    assert_memory_equal(heard, bytes, sizeof(bytes));
    assert_int_equal(peer.heard_length, sizeof(bytes));
    assert_memory_equal(peer.heard, bytes, sizeof(bytes));
    assert_int_equal(wiretap_bytes(wiretap), 2 * sizeof(bytes));
}

static void test_no_broker(void **state) {
    CLEANUP(wiretap_freep) struct wiretap *wiretap = tap(peer_free_port());
    unsigned char end;
    int fd = dial(wiretap);

    (void)state;
    assert_true(read(fd, &end, 1) <= 0);
    assert_int_equal(close(fd), 0);
    wiretap_finish(wiretap);
    assert_int_equal(wiretap_bytes(wiretap), 0);
    assert_false(wiretap_saw(wiretap, "x"));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_directions),
        cmocka_unit_test(test_text_in_pieces),
        cmocka_unit_test(test_ends_with_the_broker),
        cmocka_unit_test(test_many_bytes),
        cmocka_unit_test(test_no_broker),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
