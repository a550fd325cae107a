/* security/token, its scheme, and credentials: which tokens are right, and what a client shows. */
#include "workshop.h"

#include "base/clock.h"
#include "security/token.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#define KEY    "0123456789abcdef0123456789abcdef"
#define NOW_NS INT64_C(1795392000000000000)

static void make(const char *client_id, int64_t time_ns, char ret[TOKEN_TEXT_SIZE]) {
    assert_int_equal(token_make(KEY, client_id, time_ns, ret), 0);
}

/* ---- scheme ---- */

/* The code is HMAC-SHA-256 of what stands before it and the client id. */
static void test_format(void **state) {
    char token[TOKEN_TEXT_SIZE], message[TOKEN_TEXT_SIZE], digits[65];
    unsigned char code[32];

    (void)state;
    make("client2", NOW_NS, token);
    assert_int_equal(strlen(token), 19 + 1 + 32 + 1 + 64);
    assert_int_equal(strncmp(token, "1795392000000000000.", 20), 0);
    (void)snprintf(message, sizeof(message), "%.53sclient2", token);
    assert_non_null(HMAC(EVP_sha256(), KEY, (int)strlen(KEY), (const unsigned char *)message,
                         strlen(message), code, NULL));
    for (size_t i = 0; i < sizeof(code); i++)
        (void)snprintf(digits + 2 * i, 3, "%02X", code[i]);
    assert_string_equal(token + 53, digits);
}

static void test_round_trip(void **state) {
    static const char *const ids[] = {"client2", "", "client2-delivery", "\xd2\x9b\xd0\xb0.7",
                                      "a.b.c"};
    static const int64_t times[] = {1, NOW_NS, INT64_MAX};
    struct token_facts facts, others;
    char token[TOKEN_TEXT_SIZE], other[TOKEN_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
        for (size_t j = 0; j < ARRAY_SIZE(times); j++) {
            make(ids[i], times[j], token);
            make(ids[i], times[j], other);
            assert_true(token_read(KEY, ids[i], token, &facts));
            assert_true(token_read(KEY, ids[i], other, &others));
            assert_true(facts.time_ns == times[j]);
            assert_memory_not_equal(facts.nonce, others.nonce, sizeof(facts.nonce));
        }
}

static void test_forged(void **state) {
    struct token_facts facts;
    char token[TOKEN_TEXT_SIZE];

    (void)state;
    make("client2", NOW_NS, token);
    assert_false(token_read("another key", "client2", token, &facts));
    assert_false(token_read("", "client2", token, &facts));
    assert_false(token_read(KEY, "client1", token, &facts));
    assert_false(token_read(KEY, "client2-delivery", token, &facts));
    assert_false(token_read(KEY, "", token, &facts));
    assert_true(token_read(KEY, "client2", token, &facts));
}

/* Every other character in every place, everything cut off, and everything put behind. */
static void test_changed(void **state) {
    struct token_facts facts;
    char token[TOKEN_TEXT_SIZE], changed[TOKEN_TEXT_SIZE];
    size_t length;

    (void)state;
    make("client2", NOW_NS, token);
    length = strlen(token);
    for (size_t at = 0; at < length; at++)
        for (int c = 0; c < 256; c++) {
            memcpy(changed, token, sizeof(changed));
            changed[at] = (char)c;
            if (changed[at] != token[at] && token_read(KEY, "client2", changed, &facts))
                fail_msg("accepted: %s", changed);
        }
    for (int c = 1; c < 256; c++) {
        (void)snprintf(changed, sizeof(changed), "%s%c", token, c);
        assert_false(token_read(KEY, "client2", changed, &facts));
        (void)snprintf(changed, sizeof(changed), "%c%s", c, token);
        assert_false(token_read(KEY, "client2", changed, &facts));
    }
}

/* What is no token at all, in pieces that tokens are made of and without. */
static void test_garbage(void **state) {
    static const char letters[] = "0123456789ABCDEF.-+% x\xff\x01";
    struct token_facts facts;
    unsigned char random[TOKEN_TEXT_SIZE];
    char text[TOKEN_TEXT_SIZE];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        size_t length;

        assert_int_equal(RAND_bytes(random, sizeof(random)), 1);
        length = random[0] % sizeof(text);
        for (size_t j = 0; j < length; j++)
            text[j] = i % 2 ? (char)random[j] : letters[random[j] % (sizeof(letters) - 1)];
        text[length] = '\0';
        assert_false(token_read(KEY, "client2", text, &facts));
    }
}

static void test_long_client_id(void **state) {
    CLEANUP_FREE char *id = text_format("%02000d", 7);
    struct token_facts facts;
    char token[TOKEN_TEXT_SIZE];

    (void)state;
    assert_int_equal(token_make(KEY, id, NOW_NS, token), -EIO);
    make("client2", NOW_NS, token);
    assert_false(token_read(KEY, id, token, &facts));
}

/* ---- what a client shows ---- */

static struct client_config *client(const char *username, const char *password, const char *key) {
    struct client_config *config = setting_block_new(&client_config_group);

    text_replace(&config->client_id, "client2");
    client_config_log_in(config, username, password);
    text_replace(&config->token_key, key);
    return config;
}

