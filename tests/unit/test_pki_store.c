/* What the PKI makes: everything of figure 5, and its steps one by one. */
#include "emulator.h"
#include "pki_workshop.h"

#include <openssl/bn.h>

static void check_chain(struct fixture *fixture, const char *key_type, const char *ca_key_type) {
    unsigned n_issued = pki_is_post_quantum(key_type) ? 9 : 8; /* and `classical` */
    CLEANUP_FREE char *store = NULL;
    struct pki_entry *entries;
    size_t n;

    fixture->options.chain = (struct pki_chain){.key_type = key_type, .ca_key_type = ca_key_type};
    assert_int_equal(ensure(fixture), n_issued);
    check_store(fixture);
    assert_int_equal(ensure(fixture), 0);
    store = pki_store(fixture->folder, &fixture->options.chain);
    assert_int_equal(pki_list(store, &entries, &n, &fixture->error), 0);
    assert_int_equal(n, n_issued);
    for (size_t k = 0; k < n; k++) {
        bool of_ca = text_has_word("ca other-ca", entries[k].name);

        assert_string_equal(entries[k].key_type, text_equal(entries[k].name, "classical")
                                                     ? "ec:P-256"
                                                 : of_ca && ca_key_type ? ca_key_type
                                                                        : key_type);
    }
    pki_list_free(entries, n);
    if (n_issued > 8)
        assert_verified(fixture, "proof/classical.crt", X509_PURPOSE_SSL_CLIENT);
}

static void test_all_key_types(void **state) {
    struct fixture *fixture = *state;
    CLEANUP_FREE char *all = text_copy("");
    struct pki_chain chain;
    size_t cursor = 0;

    while (pki_next_chain(&cursor, &chain)) {
        if (!text_equal(chain.key_type, chain.ca_key_type) || chain.tokens)
            continue;
        assert_string_equal(pki_key_type((int64_t)cursor / 7), chain.key_type);
        text_append(&all, " ", chain.key_type);
        if (strncmp(chain.key_type, "rsa", 3) == 0 && under_emulator("RSA keys take minutes"))
            continue;
        if (!has_not(&chain))
            check_chain(fixture, chain.key_type, NULL);
    }
    assert_string_equal(all, PKI_KEY_TYPES);
}

/* The CA's keys are of another type than those that it signs for. */
static void test_mixed_chains(void **state) {
    static const struct pki_chain chains[] = {
        {.key_type = "ec:P-256", .ca_key_type = "ed25519"},
        {.key_type = "ed25519", .ca_key_type = "ec:P-256"},
        {.key_type = "ec:P-256", .ca_key_type = "mldsa:65"},
        {.key_type = "mldsa:65", .ca_key_type = "ec:P-256"},
        {.key_type = "mldsa:44", .ca_key_type = "mldsa:87"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(chains); i++)
        if (!has_not(&chains[i]))
            check_chain(fixture, chains[i].key_type, chains[i].ca_key_type);
}

/* Each chain once, a type of key with itself before those of other CAs. */
static void test_stores(void **state) {
    static const struct {
        struct pki_chain chain;
        const char *store;
    } cases[] = {
        {{.key_type = "ec:P-256", .ca_key_type = NULL}, "certs"},
        {{.key_type = "ec:P-256", .ca_key_type = "ec:P-256"}, "certs"},
        {{.key_type = "rsa:2048", .ca_key_type = NULL}, "certs/rsa-2048"},
        {{.key_type = "mldsa:65", .ca_key_type = "mldsa:65"}, "certs/mldsa-65"},
        {{.key_type = "ec:P-256", .ca_key_type = "mldsa:65"}, "certs/ec-P-256-by-mldsa-65"},
        {{.key_type = "mldsa:65", .ca_key_type = "ec:P-256"}, "certs/mldsa-65-by-ec-P-256"},
        {{.key_type = "ec:P-256", .tokens = PKI_TOKENS_CLIENTS}, "certs/pkcs11-clients-softhsm"},
        {{.key_type = "rsa:2048", .tokens = PKI_TOKENS_ALL, .token = "A/../card (PIN)"},
         "certs/rsa-2048-pkcs11-all-A-..-card--PIN-"},
    };
    const char *last = "";
    struct pki_chain chain;
    size_t cursor = 0, n = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *store = pki_store("certs", &cases[i].chain);

        assert_string_equal(store, cases[i].store);
    }
    while (pki_next_chain(&cursor, &chain)) {
        if (!text_equal(chain.key_type, last))
            assert_string_equal(chain.key_type, chain.ca_key_type);
        last = chain.key_type;
        n++;
    }
    assert_int_equal(n, 7 * 7 + 3 * 2 * 7); /* of two types, tokens have keys, too */
}

