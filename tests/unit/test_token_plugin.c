/* plugin/token: what the broker's plugin says to every CONNECT, and to a wrong configuration, and
 * which tokens it remembers. The plugin itself is in here, and the broker around it is this file.
 */
#include "workshop.h"

#include "base/clock.h"
#include "plugin/plugin.c"
#include "plugin/token.c"

#include <openssl/rand.h>

#define KEY    "0123456789abcdef0123456789abcdef"
#define NOW_NS INT64_C(1795392000000000000)
#define AGE_NS (300 * NS_PER_S)

/* ---- the broker ---- */

struct mosquitto {
    const char *id;
};

static MOSQ_FUNC_generic_callback registered;
static void *registered_user;
static char said[4096]; /* the last of the log */

int mosquitto_callback_register(mosquitto_plugin_id_t *id, int event,
                                MOSQ_FUNC_generic_callback callback, const void *data, void *user) {
    (void)id;
    (void)data;
    assert_int_equal(event, MOSQ_EVT_BASIC_AUTH);
    registered = callback;
    registered_user = user;
    return MOSQ_ERR_SUCCESS;
}

int mosquitto_callback_unregister(mosquitto_plugin_id_t *id, int event,
                                  MOSQ_FUNC_generic_callback callback, const void *data) {
    (void)id;
    (void)event;
    (void)data;
    assert_true(callback == registered);
    registered = NULL;
    return MOSQ_ERR_SUCCESS;
}

const char *mosquitto_client_id(const struct mosquitto *client) {
    return client->id;
}

__attribute__((format(printf, 2, 3))) void mosquitto_log_printf(int level, const char *format,
                                                                ...) {
    va_list arguments;

    (void)level;
    va_start(arguments, format);
    (void)vsnprintf(said, sizeof(said), format, arguments);
    va_end(arguments);
}

/* Loads the plugin with a key file of this text (NULL: none) and this age. */
static int load_with(const char *folder, const char *key, const char *age, void **ret_user) {
    CLEANUP_FREE char *path = text_format("%s/key", folder);
    struct mosquitto_opt options[] = {{(char *)(uintptr_t) "key_file", path},
                                      {(char *)(uintptr_t) "max_age_ns", (char *)(uintptr_t)age}};

    *said = '\0';
    *ret_user = NULL;
    if (key)
        workshop_put(folder, "key", key);
    return mosquitto_plugin_init(NULL, ret_user, options, age ? 2 : 1);
}

static int show(const char *client_id, const char *username, const char *password) {
    struct mosquitto client = {client_id};
    struct mosquitto_evt_basic_auth event = {.client = &client,
                                             .username = (char *)(uintptr_t)username,
                                             .password = (char *)(uintptr_t)password};

    *said = '\0';
    return registered(MOSQ_EVT_BASIC_AUTH, &event, registered_user);
}

/* ---- CONNECTs ---- */

static void test_version(void **state) {
    static const int versions[] = {4, 5}, older[] = {2, 3, 4};

    (void)state;
    assert_int_equal(mosquitto_plugin_version(2, versions), 5);
    assert_int_equal(mosquitto_plugin_version(3, older), -1);
    assert_int_equal(mosquitto_plugin_version(0, NULL), -1);
}

