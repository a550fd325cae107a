/*
 * session - one agent a host and run: when a driver has lost an agent (its network was gone for a
 * while) and starts another, the first may still be there, its workers at their measuring. Whoever
 * takes a session ends the agent that had it.
 *
 * A session is an abstract socket, so that nothing of it stays behind, and one of this user's only
 * is ended.
 */
#ifndef BENCH_HOSTS_SESSION_H
#define BENCH_HOSTS_SESSION_H

#include "base/error.h"

/* Takes the session of that name (letters and digits): 0 and *ret_fd, which holds it until it is
 * closed; -EACCES when another user has it. */
int session_take(int *ret_fd, const char *name, struct error *error);

#endif
