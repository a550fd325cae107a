#include "security/payload.h"

#include "security/broker_file.h"
#include "security/secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

enum { OPENED_BY_SUBSCRIBER, OPENED_BY_BROKER };

struct payload_settings {
    int64_t cipher, key, opened_by;
    char *secret;
};

#define SECRET_BYTES 32
#define GENERATED    "generated"

static const struct setting rows[] = {
    {"cipher", SETTING_CHOICE, "aes-128-gcm", .choices = PAYLOAD_CIPHER_WORDS,
     .help = "the authenticated encryption", .offset = offsetof(struct payload_settings, cipher)},
    {"key", SETTING_CHOICE, "shared", .choices = PAYLOAD_KEY_WORDS,
     .help = "what keys come of: a shared secret; or the subscriber's key pair, then client2's "
             "messages alone are sealed",
     .offset = offsetof(struct payload_settings, key)},
    {"opened_by", SETTING_CHOICE, "subscriber", .choices = "subscriber broker",
     .help = "end to end; or a plugin in the broker, behind which payloads are clear",
     .offset = offsetof(struct payload_settings, opened_by)},
    {"secret", SETTING_TEXT, GENERATED,
     .help = "the shared one. `generated`: made anew for each run; or file:PATH, no password",
     .offset = offsetof(struct payload_settings, secret), .check = secret_check,
     .effect = SETTING_READS},
};
static const struct setting_group group =
    SETTING_GROUP("payload", SETTING_CHANNEL, rows, struct payload_settings);

static const struct payload_settings *own(const struct channel *channel) {
    return settings_get(&channel->settings, &group);
}

static const char *own_broker(const struct channel *channel) {
    return own(channel)->opened_by == OPENED_BY_BROKER
               ? "payload.opened_by: an external broker has no plugin of ours; right would be "
                 "subscriber"
               : NULL;
}

static int check(const struct channel *channel, struct error *error) {
    const struct payload_settings *settings = own(channel);
    CLEANUP_FREE char *key = setting_choice_word(PAYLOAD_KEY_WORDS, settings->key);

    if (settings->key == SEAL_SHARED)
        return 0;
    if (settings->opened_by == OPENED_BY_BROKER)
        return error_set(error, -EINVAL,
                         "payload.opened_by: the broker opens what is sealed with a shared "
                         "secret; right would be payload.key = shared, not %s",
                         key);
    if (!text_equal(settings->secret, GENERATED))
        return error_set(error, -EINVAL,
                         "payload.secret: is of payload.key = shared; the key pair of %s is "
                         "always generated: leave the line out",
                         key);
    return 0;
}

/* ---- secrets: a text; or an object with the two halves of a pair ---- */

static int issue_pair(const struct channel *channel, struct issuer *issuer, struct error *error) {
    char *private = NULL, *public = NULL;
    int r = seal_make_pair((enum seal_key)own(channel)->key, &private, &public);

    if (r < 0)
        return error_errno(error, r, "payload.key: no key pair for the subscriber");
    secret_put(issuer, group.name, channel->name,
               json_pack("{s:s,s:s}", "private", private, "public", public));
    OPENSSL_cleanse(private, strlen(private));
    free(private);
    free(public);
    return 0;
}

static int issue(const struct channel *channel, struct issuer *issuer, struct error *error) {
    if (own(channel)->key != SEAL_SHARED)
        return issue_pair(channel, issuer, error);
    return secret_issue(issuer, group.name, channel->name, own(channel)->secret, SECRET_BYTES,
                        SECRET_FOUND_BYTES, error);
}

/* The shared secret, or that half of the pair: whichever this channel has. */
static const char *find_key(const struct bringup *bringup, const char *half) {
    const char *key = secret_find(bringup, group.name, half);

    return *key ? key : secret_find(bringup, group.name, NULL);
}

/* ---- the broker ---- */

static int broker(const struct bringup *bringup, FILE *lines, struct error *error) {
    const struct payload_settings *settings = own(bringup->channel);
    int r;

    if (settings->opened_by != OPENED_BY_BROKER)
        return 0;
    r = broker_file_plugin(lines, "payload", error);
    if (r < 0)
        return r;
    fprintf(lines, "plugin_opt_cipher %d\n", (int)settings->cipher);
    return broker_file_write(bringup, lines, "plugin_opt_secret_file", "payload-secret", error,
                             "%s\n", secret_find(bringup, group.name, NULL));
}

/* ---- what the clients have ---- */

static void open_messages(const struct bringup *bringup, struct client_config *config) {
    if (own(bringup->channel)->opened_by == OPENED_BY_SUBSCRIBER)
        text_replace(&config->payload.opens_with, find_key(bringup, "private"));
}

