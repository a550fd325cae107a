/*
 * hold - what idle connections take: memory of the broker for each, and the CPU time and bytes of
 * keeping them alive.
 *
 * The broker is a fresh one, as memory that it has once had it keeps. The first connection of each
 * process takes what only the first of all takes; the slope begins behind those.
 */
#ifndef BENCH_PROBES_HOLD_H
#define BENCH_PROBES_HOLD_H

#include "probes/probe.h"

extern const struct probe probe_hold;

#endif
