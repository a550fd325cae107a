/*
 * fleet - many members publish at once, each on an absolute schedule with a phase of its own and to
 * a topic of its own, at a given rate or at the largest that the broker carries; subscribers take
 * shares of the topics. Every message is numbered and accounted for.
 *
 * Latency counts from when a message is due, by the clock of its publisher's host, to its arrival
 * at client1 on the broker's host: with one host there is one clock.
 */
#ifndef BENCH_PROBES_FLEET_H
#define BENCH_PROBES_FLEET_H

#include "probes/probe.h"

extern const struct probe probe_fleet;

#endif