static void party(const struct bringup *bringup, enum party who, struct client_config *config) {
    const struct payload_settings *settings = own(bringup->channel);
    bool shared = settings->key == SEAL_SHARED;

    if (who == PARTY_BROKER)
        return;
    config->payload.cipher = settings->cipher;
    config->payload.key = settings->key;
    if (shared || who == PARTY_CLIENT2)
        text_replace(&config->payload.seals_with, find_key(bringup, "public"));
    if (shared || who == PARTY_CLIENT1)
        open_messages(bringup, config);
}

/* ---- a client's connection ---- */

static struct seal_scheme scheme_of(const struct payload_config *config) {
    return (struct seal_scheme){(enum seal_cipher)config->cipher, (enum seal_key)config->key};
}

static int fail(int r, const char *what, struct error *error) {
    return error_errno(error, r, "payload: no session that %s messages", what);
}

int payload_client_new(struct payload_client **ret, const struct payload_config *config,
                       struct error *error) {
    CLEANUP(payload_client_freep) struct payload_client *client = memory_new(1, sizeof(*client));
    const struct seal_scheme scheme = scheme_of(config);
    int r = 0;

    if (*config->seals_with) {
        r = sealer_new(&client->sealer, &scheme, config->seals_with);
        if (r < 0)
            return fail(r, "seals", error);
        client->overhead = seal_overhead(scheme.key);
    }
    if (*config->opens_with) {
        r = opener_new(&client->opener, &scheme, config->opens_with);
        if (r < 0)
            return fail(r, "opens", error);
    }
    *ret = client;
    client = NULL;
    return 0;
}

void payload_client_free(struct payload_client *client) {
    sealer_free(client->sealer);
    opener_free(client->opener);
    free(client->sealed.bytes);
    free(client->opened.bytes);
    free(client);
}

static void make_room(struct payload_buffer *buffer, size_t length) {
    if (length <= buffer->room)
        return;
    buffer->bytes = memory_resize(buffer->bytes, length, 1);
    buffer->room = length;
}

int payload_client_seal(struct payload_client *client, const char *topic, const void **payload,
                        size_t *length, struct error *error) {
    int r;

    if (!client->sealer)
        return 0;
    make_room(&client->sealed, *length + client->overhead);
    r = sealer_seal(client->sealer, topic, *payload, *length, client->sealed.bytes);
    if (r < 0)
        return error_errno(error, r, "payload: a message of %zu bytes cannot be sealed", *length);
    *payload = client->sealed.bytes;
    *length += client->overhead;
    return 0;
}

bool payload_client_open(struct payload_client *client, const char *topic, const void **payload,
                         size_t *length) {
    enum seal_verdict verdict;

    if (!client->opener)
        return true;
    make_room(&client->opened, *length);
    verdict = opener_open(client->opener, topic, *payload, *length, client->opened.bytes, length);
    if (verdict != SEAL_OPENED) {
        client->rejected[verdict]++;
        return false;
    }
    *payload = client->opened.bytes;
    return true;
}

char *payload_rejected_words(const int64_t rejected[SEAL_N_VERDICTS]) {
    char *words = text_copy("");

    for (int i = 0; i < SEAL_N_VERDICTS; i++) {
        CLEANUP_FREE char *piece = text_format("%lld %s", (long long)rejected[i],
                                               seal_verdict_words((enum seal_verdict)i));

        if (rejected[i])
            text_append(&words, ", ", piece);
    }
    if (!*words)
        text_replace(&words, "none");
    return words;
}

int payload_check_rejected(const int64_t rejected[SEAL_N_VERDICTS], struct error *error) {
    for (int i = 0; i < SEAL_N_VERDICTS; i++)
        if (rejected[i] && i != SEAL_REPLAYED) {
            CLEANUP_FREE char *words = payload_rejected_words(rejected);

            return error_set(error, -EBADMSG, "messages could not be opened: %s", words);
        }
    return 0;
}

/* ---- proofs: what must not be opened is published as it is, beside a right message that must ----
 *
 * They work alike whoever opens: what counts is what the watcher gets to read.
 */

#define TEXT         "proof-of-a-sealed-payload"
#define OTHER        PAYLOAD_PROOF_TOPIC "/other"
#define SEALED_BYTES (sizeof(TEXT) - 1 + SEAL_MAX_CAPSULE_BYTES + 64)
#define MAX_MESSAGES 8

DEFINE_CLEANUP(struct sealer *, sealer_free)

