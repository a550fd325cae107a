/* transport/packet: MQTT 3.1.1 to the byte, against the text of the standard. */
#include "workshop.h"

#include "transport/packet.h"

#include <errno.h>
#include <string.h>

static struct client_config *client(const char *id, const char *username, const char *password) {
    struct client_config *config = setting_block_new(&client_config_group);

    text_replace(&config->client_id, id);
    text_replace(&config->username, username);
    text_replace(&config->password, password);
    return config;
}

static void assert_packet(const struct packet *packet, const char *bytes, size_t length) {
    assert_int_equal(packet->length, length);
    assert_memory_equal(packet->bytes, bytes, length);
}
#define ASSERT_PACKET(packet, bytes) assert_packet(packet, bytes, sizeof(bytes) - 1)

/* Section 3.1: protocol name and level, flags, keep alive; identifier, user name, password. */
static void test_connect(void **state) {
    CLEANUP(client_config_freep)
    struct client_config *anonymous = client("client2", "", ""),
                         *named = client("", "User1", "s3cret"),
                         *nameless = client("c", "", "s3cret");
    struct packet packet;

    (void)state;
    assert_int_equal(packet_connect(&packet, anonymous, NULL), 0);
    ASSERT_PACKET(&packet, "\x10\x13\0\4MQTT\4\2\0\x3c\0\7client2");
    assert_int_equal(packet_connect(&packet, named, NULL), 0);
    ASSERT_PACKET(&packet, "\x10\x1b\0\4MQTT\4\xc2\0\x3c\0\0\0\5User1\0\6s3cret");
    /* A password without a user name is forbidden [MQTT-3.1.2-22]. */
    assert_int_equal(packet_connect(&packet, nameless, NULL), 0);
    ASSERT_PACKET(&packet, "\x10\x0d\0\4MQTT\4\2\0\x3c\0\1c");
}

/* Section 2.2.3: lengths at which one more byte is needed, and what stands there. */
static void test_remaining_length(void **state) {
    static const struct {
        size_t payload;
        const char *head;
        size_t head_length;
    } cases[] = {
        {0, "\x30\x03\0\1t", 5},        {124, "\x30\x7f\0\1t", 5},
        {125, "\x30\x80\x01\0\1t", 6},  {318, "\x30\xc1\x02\0\1t", 6},
        {4000, "\x30\xa3\x1f\0\1t", 6},
    };
    static char payload[4000];
    struct packet packet;

    (void)state;
    memset(payload, 'x', sizeof(payload));
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(packet_publish(&packet, MQTT_3_1_1, "t", payload, cases[i].payload, NULL),
                         0);
        assert_int_equal(packet.length, cases[i].head_length + cases[i].payload);
        assert_memory_equal(packet.bytes, cases[i].head, cases[i].head_length);
        assert_memory_equal(packet.bytes + cases[i].head_length, payload, cases[i].payload);
    }
}

/* What does not fit is refused before a byte is written. */
static void test_too_long(void **state) {
    CLEANUP_FREE char *longest = text_format("%0*d", PACKET_BYTES - 32, 7),
                      *longer = text_format("%s7", longest);
    CLEANUP(client_config_freep)
    struct client_config *fits = client(longest, "", ""), *too_long = client("", "u", longest);
    struct packet packet;
    struct error error;

    (void)state;
    assert_int_equal(packet_connect(&packet, fits, &error), 0);
    assert_true(packet.length <= PACKET_BYTES);
    assert_int_equal(packet_connect(&packet, too_long, &error), -E2BIG);
    assert_string_equal(error.text, "client id, user name and password are too long");
    assert_int_equal(packet_publish(&packet, MQTT_3_1_1, "", longest, strlen(longest), &error), 0);
    assert_int_equal(packet_publish(&packet, MQTT_3_1_1, "", longer, strlen(longer), &error),
                     -E2BIG);
    assert_string_equal(error.text, "topic and payload are too long");
}

/* Section 3.2 of both versions: in MQTT 5 properties follow, and codes are of another kind. */
static void test_connack(void **state) {
    static const struct {
        const char *bytes;
        size_t length; /* that it says it has; 0: it is no CONNACK */
        int64_t mqtt;
        int code;
        const char *meaning;
    } cases[] = {
        {"\x20\2\0\0", 4, MQTT_3_1_1, 0, "accepted"},
        {"\x20\2\1\0", 4, MQTT_3_1_1, 0, "accepted"}, /* session present */
        {"\x20\2\0\4", 4, MQTT_3_1_1, 4, "bad user name or password"},
        {"\x20\2\0\5", 4, MQTT_3_1_1, 5, "not authorized"},
        {"\x20\3\0\0", 0, MQTT_3_1_1, 0, NULL},
        {"\x15\3\3\0", 0, MQTT_3_1_1, 0, NULL},
        {"\x20\3\0\0\0", 5, MQTT_5, 0, "accepted"},
        {"\x20\6\0\x87\3\x21\0\x14", 8, MQTT_5, 135, "not authorized"},
        {"\x20\2\0\1", 4, MQTT_5, 1, "unacceptable protocol version"}, /* of a 3.1.1 broker */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const unsigned char *bytes = (const unsigned char *)cases[i].bytes;
        struct packet_connack connack;

        assert_int_equal(packet_connack_length(bytes, cases[i].mqtt), cases[i].length);
        if (!cases[i].length)
            continue;
        assert_true(packet_read_connack(bytes, cases[i].length, &connack));
        assert_int_equal(connack.code, cases[i].code);
        assert_int_equal(connack.length, cases[i].length);
        assert_string_equal(packet_connack_meaning(connack.code), cases[i].meaning);
    }
}

static void test_short_packets(void **state) {
    (void)state;
    assert_memory_equal(packet_ping, "\xc0\0", sizeof(packet_ping));
    assert_memory_equal(packet_pong, "\xd0\0", sizeof(packet_pong));
    assert_memory_equal(packet_disconnect, "\xe0\0", sizeof(packet_disconnect));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connect),       cmocka_unit_test(test_remaining_length),
        cmocka_unit_test(test_too_long),      cmocka_unit_test(test_connack),
        cmocka_unit_test(test_short_packets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
