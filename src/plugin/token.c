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
#include "security/token_scheme.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_KEY 256
/* Some 100 MiB; with five minutes of permitted difference, 1700 new connections a second for ever.
 */
#define MOST_TOKENS (1 << 20)

/* ---- which tokens were let in, so that none is good for twice ----
 *
 * A token is remembered for as long as its time would still be believed, and forgotten at some time
 * after that: memory is bounded by what is let in within twice the permitted difference of clocks,
 * and by a limit beyond which nobody is let in. Only right tokens are remembered, so that strangers
 * cannot fill it. Should the clock be set back, what may have been forgotten stays refused. A
 * broker that starts anew has forgotten all: until max_age has passed, it needs another key to be
 * safe from replays of before.
 */

enum verdict {
    TOKEN_FRESH,    /* and remembered from now on */
    TOKEN_STALE,    /* older than permitted */
    TOKEN_EARLY,    /* further in the future than permitted */
    TOKEN_REPLAYED, /* was let in before */
    TOKEN_CROWDED,  /* too many were let in to remember this one, too */
};

#define FIRST_SLOTS 1024 /* a power of two, as every size of the table is */

/* A table with open addressing; a slot whose time is 0 is empty. */
struct memory {
    int64_t max_age_ns;   /* before and behind now */
    int64_t forgotten_ns; /* tokens of before may have been forgotten; above 0 */
    size_t most, count, n_slots;
    struct token_facts *slots;
};

static bool memory_init(struct memory *memory, int64_t max_age_ns, size_t most) {
    *memory = (struct memory){
        .max_age_ns = max_age_ns, .forgotten_ns = 1, .most = most, .n_slots = FIRST_SLOTS};
    memory->slots = calloc(FIRST_SLOTS, sizeof(*memory->slots));
    return memory->slots;
}

static bool same(const struct token_facts *a, const struct token_facts *b) {
    return a->time_ns == b->time_ns && memcmp(a->nonce, b->nonce, sizeof(a->nonce)) == 0;
}

/* The slot that holds the token, or the empty one where it belongs. */
static struct token_facts *find(struct token_facts *slots, size_t n_slots,
                                const struct token_facts *token) {
    uint64_t hash = (uint64_t)token->time_ns, part;
    size_t at;

    for (size_t i = 0; i < TOKEN_NONCE_BYTES; i += sizeof(part)) {
        memcpy(&part, token->nonce + i, sizeof(part));
        hash = (hash ^ part) * UINT64_C(0x9e3779b97f4a7c15);
    }
    at = (size_t)(hash >> 32) & (n_slots - 1);
    while (slots[at].time_ns != 0 && !same(&slots[at], token))
        at = (at + 1) & (n_slots - 1);
    return &slots[at];
}

/* A new table with what must still be remembered, four times as large as that at least. */
static bool tidy(struct memory *memory, int64_t now_ns) {
    size_t kept = 0, n_slots = FIRST_SLOTS;
    struct token_facts *slots;

    if (now_ns - memory->max_age_ns > memory->forgotten_ns)
        memory->forgotten_ns = now_ns - memory->max_age_ns;
    for (size_t i = 0; i < memory->n_slots; i++)
        kept += memory->slots[i].time_ns >= memory->forgotten_ns;
    while (n_slots / 4 < kept + 1)
        n_slots *= 2;
    slots = calloc(n_slots, sizeof(*slots));
    if (!slots)
        return false;
    for (size_t i = 0; i < memory->n_slots; i++)
        if (memory->slots[i].time_ns >= memory->forgotten_ns)
            *find(slots, n_slots, &memory->slots[i]) = memory->slots[i];
    free(memory->slots);
    memory->slots = slots;
    memory->n_slots = n_slots;
    memory->count = kept;
    return true;
}

/* What is to be done about a right token that is shown at now_ns. */
static enum verdict memory_judge(struct memory *memory, const struct token_facts *token,
                                 int64_t now_ns) {
    if (token->time_ns < memory->forgotten_ns || token->time_ns < now_ns - memory->max_age_ns)
        return TOKEN_STALE;
    if (token->time_ns > now_ns && token->time_ns - now_ns > memory->max_age_ns)
        return TOKEN_EARLY;
    if (find(memory->slots, memory->n_slots, token)->time_ns != 0)
        return TOKEN_REPLAYED;
    if ((memory->count + 1 > memory->n_slots / 2 || memory->count >= memory->most) &&
        (!tidy(memory, now_ns) || memory->count >= memory->most))
        return TOKEN_CROWDED;
    *find(memory->slots, memory->n_slots, token) = *token;
    memory->count++;
    return TOKEN_FRESH;
}

/* ---- judging clients ---- */

struct guard {
    struct memory memory;
    char key[MAX_KEY];
};

static int64_t now_ns(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int refuse(const char *client_id, const char *why) {
    mosquitto_log_printf(MOSQ_LOG_NOTICE, "token: that of client %s %s", client_id, why);
    return MOSQ_ERR_AUTH;
}

static int judge(int event, void *data, void *own) {
    static const char *const refusals[] = {
        [TOKEN_STALE] = "is too old",
        [TOKEN_EARLY] = "is of the future",
        [TOKEN_REPLAYED] = "was used before",
        [TOKEN_CROWDED] = "cannot be remembered: too many were used of late",
    };
    const struct mosquitto_evt_basic_auth *shown = data;
    const char *client_id = mosquitto_client_id(shown->client);
    struct guard *guard = own;
    struct token_facts token;
    enum verdict verdict;

    (void)event;
    if (!shown->username || strcmp(shown->username, TOKEN_USER) != 0)
        return MOSQ_ERR_PLUGIN_DEFER;
    if (!client_id || !shown->password ||
        strnlen(shown->password, TOKEN_TEXT_SIZE) == TOKEN_TEXT_SIZE ||
        !token_read(guard->key, client_id, shown->password, &token)) {
        ERR_clear_error(); /* the broker would take it for one of a TLS connection */
        return refuse(client_id ? client_id : "?", "is none");
    }
    verdict = memory_judge(&guard->memory, &token, now_ns());
    return verdict == TOKEN_FRESH ? MOSQ_ERR_SUCCESS : refuse(client_id, refusals[verdict]);
}

/* ---- beginning and end ---- */

static int load(void *own, const struct mosquitto_opt *options, int count) {
    long long max_age_ns = strtoll(plugin_option(options, count, "max_age_ns"), NULL, 10);
    struct guard *guard = own;
    int r = plugin_first_line(plugin_option(options, count, "key_file"), guard->key, MAX_KEY);

    if (r < 0 && r != -ENODATA)
        return plugin_complain("key_file", strerror(-r));
    if (!*guard->key)
        return plugin_complain("key_file", "holds no key");
    if (max_age_ns <= 0)
        return plugin_complain("max_age_ns", "must be a number above 0");
    return memory_init(&guard->memory, max_age_ns, MOST_TOKENS) ? MOSQ_ERR_SUCCESS : MOSQ_ERR_NOMEM;
}

static void clear(void *own) {
    struct guard *guard = own;

    free(guard->memory.slots);
    OPENSSL_cleanse(guard->key, sizeof(guard->key));
}

const struct plugin plugin = {
    "plugin token", MOSQ_EVT_BASIC_AUTH, judge, sizeof(struct guard), load, clear};
