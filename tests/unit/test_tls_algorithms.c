/* security/tls_algorithms: what goes together, and whether a connection has what was asked for. */
#include "workshop.h"

#include "security/tls_algorithms.h"
#include "security/tls_context.h"

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
        if (tls_algorithms_has_group(cases[i].groups, cases[i].name) != cases[i].has)
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
        if (tls_algorithms_has_cipher(cases[i].ciphers, cases[i].name) != cases[i].has)
            fail_msg("%s in %s", cases[i].name, cases[i].ciphers);
}

static void test_exchanges(void **state) {
    (void)state;
    assert_true(tls_algorithms_has_exchange("ECDHE-PSK-CHACHA20-POLY1305", NID_kx_ecdhe_psk));
    assert_false(tls_algorithms_has_exchange("PSK-AES128-GCM-SHA256", NID_kx_ecdhe_psk));
    assert_false(tls_algorithms_has_exchange("", NID_kx_ecdhe));
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
    if (tls_algorithms_allow(&config->tls, &asked->session) != asked->allowed)
        fail_msg("'%s' '%s' '%s' and %s %s %s", asked->ciphers, asked->suites, asked->groups,
                 asked->session.version, asked->session.cipher, asked->session.group);
}

#define SUITE  "TLS_AES_128_GCM_SHA256"
#define CIPHER "ECDHE-ECDSA-AES128-GCM-SHA256"

static void test_as_asked(void **state) {
    static const struct asked cases[] = {
        {TLS_1_2, TLS_1_3, "", "", "", {"TLSv1.2", CIPHER, "x25519"}, true},
        {TLS_1_2, TLS_1_3, "", "", "", {"TLSv1.3", SUITE, "x25519"}, true},
        {TLS_1_3, TLS_1_3, "", "", "", {"TLSv1.2", CIPHER, "x25519"}, false},
        {TLS_1_2, TLS_1_2, "", "", "", {"TLSv1.3", SUITE, "x25519"}, false},
        {TLS_1_2, TLS_1_2, "", "", "", {"", "", ""}, false},
        {TLS_1_3, TLS_1_3, "", SUITE, "", {"TLSv1.3", SUITE, "x25519"}, true},
        {TLS_1_3, TLS_1_3, "", "TLS_AES_128_CCM_SHA256", "", {"TLSv1.3", SUITE, ""}, false},
        /* No part of a name is enough. */
        {TLS_1_3,
         TLS_1_3,
         "",
         "TLS_AES_128_CCM_8_SHA256",
         "",
         {"TLSv1.3", "TLS_AES_128_CCM", ""},
         false},
        {TLS_1_2, TLS_1_2, CIPHER, "", "", {"TLSv1.2", CIPHER, "x25519"}, true},
        {TLS_1_2, TLS_1_2, "ECDHE+CHACHA20", "", "", {"TLSv1.2", CIPHER, "x25519"}, false},
        /* Ciphers are of TLS 1.2, suites of TLS 1.3. */
        {TLS_1_2, TLS_1_3, "ECDHE+CHACHA20", "", "", {"TLSv1.3", SUITE, "x25519"}, true},
        {TLS_1_2, TLS_1_3, "", SUITE, "", {"TLSv1.2", CIPHER, "x25519"}, true},
        {TLS_1_3, TLS_1_3, "", "", "P-256:P-384", {"TLSv1.3", SUITE, "secp256r1"}, true},
        {TLS_1_3, TLS_1_3, "", "", "P-384", {"TLSv1.3", SUITE, "secp256r1"}, false},
        {TLS_1_2, TLS_1_2, "", "", "X25519", {"TLSv1.2", "AES128-GCM-SHA256", ""}, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_allowed(&cases[i]);
}

/* ---- before anything starts ---- */

static int check(int64_t version, const char *ciphers, const char *suites, int auth,
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
    assert_int_equal(check(TLS_1_2, "ECDHE-ECDSA-NULL-SHA", "", NID_auth_ecdsa, &error), -EINVAL);
    assert_has(error.text, "tls.ciphers: 'ECDHE-ECDSA-NULL-SHA' is there, but may not be used at");
    assert_int_equal(check(TLS_1_2, "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0", "", NID_auth_ecdsa, &error),
                     0);
    assert_int_equal(
        check(TLS_1_2, "ECDHE-ECDSA-AES128-GCM-SHA256:@SECLEVEL=5", "", NID_auth_ecdsa, &error),
        -EINVAL);
    assert_int_equal(check(TLS_1_3, "", "TLS_AES_128_CCM_SHA256", NID_auth_ecdsa, &error), 0);
}

static void test_key_types(void **state) {
    struct error error = {""};

    (void)state;
    assert_int_equal(check(TLS_1_2, "ECDHE+ECDSA+AESGCM", "", NID_auth_ecdsa, &error), 0);
    assert_int_equal(check(TLS_1_2, "ECDHE+ECDSA+AESGCM", "", NID_auth_rsa, &error), -EINVAL);
    assert_string_equal(error.text, "tls.ciphers: none of 'ECDHE+ECDSA+AESGCM' goes with "
                                    "certificates of this tls.key_type; right would be ones with "
                                    "RSA");
    assert_int_equal(check(TLS_1_2, "ECDHE+aRSA", "", NID_auth_ecdsa, &error), -EINVAL);
    assert_has(error.text, "right would be ones with ECDSA");
    assert_int_equal(check(TLS_1_3, "", "", NID_auth_rsa, &error), 0);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_have_several_names),
        cmocka_unit_test(test_ciphers_are_meant_as_a_whole),
        cmocka_unit_test(test_exchanges),
        cmocka_unit_test(test_as_asked),
        cmocka_unit_test(test_security_level),
        cmocka_unit_test(test_key_types),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
