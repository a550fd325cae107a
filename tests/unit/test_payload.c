/* security/payload: who gets which key, what the broker is told, what makes no sense; and
 * payload_client, as clients use it. */
#include "workshop.h"

#include "security/payload.h"

static void set(struct channel *channel, const char *path, const char *value) {
    struct error error;

    if (channel_assign(channel, path, value, &error) < 0)
        fail_msg("%s: %s", path, error.text);
}

/* A channel with its secrets, as the driver has issued them. */
struct world {
    struct channel channel;
    json_t *secrets;
    struct bringup bringup;
};

static void make_world(struct world *world, const char *key, const char *opened_by) {
    struct issuer issuer = {.secrets = json_object(), .validity_ns = 2, .renew_before_ns = 1};
    struct error error = {""};

    world->channel = workshop_channel("mine", "payload");
    set(&world->channel, "payload.key", key);
    set(&world->channel, "payload.opened_by", opened_by);
    set(&world->channel, "payload.cipher", "chacha20-poly1305");
    if (mechanism_issue(&world->channel, &issuer, &error) != 0)
        fail_msg("%s", error.text);
    world->secrets = issuer.secrets;
    world->bringup =
        (struct bringup){.channel = &world->channel, .certs = "/c", .secrets = world->secrets};
}

static void free_world(struct world *world) {
    channel_clear(&world->channel);
    json_decref(world->secrets);
}

static struct client_config *config_of(const struct world *world, enum party party) {
    return mechanism_client_config(&world->bringup, party, "192.0.2.1", 1883);
}

/* ---- words ---- */

/* The enums of seal.h stand for the words in their order. */
static void test_words(void **state) {
    static const char *const ciphers[SEAL_N_CIPHERS] = {
        [SEAL_AES_128_GCM] = "aes-128-gcm",
        [SEAL_AES_256_GCM] = "aes-256-gcm",
        [SEAL_CHACHA20_POLY1305] = "chacha20-poly1305",
    };
    static const char *const keys[SEAL_N_KEYS] = {
        [SEAL_SHARED] = "shared",
        [SEAL_X25519] = "x25519",
        [SEAL_P256] = "ec:P-256",
        [SEAL_RSA_OAEP] = "rsa-oaep",
    };

    (void)state;
    for (int i = 0; i <= SEAL_N_CIPHERS; i++) {
        CLEANUP_FREE char *word = setting_choice_word(PAYLOAD_CIPHER_WORDS, i);

        assert_string_equal(word, i < SEAL_N_CIPHERS ? ciphers[i] : "?");
    }
    for (int i = 0; i <= SEAL_N_KEYS; i++) {
        CLEANUP_FREE char *word = setting_choice_word(PAYLOAD_KEY_WORDS, i);

        assert_string_equal(word, i < SEAL_N_KEYS ? keys[i] : "?");
    }
}

