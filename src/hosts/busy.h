/*
 * busy - how much of this host's processors is used, by whoever it is, and how much of them the
 * processes of this agent may use: what tells whether a processor holds a measurement back.
 */
#ifndef BENCH_HOSTS_BUSY_H
#define BENCH_HOSTS_BUSY_H

#include <jansson.h>

/* {"at_ns": when, by the monotonic clock;
 *  "cores": processors that are switched on;
 *  "busy", "all": ticks of all processors since the start that were spent (by a hypervisor too),
 * and those that there were (/proc/stat); "quota": cores that the tightest control group above this
 * process lets it use in the long run, "cores" where none limits it (version 1 and 2); "periods",
 * "throttled_periods", "throttled_s": of that group since its start: periods in which it had
 * something to do, those of them in which it was stopped, and for how long in all} What cannot be
 * read is absent. root: "", or what stands before /proc and /sys. The caller's. */
json_t *busy_collect(const char *root);

#endif
