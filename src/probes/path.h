#ifndef BENCH_PROBES_PATH_H
#define BENCH_PROBES_PATH_H

#include "probes/probe.h"

extern const struct probe probe_path;

#endif
