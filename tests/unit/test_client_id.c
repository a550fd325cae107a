/* security/client_id: what identifiers are issued, who is registered, who pretends to be. */
#include "workshop.h"

#include "hosts/facts.h"
#include "security/client_id_scheme.h"

/* ---- whose identifier it is ---- */

static void test_belongs(void **state) {
    static const struct {
        const char *registered, *id;
        bool belongs;
    } cases[] = {
        {"client2", "client2", true},
        {"client2", "client2-delivery", true},
        {"client2", "client2-proof-admin", true},
        {"client2", "client", false},
        {"client2", "client22", false},
        {"client2", "client2-", false},
        {"client2", "client2-Delivery", false},
        {"client2", "client2-a b", false},
        {"client2", "client2.delivery", false},
        {"client2", "Client2", false},
        {"client2", "xclient2", false},
        {"client2", "", false},
        {"", "", false},
        {"", "-delivery", false},
        {"b8:27:eb:01:02:03", "b8:27:eb:01:02:03.2", false},
        {"b8:27:eb:01:02:03.2", "b8:27:eb:01:02:03.2-latency-echo", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (client_id_belongs(cases[i].registered, cases[i].id) != cases[i].belongs)
            fail_msg("'%s' of '%s'", cases[i].id, cases[i].registered);
}

/* ---- what is issued ---- */

struct hosts {
    const char *by[PARTY_CLIENT2 + 1]; /* what each is known by; NULL: nothing */
    const char *asked;
};

static int identify(void *context, enum party party, const char *by, char **ret,
                    struct error *error) {
    struct hosts *hosts = context;

    hosts->asked = by;
    if (!hosts->by[party])
        return error_set(error, -ENODATA, "HOST: none");
    *ret = text_copy(hosts->by[party]);
    return 0;
}

/* The secrets after one channel of this form; NULL with the error. */
static json_t *issue(const char *form, struct hosts *hosts, struct error *error) {
    struct channel channel = workshop_channel("mine", "client-id");
    json_t *secrets = json_object();
    struct issuer issuer = {.validity_ns = 2,
                            .renew_before_ns = 1,
                            .identify = identify,
                            .context = hosts,
                            .secrets = secrets};
    int r = channel_assign(&channel, "client-id.form", form, error);

    if (r == 0)
        r = mechanism_issue(&channel, &issuer, error);
    channel_clear(&channel);
    if (r == 0)
        return secrets;
    json_decref(secrets);
    return NULL;
}

static struct client_config *config_of(const json_t *secrets, enum party party) {
    struct channel channel = workshop_channel("mine", "client-id");
    struct bringup bringup = {.channel = &channel, .certs = "", .secrets = secrets};
    struct client_config *config = mechanism_client_config(&bringup, party, "192.0.2.1", 1883);

    channel_clear(&channel);
    return config;
}

static void assert_ids(const json_t *secrets, const char *id1, const char *id2) {
    struct client_config *one = config_of(secrets, PARTY_CLIENT1),
                         *two = config_of(secrets, PARTY_CLIENT2);

    assert_string_equal(one->client_id, id1);
    assert_string_equal(two->client_id, id2);
    client_config_free(one);
    client_config_free(two);
}

static void test_forms(void **state) {
    struct hosts two = {.by = {NULL, "b8:27:eb:01:02:03", "b8:27:eb:01:02:04"}};
    struct hosts one = {.by = {NULL, "10000000abcdef01", "10000000abcdef01"}};
    struct error error;
    json_auto_t *names = issue("name", NULL, &error), *macs = issue("mac", &two, &error);
    json_auto_t *serials = issue("serial", &one, &error);

    (void)state;
    assert_ids(names, "client1", "client2");
    assert_ids(macs, "b8:27:eb:01:02:03", "b8:27:eb:01:02:04");
    assert_string_equal(two.asked, "mac");
    assert_ids(serials, "10000000abcdef01", "10000000abcdef01.2");
    assert_string_equal(one.asked, "serial");
}

static void test_uuids(void **state) {
    struct error error;
    json_auto_t *first = issue("uuid", NULL, &error), *second = issue("uuid", NULL, &error);
    struct client_config *ids[] = {config_of(first, PARTY_CLIENT1), config_of(first, PARTY_CLIENT2),
                                   config_of(second, PARTY_CLIENT1)};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
        const char *id = ids[i]->client_id;

        assert_int_equal(strlen(id), 36);
        assert_int_equal(strspn(id, "0123456789abcdef-"), 36);
        assert_true(id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-');
        assert_int_equal(id[14], '4');
        assert_non_null(strchr("89ab", id[19]));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(id, ids[j]->client_id);
    }
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
        client_config_free(ids[i]);
}

static void test_unknown_host(void **state) {
    struct hosts hosts = {.by = {NULL, "10000000abcdef01", NULL}};
    struct error error;

    (void)state;
    assert_null(issue("serial", &hosts, &error));
    assert_string_equal(error.text, "client-id.form: HOST: none");
}

/* ---- who pretends to be registered ---- */

static void test_proofs(void **state) {
    static const char *const pairs[][2] = {
        {"client1", "client2"},
        {"b8:27:eb:01:02:00", "b8:27:eb:01:02:01"}, /* neighbours */
        {"10000000abcdef01", "10000000abcdef01.2"},
    };
    struct channel channel = workshop_channel("mine", "client-id");
    size_t cursor = 0;
    const struct mechanism *mechanism = mechanism_next(&channel, &cursor);

    (void)state;
    assert_int_equal(mechanism->n_proofs, 4);
    for (size_t i = 0; i < ARRAY_SIZE(pairs) * mechanism->n_proofs; i++) {
        const struct proof *proof = &mechanism->proofs[i % mechanism->n_proofs];
        const char *const *pair = pairs[i / mechanism->n_proofs];
        json_auto_t *secrets = json_pack("{s:{s:{s:s,s:s}}}", "client-id", "mine", "client1",
                                         pair[0], "client2", pair[1]);
        struct bringup bringup = {.channel = &channel, .certs = "", .secrets = secrets};
        struct client_config *config;

        if (proof->fleet) /* a session's, but for its number: test_members */
            continue;
        config = config_of(secrets, PARTY_CLIENT2);
        proof->alter(config, &bringup);
        if (client_id_belongs(pair[0], config->client_id) ||
            client_id_belongs(pair[1], config->client_id))
            fail_msg("%s: %s is registered", proof->name, config->client_id);
        assert_int_equal(strncmp(config->client_id, pair[1], strlen(pair[1]) - 1), 0);
        client_config_free(config);
    }
    channel_clear(&channel);
}

/* ---- what this host is known by ---- */

static void test_identity(void **state) {
    json_auto_t *identity = facts_identity("127.0.0.1");
    const char *mac = json_string_value(json_object_get(identity, "mac"));
    const char *serial = json_string_value(json_object_get(identity, "serial"));
    const char *key;
    json_t *value;

    (void)state;
    json_object_foreach(identity, key, value) {
        assert_true(text_equal(key, "mac") || text_equal(key, "serial"));
        assert_true(json_is_string(value));
    }
    if (mac) {
        assert_int_equal(strlen(mac), 17);
        assert_int_equal(strspn(mac, "0123456789abcdef:"), 17);
        assert_string_not_equal(mac, "00:00:00:00:00:00");
    }
    if (serial)
        assert_null(strpbrk(serial, " \t\n"));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_belongs), cmocka_unit_test(test_forms),
        cmocka_unit_test(test_uuids),   cmocka_unit_test(test_unknown_host),
        cmocka_unit_test(test_proofs),  cmocka_unit_test(test_identity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
