/* security/mechanism and its rows: what fits together, what each party's client_config becomes,
 * and what the broker is told. */
#include "workshop.h"

#include "security/tls_context.h"

static void set(struct channel *channel, const char *path, const char *value) {
    struct error error;

    if (channel_assign(channel, path, value, &error) < 0)
        fail_msg("%s: %s", path, error.text);
}

/* ---- what fits together ---- */

static void test_checks(void **state) {
    static const struct {
        const char *use, *path, *value, *message; /* message NULL: accepted; else how it starts */
    } cases[] = {
        {"", NULL, NULL, NULL},
        {"tls", NULL, NULL, NULL},
        {"password", NULL, NULL, NULL},
        {"password tls", NULL, NULL, NULL},
        {"tls certificate password", NULL, NULL, NULL},
        {"certificate", NULL, NULL, "use: certificate needs tls as well"},
        {"password certificate", NULL, NULL, "use: certificate needs tls as well"},
        {"tls", "tls.min_version", "1.2", NULL},
        {"tls", "tls.max_version", "1.2", "tls.max_version: is below tls.min_version"},
        {"tls", "tls.groups", "X25519:P-256", NULL},
        {"tls", "tls.groups", "X25519:P-999", "tls.groups: 'X25519:P-999' are no groups"},
        {"tls", "tls.suites", "TLS_CHACHA20_POLY1305_SHA256", NULL},
        {"tls", "tls.suites", "TLS_NONE", "tls.suites: 'TLS_NONE' are no suites of this OpenSSL; "},
        {"tls", "tls.ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256",
         "tls.ciphers: are of TLS 1.2, which tls.min_version excludes"},
        {"tls", "tls.key_type", "ed25519", NULL},
        {"tls", "tls.key_type", "mldsa:65", NULL}, /* also where OpenSSL lacks it: `possible` */
        {"tls", "tls.ca_key_type", "mldsa:87", NULL},
        {"tls", "tls.groups", "X25519MLKEM768", NULL},
        {"tls", "tls.groups", "SecP256r1MLKEM768:SecP384r1MLKEM1024:X25519", NULL},
        {"tls", "tls.groups", "MLKEM512:MLKEM768:MLKEM1024", NULL},
        {"tls", "tls.groups", "KYBER",
         "tls.groups: 'KYBER' are no groups of this OpenSSL; right would be names "
         "separated by colons, of: X25519 P-256 P-384 P-521"},
        {"psk", NULL, NULL, NULL},
        {"psk password", NULL, NULL, NULL},
        {"tls psk", NULL, NULL, "use: psk and tls exclude each other; leave one out"},
        {"psk certificate tls", NULL, NULL, "use: psk and tls exclude each other"},
        {"psk certificate", NULL, NULL, "use: psk and certificate exclude each other"},
        {"psk", "psk.ciphers", "PSK-AES128-GCM-SHA256", NULL},
        {"psk", "psk.ciphers", "PSK-AES128-CCM8:@SECLEVEL=0", NULL},
        {"psk", "psk.ciphers", "DHE-PSK-AES128-GCM-SHA256:PSK-AES128-CBC-SHA", NULL},
        {"psk", "psk.ciphers", "PSK-NONE", "psk.ciphers: 'PSK-NONE' is no cipher list of this Op"},
        {"psk", "psk.ciphers", "RSA-PSK-AES128-GCM-SHA256",
         "psk.ciphers: RSA-PSK-AES128-GCM-SHA256 needs a certificate; right would be ones like "},
        {"psk", "psk.ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256",
         "psk.ciphers: ECDHE-ECDSA-AES128-GCM-SHA256 needs a certificate; right would be"},
        {"psk", "psk.groups", "P-256", NULL},
        {"psk", "psk.groups", "P-999", "psk.groups: 'P-999' are no groups of this OpenSSL"},
        {"", "tls.groups", "nonsense", NULL}, /* not in use: not looked at */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct channel channel = workshop_channel("c", cases[i].use);
        struct error error = {""};
        int r;

        if (cases[i].path)
            set(&channel, cases[i].path, cases[i].value);
        r = mechanism_check_channel(&channel, &error);
        if (r != (cases[i].message ? -EINVAL : 0) ||
            strncmp(error.text, cases[i].message ? cases[i].message : "",
                    cases[i].message ? strlen(cases[i].message) : 1) != 0)
            fail_msg("use = %s, %s: %d '%s'", cases[i].use, cases[i].path ? cases[i].path : "", r,
                     error.text);
        channel_clear(&channel);
    }
}

