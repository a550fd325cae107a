#ifndef BENCH_PROBES_TRANSPORT_H
#define BENCH_PROBES_TRANSPORT_H

#include "probes/probe.h"

extern const struct probe probe_transport;

#endif
