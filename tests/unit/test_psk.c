/* security/psk: what the broker's host gets, what clients get, and
 * connections under a shared key. */
#include "broker/broker.h"
#include "peer.h"

#define KEY "000102030405060708090a0b0c0d0e0f"

static char *folder;

static int make_folder(void **state) {
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    folder = workshop_make();
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    workshop_remove(folder);
    return 0;
}

static int issue(const char *secret, const char *key_size, json_t *secrets, struct error *error) {
    struct channel channel = workshop_channel("c", "psk");
    struct issuer issuer = {.validity_ns = 2, .renew_before_ns = 1, .secrets = secrets};
    int r;

    assert_int_equal(channel_assign(&channel, "psk.secret", secret, NULL), 0);
    assert_int_equal(channel_assign(&channel, "psk.key_size", key_size, NULL), 0);
    r = mechanism_issue(&channel, &issuer, error);
    channel_clear(&channel);
    return r;
}

static const char *issued(const json_t *secrets) {
    return json_string_value(json_object_get(json_object_get(secrets, "psk"), "c"));
}

static void test_generated(void **state) {
    json_auto_t *one = json_object(), *other = json_object();
    struct error error = {""};

    (void)state;
    assert_int_equal(issue("generated", "32B", one, &error), 0);
    assert_int_equal(issue("generated", "16B", other, &error), 0);
    assert_int_equal(strlen(issued(one)), 64);
    assert_int_equal(strlen(issued(other)), 32);
    assert_int_equal(strspn(issued(one), "0123456789abcdef"), 64);
    assert_memory_not_equal(issued(one), issued(other), 32);
}

static void test_from_a_file(void **state) {
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {KEY "\n", true},   {KEY KEY, true},   {KEY KEY "00\n", false},
        {KEY "0\n", false}, {"00ff\n", false}, {"no hexadecimal digits at all, no", false},
        {"0x" KEY, false},
    };
    CLEANUP_FREE char *source = text_format("file:%s/key", folder);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_auto_t *secrets = json_object();
        struct error error = {""};
        int r;

        workshop_put(folder, "key", cases[i].text);
        assert_int_equal(chmod(source + strlen("file:"), 0600), 0);
        r = issue(source, "32B", secrets, &error);
        if ((r == 0) != cases[i].good)
            fail_msg("'%s': %d %s", cases[i].text, r, error.text);
        if (cases[i].good)
            assert_int_equal(strncmp(issued(secrets), KEY, strlen(KEY)), 0);
        else
            assert_has(error.text, "psk.secret: ");
        assert_has_not(error.text, KEY);
    }
}

static void test_identities(void **state) {
    static const struct {
        const char *identity;
        bool good;
    } cases[] = {{"bench", true}, {"sensor-17", true}, {"", false}};
    static const char *const others[] = {"a:b", "#a", "a b"};
    struct channel channel = workshop_channel("c", "psk");
    CLEANUP_FREE char *longest = memory_new(129, 1);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(channel_assign(&channel, "psk.identity", cases[i].identity, NULL),
                         cases[i].good ? 0 : -EINVAL);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) { /* fit for another broker than ours */
        assert_int_equal(channel_assign(&channel, "psk.identity", others[i], NULL), 0);
        assert_int_equal(broker_check_channel(&channel, NULL), -EINVAL);
    }
    memset(longest, 'a', 128);
    assert_int_equal(channel_assign(&channel, "psk.identity", longest, NULL), -EINVAL);
    longest[127] = '\0';
    assert_int_equal(channel_assign(&channel, "psk.identity", longest, NULL), 0);
    channel_clear(&channel);
}