/* What users may have heard of. */
static void test_refused_key_types(void **state) {
    struct fixture *fixture = *state;
    const struct pki_chain chain = {.key_type = "ec:P-256", .ca_key_type = "slh-dsa:128s"};

    assert_int_equal(pki_check_key_type("dsa:512", &fixture->error), -EINVAL);
    assert_mentions(fixture, "'dsa:512' is none of: ec:P-256 rsa:2048 rsa:3072 ed25519");
    assert_int_equal(pki_check_key_type("SLH-DSA-SHA2-128s", &fixture->error), -EINVAL);
    assert_mentions(fixture, "unknown certificate type");
    assert_int_equal(pki_check_chain(&chain, &fixture->error), -EINVAL);
    assert_mentions(fixture, "key type: 'slh-dsa:128s': SLH-DSA signs no TLS handshake");
}

static void test_usages(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *key_type, *path;
        uint32_t usage, extended;
        long path_length;
    } cases[] = {
        {"ec:P-256", "ca/ca.crt", KU_KEY_CERT_SIGN | KU_CRL_SIGN, UINT32_MAX, 0},
        {"ec:P-256", "broker/broker.crt", KU_DIGITAL_SIGNATURE, XKU_SSL_SERVER, -1},
        {"ec:P-256", "client1/client1.crt", KU_DIGITAL_SIGNATURE, XKU_SSL_CLIENT, -1},
        {"rsa:2048", "broker/broker.crt", KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT,
         XKU_SSL_SERVER, -1},
        {"rsa:2048", "client1/client1.crt", KU_DIGITAL_SIGNATURE, XKU_SSL_CLIENT, -1},
        {"ed25519", "broker/broker.crt", KU_DIGITAL_SIGNATURE, XKU_SSL_SERVER, -1},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (strncmp(cases[i].key_type, "rsa", 3) == 0 && under_emulator("RSA keys take minutes"))
            continue;
        fixture->options.chain.key_type = cases[i].key_type;
        (void)ensure(fixture);
        CLEANUP(X509_freep) X509 *x = certificate(fixture, cases[i].path);
        int usage = X509_get_ext_by_NID(x, NID_key_usage, -1);
        int constraints = X509_get_ext_by_NID(x, NID_basic_constraints, -1);

        assert_int_equal(X509_get_key_usage(x), cases[i].usage);
        assert_int_equal(X509_get_extended_key_usage(x), cases[i].extended);
        assert_int_equal(X509_get_pathlen(x), cases[i].path_length);
        assert_int_equal(X509_check_ca(x), cases[i].path_length == 0);
        assert_int_equal(X509_EXTENSION_get_critical(X509_get_ext(x, usage)), 1);
        assert_int_equal(X509_EXTENSION_get_critical(X509_get_ext(x, constraints)), 1);
        assert_non_null(X509_get0_subject_key_id(x));
        assert_non_null(X509_get0_authority_key_id(x));
        assert_int_equal(X509_get_version(x), X509_VERSION_3);
    }
}

