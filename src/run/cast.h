/*
 * cast - the workers of a run, seen from the driver: starting them on their party's host, giving
 * them their cues, waiting until they are where they should be.
 */
#ifndef BENCH_RUN_CAST_H
#define BENCH_RUN_CAST_H

#include "hosts/host.h"
#include "model/client_config.h"
#include "probes/probe.h"

/* How far an actor is; the order is that of the phases. */
enum actor_phase { ACTOR_STARTED, ACTOR_READY, ACTOR_BEGUN, ACTOR_DONE, ACTOR_RESULT };

struct actor {
    const struct role *role;
    size_t host;
    int64_t worker; /* 0: not on stage */
    enum actor_phase phase;
    json_t *ready, *result; /* what it has told there */
    char *failure;          /* why it left too early */
    /* Hears everything else that it says; may be NULL. */
    void (*heard)(void *context, const char *word, const json_t *line);
    void *context;
};

#define CAST_MAX 8

struct cast {
    struct host *hosts[2]; /* of the broker and client1; of client2. One host is in both places */
    size_t n_hosts;        /* 1 or 2 */
    struct actor *actors[CAST_MAX];
    char *broker_end, *broker_log; /* set when the broker ended by itself */
    void (*tick)(void *context);   /* called now and then while waiting */
    void *context;
};

size_t cast_host_of(const struct cast *cast, enum party party);

/* Starts a worker for the role; the actor (zeroed but for heard and context) stays the caller's,
 * params is taken. */
int cast_start(struct cast *cast, struct actor *actor, const struct role *role, json_t *params,
               struct error *error);
/* Gives a cue; facts (may be NULL) is taken. */
int cast_tell(struct cast *cast, struct actor *actor, const char *cue, json_t *facts,
              struct error *error);
/* Waits until all n actors are in that phase or past it: 0, -EINTR, -ETIMEDOUT, or -ECANCELED when
 * one of them or the broker failed; the message is the reason of a failed trial. */
int cast_await(struct cast *cast, struct actor *actors, size_t n, enum actor_phase phase,
               int64_t deadline_ns, struct error *error);
/* For a failure that may come of the broker's end, and be the first to tell of it: gives that a
 * moment to be told; then it is the reason. Returns the code, or what ends the waiting. */
int cast_settle(struct cast *cast, int code, struct error *error);
/* Waits until the instant while signs of life go on: 0, -EINTR, or -EPIPE when a host is lost. */
int cast_rest(struct cast *cast, int64_t until_ns, struct error *error);
/* Hears what a host has told already, and waits for nothing. */
void cast_catch_up(struct cast *cast, size_t host);
/* Takes an actor off the stage, alive or not, and frees what it has told. */
void cast_drop(struct cast *cast, struct actor *actor);

#endif
