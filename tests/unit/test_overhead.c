/* overhead: what protocols add, against the figures of their specifications and of OpenSSL. */
#include "workshop.h"

#include "transport/overhead.h"

#include <openssl/ssl.h>

static void test_record(void **state) {
    static const struct {
        const char *version, *cipher;
        int64_t bytes;
    } cases[] = {
        {"", "", 0},
        {"TLSv1.3", "TLS_AES_256_GCM_SHA384", 22},
        {"TLSv1.3", "TLS_AES_128_GCM_SHA256", 22},
        {"TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256", 22},
        {"TLSv1.3", "TLS_AES_128_CCM_SHA256", 22},
        {"TLSv1.3", "TLS_AES_128_CCM_8_SHA256", 14},
        {"TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384", 29},
        {"TLSv1.2", "ECDHE-ARIA128-GCM-SHA256", 29},
        {"TLSv1.2", "ECDHE-RSA-CHACHA20-POLY1305", 21},
        {"TLSv1.2", "ECDHE-ECDSA-AES128-CCM", 29},
        {"TLSv1.2", "ECDHE-ECDSA-AES256-CCM8", 21},
        {"TLSv1.2", "PSK-AES128-GCM-SHA256", 29},
        {"TLSv1.2", "DHE-PSK-AES256-GCM-SHA384", 29},
        {"TLSv1.2", "ECDHE-PSK-CHACHA20-POLY1305", 21},
        {"TLSv1.2", "PSK-AES128-CCM", 29},
        {"TLSv1.2", "PSK-AES256-CCM8", 21},
        {"TLSv1.2", "ECDHE-ECDSA-AES256-SHA384", -1}, /* CBC: pads */
        {"TLSv1.2", "ECDHE-PSK-AES128-CBC-SHA256", -1},
        {"TLSv1.2", "NULL-SHA256", -1},
        {"TLSv1.1", "ECDHE-ECDSA-AES256-GCM-SHA384", -1},
        {"TLSv1.4", "TLS_AES_256_GCM_SHA384", -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (overhead_record(cases[i].version, cases[i].cipher) != cases[i].bytes)
            fail_msg("%s %s: %d", cases[i].version, cases[i].cipher,
                     (int)overhead_record(cases[i].version, cases[i].cipher));
}

/* ---- against OpenSSL itself ---- */

/* No certificates: a key that both know. */
static unsigned int give_key(SSL *ssl, const char *hint, char *identity, unsigned int identity_size,
                             unsigned char *key, unsigned int key_size) {
    (void)ssl;
    (void)hint;
    (void)snprintf(identity, identity_size, "both");
    memset(key, 7, key_size < 32 ? key_size : 32);
    return 32;
}

static unsigned int find_key(SSL *ssl, const char *identity, unsigned char *key,
                             unsigned int key_size) {
    char unused[8];

    (void)identity;
    return give_key(ssl, NULL, unused, sizeof(unused), key, key_size);
}

struct pair {
    SSL_CTX *context;
    SSL *ends[2];    /* client, server */
    BIO *written[2]; /* by either, not yet read by the other; owned by ends */
};

static void pair_open(struct pair *pair, const char *cipher, bool newest) {
    int version = newest ? TLS1_3_VERSION : TLS1_2_VERSION, done = 0;

    *pair = (struct pair){.context = SSL_CTX_new(TLS_method())};
    SSL_CTX_set_security_level(pair->context, 0); /* for the short tags of CCM_8 */
    assert_int_equal(SSL_CTX_set_min_proto_version(pair->context, version), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(pair->context, version), 1);
    assert_int_equal(newest ? SSL_CTX_set_ciphersuites(pair->context, cipher)
                            : SSL_CTX_set_cipher_list(pair->context, cipher),
                     1);
    SSL_CTX_set_psk_client_callback(pair->context, give_key);
    SSL_CTX_set_psk_server_callback(pair->context, find_key);
    for (int i = 0; i < 2; i++) {
        pair->ends[i] = SSL_new(pair->context);
        pair->written[i] = BIO_new(BIO_s_mem());
        assert_int_equal(BIO_up_ref(pair->written[i]), 1);
    }
    for (int i = 0; i < 2; i++)
        SSL_set_bio(pair->ends[i], pair->written[1 - i], pair->written[i]);
    SSL_set_connect_state(pair->ends[0]);
    SSL_set_accept_state(pair->ends[1]);
    for (int turns = 0; turns < 10 && done != 3; turns++)
        for (int i = 0; i < 2; i++)
            done |= (SSL_do_handshake(pair->ends[i]) == 1) << i;
    if (done != 3)
        fail_msg("no handshake with %s", cipher);
}

static void pair_close(struct pair *pair) {
    SSL_free(pair->ends[0]);
    SSL_free(pair->ends[1]);
    SSL_CTX_free(pair->context);
}

static void test_against_openssl(void **state) {
    static const struct {
        const char *cipher;
        bool newest;
    } cases[] = {
        {"TLS_AES_128_GCM_SHA256", true}, {"TLS_CHACHA20_POLY1305_SHA256", true},
        {"TLS_AES_128_CCM_SHA256", true}, {"TLS_AES_128_CCM_8_SHA256", true},
        {"PSK-AES256-GCM-SHA384", false}, {"PSK-CHACHA20-POLY1305", false},
        {"PSK-AES128-CCM", false},        {"PSK-AES128-CCM8", false},
        {"PSK-AES256-CBC-SHA384", false},
    };
    static const int lengths[] = {1, 16384, 16385, 65536, 65600};
    static char data[65600];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct pair pair;
        int64_t record;

        pair_open(&pair, cases[i].cipher, cases[i].newest);
        record = overhead_record(SSL_get_version(pair.ends[0]), SSL_get_cipher_name(pair.ends[0]));
        assert_int_equal(record < 0, strstr(cases[i].cipher, "CBC") != NULL);
        for (size_t j = 0; j < ARRAY_SIZE(lengths) && record >= 0; j++) {
            size_t before = BIO_ctrl_pending(pair.written[0]);

            assert_int_equal(SSL_write(pair.ends[0], data, lengths[j]), lengths[j]);
            assert_int_equal(BIO_ctrl_pending(pair.written[0]) - before,
                             overhead_written(lengths[j], record));
        }
        if (record >= 0) {
            size_t before = BIO_ctrl_pending(pair.written[0]);

            assert_true(SSL_shutdown(pair.ends[0]) >= 0);
            assert_int_equal(BIO_ctrl_pending(pair.written[0]) - before, overhead_farewell(record));
        }
        pair_close(&pair);
    }
}

static void test_written(void **state) {
    (void)state;
    assert_int_equal(overhead_written(65536, 0), 65536);
    assert_int_equal(overhead_written(65536, 22), 65536 + 4 * 22);
    assert_int_equal(overhead_written(65537, 22), 65537 + 5 * 22);
    assert_int_equal(overhead_written(1, 29), 30);
    assert_int_equal(overhead_farewell(0), 0);
    assert_int_equal(overhead_farewell(22), 24);
}

/* ---- MQTT ---- */

/* The packets byte by byte: 3.3.1 to 3.3.3; remaining lengths at the borders of table 2.4. */
static void test_publish(void **state) {
    (void)state;
    assert_int_equal(overhead_message(0, 1, 0, MQTT_3_1_1, 0), 1 + 1 + 2 + 1);
    assert_int_equal(overhead_message(0, 1, 1, MQTT_3_1_1, 0), 1 + 1 + 2 + 1 + 2);
    assert_int_equal(overhead_message(127 - 5, 3, 0, MQTT_3_1_1, 0), 1 + 1 + 127);
    assert_int_equal(overhead_message(128 - 5, 3, 0, MQTT_3_1_1, 0), 1 + 2 + 128);
    assert_int_equal(overhead_message(16383 - 5, 3, 0, MQTT_3_1_1, 0), 1 + 2 + 16383);
    assert_int_equal(overhead_message(16384 - 5, 3, 0, MQTT_3_1_1, 0), 1 + 3 + 16384);
    assert_int_equal(overhead_message(2097151 - 5, 3, 0, MQTT_3_1_1, 0), 1 + 3 + 2097151);
    assert_int_equal(overhead_message(2097152 - 7, 3, 1, MQTT_3_1_1, 0), 1 + 4 + 2097152);
}

/* MQTT 5, 3.3.2.3: the properties' length, of which there are none. */
static void test_publish_of_5(void **state) {
    (void)state;
    assert_int_equal(overhead_message(0, 1, 0, MQTT_5, 0), 1 + 1 + 2 + 1 + 1);
    assert_int_equal(overhead_message(127 - 6, 3, 0, MQTT_5, 0), 1 + 1 + 127);
    assert_int_equal(overhead_message(127 - 5, 3, 0, MQTT_5, 0), 1 + 2 + 128);
    assert_int_equal(overhead_message(100, 3, 2, MQTT_5, 0), 1 + 1 + 2 + 3 + 2 + 1 + 100 + 4);
}

static void test_message(void **state) {
    int64_t packet = 1 + 3 + 2 + 12 + 2 + 65536;

    (void)state;
    assert_int_equal(overhead_message(65536, 12, 2, MQTT_3_1_1, 0), packet + 4);
    assert_int_equal(overhead_message(65536, 12, 1, MQTT_3_1_1, 0), packet);
    assert_int_equal(overhead_message(65536, 12, 0, MQTT_3_1_1, 0), packet - 2);
    /* The header of MQTT makes a fifth record of what would be four. */
    assert_int_equal(overhead_message(65536, 12, 0, MQTT_3_1_1, 22), packet - 2 + 5 * 22);
    assert_int_equal(overhead_message(65536, 12, 2, MQTT_3_1_1, 22), packet + 5 * 22 + 4 + 22);
}

/* ---- packets ---- */

static void test_packets(void **state) {
    (void)state;
    assert_int_equal(overhead_packets(1448, 1448, 52), 1500);
    assert_int_equal(overhead_packets(1449, 1448, 52), 1449 + 2 * 52);
    assert_int_equal(overhead_packets(1428000, 1428, 72), 1500000);
    assert_int_equal(overhead_packets(0, 1448, 52), 0);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record),       cmocka_unit_test(test_against_openssl),
        cmocka_unit_test(test_written),      cmocka_unit_test(test_publish),
        cmocka_unit_test(test_publish_of_5), cmocka_unit_test(test_message),
        cmocka_unit_test(test_packets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
