#include "security/seal.h"

#include "security/seal_sessions.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define FRONT_BYTES      2 /* version and scheme */
#define COUNTER_BYTES    8
#define MAX_HEADER_BYTES (FRONT_BYTES + SEAL_MAX_CAPSULE_BYTES + COUNTER_BYTES)

static size_t header_bytes(enum seal_key key) {
    return FRONT_BYTES + seal_capsule_bytes(key) + COUNTER_BYTES;
}

size_t seal_overhead(enum seal_key key) {
    return header_bytes(key) + SEAL_TAG_BYTES;
}

static unsigned char scheme_byte(const struct seal_scheme *scheme) {
    return (unsigned char)((unsigned)scheme->key << 4 | (unsigned)scheme->cipher);
}

static void put_counter(unsigned char *ret, uint64_t counter) {
    for (int i = COUNTER_BYTES - 1; i >= 0; i--, counter >>= 8)
        ret[i] = (unsigned char)counter;
}

static uint64_t get_counter(const unsigned char *bytes) {
    uint64_t counter = 0;

    for (int i = 0; i < COUNTER_BYTES; i++)
        counter = counter << 8 | bytes[i];
    return counter;
}

/* The session's fixed part with the counter in its last bytes. */
static void make_nonce(unsigned char ret[SEAL_NONCE_BYTES], const unsigned char *fixed,
                       const unsigned char *counter) {
    memcpy(ret, fixed, SEAL_NONCE_BYTES);
    for (int i = 0; i < COUNTER_BYTES; i++)
        ret[SEAL_NONCE_BYTES - COUNTER_BYTES + i] ^= counter[i];
}

static struct seal_aad make_aad(const unsigned char *header, size_t header_length,
                                const char *topic) {
    return (struct seal_aad){.first = header,
                             .first_length = header_length,
                             .second = topic,
                             .second_length = strlen(topic)};
}

/* ---- sealing ---- */

struct sealer {
    EVP_CIPHER_CTX *context;
    unsigned char nonce[SEAL_NONCE_BYTES];
    unsigned char header[MAX_HEADER_BYTES]; /* all but the counter is always the same */
    size_t header_length;
    uint64_t next;
};

static int start(struct sealer *sealer, const struct seal_end *end) {
    struct seal_session_key session;
    int r;

    sealer->header[0] = SEAL_VERSION;
    sealer->header[1] = scheme_byte(&end->scheme);
    sealer->header_length = header_bytes(end->scheme.key);
    r = seal_session_begin(end, sealer->header + FRONT_BYTES, &session);
    if (r == 0)
        r = seal_aead_new(&sealer->context, end->scheme.cipher, 1, session.key);
    if (r == 0)
        memcpy(sealer->nonce, session.nonce, sizeof(sealer->nonce));
    OPENSSL_cleanse(&session, sizeof(session));
    return r;
}

int sealer_new(struct sealer **ret, const struct seal_scheme *scheme, const char *with) {
    struct sealer *sealer = calloc(1, sizeof(*sealer));
    struct seal_end end;
    int r = sealer ? seal_end_init(&end, scheme, 0, with) : -ENOMEM;

    if (r == 0) {
        r = start(sealer, &end);
        seal_end_clear(&end);
    }
    if (r < 0)
        sealer_free(sealer);
    else
        *ret = sealer;
    return r;
}

void sealer_free(struct sealer *sealer) {
    if (!sealer)
        return;
    EVP_CIPHER_CTX_free(sealer->context);
    free(sealer);
}

int sealer_seal(struct sealer *sealer, const char *topic, const void *message, size_t length,
                void *ret) {
    unsigned char *counter = sealer->header + sealer->header_length - COUNTER_BYTES;
    const struct seal_aad aad = make_aad(sealer->header, sealer->header_length, topic);
    unsigned char nonce[SEAL_NONCE_BYTES], *out = ret;

    if (sealer->next >= SEAL_MAX_MESSAGES)
        return -EOVERFLOW;
    /* Used up, whatever comes of it. */
    put_counter(counter, sealer->next++);
    make_nonce(nonce, sealer->nonce, counter);
    memcpy(out, sealer->header, sealer->header_length);
    return seal_aead_seal(sealer->context, nonce, &aad, message, length,
                          out + sealer->header_length);
}

/* ---- opening ---- */

struct opener {
    struct seal_end end;
    struct seal_sessions sessions;
};

