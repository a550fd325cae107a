/* Members of a fleet, as each mechanism makes them: a real broker knows those that there are, and
 * nobody beyond. */
#include "broker/broker.h"
#include "broker/mosquitto.h"
#include "emulator.h"
#include "mqtt/client.h"
#include "peer.h"
#include "security/secret.h"
#include "transport/attempt.h"

#include "base/clock.h"
#include "base/process.h"

#define CLIENTS 25

#define DERIVED_17 "e320e6b232076d4ab5a2e52f0fa725d9e3156d7550865e034fcc8abfa15afe60"

/* ---- what is a member's own of a secret ---- */

/* HMAC-SHA256 as `openssl dgst -sha256 -hmac key` has it of "password 17". */
static void test_derived(void **state) {
    CLEANUP(secret_freep) char *one = secret_derive("key", "password", 17, 32);
    CLEANUP(secret_freep) char *part = secret_derive("key", "password", 17, 12);
    CLEANUP(secret_freep) char *next = secret_derive("key", "password", 18, 32);
    CLEANUP(secret_freep) char *other = secret_derive("kez", "password", 17, 32);
    CLEANUP(secret_freep) char *elsewhere = secret_derive("key", "psk", 17, 32);

    (void)state;
    assert_string_equal(one, DERIVED_17);
    assert_int_equal(strlen(part), 24);
    assert_int_equal(strncmp(one, part, 24), 0);
    assert_string_not_equal(one, next);
    assert_string_not_equal(one, other);
    assert_string_not_equal(one, elsewhere);
}

/* ---- at a broker ---- */

static const struct {
    const char *use;
    const char *path, *value; /* a setting, or NULL */
    const char *refused;      /* why the broker does not let in one too many; NULL: it does */
} channels[] = {
    {"", NULL, NULL, NULL},
    {"password", NULL, NULL, "connack 5"},
    {"password", "password.user", "%c", "connack 5"},
    {"tls", NULL, NULL, NULL},
    {"tls password", "password.user", "dev-%c", "connack 5"},
    {"psk", NULL, NULL, "alert 115"},
    {"psk", "psk.key_size", "16B", "alert 115"},
    {"client-id", NULL, NULL, "connack 5"},
    {"client-id password", "client-id.form", "name", "connack 5"},
    {"password acl", "acl.by", "file", "connack 5"},
    {"password acl", "acl.by", "plugin", "connack 5"},
    {"password acl", "acl.by", "dynamic-security", "connack 5"},
    {"tls certificate", "certificate.revocation", "crl", NULL},
    {"tls certificate password", "tls.max_version", "1.3", NULL},
    {"token", NULL, NULL, NULL}, /* who has the key makes tokens for any identifier */
    {"token password", NULL, NULL, NULL},
    {"payload", NULL, NULL, NULL},
};

static void examine(const struct bringup *bringup, const struct broker *broker, int64_t member,
                    const char *refused) {
    CLEANUP(client_config_freep)
    struct client_config *config =
        broker_member_config(bringup, member, "127.0.0.1", broker_port(broker));
    CLEANUP_FREE char *accepted = text_copy("connack 0");
    struct attempt attempt;
    struct error error;

    if (attempt_make(config, NULL, &attempt, &error) < 0)
        fail_msg("%s", error.text);
    if (strncmp(attempt.cause, refused ? refused : accepted, strlen(refused ? refused : accepted)))
        fail_msg("use = %s: member %lld: %s", channel_own(bringup->channel)->use, (long long)member,
                 attempt.cause);
}

/* Members are who they are on whatever host and in whatever process. */
static void examine_parties(const struct bringup *bringup, const struct broker *broker) {
    for (enum party who = PARTY_CLIENT1; who <= PARTY_CLIENT2; who++) {
        CLEANUP(client_config_freep)
        struct client_config *config =
            broker_client_config(bringup, who, "127.0.0.1", broker_port(broker));
        struct attempt attempt;
        struct error error;

        if (attempt_make(config, NULL, &attempt, &error) < 0)
            fail_msg("%s", error.text);
        assert_true(attempt.accepted);
    }
}

static void keep_topic(void *context, const char *topic, const void *payload, size_t length) {
    char **topics = context;

    (void)payload;
    (void)length;
    text_append(topics, " ", topic);
}