static void test_addresses(void **state) {
    struct fixture *fixture = *state;
    static const char *const ips[] = {"192.0.2.7", "2001:db8::1", "fe80::1", "127.0.0.1", "::1"};

    fixture->options.addresses = " Broker.Example 192.0.2.7 2001:db8::1 fe80::1%eth0 my_pod\t"
                                 "broker.example localhost 2001:DB8:0::1 ";
    (void)ensure(fixture);
    CLEANUP(X509_freep) X509 *broker = certificate(fixture, "broker/broker.crt");
    CLEANUP(X509_freep) X509 *client = certificate(fixture, "client1/client1.crt");
    CLEANUP(GENERAL_NAMES_freep)
    GENERAL_NAMES *names = X509_get_ext_d2i(broker, NID_subject_alt_name, NULL, NULL);

    assert_int_equal(sk_GENERAL_NAME_num(names), 8); /* each once */
    for (size_t i = 0; i < ARRAY_SIZE(ips); i++)
        assert_int_equal(X509_check_ip_asc(broker, ips[i], 0), 1);
    assert_int_equal(X509_check_host(broker, "broker.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(broker, "my_pod", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(broker, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(broker, "wrong.example", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(broker, "192.0.2.8", 0), 0);
    assert_int_equal(X509_get_ext_by_NID(client, NID_subject_alt_name, -1), -1);
}

static void test_bad_options(void **state) {
    struct fixture *fixture = *state;
    static const char *const bad[] = {"1.2.3",     "1.2.3.256", "a..b",   "-a",    "a-",
                                      "b\xc3\xbc", "a,DNS:b",   "*.here", "::1::", "here:8883",
                                      "host.",     "[::1]",     "a/b",    "%eth0", "::1/64"};
    unsigned issued = 77;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        fixture->options.addresses = bad[i];
        assert_int_equal(pki_ensure(&fixture->options, &issued, &fixture->error), -EINVAL);
        assert_mentions(fixture, bad[i]);
    }
    fixture->options.addresses = NULL;
    fixture->options.chain.key_type = "dsa:512";
    assert_int_equal(pki_ensure(&fixture->options, &issued, &fixture->error), -EINVAL);
    assert_mentions(fixture, "dsa:512");
    fixture->options.chain.key_type = PKI_DEFAULT_KEY_TYPE;
    fixture->options.renew_before_ns = fixture->options.validity_ns;
    assert_int_equal(pki_ensure(&fixture->options, &issued, &fixture->error), -EINVAL);
    fixture->options.renew_before_ns = 0;
    fixture->options.folder = "/nonexistent/certs";
    assert_int_equal(pki_ensure(&fixture->options, &issued, &fixture->error), -ENOENT);
    assert_mentions(fixture, "/nonexistent/certs");
    assert_int_equal(issued, 77); /* untouched on failure */
}

static void test_serials(void **state) {
    struct fixture *fixture = *state;
    static const char *const paths[] = {
        "ca/ca.crt",         "broker/broker.crt", "client1/client1.crt", "client2/client2.crt",
        "proof/expired.crt", "proof/revoked.crt", "proof/stranger.crt",  "proof/other-ca.crt"};
    CLEANUP_FREE char *seen = text_copy("");

    (void)ensure(fixture);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        CLEANUP(X509_freep) X509 *x = certificate(fixture, paths[i]);
        BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
        char *hex = BN_bn2hex(number);
        CLEANUP_FREE char *all = text_format("%s %s", seen, hex);

        assert_false(BN_is_negative(number) || BN_is_zero(number));
        assert_true(BN_num_bits(number) <= 159);
        assert_null(strstr(seen, hex));
        text_replace(&seen, all);
        OPENSSL_free(hex);
        BN_free(number);
    }
}

