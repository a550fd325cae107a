#include "security/seal.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FRONT_BYTES      2 /* version and scheme */
#define COUNTER_BYTES    8
#define TAG_BYTES        16
#define MAX_HEADER_BYTES (FRONT_BYTES + SEAL_MAX_CAPSULE_BYTES + COUNTER_BYTES)

static size_t header_bytes(enum seal_key key) {
    return FRONT_BYTES + seal_capsule_bytes(key) + COUNTER_BYTES;
}

size_t seal_overhead(enum seal_key key) {
    return header_bytes(key) + TAG_BYTES;
}

static unsigned char scheme_byte(const struct seal_scheme *scheme) {
    return (unsigned char)((unsigned)scheme->key << 4 | (unsigned)scheme->cipher);
}

/* ---- authenticated encryption ----
 *
 * A context is set up once for a key, in one direction; a message then costs a nonce, and no
 * allocation.
 */

/* What is authenticated beside the message: what stands in front of it, and its topic. */
struct envelope {
    const unsigned char *header;
    size_t header_bytes;
    const char *topic;
};

static int new_context(EVP_CIPHER_CTX **ret, enum seal_cipher cipher, int seals,
                       const unsigned char *key) {
    static const char *const names[SEAL_N_CIPHERS] = {
        [SEAL_AES_128_GCM] = "AES-128-GCM",
        [SEAL_AES_256_GCM] = "AES-256-GCM",
        [SEAL_CHACHA20_POLY1305] = "ChaCha20-Poly1305",
    };
    EVP_CIPHER *fetched = EVP_CIPHER_fetch(NULL, names[cipher], NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int ok = fetched && context && EVP_CipherInit_ex(context, fetched, NULL, key, NULL, seals) == 1;

    EVP_CIPHER_free(fetched); /* the context holds it */
    if (!ok) {
        EVP_CIPHER_CTX_free(context);
        return -EIO;
    }
    *ret = context;
    return 0;
}

static int begin(EVP_CIPHER_CTX *context, const unsigned char *nonce,
                 const struct envelope *envelope) {
    int n, topic_bytes = (int)strlen(envelope->topic);

    return EVP_CipherInit_ex(context, NULL, NULL, NULL, nonce, -1) == 1 &&
           (!envelope->header_bytes || EVP_CipherUpdate(context, NULL, &n, envelope->header,
                                                        (int)envelope->header_bytes) == 1) &&
           (!topic_bytes ||
            EVP_CipherUpdate(context, NULL, &n, (const unsigned char *)envelope->topic,
                             topic_bytes) == 1);
}

/* Writes `length` bytes of ciphertext and the tag behind them to ret. */
static int encrypt(EVP_CIPHER_CTX *context, const unsigned char *nonce,
                   const struct envelope *envelope, const void *message, size_t length,
                   unsigned char *ret) {
    int n = 0;

    if (length > INT_MAX - TAG_BYTES)
        return -EMSGSIZE;
    if (!begin(context, nonce, envelope) ||
        (length && EVP_EncryptUpdate(context, ret, &n, message, (int)length) != 1) ||
        EVP_EncryptFinal_ex(context, ret + n, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, ret + length) != 1)
        return -EIO;
    return 0;
}

/* The other way round: `length` bytes of ciphertext with the tag behind them. When they are not
 * authentic, ret holds nothing that may be used. */
static int decrypt(EVP_CIPHER_CTX *context, const unsigned char *nonce,
                   const struct envelope *envelope, const unsigned char *sealed, size_t length,
                   void *ret) {
    void *tag = (void *)(uintptr_t)(sealed + length); /* OpenSSL reads it only */
    unsigned char nothing[TAG_BYTES];
    int n = 0;

    if (length > INT_MAX - TAG_BYTES)
        return -EMSGSIZE;
    if (!begin(context, nonce, envelope) ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) != 1 ||
        (length && EVP_DecryptUpdate(context, ret, &n, sealed, (int)length) != 1) ||
        EVP_DecryptFinal_ex(context, nothing, &n) != 1)
        return -EBADMSG;
    return 0;
}

/* The session's fixed part with the counter in its last bytes. */
static void make_nonce(unsigned char ret[SEAL_NONCE_BYTES], const unsigned char *fixed,
                       const unsigned char *counter) {
    memcpy(ret, fixed, SEAL_NONCE_BYTES);
    for (int i = 0; i < COUNTER_BYTES; i++)
        ret[SEAL_NONCE_BYTES - COUNTER_BYTES + i] ^= counter[i];
}

/* ---- sealing ---- */

struct sealer {
    EVP_CIPHER_CTX *context;
    unsigned char nonce[SEAL_NONCE_BYTES];
    unsigned char header[MAX_HEADER_BYTES]; /* all but the counter is always the same */
    size_t header_bytes;
    uint64_t next;
};

