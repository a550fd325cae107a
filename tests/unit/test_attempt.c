/* transport/attempt: what a hand-made client makes of everything that a broker can answer. */
#include "peer.h"
#include "transport/packet.h"

#include "transport/attempt.h"

/* ---- what the other side does ---- */

/* Hears something, answers, and hears until the client leaves; a ping at the end is answered. */
static void answer(struct transport *transport, struct peer *peer) {
    static const unsigned char pong[] = {0xd0, 0};

    if (peer_hear(transport, peer) <= 0)
        return;
    peer->code = transport->ops->send(transport, peer->answer, peer->answer_length);
    while (peer_hear(transport, peer) > 0)
        if (memcmp(peer->heard + peer->heard_length - 2, "\xc0", 2) == 0)
            (void)transport->ops->send(transport, pong, sizeof(pong));
}

static void hear_and_leave(struct transport *transport, struct peer *peer) {
    (void)peer_hear(transport, peer);
}

static void answer_and_leave(struct transport *transport, struct peer *peer) {
    (void)peer_hear(transport, peer);
    (void)transport->ops->send(transport, peer->answer, peer->answer_length);
    transport->ops->finish(transport);
}

static void leave(struct transport *transport, struct peer *peer) {
    (void)transport;
    (void)peer;
}

#define ANSWER(bytes) .answer = (bytes), .answer_length = sizeof(bytes) - 1
#define ACCEPTED      ANSWER("\x20\x02\0\0")

/* Runs the peer and has the client try it; the peer may be looked at afterwards. */
static int try_peer(struct peer *peer, struct client_config *config,
                    const struct attempt_message *message, struct attempt *ret,
                    struct error *error) {
    int r;

    peer_start(peer);
    config->port = peer->port;
    r = attempt_make(config, message, ret, error);
    peer_stop(peer);
    return r;
}

static struct client_config *plain(void) {
    return peer_config(peer_certs, "", "1.3", "1.3", PARTY_CLIENT2);
}

/* The cause by how it starts: OpenSSL words its reasons now so, now so. */
static void assert_cause(struct peer *peer, struct client_config *config, bool accepted,
                         const char *cause) {
    struct attempt attempt;
    struct error error = {""};

    if (try_peer(peer, config, NULL, &attempt, &error) != 0)
        fail_msg("%s", error.text);
    if (strncmp(attempt.cause, cause, strlen(cause)) != 0)
        fail_msg("'%s' does not begin with '%s'", attempt.cause, cause);
    assert_int_equal(attempt.accepted, accepted);
}

/* ---- in clear ---- */

