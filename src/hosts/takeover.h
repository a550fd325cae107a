/*
 * takeover - one agent a host and run: when a driver has lost an agent (its network was gone for a
 * while) and starts another, the first may still be there, its workers at their measuring. Whoever
 * claims a name ends the agent that had it.
 *
 * A claim is an abstract socket, so that nothing of it stays behind, and an agent of this user's
 * only is ended.
 */
#ifndef BENCH_HOSTS_TAKEOVER_H
#define BENCH_HOSTS_TAKEOVER_H

#include "base/error.h"

/* Claims that name (letters and digits): 0 and *ret_fd, which holds it until it is closed; -EACCES
 * when another user has it. */
int takeover_claim(int *ret_fd, const char *name, struct error *error);

#endif
