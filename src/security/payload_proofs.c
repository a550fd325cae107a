/* The proofs of payload: what must not be opened is published as it is, beside a right message that
 * must be. They work alike whoever opens: what counts is what the watcher gets to read. */
#include "security/payload.h"

#include "security/payload_client.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#define TEXT         "proof-of-a-sealed-payload"
#define TOPIC        PAYLOAD_PROOF_TOPIC
#define OTHER        PAYLOAD_PROOF_TOPIC "/other"
#define SEALED_BYTES (sizeof(TEXT) - 1 + SEAL_MAX_CAPSULE_BYTES + 64)
#define MAX_MESSAGES 8

/* Messages as they will be published, the right one first. */
struct trickery {
    unsigned char bytes[MAX_MESSAGES][SEALED_BYTES];
    struct proof_message messages[MAX_MESSAGES];
    size_t n;
};

static struct seal_scheme scheme_of(const struct client_config *config) {
    return (struct seal_scheme){(enum seal_cipher)config->payload.cipher,
                                (enum seal_key)config->payload.key};
}

/* Seals TEXT for a topic as the next message; returns its bytes, or NULL when that fails. */
static unsigned char *put(struct trickery *trickery, struct sealer *sealer, enum seal_key key) {
    unsigned char *bytes = trickery->bytes[trickery->n];

    if (sealer_seal(sealer, TOPIC, TEXT, strlen(TEXT), bytes) < 0)
        return NULL;
    trickery->messages[trickery->n++] = (struct proof_message){
        .topic = TOPIC, .payload = bytes, .length = strlen(TEXT) + seal_overhead(key), .raw = true};
    return bytes;
}

/* ---- what is tried ---- */

static int replay(struct trickery *trickery, struct sealer *sealer,
                  const struct client_config *right) {
    if (!put(trickery, sealer, scheme_of(right).key))
        return -EIO;
    trickery->messages[trickery->n] = trickery->messages[trickery->n - 1];
    trickery->n++;
    return 0;
}

/* A bit of each part, and the whole of it on another topic. */
static int tamper(struct trickery *trickery, struct sealer *sealer,
                  const struct client_config *right) {
    enum seal_key key = scheme_of(right).key;
    size_t capsule = 2, counter = 2 + seal_capsule_bytes(key), ciphertext = counter + 8;
    const size_t places[] = {0, 1, capsule, counter, ciphertext, ciphertext + strlen(TEXT)};
    int r = put(trickery, sealer, key) ? 0 : -EIO;

    for (size_t i = 0; i < ARRAY_SIZE(places) && r == 0; i++) {
        unsigned char *bytes = put(trickery, sealer, key);

        if (!bytes)
            r = -EIO;
        else
            bytes[places[i]] ^= 1;
    }
    if (r < 0 || !put(trickery, sealer, key))
        return -EIO;
    trickery->messages[trickery->n - 1].topic = OTHER;
    return 0;
}

/* A secret, or a public key, that nobody else has. */
static int make_stranger(struct sealer **ret, const struct seal_scheme *scheme) {
    unsigned char random[32];
    char secret[2 * sizeof(random) + 1], *private = NULL, *public = NULL;
    int r;

    if (RAND_bytes(random, sizeof(random)) != 1)
        return -EIO;
    text_hex(secret, random, sizeof(random));
    r = scheme->key == SEAL_SHARED ? 0 : seal_make_pair(scheme->key, &private, &public);
    if (r == 0)
        r = sealer_new(ret, scheme, public ? public : secret);
    free(private);
    free(public);
    return r;
}

static int use_other_key(struct trickery *trickery, struct sealer *sealer,
                         const struct client_config *right) {
    const struct seal_scheme scheme = scheme_of(right);
    struct sealer *stranger = NULL;
    int r = put(trickery, sealer, scheme.key) ? make_stranger(&stranger, &scheme) : -EIO;

    if (r == 0 && !put(trickery, stranger, scheme.key))
        r = -EIO;
    sealer_free(stranger);
    return r;
}

/* ---- what comes of it ---- */

