/* security/tls_proofs: what a client that must not get in offers instead, and what is made of a
 * broker's ticket. */
#include "workshop.h"

#include "security/tls_proofs.h"

/* ---- other algorithms than those asked for ---- */

#define OF_128    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
#define OF_256    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
#define OF_CHACHA "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

/* other NULL: there is none. */
struct wish {
    const char *asked, *other;
};

static const struct wish ciphers[] = {
    {"ECDHE-ECDSA-AES256-GCM-SHA384", OF_128},
    {"ECDHE-ECDSA-AES128-GCM-SHA256", OF_256},
    {"ECDHE-RSA-AES128-GCM-SHA256", OF_256},
    {"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384", OF_CHACHA},
    {"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384", OF_CHACHA},
    {OF_128 ":" OF_256 ":" OF_CHACHA, NULL},
    {"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305", NULL},
    {"", NULL},
};
static const struct wish ciphers_of_keys[] = {
    {"PSK-AES128-GCM-SHA256", "ECDHE-PSK-CHACHA20-POLY1305"},
    {"ECDHE-PSK-CHACHA20-POLY1305", "PSK-AES128-GCM-SHA256"},
    {"PSK-AES128-GCM-SHA256:ECDHE-PSK-CHACHA20-POLY1305", NULL},
    {"", NULL},
};
static const struct wish suites[] = {
    {"TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"},
    {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"},
    {"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"},
    {"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256", NULL},
    {"", NULL},
};
static const struct wish signatures[] = {
    {"ecdsa_secp256r1_sha256", "ecdsa_secp384r1_sha384"},
    {"rsa_pss_rsae_sha256:rsa_pkcs1_sha256", "rsa_pss_rsae_sha512"},
    {"rsa_pss_rsae_sha512:rsa_pss_rsae_sha256", "ecdsa_secp384r1_sha384"},
    {"ed25519", "ecdsa_secp384r1_sha384"},
    {"mldsa65:ecdsa_secp384r1_sha384", "ecdsa_secp256r1_sha256"},
    {"ecdsa_secp384r1_sha384:ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha512"},
    {"ecdsa_secp384r1_sha384:ecdsa_secp256r1_sha256:rsa_pss_rsae_sha512:rsa_pss_rsae_sha256", NULL},
    {"", NULL},
};
static const struct wish groups[] = {
    {"P-256", "X25519"},
    {"X25519", "P-256"},
    {"X25519:P-256", "P-384"},
    {"X25519:P-256:P-384", "P-521"},
    {"X25519:P-256:P-384:P-521", NULL},
    {"", NULL},
};

static bool has_cipher(const char *asked) {
    return tls_has_other_cipher(asked, false);
}

static bool has_cipher_of_key(const char *asked) {
    return tls_has_other_cipher(asked, true);
}

/* One kind of list, and the client that offers another one. */
static const struct {
    const struct wish *wishes;
    size_t n;
    bool (*has)(const char *asked);
    void (*alter)(struct client_config *config, const struct bringup *bringup);
    size_t offset; /* of the list in a tls_config */
    const char *psk_identity;
    int64_t min_version, max_version; /* of such a client */
} kinds[] = {
    {ciphers, ARRAY_SIZE(ciphers), has_cipher, tls_with_other_cipher,
     offsetof(struct tls_config, ciphers), "", TLS_1_2, TLS_1_2},
    {ciphers_of_keys, ARRAY_SIZE(ciphers_of_keys), has_cipher_of_key, tls_with_other_cipher,
     offsetof(struct tls_config, ciphers), "somebody", TLS_1_2, TLS_1_2},
    {suites, ARRAY_SIZE(suites), tls_has_other_suite, tls_with_other_suite,
     offsetof(struct tls_config, suites), "", TLS_1_3, TLS_1_3},
    {groups, ARRAY_SIZE(groups), tls_has_other_group, tls_with_other_group,
     offsetof(struct tls_config, groups), "", TLS_1_3, TLS_1_3},
    {signatures, ARRAY_SIZE(signatures), tls_has_other_signature, tls_with_other_signature,
     offsetof(struct tls_config, signatures), "", TLS_1_2, TLS_1_3},
};

static void test_other_algorithms(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        for (size_t j = 0; j < kinds[i].n; j++) {
            const struct wish *wish = &kinds[i].wishes[j];
            CLEANUP(client_config_freep)
            struct client_config *config = setting_block_new(&client_config_group);
            char **list = (char **)((char *)&config->tls + kinds[i].offset);

            if (kinds[i].has(wish->asked) != !!wish->other)
                fail_msg("other than '%s'?", wish->asked);
            if (!wish->other)
                continue;
            config->tls.min_version = TLS_1_2;
            config->tls.max_version = TLS_1_3;
            text_replace(&config->tls.psk_identity, kinds[i].psk_identity);
            text_replace(list, wish->asked);
            kinds[i].alter(config, NULL);
            assert_string_equal(*list, wish->other);
            assert_int_equal(config->tls.min_version, kinds[i].min_version);
            assert_int_equal(config->tls.max_version, kinds[i].max_version);
        }
}

/* Groups are of TLS 1.2, too. */
static void test_other_group_of_1_2(void **state) {
    CLEANUP(client_config_freep)
    struct client_config *config = setting_block_new(&client_config_group);

    (void)state;
    config->tls.min_version = config->tls.max_version = TLS_1_2;
    text_replace(&config->tls.groups, "X25519");
    tls_with_other_group(config, NULL);
    assert_string_equal(config->tls.groups, "P-256");
    assert_int_equal(config->tls.min_version, TLS_1_2);
    assert_int_equal(config->tls.max_version, TLS_1_2);
}

/* What was asked for is of no version but the channel's own: the client asks for nothing. */
static void test_other_versions(void **state) {
    static const struct {
        void (*alter)(struct client_config *config, const struct bringup *bringup);
        int64_t version;
    } cases[] = {{tls_as_older_version, TLS_1_2 - 1}, {tls_as_newer_version, TLS_1_3 + 1}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(client_config_freep)
        struct client_config *config = setting_block_new(&client_config_group);
        struct tls_config *tls = &config->tls;

        tls->min_version = TLS_1_2;
        tls->max_version = TLS_1_3;
        text_replace(&tls->ciphers, "PSK-AES128-GCM-SHA256");
        text_replace(&tls->suites, "TLS_AES_128_GCM_SHA256");
        text_replace(&tls->groups, "X25519");
        cases[i].alter(config, NULL);
        assert_int_equal(tls->min_version, cases[i].version);
        assert_int_equal(tls->max_version, cases[i].version);
        assert_int_equal(strlen(tls->ciphers) + strlen(tls->suites) + strlen(tls->groups), 0);
    }
}

static void test_plaintext(void **state) {
    CLEANUP(client_config_freep)
    struct client_config *config = setting_block_new(&client_config_group);

    (void)state;
    config->tls.enabled = 1;
    tls_as_plaintext(config, NULL);
    assert_int_equal(config->tls.enabled, 0);
}

/* ---- tickets ---- */

/* What a broker does about tickets. */
struct habit {
    bool ticket, resumed;
    const char *cause;
    int code;
};
static const struct habit *habit;

static int resume(const struct client_config *config, bool *ret_ticket, bool *ret_resumed,
                  char ret_cause[PROOF_TEXT_SIZE], struct error *error) {
    (void)config;
    if (habit->code < 0)
        return error_set(error, habit->code, "nobody there");
    *ret_ticket = habit->ticket;
    *ret_resumed = habit->resumed;
    (void)snprintf(ret_cause, PROOF_TEXT_SIZE, "%s", habit->cause);
    return 0;
}

static void test_tickets(void **state) {
    static const struct {
        struct habit habit;
        const char *observed;
        bool resumes, gives_none; /* which of the two proofs holds */
    } cases[] = {
        {{true, true, "connack 0", 0}, TLS_RESUMES_CAUSES, true, false},
        {{true, false, "connack 0", 0}, "a ticket, and not resumed", false, false},
        {{false, false, "connack 0", 0}, TLS_NO_TICKET_CAUSES, false, true},
        /* Who is turned away gets none, from any broker. */
        {{false, false, "alert 40", 0}, TLS_NO_TICKET_CAUSES, false, false},
        {{.code = -ECONNREFUSED}, "", false, false},
    };
    const struct proof_setup setup = {.resume = resume};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct proof_seen of_resuming = {.held = false}, of_none = {.held = false};
        struct error error = {""};

        habit = &cases[i].habit;
        assert_int_equal(tls_resumes(&setup, &of_resuming, &error), habit->code);
        assert_int_equal(tls_gives_no_ticket(&setup, &of_none, &error), habit->code);
        assert_string_equal(error.text, habit->code ? "nobody there" : "");
        assert_int_equal(of_resuming.held, cases[i].resumes);
        assert_int_equal(of_none.held, cases[i].gives_none);
        assert_string_equal(of_resuming.observed, cases[i].observed);
        assert_string_equal(of_none.observed, cases[i].observed);
        assert_string_equal(of_none.cause, habit->cause ? habit->cause : "");
    }
}

