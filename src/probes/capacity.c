#include "probes/capacity.h"

double capacity_late(const struct capacity_result *result) {
    return 100 * result->late / result->published;
}

double capacity_loss(const struct capacity_result *result) {
    return 100 * (result->due - result->arrived) / result->due;
}

/* Whether copies arrive as fast as they fall due. One message may be on its way at the end. */
static bool keeps_up(const struct capacity_result *result) {
    return result->in_window + result->due / result->published >=
           result->due * CAPACITY_KEEP_UP_PERCENT / 100;
}

enum capacity_outcome capacity_outcome(const struct capacity_result *result) {
    double least = result->offered * (1 - CAPACITY_LOSS_PERCENT / 100);

    if (capacity_late(result) > CAPACITY_LATE_PERCENT)
        return CAPACITY_GENERATOR;
    if (!(result->published > 0) || result->published < least ||
        result->p99_ns > result->limit_ns || !keeps_up(result) ||
        capacity_loss(result) > (result->qos ? 0 : CAPACITY_LOSS_PERCENT))
        return CAPACITY_BROKER;
    return CAPACITY_CARRIED;
}

void capacity_begin(struct capacity *capacity, int64_t first_rate) {
    *capacity = (struct capacity){.rate = first_rate > 1 ? first_rate : 1};
}

/* 0: there is none. */
static int64_t next_rate(const struct capacity *capacity) {
    int64_t good = capacity->good, bad = capacity->bad;

    if (!bad)
        return good < CAPACITY_MAX_RATE / 2 ? good * 2 : 0;
    if (!good)
        return bad / 2;
    return (bad - good) * 100 > good * CAPACITY_PERCENT ? good + (bad - good) / 2 : 0;
}

bool capacity_judge(struct capacity *capacity, bool good) {
    capacity->steps++;
    if (!good && !capacity->again) {
        capacity->again = true;
        return capacity->steps < CAPACITY_MOST_STEPS;
    }
    capacity->again = false;
    *(good ? &capacity->good : &capacity->bad) = capacity->rate;
    capacity->rate = next_rate(capacity);
    /* Between two whole numbers there is none. */
    return capacity->rate > capacity->good && capacity->steps < CAPACITY_MOST_STEPS;
}
