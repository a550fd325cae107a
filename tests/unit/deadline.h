/*
 * deadline - for the unit tests: until when what must happen is waited for. It bounds nothing but
 * how long a failure takes: an emulated processor beside a full load is a hundred times slower than
 * ours.
 */
#ifndef BENCH_TESTS_DEADLINE_H
#define BENCH_TESTS_DEADLINE_H

#include "base/clock.h"

#include <stdbool.h>

#define DEADLINE_NS (180 * NS_PER_S)

static inline int64_t deadline_from_now(void) {
    return clock_monotonic_ns() + DEADLINE_NS;
}

/* A moment's pause; whether that deadline has not passed yet. */
static inline bool deadline_allows(int64_t deadline) {
    clock_sleep_until(clock_monotonic_ns() + NS_PER_MS);
    return clock_monotonic_ns() < deadline;
}

#endif
