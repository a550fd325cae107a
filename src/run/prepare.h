/*
 * prepare - lets the hosts make ready what a channel's mechanisms need there (a tunnel between
 * them), before its broker comes up; and lets them undo it.
 */
#ifndef BENCH_RUN_PREPARE_H
#define BENCH_RUN_PREPARE_H

#include "run/deployment.h"

/* The order "channel", by which a host knows what will be deployed; the caller's. */
json_t *prepare_channel_order(const struct deployment *deployment);

/* 0, also when there is nothing to do; 0 and deployment->skipped when it cannot be had on these
 * hosts; a negative errno when it should have been possible. */
int prepare_hosts(struct deployment *deployment, struct error *error);
/* What was prepared has taken so much CPU time so far: {"broker": {"at_ns": when it was asked, by
 * its host's clock, "cpu_s": {"tunnel": seconds}}, "client2": ...}. The caller's. */
int prepare_look(const struct deployment *deployment, json_t **ret, struct error *error);
/* Records the CPU time between two looks, scaled to the measured window: the hosts are asked one
 * after the other, and a moment after that has opened or closed. */
void prepare_write(struct run *run, const struct trial_id *id, const json_t *before,
                   const json_t *after, double duration_s);
/* Undone by the hosts themselves when the driver does not come to it. */
void prepare_undo(struct deployment *deployment);

#endif
