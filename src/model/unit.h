/*
 * unit - numbers with units as people write them in scenario files: 30B, 64KiB, 100ms, 10s,
 * 13.4Mbit/s, 0.5%.
 */
#ifndef BENCH_MODEL_UNIT_H
#define BENCH_MODEL_UNIT_H

#include "base/error.h"

#include <stdint.h>

enum unit_kind {
    UNIT_NONE,     /* a plain integer */
    UNIT_BYTES,    /* B KiB MiB GiB */
    UNIT_DURATION, /* us ms s min h d, in nanoseconds */
    UNIT_RATE,     /* bit/s kbit/s Mbit/s Gbit/s; k is 1000 */
    UNIT_PERCENT,  /* %, in millionths (ppm) */
};

/* Reads a whole, non-negative number with its unit ("1.5s" is 1500 ms, but "1.5B" is refused).
 * -EINVAL with what is wrong, -ERANGE when it does not fit. */
int unit_parse(enum unit_kind kind, const char *text, int64_t *ret, struct error *error);

/* The shortest exact form with the largest fitting unit; belongs to the caller. */
char *unit_format(enum unit_kind kind, int64_t value);

#endif