static void test_answers_in_clear(void **state) {
    static const struct {
        void (*act)(struct transport *transport, struct peer *peer);
        const char *bytes;
        size_t length;
        bool accepted;
        const char *cause;
    } cases[] = {
        {answer, "\x20\x02\0\0", 4, true, "connack 0"},
        {answer, "\x20\x02\1\0", 4, true, "connack 0"}, /* session present */
        {answer, "\x20\x02\0\5", 4, false, "connack 5"},
        {answer, "\x20\x02\0\4", 4, false, "connack 4"},
        {answer, "\x15\3\3\0\2\2\x46", 7, false, "alert 70 protocol_version"},
        {answer_and_leave, "\x15\3\1\0\2\2\x16", 7, false, "alert 22 record_overflow"},
        {answer, "\x15\3\3\0\2\2\x63", 7, false, "alert 99 unknown"},
        {leave, NULL, 0, false, "closed"},
        {hear_and_leave, NULL, 0, false, "closed"},
        {answer_and_leave, "\x20\x02\0", 3, false, "closed"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(client_config_freep) struct client_config *config = plain();
        struct peer peer = {
            .act = cases[i].act, .answer = cases[i].bytes, .answer_length = cases[i].length};

        assert_cause(&peer, config, cases[i].accepted, cases[i].cause);
    }
}

/* RFC 8446, section 6, and RFC 5246, section 7.2. */
static void test_alerts(void **state) {
    static const struct {
        char code;
        const char *cause;
    } cases[] = {
        {10, "alert 10 unexpected_message"},
        {20, "alert 20 bad_record_mac"},
        {22, "alert 22 record_overflow"},
        {40, "alert 40 handshake_failure"},
        {42, "alert 42 bad_certificate"},
        {43, "alert 43 unsupported_certificate"},
        {44, "alert 44 certificate_revoked"},
        {45, "alert 45 certificate_expired"},
        {46, "alert 46 certificate_unknown"},
        {47, "alert 47 illegal_parameter"},
        {48, "alert 48 unknown_ca"},
        {49, "alert 49 access_denied"},
        {50, "alert 50 decode_error"},
        {51, "alert 51 decrypt_error"},
        {70, "alert 70 protocol_version"},
        {71, "alert 71 insufficient_security"},
        {80, "alert 80 internal_error"},
        {109, "alert 109 missing_extension"},
        {112, "alert 112 unrecognized_name"},
        {115, "alert 115 unknown_psk_identity"},
        {116, "alert 116 certificate_required"},
        {120, "alert 120 no_application_protocol"},
        {1, "alert 1 unknown"},
        {121, "alert 121 unknown"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char bytes[] = {0x15, 3, 3, 0, 2, 2, cases[i].code};
        CLEANUP(client_config_freep) struct client_config *config = plain();
        struct peer peer = {.act = answer, .answer = bytes, .answer_length = sizeof(bytes)};

        assert_cause(&peer, config, false, cases[i].cause);
    }
}

static void test_garbage(void **state) {
    static const struct {
        const char *bytes;
        size_t length;
        const char *message;
    } cases[] = {
        {"HTTP/1.1 400 Bad Request\r\n", 26, "the answer to CONNECT begins with byte 0x48"},
        {"\x20\x03\0\0\0", 5, "the answer to CONNECT begins with byte 0x20"},
        {"\0\0\0\0", 4, "the answer to CONNECT begins with byte 0x00"},
        {"\x15\3\3\0", 4, "the answer to CONNECT begins with byte 0x15"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(client_config_freep) struct client_config *config = plain();
        struct peer peer = {
            .act = answer_and_leave, .answer = cases[i].bytes, .answer_length = cases[i].length};
        struct attempt attempt;
        struct error error = {""};

        assert_int_equal(try_peer(&peer, config, NULL, &attempt, &error), -EPROTO);
        assert_string_equal(error.text, cases[i].message);
        assert_false(attempt.accepted);
    }
}

/* MQTT 3.1.1, section 3.1: every byte of CONNECT, with and without a name. */
static void test_connect_packet(void **state) {
    static const char anonymous[] = "\x10\x13\0\4MQTT\4\2\0\x3c\0\7client2";
    static const char named[] = "\x10\x22\0\4MQTT\4\xc2\0\x3c\0\7client2\0\5User1\0\6s3cret";
    CLEANUP(client_config_freep) struct client_config *config = plain(), *user = NULL;
    struct peer first = {.act = answer, ACCEPTED}, second = {.act = answer, ACCEPTED};

    (void)state;
    user = peer_config(peer_certs, "password", "1.3", "1.3", PARTY_CLIENT2);
    assert_cause(&first, config, true, "connack 0");
    assert_int_equal(first.heard_length, sizeof(anonymous) - 1);
    assert_memory_equal(first.heard, anonymous, sizeof(anonymous) - 1);
    assert_cause(&second, user, true, "connack 0");
    assert_int_equal(second.heard_length, sizeof(named) - 1);
    assert_memory_equal(second.heard, named, sizeof(named) - 1);
}

/* More than 127 bytes: the remaining length takes two bytes. */
static void test_long_names(void **state) {
    CLEANUP(client_config_freep)
    struct client_config *config = peer_config(peer_certs, "password", "1.3", "1.3", PARTY_CLIENT2);
    struct peer peer = {.act = answer, ACCEPTED};
    struct attempt attempt;
    struct error error = {""};

    (void)state;
    free(config->password);
    config->password = text_format("%0200d", 7);
    assert_cause(&peer, config, true, "connack 0");
    assert_int_equal(peer.heard_length, 3 + 10 + 9 + 7 + 202);
    assert_memory_equal(peer.heard, "\x10\xe4\x01\0\4MQTT", 9);
    free(config->password);
    config->password = text_format("%0*d", PACKET_BYTES, 7);
    peer = (struct peer){.act = answer, ACCEPTED};
    assert_int_equal(try_peer(&peer, config, NULL, &attempt, &error), -E2BIG);
}

/* PUBLISH, PINGREQ, DISCONNECT behind the CONNECT; only to a broker that lets the client in. */
static void test_message(void **state) {
    static const char packets[] = "\x30\x08\0\3a/bxyz\xc0\0\xe0";
    static const struct attempt_message message = {"a/b", "xyz"};
    CLEANUP(client_config_freep) struct client_config *config = plain();
    struct peer in = {.act = answer, ACCEPTED}, out = {.act = answer, ANSWER("\x20\x02\0\5")};
    struct peer rude = {.act = answer_and_leave, ACCEPTED};
    struct attempt attempt;
    struct error error = {""};

    (void)state;
    assert_int_equal(try_peer(&in, config, &message, &attempt, &error), 0);
    assert_true(attempt.accepted);
    assert_int_equal(in.heard_length, 21 + sizeof(packets));
    assert_memory_equal(in.heard + 21, packets, sizeof(packets));
    assert_int_equal(try_peer(&out, config, &message, &attempt, &error), 0);
    assert_int_equal(out.heard_length, 21);
    assert_true(try_peer(&rude, config, &message, &attempt, &error) < 0);
    assert_string_equal(error.text,
                        "no PINGRESP after publishing to a/b; the broker may not permit "
                        "that topic (external.proof_topic)");
}

static void test_nobody_listens(void **state) {
    CLEANUP(client_config_freep) struct client_config *config = plain();
    struct attempt attempt = {.accepted = true};
    struct error error = {""};

    (void)state;
    config->port = peer_free_port();
    assert_int_equal(attempt_make(config, NULL, &attempt, &error), 0);
    assert_string_equal(attempt.cause, "tcp 111 connection refused");
    assert_false(attempt.accepted);
    text_replace(&config->address, "no such name.invalid");
    assert_int_equal(attempt_make(config, NULL, &attempt, &error), -EHOSTUNREACH);
}

/* ---- over TLS ---- */

/* A peer that is a broker of the channel and lets in whom its TLS lets in. */
static struct peer tls_peer(const char *use, const char *min, const char *max) {
    CLEANUP(client_config_freep)
    struct client_config *config = peer_config(peer_certs, use, min, max, PARTY_BROKER);

    return (struct peer){.act = answer, ACCEPTED, .context = peer_context(config)};
}

static void test_accepted(void **state) {
    static const char *const versions[][2] = {{"1.3", "TLSv1.3"}, {"1.2", "TLSv1.2"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        CLEANUP(client_config_freep)
        struct client_config *config = peer_config(peer_certs, "tls certificate", versions[i][0],
                                                   versions[i][0], PARTY_CLIENT2);
        struct peer peer = tls_peer("tls certificate", "1.2", "1.3");
        struct attempt attempt;
        struct error error = {""};

        text_replace(&config->tls.groups, "P-256");
        assert_int_equal(try_peer(&peer, config, NULL, &attempt, &error), 0);
        assert_string_equal(attempt.cause, "connack 0");
        assert_true(attempt.accepted);
        assert_string_equal(attempt.session.version, versions[i][1]);
        assert_string_equal(attempt.session.cipher, peer.session.cipher);
        assert_string_equal(attempt.session.group, "secp256r1");
    }
}

/* All proofs of the TLS mechanisms, many times, as every cause must be seen each time. */
static void prove(const struct channel *channel, const char *version, const struct proof *proof) {
    struct bringup bringup = {.channel = channel, .certs = peer_certs};
    CLEANUP_FREE char *causes = text_format("|%s|", proof->causes), *found = NULL;
    CLEANUP(client_config_freep)
    struct client_config *config =
        peer_config(peer_certs, "tls certificate", version, version, PARTY_CLIENT2);
    struct peer peer = tls_peer("tls certificate", version, version);
    struct attempt attempt;
    struct error error = {""};

    proof->alter(config, &bringup);
    if (try_peer(&peer, config, NULL, &attempt, &error) != 0)
        fail_msg("%s: %s", proof->name, error.text);
    assert_false(attempt.accepted);
    found = text_format("|%.*s", (int)strcspn(attempt.cause, " "), attempt.cause);
    if (strchr(attempt.cause, ' ')) {
        free(found);
        found = text_format("|%.*s %d|", (int)strcspn(attempt.cause, " "), attempt.cause,
                            atoi(strchr(attempt.cause, ' ')));
    }
    if (!strstr(causes, found))
        fail_msg("TLS %s: %s: '%s' is none of %s", version, proof->name, attempt.cause,
                 proof->causes);
}

static void prove_all(const struct channel *channel, const char *version,
                      const struct mechanism *mechanism) {
    for (size_t i = 0; i < mechanism->n_proofs; i++) {
        const struct proof *proof = &mechanism->proofs[i];
        bool applies = !proof->applies || proof->applies(channel);

        for (int times = 0; times < 10 && applies && proof->alter; times++)
            prove(channel, version, proof);
    }
}

static void test_proofs(void **state) {
    static const char *const versions[] = {"1.3", "1.2"};

    (void)state;
    for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
        struct channel channel = workshop_channel("c", "tls certificate");
        const struct mechanism *mechanism;
        size_t cursor = 0;

        assert_int_equal(channel_assign(&channel, "tls.min_version", versions[v], NULL), 0);
        assert_int_equal(channel_assign(&channel, "tls.max_version", versions[v], NULL), 0);
        while ((mechanism = mechanism_next(&channel, &cursor)))
            prove_all(&channel, versions[v], mechanism);
        channel_clear(&channel);
    }
}

/* The same causes by name, where the other side has everything as it should be. */
static void assert_tls_cause(const char *use, const char *version, const char *server,
                             void alter(struct client_config *config), const char *cause) {
    CLEANUP(client_config_freep)
    struct client_config *config = peer_config(peer_certs, use, version, version, PARTY_CLIENT2);
    struct peer peer = tls_peer("tls certificate", server, server);

    alter(config);
    assert_cause(&peer, config, false, cause);
}

static void not_at_all(struct client_config *config) {
    (void)config;
}

static void trust_other_ca(struct client_config *config) {
    free(config->tls.ca_file);
    config->tls.ca_file = text_format("%s/proof/other-ca.crt", peer_certs);
}

static void expect_other_host(struct client_config *config) {
    text_replace(&config->expected_host, "wrong.example");
}

static void expect_other_address(struct client_config *config) {
    text_replace(&config->expected_host, "192.0.2.200");
}

static void test_causes(void **state) {
    (void)state;
    assert_tls_cause("tls", "1.3", "1.3", not_at_all, "alert 116 certificate_required");
    assert_tls_cause("tls", "1.2", "1.2", not_at_all, "alert 40 handshake_failure");
    assert_tls_cause("tls certificate", "1.2", "1.3", not_at_all, "alert 70 protocol_version");
    assert_tls_cause("tls certificate", "1.3", "1.2", not_at_all, "alert 70 protocol_version");
    assert_tls_cause("tls certificate", "1.3", "1.3", expect_other_host, "verify 62 ");
    assert_tls_cause("tls certificate", "1.3", "1.3", expect_other_address, "verify 64 ");
    assert_tls_cause("tls certificate", "1.3", "1.3", trust_other_ca, "verify 19 ");
}

static void test_closed_over_tls(void **state) {
    struct peer peer = tls_peer("tls", "1.3", "1.3");
    struct peer silent = {.act = leave};
    CLEANUP(client_config_freep)
    struct client_config *config = peer_config(peer_certs, "tls", "1.3", "1.3", PARTY_CLIENT2);

    (void)state;
    peer.act = hear_and_leave; /* without a farewell of TLS */
    assert_cause(&peer, config, false, "closed");
    assert_cause(&silent, config, false, "closed"); /* before the handshake */
}

/* "closed" is for those who say nothing: this one speaks, though not TLS. */
static void test_no_tls_there(void **state) {
    struct peer peer = {.act = answer_and_leave, ANSWER("HTTP/1.1 400 Bad Request\r\n")};
    CLEANUP(client_config_freep)
    struct client_config *config = peer_config(peer_certs, "tls", "1.3", "1.3", PARTY_CLIENT2);
    struct attempt attempt;
    struct error error = {""};

    (void)state;
    assert_int_equal(try_peer(&peer, config, NULL, &attempt, &error), -EPROTO);
    assert_true(*error.text);
}

static void test_missing_file(void **state) {
    CLEANUP(client_config_freep)
    struct client_config *config = peer_config(peer_certs, "tls", "1.3", "1.3", PARTY_CLIENT2);
    struct attempt attempt;
    struct error error = {""};

    (void)state;
    text_replace(&config->tls.ca_file, "/nonexistent/ca.crt");
    assert_int_equal(attempt_make(config, NULL, &attempt, &error), -EINVAL);
    assert_has(error.text, "/nonexistent/ca.crt: ");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alerts),          cmocka_unit_test(test_answers_in_clear),
        cmocka_unit_test(test_garbage),         cmocka_unit_test(test_connect_packet),
        cmocka_unit_test(test_long_names),      cmocka_unit_test(test_message),
        cmocka_unit_test(test_nobody_listens),  cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_proofs),          cmocka_unit_test(test_causes),
        cmocka_unit_test(test_closed_over_tls), cmocka_unit_test(test_no_tls_there),
        cmocka_unit_test(test_missing_file),
    };

    return cmocka_run_group_tests(tests, peer_set_up, peer_tear_down);
}
