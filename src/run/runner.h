/*
 * runner - executes a plan: block after block, channel after channel, probe after probe, and
 * records what came of it. It orders and records; it holds no key of a party.
 */
#ifndef BENCH_RUN_RUNNER_H
#define BENCH_RUN_RUNNER_H

#include "run/run.h"

/* 0 when the plan was executed, or as much of it as is enough, or interrupted, or nothing of it was
 * left, however the trials ended; a negative errno when the set-up cannot work or the record cannot
 * be kept. ret is filled in either case. */
int run_scenario(const struct run_options *options, struct run_outcome *ret, struct error *error);
void run_outcome_clear(struct run_outcome *outcome);

#endif
