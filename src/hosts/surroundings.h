/*
 * surroundings - what can spoil a run from outside while it measures, and is looked for at every
 * sign of life of an agent: another run on the same host, and a clock that is set.
 *
 * Each run holds a byte of one file that all users of a host share, whatever network namespace they
 * are in, for as long as its agents live. Nobody is kept waiting or refused for that; without such
 * a file nothing is known. BENCH_LOCKS is another folder for it.
 */
#ifndef BENCH_HOSTS_SURROUNDINGS_H
#define BENCH_HOSTS_SURROUNDINGS_H

#include <jansson.h>

/* This process belongs to the run of that name (hexadecimal digits): takes its byte. */
void surroundings_join(const char *run);

/* What has come since the last look, in words; NULL for nothing, else the caller's. */
char *surroundings_look(void);

/* Adds what readings.h is about: "other_runs", the most since this was called last, where it can be
 * known; "clock_set", by how much the clock was set ahead since then, in seconds. */
void surroundings_put(json_t *readings);

#endif
