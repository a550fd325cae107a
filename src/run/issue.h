/*
 * issue - what the driver issues once before a run: certificates and generated secrets. The CA is
 * here; keys and requests are made by the agents of those hosts where their holders live, and only
 * requests come from there, only certificates go there.
 */
#ifndef BENCH_RUN_ISSUE_H
#define BENCH_RUN_ISSUE_H

#include "run/run.h"

/* For all channels of the scenario, on the hosts of its workers; fills run->secrets, those of
 * each channel apart. -EINTR when the user wants to leave. */
int issue_channels(struct run *run, struct error *error);

#endif
