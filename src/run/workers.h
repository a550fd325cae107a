/*
 * workers - the workers of a run, seen from the driver: starting them on their party's host, giving
 * them their signals, waiting until they are where they should be.
 */
#ifndef BENCH_RUN_WORKERS_H
#define BENCH_RUN_WORKERS_H

#include "hosts/host.h"
#include "model/client_config.h"
#include "probes/probe.h"

/* How far a worker is; the order is that of the phases. */
enum worker_phase { WORKER_STARTED, WORKER_READY, WORKER_BEGUN, WORKER_DONE, WORKER_RESULT };

struct worker {
    const struct role *role;
    size_t host;
    int64_t id; /* 0: none is started */
    enum worker_phase phase;
    json_t *ready, *result; /* what it has said there */
    char *failure;          /* why it left too early */
    /* Hears everything else that it says; may be NULL. */
    void (*heard)(void *context, const char *word, const json_t *line);
    void *context;
};

#define WORKERS_MAX 8

struct workers {
    struct host *hosts[2]; /* of the broker and client1; of client2. One host is in both places */
    size_t n_hosts;        /* 1 or 2 */
    struct worker *started[WORKERS_MAX];
    char *broker_end, *broker_log; /* set when the broker ended by itself */
    void (*tick)(void *context);   /* called now and then while waiting */
    void *context;
};

size_t workers_host_of(const struct workers *workers, enum party party);

/* Starts a worker for the role, and waits until it is in that phase, for as long as limit_ns; the
 * worker (zeroed but for heard and context) stays the caller's, params is taken. Errors: as those
 * of workers_await(), or the host's. */
int workers_start(struct workers *workers, struct worker *worker, const struct role *role,
                  json_t *params, enum worker_phase phase, int64_t limit_ns, struct error *error);
/* Gives a signal; facts (may be NULL) is taken. */
int workers_signal(struct workers *workers, struct worker *worker, const char *signal,
                   json_t *facts, struct error *error);
/* Waits until all n workers are in that phase or past it: 0, -EINTR, -ETIMEDOUT, or -ECANCELED when
 * one of them or the broker failed; the message is the reason of a failed trial. */
int workers_await(struct workers *workers, struct worker *awaited, size_t n,
                  enum worker_phase phase, int64_t deadline_ns, struct error *error);
/* For a failure that may come of the broker's end, and be the first to show it: gives that a
 * moment to be heard of; then it is the reason. Returns the code, or what ends the waiting. */
int workers_await_cause(struct workers *workers, int code, struct error *error);
/* Waits until the instant while signs of life go on: 0, -EINTR, or -EPIPE when a host is lost. */
int workers_wait(struct workers *workers, int64_t until_ns, struct error *error);
/* Hears what a host has said already, and waits for nothing. */
void workers_hear_rest(struct workers *workers, size_t host);
/* Ends a worker, alive or not, and frees what it has said. */
void workers_drop(struct workers *workers, struct worker *worker);

#endif
