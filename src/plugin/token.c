/*
 * token - lets in clients that show a right token (security/token_scheme.h) once.
 *
 *   plugin_opt_key_file PATH     the first line is the key that clients and broker share
 *   plugin_opt_max_age_ns N      how far a token's time may be from now
 *
 * A client whose user name says that it shows no token is nobody of ours: we defer, and the
 * password file or whoever is asked next decides. Mosquitto asks its plugins in the order of its
 * configuration and takes the first answer that is not to defer, so this one must be the last: who
 * shows a right token is let in without any further question.
 */
#include "plugin/plugin.h"
#include "security/token_memory.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_KEY 256
/* Some 100 MiB; with five minutes of permitted difference, 1700 new connections a second for ever.
 */
#define MOST_TOKENS (1 << 20)

struct guard {
    mosquitto_plugin_id_t *id;
    struct token_memory *memory;
    char key[MAX_KEY];
};

static int64_t now_ns(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- judging ---- */

static const char *const refusals[] = {
    [TOKEN_STALE] = "is too old",
    [TOKEN_EARLY] = "is of the future",
    [TOKEN_REPLAYED] = "was used before",
    [TOKEN_CROWDED] = "cannot be remembered: too many were used of late",
};

static int refuse(const char *client_id, const char *why) {
    mosquitto_log_printf(MOSQ_LOG_NOTICE, "token: that of client %s %s", client_id, why);
    return MOSQ_ERR_AUTH;
}

static int judge(int event, void *data, void *user) {
    const struct mosquitto_evt_basic_auth *shown = data;
    const char *client_id = mosquitto_client_id(shown->client);
    struct guard *guard = user;
    struct token_facts token;
    enum token_verdict verdict;

    (void)event;
    if (!shown->username || strcmp(shown->username, TOKEN_USER) != 0)
        return MOSQ_ERR_PLUGIN_DEFER;
    if (!client_id || !shown->password ||
        strnlen(shown->password, TOKEN_TEXT_SIZE) == TOKEN_TEXT_SIZE ||
        !token_read(guard->key, client_id, shown->password, &token)) {
        ERR_clear_error(); /* the broker would take it for one of a TLS connection */
        return refuse(client_id ? client_id : "?", "is none");
    }
    verdict = token_memory_judge(guard->memory, &token, now_ns());
    return verdict == TOKEN_FRESH ? MOSQ_ERR_SUCCESS : refuse(client_id, refusals[verdict]);
}

/* ---- coming up and going down ---- */

static int complain(int code, const char *what, const char *why) {
    mosquitto_log_printf(MOSQ_LOG_ERR, "Error: plugin token: %s: %s", what, why);
    return code;
}

static int read_key(struct guard *guard, const char *path) {
    int r = plugin_first_line(path, guard->key, MAX_KEY);

    if (r < 0 && r != -ENODATA)
        return complain(MOSQ_ERR_INVAL, "key_file", strerror(-r));
    return *guard->key ? MOSQ_ERR_SUCCESS : complain(MOSQ_ERR_INVAL, "key_file", "holds no key");
}

static int set_up(struct guard *guard, const struct mosquitto_opt *options, int count) {
    const char *age = plugin_option(options, count, "max_age_ns");
    long long max_age_ns = strtoll(age, NULL, 10);
    int r = read_key(guard, plugin_option(options, count, "key_file"));

    if (r != MOSQ_ERR_SUCCESS)
        return r;
    if (max_age_ns <= 0)
        return complain(MOSQ_ERR_INVAL, "max_age_ns", "must be a number above 0");
    guard->memory = token_memory_new(max_age_ns, MOST_TOKENS);
    if (!guard->memory)
        return MOSQ_ERR_NOMEM;
    return mosquitto_callback_register(guard->id, MOSQ_EVT_BASIC_AUTH, judge, NULL, guard);
}

static void tear_down(struct guard *guard) {
    token_memory_free(guard->memory);
    OPENSSL_cleanse(guard->key, sizeof(guard->key));
    free(guard);
}

int mosquitto_plugin_init(mosquitto_plugin_id_t *id, void **user, struct mosquitto_opt *options,
                          int count) {
    struct guard *guard = calloc(1, sizeof(*guard));
    int r = MOSQ_ERR_NOMEM;

    if (guard) {
        guard->id = id;
        r = set_up(guard, options, count);
    }
    if (r == MOSQ_ERR_SUCCESS)
        *user = guard;
    else if (guard)
        tear_down(guard);
    return r;
}

int mosquitto_plugin_cleanup(void *user, struct mosquitto_opt *options, int count) {
    struct guard *guard = user;

    (void)options;
    (void)count;
    if (!guard)
        return MOSQ_ERR_SUCCESS;
    (void)mosquitto_callback_unregister(guard->id, MOSQ_EVT_BASIC_AUTH, judge, NULL);
    tear_down(guard);
    return MOSQ_ERR_SUCCESS;
}
