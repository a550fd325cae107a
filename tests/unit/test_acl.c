/* security/acl and password's names for each client: what is refused, what the broker is told. */
#include "workshop.h"

#include "security/mechanism.h"

static void set(struct channel *channel, const char *path, const char *value) {
    struct error error;

    if (channel_assign(channel, path, value, &error) < 0)
        fail_msg("%s: %s", path, error.text);
}

static struct channel new_channel(const char *by) {
    struct channel channel = workshop_channel("mine", "password acl");

    set(&channel, "password.user", "unit %c");
    set(&channel, "acl.by", by);
    return channel;
}

/* ---- what fits together ---- */

static void test_checks(void **state) {
    static const struct {
        const char *path, *value, *message; /* message NULL: accepted; else how it starts */
    } cases[] = {
        {"acl.by", "file", NULL},
        {"acl.by", "plugin", NULL},
        {"acl.by", "dynamic-security", NULL},
        {"password.user", "client1", "use: acl goes by user names, and here both clients are"},
        {"use", "acl", "use: acl goes by user names, and the clients of this channel have none"},
        {"use", "password acl token", "use: acl and token exclude each other; leave one out"},
        {"acl.client2", "publish@0:bench/+/data",
         "acl.client2: 'publish@0:bench/+/data' names a quality of service, which only acl.by = "
         "plugin knows"},
        {"acl.client1", "both:#", NULL}, /* client2 has less, which can be shown */
        {"acl.client2", "both:#", NULL},
        {"acl.client2", "publish:mine",
         "acl.client2: nothing can be shown of these rules: no topic that one client may publish"},
        {"acl.client1", "both:%t both:bench/+/data both:bench/+/credit", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct channel channel = new_channel("file");
        struct error error = {""};
        const char *message = cases[i].message ? cases[i].message : "";
        int r;

        set(&channel, cases[i].path, cases[i].value);
        r = mechanism_check_channel(&channel, &error);
        if (r != (*message ? -EINVAL : 0) || strncmp(error.text, message, strlen(message)) != 0)
            fail_msg("%s = %s: %d '%s'", cases[i].path, cases[i].value, r, error.text);
        channel_clear(&channel);
    }
}

static void test_everything_to_everyone(void **state) {
    struct channel channel = new_channel("plugin");
    struct error error = {""};

    (void)state;
    set(&channel, "acl.client1", "both:#");
    set(&channel, "acl.client2", "both:#");
    assert_int_equal(mechanism_check_channel(&channel, &error), -EINVAL);
    assert_has(error.text, "restrict them");
    channel_clear(&channel);
}

/* The plainest rules; the topic that they offer for proofs is not that of the sentinels. */
static void test_one_way(void **state) {
    struct channel channel = new_channel("file");
    struct error error = {""};

    (void)state;
    set(&channel, "acl.client1", "subscribe:bench/#");
    set(&channel, "acl.client2", "publish:bench/#");
    if (mechanism_check_channel(&channel, &error) < 0)
        fail_msg("%s", error.text);
    channel_clear(&channel);
}

static void test_bad_rules(void **state) {
    struct channel channel = new_channel("plugin");
    struct error error;

    (void)state;
    assert_int_equal(channel_assign(&channel, "acl.client1", "publish:a read:b", &error), -EINVAL);
    assert_has(error.text, "'read:b' is no rule: it begins with neither publish, ");
    channel_clear(&channel);
}

/* ---- what the broker is told ---- */

struct site {
    struct channel channel;
    json_t *secrets;
    char *folder, *lines;
    struct bringup bringup;
};

/* As the driver and the broker's agent do it. */
static struct site bring_up(struct channel channel, const char *telemetry_topic) {
    struct site site = {.channel = channel, .secrets = json_object(), .folder = workshop_make()};
    struct issuer issuer = {.certs = "/nonexistent",
                            .validity_ns = 2,
                            .renew_before_ns = 1,
                            .secrets = site.secrets,
                            .telemetry_topic = telemetry_topic};
    const struct mechanism *mechanism;
    size_t size, cursor = 0;
    FILE *lines = open_memstream(&site.lines, &size);
    struct error error;

    assert_int_equal(mechanism_issue(&channel, &issuer, &error), 0);
    site.bringup = (struct bringup){.channel = &channel,
                                    .certs = "/nonexistent",
                                    .folder = site.folder,
                                    .secrets = site.secrets};
    while ((mechanism = mechanism_next(&channel, &cursor)))
        if (mechanism->broker && mechanism->broker(&site.bringup, lines, &error) < 0)
            fail_msg("%s", error.text);
    assert_int_equal(fclose(lines), 0);
    site.bringup.channel = NULL; /* of this call */
    return site;
}

static void clear(struct site *site) {
    channel_clear(&site->channel);
    json_decref(site->secrets);
    workshop_remove(site->folder);
    free(site->lines);
}

static void test_acl_file(void **state) {
    struct site site = bring_up(new_channel("file"), "sites/a b");
    CLEANUP_FREE char *acl = workshop_get(site.folder, "acl");
    CLEANUP_FREE char *line = text_format("acl_file %s/acl\n", site.folder);

    (void)state;
    assert_has(site.lines, line);
    assert_string_equal(acl, "user unit client1\n"
                             "topic read sites/a b\n"
                             "topic read bench/+/data\n"
                             "topic write bench/+/credit\n"
                             "topic readwrite bench/proof/sentinel\n"
                             "user unit client2\n"
                             "topic write sites/a b\n"
                             "topic write bench/+/data\n"
                             "topic read bench/+/credit\n"
                             "topic readwrite bench/+/latency\n"
                             "topic readwrite bench/proof/sentinel\n");
    clear(&site);
}

static void test_plugin(void **state) {
    struct channel channel = new_channel("plugin");
    CLEANUP_FREE char *rules = NULL;
    struct site site;

    (void)state;
    set(&channel, "acl.client1", "subscribe:%t subscribe@0:a/%t publish:x%t");
    set(&channel, "acl.client2", "publish@0,1:%t");
    site = bring_up(channel, "t");
    rules = workshop_get(site.folder, "rules");
    assert_has(site.lines, "/src/plugin/acl.so\nplugin_opt_rules /");
    /* Only a whole topic is telemetry's. */
    assert_string_equal(rules, "user unit client1\nsubscribe:t\nsubscribe@0:a/%t\npublish:x%t\n"
                               "both:bench/proof/sentinel\n"
                               "user unit client2\npublish@0,1:t\nboth:bench/proof/sentinel\n");
    clear(&site);
}

static json_t *named(json_t *list, const char *key, const char *name) {
    json_t *one;
    size_t i;

    json_array_foreach(list, i, one) {
        if (text_equal(json_string_value(json_object_get(one, key)), name))
            return one;
    }
    fail_msg("no %s '%s'", key, name);
    return NULL;
}

static void test_dynamic_security(void **state) {
    struct site site;
    CLEANUP_FREE char *text = NULL;
    json_auto_t *file = NULL;
    json_t *roles, *clients;
    const char *admin;

    (void)state;
    if (access("/usr/sbin/mosquitto", X_OK) < 0)
        skip();
    site = bring_up(new_channel("dynamic-security"), "t");
    text = workshop_get(site.folder, "dynamic-security.json");
    file = json_loads(text, 0, NULL);
    roles = json_object_get(file, "roles");
    clients = json_object_get(file, "clients");
    admin = json_string_value(
        json_object_get(json_object_get(json_object_get(site.secrets, "acl"), "mine"), "admin"));
    assert_non_null(admin);
    assert_int_equal(strlen(admin), 48);
    assert_has_not(text, admin);
    assert_int_equal(json_array_size(clients), 3);
    assert_non_null(json_object_get(named(clients, "username", "acl-admin"), "password"));
    /* Who the clients are is for the password file to say. */
    assert_null(json_object_get(named(clients, "username", "unit client1"), "password"));
    /* A read is two kinds of ACL, a write one. */
    assert_int_equal(
        json_array_size(json_object_get(named(roles, "rolename", "unit client1"), "acls")), 8);
    assert_int_equal(
        json_array_size(json_object_get(named(roles, "rolename", "unit client2 denied"), "acls")),
        0);
    assert_false(json_is_true(
        json_object_get(json_object_get(file, "defaultACLAccess"), "publishClientSend")));
    clear(&site);
}

/* ---- names and passwords ---- */

static struct client_config *config_of(const struct channel *channel, const char *secret,
                                       enum party party) {
    json_auto_t *secrets = json_pack("{s:{s:s}}", "password", "mine", secret);
    struct bringup bringup = {.channel = channel, .certs = "/c", .secrets = secrets};

    return mechanism_client_config(&bringup, party, "192.0.2.1", 1883);
}

static void test_names(void **state) {
    struct channel channel = new_channel("file");
    struct client_config *one = config_of(&channel, "seed", PARTY_CLIENT1),
                         *two = config_of(&channel, "seed", PARTY_CLIENT2),
                         *again = config_of(&channel, "seed", PARTY_CLIENT1);

    (void)state;
    assert_string_equal(one->username, "unit client1");
    assert_string_equal(two->username, "unit client2");
    /* One cannot log in as the other. */
    assert_string_not_equal(one->password, two->password);
    assert_string_not_equal(one->password, "seed");
    assert_int_equal(strlen(one->password), 24);
    assert_string_equal(one->password, again->password);
    client_config_free(one);
    client_config_free(two);
    client_config_free(again);
    /* What the user chose is sent as it is. */
    set(&channel, "password.secret", "file:/some/where");
    one = config_of(&channel, "chosen by me", PARTY_CLIENT1);
    assert_string_equal(one->password, "chosen by me");
    client_config_free(one);
    channel_clear(&channel);
}

static void test_password_file(void **state) {
    struct site site = bring_up(new_channel("file"), "t");
    CLEANUP_FREE char *passwords = workshop_get(site.folder, "passwords");

    (void)state;
    assert_has(passwords, "unit client1:$7$101$");
    assert_has(passwords, "\nunit client2:$7$101$");
    clear(&site);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checks),           cmocka_unit_test(test_everything_to_everyone),
        cmocka_unit_test(test_one_way),          cmocka_unit_test(test_bad_rules),
        cmocka_unit_test(test_acl_file),         cmocka_unit_test(test_plugin),
        cmocka_unit_test(test_dynamic_security), cmocka_unit_test(test_names),
        cmocka_unit_test(test_password_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