/* The broker's file has the key and nobody else may read it; its configuration has not. */
static void test_broker(void **state) {
    struct channel channel = workshop_channel("c", "psk");
    json_auto_t *secrets = json_pack("{s:{s:s}}", "psk", "c", KEY);
    struct bringup bringup = {.channel = &channel, .folder = folder, .secrets = secrets};
    CLEANUP_FREE char *lines = NULL, *keys = NULL, *path = text_format("%s/keys", folder);
    CLEANUP(client_config_freep) struct client_config *config = NULL;
    size_t cursor = 0, length;
    const struct mechanism *psk = mechanism_next(&channel, &cursor);
    FILE *file = open_memstream(&lines, &length);
    struct stat status;

    (void)state;
    assert_int_equal(psk->broker(&bringup, file, NULL), 0);
    config = mechanism_client_config(&bringup, PARTY_BROKER, "", 0);
    tls_broker_lines(&config->tls, file);
    tls_broker_openssl(&config->tls, file);
    assert_int_equal(fclose(file), 0);
    keys = workshop_get(folder, "keys");
    assert_string_equal(keys, "bench:" KEY "\n");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_has(lines, "psk_file ");
    assert_has(lines, "tls_version tlsv1.2\nciphers ECDHE-PSK-CHACHA20-POLY1305\n");
    assert_has(lines, "MaxProtocol = TLSv1.2\n");
    assert_has_not(lines, KEY);
    channel_clear(&channel);
}

/* ---- connections ---- */

static struct client_config *config_of(const char *ciphers, enum party party) {
    struct channel channel = workshop_channel("c", "psk");
    json_auto_t *secrets = json_pack("{s:{s:s}}", "psk", "c", KEY);
    struct bringup bringup = {.channel = &channel, .secrets = secrets};
    struct client_config *config;

    assert_int_equal(channel_assign(&channel, "psk.ciphers", ciphers, NULL), 0);
    config = mechanism_client_config(&bringup, party, "127.0.0.1", 0);
    channel_clear(&channel);
    return config;
}

static void greet(struct transport *transport, struct peer *peer) {
    peer->code = transport->ops->send(transport, "hello", 5);
}

/* What a client with this key finds at a server with the right one. */
static int meet(const char *ciphers, const char *identity, const char *key, struct tls_session *ret,
                struct error *error) {
    static const struct transport_options options = {.timeout_ns = DEADLINE_NS};
    CLEANUP(client_config_freep) struct client_config *server = config_of(ciphers, PARTY_BROKER);
    CLEANUP(client_config_freep) struct client_config *client = config_of(ciphers, PARTY_CLIENT1);
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;
    CLEANUP(transport_freep) struct transport *transport = NULL;
    struct peer peer = {.act = greet, .context = peer_context(server)};
    char answer[8];
    int r;

    text_replace(&client->tls.psk_identity, identity);
    text_replace(&client->tls.psk_key, key);
    peer_start(&peer);
    client->port = peer.port;
    assert_int_equal(tls_context_client(&context, client, NULL), 0);
    r = transport_connect(&transport, client, context, &options, error);
    if (r == 0) {
        assert_int_equal(transport->ops->receive(transport, answer, sizeof(answer)), 5);
        transport_session(transport, ret);
    }
    peer_stop(&peer);
    return r;
}

static void test_ciphers(void **state) {
    static const struct {
        const char *cipher;
        bool has_group;
    } cases[] = {
        {"ECDHE-PSK-CHACHA20-POLY1305", true}, {"PSK-AES128-GCM-SHA256", false},
        {"PSK-CHACHA20-POLY1305", false},      {"DHE-PSK-AES128-GCM-SHA256", false},
        {"DHE-PSK-AES256-GCM-SHA384", false},  {"PSK-AES128-CCM", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct tls_session session = {.version = ""};
        struct error error = {""};

        if (meet(cases[i].cipher, "bench", KEY, &session, &error) < 0)
            fail_msg("%s: %s", cases[i].cipher, error.text);
        assert_string_equal(session.version, "TLSv1.2");
        assert_string_equal(session.cipher, cases[i].cipher);
        assert_int_equal(*session.group != '\0', cases[i].has_group);
        assert_string_equal(session.signature, "");
    }
}

static void test_wrong_key_and_identity(void **state) {
    static const char *const wrong[][2] = {{"bench", KEY "00"}, {"nobody", KEY}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct tls_session session;
        struct error error = {""};

        assert_true(meet("PSK-AES128-GCM-SHA256", wrong[i][0], wrong[i][1], &session, &error) < 0);
        assert_has_not(error.text, KEY);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generated),  cmocka_unit_test(test_from_a_file),
        cmocka_unit_test(test_identities), cmocka_unit_test(test_broker),
        cmocka_unit_test(test_ciphers),    cmocka_unit_test(test_wrong_key_and_identity),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
