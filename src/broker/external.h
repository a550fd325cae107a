/*
 * external - a broker that runs already and is not ours: only looked for.
 */
#ifndef BENCH_BROKER_EXTERNAL_H
#define BENCH_BROKER_EXTERNAL_H

#include "security/external.h"

/* Whether somebody accepts connections where the channel says, or else at `address`: 0 or a
 * negative errno. */
int external_reach(const struct channel *channel, const char *address, struct error *error);

#endif
