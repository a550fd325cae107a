/*
 * host_load - how busy the hosts were in a trial's measured time, and what of their processors they
 * may use: rows of metrics.csv of the process "host".
 */
#ifndef BENCH_RUN_HOST_LOAD_H
#define BENCH_RUN_HOST_LOAD_H

#include "run/run.h"

/* Asks each host (hosts/busy.h); an array by host, the caller's. */
int host_load_look(struct run *run, json_t **ret, struct error *error);
/* Records what was between two looks: busy_share, 100 * busy / all ticks of all cores; cores;
 * quota; where that is less than all cores, throttled_share, 100 * periods in which it was used up
 * / those that there were, and throttled_s, scaled to the measured window as broker's time is. */
void host_load_write(struct run *run, const struct trial_id *id, const json_t *before,
                     const json_t *after, double duration_s);

#endif
