/*
 * seal_sessions - the sessions that an opener knows: those used last, with their keys and windows,
 * and of older ones that they are over. Of a fixed size.
 */
#ifndef BENCH_SECURITY_SEAL_SESSIONS_H
#define BENCH_SECURITY_SEAL_SESSIONS_H

#include "security/seal_key.h"
#include "security/seal_window.h"

#define SEAL_SESSIONS   64
#define SEAL_MAX_CLOSED 98304

struct seal_session {
    unsigned char capsule[SEAL_MAX_CAPSULE_BYTES];
    unsigned char nonce[SEAL_NONCE_BYTES]; /* the fixed part */
    EVP_CIPHER_CTX *context;
    struct seal_window window;
    uint64_t used; /* the opener's time */
};

struct seal_sessions {
    struct seal_session known[SEAL_SESSIONS];
    size_t n, last; /* how many; the one that was found last */
    uint64_t time;
    size_t capsule_bytes;
    uint64_t *closed; /* a hash table of fingerprints, 0 where there is none */
    size_t n_closed;
};

int seal_sessions_init(struct seal_sessions *sessions, size_t capsule_bytes);
void seal_sessions_clear(struct seal_sessions *sessions);

/* The session of a capsule, or NULL. */
struct seal_session *seal_sessions_find(struct seal_sessions *sessions,
                                        const unsigned char *capsule);
/* Whether the session of a capsule is over. */
int seal_sessions_is_closed(const struct seal_sessions *sessions, const unsigned char *capsule);
/* Adds one (its context becomes the sessions'); the one that was used longest ago may have to
 * close. -ENOSPC when there is no place for that any more. */
int seal_sessions_add(struct seal_sessions *sessions, const struct seal_session *session);

#endif