static void test_credentials(void **state) {
    CLEANUP(client_config_freep) struct client_config *config = client("User1", "s3cret", "");
    CLEANUP(client_config_freep) struct client_config *holder = client("", "", KEY);
    struct credentials first, second;
    struct token_facts facts;
    int64_t now_ns = clock_realtime_ns();

    (void)state;
    assert_int_equal(credentials_now(&first, config, NULL), 0);
    assert_string_equal(first.username, "User1");
    assert_string_equal(first.password, "s3cret");
    assert_int_equal(credentials_now(&first, holder, NULL), 0);
    assert_int_equal(credentials_now(&second, holder, NULL), 0);
    assert_string_equal(first.username, TOKEN_USER);
    assert_string_not_equal(first.password, second.password);
    assert_true(token_read(KEY, "client2", first.password, &facts));
    assert_true(facts.time_ns >= now_ns && facts.time_ns - now_ns < 60 * NS_PER_S);
}

static void test_fixed(void **state) {
    CLEANUP(client_config_freep) struct client_config *config = client("User1", "s3cret", "");
    CLEANUP(client_config_freep) struct client_config *holder = client("", "", KEY);
    struct credentials shown;
    struct token_facts facts;

    (void)state;
    assert_int_equal(credentials_settle(config, NULL), 0); /* shows none */
    assert_string_equal(config->password, "s3cret");
    assert_int_equal(credentials_settle(holder, NULL), 0);
    assert_string_equal(holder->token_key, "");
    assert_int_equal(credentials_now(&shown, holder, NULL), 0);
    assert_true(shown.password == holder->password);
    assert_true(token_read(KEY, "client2", shown.password, &facts));
    client_config_log_in(holder, holder->username, holder->username); /* texts of its own */
    assert_string_equal(holder->password, TOKEN_USER);
}

static void test_no_token_to_be_had(void **state) {
    CLEANUP(client_config_freep) struct client_config *holder = client("", "", KEY);
    struct credentials shown;
    struct error error = {""};

    (void)state;
    free(holder->client_id);
    holder->client_id = text_format("%02000d", 7);
    assert_int_equal(credentials_now(&shown, holder, &error), -EIO);
    assert_has(error.text, "no token for 0000");
    assert_has_not(error.text, KEY);
}

/* ---- the mechanism ---- */

static void test_bringup(void **state) {
    struct channel channel = workshop_channel("c", "password token");
    CLEANUP(workshop_removep) char *folder = workshop_make();
    json_auto_t *secrets =
        json_pack("{s:{s:s},s:{s:s}}", "password", "c", "s3cret", "token", "c", KEY);
    struct bringup bringup = {
        .channel = &channel, .certs = "/c", .folder = folder, .secrets = secrets};
    CLEANUP_FREE char *path = text_format("%s/token-key", folder), *lines = NULL, *content = NULL;
    CLEANUP_FREE char *options =
        text_format("/token.so\nplugin_opt_key_file %s\nplugin_opt_max_age_ns 90000000000\n", path);
    struct error error = {""};
    struct stat status;
    size_t size;
    FILE *out = open_memstream(&lines, &size);

    (void)state;
    assert_int_equal(channel_assign(&channel, "token.max_age", "90s", NULL), 0);
    if (mechanism_token.broker(&bringup, out, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(strncmp(lines, "plugin /", 8), 0);
    assert_has(lines, options);
    assert_has_not(lines, KEY);
    content = workshop_get(folder, "token-key");
    assert_string_equal(content, KEY "\n");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    channel_clear(&channel);
}

/* A token takes the place of a password; a party's other sessions show one of their own. */
static void test_party(void **state) {
    struct channel channel = workshop_channel("c", "password token");
    json_auto_t *secrets =
        json_pack("{s:{s:s},s:{s:s}}", "password", "c", "s3cret", "token", "c", KEY);
    struct bringup bringup = {.channel = &channel, .certs = "/c", .secrets = secrets};
    struct credentials shown;
    struct token_facts facts;

    (void)state;
    for (int party = PARTY_CLIENT1; party <= PARTY_CLIENT2; party++) {
        CLEANUP(client_config_freep)
        struct client_config *config =
            mechanism_client_config(&bringup, (enum party)party, "127.0.0.1", 1883);

        client_config_name_session(config, "delivery");
        assert_string_equal(config->password, "");
        assert_int_equal(credentials_now(&shown, config, NULL), 0);
        assert_true(token_read(KEY, config->client_id, shown.password, &facts));
        assert_false(token_read(KEY, party_name((enum party)party), shown.password, &facts));
    }
    channel_clear(&channel);
}

static void test_clocks(void **state) {
    struct channel with = workshop_channel("with", "token");
    struct channel without = workshop_channel("without", "password");
    struct error error = {""};

    (void)state;
    assert_int_equal(mechanism_check_clocks(&without, INT64_MAX, &error), 0);
    assert_int_equal(mechanism_check_clocks(&with, 150 * NS_PER_S, &error), 0);
    assert_int_equal(mechanism_check_clocks(&with, 151 * NS_PER_S, &error), -EINVAL);
    assert_has(error.text, "clocks are 151.0 s apart, more than token of channel with can stand");
    channel_clear(&with);
    channel_clear(&without);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_forged),
        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_long_client_id),
        cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_no_token_to_be_had),
        cmocka_unit_test(test_bringup),
        cmocka_unit_test(test_party),
        cmocka_unit_test(test_clocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
