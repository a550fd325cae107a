/* mqtt/client: what it tells of a broker that refuses it or sends it away, in either version of
 * MQTT and by either library. The broker is a peer that says a fixed text. */
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

static bool is_there(int64_t library) {
    CLEANUP_FREE char *version = mqtt_client_library_version(library);

    if (!version)
        print_message("built without library %d\n", (int)library);
    return version != NULL;
}

static int meet(struct peer *peer, int64_t library, int64_t mqtt, struct mqtt_client **ret,
                struct error *error) {
    CLEANUP(client_config_freep)
    struct client_config *config = setting_block_new(&client_config_group);

    text_replace(&config->address, "127.0.0.1");
    text_replace(&config->client_id, "client2");
    config->mqtt = mqtt;
    config->library = library;
    peer_start(peer);
    config->port = peer->port;
    return mqtt_client_connect(ret, config, NULL, NULL, error);
}

static void test_refused(void **state) {
    static const struct {
        int64_t library, mqtt;
        const char *bytes;
        size_t length;
        const char *words;
    } cases[] = {
        {LIBRARY_MOSQUITTO, MQTT_3_1_1, "\x20\2\0\5", 4,
         "refused client2: Connection Refused: not authorised."},
        {LIBRARY_MOSQUITTO, MQTT_3_1_1, "\x20\2\0\4", 4,
         "refused client2: Connection Refused: bad user name or "},
        {LIBRARY_MOSQUITTO, MQTT_5, "\x20\3\0\x87\0", 5, "refused client2: Not authorized"},
        {LIBRARY_MOSQUITTO, MQTT_5, "\x20\3\0\x86\0", 5, "refused client2: Bad "},
        {LIBRARY_MOSQUITTO, MQTT_5, "\x20\3\0\x89\0", 5, "refused client2: Server busy"},
        {LIBRARY_PAHO, MQTT_3_1_1, "\x20\2\0\5", 4, "refused client2: not authorised"},
        {LIBRARY_PAHO, MQTT_3_1_1, "\x20\2\0\4", 4, "refused client2: bad user name or password"},
        {LIBRARY_PAHO, MQTT_5, "\x20\3\0\x87\0", 5, "refused client2: Not authorized"},
        {LIBRARY_PAHO, MQTT_5, "\x20\3\0\x86\0", 5, "refused client2: Bad User Name or Password"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct peer peer = {
            .act = answer, .answer = cases[i].bytes, .answer_length = cases[i].length};
        struct mqtt_client *client = NULL;
        struct error error = {""};

        if (!is_there(cases[i].library))
            continue;
        if (meet(&peer, cases[i].library, cases[i].mqtt, &client, &error) != -EACCES)
            fail_msg("case %zu: %s", i, error.text);
        assert_null(client);
        assert_has(error.text, cases[i].words);
        peer_stop(&peer);
    }
}

/* The level of the protocol in CONNECT is the version's. */
static void test_version(void **state) {
    static const struct {
        int64_t library, mqtt;
        const char *connack;
        size_t length;
        char level;
    } cases[] = {
        {LIBRARY_MOSQUITTO, MQTT_3_1_1, "\x20\2\0\0", 4, 4},
        {LIBRARY_MOSQUITTO, MQTT_5, "\x20\3\0\0\0", 5, 5},
        {LIBRARY_PAHO, MQTT_3_1_1, "\x20\2\0\0", 4, 4},
        {LIBRARY_PAHO, MQTT_5, "\x20\3\0\0\0", 5, 5},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct peer peer = {
            .act = answer, .answer = cases[i].connack, .answer_length = cases[i].length};
        struct mqtt_client *client = NULL;
        struct error error = {""};

        if (!is_there(cases[i].library))
            continue;
        if (meet(&peer, cases[i].library, cases[i].mqtt, &client, &error) != 0)
            fail_msg("%s", error.text);
        mqtt_client_free(client);
        peer_stop(&peer);
        assert_memory_equal(peer.heard + 2, "\0\4MQTT", 6);
        assert_int_equal(peer.heard[8], cases[i].level);
    }
}

/* MQTT 5, 3.14: the broker says why it ends a connection. */
static void sent_away(int64_t library) {
    struct peer peer = {
        .act = answer, .answer = "\x20\3\0\0\0\xe0\1\x8e", .answer_length = 8}; /* taken over */
    struct mqtt_client *client = NULL;
    struct error error = {""};
    int r = meet(&peer, library, MQTT_5, &client, &error); /* may hear of it already */

    for (int i = 0; i < 100 && r == 0; i++)
        r = mqtt_client_turn(client, 100, &error);
    assert_int_equal(r, -ECONNRESET);
    assert_has(error.text, "the broker ended the connection: Session taken over");
    if (client)
        mqtt_client_free(client);
    peer_stop(&peer);
}

static void test_sent_away(void **state) {
    (void)state;
    sent_away(LIBRARY_MOSQUITTO);
    if (is_there(LIBRARY_PAHO))
        sent_away(LIBRARY_PAHO);
}

/* ---- quality of service ---- */

/* Lets a client in and grants its first subscription `granted`. */
struct grantor {
    struct peer peer; /* first: what its thread is given */
    int64_t mqtt;
    int granted;
};

static void grant(struct transport *transport, struct peer *peer) {
    const struct grantor *grantor = (const struct grantor *)peer;
    unsigned char suback[] = {0x90, 3, 0, 1, 0, 0};
    size_t length = sizeof(suback) - 1;

    if (peer_hear(transport, peer) <= 0)
        return;
    peer->code = transport->ops->send(transport, peer->answer, peer->answer_length);
    if (peer_hear(transport, peer) <= 0)
        return;
    if (grantor->mqtt == MQTT_5) /* no properties */
        suback[1] = (unsigned char)length++ - 1;
    suback[length - 1] = (unsigned char)grantor->granted;
    (void)transport->ops->send(transport, suback, length);
    while (peer_hear(transport, peer) > 0)
        ;
}

#define ANY     "\x20\3\0\0\0", 5
#define ONE     "\x20\5\0\0\2\x24\1", 7 /* Maximum QoS 1 */
#define NONE    "\x20\5\0\0\2\x24\0", 7
#define ANY_OLD "\x20\2\0\0", 4

static const struct {
    int64_t mqtt;
    const char *connack;
    size_t length;
    int asked, granted;
    const char *words; /* "": all is well */
} grants[] = {
    {MQTT_3_1_1, ANY_OLD, 0, 0, ""},
    {MQTT_3_1_1, ANY_OLD, 1, 1, ""},
    {MQTT_3_1_1, ANY_OLD, 2, 2, ""},
    {MQTT_3_1_1, ANY_OLD, 2, 1,
     "the broker grants QoS 1 to the subscription to t, and QoS 2 was asked for"},
    {MQTT_3_1_1, ANY_OLD, 2, 0, "the broker grants QoS 0 to the subscription to t, and QoS 2"},
    {MQTT_3_1_1, ANY_OLD, 1, 0, "the broker grants QoS 0 to the subscription to t, and QoS 1"},
    {MQTT_3_1_1, ANY_OLD, 0, 1, "the broker grants QoS 1 to the subscription to t, and QoS 0"},
    {MQTT_3_1_1, ANY_OLD, 2, 128, "the broker refused the subscription to t"},
    {MQTT_5, ANY, 2, 2, ""},
    {MQTT_5, ANY, 2, 1, "the broker grants QoS 1 to the subscription to t, and QoS 2"},
    {MQTT_5, ANY, 2, 135, "the broker refused the subscription to t"},
    {MQTT_5, ONE, 1, 1, ""},
    {MQTT_5, ONE, 2, 1, "the broker takes QoS 1 at most, and QoS 2 was asked for"},
    {MQTT_5, NONE, 0, 0, ""},
    {MQTT_5, NONE, 1, 0, "the broker takes QoS 0 at most, and QoS 1 was asked for"},
};

/* What is asked for is had, or said not to be. */
static void subscribe_to(size_t which, int64_t library) {
    struct grantor grantor = {.peer = {.act = grant,
                                       .answer = grants[which].connack,
                                       .answer_length = grants[which].length},
                              .mqtt = grants[which].mqtt,
                              .granted = grants[which].granted};
    struct mqtt_client *client = NULL;
    struct error error = {""};
    int r;

    if (meet(&grantor.peer, library, grants[which].mqtt, &client, &error) != 0)
        fail_msg("case %zu, library %d: %s", which, (int)library, error.text);
    r = mqtt_client_subscribe(client, "t", grants[which].asked, &error);
    if ((r == 0) != !*grants[which].words || !strstr(error.text, grants[which].words))
        fail_msg("case %zu, library %d: %d %s", which, (int)library, r, error.text);
    mqtt_client_free(client);
    peer_stop(&grantor.peer);
}

static void test_granted(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(grants); i++) {
        subscribe_to(i, LIBRARY_MOSQUITTO);
        if (is_there(LIBRARY_PAHO))
            subscribe_to(i, LIBRARY_PAHO);
    }
}

