/*
 * proof - shows that a channel's mechanisms are in force: the right client gets in, each altered
 * one is turned away for the expected cause, the right one gets in again; and a wiretap between
 * client and broker sees what it should see and nothing else.
 *
 * The role's result has "proofs": objects of "proof", "expected", "observed", "cause",
 * "verdict", and "tls": what the right client negotiated.
 */
#ifndef BENCH_PROBES_PROOF_H
#define BENCH_PROBES_PROOF_H

#include "probes/probe.h"

extern const struct role role_proof;

/* The same for what must be looked at on the broker's host: proofs with `at_broker`. */
extern const struct role role_proof_at_broker;
/* Whether a channel has such proofs. */
bool proof_is_at_broker(const struct channel *channel);

/* What a proof can do beyond one attempt to connect: the verbs of a struct proof_setup
 * (security/mechanism.h), made with the MQTT client that telemetry and probes use. Borrows both. */
struct proof_setup proof_setup(const struct bringup *bringup, const struct client_config *right);

#endif
