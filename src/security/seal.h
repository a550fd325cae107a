/*
 * seal - messages that only the right receiver can read, that nobody can change unseen, and that
 * are opened once. Used by clients and by the broker plugin; needs nothing but OpenSSL.
 *
 * A sealed message is
 *     version (1 byte) | scheme (1) | capsule (16 to 256) | counter (8) | ciphertext | tag (16)
 * The topic and all that stands in front of the ciphertext are authenticated with it: a message
 * cannot be moved to another topic, session, or place in its session.
 *
 * Nonces cannot repeat. A sealer is one session: one connection of one client. Its key comes of a
 * capsule with at least 128 random bits in it (security/seal_key.h), so that two sessions with the
 * same key are as unlikely as two equal capsules: less than 2^-68 for 2^30 sessions. Inside a
 * session the nonce is the counter, exclusive-or-ed with a fixed value of the session's, and the
 * counter of 64 bits never goes back: after SEAL_MAX_MESSAGES it refuses. That limit also keeps
 * AES-GCM far inside what is proven of it (2^48 blocks in messages of 64 KiB).
 *
 * Opened once, for as long as the opener lives: it keeps a window of SEAL_WINDOW messages for each
 * of the SEAL_SESSIONS sessions that were used last, and of SEAL_MAX_CLOSED older ones that they
 * are over; when there are more, it takes no new ones, rather than
 * forget. A message of an earlier opener's time is not known to be old.
 *
 * With a key pair of the receiver's, everybody who has the public key can seal: that protects what
 * is said, not who says it. A shared secret is used as it is: it should have 128 bits or more of
 * chance in it, as no password has.
 *
 * Errors are negative errnos without words. Not for several threads at once.
 */
#ifndef BENCH_SECURITY_SEAL_H
#define BENCH_SECURITY_SEAL_H

#include "security/seal_key.h"

#include <stdint.h>

#define SEAL_VERSION      1
#define SEAL_MAX_MESSAGES (UINT64_C(1) << 36)
#define SEAL_WINDOW       1024
#define SEAL_SESSIONS     64
#define SEAL_MAX_CLOSED   98304

/* What a message grows by. */
size_t seal_overhead(enum seal_key key);

/* ---- sealing ---- */

struct sealer;

/* A new session; `with` as in seal_end_init(). */
int sealer_new(struct sealer **ret, const struct seal_scheme *scheme, const char *with);
void sealer_free(struct sealer *sealer);

/* Writes length + seal_overhead() bytes to ret, which does not overlap the message. Allocates
 * nothing. -EOVERFLOW when the session has sealed SEAL_MAX_MESSAGES. */
int sealer_seal(struct sealer *sealer, const char *topic, const void *message, size_t length,
                void *ret);

/* ---- opening ---- */

enum seal_verdict {
    SEAL_OPENED,
    SEAL_UNSEALED, /* no message of this version and scheme */
    SEAL_FORGED,   /* changed, or sealed with another key or for another topic */
    SEAL_REPLAYED, /* authentic, but it was opened before; or its session is over */
    SEAL_TOO_MANY, /* of one session too many */
};
#define SEAL_N_VERDICTS 5

/* "changed or of another key"; for lists of counts. */
const char *seal_verdict_words(enum seal_verdict verdict);

struct opener;

int opener_new(struct opener **ret, const struct seal_scheme *scheme, const char *with);
void opener_free(struct opener *opener);

/* On SEAL_OPENED the message is in ret, which has room for `length` bytes and does not overlap
 * `sealed`, and its length in *ret_length. Else neither may be used. Allocates nothing in a session
 * that is known. */
enum seal_verdict opener_open(struct opener *opener, const char *topic, const void *sealed,
                              size_t length, void *ret, size_t *ret_length);

#endif
