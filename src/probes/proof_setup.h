/*
 * proof_setup - what a proof can do beyond one attempt to connect: the verbs of a struct
 * proof_setup (security/mechanism.h), made with the MQTT client that telemetry and probes use.
 */
#ifndef BENCH_PROBES_PROOF_SETUP_H
#define BENCH_PROBES_PROOF_SETUP_H

#include "security/mechanism.h"

/* Borrows both. */
struct proof_setup proof_setup(const struct bringup *bringup, const struct client_config *right);

#endif
