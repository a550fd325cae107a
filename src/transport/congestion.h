/*
 * congestion - the congestion control of TCP connections: one for all of a run, whoever opens them.
 *
 * It must be there before a connection is: a socket that has begun under BBR goes on pacing itself
 * whatever it is changed to. Client libraries give no way between socket() and connect(), so this
 * program has a socket() of its own, which they call as well, and by itself is the system's.
 */
#ifndef BENCH_TRANSPORT_CONGESTION_H
#define BENCH_TRANSPORT_CONGESTION_H

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

/* What leaves each host its own. */
#define CONGESTION_DEFAULT "default"

/* Every TCP socket that this process opens from now on, and each that is accepted from one, is
 * under the control of this name; called before there are threads. -EPERM or -EINVAL when it
 * cannot be had here, and then nothing is changed. */
int congestion_impose(const char *name, struct error *error);

/* Its name, or CONGESTION_DEFAULT. */
const char *congestion_imposed(void);

/* The same for what comes through the listening sockets of a child, from now on. A negative errno
 * where the kernel does not let a parent (pidfd_getfd, Linux 5.6). */
int congestion_impose_on_child(pid_t child);

/* The controls of the connections from this local port, as the kernel tells them (sock_diag): words
 * without doubles, "" when there are none or it does not tell; the caller's. In *ret_n, which may
 * be NULL, how many connections there are. */
char *congestion_list(int64_t port, size_t *ret_n);

#endif
