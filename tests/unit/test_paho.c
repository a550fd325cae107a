/* mqtt/paho: a broker that would take anything gets from Paho C what the client_config asks
 * for, and none but the right broker gets a CONNECT. */
#include "peer.h"

#include "mqtt/client.h"

static void skip_without(void) {
    CLEANUP_FREE char *version = mqtt_client_library_version(LIBRARY_PAHO);

    if (!version)
        skip();
}

/* A client's configuration for a broker that knows versions from 1.2 on, and all algorithms. */
static struct client_config *start(struct peer *peer, const char *certificates) {
    struct client_config *broker =
        peer_config(certificates, "tls certificate", "1.2", "1.3", PARTY_BROKER);
    struct client_config *config =
        peer_config(peer_certs, "tls certificate", "1.2", "1.3", PARTY_CLIENT2);

    peer->context = peer_context(broker);
    client_config_free(broker);
    peer_start(peer);
    config->port = peer->port;
    config->library = LIBRARY_PAHO;
    return config;
}

static void answer(struct transport *transport, struct peer *peer) {
    if (peer_hear(transport, peer) <= 0)
        return;
    peer->code = transport->ops->send(transport, "\x20\2\0\0", 4);
    while (peer_hear(transport, peer) > 0)
        ;
}

struct case_of_asking {
    int64_t min, max;
    const char *ciphers, *suites, *groups;
    struct tls_session session; /* what is not empty is looked at */
};

static void ask(const struct case_of_asking *one) {
    struct peer peer = {.act = answer};
    CLEANUP(client_config_freep) struct client_config *config = start(&peer, peer_certs);
    struct mqtt_client *client = NULL;
    struct tls_session session;
    struct error error = {""};

    config->tls.min_version = one->min;
    config->tls.max_version = one->max;
    text_replace(&config->tls.ciphers, one->ciphers);
    text_replace(&config->tls.suites, one->suites);
    text_replace(&config->tls.groups, one->groups);
    if (mqtt_client_connect(&client, config, NULL, NULL, &error) < 0)
        fail_msg("%s", error.text);
    mqtt_client_session(client, &session);
    mqtt_client_free(client);
    peer_stop(&peer);
    assert_string_equal(session.version, one->session.version);
    if (*one->session.cipher)
        assert_string_equal(session.cipher, one->session.cipher);
    if (*one->session.group)
        assert_string_equal(session.group, one->session.group);
    assert_string_equal(session.version, peer.session.version); /* as the other end sees it */
    assert_string_equal(session.cipher, peer.session.cipher);
    assert_string_equal(session.group, peer.session.group);
    assert_string_equal(session.signature, peer.session.signature);
}

static void test_as_asked(void **state) {
    static const struct case_of_asking cases[] = {
        {TLS_1_2, TLS_1_3, "", "", "", {.version = "TLSv1.3"}},
        {TLS_1_2, TLS_1_2, "", "", "", {.version = "TLSv1.2"}},
        {TLS_1_2,
         TLS_1_2,
         "ECDHE-ECDSA-AES128-GCM-SHA256",
         "",
         "P-256",
         {.version = "TLSv1.2", .cipher = "ECDHE-ECDSA-AES128-GCM-SHA256", .group = "secp256r1"}},
        {TLS_1_3,
         TLS_1_3,
         "",
         "TLS_AES_128_GCM_SHA256",
         "P-521",
         {.version = "TLSv1.3", .cipher = "TLS_AES_128_GCM_SHA256", .group = "secp521r1"}},
    };

    (void)state;
    skip_without();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        ask(&cases[i]);
}

/* Nothing of MQTT must have come to the broker. */
static void assert_refused(struct peer *peer, struct client_config *config) {
    struct mqtt_client *client = NULL;
    struct error error = {""};
    int r = mqtt_client_connect(&client, config, NULL, NULL, &error);

    client_config_free(config);
    peer_stop(peer);
    assert_true(r < 0);
    assert_null(client);
    assert_has(error.text, "MQTT connection: ");
    assert_int_equal(peer->heard_length, 0);
}

static void test_wrong_host(void **state) {
    struct peer peer = {.act = answer};
    struct client_config *config;

    (void)state;
    skip_without();
    config = start(&peer, peer_certs);
    text_replace(&config->expected_host, "wrong.example");
    assert_refused(&peer, config);
}

static void test_other_ca(void **state) {
    struct peer peer = {.act = answer};
    CLEANUP_FREE char *other = NULL;

    (void)state;
    skip_without();
    other = peer_certificates();
    assert_refused(&peer, start(&peer, other));
    workshop_remove(other);
    other = NULL;
}

/* What the library has no settings for: without a common version nothing comes about. */
static void test_no_common_version(void **state) {
    struct peer peer = {.act = answer};
    struct client_config *config;

    (void)state;
    skip_without();
    config = start(&peer, peer_certs);
    config->tls.min_version = TLS_1_1;
    config->tls.max_version = TLS_1_1;
    assert_refused(&peer, config);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_asked),
        cmocka_unit_test(test_wrong_host),
        cmocka_unit_test(test_other_ca),
        cmocka_unit_test(test_no_common_version),
    };

    return cmocka_run_group_tests(tests, peer_set_up, peer_tear_down);
}
