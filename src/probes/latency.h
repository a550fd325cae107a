#ifndef BENCH_PROBES_LATENCY_H
#define BENCH_PROBES_LATENCY_H

#include "probes/probe.h"

extern const struct probe probe_latency;

#endif