static int begin_session(struct sealer *sealer, const struct seal_end *end) {
    struct seal_session_key session;
    int r = seal_session_begin(end, sealer->header + FRONT_BYTES, &session);

    if (r == 0)
        r = new_context(&sealer->context, end->scheme.cipher, 1, session.key);
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
        sealer->header[0] = SEAL_VERSION;
        sealer->header[1] = scheme_byte(scheme);
        sealer->header_bytes = header_bytes(scheme->key);
        r = begin_session(sealer, &end);
        seal_end_clear(&end);
    }
    if (r < 0)
        sealer_free(sealer);
    else
        *ret = sealer;
    return r;
}

void sealer_free(struct sealer *sealer) {
    if (sealer)
        EVP_CIPHER_CTX_free(sealer->context);
    free(sealer);
}

int sealer_seal(struct sealer *sealer, const char *topic, const void *message, size_t length,
                void *ret) {
    unsigned char *counter = sealer->header + sealer->header_bytes - COUNTER_BYTES;
    const struct envelope envelope = {sealer->header, sealer->header_bytes, topic};
    unsigned char nonce[SEAL_NONCE_BYTES], *out = ret;
    uint64_t number = sealer->next;

    if (number >= SEAL_MAX_MESSAGES)
        return -EOVERFLOW;
    sealer->next++; /* used up, whatever comes of it */
    for (int i = COUNTER_BYTES - 1; i >= 0; i--, number >>= 8)
        counter[i] = (unsigned char)number;
    make_nonce(nonce, sealer->nonce, counter);
    memcpy(out, sealer->header, sealer->header_bytes);
    return encrypt(sealer->context, nonce, &envelope, message, length, out + sealer->header_bytes);
}

/* ---- which messages of a session have been opened ----
 *
 * All that a receiver must remember to open none twice. Messages may overtake each other by less
 * than SEAL_WINDOW; what comes later than that counts as opened.
 */

/* Zeroed: nothing has been opened. */
struct window {
    uint64_t next; /* one more than the highest counter */
    uint64_t seen[SEAL_WINDOW / 64];
};

static uint64_t bit(uint64_t counter) {
    return UINT64_C(1) << (counter % 64);
}

/* A ring: a counter's place is that of the one SEAL_WINDOW before it. */
static uint64_t *place(struct window *window, uint64_t counter) {
    return &window->seen[counter % SEAL_WINDOW / 64];
}

/* Marks the message with this counter, which is less than UINT64_MAX, as opened. False: it was
 * before, or may have been. */
static bool window_add(struct window *window, uint64_t counter) {
    if (counter >= window->next) {
        if (counter - window->next >= SEAL_WINDOW)
            memset(window->seen, 0, sizeof(window->seen));
        else
            for (uint64_t i = window->next; i < counter; i++)
                *place(window, i) &= ~bit(i);
        window->next = counter + 1;
    } else if (window->next - counter > SEAL_WINDOW || *place(window, counter) & bit(counter)) {
        return false;
    }
    *place(window, counter) |= bit(counter);
    return true;
}

/* ---- sessions: those used last, with their keys and windows; of older ones that they are over */

#define CLOSED_PLACES (1 << 17)
_Static_assert(SEAL_MAX_CLOSED <= CLOSED_PLACES / 4 * 3, "the table of closed ones fills up");

struct session {
    unsigned char capsule[SEAL_MAX_CAPSULE_BYTES];
    unsigned char nonce[SEAL_NONCE_BYTES]; /* the fixed part */
    EVP_CIPHER_CTX *context;
    struct window window;
    uint64_t used; /* the opener's time */
};

struct opener {
    struct seal_end end;
    size_t capsule_bytes;
    struct session known[SEAL_SESSIONS];
    size_t n, last; /* how many are known; the one that was found last */
    uint64_t time;
    uint64_t *closed; /* a hash table of fingerprints, 0 where there is none */
    size_t n_closed;
};

/* Two capsules with the same make the later session look as if it were over: nothing worse. */
static uint64_t fingerprint(const struct opener *opener, const unsigned char *capsule) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    uint64_t result = 0;

    if (EVP_Digest(capsule, opener->capsule_bytes, digest, NULL, EVP_sha256(), NULL) == 1)
        memcpy(&result, digest, sizeof(result));
    return result ? result : 1;
}

/* The place of a fingerprint, or the empty one where it belongs. */
static uint64_t *closed_place(const struct opener *opener, uint64_t wanted) {
    size_t at = (size_t)(wanted % CLOSED_PLACES);

    while (opener->closed[at] && opener->closed[at] != wanted)
        at = (at + 1) % CLOSED_PLACES;
    return &opener->closed[at];
}

static bool is_closed(const struct opener *opener, const unsigned char *capsule) {
    return opener->n_closed && *closed_place(opener, fingerprint(opener, capsule));
}

static int close_session(struct opener *opener, struct session *session) {
    uint64_t mark = fingerprint(opener, session->capsule);

    if (opener->n_closed >= SEAL_MAX_CLOSED)
        return -ENOSPC;
    *closed_place(opener, mark) = mark;
    opener->n_closed++;
    EVP_CIPHER_CTX_free(session->context);
    return 0;
}

