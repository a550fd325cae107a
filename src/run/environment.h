/*
 * environment - under which circumstances a run was made: environment.json.
 */
#ifndef BENCH_RUN_ENVIRONMENT_H
#define BENCH_RUN_ENVIRONMENT_H

#include "run/workers.h"

/* {"started_utc", "commit", "hosts": [{"spec", "parties", ...facts}]}; the caller's. root: of the
 * sources, may be NULL. -EINVAL when the data to that address would not take the way between the
 * hosts (network_check()), or another errno when a host does not answer. */
int environment_collect(const struct workers *workers, const char *address, const char *root,
                        json_t **ret, struct error *error);

#endif
