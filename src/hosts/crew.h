/*
 * crew - the workers that an agent has started: their processes, and what they say.
 *
 * A worker is known by a number that no other of the same agent has had. Lines that are handed in
 * are taken; what the crew tells goes out through the function that it was given.
 */
#ifndef BENCH_HOSTS_CREW_H
#define BENCH_HOSTS_CREW_H

#include "base/error.h"
#include "base/jsonline.h"
#include "base/process.h"

#include <poll.h>

/* A trial has two workers, telemetry two, proofs one. */
#define CREW_MAX 16

struct crew_worker {
    int64_t id; /* 0: a free place */
    struct process process;
    struct jsonline_reader lines;
};

struct crew {
    struct crew_worker workers[CREW_MAX];
    int64_t last_id;
    void (*tell)(json_t *event); /* takes the reference */
};

void crew_init(struct crew *crew, void tell(json_t *event));
/* Ends all. */
void crew_clear(struct crew *crew);

/* Starts a worker for the role and gives it its parameters, which are taken; *ret, {"worker",
 * "pid"}, is the caller's. */
int crew_start(struct crew *crew, const char *role, json_t *params, json_t **ret,
               struct error *error);
/* Hands a line to a worker. */
int crew_instruct(struct crew *crew, int64_t id, json_t *line, struct error *error);
/* Ends a worker, if there is one by that number. */
void crew_drop(struct crew *crew, int64_t id);

/* What to wait for: one place a worker. */
void crew_pollers(const struct crew *crew, struct pollfd pollers[CREW_MAX]);
/* Tells what the workers have said, and who has ended. */
void crew_hear(struct crew *crew, const struct pollfd pollers[CREW_MAX]);

#endif
