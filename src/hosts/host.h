/*
 * host - a machine or network namespace that runs an agent, seen from the driver: orders go there,
 * answers and events come back.
 *
 * What is handed out (JSON) is the caller's. A host whose agent has ended, has fallen silent or
 * speaks nonsense is lost: from then on everything but host_close() gives -EPIPE and says why.
 */
#ifndef BENCH_HOSTS_HOST_H
#define BENCH_HOSTS_HOST_H

#include "base/error.h"
#include "base/memory.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct host;

/* All borrowed, as long as a host is open. */
struct host_options {
    const char *certs;  /* the driver's folder of the PKI */
    const char *folder; /* of the sources on hosts that are other machines */
    int cancel_fd;      /* -1, or: ends every wait with -EINTR when it can be read */
    /* A line that the agent, or what carries it, has written to its stderr; may be NULL. */
    void (*relay)(void *context, const char *spec, const char *line);
    void *context;
};

/* Starts an agent on the host that spec names (kinds: kind.h) and hears its greeting. mate: a host
 * that is open already, or NULL; two of one lab share what they must. */
int host_open(struct host **ret, const char *spec, const struct host_options *options,
              const struct host *mate, struct error *error);
/* Ends the agent, and with it everything that it has started. */
void host_close(struct host *host);
DEFINE_CLEANUP(struct host *, host_close)

const char *host_spec(const struct host *host);
/* What the agent said when it greeted. */
const json_t *host_greeting(const struct host *host);
/* What hosts on one machine have in common: its boot; where that is not known, what it is called.
 */
const char *host_machine(const struct host *host);
/* The agent's process, or that of what carries it to another machine. */
pid_t host_pid(const struct host *host);
/* Why it is lost, or NULL. */
const char *host_lost(const struct host *host);

/* From now on both sides expect to hear of each other every few seconds, and take the other for
 * lost when they do not. Not before the run proper: a user may be asked something until then. */
void host_watch(struct host *host);
/* Lets it hear of us, where it is watched and has not for a while: others are asked for long. */
void host_beat(struct host *host);

/* Gives an order and waits for its answer: 0 and *ret (may be NULL), or the agent's error. The
 * reference to args (may be NULL) is taken. Events that come meanwhile are kept. */
int host_order(struct host *host, const char *order, json_t *args, json_t **ret,
               struct error *error);
/* Gives an order that has no answer. */
int host_notify(struct host *host, const char *order, json_t *args, struct error *error);

/* The next event of any of the hosts until the monotonic deadline: 0, *ret and *ret_host;
 * -ETIMEDOUT, -EINTR, or -EPIPE when one of them is lost. */
int host_next_event(struct host *const *hosts, size_t n_hosts, int64_t deadline_ns, json_t **ret,
                    size_t *ret_host, struct error *error);

/* How far a host's monotonic clock is ahead of this one, and by how much that may be wrong. */
struct host_clock {
    int64_t ahead_ns, bound_ns;
    int64_t realtime_ahead_ns; /* the same of its wall clock */
};
/* Asks it several times; the shortest round trip says most. One machine has one clock: 0 and 0. */
int host_compare_clocks(struct host *host, struct host_clock *ret, struct error *error);

#endif