static void test_times(void **state) {
    static const char *const paths[] = {
        "ca/ca.crt",          "broker/broker.crt", "client1/client1.crt", "client2/client2.crt",
        "proof/other-ca.crt", "proof/revoked.crt", "proof/stranger.crt",  "proof/expired.crt"};
    struct fixture *fixture = *state;
    int64_t now_s = clock_realtime_ns() / NS_PER_S, validity_s = INT64_C(60) * 365 * DAY_S;

    fixture->options.validity_ns = validity_s * NS_PER_S; /* beyond 2049 */
    (void)ensure(fixture);
    assert_store_verified(fixture);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        CLEANUP(X509_freep) X509 *one = certificate(fixture, paths[i]);
        int64_t begin_s, end_s;

        assert_true(pki_times(one, &begin_s, &end_s));
        assert_true(begin_s <= now_s - DAY_S + 99);
        if (strcmp(paths[i], "proof/expired.crt") == 0) {
            assert_true(end_s < now_s - DAY_S);
            continue;
        }
        assert_true(begin_s >= now_s - DAY_S - 1);
        assert_true(end_s >= now_s + validity_s - 1);
        assert_true(end_s <= now_s + validity_s + 99);
    }
    CLEANUP(X509_freep) X509 *x = certificate(fixture, "broker/broker.crt");
    assert_int_equal(ASN1_STRING_type(X509_get0_notBefore(x)), V_ASN1_UTCTIME);
    assert_int_equal(ASN1_STRING_type(X509_get0_notAfter(x)), V_ASN1_GENERALIZEDTIME);
    assert_int_equal(ensure(fixture), 0);
}

