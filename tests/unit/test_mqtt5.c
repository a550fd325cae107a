/* transport/packet and attempt where a client speaks MQTT 5: packets byte by byte, every form of a
 * CONNACK, and what a broker that knows 3.1.1 only is taken for. */
#include "peer.h"

#include "transport/attempt.h"
#include "transport/packet.h"

static struct client_config *client(const char *username, const char *password) {
    struct client_config *config = setting_block_new(&client_config_group);

    text_replace(&config->address, "127.0.0.1");
    text_replace(&config->client_id, "client2");
    client_config_log_in(config, username, password);
    config->mqtt = MQTT_5;
    return config;
}

/* ---- packets ---- */

static void assert_packet(const struct packet *packet, const char *bytes, size_t length) {
    assert_int_equal(packet->length, length);
    assert_memory_equal(packet->bytes, bytes, length);
}

/* MQTT 5, 3.1 and 3.3: an empty list of properties behind what they belong to. */
static void test_packets(void **state) {
    static const char anonymous[] = "\x10\x14\0\4MQTT\5\2\0\x3c\0\0\7client2";
    static const char named[] = "\x10\x23\0\4MQTT\5\xc2\0\x3c\0\0\7client2\0\5User1\0\6s3cret";
    static const char published[] = "\x30\x09\0\3a/b\0xyz";
    CLEANUP(client_config_freep) struct client_config *nobody = client("", "");
    CLEANUP(client_config_freep) struct client_config *user = client("User1", "s3cret");
    struct packet packet;

    (void)state;
    assert_int_equal(packet_connect(&packet, nobody, NULL), 0);
    assert_packet(&packet, anonymous, sizeof(anonymous) - 1);
    assert_int_equal(packet_connect(&packet, user, NULL), 0);
    assert_packet(&packet, named, sizeof(named) - 1);
    assert_int_equal(packet_publish(&packet, MQTT_5, "a/b", "xyz", 3, NULL), 0);
    assert_packet(&packet, published, sizeof(published) - 1);
}

