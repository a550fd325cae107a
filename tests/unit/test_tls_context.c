/* security/tls_context: which algorithms are known, and what a context is built from. */
#include "peer.h"

#include <openssl/err.h>

/* ---- algorithms ---- */

struct case_of_check {
    int64_t max_version;
    const char *ciphers, *suites, *groups, *message; /* message NULL: accepted; else its start */
};

static void check(const struct case_of_check *one) {
    struct client_config *config = setting_block_new(&client_config_group);
    struct error error = {""};
    int r;

    config->tls.max_version = one->max_version;
    text_replace(&config->tls.ciphers, one->ciphers);
    text_replace(&config->tls.suites, one->suites);
    text_replace(&config->tls.groups, one->groups);
    r = tls_context_check(&config->tls, NID_auth_ecdsa, &error);
    client_config_free(config);
    if (r != (one->message ? -EINVAL : 0))
        fail_msg("'%s' '%s' '%s': %d %s", one->ciphers, one->suites, one->groups, r, error.text);
    if (one->message && strncmp(error.text, one->message, strlen(one->message)) != 0)
        fail_msg("'%s' does not begin with '%s'", error.text, one->message);
    ERR_clear_error();
}

static void test_known_algorithms(void **state) {
    static const struct case_of_check cases[] = {
        {TLS_1_3, "", "", "", NULL},
        {TLS_1_3, "DEFAULT", "", "", NULL},
        {TLS_1_2, "ECDHE-ECDSA-AES128-GCM-SHA256", "", "", NULL},
        {TLS_1_2, "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305", "", "", NULL},
        {TLS_1_3, "", "TLS_AES_256_GCM_SHA384", "", NULL},
        {TLS_1_3, "", "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256", "", NULL},
        {TLS_1_3, "", "", "X25519", NULL},
        {TLS_1_3, "", "", "X25519:P-256:P-384", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        check(&cases[i]);
}

static void test_unknown_algorithms(void **state) {
    static const struct case_of_check cases[] = {
        {TLS_1_2, "NONE-SUCH", "", "",
         "tls.ciphers: 'NONE-SUCH' is no cipher list of this OpenSSL"},
        {TLS_1_2, "TLS_AES_128_GCM_SHA256", "", "", "tls.ciphers: "}, /* a suite of TLS 1.3 */
        {TLS_1_3, "", "NONE-SUCH", "", "tls.suites: 'NONE-SUCH' are no suites of this OpenSSL; "},
        {TLS_1_3, "", "ECDHE-ECDSA-AES128-GCM-SHA256", "", "tls.suites: "},
        {TLS_1_3, "", "", "X25519:NONE", "tls.groups: 'X25519:NONE' are no groups of this OpenSSL"},
        {TLS_1_3, "", "", "P-256,P-384", "tls.groups: "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        check(&cases[i]);
}

/* A name that is not known beside one that is would silently not be offered. */
static void test_one_unknown_of_two(void **state) {
    static const struct case_of_check suite = {TLS_1_3, "", "TLS_AES_128_GCM_SHA256:NONE-SUCH", "",
                                               "tls.suites: "};

    (void)state;
    check(&suite);
}

static void test_one_unknown_cipher_of_two(void **state) {
    static const struct case_of_check cipher = {TLS_1_2, "ECDHE-ECDSA-AES128-GCM-SHA256:NONE-SUCH",
                                                "", "", "tls.ciphers: "};

    (void)state;
    check(&cipher);
}

/* OpenSSL's queue belongs to the thread: what is left there, another's SSL_get_error() finds. */
static void test_no_error_is_left_behind(void **state) {
    static const char *const names[][3] = {
        {"NONE-SUCH", "", ""}, {"", "NONE-SUCH", ""}, {"", "", "NONE-SUCH"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct client_config *config = setting_block_new(&client_config_group);

        text_replace(&config->tls.ciphers, names[i][0]);
        text_replace(&config->tls.suites, names[i][1]);
        text_replace(&config->tls.groups, names[i][2]);
        assert_int_equal(tls_context_check(&config->tls, NID_auth_ecdsa, NULL), -EINVAL);
        client_config_free(config);
        assert_int_equal(ERR_peek_error(), 0);
    }
}

/* ---- contexts ---- */

static struct client_config *right(enum party party) {
    return peer_config(peer_certs, "tls certificate", "1.2", "1.3", party);
}

static void test_client(void **state) {
    CLEANUP(client_config_freep) struct client_config *config = right(PARTY_CLIENT2);
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;
    X509_VERIFY_PARAM *param;

    (void)state;
    assert_int_equal(tls_context_client(&context, config, NULL), 0);
    assert_int_equal(SSL_CTX_get_verify_mode(context), SSL_VERIFY_PEER);
    assert_int_equal(SSL_CTX_get_min_proto_version(context), TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_get_max_proto_version(context), TLS1_3_VERSION);
    assert_non_null(SSL_CTX_get0_certificate(context));
    param = SSL_CTX_get0_param(context);
    assert_null(X509_VERIFY_PARAM_get0_host(param, 0)); /* an address is no host name */
    SSL_CTX_free(context);
    context = NULL;
    text_replace(&config->expected_host, "broker.example");
    assert_int_equal(tls_context_client(&context, config, NULL), 0);
    assert_string_equal(X509_VERIFY_PARAM_get0_host(SSL_CTX_get0_param(context), 0),
                        "broker.example");
}

static void test_server(void **state) {
    CLEANUP(client_config_freep) struct client_config *config = right(PARTY_BROKER);
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL, *open = NULL;

    (void)state;
    assert_int_equal(tls_context_server(&context, config, NULL), 0);
    assert_int_equal(SSL_CTX_get_verify_mode(context),
                     SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
    config->tls.require_peer = 0;
    assert_int_equal(tls_context_server(&open, config, NULL), 0);
    assert_int_equal(SSL_CTX_get_verify_mode(open), SSL_VERIFY_NONE);
}

/* A client that trusts nobody verifies all the same. */
static void test_client_without_files(void **state) {
    CLEANUP(client_config_freep)
    struct client_config *config = setting_block_new(&client_config_group);
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;

    (void)state;
    assert_int_equal(tls_context_client(&context, config, NULL), 0);
    assert_int_equal(SSL_CTX_get_verify_mode(context), SSL_VERIFY_PEER);
    assert_null(SSL_CTX_get0_certificate(context));
}

static void assert_client_refused(const struct client_config *config, const char *start) {
    SSL_CTX *context = NULL;
    struct error error = {""};

    assert_int_equal(tls_context_client(&context, config, &error), -EINVAL);
    assert_null(context);
    if (strncmp(error.text, start, strlen(start)) != 0)
        fail_msg("'%s' does not begin with '%s'", error.text, start);
    assert_int_equal(ERR_peek_error(), 0);
}

static void test_bad_files(void **state) {
    CLEANUP_FREE char *no_file = text_format("%s/none", peer_certs);
    CLEANUP_FREE char *other_key = text_format("%s/client1/client1.key", peer_certs);
    CLEANUP_FREE char *request = text_format("%s/client2/client2.csr", peer_certs);
    const char *const ca_files[] = {no_file, other_key};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ca_files); i++) {
        CLEANUP(client_config_freep) struct client_config *config = right(PARTY_CLIENT2);

        text_replace(&config->tls.ca_file, ca_files[i]);
        assert_client_refused(config, ca_files[i]);
    }
    for (int i = 0; i < 4; i++) {
        CLEANUP(client_config_freep) struct client_config *config = right(PARTY_CLIENT2);
        char **file = i < 2 ? &config->tls.cert_file : &config->tls.key_file;

        text_replace(file, i == 3 ? other_key : i == 1 ? request : no_file);
        assert_client_refused(config, *file);
    }
}

static void test_bad_host(void **state) {
    CLEANUP(client_config_freep) struct client_config *config = right(PARTY_CLIENT2);
    static const char *const good[] = {"::1", "127.0.0.1", "localhost", "broker.example", ""};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;

        text_replace(&config->expected_host, good[i]);
        assert_int_equal(tls_context_client(&context, config, NULL), 0);
    }
}

/* Only a proof asks for TLS 1.1; its context must be one that really speaks it. */
static void test_old_version(void **state) {
    CLEANUP(client_config_freep) struct client_config *config = right(PARTY_CLIENT2);
    CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;

    (void)state;
    config->tls.min_version = config->tls.max_version = TLS_1_1;
    assert_int_equal(tls_context_client(&context, config, NULL), 0);
    assert_int_equal(SSL_CTX_get_max_proto_version(context), TLS1_1_VERSION);
    assert_int_equal(SSL_CTX_get_security_level(context), 0);
}

static void test_reason(void **state) {
    (void)state;
    ERR_clear_error();
    assert_string_equal(openssl_reason(), "no reason given");
    ERR_raise(ERR_LIB_SSL, SSL_R_NO_CIPHER_MATCH);
    assert_string_equal(openssl_reason(), "no cipher match");
    assert_string_equal(openssl_reason(), "no reason given");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_algorithms),
        cmocka_unit_test(test_unknown_algorithms),
        cmocka_unit_test(test_one_unknown_of_two),
        cmocka_unit_test(test_one_unknown_cipher_of_two),
        cmocka_unit_test(test_no_error_is_left_behind),
        cmocka_unit_test(test_client),
        cmocka_unit_test(test_server),
        cmocka_unit_test(test_client_without_files),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_bad_host),
        cmocka_unit_test(test_old_version),
        cmocka_unit_test(test_reason),
    };

    return cmocka_run_group_tests(tests, peer_set_up, peer_tear_down);
}