static void test_wrong_configurations(void **state) {
    static const struct {
        const char *key, *age, *words;
    } cases[] = {
        {NULL, "1000000000", "Error: plugin token: key_file: No such file"},
        {"", "1000000000", "Error: plugin token: key_file: holds no key"},
        {"\nx\n", "1000000000", "Error: plugin token: key_file: holds no key"},
        {KEY "\n", NULL, "Error: plugin token: max_age_ns: must be a number above 0"},
        {KEY "\n", "0", "max_age_ns"},
        {KEY "\n", "-5", "max_age_ns"},
        {KEY "\n", "soon", "max_age_ns"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(workshop_removep) char *folder = workshop_make();
        void *user;

        assert_int_equal(load_with(folder, cases[i].key, cases[i].age, &user), MOSQ_ERR_INVAL);
        assert_null(user);
        assert_has(said, cases[i].words);
        assert_has_not(said, KEY);
    }
    assert_int_equal(mosquitto_plugin_cleanup(NULL, NULL, 0), MOSQ_ERR_SUCCESS);
}

static void test_judges(void **state) {
    CLEANUP(workshop_removep) char *folder = workshop_make();
    char token[TOKEN_TEXT_SIZE], old[TOKEN_TEXT_SIZE], early[TOKEN_TEXT_SIZE],
        other[TOKEN_TEXT_SIZE];
    void *user;

    (void)state;
    assert_int_equal(load_with(folder, KEY "\n", "60000000000", &user), MOSQ_ERR_SUCCESS);
    assert_int_equal(token_make(KEY, "client2", now_ns(), token), 0);
    assert_int_equal(token_make(KEY, "client2", now_ns() - 61000000000, old), 0);
    assert_int_equal(token_make(KEY, "client2", now_ns() + 120000000000, early), 0);
    assert_int_equal(token_make("x" KEY, "client2", now_ns(), other), 0);

    assert_int_equal(show("client1", TOKEN_USER, token), MOSQ_ERR_AUTH);
    assert_has(said, "client1 is none");
    assert_int_equal(show("client2", TOKEN_USER, token), MOSQ_ERR_SUCCESS);
    assert_int_equal(show("client2", TOKEN_USER, token), MOSQ_ERR_AUTH);
    assert_has(said, "was used before");
    assert_int_equal(show("client2", TOKEN_USER, old), MOSQ_ERR_AUTH);
    assert_has(said, "is too old");
    assert_int_equal(show("client2", TOKEN_USER, early), MOSQ_ERR_AUTH);
    assert_has(said, "is of the future");
    assert_int_equal(show("client2", TOKEN_USER, other), MOSQ_ERR_AUTH);
    assert_has_not(said, other);
    assert_int_equal(mosquitto_plugin_cleanup(user, NULL, 0), MOSQ_ERR_SUCCESS);
    assert_null(registered);
}

/* Who shows no token is left to others; also with a token, under another name. */
static void test_defers(void **state) {
    CLEANUP(workshop_removep) char *folder = workshop_make();
    char token[TOKEN_TEXT_SIZE];
    void *user;

    (void)state;
    assert_int_equal(load_with(folder, KEY, "60000000000", &user), MOSQ_ERR_SUCCESS);
    assert_int_equal(token_make(KEY, "client2", now_ns(), token), 0);
    assert_int_equal(show("client2", NULL, NULL), MOSQ_ERR_PLUGIN_DEFER);
    assert_int_equal(show("client2", NULL, token), MOSQ_ERR_PLUGIN_DEFER);
    assert_int_equal(show("client2", "", token), MOSQ_ERR_PLUGIN_DEFER);
    assert_int_equal(show("client2", "User1", "s3cret"), MOSQ_ERR_PLUGIN_DEFER);
    assert_int_equal(show("client2", TOKEN_USER "x", token), MOSQ_ERR_PLUGIN_DEFER);
    assert_int_equal(mosquitto_plugin_cleanup(user, NULL, 0), MOSQ_ERR_SUCCESS);
}

static void test_any_connect(void **state) {
    CLEANUP(workshop_removep) char *folder = workshop_make();
    CLEANUP_FREE char *wide = memory_new(65536, 1), *text = memory_new(600, 1);
    void *user;

    (void)state;
    memset(wide, '1', 65535);
    assert_int_equal(load_with(folder, KEY, "60000000000", &user), MOSQ_ERR_SUCCESS);
    assert_int_equal(show("client2", TOKEN_USER, NULL), MOSQ_ERR_AUTH);
    assert_int_equal(show("client2", TOKEN_USER, ""), MOSQ_ERR_AUTH);
    assert_int_equal(show("client2", TOKEN_USER, wide), MOSQ_ERR_AUTH);
    assert_int_equal(show(wide, TOKEN_USER, wide), MOSQ_ERR_AUTH);
    assert_int_equal(show(NULL, TOKEN_USER, "x"), MOSQ_ERR_AUTH);
    assert_int_equal(show("%s%n%s", TOKEN_USER, "%s%n%s"), MOSQ_ERR_AUTH);
    for (int i = 0; i < 20000; i++) {
        assert_int_equal(RAND_bytes((unsigned char *)text, 599), 1);
        assert_int_equal(show(text + 300, TOKEN_USER, text), MOSQ_ERR_AUTH);
    }
    assert_int_equal(mosquitto_plugin_cleanup(user, NULL, 0), MOSQ_ERR_SUCCESS);
}

/* ---- memory ---- */

static struct token_facts facts_of(int64_t time_ns, uint64_t number) {
    struct token_facts facts = {.time_ns = time_ns, .nonce = {0}};

    memcpy(facts.nonce, &number, sizeof(number));
    return facts;
}

static enum verdict show_at(struct memory *memory, int64_t time_ns, uint64_t number,
                            int64_t now_ns) {
    struct token_facts facts = facts_of(time_ns, number);

    return memory_judge(memory, &facts, now_ns);
}

static struct memory new_memory(int64_t max_age_ns, size_t most) {
    struct memory memory;

    assert_true(memory_init(&memory, max_age_ns, most));
    return memory;
}

static void test_once(void **state) {
    struct memory memory = new_memory(AGE_NS, 100000);

    (void)state;
    for (uint64_t i = 0; i < 20000; i++)
        assert_int_equal(show_at(&memory, NOW_NS, i, NOW_NS), TOKEN_FRESH);
    for (uint64_t i = 0; i < 20000; i++)
        assert_int_equal(show_at(&memory, NOW_NS, i, NOW_NS + AGE_NS), TOKEN_REPLAYED);
    assert_int_equal(memory.count, 20000);
    free(memory.slots);
}

static void test_age(void **state) {
    struct memory memory = new_memory(AGE_NS, 1000);

    (void)state;
    assert_int_equal(show_at(&memory, NOW_NS - AGE_NS, 1, NOW_NS), TOKEN_FRESH);
    assert_int_equal(show_at(&memory, NOW_NS - AGE_NS - 1, 2, NOW_NS), TOKEN_STALE);
    assert_int_equal(show_at(&memory, NOW_NS + AGE_NS, 3, NOW_NS), TOKEN_FRESH);
    assert_int_equal(show_at(&memory, NOW_NS + AGE_NS + 1, 4, NOW_NS), TOKEN_EARLY);
    assert_int_equal(show_at(&memory, INT64_MAX, 5, NOW_NS), TOKEN_EARLY);
    assert_int_equal(show_at(&memory, 0, 6, NOW_NS), TOKEN_STALE);
    assert_int_equal(show_at(&memory, INT64_MIN, 7, NOW_NS), TOKEN_STALE);
    /* As long as it would be believed, it is remembered. */
    assert_int_equal(show_at(&memory, NOW_NS + AGE_NS, 3, NOW_NS + 2 * AGE_NS), TOKEN_REPLAYED);
    assert_int_equal(show_at(&memory, NOW_NS + AGE_NS, 3, NOW_NS + 2 * AGE_NS + 1), TOKEN_STALE);
    free(memory.slots);
}

/* A clock that was not set says 1970. */
static void test_beginning_of_time(void **state) {
    struct memory memory = new_memory(AGE_NS, 1000);

    (void)state;
    assert_int_equal(show_at(&memory, 1, 1, 2), TOKEN_FRESH);
    assert_int_equal(show_at(&memory, 1, 1, 2), TOKEN_REPLAYED);
    assert_int_equal(show_at(&memory, 0, 1, 2), TOKEN_STALE);
    free(memory.slots);
}

/* A token a millisecond for an hour: what is remembered stays bounded, and is never forgotten while
 * it counts. */
static void test_bounded(void **state) {
    struct memory memory = new_memory(NS_PER_S, 5000);
    int64_t now_ns = NOW_NS;

    (void)state;
    for (uint64_t i = 0; i < 3600000; i++, now_ns += NS_PER_MS) {
        if (show_at(&memory, now_ns, i, now_ns) != TOKEN_FRESH)
            fail_msg("token %llu was refused", (unsigned long long)i);
        if (i >= 1000 && i % 7 == 0)
            assert_int_equal(show_at(&memory, now_ns - NS_PER_S, i - 1000, now_ns), TOKEN_REPLAYED);
        assert_true(memory.count <= 5000);
    }
    free(memory.slots);
}

static void test_crowded(void **state) {
    struct memory memory = new_memory(AGE_NS, 3000);

    (void)state;
    for (uint64_t i = 0; i < 3000; i++)
        assert_int_equal(show_at(&memory, NOW_NS, i, NOW_NS), TOKEN_FRESH);
    assert_int_equal(show_at(&memory, NOW_NS, 3000, NOW_NS), TOKEN_CROWDED);
    assert_int_equal(show_at(&memory, NOW_NS, 7, NOW_NS), TOKEN_REPLAYED);
    assert_int_equal(show_at(&memory, NOW_NS + AGE_NS + 1, 3001, NOW_NS + AGE_NS + 1), TOKEN_FRESH);
    assert_int_equal(memory.count, 1);
    free(memory.slots);
}

/* What was forgotten because time had passed stays refused when the clock is set back. */
static void test_clock_set_back(void **state) {
    struct memory memory = new_memory(AGE_NS, 3000);
    int64_t later_ns = NOW_NS + 10 * AGE_NS;

    (void)state;
    assert_int_equal(show_at(&memory, NOW_NS, 1, NOW_NS), TOKEN_FRESH);
    for (uint64_t i = 2; i < 2000; i++)
        assert_int_equal(show_at(&memory, later_ns, i, later_ns), TOKEN_FRESH);
    assert_int_equal(show_at(&memory, NOW_NS, 1, NOW_NS), TOKEN_STALE);
    free(memory.slots);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_wrong_configurations),
        cmocka_unit_test(test_judges),
        cmocka_unit_test(test_defers),
        cmocka_unit_test(test_any_connect),
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_beginning_of_time),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_crowded),
        cmocka_unit_test(test_clock_set_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
