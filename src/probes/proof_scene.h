/*
 * proof_scene - what a proof can do beyond one attempt to connect: the verbs of a struct
 * proof_scene (security/mechanism.h), made with the MQTT client that telemetry and probes use.
 */
#ifndef BENCH_PROBES_PROOF_SCENE_H
#define BENCH_PROBES_PROOF_SCENE_H

#include "security/mechanism.h"

/* Borrows both. */
struct proof_scene proof_scene(const struct bringup *bringup, const struct client_config *right);

#endif