/* Of what later releases of OpenSSL have, either all is there or the reason is given. */
static void test_possible(void **state) {
    static const struct {
        const char *path, *value, *missing;
        bool ca; /* the CA needs it, too */
    } cases[] = {
        {"tls.groups", "X25519MLKEM768", "ML-KEM", false},
        {"tls.groups", "X25519:MLKEM1024", "ML-KEM", false},
        {"tls.key_type", "mldsa:44", "ML-DSA", true},
        {"tls.ca_key_type", "mldsa:87", "ML-DSA", true},
        {"tls.groups", "X25519:P-256", NULL, false},
        {"tls.key_type", "ed25519", NULL, true},
    };
    bool later = OPENSSL_version_major() > 3 || OPENSSL_version_minor() >= 5;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct channel channel = workshop_channel("c", "tls");

        set(&channel, cases[i].path, cases[i].value);
        for (size_t place = PLACE_DRIVER; place <= PLACE_PUBLISHER; place++) {
            bool missing = !later && cases[i].missing && (place != PLACE_DRIVER || cases[i].ca);
            CLEANUP_FREE char *reason =
                text_format("OpenSSL %u.%u has no %s: Debian 13 has", OPENSSL_version_major(),
                            OPENSSL_version_minor(), missing ? cases[i].missing : "");
            struct error error = {""};

            assert_int_equal(mechanism_possible(&channel, (enum place)place, false, &error),
                             missing ? -EOPNOTSUPP : 0);
            assert_string_equal(error.text, missing ? reason : "");
        }
        channel_clear(&channel);
    }
}

static void test_check_of_versions(void **state) {
    struct channel channel = workshop_channel("c", "tls");
    struct error error = {""};

    (void)state;
    set(&channel, "tls.min_version", "1.2");
    set(&channel, "tls.max_version", "1.2");
    set(&channel, "tls.ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384");
    assert_int_equal(mechanism_check_channel(&channel, &error), 0);
    set(&channel, "tls.ciphers", "NO-SUCH-CIPHER");
    assert_int_equal(mechanism_check_channel(&channel, &error), -EINVAL);
    assert_string_equal(error.text,
                        "tls.ciphers: 'NO-SUCH-CIPHER' is no cipher list of this OpenSSL; "
                        "`openssl ciphers -s -tls1_2` shows what it knows");
    set(&channel, "tls.ciphers", "");
    set(&channel, "tls.suites", "TLS_AES_128_GCM_SHA256");
    assert_int_equal(mechanism_check_channel(&channel, &error), -EINVAL);
    assert_string_equal(error.text, "tls.suites: are of TLS 1.3, which tls.max_version excludes");
    channel_clear(&channel);
}

static void test_table(void **state) {
    struct channel all = workshop_channel("c", "password certificate tls");
    size_t cursor = 0;

    (void)state;
    assert_string_equal(mechanism_next(&all, &cursor)->group->name, "tls");
    assert_string_equal(mechanism_next(&all, &cursor)->group->name, "certificate");
    assert_string_equal(mechanism_next(&all, &cursor)->group->name, "password");
    assert_null(mechanism_next(&all, &cursor));
    channel_clear(&all);
    for (size_t i = 0; i < n_mechanisms; i++) {
        assert_true(*mechanisms[i]->help);
        for (size_t j = 0; j < mechanisms[i]->n_proofs; j++) {
            const struct proof *proof = &mechanisms[i]->proofs[j];

            assert_true(*proof->name && *proof->help && *proof->causes &&
                        (proof->alter || proof->act));
        }
    }
}

/* ---- the parties' configurations ---- */

/* The configuration as text, "key=value;" for all that is not as in a new block. */
static char *differences(const struct client_config *config) {
    struct client_config *fresh = setting_block_new(&client_config_group);
    char *text = text_copy("");

    for (size_t i = 0; i < client_config_group.n_rows; i++) {
        const struct setting *row = &client_config_group.rows[i];
        CLEANUP_FREE char *value = setting_format(row, config), *usual = setting_format(row, fresh);
        char *longer;

        if (text_equal(value, usual))
            continue;
        longer = text_format("%s%s=%s;", text, row->key, value);
        free(text);
        text = longer;
    }
    client_config_free(fresh);
    return text;
}

