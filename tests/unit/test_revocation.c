/* security/certificate, security/tls_context: a server that looks for certificates that were
 * revoked, in the list of the PKI. */
#include "peer.h"

#include "security/pki_internal.h"

static struct client_config *config_of(const char *revocation, enum party party) {
    struct channel channel = workshop_channel("c", "tls certificate");
    struct bringup bringup = {.channel = &channel, .certs = peer_certs};
    struct client_config *config;

    assert_int_equal(channel_assign(&channel, "certificate.revocation", revocation, NULL), 0);
    config = mechanism_client_config(&bringup, party, "127.0.0.1", 0);
    channel_clear(&channel);
    return config;
}

static void greet(struct transport *transport, struct peer *peer) {
    peer->code = transport->ops->send(transport, "hello", 5);
}

/* What a server says of a client with one of the certificates: 0, or why not. */
static int meet(const struct client_config *server, const char *certificate, struct error *error) {
    static const struct transport_options options = {.timeout_ns = DEADLINE_NS};
    CLEANUP(client_config_freep) struct client_config *client = config_of("no", PARTY_CLIENT2);
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;
    CLEANUP(transport_freep) struct transport *transport = NULL;
    struct peer peer = {.act = greet, .context = peer_context(server)};
    char answer[8];

    free(client->tls.cert_file);
    free(client->tls.key_file);
    client->tls.cert_file = text_format("%s/%s.crt", peer_certs, certificate);
    client->tls.key_file = text_format("%s/%s.key", peer_certs, certificate);
    peer_start(&peer);
    client->port = peer.port;
    assert_int_equal(tls_context_client(&context, client, NULL), 0);
    if (transport_connect(&transport, client, context, &options, NULL) == 0)
        (void)transport->ops->receive(transport, answer, sizeof(answer));
    peer_stop(&peer);
    *error = peer.error;
    return peer.code;
}

static void assert_refused(const struct client_config *server, const char *certificate,
                           const char *why) {
    struct error error = {""};

    assert_int_equal(meet(server, certificate, &error), -EPROTO);
    assert_has(error.text, why);
}

static void assert_let_in(const struct client_config *server, const char *certificate) {
    struct error error = {""};

    if (meet(server, certificate, &error) < 0)
        fail_msg("%s: %s", certificate, error.text);
}

static void test_list(void **state) {
    CLEANUP(client_config_freep) struct client_config *looks = config_of("crl", PARTY_BROKER);
    CLEANUP(client_config_freep) struct client_config *looks_not = config_of("no", PARTY_BROKER);

    (void)state;
    assert_let_in(looks, "client2/client2");
    assert_let_in(looks, "client1/client1");
    assert_refused(looks, "proof/revoked", "certificate revoked");
    assert_refused(looks, "proof/stranger", "issuer certificate");
    assert_let_in(looks_not, "proof/revoked");
    assert_string_equal(looks_not->tls.crl_file, "");
}

/* Of the same CA, but from ten days ago, for a day. */
static char *make_old_list(void) {
    CLEANUP_FREE char *ca = workshop_get(peer_certs, "ca/ca.crt"),
                      *key = workshop_get(peer_certs, "ca/ca.key"),
                      *revoked = workshop_get(peer_certs, "proof/revoked.crt");
    CLEANUP(pki_authority_clear)
    struct pki_authority authority = {pki_parse_certificate(ca),
                                      pki_parse_key(key, getenv("BENCH_CA_PASSPHRASE"), NULL)};
    int64_t now_s = clock_realtime_ns() / NS_PER_S - 10 * DAY_S;
    char *list;

    assert_int_equal(pki_sign_list(&authority, revoked, now_s, now_s + DAY_S, &list, NULL), 0);
    return list;
}

/* Why the PKI renews it in time. */
static void test_expired_list(void **state) {
    CLEANUP(client_config_freep) struct client_config *server = config_of("crl", PARTY_BROKER);
    CLEANUP_FREE char *list = make_old_list();

    (void)state;
    workshop_put(peer_certs, "broker/old.crl", list);
    free(server->tls.crl_file);
    server->tls.crl_file = text_format("%s/broker/old.crl", peer_certs);
    assert_refused(server, "client2/client2", "CRL has expired");
}

static void test_no_list(void **state) {
    CLEANUP(client_config_freep) struct client_config *server = config_of("crl", PARTY_BROKER);
    static const char *const bad[] = {"broker/none.crl", "broker/broker.key"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        SSL_CTX *context = NULL;
        struct error error = {""};

        free(server->tls.crl_file);
        server->tls.crl_file = text_format("%s/%s", peer_certs, bad[i]);
        assert_int_equal(tls_context_server(&context, server, &error), -EINVAL);
        assert_has(error.text, bad[i]);
        assert_null(context);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_expired_list),
        cmocka_unit_test(test_no_list),
    };

    return cmocka_run_group_tests(tests, peer_set_up, peer_tear_down);
}
