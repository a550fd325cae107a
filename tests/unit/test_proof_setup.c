/* probes/proof: what its set-up does against a real broker, with and without something in the way
 * of the messages.
 */
#include "workshop.h"

#include "emulator.h"

#include "base/process.h"
#include "broker/mosquitto.h"
#include "probes/proof.h"

#define FILTER "mine/+"

/* ---- the fixture: a broker, and a client of it ---- */

struct site {
    struct channel channel;
    struct bringup bringup;
    struct broker *broker;
    struct client_config *right;
    struct proof_setup setup;
};

/* NULL where there is no broker. */
static struct site *site_open_by(const char *use, json_t *secrets, const char *acl_by) {
    struct broker_settings settings = {.max_inflight = 20};
    CLEANUP_FREE char *program = NULL;
    struct site *site = memory_new(1, sizeof(*site));
    struct error error;

    site->channel = workshop_channel("mine", use);
    site->bringup = (struct bringup){.channel = &site->channel, .certs = "", .secrets = secrets};
    if (under_emulator("a broker of this machine has no use for foreign plugins") ||
        process_find(&program, "mosquitto", &error) < 0)
        return site;
    if (channel_assign(&site->channel, "password.user", "%c", &error) < 0 ||
        channel_assign(&site->channel, "acl.by", acl_by, &error) < 0 ||
        broker_start(&site->broker, &site->bringup, "127.0.0.1", &settings, &error) < 0)
        fail_msg("%s", error.text);
    site->right = mechanism_client_config(&site->bringup, PARTY_CLIENT2, "127.0.0.1",
                                          broker_port(site->broker));
    site->setup = proof_setup(&site->bringup, site->right);
    return site;
}

static struct site *site_open(const char *use, json_t *secrets) {
    return site_open_by(use, secrets, "file");
}

static void site_close(struct site *site) {
    if (site->broker) {
        broker_stop(site->broker);
        client_config_free(site->right);
    }
    channel_clear(&site->channel);
    free(site);
}
DEFINE_CLEANUP(struct site *, site_close)

static void require(const struct site *site) {
    if (!site->broker)
        skip();
}

static struct client_config *client(const struct site *site, const char *session) {
    struct client_config *config = setting_block_copy(&client_config_group, site->right);

    client_config_name_session(config, session);
    return config;
}

static int exchange(const struct site *site, const struct proof_message *messages, size_t n,
                    int qos, struct proof_exchange_result *ret, struct error *error) {
    CLEANUP(client_config_freep) struct client_config *publisher = client(site, "publisher");
    CLEANUP(client_config_freep) struct client_config *watcher = client(site, "watcher");
    const struct proof_exchange made = {.publisher = publisher,
                                        .watcher = watcher,
                                        .filter = FILTER,
                                        .sentinel = PROOF_SENTINEL,
                                        .messages = messages,
                                        .n_messages = n,
                                        .qos = qos};

    return site->setup.exchange(&made, ret, error);
}

/* ---- the verbs ---- */

static void test_exchange(void **state) {
    static const struct proof_message messages[] = {
        {.topic = "mine/a", .payload = "1", .length = 1},
        {.topic = "others", .payload = "2", .length = 1},
        {.topic = "mine/b", .payload = "", .length = 0},
    };
    CLEANUP(site_closep) struct site *site = site_open("", NULL);
    struct proof_exchange_result result;
    struct error error;

    (void)state;
    require(site);
    for (int qos = 0; qos <= 2; qos++) {
        if (exchange(site, messages, ARRAY_SIZE(messages), qos, &result, &error) < 0)
            fail_msg("QoS %d: %s", qos, error.text);
        assert_true(result.sentinel);
        assert_false(result.refused);
        assert_int_equal(result.arrived, 2);
    }
    assert_int_equal(exchange(site, NULL, 0, 1, &result, &error), 0);
    assert_true(result.sentinel);
    assert_int_equal(result.arrived, 0);
}

/* The broker keeps the connection of whoever publishes what is denied, and reads on: else the
 * sentinel would say nothing. */
static void test_denied_publications(void **state) {
    static const struct proof_message message = {.topic = "mine/a", .payload = "1", .length = 1};
    json_auto_t *secrets = json_pack("{s:{s:s}}", "password", "mine", "s3cret-s3cret");
    CLEANUP(site_closep) struct site *site = site_open("password acl", secrets);
    struct proof_exchange_result result;
    struct error error;

    (void)state;
    require(site);
    for (int qos = 0; qos <= 2; qos++) {
        if (exchange(site, &message, 1, qos, &result, &error) < 0)
            fail_msg("QoS %d: %s", qos, error.text);
        assert_true(result.sentinel);
        assert_int_equal(result.arrived, 0);
    }
}

static void test_refused_subscription(void **state) {
    static const struct proof_message message = {.topic = "mine/a", .payload = "1", .length = 1};
    json_auto_t *secrets = json_pack("{s:{s:s}}", "password", "mine", "s3cret-s3cret");
    CLEANUP(site_closep) struct site *site = NULL;
    struct proof_exchange_result result;
    struct error error;
    char *answer = NULL;

    (void)state;
    site = site_open_by("password acl", secrets, "plugin"); /* Mosquitto's file refuses none */
    require(site);
    assert_int_equal(exchange(site, &message, 1, 1, &result, &error), 0);
    assert_true(result.refused);
    assert_true(result.sentinel);
    assert_int_equal(result.arrived, 0);
    assert_int_equal(site->setup.ask(site->right, &message, "mine/b", &answer, &error), -EACCES);
    assert_null(answer);
}

static void test_ask(void **state) {
    static const struct proof_message request = {.topic = "a/b", .payload = "what?", .length = 5};
    CLEANUP(site_closep) struct site *site = site_open("", NULL);
    CLEANUP_FREE char *answer = NULL;
    struct error error;

    (void)state;
    require(site);
    if (site->setup.ask(site->right, &request, "a/+", &answer, &error) < 0)
        fail_msg("%s", error.text);
    assert_string_equal(answer, "what?"); /* our own request matches, too */
}

static void test_connect(void **state) {
    json_auto_t *secrets = json_pack("{s:{s:s}}", "password", "mine", "s3cret-s3cret");
    CLEANUP(site_closep) struct site *site = site_open("password", secrets);
    char cause[PROOF_TEXT_SIZE];
    struct error error;
    bool accepted;

    (void)state;
    require(site);
    assert_int_equal(site->setup.connect(site->right, &accepted, cause, &error), 0);
    assert_true(accepted);
    assert_string_equal(cause, "connack 0");
    text_replace(&site->right->password, "wrong");
    assert_int_equal(site->setup.connect(site->right, &accepted, cause, &error), 0);
    assert_false(accepted);
    assert_string_equal(cause, "connack 5");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchange),
        cmocka_unit_test(test_denied_publications),
        cmocka_unit_test(test_refused_subscription),
        cmocka_unit_test(test_ask),
        cmocka_unit_test(test_connect),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
