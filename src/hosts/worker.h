/*
 * worker - `bench worker ROLE`: a freshly executed process for one role of one trial. Its
 * parameters are the first line on stdin; what it says is a line each on stdout; the end of stdin
 * is its end. And the pool of those that an agent has started: their processes, what they say.
 *
 * A worker is known by a number that no other of the same agent has had. Lines that are handed in
 * are taken; what the pool tells goes out through the function that it was given.
 */
#ifndef BENCH_HOSTS_WORKER_H
#define BENCH_HOSTS_WORKER_H

#include "base/error.h"
#include "base/jsonline.h"
#include "base/process.h"
#include "model/setting.h"

#include <poll.h>

/* The whole life of a worker; returns the process's exit status. */
int worker_main(const char *role, const struct registry *registry);

/* A trial has a few workers, telemetry two, proofs one; a fleet one a core. */
#define WORKER_POOL_MAX 80

struct pool_worker {
    int64_t id; /* 0: a free place */
    struct process process;
    struct jsonline_reader lines;
};

struct worker_pool {
    struct pool_worker workers[WORKER_POOL_MAX];
    int64_t last_id;
    void (*tell)(json_t *event); /* takes the reference */
};

void worker_pool_init(struct worker_pool *pool, void tell(json_t *event));
/* Ends all. */
void worker_pool_clear(struct worker_pool *pool);

/* Starts a worker for the role and gives it its parameters, which are taken; *ret, {"worker",
 * "pid"}, is the caller's. */
int worker_pool_start(struct worker_pool *pool, const char *role, json_t *params, json_t **ret,
                      struct error *error);
/* Hands a line to a worker. */
int worker_pool_instruct(struct worker_pool *pool, int64_t id, json_t *line, struct error *error);
/* Ends a worker, if there is one by that number. */
void worker_pool_drop(struct worker_pool *pool, int64_t id);

/* What to wait for: one place a worker. */
void worker_pool_pollers(const struct worker_pool *pool, struct pollfd pollers[WORKER_POOL_MAX]);
/* Tells what the workers have said, and who has ended. */
void worker_pool_hear(struct worker_pool *pool, const struct pollfd pollers[WORKER_POOL_MAX]);

#endif
