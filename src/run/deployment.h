/*
 * deployment - one channel brought up, every probe measured on it once, and taken down.
 */
#ifndef BENCH_RUN_DEPLOYMENT_H
#define BENCH_RUN_DEPLOYMENT_H

#include "run/bringup.h"

/* Measures what the item says and commits its trials; the channel is brought up again when a trial
 * failed on it. A channel that does not come up fails its trials. Errors are -EINTR, and what makes
 * the rest of the run impossible. */
int deployment_run(struct runner *runner, const struct schedule_item *item, struct error *error);

#endif
