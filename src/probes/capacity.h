/*
 * capacity - the search for the largest rate that a broker carries: it doubles until a rate is bad,
 * then halves the distance between the largest good and the smallest bad one. A rate is bad when it
 * was bad twice: a machine that stood still for a moment says nothing about a broker.
 *
 * Rates are messages a second.
 */
#ifndef BENCH_PROBES_CAPACITY_H
#define BENCH_PROBES_CAPACITY_H

#include <stdbool.h>
#include <stdint.h>

/* The search ends when good and bad lie within so many percent of each other. */
#define CAPACITY_PERCENT 5
/* How many rates that takes, with those that are tried twice, of a broker that carries a hundred
 * times what the search begins with. */
#define CAPACITY_USUAL_STEPS 16
#define CAPACITY_MOST_STEPS  64
#define CAPACITY_MAX_RATE    INT64_C(10000000)

struct capacity {
    int64_t rate;      /* to be tried now */
    int64_t good, bad; /* the largest that was good, the smallest that was bad; 0: none so far */
    bool again;        /* it was bad once */
    int steps;         /* tried so far */
};

void capacity_begin(struct capacity *capacity, int64_t first_rate);
/* How `rate` has done. False: the search is over. */
bool capacity_judge(struct capacity *capacity, bool good);

#endif
