/* security/tls_context: which algorithms are known and go together, what a context is built from,
 * and whether a connection has what was asked for. */
#include "peer.h"

#include <openssl/err.h>

/* ---- algorithms ---- */

#define SUITE  "TLS_AES_128_GCM_SHA256"
#define CIPHER "ECDHE-ECDSA-AES128-GCM-SHA256"
#define DHE    "DHE-RSA-AES256-GCM-SHA384"

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

static void test_signatures(void **state) {
    static const struct {
        const char *signatures;
        bool known;
    } cases[] = {
        {"ecdsa_secp256r1_sha256", true},
        {"rsa_pss_rsae_sha256:rsa_pkcs1_sha256:ed25519", true},
        {"none", false},
        {"ed25519:none", false},
        {"ECDSA+SHA256", false},
        {"?ed25519", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(client_config_freep)
        struct client_config *config = setting_block_new(&client_config_group);
        struct error error = {""};

        text_replace(&config->tls.signatures, cases[i].signatures);
        assert_int_equal(tls_context_check(&config->tls, NID_auth_ecdsa, &error),
                         cases[i].known ? 0 : -EINVAL);
        if (!cases[i].known)
            assert_has(error.text, "tls.signatures: '");
    }
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

/* ---- lists ---- */

static void test_groups_have_several_names(void **state) {
    static const struct {
        const char *groups, *name;
        bool has;
    } cases[] = {
        {"P-256", "secp256r1", true},        {"prime256v1", "secp256r1", true},
        {"secp256r1", "secp256r1", true},    {"P-384", "secp384r1", true},
        {"X25519:P-521", "secp521r1", true}, {"X25519", "x25519", true},
        {"x448:x25519", "X25519", true},     {"P-384", "secp256r1", false},
        {"X25519", "x448", false},           {"X25519", "", false},
        {"X25519MLKEM768", "x25519", false}, {"", "x25519", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (tls_has_group(cases[i].groups, cases[i].name) != cases[i].has)
            fail_msg("%s in %s", cases[i].name, cases[i].groups);
}

static void test_ciphers_are_meant_as_a_whole(void **state) {
    static const struct {
        const char *ciphers, *name;
        bool has;
    } cases[] = {
        {"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", true},
        {"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA", false},
        {"ECDHE+AESGCM", "ECDHE-ECDSA-AES128-GCM-SHA256", true},
        {"ECDHE+AESGCM", "ECDHE-ECDSA-CHACHA20-POLY1305", false},
        {"ECDHE+AESGCM:!AES128", "ECDHE-ECDSA-AES128-GCM-SHA256", false},
        {"ECDHE+AESGCM", "TLS_AES_128_GCM_SHA256", false},
        {"PSK", "ECDHE-PSK-CHACHA20-POLY1305", true},
        {"NONE-SUCH", "NONE-SUCH", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (tls_has_cipher(cases[i].ciphers, cases[i].name) != cases[i].has)
            fail_msg("%s in %s", cases[i].name, cases[i].ciphers);
}

static void test_exchanges(void **state) {
    static const struct {
        const char *ciphers;
        bool one, all;
    } cases[] = {
        {CIPHER, true, true},
        {"ECDHE-PSK-CHACHA20-POLY1305:" CIPHER, true, true},
        {"DHE-PSK-AES128-GCM-SHA256:ECDHE-PSK-CHACHA20-POLY1305", true, false},
        {"", true, false},
        {"PSK-AES128-GCM-SHA256:" DHE, false, false},
        {"NONE-SUCH", false, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(tls_exchanges_in_group(cases[i].ciphers, false), cases[i].one);
        assert_int_equal(tls_exchanges_in_group(cases[i].ciphers, true), cases[i].all);
    }
}

/* ---- afterwards ---- */

struct asked {
    int64_t min, max;
    const char *ciphers, *suites, *groups;
    struct tls_session session;
    bool allowed;
};

static void assert_allowed(const struct asked *asked) {
    CLEANUP(client_config_freep)
    struct client_config *config = setting_block_new(&client_config_group);

    config->tls.min_version = asked->min;
    config->tls.max_version = asked->max;
    text_replace(&config->tls.ciphers, asked->ciphers);
    text_replace(&config->tls.suites, asked->suites);
    text_replace(&config->tls.groups, asked->groups);
    if (tls_allows(&config->tls, &asked->session) != asked->allowed)
        fail_msg("'%s' '%s' '%s' and %s %s %s", asked->ciphers, asked->suites, asked->groups,
                 asked->session.version, asked->session.cipher, asked->session.group);
}

#define SESSION(v, c, g)                                                                           \
    { .version = v, .cipher = c, .group = g }

static void test_as_asked(void **state) {
    static const struct asked cases[] = {
        {TLS_1_2, TLS_1_3, "", "", "", SESSION("TLSv1.2", CIPHER, "x25519"), true},
        {TLS_1_2, TLS_1_3, "", "", "", SESSION("TLSv1.3", SUITE, "x25519"), true},
        {TLS_1_3, TLS_1_3, "", "", "", SESSION("TLSv1.2", CIPHER, "x25519"), false},
        {TLS_1_2, TLS_1_2, "", "", "", SESSION("TLSv1.3", SUITE, "x25519"), false},
        {TLS_1_2, TLS_1_2, "", "", "", {.version = ""}, false},
        {TLS_1_3, TLS_1_3, "", SUITE, "", SESSION("TLSv1.3", SUITE, "x25519"), true},
        {TLS_1_3, TLS_1_3, "", "TLS_AES_128_CCM_SHA256", "", SESSION("TLSv1.3", SUITE, ""), false},
        /* No part of a name is enough. */
        {TLS_1_3, TLS_1_3, "", "TLS_AES_128_CCM_8_SHA256", "",
         SESSION("TLSv1.3", "TLS_AES_128_CCM", ""), false},
        {TLS_1_2, TLS_1_2, CIPHER, "", "", SESSION("TLSv1.2", CIPHER, "x25519"), true},
        {TLS_1_2, TLS_1_2, "ECDHE+CHACHA20", "", "", SESSION("TLSv1.2", CIPHER, "x25519"), false},
        /* Ciphers are of TLS 1.2, suites of TLS 1.3. */
        {TLS_1_2, TLS_1_3, "ECDHE+CHACHA20", "", "", SESSION("TLSv1.3", SUITE, "x25519"), true},
        {TLS_1_2, TLS_1_3, "", SUITE, "", SESSION("TLSv1.2", CIPHER, "x25519"), true},
        {TLS_1_3, TLS_1_3, "", "", "P-256:P-384", SESSION("TLSv1.3", SUITE, "secp256r1"), true},
        {TLS_1_3, TLS_1_3, "", "", "P-384", SESSION("TLSv1.3", SUITE, "secp256r1"), false},
        {TLS_1_2, TLS_1_2, "", "", "X25519", SESSION("TLSv1.2", "AES128-GCM-SHA256", ""), false},
        /* A cipher that is asked for may exchange keys in no group. */
        {TLS_1_2, TLS_1_2, DHE ":" CIPHER, "", "X25519", SESSION("TLSv1.2", DHE, ""), true},
        {TLS_1_2, TLS_1_2, DHE ":" CIPHER, "", "X25519", SESSION("TLSv1.2", CIPHER, ""), false},
        {TLS_1_2, TLS_1_3, DHE, "", "X25519", SESSION("TLSv1.3", SUITE, ""), false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_allowed(&cases[i]);
}

/* Both ends must have signed as asked, if they have. */
static void test_signed_as_asked(void **state) {
    static const struct {
        const char *asked;
        struct tls_session session;
        bool allowed;
    } cases[] = {
        {"ed25519", {.signature = "ed25519"}, true},
        {"ed25519", {.signature = "ed25519", .client_signature = "ed25519"}, true},
        {"ed25519:ed448", {.signature = "ed448"}, true},
        {"ed25519", {.signature = ""}, true},
        {"", {.signature = "ed448", .client_signature = "ed448"}, true},
        {"ed25519", {.signature = "ed448"}, false},
        {"ed25519", {.signature = "ed25519", .client_signature = "ed448"}, false},
        {"ed25519", {.signature = "ed2551"}, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(client_config_freep)
        struct client_config *config = setting_block_new(&client_config_group);
        struct tls_session session = cases[i].session;

        (void)snprintf(session.version, sizeof(session.version), "TLSv1.3");
        text_replace(&config->tls.signatures, cases[i].asked);
        assert_int_equal(tls_allows(&config->tls, &session), cases[i].allowed);
    }
}

/* ---- what goes together ---- */

static int check_for(int64_t version, const char *ciphers, const char *suites, int auth,
                     struct error *error) {
    CLEANUP(client_config_freep)
    struct client_config *config = setting_block_new(&client_config_group);

    config->tls.min_version = config->tls.max_version = version;
    text_replace(&config->tls.ciphers, ciphers);
    text_replace(&config->tls.suites, suites);
    return tls_context_check(&config->tls, auth, error);
}

/* What a security level forbids is known and offered to nobody. */
static void test_security_level(void **state) {
    struct error error = {""};

    (void)state;
    assert_int_equal(check_for(TLS_1_2, "ECDHE-ECDSA-NULL-SHA", "", NID_auth_ecdsa, &error),
                     -EINVAL);
    assert_has(error.text, "tls.ciphers: 'ECDHE-ECDSA-NULL-SHA' is there, but may not be used at");
    assert_int_equal(
        check_for(TLS_1_2, "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0", "", NID_auth_ecdsa, &error), 0);
    assert_int_equal(
        check_for(TLS_1_2, "ECDHE-ECDSA-AES128-GCM-SHA256:@SECLEVEL=5", "", NID_auth_ecdsa, &error),
        -EINVAL);
    assert_int_equal(check_for(TLS_1_3, "", "TLS_AES_128_CCM_SHA256", NID_auth_ecdsa, &error), 0);
}

static void test_key_types(void **state) {
    struct error error = {""};

    (void)state;
    assert_int_equal(check_for(TLS_1_2, "ECDHE+ECDSA+AESGCM", "", NID_auth_ecdsa, &error), 0);
    assert_int_equal(check_for(TLS_1_2, "ECDHE+ECDSA+AESGCM", "", NID_auth_rsa, &error), -EINVAL);
    assert_string_equal(error.text, "tls.ciphers: none of 'ECDHE+ECDSA+AESGCM' goes with "
                                    "certificates of this tls.key_type; right would be ones with "
                                    "RSA");
    assert_int_equal(check_for(TLS_1_2, "ECDHE+aRSA", "", NID_auth_ecdsa, &error), -EINVAL);
    assert_has(error.text, "right would be ones with ECDSA");
    assert_int_equal(check_for(TLS_1_3, "", "", NID_auth_rsa, &error), 0);
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
    static const char *const good[] = {"::1",       "127.0.0.1",      "fe80::1%lo",
                                       "localhost", "broker.example", ""};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        CLEANUP(SSL_CTX_freep) SSL_CTX *context = NULL;

        text_replace(&config->expected_host, good[i]);
        assert_int_equal(tls_context_client(&context, config, NULL), 0);
        assert_int_equal(tls_context_is_name(good[i]), i == 3 || i == 4);
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
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_one_unknown_of_two),
        cmocka_unit_test(test_one_unknown_cipher_of_two),
        cmocka_unit_test(test_no_error_is_left_behind),
        cmocka_unit_test(test_groups_have_several_names),
        cmocka_unit_test(test_ciphers_are_meant_as_a_whole),
        cmocka_unit_test(test_exchanges),
        cmocka_unit_test(test_as_asked),
        cmocka_unit_test(test_signed_as_asked),
        cmocka_unit_test(test_security_level),
        cmocka_unit_test(test_key_types),
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