static char *config_of(const char *use, enum party party) {
    struct channel channel = workshop_channel("mine", use);
    json_auto_t *secrets = json_pack("{s:{s:s,s:s}}", "password", "mine", "s3cret", "other", "no");
    struct bringup bringup = {.channel = &channel, .certs = "/c", .secrets = secrets};
    CLEANUP(client_config_freep) struct client_config *config = NULL;

    config = mechanism_client_config(&bringup, party, "192.0.2.1", 1883);
    channel_clear(&channel);
    return differences(config);
}

#define ADDRESS      "address=192.0.2.1;port=1883;"
#define EXPECTED     ADDRESS "expected_host=192.0.2.1;"
#define LOGIN        "username=User1;password=s3cret;"
#define TLS(who)     "tls.enabled=yes;tls.ca_file=/c/" who "/ca.crt;"
#define SHOWN(who)   "tls.cert_file=/c/" who "/" who ".crt;tls.key_file=/c/" who "/" who ".key;"
#define VERSION      "tls.min_version=1.3;tls.tickets=yes;"
#define BROKER_NAMED ADDRESS "client_id=broker;"

static void test_parties(void **state) {
    static const struct {
        const char *use;
        enum party party;
        const char *expected;
    } cases[] = {
        {"", PARTY_CLIENT1, EXPECTED "client_id=client1;"},
        {"", PARTY_BROKER, EXPECTED "client_id=broker;"},
        {"password", PARTY_CLIENT2, EXPECTED "client_id=client2;" LOGIN},
        {"password", PARTY_BROKER, EXPECTED "client_id=broker;"},
        {"tls", PARTY_CLIENT1, EXPECTED "client_id=client1;" TLS("client1") VERSION},
        {"tls", PARTY_BROKER, BROKER_NAMED TLS("broker") SHOWN("broker") VERSION},
        {"tls certificate", PARTY_CLIENT2,
         EXPECTED "client_id=client2;" TLS("client2") SHOWN("client2") VERSION},
        {"tls certificate", PARTY_BROKER,
         BROKER_NAMED TLS("broker") SHOWN("broker") "tls.require_peer=yes;" VERSION},
        {"tls certificate password", PARTY_CLIENT1,
         EXPECTED "client_id=client1;" LOGIN TLS("client1") SHOWN("client1") VERSION},
        {"tls certificate password", PARTY_BROKER,
         BROKER_NAMED TLS("broker") SHOWN("broker") "tls.require_peer=yes;" VERSION},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *found = config_of(cases[i].use, cases[i].party);

        assert_string_equal(found, cases[i].expected);
    }
}

/* Which of them sends bulk data is a matter of the probe. */
static void test_loss_reaches_everyone(void **state) {
    struct channel channel = workshop_channel("mine", "");
    struct bringup bringup = {.channel = &channel, .certs = "/c"};

    (void)state;
    set(&channel, "control", "slowed");
    set(&channel, "loss", "2.5%");
    for (int party = PARTY_BROKER; party <= PARTY_CLIENT2; party++) {
        CLEANUP(client_config_freep)
        struct client_config *config =
            mechanism_client_config(&bringup, (enum party)party, "::1", 8883);
        CLEANUP_FREE char *found = differences(config);

        assert_int_equal(config->loss_ppm, 25000);
        assert_has(found, "loss=2.5%;");
    }
    channel_clear(&channel);
}

static void test_settings_of_tls_reach_everyone(void **state) {
    static const char tls[] = "tls.max_version=1.2;tls.ciphers=ECDHE-RSA-AES128-GCM-SHA256;"
                              "tls.groups=P-256;";
    struct channel channel = workshop_channel("mine", "tls");
    struct bringup bringup = {.channel = &channel, .certs = "/c"};

    (void)state;
    set(&channel, "tls.min_version", "1.2");
    set(&channel, "tls.max_version", "1.2");
    set(&channel, "tls.ciphers", "ECDHE-RSA-AES128-GCM-SHA256");
    set(&channel, "tls.groups", "P-256");
    set(&channel, "tls.key_type", "rsa:2048");
    for (int party = PARTY_BROKER; party <= PARTY_CLIENT2; party++) {
        CLEANUP(client_config_freep)
        struct client_config *config =
            mechanism_client_config(&bringup, (enum party)party, "::1", 8883);
        CLEANUP_FREE char *found = differences(config);

        assert_has(found, tls);
        assert_has(found, "tls.ca_file=/c/rsa-2048/");
    }
    channel_clear(&channel);
}

