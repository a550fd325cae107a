/*
 * libraries - whether every host has the client libraries that a scenario asks for: builds of the
 * same sources may differ in that.
 */
#ifndef BENCH_RUN_LIBRARIES_H
#define BENCH_RUN_LIBRARIES_H

#include "model/scenario.h"

/* environment: of environment_collect(). */
int libraries_check(const struct scenario *scenario, const json_t *environment,
                    struct error *error);

#endif