/* Of a publisher the broker's maximum is all that can be known beforehand. */
static void publish_at(int64_t library, int qos, int expected) {
    struct peer peer = {.act = answer, .answer = "\x20\5\0\0\2\x24\1", .answer_length = 7};
    struct mqtt_client *client = NULL;
    struct error error = {""};

    assert_int_equal(meet(&peer, library, MQTT_5, &client, &error), 0);
    assert_int_equal(mqtt_client_publish(client, "t", "x", 1, qos, &error), expected);
    if (expected < 0)
        assert_has(error.text, "the broker takes QoS 1 at most, and QoS 2 was asked for");
    mqtt_client_free(client);
    peer_stop(&peer);
}

static void test_maximum(void **state) {
    (void)state;
    publish_at(LIBRARY_MOSQUITTO, 1, 0);
    publish_at(LIBRARY_MOSQUITTO, 2, -EPROTO);
    if (!is_there(LIBRARY_PAHO))
        return;
    publish_at(LIBRARY_PAHO, 1, 0);
    publish_at(LIBRARY_PAHO, 2, -EPROTO);
}

/* Without the library, what asks for it is refused before anything starts. */
static void test_check(void **state) {
    struct error error = {""};

    (void)state;
    assert_int_equal(mqtt_client_check_library("libmosquitto", &error), 0);
    if (is_there(LIBRARY_PAHO)) {
        assert_int_equal(mqtt_client_check_library("paho", &error), 0);
        return;
    }
    assert_int_equal(mqtt_client_check_library("paho", &error), -EOPNOTSUPP);
    assert_has(error.text, "built without Paho C; apt-get install libpaho-mqtt-dev");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_version),
        cmocka_unit_test(test_sent_away), cmocka_unit_test(test_granted),
        cmocka_unit_test(test_maximum),   cmocka_unit_test(test_check),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as every worker does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
