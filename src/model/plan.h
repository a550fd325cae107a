/*
 * plan - all trials of a scenario in the order in which they will be measured. It depends on the
 * scenario and its seed only, so that a trial keeps its number when a run is resumed. Where the
 * number of blocks is not fixed it has the most that there may be.
 *
 * A deployment is one channel, in one of its variants, brought up: every measurement of the
 * scenario, once.
 */
#ifndef BENCH_MODEL_PLAN_H
#define BENCH_MODEL_PLAN_H

#include "model/scenario.h"

struct planned_deployment {
    int block;      /* from 1 */
    int position;   /* of the channel within its block, from 1 */
    size_t channel; /* index into the scenario's */
    int64_t trial;  /* number of its first trial, from 1; one more for each measurement */
};

struct plan {
    struct planned_deployment *deployments; /* in the order of execution */
    size_t n_deployments, n_measurements;
};

/* The plan belongs to the caller. */
struct plan *plan_new(const struct scenario *scenario);
void plan_free(struct plan *plan);
DEFINE_CLEANUP(struct plan *, plan_free)

#endif
