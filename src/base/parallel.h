/*
 * parallel - many small pieces of work of one kind, shared out among the processors of this host.
 */
#ifndef BENCH_BASE_PARALLEL_H
#define BENCH_BASE_PARALLEL_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Does piece i. Called in several threads at once, in each with an `error` of its own. */
typedef int parallel_fn(void *context, size_t i, struct error *error);

/* Does the pieces from 0 on, in order as they are begun, until all n are done, or the monotonic
 * instant has passed (INT64_MAX: never), or one has failed: that one's code and words. *ret_done,
 * which may be NULL: all pieces before it are done, and at least one is. */
int parallel_do(parallel_fn *one, void *context, size_t n, int64_t until_ns, size_t *ret_done,
                struct error *error);

#endif
