/*
 * fleet_worker - what the processes of a fleet have in common: a group of clients that is kept
 * going between the conductor's words and while one is obeyed, and what each tells of itself.
 */
#ifndef BENCH_PROBES_FLEET_WORKER_H
#define BENCH_PROBES_FLEET_WORKER_H

#include "mqtt/client_group.h"
#include "probes/worker_context.h"

/* Obeys a word and fills its answer. */
typedef int fleet_obey_fn(void *context, const char *word, const json_t *facts, json_t *answer,
                          struct error *error);

/* Says `ready`, obeys words until `stop`, with {"say": "answer"} for each. *group may be NULL until
 * one of them has opened it. */
int fleet_worker_serve(struct worker_context *worker, struct client_group *const *group,
                       fleet_obey_fn *obey, void *context, struct error *error);

/* Lets the clients work until then at most; -EPIPE when the driver breaks off what is obeyed. */
int fleet_worker_turn(struct worker_context *worker, struct client_group *group, int64_t until_ns,
                      struct error *error);
/* The same until that instant has come. */
int fleet_worker_wait(struct worker_context *worker, struct client_group *group, int64_t instant_ns,
                      struct error *error);

/* The part of `whole` that `count` of `all` have, at least 1. */
int64_t fleet_worker_share(int64_t whole, int64_t count, int64_t all);

/* CPU time of this process until now. */
double fleet_worker_cpu_s(void);
/* "memory" (anonymous, of this process alone) and "cpu_s". */
void fleet_worker_put_usage(json_t *answer);
/* "tcp_bytes" and "segments", both ways, of all connections so far; "wire_bytes": with headers of
 * IP and TCP, reckoned from the segments. */
void fleet_worker_put_wire(const struct client_group *group, json_t *answer);

/* What TLS the clients have, into the result, where any came up; -EPROTO when they have not all the
 * same. */
int fleet_worker_put_session(struct worker_context *worker, const struct client_group *group,
                             struct error *error);

#endif
