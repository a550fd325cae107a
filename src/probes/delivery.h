#ifndef BENCH_PROBES_DELIVERY_H
#define BENCH_PROBES_DELIVERY_H

#include "model/scenario.h"
#include "probes/probe.h"

extern const struct probe probe_delivery;

/* How many bytes keep a path of 1 Gbit/s busy for twice its round trip, as a broker stores and
 * forwards: a power of two, 2 MiB to 64 MiB, so that it is the same from run to run. NaN, a round
 * trip that is not known: 2 MiB. */
int64_t delivery_window(double round_trip_ms);

/* Sets the window where the scenario leaves it open (0B); the bytes, or 0 when it does nowhere. */
int64_t delivery_choose_window(struct scenario *scenario, double round_trip_ms);

#endif
