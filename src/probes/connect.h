#ifndef BENCH_PROBES_CONNECT_H
#define BENCH_PROBES_CONNECT_H

#include "probes/probe.h"

extern const struct probe probe_connect;

#endif
