#include "security/seal_sessions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CLOSED_PLACES (1 << 17)
_Static_assert(SEAL_MAX_CLOSED <= CLOSED_PLACES / 4 * 3, "the table of closed ones fills up");

int seal_sessions_init(struct seal_sessions *sessions, size_t capsule_bytes) {
    *sessions = (struct seal_sessions){.capsule_bytes = capsule_bytes};
    sessions->closed = calloc(CLOSED_PLACES, sizeof(*sessions->closed));
    return sessions->closed ? 0 : -ENOMEM;
}

void seal_sessions_clear(struct seal_sessions *sessions) {
    for (size_t i = 0; i < sessions->n; i++)
        EVP_CIPHER_CTX_free(sessions->known[i].context);
    free(sessions->closed);
    *sessions = (struct seal_sessions){.closed = NULL};
}

/* ---- those that are over ---- */

/* Two capsules with the same make the later session look as if it were over: nothing worse. */
static uint64_t fingerprint(const struct seal_sessions *sessions, const unsigned char *capsule) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    uint64_t result = 0;

    if (EVP_Digest(capsule, sessions->capsule_bytes, digest, NULL, EVP_sha256(), NULL) == 1)
        memcpy(&result, digest, sizeof(result));
    return result ? result : 1;
}

/* The place of a fingerprint, or the empty one where it belongs. */
static size_t find_place(const struct seal_sessions *sessions, uint64_t wanted) {
    size_t place = (size_t)(wanted % CLOSED_PLACES);

    while (sessions->closed[place] && sessions->closed[place] != wanted)
        place = (place + 1) % CLOSED_PLACES;
    return place;
}

int seal_sessions_is_closed(const struct seal_sessions *sessions, const unsigned char *capsule) {
    return sessions->n_closed &&
           sessions->closed[find_place(sessions, fingerprint(sessions, capsule))];
}

static int close_one(struct seal_sessions *sessions, struct seal_session *session) {
    uint64_t mark = fingerprint(sessions, session->capsule);

    if (sessions->n_closed >= SEAL_MAX_CLOSED)
        return -ENOSPC;
    sessions->closed[find_place(sessions, mark)] = mark;
    sessions->n_closed++;
    EVP_CIPHER_CTX_free(session->context);
    return 0;
}

/* ---- those that are known ---- */

struct seal_session *seal_sessions_find(struct seal_sessions *sessions,
                                        const unsigned char *capsule) {
    for (size_t i = 0; i < sessions->n; i++) {
        size_t place = (sessions->last + i) % sessions->n;
        struct seal_session *session = &sessions->known[place];

        if (memcmp(session->capsule, capsule, sessions->capsule_bytes) == 0) {
            sessions->last = place;
            session->used = ++sessions->time;
            return session;
        }
    }
    return NULL;
}

int seal_sessions_add(struct seal_sessions *sessions, const struct seal_session *session) {
    size_t place = sessions->n;

    if (place == SEAL_SESSIONS) {
        place = 0;
        for (size_t i = 1; i < SEAL_SESSIONS; i++)
            if (sessions->known[i].used < sessions->known[place].used)
                place = i;
        if (close_one(sessions, &sessions->known[place]) < 0)
            return -ENOSPC;
    } else {
        sessions->n++;
    }
    sessions->known[place] = *session;
    sessions->known[place].used = ++sessions->time;
    sessions->last = place;
    return 0;
}