static void publish(struct mqtt_client *client, const char *topic) {
    int64_t completed = mqtt_client_completed(client);
    struct error error;

    if (mqtt_client_publish(client, topic, "x", 1, 1, &error) < 0 ||
        mqtt_client_flush(client, completed + 1, DEADLINE_NS, &error) < 0)
        fail_msg("%s: %s", topic, error.text);
}

/* A member publishes to its own topic; with rules, to no other, and not to client2's either. */
static void examine_topics(const struct bringup *bringup, const struct broker *broker,
                           bool has_acl) {
    static const char own[] = FLEET_TOPIC "/7-1/0/24", next[] = FLEET_TOPIC "/7-1/0/23",
                      telemetry[] = "bench/telemetry";
    CLEANUP(client_config_freep)
    struct client_config *member =
        broker_member_config(bringup, CLIENTS - 1, "127.0.0.1", broker_port(broker));
    CLEANUP(client_config_freep)
    struct client_config *reader =
        broker_client_config(bringup, PARTY_CLIENT1, "127.0.0.1", broker_port(broker));
    CLEANUP(mqtt_client_freep) struct mqtt_client *publisher = NULL;
    CLEANUP(mqtt_client_freep) struct mqtt_client *subscriber = NULL;
    CLEANUP_FREE char *topics = text_copy("");
    int64_t deadline = deadline_from_now();
    struct error error;

    if (mqtt_client_connect(&subscriber, reader, keep_topic, &topics, &error) < 0 ||
        mqtt_client_subscribe(subscriber, FLEET_TOPIC "/7-1/0/+", 1, &error) < 0 ||
        mqtt_client_subscribe(subscriber, telemetry, 1, &error) < 0 ||
        mqtt_client_connect(&publisher, member, NULL, NULL, &error) < 0)
        fail_msg("use = %s: %s", channel_own(bringup->channel)->use, error.text);
    publish(publisher, next);
    publish(publisher, telemetry);
    publish(publisher, own);
    while (!text_has_word(topics, own) && clock_monotonic_ns() < deadline)
        assert_int_equal(mqtt_client_turn(subscriber, 100, &error), 0);
    assert_string_equal(topics, has_acl ? FLEET_TOPIC "/7-1/0/24"
                                        : FLEET_TOPIC "/7-1/0/23 bench/telemetry " FLEET_TOPIC
                                                      "/7-1/0/24");
}

static void try_channel(size_t i) {
    const struct broker_settings settings = {.max_inflight = 20, .connection_messages = 1};
    const struct fleet_plan fleet = {.clients = CLIENTS};
    struct channel channel = workshop_channel("mine", channels[i].use);
    bool has_acl = channel_uses(&channel, "acl");
    struct issuer issuer = {.certs = peer_certs,
                            .addresses = "127.0.0.1",
                            .validity_ns = 86400 * INT64_C(1000000000),
                            .telemetry_topic = "bench/telemetry",
                            .fleet = &fleet,
                            .secrets = json_object()};
    struct bringup bringup = {
        .channel = &channel, .certs = peer_certs, .secrets = issuer.secrets, .fleet = &fleet};
    CLEANUP(broker_stopp) struct broker *broker = NULL;
    struct error error;

    if (channels[i].path && channel_assign(&channel, channels[i].path, channels[i].value, &error))
        fail_msg("%s", error.text);
    if (has_acl && channel_assign(&channel, "password.user", "%c", &error) < 0)
        fail_msg("%s", error.text);
    if (broker_check_channel(&channel, &error) < 0 ||
        broker_check_fleet(&channel, &fleet, &error) < 0 ||
        mechanism_issue(&channel, &issuer, &error) < 0 ||
        broker_start(&broker, &bringup, "127.0.0.1", &settings, &error) < 0)
        fail_msg("use = %s: %s", channels[i].use, error.text);
    examine(&bringup, broker, 0, NULL);
    examine(&bringup, broker, CLIENTS - 1, NULL);
    if (!channel_uses(&channel, "certificate")) /* else it has no certificate to try with */
        examine(&bringup, broker, CLIENTS, channels[i].refused);
    examine_parties(&bringup, broker);
    examine_topics(&bringup, broker, has_acl);
    json_decref(issuer.secrets);
    channel_clear(&channel);
}

