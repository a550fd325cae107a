/* model/channel and registry: keys of a channel, its checks, and the way to an agent and back. */
#include "workshop.h"

#include "model/client_config.h"

static char *value_of(const struct channel *channel, const char *group_name, const char *key) {
    const struct setting_group *group =
        registry_group(workshop_registry(), SETTING_CHANNEL, group_name);

    assert_non_null(group);
    return setting_format(setting_find(group, key), settings_get(&channel->settings, group));
}

static void assert_value(const struct channel *channel, const char *group, const char *key,
                         const char *expected) {
    CLEANUP_FREE char *value = value_of(channel, group, key);

    assert_string_equal(value, expected);
}

static void test_new_channel(void **state) {
    struct channel channel;

    (void)state;
    channel_init(&channel, "fresh", workshop_registry());
    assert_string_equal(channel.name, "fresh");
    assert_string_equal(channel_own(&channel)->description, "");
    assert_string_equal(channel_own(&channel)->use, "");
    assert_false(channel_uses(&channel, "tls"));
    assert_false(channel_uses(&channel, ""));
    assert_value(&channel, "tls", "min_version", "1.3");
    assert_null(settings_get(&channel.settings, &scenario_group)); /* of another scope */
    assert_null(settings_get(&channel.settings, &client_config_group));
    assert_int_equal(channel_check(&channel, NULL), 0);
    channel_clear(&channel);
}

static void test_assign(void **state) {
    static const struct {
        const char *path, *value;
    } right[] = {
        {"use", "tls certificate"},   {"description", "both ends show certificates"},
        {"tls.min_version", "1.2"},   {"tls.key_type", "rsa:2048"},
        {"password.user", "someone"},
    };
    struct channel channel;

    (void)state;
    channel_init(&channel, "c", workshop_registry());
    for (size_t i = 0; i < ARRAY_SIZE(right); i++)
        assert_int_equal(channel_assign(&channel, right[i].path, right[i].value, NULL), 0);
    assert_true(channel_uses(&channel, "tls"));
    assert_true(channel_uses(&channel, "certificate"));
    assert_false(channel_uses(&channel, "cert"));
    assert_string_equal(channel_own(&channel)->description, "both ends show certificates");
    assert_value(&channel, "tls", "min_version", "1.2");
    assert_value(&channel, "tls", "max_version", "1.3");
    assert_value(&channel, "password", "user", "someone");
    channel_clear(&channel);
}

static void test_assign_refuses(void **state) {
    static const struct {
        const char *path, *value, *message;
    } wrong[] = {
        {"users", "tls", "unknown key; `bench list settings` shows all"},
        {"", "tls", "unknown key; `bench list settings` shows all"},
        {"tls.minversion", "1.2",
         "unknown key (did you mean min_version?); `bench list settings` shows all"},
        {"tls.", "1.2", "unknown key; `bench list settings` shows all"},
        {"tls.min_version.x", "1.2",
         "unknown key (did you mean min_version?); `bench list settings` shows all"},
        {"tsl.min_version", "1.2", "unknown mechanism (did you mean tls?); known are "},
        {"scenario.seed", "1", "unknown mechanism; known are "},
        {"tls.min_version", "1.1", "'1.1' is none of: 1.2 1.3"},
        {"use", "tls tls", "names 'tls' twice"},
        {"password.secret", "hunter2",
         "a secret is never written here; right would be `generated` or file:PATH"},
        {"password.secret",
         "file:", "a secret is never written here; right would be `generated` or file:PATH"},
    };
    struct channel channel;

    (void)state;
    channel_init(&channel, "c", workshop_registry());
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct error error = {""};

        if (channel_assign(&channel, wrong[i].path, wrong[i].value, &error) != -EINVAL)
            fail_msg("%s = %s was taken", wrong[i].path, wrong[i].value);
        assert_has(error.text, wrong[i].message);
    }
    channel_clear(&channel);
}

static void test_check(void **state) {
    struct channel unknown = workshop_channel("c", "tls teleport");
    struct channel itself = workshop_channel("c", "channel");
    struct channel scenario = workshop_channel("c", "scenario");
    struct error error = {""};

    (void)state;
    assert_int_equal(channel_check(&unknown, &error), -EINVAL);
    assert_string_equal(error.text,
                        "use: unknown mechanism 'teleport'; `bench list mechanisms` shows all");
    assert_int_equal(channel_check(&itself, &error), -EINVAL);
    assert_int_equal(channel_check(&scenario, &error), -EINVAL);
    channel_clear(&unknown);
    channel_clear(&itself);
    channel_clear(&scenario);
}

static int refuse(const struct channel *channel, struct error *error) {
    return error_set(error, -EDOM, "not %s", channel->name);
}

static void test_check_asks_the_registry(void **state) {
    struct registry registry = *workshop_registry();
    struct channel channel;
    struct error error = {""};

    (void)state;
    registry.check_channel = refuse;
    channel_init(&channel, "c", &registry);
    assert_int_equal(channel_check(&channel, &error), -EDOM);
    assert_string_equal(error.text, "not c");
    registry.check_channel = NULL;
    assert_int_equal(channel_check(&channel, &error), 0);
    channel_clear(&channel);
}

