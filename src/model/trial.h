/*
 * trial - one probe on one channel, once: the unit of the data, and what became of it.
 */
#ifndef BENCH_MODEL_TRIAL_H
#define BENCH_MODEL_TRIAL_H

#include "base/memory.h"

#include <stdint.h>

enum trial_status { TRIAL_OK, TRIAL_FAILED, TRIAL_VOID, TRIAL_SKIPPED, TRIAL_N_STATUSES };

static inline const char *trial_status_word(enum trial_status status) {
    static const char *const words[] = {"ok", "failed", "void", "skipped"};

    return words[status];
}

/* What was negotiated; empty texts where TLS was not in the game. The signatures are those of the
 * handshake, the broker's and the client's (security/tls_signature.h). */
struct tls_session {
    char version[16], cipher[64], group[64], signature[32], client_signature[32];
};

struct trial_result {
    enum trial_status status;
    char *reason; /* of every status but ok; with ok, a remark, or NULL; owned */
    int64_t started_realtime_ns;
    double duration_s; /* measured, at the receiver */
    int64_t bytes;     /* at the receiver in that time; -1: no bulk data */
    double headline;   /* without bulk data: what the probe is about, of metrics.csv */
    struct tls_session tls;
};

static inline void trial_result_clear(struct trial_result *result) {
    free(result->reason);
    *result = (struct trial_result){.bytes = -1};
}

#endif
