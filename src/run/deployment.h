/*
 * deployment - one channel made ready on its hosts, proven, with telemetry on it; every probe
 * measured on it once; and taken down. After a failed trial the channel is brought up again for
 * the next.
 */
#ifndef BENCH_RUN_DEPLOYMENT_H
#define BENCH_RUN_DEPLOYMENT_H

#include "run/run.h"

/* Measures what the item says and commits its trials. A channel that does not come up fails its
 * trials. Errors are -EINTR, and what makes the rest of the run impossible. */
int deployment_run(struct run *run, const struct schedule_item *item, struct error *error);

#endif