static void test_real_broker(void **state) {
    CLEANUP_FREE char *program = NULL;

    (void)state;
    if (under_emulator("a broker of this machine has no use for foreign plugins") ||
        process_find(&program, "mosquitto", NULL) < 0)
        skip();
    for (size_t i = 0; i < ARRAY_SIZE(channels); i++)
        try_channel(i);
}

/* With certificates of their own each shows another; with shared ones, client2's. */
static void test_certificates(void **state) {
    struct fleet_plan fleet = {.clients = CLIENTS};
    struct channel channel = workshop_channel("mine", "tls certificate");
    struct bringup bringup = {.channel = &channel, .certs = "/c", .fleet = &fleet};

    (void)state;
    for (fleet.certificates = FLEET_OWN; fleet.certificates <= FLEET_SHARED; fleet.certificates++) {
        CLEANUP(client_config_freep)
        struct client_config *config = broker_member_config(&bringup, 7, "127.0.0.1", 1883);
        bool is_own = fleet.certificates == FLEET_OWN;

        assert_string_equal(config->client_id, "client2-m7");
        assert_string_equal(config->tls.ca_file, "/c/client2/ca.crt");
        assert_string_equal(config->tls.cert_file,
                            is_own ? "/c/client2/fleet/m7.pem" : "/c/client2/client2.crt");
        assert_string_equal(config->tls.key_file,
                            is_own ? "/c/client2/fleet/m7.pem" : "/c/client2/client2.key");
    }
    channel_clear(&channel);
}

/* ---- who cannot ---- */

static void test_refused(void **state) {
    static const struct {
        const char *use, *path, *value;
        struct fleet_plan fleet;
        const char *words; /* NULL: it can */
    } cases[] = {
        {"psk", "psk.identity", "IDENTITY_120", {.clients = 1000}, NULL},
        {"psk", "psk.identity", "IDENTITY_124", {.clients = 1000}, "psk.identity: is too long"},
        {"tls certificate",
         "certificate.key_store",
         "pkcs11",
         {.clients = 2},
         "certificate.key_store: a token has no room"},
        {"tls certificate",
         "certificate.key_store",
         "pkcs11",
         {.clients = 2, .certificates = FLEET_SHARED},
         NULL},
        {"tls", "tls.key_store", "pkcs11", {.clients = 2}, NULL},
        {"password acl", "acl.by", "file", {.clients = 20001}, "acl.by: Mosquitto's file takes"},
        {"password acl", "acl.by", "plugin", {.clients = 20001}, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct channel channel = workshop_channel("mine", cases[i].use);
        const char *value = cases[i].value;
        CLEANUP_FREE char *identity =
            text_format("%0*d", *value == 'I' ? atoi(strchr(value, '_') + 1) : 0, 7);
        struct error error = {""};
        int r;

        assert_int_equal(
            channel_assign(&channel, cases[i].path, *value == 'I' ? identity : value, NULL), 0);
        r = broker_check_fleet(&channel, &cases[i].fleet, &error);
        if (r != (cases[i].words ? -EINVAL : 0) ||
            (cases[i].words && strncmp(error.text, cases[i].words, strlen(cases[i].words)) != 0))
            fail_msg("case %zu: %d %s", i, r, error.text);
        channel_clear(&channel);
    }
}

static void test_external(void **state) {
    const struct fleet_plan fleet = {.clients = CLIENTS};
    struct channel channel = workshop_channel("mine", "external");
    struct error error;

    (void)state;
    assert_int_equal(broker_check_fleet(&channel, &fleet, &error), -EINVAL);
    assert_string_equal(error.text,
                        "use: external: somebody else's broker does not know its members, and can "
                        "neither be started anew nor asked for its memory; leave the channel out "
                        "(--channels), or hold, storm and fleet (--probes)");
    channel_clear(&channel);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_derived),      cmocka_unit_test(test_real_broker),
        cmocka_unit_test(test_certificates), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_external),
    };

    return cmocka_run_group_tests(tests, peer_set_up, peer_tear_down);
}
