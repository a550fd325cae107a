/*
 * usage - what a trial takes of broker, hosts and meter: looked at when the measured window opens
 * and when it closes; rows of metrics.csv.
 */
#ifndef BENCH_RUN_USAGE_H
#define BENCH_RUN_USAGE_H

#include "run/run.h"

struct usage {
    int64_t at_ns;  /* when the broker was asked, by the driver's clock */
    json_t *broker; /* hosts/agent.h: "broker-usage" */
    /* By host, of what was prepared there: {"at_ns", "cpu_s": {MECHANISM: s}}. */
    json_t *prepared[WORKERS_HOSTS_MAX];
    json_t *busy[WORKERS_HOSTS_MAX]; /* by host: hosts/busy.h */
};

/* -ECANCELED when the broker has ended. What is there of it is the caller's in either case. */
int usage_look(const struct deployment *deployment, struct usage *ret, struct error *error);
void usage_clear(struct usage *usage);
/* A number of an answer of a look; NaN where it is not known. */
double usage_value(const json_t *look, const char *name);

/* Records what lies between two looks. Each host is asked a moment after the receiver's window of
 * duration_s has opened or closed, and by its own clock: CPU time, energy and throttled time are
 * scaled to that window. share: a role's part of the broker's work (worker_share()), or NULL;
 * units: messages, blocks or connections that arrived in the window. */
void usage_write(struct run *run, const struct trial_id *id, const struct usage looks[2],
                 double duration_s, const json_t *share, int64_t units);

#endif