static void test_connacks(void **state) {
    static const struct {
        const char *bytes;
        size_t length;
        int code;
        enum mqtt_version mqtt;
    } cases[] = {
        {"\x20\3\0\0\0", 5, 0, MQTT_5},
        {"\x20\3\0\x87\0", 5, 135, MQTT_5},
        {"\x20\6\0\0\3\x22\0\x0a", 8, 0, MQTT_5}, /* Topic Alias Maximum 10, as Mosquitto says */
        {"\x20\x09\0\x86\6\x1f\0\3why", 11, 134, MQTT_5}, /* Reason String */
        {"\x20\2\0\1", 4, 1, MQTT_3_1_1},                 /* of a broker that knows no 5 */
        {"\x20\2\0\0", 4, 0, MQTT_3_1_1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const unsigned char *bytes = (const unsigned char *)cases[i].bytes;
        struct packet_connack connack;

        assert_int_equal(packet_connack_length(bytes, MQTT_5), cases[i].length);
        assert_true(packet_read_connack(bytes, cases[i].length, &connack));
        assert_int_equal(connack.code, cases[i].code);
        assert_int_equal(connack.mqtt, cases[i].mqtt);
        assert_int_equal(packet_connack_length(bytes, MQTT_3_1_1),
                         cases[i].mqtt == MQTT_5 ? 0 : cases[i].length);
    }
}

/* A remaining length of two bytes: 135 in all, of properties that take two bytes for theirs. */
static void test_long_connack(void **state) {
    unsigned char bytes[PACKET_MAX_BYTES] = {0x20, 0x87, 0x01, 0, 0x87, 0x83, 0x01, 0x1f};
    struct packet_connack connack;

    (void)state;
    assert_int_equal(packet_connack_length(bytes, MQTT_5), 3 + 135);
    assert_true(packet_read_connack(bytes, 3 + 135, &connack));
    assert_int_equal(connack.code, 135);
    bytes[6] = 2;
    assert_false(packet_read_connack(bytes, 3 + 135, &connack));
}

static void test_no_connacks(void **state) {
    static const char *const starts[] = {
        "\x30\3\0\0", "\x20\1\0\0", "\x20\0\0\0", "\x20\xff\xff\1", "\x20\xff\x7f\0", "HTTP",
    };
    static const char *const wholes[] = {"\x20\3\0\0\1", "\x20\4\0\0\0\0", "\x20\3\0\0\x80"};
    struct packet_connack connack;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
        assert_int_equal(packet_connack_length((const unsigned char *)starts[i], MQTT_5), 0);
    for (size_t i = 0; i < ARRAY_SIZE(wholes); i++) {
        const unsigned char *bytes = (const unsigned char *)wholes[i];

        assert_false(packet_read_connack(bytes, packet_connack_length(bytes, MQTT_5), &connack));
    }
}

static void test_meanings(void **state) {
    (void)state;
    assert_string_equal(packet_connack_meaning(0), "accepted");
    assert_string_equal(packet_connack_meaning(5), packet_connack_meaning(135));
    assert_string_equal(packet_connack_meaning(4), packet_connack_meaning(134));
    assert_string_equal(packet_connack_meaning(7), "unknown code");
    assert_string_equal(packet_connack_meaning(-1), "unknown code");
}

/* ---- attempts ---- */

static void answer(struct transport *transport, struct peer *peer) {
    static const unsigned char pong[] = {0xd0, 0};

    if (peer_hear(transport, peer) <= 0)
        return;
    peer->code = transport->ops->send(transport, peer->answer, peer->answer_length);
    while (peer_hear(transport, peer) > 0)
        if (memcmp(peer->heard + peer->heard_length - 2, "\xc0", 2) == 0)
            (void)transport->ops->send(transport, pong, sizeof(pong));
}

static void answer_and_leave(struct transport *transport, struct peer *peer) {
    (void)peer_hear(transport, peer);
    (void)transport->ops->send(transport, peer->answer, peer->answer_length);
    transport->ops->finish(transport);
}

static int try_peer(struct peer *peer, const struct attempt_message *message, struct attempt *ret,
                    struct error *error) {
    CLEANUP(client_config_freep) struct client_config *config = client("", "");
    int r;

    peer_start(peer);
    config->port = peer->port;
    r = attempt_make(config, message, ret, error);
    peer_stop(peer);
    return r;
}

static void test_answers(void **state) {
    static const struct {
        const char *bytes;
        size_t length;
        bool accepted;
        enum mqtt_version mqtt;
        const char *cause;
    } cases[] = {
        {"\x20\6\0\0\3\x22\0\x0a", 8, true, MQTT_5, "connack 0"},
        {"\x20\3\0\x87\0", 5, false, MQTT_5, "connack 135"},
        {"\x20\2\0\1", 4, false, MQTT_3_1_1, "connack 1"},
        {"\x20\2\0\0", 4, true, MQTT_3_1_1, "connack 0"}, /* in another version than was asked */
        {"\x15\3\3\0\2\2\x46", 7, false, MQTT_3_1_1, "alert 70 protocol_version"},
        {"\x20\6\0\0\3", 5, false, MQTT_3_1_1, "closed"},
        {"\x20\3", 2, false, MQTT_3_1_1, "closed"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct peer peer = {
            .act = answer_and_leave, .answer = cases[i].bytes, .answer_length = cases[i].length};
        struct attempt attempt;
        struct error error = {""};

        if (try_peer(&peer, NULL, &attempt, &error) != 0)
            fail_msg("%zu: %s", i, error.text);
        assert_string_equal(attempt.cause, cases[i].cause);
        assert_int_equal(attempt.accepted, cases[i].accepted);
        assert_int_equal(attempt.mqtt, cases[i].mqtt);
    }
}

static void test_garbage(void **state) {
    static const struct {
        const char *bytes;
        size_t length;
    } cases[] = {{"\x20\3\0\0\1", 5}, {"\x20\xff\xff\xff\xff", 5}, {"\xf0\2\0\0\0", 5}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct peer peer = {
            .act = answer_and_leave, .answer = cases[i].bytes, .answer_length = cases[i].length};
        struct attempt attempt;
        struct error error = {""};

        assert_int_equal(try_peer(&peer, NULL, &attempt, &error), -EPROTO);
        assert_has(error.text, "the answer to CONNECT begins with byte 0x");
        assert_false(attempt.accepted);
    }
}

static void test_message(void **state) {
    static const char packets[] = "\x30\x09\0\3a/b\0xyz\xc0\0\xe0";
    static const struct attempt_message message = {"a/b", "xyz"};
    struct peer peer = {.act = answer, .answer = "\x20\3\0\0\0", .answer_length = 5};
    struct attempt attempt;
    struct error error = {""};

    (void)state;
    assert_int_equal(try_peer(&peer, &message, &attempt, &error), 0);
    assert_int_equal(peer.heard_length, 22 + sizeof(packets));
    assert_memory_equal(peer.heard + 22, packets, sizeof(packets));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets),      cmocka_unit_test(test_connacks),
        cmocka_unit_test(test_long_connack), cmocka_unit_test(test_no_connacks),
        cmocka_unit_test(test_meanings),     cmocka_unit_test(test_answers),
        cmocka_unit_test(test_garbage),      cmocka_unit_test(test_message),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as every worker does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
