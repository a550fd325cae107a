/*
 * operations - operations.csv: what cryptography each process of a probe does for a byte or for a
 * connection, under what TLS negotiates, in the words of speed.csv. So whoever reads a run can say
 * what it should take without knowing what TLS is.
 */
#ifndef BENCH_RUN_OPERATIONS_H
#define BENCH_RUN_OPERATIONS_H

#include "model/scenario.h"
#include "run/workers.h"

/* Into the run's folder. */
int operations_write(const char *folder, const struct scenario *scenario,
                     const struct workers *workers, struct error *error);

#endif
