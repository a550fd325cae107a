/*
 * environment - under which circumstances a run was made: environment.json.
 */
#ifndef BENCH_RUN_ENVIRONMENT_H
#define BENCH_RUN_ENVIRONMENT_H

#include "run/cast.h"

/* {"started_utc", "commit", "hosts": [{"host", "parties", ...facts}]}; the caller's. root: of the
 * sources, may be NULL. */
int environment_collect(const struct cast *cast, const char *address, const char *root,
                        json_t **ret, struct error *error);

#endif
