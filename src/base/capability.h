/*
 * capability - the parts of root's power that a process has; in a container not even root has all.
 */
#ifndef BENCH_BASE_CAPABILITY_H
#define BENCH_BASE_CAPABILITY_H

#include "base/error.h"

/* Whether this process has a capability (CAP_NET_ADMIN), called so without "CAP_", which it takes
 * "to make an interface": -EOPNOTSUPP, with what helps. */
int capability_check(int number, const char *name, const char *purpose, struct error *error);

#endif
