/* mqtt/client: what it tells of a broker that refuses it or sends it away, in either version of
 * MQTT. The broker is a peer that says a fixed text. */
#include "peer.h"

#include "mqtt/client.h"

/* Answers the first packet, and hears until the client leaves. */
static void answer(struct transport *transport, struct peer *peer) {
    if (peer_hear(transport, peer) <= 0)
        return;
    peer->code = transport->ops->send(transport, peer->answer, peer->answer_length);
    while (peer_hear(transport, peer) > 0)
        ;
}

static int meet(struct peer *peer, int64_t mqtt, struct mqtt_client **ret, struct error *error) {
    CLEANUP(client_config_freep)
    struct client_config *config = setting_block_new(&client_config_group);

    text_replace(&config->address, "127.0.0.1");
    text_replace(&config->client_id, "client2");
    config->mqtt = mqtt;
    peer_start(peer);
    config->port = peer->port;
    return mqtt_client_connect(ret, config, NULL, NULL, error);
}

static void test_refused(void **state) {
    static const struct {
        int64_t mqtt;
        const char *bytes;
        size_t length;
        const char *words;
    } cases[] = {
        {MQTT_3_1_1, "\x20\2\0\5", 4, "refused client2: Connection Refused: not authorised."},
        {MQTT_3_1_1, "\x20\2\0\4", 4, "refused client2: Connection Refused: bad user name or "},
        {MQTT_5, "\x20\3\0\x87\0", 5, "refused client2: Not authorized"},
        {MQTT_5, "\x20\3\0\x86\0", 5, "refused client2: Bad "},
        {MQTT_5, "\x20\3\0\x89\0", 5, "refused client2: Server busy"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct peer peer = {
            .act = answer, .answer = cases[i].bytes, .answer_length = cases[i].length};
        struct mqtt_client *client = NULL;
        struct error error = {""};

        assert_int_equal(meet(&peer, cases[i].mqtt, &client, &error), -EACCES);
        assert_null(client);
        assert_has(error.text, cases[i].words);
        peer_stop(&peer);
    }
}

/* The level of the protocol in CONNECT is the version's. */
static void test_version(void **state) {
    static const struct {
        int64_t mqtt;
        const char *connack;
        size_t length;
        char level;
    } cases[] = {{MQTT_3_1_1, "\x20\2\0\0", 4, 4}, {MQTT_5, "\x20\3\0\0\0", 5, 5}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct peer peer = {
            .act = answer, .answer = cases[i].connack, .answer_length = cases[i].length};
        struct mqtt_client *client = NULL;
        struct error error = {""};

        if (meet(&peer, cases[i].mqtt, &client, &error) != 0)
            fail_msg("%s", error.text);
        assert_int_equal(mqtt_client_version(client), cases[i].mqtt);
        mqtt_client_free(client);
        peer_stop(&peer);
        assert_memory_equal(peer.heard + 2, "\0\4MQTT", 6);
        assert_int_equal(peer.heard[8], cases[i].level);
    }
}

/* MQTT 5, 3.14: the broker says why it ends a connection. */
static void test_sent_away(void **state) {
    struct peer peer = {
        .act = answer, .answer = "\x20\3\0\0\0\xe0\1\x8e", .answer_length = 8}; /* taken over */
    struct mqtt_client *client = NULL;
    struct error error = {""};
    int r;

    (void)state;
    r = meet(&peer, MQTT_5, &client, &error);
    for (int i = 0; i < 100 && r == 0; i++)
        r = mqtt_client_turn(client, 100, &error);
    assert_int_equal(r, -ECONNRESET);
    assert_string_equal(error.text, "MQTT: the broker ended the connection: Session taken over");
    if (client)
        mqtt_client_free(client);
    peer_stop(&peer);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_sent_away),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as every worker does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
