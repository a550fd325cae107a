#ifndef BENCH_PROBES_DELIVERY_H
#define BENCH_PROBES_DELIVERY_H

#include "probes/probe.h"

extern const struct probe probe_delivery;

#endif