static void test_json_of_configurations(void **state) {
    struct channel channel = workshop_channel("mine", "tls certificate password");
    json_auto_t *secrets = json_pack("{s:{s:s}}", "password", "mine", "a \"secret\"");
    struct bringup bringup = {.channel = &channel, .certs = "/c", .secrets = secrets};

    (void)state;
    for (int party = PARTY_BROKER; party <= PARTY_CLIENT2; party++) {
        CLEANUP(client_config_freep)
        struct client_config *config =
            mechanism_client_config(&bringup, (enum party)party, "broker.example", 65535);
        json_auto_t *object = setting_block_to_json(&client_config_group, config);
        CLEANUP_FREE char *before = differences(config), *after = NULL;
        void *again = NULL;

        assert_int_equal(setting_block_from_json(&client_config_group, object, &again, NULL), 0);
        after = differences(again);
        assert_string_equal(before, after);
        client_config_free(again);
    }
    channel_clear(&channel);
}

/* Every proof changes something, and what it changes is not what the right client has. */
static void test_proofs_alter(void **state) {
    struct channel channel = workshop_channel("mine", "tls certificate password");
    json_auto_t *secrets = json_pack("{s:{s:s}}", "password", "mine", "s3cret");
    const struct fleet_plan fleet = {.clients = 3};
    struct bringup bringup = {
        .channel = &channel, .certs = "/c", .secrets = secrets, .fleet = &fleet};
    const struct mechanism *mechanism;
    size_t cursor = 0;

    (void)state;
    while ((mechanism = mechanism_next(&channel, &cursor)))
        for (size_t i = 0; i < mechanism->n_proofs; i++) {
            CLEANUP(client_config_freep)
            struct client_config *config =
                mechanism_client_config(&bringup, PARTY_CLIENT2, "192.0.2.1", 1883);
            CLEANUP_FREE char *before = differences(config), *after = NULL;

            if (!mechanism->proofs[i].alter)
                continue;
            mechanism->proofs[i].alter(config, &bringup);
            after = differences(config);
            assert_string_not_equal(before, after);
        }
    channel_clear(&channel);
}

/* ---- what the broker is told ---- */

static char *broker_lines(const char *use, bool openssl) {
    struct channel channel = workshop_channel("mine", use);
    CLEANUP(workshop_removep) char *folder = workshop_make();
    json_auto_t *secrets = json_pack("{s:{s:s}}", "password", "mine", "s3cret");
    struct bringup bringup = {
        .channel = &channel, .certs = "/c", .folder = folder, .secrets = secrets};
    CLEANUP(client_config_freep) struct client_config *config = NULL;
    const struct mechanism *mechanism;
    struct error error;
    char *text = NULL;
    size_t size, cursor = 0;
    FILE *lines = open_memstream(&text, &size);

    while ((mechanism = mechanism_next(&channel, &cursor))) {
        if (!openssl && mechanism->broker)
            assert_int_equal(mechanism->broker(&bringup, lines, &error), 0);
    }
    config = mechanism_client_config(&bringup, PARTY_BROKER, "", 0);
    if (config->tls.enabled)
        (openssl ? tls_broker_openssl : tls_broker_lines)(&config->tls, lines);
    assert_int_equal(fclose(lines), 0);
    channel_clear(&channel);
    return text;
}

static void test_broker_lines(void **state) {
    CLEANUP_FREE char *plain = broker_lines("", false), *mutual = NULL, *openssl = NULL;
    CLEANUP_FREE char *password = broker_lines("password", false), *tls = NULL;

    (void)state;
    tls = broker_lines("tls", false);
    mutual = broker_lines("tls certificate", false);
    openssl = broker_lines("tls certificate", true);
    assert_string_equal(plain, "");
    assert_string_equal(tls, "certfile /c/broker/broker.crt\nkeyfile /c/broker/broker.key\n"
                             "tls_version tlsv1.3\n");
    assert_string_equal(mutual, "certfile /c/broker/broker.crt\nkeyfile /c/broker/broker.key\n"
                                "cafile /c/broker/ca.crt\nrequire_certificate true\n"
                                "tls_version tlsv1.3\n");
    assert_int_equal(strncmp(openssl, "MaxProtocol = TLSv1.3\n", 22), 0);
    assert_int_equal(strncmp(password, "password_file /", 15), 0);
    assert_has_not(password, "s3cret");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_check_of_versions),
        cmocka_unit_test(test_possible),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_parties),
        cmocka_unit_test(test_loss_reaches_everyone),
        cmocka_unit_test(test_settings_of_tls_reach_everyone),
        cmocka_unit_test(test_json_of_configurations),
        cmocka_unit_test(test_proofs_alter),
        cmocka_unit_test(test_broker_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
