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

#endif