/* Messages as they will be published, the right one first. */
struct trickery {
    struct seal_scheme scheme;
    unsigned char bytes[MAX_MESSAGES][SEALED_BYTES];
    struct proof_message messages[MAX_MESSAGES];
    size_t n;
};

/* Seals TEXT for a topic as the next message; returns its bytes, or NULL when that fails. */
static unsigned char *put(struct trickery *trickery, struct sealer *sealer) {
    unsigned char *bytes = trickery->bytes[trickery->n];

    if (sealer_seal(sealer, PAYLOAD_PROOF_TOPIC, TEXT, strlen(TEXT), bytes) < 0)
        return NULL;
    trickery->messages[trickery->n++] =
        (struct proof_message){.topic = PAYLOAD_PROOF_TOPIC,
                               .payload = bytes,
                               .length = strlen(TEXT) + seal_overhead(trickery->scheme.key),
                               .raw = true};
    return bytes;
}

static int replay(struct trickery *trickery, struct sealer *sealer) {
    if (!put(trickery, sealer))
        return -EIO;
    trickery->messages[1] = trickery->messages[0];
    trickery->n = 2;
    return 0;
}

/* A bit of each part, and the whole of it on another topic. */
static int tamper(struct trickery *trickery, struct sealer *sealer) {
    size_t capsule = 2, counter = 2 + seal_capsule_bytes(trickery->scheme.key),
           ciphertext = counter + 8;
    const size_t places[] = {0, 1, capsule, counter, ciphertext, ciphertext + strlen(TEXT)};

    if (!put(trickery, sealer))
        return -EIO;
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        unsigned char *bytes = put(trickery, sealer);

        if (!bytes)
            return -EIO;
        bytes[places[i]] ^= 1;
    }
    if (!put(trickery, sealer))
        return -EIO;
    trickery->messages[trickery->n - 1].topic = OTHER;
    return 0;
}

/* With a secret, or a public key, that nobody else has. */
static int use_other_key(struct trickery *trickery, struct sealer *sealer) {
    CLEANUP(sealer_freep) struct sealer *stranger = NULL;
    CLEANUP_FREE char *private = NULL, *public = NULL;
    unsigned char random[32];
    char secret[2 * sizeof(random) + 1];
    int r = 0;

    if (!put(trickery, sealer) || RAND_bytes(random, sizeof(random)) != 1)
        return -EIO;
    text_hex(secret, random, sizeof(random));
    if (trickery->scheme.key != SEAL_SHARED)
        r = seal_make_pair(trickery->scheme.key, &private, &public);
    if (r == 0)
        r = sealer_new(&stranger, &trickery->scheme, public ? public : secret);
    if (r < 0)
        return r;
    return put(trickery, stranger) ? 0 : -EIO;
}

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

static int prove(const struct proof_setup *setup, int (*try)(struct trickery *, struct sealer *),
                 enum seal_verdict reason, struct proof_seen *ret, struct error *error) {
    struct trickery trickery = {.scheme = scheme_of(&setup->right->payload)};
    CLEANUP(client_config_freep)
    struct client_config *watcher = setting_block_copy(&client_config_group, setup->right);
    CLEANUP(sealer_freep) struct sealer *sealer = NULL;
    struct proof_exchange exchange = {.publisher = setup->right,
                                      .watcher = watcher,
                                      .filter = PAYLOAD_PROOF_FILTER,
                                      .sentinel = PROOF_SENTINEL,
                                      .messages = trickery.messages,
                                      .expected = TEXT};
    struct proof_exchange_result result;
    int r = sealer_new(&sealer, &trickery.scheme, setup->right->payload.seals_with);

    if (r == 0)
        r = try(&trickery, sealer);
    if (r < 0)
        return error_errno(error, r, "no message could be sealed");
    exchange.n_messages = trickery.n;
    client_config_name_session(watcher, "watcher");
    mechanism_make_reader(setup->bringup, watcher);
    r = setup->exchange(&exchange, &result, error);
    if (r == 0)
        judge(&trickery, &result, *watcher->payload.opens_with, reason, ret);
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

static const struct proof proofs[] = {
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

const struct mechanism mechanism_payload = {
    .group = &group,
    .shortest_secret = SECRET_FOUND_BYTES,
    .help = "payloads are encrypted, end to end or up to the broker; topics and names are not. "
            "path, transport and connect carry no payload of MQTT: they stay as they are",
    .own_broker = own_broker,
    .check = check,
    .issue = issue,
    .broker = broker,
    .party = party,
    .reader = open_messages,
    .proofs = proofs,
    .n_proofs = ARRAY_SIZE(proofs),
};
