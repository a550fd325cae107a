/* probes/proof: what the examiner makes of a broker whose words of refusal get lost on the way. */
#include "peer.h"

#include "base/clock.h"
#include "probes/proof.h"
#include "security/mechanism.h"
#include "transport/transport.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#define SECRET "s3cret-of-the-test"

/* A broker with one password, in clear. Whom it turns away it tells why only every so many times;
 * the other times it closes, as when the words were lost and a reset followed them. */
struct broker {
    int listener, port;
    int tells_each;   /* 0: it never tells */
    int leaves_after; /* so many connections; 0: it stays */
    int refusals;
    pthread_t thread;
};

static void converse(struct broker *broker, int fd) {
    unsigned char packet[300], connack[] = {0x20, 2, 0, 0}, pong[] = {0xd0, 0};
    bool let_in = false;

    while (recv(fd, packet, 2, MSG_WAITALL) == 2 && packet[1] < 128 &&
           (!packet[1] || recv(fd, packet + 2, packet[1], MSG_WAITALL) == packet[1])) {
        if (packet[0] >> 4 == 1) {
            /* Behind the length of its text: so nothing is in front of it. */
            let_in = memmem(packet, 2U + packet[1], "\0\022" SECRET, 2 + strlen(SECRET));
            connack[3] = let_in ? 0 : 5;
            if (!let_in && (!broker->tells_each || ++broker->refusals % broker->tells_each))
                return;
            (void)!send(fd, connack, sizeof(connack), MSG_NOSIGNAL);
        }
        if (packet[0] >> 4 == 12)
            (void)!send(fd, pong, sizeof(pong), MSG_NOSIGNAL);
        if (!let_in)
            return;
    }
}

static void *serve(void *argument) {
    struct broker *broker = argument;
    int fd, n = 0;

    while ((fd = accept(broker->listener, NULL, NULL)) >= 0) {
        if (++n == broker->leaves_after)
            (void)shutdown(broker->listener, SHUT_RDWR);
        converse(broker, fd);
        (void)close(fd);
    }
    return NULL;
}

static void broker_open(struct broker *broker) {
    const struct transport_options options = {.timeout_ns = 0};

    assert_int_equal(tcp_listen(&broker->listener, "127.0.0.1", &options, &broker->port, NULL), 0);
    assert_int_equal(pthread_create(&broker->thread, NULL, serve, broker), 0);
}

static void broker_close(struct broker *broker) {
    (void)shutdown(broker->listener, SHUT_RDWR);
    (void)pthread_join(broker->thread, NULL);
    (void)close(broker->listener);
}

static json_t *make_params(const struct channel *channel, int port) {
    json_t *secrets = json_pack("{s:{s:s}}", "password", channel->name, SECRET);
    struct bringup bringup = {.channel = channel, .certs = "", .secrets = secrets};
    struct client_config *client =
        mechanism_client_config(&bringup, PARTY_CLIENT2, "127.0.0.1", port);
    json_t *params;

    text_replace(&client->outer_address, "127.0.0.1");
    params = json_pack("{s:o,s:o,s:o,s:s}", "channel", channel_to_json(channel), "client",
                       setting_block_to_json(&client_config_group, client), "secrets", secrets,
                       "certs", "");

    client_config_free(client);
    return params;
}

/* Examines a channel `password` on the broker of this port: what the role returns, and its rows of
 * proofs; the caller's. */
static int examine(int port, json_t **ret_rows, struct error *error) {
    struct channel channel = workshop_channel("mine", "password");
    json_t *params = make_params(&channel, port);
    struct jsonline_reader orders;
    struct stage stage;
    int said[2], r;

    assert_int_equal(pipe(said), 0);
    jsonline_init(&orders, -1);
    stage_open(&stage, &orders, said[1], params, workshop_registry());
    r = role_proof.run(&stage, error);
    *ret_rows = json_deep_copy(json_object_get(stage.result, "proofs"));
    stage_close(&stage);
    json_decref(params);
    (void)close(said[0]);
    (void)close(said[1]);
    channel_clear(&channel);
    return r;
}

static const char *cell(const json_t *rows, const char *proof, size_t column) {
    const json_t *row;
    size_t i;

    json_array_foreach(
        (json_t *)(uintptr_t)rows, i,
        row) if (text_equal(json_string_value(json_array_get(row, 0)),
                            proof)) return json_string_value(json_array_get(row, column));
    return "?";
}

static void assert_proof(int tells_each, const char *cause, const char *verdict) {
    static const char *const names[] = {"anonymous-refused", "wrong-password-refused"};
    struct broker broker = {.tells_each = tells_each};
    json_auto_t *rows = NULL;
    struct error error = {""};

    broker_open(&broker);
    if (examine(broker.port, &rows, &error) < 0)
        fail_msg("%s", error.text);
    broker_close(&broker);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        assert_string_equal(cell(rows, names[i], 2), "refused");
        assert_string_equal(cell(rows, names[i], 3), cause);
        assert_string_equal(cell(rows, names[i], 4), verdict);
    }
    assert_string_equal(cell(rows, "accepted-after", 4), "held");
    assert_string_equal(cell(rows, "wiretap-password", 4), "held");
}

static void test_words_arrive(void **state) {
    (void)state;
    assert_proof(1, "connack 5", "held");
}

static void test_words_are_lost(void **state) {
    (void)state;
    assert_proof(2, "connack 5", "held");
    assert_proof(3, "connack 5", "held");
}

/* Who never tells may have any other reason. */
static void test_no_words(void **state) {
    (void)state;
    assert_proof(0, "closed", "broken");
}

/* Where nobody answers nothing is proved, least of all that somebody was refused: from the start...
 */
static void test_no_broker(void **state) {
    int port = peer_free_port();
    CLEANUP_FREE char *message = text_format(
        "accepted-before: cannot connect to 127.0.0.1 port %d: Connection refused", port);
    json_auto_t *rows = NULL;
    struct error error = {""};

    (void)state;
    assert_int_equal(examine(port, &rows, &error), -ECONNREFUSED);
    assert_string_equal(error.text, message);
    assert_int_equal(json_array_size(rows), 0);
}

/* ... or from some proof on: whatever was seen of it is no proof of the channel's. */
static void test_broker_leaves(void **state) {
    (void)state;
    for (int n = 1; n <= 3; n++) {
        struct broker broker = {.tells_each = 1, .leaves_after = n};
        json_auto_t *rows = NULL;
        struct error error = {""};

        broker_open(&broker);
        assert_int_equal(examine(broker.port, &rows, &error), -ECONNREFUSED);
        broker_close(&broker);
        assert_has(error.text, "accepted-after: cannot connect to 127.0.0.1 port ");
        assert_string_equal(cell(rows, "accepted-after", 2), "?");
        assert_string_equal(cell(rows, "wrong-password-refused", 4), n < 3 ? "broken" : "held");
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_arrive),  cmocka_unit_test(test_words_are_lost),
        cmocka_unit_test(test_no_words),      cmocka_unit_test(test_no_broker),
        cmocka_unit_test(test_broker_leaves),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as every worker does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