static void test_copies_are_independent(void **state) {
    struct channel channel = workshop_channel("first", "tls"), copy;

    (void)state;
    channel_copy(&copy, "second", &channel);
    assert_int_equal(channel_assign(&copy, "use", "password", NULL), 0);
    assert_int_equal(channel_assign(&copy, "tls.groups", "X25519", NULL), 0);
    assert_string_equal(channel.name, "first");
    assert_string_equal(copy.name, "second");
    assert_string_equal(channel_own(&channel)->use, "tls");
    assert_value(&channel, "tls", "groups", "");
    channel_clear(&channel);
    channel_clear(&channel); /* a second time does no harm */
    assert_value(&copy, "tls", "groups", "X25519");
    channel_clear(&copy);
}

static void test_json_round_trip(void **state) {
    static const char *const uses[] = {"", "password", "tls certificate",
                                       "tls certificate password"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
        struct channel channel = workshop_channel("round-trip", uses[i]), again;
        json_auto_t *object = NULL, *second = NULL;

        assert_int_equal(channel_assign(&channel, "password.user", "someone", NULL), 0);
        object = channel_to_json(&channel);
        assert_int_equal(channel_from_json(&again, workshop_registry(), object, NULL), 0);
        second = channel_to_json(&again);
        assert_true(json_equal(object, second));
        assert_string_equal(again.name, "round-trip");
        assert_string_equal(channel_own(&again)->use, uses[i]);
        assert_value(&again, "password", "user",
                     channel_uses(&channel, "password") ? "someone" : "User1");
        channel_clear(&channel);
        channel_clear(&again);
    }
}

/* Only the blocks in use travel. */
static void test_json_has_what_is_in_use(void **state) {
    struct channel channel = workshop_channel("c", "password");
    json_auto_t *object = channel_to_json(&channel);
    const json_t *blocks = json_object_get(object, "settings");

    (void)state;
    assert_int_equal(json_object_size(blocks), 2);
    assert_non_null(json_object_get(blocks, "channel"));
    assert_non_null(json_object_get(blocks, "password"));
    channel_clear(&channel);
}

static void assert_bad_json(const char *text, const char *message) {
    json_auto_t *object = json_loads(text, 0, NULL);
    struct channel channel;
    struct error error = {""};

    assert_non_null(object);
    if (channel_from_json(&channel, workshop_registry(), object, &error) >= 0)
        fail_msg("%s was taken", text);
    assert_string_equal(error.text, message);
}

static void test_bad_json(void **state) {
    (void)state;
    assert_bad_json("{}", "not a channel: name or settings are missing");
    assert_bad_json("{\"name\": \"c\"}", "not a channel: name or settings are missing");
    assert_bad_json("{\"name\": 7, \"settings\": {}}",
                    "not a channel: name or settings are missing");
    assert_bad_json("{\"name\": \"c\", \"settings\": []}",
                    "not a channel: name or settings are missing");
    assert_bad_json("{\"name\": \"c\", \"settings\": {\"hosts\": {}}}",
                    "unknown mechanism 'hosts'");
    assert_bad_json("{\"name\": \"c\", \"settings\": {\"password\": {\"user\": \"u\"}}}",
                    "password: 1 values where 2 belong");
    assert_bad_json("{\"name\": \"c\", \"settings\": {\"password\": "
                    "{\"user\": \"u\", \"secret\": \"plain\"}}}",
                    "password.secret: a secret is never written here; right would be `generated` "
                    "or file:PATH");
}

static void test_registry(void **state) {
    const struct registry *registry = workshop_registry();
    unsigned scopes = 1u << SETTING_SCENARIO | 1u << SETTING_PROBE;
    CLEANUP_FREE char *names = registry_names(registry, SETTING_PROBE, "probe.");
    const struct setting_group *group;

    (void)state;
    assert_string_equal(
        names,
        "path, transport, transport-per-unit, delivery, latency, connect, hold, storm, fleet");
    assert_string_equal(registry_find(registry, scopes, "probe.path.duration", &group)->key,
                        "duration");
    assert_string_equal(group->name, "probe.path");
    assert_null(registry_find(registry, scopes, "hosts.x.y", &group));
    assert_string_equal(group->name, "hosts");
    assert_null(registry_find(registry, scopes, "probe.pathx.duration", &group));
    assert_null(group);
    assert_null(registry_find(registry, scopes, "hosts", &group));
    assert_null(registry_find(registry, scopes, "tls.groups", &group));
    assert_null(group);
    assert_null(registry_group(registry, SETTING_CHANNEL, "hosts"));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_channel),
        cmocka_unit_test(test_assign),
        cmocka_unit_test(test_assign_refuses),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_check_asks_the_registry),
        cmocka_unit_test(test_copies_are_independent),
        cmocka_unit_test(test_json_round_trip),
        cmocka_unit_test(test_json_has_what_is_in_use),
        cmocka_unit_test(test_bad_json),
        cmocka_unit_test(test_registry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