/* ---- a client that must get in ---- */

/* Who comes, each offering one group, and the one that the broker does not take. */
static char *offered;
static const char *unwanted;

static int connect_once(const struct client_config *config, bool *ret_accepted,
                        char ret_cause[PROOF_TEXT_SIZE], struct error *error) {
    text_append(&offered, " ", config->tls.groups);
    if (text_equal(unwanted, "nobody there"))
        return error_set(error, -ECONNREFUSED, "nobody there");
    *ret_accepted = !text_equal(config->tls.groups, unwanted);
    (void)snprintf(ret_cause, PROOF_TEXT_SIZE, "%s", *ret_accepted ? "connack 0" : "alert 40");
    return 0;
}

static void test_each_group(void **state) {
    static const struct {
        const char *groups, *unwanted, *offered, *observed, *cause;
        int code;
    } cases[] = {
        {"MLKEM768", NULL, "MLKEM768", TLS_TAKES_GROUPS_CAUSES, "connack 0", 0},
        {"X:Y:Z", NULL, "X Y Z", TLS_TAKES_GROUPS_CAUSES, "connack 0", 0},
        {"X:Y:Z", "Y", "X Y", "refused with Y", "alert 40", 0},
        {"X:Y", "nobody there", "X", "", "", -ECONNREFUSED},
    };
    CLEANUP(client_config_freep)
    struct client_config *right = setting_block_new(&client_config_group);
    const struct proof_setup setup = {.right = right, .connect = connect_once};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct proof_seen seen = {.held = false};
        struct error error;

        text_replace(&right->tls.groups, cases[i].groups);
        text_replace(&offered, "");
        unwanted = cases[i].unwanted;
        assert_int_equal(tls_takes_groups(&setup, &seen, &error), cases[i].code);
        assert_string_equal(offered, cases[i].offered);
        assert_string_equal(seen.observed, cases[i].observed);
        assert_string_equal(seen.cause, cases[i].cause);
        if (cases[i].code == 0)
            assert_int_equal(seen.held, !cases[i].unwanted);
    }
    free(offered);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_algorithms),
        cmocka_unit_test(test_other_versions),
        cmocka_unit_test(test_other_group_of_1_2),
        cmocka_unit_test(test_plaintext),
        cmocka_unit_test(test_tickets),
        cmocka_unit_test(test_each_group),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
