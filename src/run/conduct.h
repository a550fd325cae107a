/*
 * conduct - a trial whose probe directs many processes itself (probes/conductor.h): those with
 * members of the fleet, on every publisher's host one a core, and those of its other roles.
 *
 * It begins with a broker that was started anew: what one has had of memory it keeps, and no trial
 * is to depend on the one before.
 */
#ifndef BENCH_RUN_CONDUCT_H
#define BENCH_RUN_CONDUCT_H

#include "run/running_trial.h"

/* Starts the workers, lets the probe conduct them and write down what came of it, and stops them.
 * Fills workers, looks, units and remarks of the trial and duration_s and headline of the result.
 */
int conduct(struct running_trial *trial, struct trial_result *result, struct error *error);

/* The rows of the processes with members: of each publisher's host one a metric, their sum. */
void conduct_write_hosts(const struct running_trial *trial);

#endif
