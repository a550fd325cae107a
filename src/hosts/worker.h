/*
 * worker - `bench worker ROLE`: a freshly executed process for one role of one trial. Its
 * parameters are the first line on stdin; what it says is a line each on stdout; the end of stdin
 * is its end.
 */
#ifndef BENCH_HOSTS_WORKER_H
#define BENCH_HOSTS_WORKER_H

#include "model/setting.h"

/* The whole life of a worker; returns the process's exit status. */
int worker_main(const char *role, const struct registry *registry);

#endif
