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

/* What came of a rate that was tried: messages due in the measured time, and copies of them. */
struct capacity_result {
    double offered, published; /* messages: due; handed over */
    double late;               /* of these, at least FLEET_LATE_NS after they were due */
    double due, arrived;       /* copies: of what was published; that came at last */
    double in_window;          /* copies that came in the measured time, whenever they were due */
    double p99_ns;             /* 99 of 100 copies came so soon after they were due */
    /* What is still good. */
    double limit_ns;
    int64_t qos;
};

/* A rate is good with at most so many percent late, with QoS 0 so many lost, and at least so many
 * copies within the measured time, but for those of one message: a broker that falls behind
 * delivers all of them in the end, too. */
#define CAPACITY_LATE_PERCENT    1.0
#define CAPACITY_LOSS_PERCENT    0.1
#define CAPACITY_KEEP_UP_PERCENT 95
/* In a measured time of so many limits, latency that grows all the time, by what that permits,
 * passes the limit as well. */
#define CAPACITY_LIMITS 10

/* In percent: of what was published; of the copies that were to arrive. */
double capacity_late(const struct capacity_result *result);
double capacity_loss(const struct capacity_result *result);

enum capacity_outcome {
    CAPACITY_CARRIED,
    CAPACITY_GENERATOR, /* whoever publishes could not keep up: nothing is known of the broker */
    CAPACITY_BROKER,    /* it was too much for it */
};
enum capacity_outcome capacity_outcome(const struct capacity_result *result);

void capacity_begin(struct capacity *capacity, int64_t first_rate);
/* How `rate` has done. False: the search is over. */
bool capacity_judge(struct capacity *capacity, bool good);

#endif
