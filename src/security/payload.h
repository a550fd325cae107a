#ifndef BENCH_SECURITY_PAYLOAD_H
#define BENCH_SECURITY_PAYLOAD_H

#include "security/mechanism.h"

extern const struct mechanism mechanism_payload;

/* In payload_proofs.c. */
#define PAYLOAD_N_PROOFS 3
extern const struct proof payload_proofs[PAYLOAD_N_PROOFS];

#endif