static struct session *find_session(struct opener *opener, const unsigned char *capsule) {
    for (size_t i = 0; i < opener->n; i++) {
        size_t at = (opener->last + i) % opener->n;
        struct session *session = &opener->known[at];

        if (memcmp(session->capsule, capsule, opener->capsule_bytes) == 0) {
            opener->last = at;
            session->used = ++opener->time;
            return session;
        }
    }
    return NULL;
}

/* Adds one (its context becomes the opener's); the one that was used longest ago may have to close.
 * -ENOSPC when there is no place for that any more. */
static int add_session(struct opener *opener, const struct session *session) {
    size_t at = opener->n;

    if (at == SEAL_SESSIONS) {
        at = 0;
        for (size_t i = 1; i < SEAL_SESSIONS; i++)
            if (opener->known[i].used < opener->known[at].used)
                at = i;
        if (close_session(opener, &opener->known[at]) < 0)
            return -ENOSPC;
    } else {
        opener->n++;
    }
    opener->known[at] = *session;
    opener->known[at].used = ++opener->time;
    opener->last = at;
    return 0;
}

/* ---- opening ---- */

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

    if (r == 0) {
        opener->capsule_bytes = seal_capsule_bytes(scheme->key);
        opener->closed = calloc(CLOSED_PLACES, sizeof(*opener->closed));
        r = opener->closed ? 0 : -ENOMEM;
    }
    if (r < 0)
        opener_free(opener);
    else
        *ret = opener;
    return r;
}

void opener_free(struct opener *opener) {
    if (!opener)
        return;
    for (size_t i = 0; i < opener->n; i++)
        EVP_CIPHER_CTX_free(opener->known[i].context);
    free(opener->closed);
    seal_end_clear(&opener->end);
    free(opener);
}

/* Replay is judged behind authenticity: only what is authentic was once opened. */
static enum seal_verdict open_in(struct session *session, const struct envelope *envelope,
                                 size_t length, void *ret) {
    const unsigned char *sealed = envelope->header + envelope->header_bytes;
    const unsigned char *counter = sealed - COUNTER_BYTES;
    unsigned char nonce[SEAL_NONCE_BYTES];
    uint64_t number = 0;

    for (int i = 0; i < COUNTER_BYTES; i++)
        number = number << 8 | counter[i];
    make_nonce(nonce, session->nonce, counter);
    if (number >= SEAL_MAX_MESSAGES ||
        decrypt(session->context, nonce, envelope, sealed, length, ret) < 0)
        return SEAL_FORGED;
    return window_add(&session->window, number) ? SEAL_OPENED : SEAL_REPLAYED;
}

/* A session becomes known by its first authentic message: forgeries take no place. */
static enum seal_verdict open_first(struct opener *opener, const struct envelope *envelope,
                                    size_t length, void *ret) {
    const unsigned char *capsule = envelope->header + FRONT_BYTES;
    struct session session = {.used = 0};
    struct seal_session_key key;
    enum seal_verdict verdict = SEAL_FORGED;
    int r;

    if (is_closed(opener, capsule))
        return SEAL_REPLAYED;
    r = seal_session_find(&opener->end, capsule, &key);
    if (r == 0)
        r = new_context(&session.context, opener->end.scheme.cipher, 0, key.key);
    if (r == 0) {
        memcpy(session.capsule, capsule, opener->capsule_bytes);
        memcpy(session.nonce, key.nonce, sizeof(session.nonce));
        verdict = open_in(&session, envelope, length, ret);
    }
    OPENSSL_cleanse(&key, sizeof(key));
    if (verdict == SEAL_OPENED && add_session(opener, &session) < 0)
        verdict = SEAL_TOO_MANY;
    if (verdict != SEAL_OPENED)
        EVP_CIPHER_CTX_free(session.context);
    return verdict;
}

enum seal_verdict opener_open(struct opener *opener, const char *topic, const void *sealed,
                              size_t length, void *ret, size_t *ret_length) {
    const struct seal_scheme *scheme = &opener->end.scheme;
    const struct envelope envelope = {sealed, header_bytes(scheme->key), topic};
    struct session *session;
    enum seal_verdict verdict;

    if (length < seal_overhead(scheme->key) || envelope.header[0] != SEAL_VERSION ||
        envelope.header[1] != scheme_byte(scheme))
        return SEAL_UNSEALED;
    length -= seal_overhead(scheme->key);
    session = find_session(opener, envelope.header + FRONT_BYTES);
    verdict = session ? open_in(session, &envelope, length, ret)
                      : open_first(opener, &envelope, length, ret);
    if (verdict == SEAL_OPENED)
        *ret_length = length;
    else
        ERR_clear_error(); /* whoever speaks TLS in this thread would take it for its own */
    return verdict;
}
