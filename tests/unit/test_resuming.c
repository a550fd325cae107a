/* transport, security/tls_context: a connection that is resumed by a ticket. */
#include "peer.h"

#include <sys/socket.h>

struct case_of_resuming {
    const char *use, *version;
    bool tickets;  /* the server's */
    bool farewell; /* the client's, at the end */
};

/* A server of TLS 1.3 gives tickets with its first answer. */
static void greet(struct transport *transport, struct peer *peer) {
    peer->code = transport->ops->send(transport, "hello", 5);
    (void)peer_hear(transport, peer);
}

static struct client_config *config_of(const struct case_of_resuming *one, enum party party) {
    struct client_config *config =
        peer_config(peer_certs, one->use, one->version, one->version, party);

    config->tls.tickets = party != PARTY_BROKER || one->tickets;
    return config;
}

/* One connection to a server whose contexts share their secrets; the ticket is the caller's. */
static SSL_SESSION *connect_once(const struct case_of_resuming *one, SSL_CTX *server,
                                 SSL_SESSION *resume, bool *ret_resumed) {
    CLEANUP(client_config_freep) struct client_config *config = config_of(one, PARTY_CLIENT2);
    CLEANUP(transport_freep) struct transport *transport = NULL;
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;
    struct transport_options options = {.timeout_ns = DEADLINE_NS, .resume = resume};
    struct peer peer = {.act = greet, .context = server};
    SSL_SESSION *session;
    char answer[16];

    (void)SSL_CTX_up_ref(server);
    peer_start(&peer);
    config->port = peer.port;
    assert_int_equal(tls_context_client(&context, config, NULL), 0);
    assert_int_equal(transport_connect(&transport, config, context, &options, NULL), 0);
    assert_int_equal(transport->ops->receive(transport, answer, sizeof(answer)), 5);
    session = transport_take_session(transport);
    *ret_resumed = transport_resumed(transport);
    if (one->farewell)
        transport->ops->finish(transport);
    else
        (void)shutdown(transport->fd, SHUT_WR);
    peer_stop(&peer);
    assert_int_equal(peer.code, 0);
    return session;
}

static SSL_CTX *server_of(const struct case_of_resuming *one) {
    CLEANUP(client_config_freep) struct client_config *config = config_of(one, PARTY_BROKER);

    return peer_context(config);
}

static void test_resumes(void **state) {
    static const struct case_of_resuming cases[] = {
        {"tls", "1.2", true, true},
        {"tls", "1.3", true, true},
        {"tls", "1.3", true, false}, /* which OpenSSL holds against the session */
        {"tls certificate", "1.2", true, false},
        {"tls certificate", "1.3", true, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(SSL_CTX_freep) SSL_CTX *server = server_of(&cases[i]);
        CLEANUP(SSL_SESSION_freep) SSL_SESSION *first = NULL, *second = NULL;
        bool resumed;

        first = connect_once(&cases[i], server, NULL, &resumed);
        assert_false(resumed);
        assert_non_null(first);
        second = connect_once(&cases[i], server, first, &resumed);
        if (!resumed)
            fail_msg("%s %s was not resumed", cases[i].use, cases[i].version);
        assert_non_null(second);
    }
}

static void test_no_tickets(void **state) {
    static const struct case_of_resuming cases[] = {{"tls", "1.2", false, true},
                                                    {"tls", "1.3", false, true}};
    bool resumed;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(SSL_CTX_freep) SSL_CTX *server = server_of(&cases[i]);

        assert_null(connect_once(&cases[i], server, NULL, &resumed));
        assert_false(resumed);
    }
}

/* A ticket of one server is nothing to another: the handshake is a full one. */
static void test_ticket_of_another(void **state) {
    static const struct case_of_resuming one = {"tls certificate", "1.3", true, true};
    CLEANUP(SSL_CTX_freep) SSL_CTX *server = server_of(&one), *other = server_of(&one);
    CLEANUP(SSL_SESSION_freep) SSL_SESSION *first = NULL, *second = NULL;
    bool resumed = true;

    (void)state;
    first = connect_once(&one, server, NULL, &resumed);
    second = connect_once(&one, other, first, &resumed);
    assert_false(resumed);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resumes),
        cmocka_unit_test(test_no_tickets),
        cmocka_unit_test(test_ticket_of_another),
    };

    return cmocka_run_group_tests(tests, peer_set_up, peer_tear_down);
}
