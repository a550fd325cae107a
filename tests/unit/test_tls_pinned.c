/* security/tls, psk: what a channel's lists are that it leaves out, and that a resolved scenario
 * has them; and signature schemes that do not go with the channel's keys. */
#include "workshop.h"

#include "security/speed.h"
#include "security/tls.h"
#include "security/tls_context.h"

#define START "[scenario]\nchannels = plain c\nprobes = path\n[channel.plain]\nuse =\n[channel.c]\n"
#define GCM   "ECDHE-ECDSA-AES256-GCM-SHA384"
#define SUITE "TLS_AES_256_GCM_SHA384"

static struct scenario *load(const char *text, struct error *error) {
    CLEANUP(workshop_removep) char *folder = workshop_make();
    CLEANUP_FREE char *path = text_format("%s/main.ini", folder);
    struct scenario *scenario = NULL;

    workshop_put(folder, "main.ini", text);
    return scenario_load(&scenario, workshop_registry(), NULL, path, NULL, 0, error) == 0 ? scenario
                                                                                          : NULL;
}

static char *resolved(const struct scenario *scenario) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    scenario_write(scenario, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* It has these lists, and what is written of it is read as the same. */
static void assert_lists(const char *lines, const char *ciphers, const char *suites,
                         const char *groups, const char *signatures) {
    CLEANUP_FREE char *text = text_format(START "%s", lines);
    CLEANUP_FREE char *expected =
        text_format("tls.ciphers = %s\ntls.suites = %s\ntls.groups = %s\ntls.signatures = %s\n",
                    ciphers, suites, groups, signatures);
    struct error error = {""};
    CLEANUP(scenario_freep) struct scenario *scenario = load(text, &error);
    CLEANUP_FREE char *first = scenario ? resolved(scenario) : text_copy(error.text);
    CLEANUP(scenario_freep) struct scenario *other = load(first, &error);
    CLEANUP_FREE char *second = other ? resolved(other) : text_copy(error.text);

    assert_has(first, expected);
    assert_string_equal(second, first);
}

static void test_left_out(void **state) {
    static const struct {
        const char *lines, *ciphers, *suites, *groups, *signatures;
    } cases[] = {
        {"tls.min_version = 1.3\n", "", SUITE, "X25519", "ecdsa_secp256r1_sha256"},
        {"tls.min_version = 1.2\n", GCM, SUITE, "X25519:P-256", "ecdsa_secp256r1_sha256"},
        {"tls.min_version = 1.2\ntls.max_version = 1.2\n", GCM, "", "X25519:P-256",
         "ecdsa_secp256r1_sha256"},
        {"tls.min_version = 1.2\ntls.max_version = 1.2\ntls.key_type = ed25519\n", GCM, "",
         "X25519", "ed25519"},
        {"tls.min_version = 1.2\ntls.max_version = 1.2\ntls.key_type = rsa:2048\n",
         "ECDHE-RSA-AES256-GCM-SHA384", "", "X25519", "rsa_pss_rsae_sha256:rsa_pkcs1_sha256"},
        {"tls.key_type = rsa:3072\n", "", SUITE, "X25519", "rsa_pss_rsae_sha256:rsa_pkcs1_sha256"},
        /* Neither exchanges keys in a group. */
        {"tls.min_version = 1.2\ntls.max_version = 1.2\ntls.key_type = rsa:2048\n"
         "tls.ciphers = DHE-RSA-AES256-GCM-SHA384:AES256-GCM-SHA384\n",
         "DHE-RSA-AES256-GCM-SHA384:AES256-GCM-SHA384", "", "",
         "rsa_pss_rsae_sha256:rsa_pkcs1_sha256"},
        /* What is asked for stays. */
        {"tls.groups = P-384\ntls.suites = TLS_AES_128_GCM_SHA256\n", "", "TLS_AES_128_GCM_SHA256",
         "P-384", "ecdsa_secp256r1_sha256"},
        {"tls.groups = default\ntls.suites = default\ntls.signatures = default\n", "", "default",
         "default", "default"},
        {"tls.min_version = 1.2\ntls.ciphers = default\n", "default", SUITE, "X25519:P-256",
         "ecdsa_secp256r1_sha256"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *lines = text_format("use = tls\n%s", cases[i].lines);

        assert_lists(lines, cases[i].ciphers, cases[i].suites, cases[i].groups,
                     cases[i].signatures);
    }
}

/* Somebody else's broker takes what it takes, and is asked for what the scenario asks. */
static void test_other_broker(void **state) {
    (void)state;
    assert_lists("use = external tls\n", "", "default", "default", "default");
    assert_lists("use = external tls\ntls.groups = X25519\n", "", "default", "X25519", "default");
}

/* A channel is settled with what it has in the end, not with what it inherits. */
static void test_inherited(void **state) {
    (void)state;
    assert_lists("inherits = d\ntls.key_type = ed25519\n[channel.d]\nuse = tls\n", "", SUITE,
                 "X25519", "ed25519");
}

static void test_shared_key(void **state) {
    static const struct {
        const char *lines, *expected;
    } cases[] = {
        {"use = psk\n", "psk.groups = X25519\n"},
        {"use = psk\npsk.groups = default\n", "psk.groups = default\n"},
        {"use = psk\npsk.ciphers = PSK-AES128-GCM-SHA256\n", "psk.groups = \n"},
        {"use = external psk\npsk.secret = file:/etc/key\n", "psk.groups = default\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *text = text_format(START "%s", cases[i].lines);
        CLEANUP(scenario_freep) struct scenario *scenario = load(text, NULL);
        CLEANUP_FREE char *first = resolved(scenario);

        assert_has(first, cases[i].expected);
    }
}

/* What differs between the variants of a channel cannot be written for all: it is left out again,
 * and said. */
static void test_varied(void **state) {
    static const char lines[] =
        "use = tls\n[vary]\nchannel.c.tls.key_type = ec:P-256 rsa:2048 ed25519\n";

    (void)state;
    {
        CLEANUP_FREE char *text = text_format(START "%s", lines);
        CLEANUP(scenario_freep) struct scenario *scenario = load(text, NULL);
        CLEANUP_FREE char *first = resolved(scenario);
        CLEANUP(scenario_freep) struct scenario *other = load(first, NULL);
        CLEANUP_FREE char *second = resolved(other);

        assert_has(first, "\n# key_type=ec:P-256: tls.signatures = ecdsa_secp256r1_sha256\n"
                          "# key_type=rsa:2048: tls.signatures = "
                          "rsa_pss_rsae_sha256:rsa_pkcs1_sha256\n"
                          "# key_type=ed25519: tls.signatures = ed25519\n");
        assert_has(first, "\ntls.groups = X25519\n");
        assert_has_not(first, "\ntls.signatures");
        assert_has_not(first, "tls.key_type = rsa");
        assert_string_equal(second, first);
    }
}

static void test_signatures_and_keys(void **state) {
    static const struct {
        const char *lines;
        bool good;
    } cases[] = {
        {"tls.signatures = ecdsa_secp256r1_sha256:ed25519\n", true},
        {"tls.signatures = default\n", true},
        {"tls.signatures = ed25519\n", false},
        {"tls.signatures = ecdsa_secp384r1_sha384\n", false}, /* the curve of another key */
        {"tls.min_version = 1.2\ntls.max_version = 1.2\ntls.signatures = ecdsa_secp384r1_sha384\n",
         true},
        {"tls.key_type = rsa:2048\ntls.signatures = rsa_pss_rsae_sha512\n", true},
        {"tls.key_type = rsa:2048\ntls.signatures = rsa_pkcs1_sha256\n", false},
        {"tls.key_type = rsa:2048\ntls.min_version = 1.2\ntls.max_version = 1.2\n"
         "tls.signatures = rsa_pkcs1_sha256\n",
         true},
        {"tls.key_type = rsa:2048\ntls.min_version = 1.2\ntls.max_version = 1.2\n"
         "tls.signatures = rsa_pss_rsae_sha384\n",
         true},
        {"tls.key_type = rsa:2048\ntls.min_version = 1.2\ntls.max_version = 1.2\n"
         "tls.signatures = rsa_pss_pss_sha256\n", /* by keys of another type */
         false},
        {"tls.key_type = ed25519\ntls.signatures = ecdsa_secp256r1_sha256:ed25519\n", true},
        {"tls.key_type = ed25519\ntls.signatures = ecdsa_secp256r1_sha256\n", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *text = text_format(START "use = tls\n%s", cases[i].lines);
        struct error error = {""};
        CLEANUP(scenario_freep) struct scenario *scenario = load(text, &error);

        if ((scenario != NULL) != cases[i].good)
            fail_msg("%s: %s", cases[i].lines, error.text);
        if (!cases[i].good)
            assert_has(error.text, "tls.signatures: by none of '");
    }
}

/* A client with any classical key is turned away only where no classical scheme is asked for: that
 * of the CA is. */
static void test_no_classical(void **state) {
    static const struct {
        const char *lines;
        bool only;
    } cases[] = {
        {"tls.key_type = mldsa:65\n", true},
        {"tls.key_type = mldsa:65\ntls.ca_key_type = mldsa:87\n", true},
        {"tls.key_type = mldsa:65\ntls.ca_key_type = ed25519\n", false},
        {"tls.key_type = mldsa:65\ntls.ca_key_type = rsa:2048\n", false},
        {"tls.key_type = mldsa:65\ntls.ca_key_type = ec:P-256\n", false},
        {"tls.key_type = ed25519\ntls.ca_key_type = mldsa:65\n", false},
        {"tls.key_type = mldsa:65\ntls.signatures = default\n", false},
        {"tls.key_type = mldsa:65\ntls.signatures = mldsa44:mldsa65\n", true},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *text = text_format(START "use = tls certificate\n%s", cases[i].lines);
        struct error error = {""};
        CLEANUP(scenario_freep) struct scenario *scenario = load(text, &error);

        if (!scenario)
            fail_msg("%s: %s", cases[i].lines, error.text);
        if (tls_takes_no_classical(scenario_channel(scenario, "c")) != cases[i].only)
            fail_msg("%s", cases[i].lines);
    }
}

/* The tables that have each type of key agree. */
static void test_key_types(void **state) {
    static const struct {
        const char *type, *scheme, *algorithm;
    } expected[] = {
        {"ec:P-256", "ecdsa_secp256r1_sha256", "ECDSA P-256"},
        {"rsa:2048", "rsa_pss_rsae_sha256", "RSA-2048"},
        {"rsa:3072", "rsa_pss_rsae_sha256", "RSA-3072"},
        {"ed25519", "ed25519", "Ed25519"},
        {"mldsa:44", "mldsa44", "ML-DSA-44"},
        {"mldsa:65", "mldsa65", "ML-DSA-65"},
        {"mldsa:87", "mldsa87", "ML-DSA-87"},
    };
    CLEANUP_FREE char *types = text_copy("");

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        struct channel channel = workshop_channel("c", "tls");
        const char *type = expected[i].type;

        text_append(&types, " ", type);
        assert_int_equal(channel_assign(&channel, "tls.key_type", type, NULL), 0);
        assert_string_equal(tls_chain(&channel).key_type, type);
        for (int ca = 0; ca < 2; ca++) {
            const struct tls_key *key = tls_key(&channel, ca);

            assert_true(tls_has_signature(key->schemes, expected[i].scheme));
            assert_string_equal(key->algorithm, expected[i].algorithm);
            assert_non_null(speed_find(key->algorithm));
            assert_int_equal(tls_has_classical_signature(key->schemes), !pki_is_post_quantum(type));
        }
        assert_int_equal(channel_assign(&channel, "tls.key_type", "ed25519", NULL), 0);
        assert_int_equal(channel_assign(&channel, "tls.ca_key_type", type, NULL), 0);
        assert_string_equal(tls_chain(&channel).ca_key_type, type);
        assert_string_equal(tls_key(&channel, true)->algorithm, expected[i].algorithm);
        assert_string_equal(tls_key(&channel, false)->algorithm, "Ed25519");
        channel_clear(&channel);
    }
    assert_string_equal(types, PKI_KEY_TYPES);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_left_out),     cmocka_unit_test(test_other_broker),
        cmocka_unit_test(test_inherited),    cmocka_unit_test(test_shared_key),
        cmocka_unit_test(test_varied),       cmocka_unit_test(test_signatures_and_keys),
        cmocka_unit_test(test_no_classical), cmocka_unit_test(test_key_types),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