static void test_proof(void **state) {
    struct fixture *fixture = *state;
    X509 *right, *expired;

    (void)ensure(fixture);
    assert_int_equal(verify(fixture, "ca/ca.crt", "proof/expired.crt", X509_PURPOSE_SSL_CLIENT),
                     X509_V_ERR_CERT_HAS_EXPIRED);
    assert_int_equal(verify(fixture, "ca/ca.crt", "proof/stranger.crt", X509_PURPOSE_SSL_CLIENT),
                     X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    assert_int_equal(
        verify(fixture, "proof/other-ca.crt", "proof/stranger.crt", X509_PURPOSE_SSL_CLIENT),
        X509_V_OK);
    assert_int_not_equal(
        verify(fixture, "proof/other-ca.crt", "client1/client1.crt", X509_PURPOSE_SSL_CLIENT),
        X509_V_OK);
    assert_int_not_equal(
        verify(fixture, "ca/ca.crt", "client1/client1.crt", X509_PURPOSE_SSL_SERVER), X509_V_OK);
    right = certificate(fixture, "client1/client1.crt");
    expired = certificate(fixture, "proof/expired.crt");
    assert_int_equal(X509_NAME_cmp(X509_get_subject_name(right), X509_get_subject_name(expired)),
                     0);
    X509_free(right);
    X509_free(expired);
}

static void test_list(void **state) {
    struct fixture *fixture = *state;
    struct pki_entry *entries;
    size_t n;

    assert_int_equal(pki_list(fixture->folder, &entries, &n, &fixture->error), 0);
    assert_int_equal(n, 0);
    pki_list_free(entries, n);
    (void)ensure(fixture);
    assert_int_equal(pki_list(fixture->folder, &entries, &n, &fixture->error), 0);
    assert_string_equal(entries[0].name, "ca");
    assert_string_equal(entries[0].issuer, "CN=mqtt-security-bench CA");
    assert_string_equal(entries[1].name, "broker");
    assert_string_equal(entries[1].issuer, entries[0].issuer);
    assert_string_equal(entries[7].issuer, "CN=mqtt-security-bench other CA");
    assert_string_equal(entries[1].addresses, "broker.example 192.0.2.7 localhost 127.0.0.1 ::1");
    assert_string_equal(entries[2].addresses, "");
    pki_list_free(entries, n);
    overwrite(fixture, "client2/client2.crt", "nothing");
    assert_int_equal(pki_list(fixture->folder, &entries, &n, &fixture->error), -EBADMSG);
    assert_mentions(fixture, "client2/client2.crt");
}

/* The steps of figure 5 one by one, with text alone between party and CA. */
static void test_steps(void **state) {
    struct fixture *fixture = *state;
    CLEANUP(pki_secret_freep) char *key_pem = NULL;
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    CLEANUP_FREE char *ca_key = NULL, *request = NULL, *signed_pem = NULL, *ca_pem = NULL;
    CLEANUP(pki_authority_clear) struct pki_authority authority = {0};
    struct pki_profile profile = {.common_name = "client1", .role = PKI_CLIENT};
    struct error *error = &fixture->error;

    (void)ensure(fixture);
    ca_key = content(fixture, "ca/ca.key");
    authority.certificate = certificate(fixture, "ca/ca.crt");
    authority.key = pki_parse_key(ca_key, PASSPHRASE, NULL);
    assert_non_null(authority.key);
    profile.not_before_s = clock_realtime_ns() / NS_PER_S - DAY_S;
    profile.not_after_s = profile.not_before_s + 80 * DAY_S;
    assert_int_equal(pki_make_key("rsa:2048", NULL, &key, &key_pem, error), 0);
    assert_int_equal(pki_make_request(key, "client1", &request, error), 0);
    profile.common_name = "client2"; /* somebody else's name */
    assert_int_equal(pki_sign_request(&authority, request, &profile, &signed_pem, error), -EBADMSG);
    assert_mentions(fixture, "client2");
    profile.common_name = "client1";
    assert_int_equal(pki_sign_request(&authority, request, &profile, &signed_pem, error), 0);
    ca_pem = content(fixture, "ca/ca.crt");
    assert_int_equal(pki_party_install(fixture->folder, &fixture->options.chain, "client1",
                                       signed_pem, ca_pem, NULL, error),
                     -EKEYREJECTED); /* the key is not there yet */
    overwrite(fixture, "client1/client1.key", key_pem);
    assert_int_equal(pki_party_install(fixture->folder, &fixture->options.chain, "client1",
                                       signed_pem, ca_pem, NULL, error),
                     0);
    assert_verified(fixture, "client1/client1.crt", X509_PURPOSE_SSL_CLIENT);
    assert_int_equal(ensure(fixture), 1); /* right in all but the type of key */
    check_store(fixture);
}

/* A request whose signature another key made is refused. */
static void test_forged_request(void **state) {
    CLEANUP(EVP_PKEY_freep) EVP_PKEY *own = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    CLEANUP(X509_REQ_freep) X509_REQ *forged = X509_REQ_new();
    X509_NAME *name = X509_REQ_get_subject_name(forged);

    (void)state;
    assert_int_equal(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                                (const unsigned char *)"client1", -1, -1, 0),
                     1);
    assert_int_equal(X509_REQ_set_version(forged, X509_REQ_VERSION_1), 1); /* 3.5 insists */
    assert_int_equal(X509_REQ_set_pubkey(forged, own), 1);
    assert_true(X509_REQ_sign(forged, other, EVP_sha256()) > 0);
    assert_false(pki_request_is_for(forged, "client1"));
    assert_true(X509_REQ_sign(forged, own, EVP_sha256()) > 0);
    assert_true(pki_request_is_for(forged, "client1"));
    assert_false(pki_request_is_for(forged, "client2"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PKI_TEST(test_mixed_chains),   PKI_TEST(test_stores),  PKI_TEST(test_refused_key_types),
        PKI_TEST(test_all_key_types),  PKI_TEST(test_usages),  PKI_TEST(test_addresses),
        PKI_TEST(test_bad_options),    PKI_TEST(test_serials), PKI_TEST(test_times),
        PKI_TEST(test_proof),          PKI_TEST(test_list),    PKI_TEST(test_steps),
        PKI_TEST(test_forged_request),
    };

    return cmocka_run_group_tests_name("pki_store", tests, NULL, NULL);
}
