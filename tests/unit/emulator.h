/*
 * emulator - for the unit tests: what cannot be done, or not in reasonable time, where an emulator
 * takes the place of the processor (scripts/cross-build) is left out there, and said aloud.
 */
#ifndef BENCH_TESTS_EMULATOR_H
#define BENCH_TESTS_EMULATOR_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Whether to leave something out; then `why` is shown by tests/run. */
static inline bool under_emulator(const char *why) {
    if (!getenv("BENCH_TEST_EMULATOR"))
        return false;
    (void)printf("# skip: %s\n", why);
    (void)fflush(stdout);
    return true;
}

#endif