const char *seal_verdict_words(enum seal_verdict verdict) {
    static const char *const words[SEAL_N_VERDICTS] = {
        [SEAL_OPENED] = "opened",
        [SEAL_UNSEALED] = "not sealed",
        [SEAL_FORGED] = "changed or of another key",
        [SEAL_REPLAYED] = "replayed",
        [SEAL_TOO_MANY] = "of too many sessions",
    };

    return words[verdict];
}

int opener_new(struct opener **ret, const struct seal_scheme *scheme, const char *with) {
    struct opener *opener = calloc(1, sizeof(*opener));
    int r = opener ? seal_end_init(&opener->end, scheme, 1, with) : -ENOMEM;

    if (r == 0)
        r = seal_sessions_init(&opener->sessions, seal_capsule_bytes(scheme->key));
    if (r < 0)
        opener_free(opener);
    else
        *ret = opener;
    return r;
}

void opener_free(struct opener *opener) {
    if (!opener)
        return;
    seal_sessions_clear(&opener->sessions);
    seal_end_clear(&opener->end);
    free(opener);
}

/* The parts of a message as it came. */
struct envelope {
    const unsigned char *header, *capsule, *counter, *sealed;
    size_t header_length, length; /* of what is sealed, without the tag */
    const char *topic;
};

static int take_apart(struct envelope *ret, const struct opener *opener, const char *topic,
                      const void *sealed, size_t length) {
    const struct seal_scheme *scheme = &opener->end.scheme;
    const unsigned char *bytes = sealed;

    if (length < seal_overhead(scheme->key) || bytes[0] != SEAL_VERSION ||
        bytes[1] != scheme_byte(scheme))
        return 0;
    ret->header = bytes;
    ret->header_length = header_bytes(scheme->key);
    ret->capsule = bytes + FRONT_BYTES;
    ret->counter = bytes + ret->header_length - COUNTER_BYTES;
    ret->sealed = bytes + ret->header_length;
    ret->length = length - seal_overhead(scheme->key);
    ret->topic = topic;
    return 1;
}

/* Replay is judged behind authenticity: only what is authentic was once opened. */
static enum seal_verdict open_in(struct seal_session *session, const struct envelope *envelope,
                                 void *ret) {
    const struct seal_aad aad =
        make_aad(envelope->header, envelope->header_length, envelope->topic);
    uint64_t counter = get_counter(envelope->counter);
    unsigned char nonce[SEAL_NONCE_BYTES];

    make_nonce(nonce, session->nonce, envelope->counter);
    if (counter >= SEAL_MAX_MESSAGES ||
        seal_aead_open(session->context, nonce, &aad, envelope->sealed, envelope->length, ret) < 0)
        return SEAL_FORGED;
    if (seal_window_has(&session->window, counter))
        return SEAL_REPLAYED;
    seal_window_add(&session->window, counter);
    return SEAL_OPENED;
}

/* A session becomes known by its first authentic message: forgeries take no place. */
static enum seal_verdict open_first(struct opener *opener, const struct envelope *envelope,
                                    void *ret) {
    struct seal_session session = {.used = 0};
    struct seal_session_key key;
    enum seal_verdict verdict = SEAL_FORGED;
    int r;

    if (seal_sessions_is_closed(&opener->sessions, envelope->capsule))
        return SEAL_REPLAYED;
    r = seal_session_find(&opener->end, envelope->capsule, &key);
    if (r == 0)
        r = seal_aead_new(&session.context, opener->end.scheme.cipher, 0, key.key);
    if (r == 0) {
        memcpy(session.capsule, envelope->capsule, opener->sessions.capsule_bytes);
        memcpy(session.nonce, key.nonce, sizeof(session.nonce));
        verdict = open_in(&session, envelope, ret);
    }
    OPENSSL_cleanse(&key, sizeof(key));
    if (verdict == SEAL_OPENED && seal_sessions_add(&opener->sessions, &session) < 0)
        verdict = SEAL_TOO_MANY;
    if (verdict != SEAL_OPENED)
        EVP_CIPHER_CTX_free(session.context);
    return verdict;
}

enum seal_verdict opener_open(struct opener *opener, const char *topic, const void *sealed,
                              size_t length, void *ret, size_t *ret_length) {
    struct seal_session *session;
    struct envelope envelope;
    enum seal_verdict verdict;

    if (!take_apart(&envelope, opener, topic, sealed, length))
        return SEAL_UNSEALED;
    session = seal_sessions_find(&opener->sessions, envelope.capsule);
    verdict = session ? open_in(session, &envelope, ret) : open_first(opener, &envelope, ret);
    if (verdict == SEAL_OPENED)
        *ret_length = envelope.length;
    else
        ERR_clear_error(); /* whoever speaks TLS in this thread would take it for its own */
    return verdict;
}
