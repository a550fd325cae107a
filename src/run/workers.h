/*
 * workers - the hosts of a run and the workers on them, seen from the driver: starting them on
 * their party's host, giving them their signals, waiting until they are where they should be.
 *
 * Client2 has a host of its own, or shares the broker's. Where a run has several publishers' hosts,
 * the first is client2's own; the others have none but members of a fleet.
 */
#ifndef BENCH_RUN_WORKERS_H
#define BENCH_RUN_WORKERS_H

#include "hosts/host.h"
#include "model/client_config.h"
#include "model/scenario.h"
#include "probes/probe.h"

/* How far a worker is; the order is that of the phases. */
enum worker_phase { WORKER_STARTED, WORKER_READY, WORKER_BEGUN, WORKER_DONE, WORKER_RESULT };

struct worker {
    const struct role *role;
    size_t host;
    int64_t id; /* 0: none is started */
    enum worker_phase phase;
    json_t *ready, *result; /* what it has said there */
    json_t *answer;         /* to the last word of workers_ask(); NULL: none so far */
    char *failure;          /* why it left too early */
    /* Hears everything else that it says; may be NULL. */
    void (*heard)(void *context, const char *word, const json_t *line);
    void *context;
};

#define WORKERS_PUBLISHERS_MAX SCENARIO_MAX_PUBLISHERS
#define WORKERS_HOSTS_MAX      (1 + WORKERS_PUBLISHERS_MAX)
/* Of a fleet, on each publisher's host; and the others of a trial, of telemetry, of proofs. */
#define WORKERS_OF_HOST_MAX 8
#define WORKERS_MAX         (WORKERS_PUBLISHERS_MAX * WORKERS_OF_HOST_MAX + 16)

struct workers {
    /* Of the broker and client1; of client2, where that is another; further publishers'. */
    struct host *hosts[WORKERS_HOSTS_MAX];
    size_t n_hosts;
    struct worker *started[WORKERS_MAX];
    char *broker_end, *broker_log; /* set when the broker ended by itself */
    void (*tick)(void *context);   /* called now and then while waiting */
    void *context;
};

size_t workers_host_of(const struct workers *workers, enum party party);
/* How many publishers' hosts there are, and the place of the first, which is client2's. */
size_t workers_publishers(const struct workers *workers, size_t *ret_first);
/* The name of a further publisher's host, NULL for the host of a party: as rows of metrics.csv have
 * it, which say of the others all by their party. */
const char *workers_further(const struct workers *workers, size_t host);

/* Starts a worker for the role, and waits until it is in that phase, for as long as limit_ns; the
 * worker (zeroed but for heard and context) stays the caller's, params is taken. Errors: as those
 * of workers_await(), or the host's. */
int workers_start(struct workers *workers, struct worker *worker, const struct role *role,
                  json_t *params, enum worker_phase phase, int64_t limit_ns, struct error *error);
/* The same on that host, whichever its role's party has. */
int workers_start_on(struct workers *workers, struct worker *worker, const struct role *role,
                     size_t host, json_t *params, enum worker_phase phase, int64_t limit_ns,
                     struct error *error);
/* Gives a signal; facts (may be NULL) is taken. */
int workers_signal(struct workers *workers, struct worker *worker, const char *signal,
                   json_t *facts, struct error *error);
/* Gives a signal that is answered, and forgets the answer to the one before. */
int workers_ask(struct workers *workers, struct worker *worker, const char *word, json_t *facts,
                struct error *error);
/* Waits until all n have answered; returns as workers_await(). */
int workers_hear_answers(struct workers *workers, struct worker *asked, size_t n,
                         int64_t deadline_ns, struct error *error);
/* Waits until all n workers are in that phase or past it: 0, -EINTR, -ETIMEDOUT, or -ECANCELED when
 * one of them or the broker failed; the message is the reason of a failed trial. */
int workers_await(struct workers *workers, struct worker *awaited, size_t n,
                  enum worker_phase phase, int64_t deadline_ns, struct error *error);
/* For a failure that may come of the broker's end, and be the first to show it: gives that a
 * moment to be heard of; then it is the reason. Returns the code, or what ends the waiting. */
int workers_await_cause(struct workers *workers, int code, struct error *error);
/* Waits until the instant while signs of life go on: 0, -EINTR, or -EPIPE when a host is lost. */
int workers_wait(struct workers *workers, int64_t until_ns, struct error *error);
/* The same while a trial goes on: returns as workers_await() when a worker or the broker fails. */
int workers_watch(struct workers *workers, int64_t until_ns, struct error *error);
/* Hears what a host has said already, and waits for nothing. */
void workers_hear_rest(struct workers *workers, size_t host);
/* Ends a worker, alive or not, and frees what it has said. */
void workers_drop(struct workers *workers, struct worker *worker);

#endif