static void test_checks(void **state) {
    static const struct {
        const char *key, *opened_by, *secret, *message;
    } cases[] = {
        {"shared", "subscriber", "generated", ""},
        {"shared", "broker", "file:/there", ""},
        {"x25519", "subscriber", "generated", ""},
        {"x25519", "broker", "generated",
         "payload.opened_by: the broker opens what is sealed with a shared secret; right would be "
         "payload.key = shared, not x25519"},
        {"rsa-oaep", "subscriber", "file:/there",
         "payload.secret: is of payload.key = shared; the key pair of rsa-oaep is always "
         "generated: leave the line out"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct channel channel = workshop_channel("c", "payload");
        struct error error = {""};

        set(&channel, "payload.key", cases[i].key);
        set(&channel, "payload.opened_by", cases[i].opened_by);
        set(&channel, "payload.secret", cases[i].secret);
        assert_int_equal(mechanism_check_channel(&channel, &error),
                         *cases[i].message ? -EINVAL : 0);
        assert_string_equal(error.text, cases[i].message);
        channel_clear(&channel);
    }
}

/* ---- who gets what ---- */

/* The start of the text that a party is given; the broker's client_config never has one. */
static void test_parties(void **state) {
    static const char private[] = "-----BEGIN PRIVATE KEY-----",
                      public[] = "-----BEGIN PUBLIC KEY-----";
    static const struct {
        const char *key, *opened_by;
        const char *seals[2], *opens[2]; /* client1, client2; NULL: the secret */
    } cases[] = {
        {"shared", "subscriber", {NULL, NULL}, {NULL, NULL}},
        {"shared", "broker", {NULL, NULL}, {"", ""}},
        {"x25519", "subscriber", {"", public}, {private, ""}},
        {"ec:P-256", "subscriber", {"", public}, {private, ""}},
        {"rsa-oaep", "subscriber", {"", public}, {private, ""}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct world world;
        const char *secret;
        struct client_config *broker;

        make_world(&world, cases[i].key, cases[i].opened_by);
        secret =
            json_string_value(json_object_get(json_object_get(world.secrets, "payload"), "mine"));
        broker = config_of(&world, PARTY_BROKER);
        assert_string_equal(broker->payload.seals_with, "");
        assert_string_equal(broker->payload.opens_with, "");
        client_config_free(broker);
        for (int j = 0; j < 2; j++) {
            struct client_config *config = config_of(&world, j ? PARTY_CLIENT2 : PARTY_CLIENT1);
            const char *seals = cases[i].seals[j] ? cases[i].seals[j] : secret;
            const char *opens = cases[i].opens[j] ? cases[i].opens[j] : secret;

            assert_int_equal(config->payload.cipher, SEAL_CHACHA20_POLY1305);
            assert_int_equal(strncmp(config->payload.seals_with, seals, strlen(seals)), 0);
            assert_int_equal(strncmp(config->payload.opens_with, opens, strlen(opens)), 0);
            assert_int_equal(!*config->payload.seals_with, !*seals);
            assert_int_equal(!*config->payload.opens_with, !*opens);
            client_config_free(config);
        }
        free_world(&world);
    }
}

static void test_every_channel_has_its_own_secret(void **state) {
    struct world one, other;
    CLEANUP(client_config_freep) struct client_config *a = NULL, *b = NULL;

    (void)state;
    make_world(&one, "shared", "subscriber");
    make_world(&other, "shared", "subscriber");
    a = config_of(&one, PARTY_CLIENT1);
    b = config_of(&other, PARTY_CLIENT1);
    assert_int_equal(strlen(a->payload.seals_with), 64);
    assert_string_not_equal(a->payload.seals_with, b->payload.seals_with);
    free_world(&one);
    free_world(&other);
}

/* ---- the broker ---- */

static char *broker_lines(struct world *world, const char *folder) {
    struct error error = {""};
    char *text = NULL;
    size_t size;
    FILE *lines = open_memstream(&text, &size);

    world->bringup.folder = folder;
    if (mechanism_payload.broker(&world->bringup, lines, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(fclose(lines), 0);
    return text;
}

static void test_broker(void **state) {
    CLEANUP(workshop_removep) char *folder = workshop_make();
    CLEANUP_FREE char *path = text_format("%s/payload-secret", folder);
    CLEANUP_FREE char *option = text_format("\nplugin_opt_secret_file %s\n", path);
    CLEANUP_FREE char *nothing = NULL, *lines = NULL, *kept = NULL, *expected = NULL;
    struct world end_to_end, opened;
    CLEANUP(client_config_freep) struct client_config *config = NULL;
    struct stat status;

    (void)state;
    make_world(&end_to_end, "shared", "subscriber");
    nothing = broker_lines(&end_to_end, folder);
    assert_string_equal(nothing, "");
    make_world(&opened, "shared", "broker");
    lines = broker_lines(&opened, folder);
    assert_int_equal(strncmp(lines, "plugin /", 8), 0);
    assert_has(lines, "/payload.so\nplugin_opt_cipher 2\n");
    assert_has(lines, option);
    config = config_of(&opened, PARTY_CLIENT2);
    assert_has_not(lines, config->payload.seals_with);
    kept = workshop_get(folder, "payload-secret");
    expected = text_format("%s\n", config->payload.seals_with);
    assert_string_equal(kept, expected);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    free_world(&end_to_end);
    free_world(&opened);
}

/* ---- as clients use it ---- */

static struct payload_client *client_of(const struct client_config *config) {
    struct payload_client *client = NULL;
    struct error error;

    if (payload_client_new(&client, &config->payload, &error) < 0)
        fail_msg("%s", error.text);
    return client;
}

static void assert_message(const void *payload, size_t length, const char *text) {
    assert_int_equal(length, strlen(text));
    assert_memory_equal(payload, text, length);
}

static void check_clients(const char *key) {
    struct world world;
    CLEANUP(client_config_freep) struct client_config *to = NULL, *from = NULL;
    CLEANUP(payload_client_freep) struct payload_client *subscriber = NULL, *publisher = NULL;
    CLEANUP_FREE char *words = NULL;
    const void *payload = "a message", *sealed;
    size_t length = strlen(payload), sealed_length;

    make_world(&world, key, "subscriber");
    to = config_of(&world, PARTY_CLIENT1);
    from = config_of(&world, PARTY_CLIENT2);
    subscriber = client_of(to);
    publisher = client_of(from);
    assert_true(subscriber->opener);
    assert_int_equal(payload_client_seal(publisher, "t", &payload, &length, NULL), 0);
    assert_int_equal(length, 9 + publisher->overhead);
    assert_true(length > 9);
    sealed = payload;
    sealed_length = length;
    assert_true(payload_client_open(subscriber, "t", &payload, &length));
    assert_message(payload, length, "a message");
    assert_false(payload_client_open(subscriber, "t", &sealed, &sealed_length)); /* again */
    assert_false(payload_client_open(subscriber, "u", &sealed, &sealed_length)); /* elsewhere */
    payload = "in clear";
    length = strlen(payload);
    assert_false(payload_client_open(subscriber, "t", &payload, &length));
    words = payload_rejected_words(subscriber->rejected);
    assert_string_equal(words, "1 not sealed, 1 changed or of another key, 1 replayed");
    assert_int_equal(payload_check_rejected(subscriber->rejected, NULL), -EBADMSG);
    assert_int_equal(payload_check_rejected((int64_t[SEAL_N_VERDICTS]){[SEAL_REPLAYED] = 1}, NULL),
                     0);
    free_world(&world);
}

static void test_clients(void **state) {
    (void)state;
    check_clients("shared");
    check_clients("x25519");
    check_clients("ec:P-256");
    check_clients("rsa-oaep");
}

/* The subscriber of a pair answers in clear, and its publisher takes that. */
static void test_answers_to_a_pair(void **state) {
    struct world world;
    CLEANUP(client_config_freep) struct client_config *to = NULL, *from = NULL;
    CLEANUP(payload_client_freep) struct payload_client *subscriber = NULL, *publisher = NULL;
    const void *payload = "a credit";
    size_t length = strlen(payload);

    (void)state;
    make_world(&world, "x25519", "subscriber");
    to = config_of(&world, PARTY_CLIENT1);
    from = config_of(&world, PARTY_CLIENT2);
    subscriber = client_of(to);
    publisher = client_of(from);
    assert_int_equal(payload_client_seal(subscriber, "t", &payload, &length, NULL), 0);
    assert_message(payload, length, "a credit");
    assert_int_equal(subscriber->overhead, 0);
    assert_false(publisher->opener);
    assert_true(payload_client_open(publisher, "t", &payload, &length));
    assert_message(payload, length, "a credit");
    free_world(&world);
}

/* On one host, client2 may read what it has published. */
static void test_reader(void **state) {
    static const char *const keys[] = {"shared", "x25519"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        struct world world;
        CLEANUP(client_config_freep) struct client_config *reader = NULL, *subscriber = NULL;

        make_world(&world, keys[i], "subscriber");
        reader = config_of(&world, PARTY_CLIENT2);
        subscriber = config_of(&world, PARTY_CLIENT1);
        mechanism_make_reader(&world.bringup, reader);
        assert_string_equal(reader->payload.opens_with, subscriber->payload.opens_with);
        free_world(&world);
    }
}

static void test_bad_keys(void **state) {
    struct payload_config config = {.key = SEAL_X25519, .seals_with = "?", .opens_with = ""};
    struct payload_client *client = NULL;
    struct error error = {""};

    (void)state;
    assert_int_equal(payload_client_new(&client, &config, &error), -EINVAL);
    assert_has(error.text, "payload: no session that seals messages: ");
    config.seals_with = "";
    config.opens_with = "?";
    assert_int_equal(payload_client_new(&client, &config, &error), -EINVAL);
    assert_has(error.text, "payload: no session that opens messages: ");
    assert_null(client);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_parties),
        cmocka_unit_test(test_every_channel_has_its_own_secret),
        cmocka_unit_test(test_broker),
        cmocka_unit_test(test_clients),
        cmocka_unit_test(test_answers_to_a_pair),
        cmocka_unit_test(test_reader),
        cmocka_unit_test(test_bad_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
