#ifndef BENCH_PROBES_PER_UNIT_H
#define BENCH_PROBES_PER_UNIT_H

#include "probes/probe.h"

extern const struct probe probe_transport_per_unit;

#endif
