/*
 * speed - what the processors of a run's hosts do by themselves: asked of each host, measured there
 * where it has not kept it, and shown.
 */
#ifndef BENCH_RUN_SPEED_H
#define BENCH_RUN_SPEED_H

#include "model/scenario.h"
#include "run/workers.h"

/* Of each of the first n_hosts, into *ret, the caller's: [{"host", "openssl", "facts", "rows":
 * [{"algorithm", "operation", "bytes", "unit", "value", "low", "high"}, or {"algorithm", "absent":
 * why}], "measured_s" (since 1970; absent: just now), "unkept" (why they could not be
 * kept)}]. fresh: measured, whatever is kept. What
 * goes on is told on a terminal when `tells`. Nothing else may run there. -EINTR, or -EPIPE when a
 * host is lost. */
int speed_collect(const struct workers *workers, size_t n_hosts, bool fresh, bool tells,
                  json_t **ret, struct error *error);

/* Whether a channel uses what is measured: elsewhere a run need not ask. */
bool speed_matters(const struct scenario *scenario);

/* Measures or asks the hosts that the scenario names, and prints what came of it: 0, or a negative
 * errno when the hosts cannot be opened. */
int speed_show(const struct scenario *scenario, const char *certs, bool fresh, bool tells,
               struct error *error);

#endif
