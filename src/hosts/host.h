/*
 * host - a machine or network namespace that runs an agent, seen from the driver: orders go there,
 * answers and events come back.
 *
 * What is handed out (JSON) is the caller's. A host that has ended answers everything with -EPIPE.
 */
#ifndef BENCH_HOSTS_HOST_H
#define BENCH_HOSTS_HOST_H

#include "base/error.h"
#include "base/memory.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct host;

/* Starts an agent on the host that spec names ("local") and hears its greeting. certs is the folder
 * of the PKI there. cancel_fd (or -1) ends every wait with -EINTR when it can be read. */
int host_open(struct host **ret, const char *spec, const char *certs, int cancel_fd,
              struct error *error);
/* Ends the agent, and with it everything that it has started. */
void host_close(struct host *host);
DEFINE_CLEANUP(struct host *, host_close)

const char *host_spec(const struct host *host);

/* Gives an order and waits for its answer: 0 and *ret (may be NULL), or the agent's error. The
 * reference to args (may be NULL) is taken. Events that come meanwhile are kept. */
int host_order(struct host *host, const char *order, json_t *args, json_t **ret,
               struct error *error);
/* Gives an order that has no answer. */
int host_notify(struct host *host, const char *order, json_t *args, struct error *error);

/* The next event of any of the hosts until the monotonic deadline: 0, *ret and *ret_host;
 * -ETIMEDOUT, -EINTR, or -EPIPE when one of them has ended. */
int host_next_event(struct host *const *hosts, size_t n_hosts, int64_t deadline_ns, json_t **ret,
                    size_t *ret_host, struct error *error);

#endif