/* One of them is read, as it was written; a watcher that opens by itself has seen the others come,
 * and refused each for the one reason or, when it was changed in front, for the other. */
static void judge(const struct trickery *trickery, const struct proof_exchange_result *result,
                  bool watcher_opens, enum seal_verdict reason, struct proof_seen *ret) {
    CLEANUP_FREE char *rejected = payload_rejected_words(result->rejected);
    int64_t refused = result->rejected[reason];

    if (reason == SEAL_FORGED)
        refused += result->rejected[SEAL_UNSEALED];
    ret->held =
        result->sentinel && result->arrived == 1 && result->intact == 1 &&
        (!watcher_opens || (refused == (int64_t)trickery->n - 1 && result->rejected[reason] > 0));
    (void)snprintf(ret->observed, sizeof(ret->observed), "%lld of %zu read, %lld as written%s",
                   (long long)result->arrived, trickery->n, (long long)result->intact,
                   result->sentinel ? "" : ", and no sentinel");
    (void)snprintf(ret->cause, sizeof(ret->cause), "%s",
                   watcher_opens ? rejected : "opened by the broker");
}

static int exchange(const struct proof_setup *setup, const struct trickery *trickery,
                    bool *ret_watcher_opens, struct proof_exchange_result *ret,
                    struct error *error) {
    CLEANUP(client_config_freep) struct client_config *watcher = NULL, *publisher = NULL;
    struct proof_exchange exchange = {.filter = PAYLOAD_PROOF_FILTER,
                                      .sentinel = PROOF_SENTINEL,
                                      .messages = trickery->messages,
                                      .n_messages = trickery->n,
                                      .expected = TEXT};

    publisher = setting_block_copy(&client_config_group, setup->right);
    watcher = setting_block_copy(&client_config_group, setup->right);
    client_config_name_session(watcher, "watcher");
    mechanism_make_reader(setup->bringup, watcher);
    *ret_watcher_opens = *watcher->payload.opens_with;
    exchange.publisher = publisher;
    exchange.watcher = watcher;
    return setup->exchange(&exchange, ret, error);
}

static int prove(const struct proof_setup *setup,
                 int (*try)(struct trickery *, struct sealer *, const struct client_config *),
                 enum seal_verdict reason, struct proof_seen *ret, struct error *error) {
    const struct seal_scheme scheme = scheme_of(setup->right);
    struct trickery trickery = {.n = 0};
    struct proof_exchange_result result;
    struct sealer *sealer = NULL;
    bool watcher_opens = false;
    int r = sealer_new(&sealer, &scheme, setup->right->payload.seals_with);

    if (r == 0)
        r = try(&trickery, sealer, setup->right);
    sealer_free(sealer);
    if (r < 0)
        return error_errno(error, r, "no message could be sealed");
    r = exchange(setup, &trickery, &watcher_opens, &result, error);
    if (r == 0)
        judge(&trickery, &result, watcher_opens, reason, ret);
    return r;
}

static int prove_replay(const struct proof_setup *setup, struct proof_seen *ret,
                        struct error *error) {
    return prove(setup, replay, SEAL_REPLAYED, ret, error);
}

static int prove_tampering(const struct proof_setup *setup, struct proof_seen *ret,
                           struct error *error) {
    return prove(setup, tamper, SEAL_FORGED, ret, error);
}

static int prove_wrong_key(const struct proof_setup *setup, struct proof_seen *ret,
                           struct error *error) {
    return prove(setup, use_other_key, SEAL_FORGED, ret, error);
}

const struct proof payload_proofs[PAYLOAD_N_PROOFS] = {
    {.name = "replay-detected",
     .help = "of the same sealed bytes, sent twice, the first alone are opened",
     .causes = "1 of 2 read",
     .act = prove_replay},
    {.name = "tampering-detected",
     .help = "with a bit changed anywhere, or on another topic, a message is not opened",
     .causes = "1 of 8 read",
     .act = prove_tampering},
    {.name = "wrong-key-not-opened",
     .help = "what is sealed with another key is not opened",
     .causes = "1 of 2 read",
     .act = prove_wrong_key},
};
