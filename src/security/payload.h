#ifndef BENCH_SECURITY_PAYLOAD_H
#define BENCH_SECURITY_PAYLOAD_H

#include "security/mechanism.h"

extern const struct mechanism mechanism_payload;

/* What its proofs publish to, and watch. acl lets every client use it. */
#define PAYLOAD_PROOF_TOPIC  "bench/proof/payload"
#define PAYLOAD_PROOF_FILTER PAYLOAD_PROOF_TOPIC "/#"

/* In payload_proofs.c. */
#define PAYLOAD_N_PROOFS 3
extern const struct proof payload_proofs[PAYLOAD_N_PROOFS];

#endif
