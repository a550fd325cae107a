#include "probes/capacity.h"

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
