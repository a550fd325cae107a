/*
 * energy - from readings of electrical power to the energy between two instants. Pure functions;
 * times are nanoseconds of one monotonic clock, power is in watts, energy in joules.
 */
#ifndef BENCH_RUN_ENERGY_H
#define BENCH_RUN_ENERGY_H

#include <stddef.h>
#include <stdint.h>

struct power_reading {
    int64_t at_ns;
    double watts;
};

/* The power is taken to change evenly from one reading to the next (the trapezoidal rule), and to
 * stay as it was behind the newest. NaN where that says nothing: when the first reading comes
 * after from_ns, or when there is no reading for longer than max_gap_ns anywhere between from_ns
 * and to_ns. The readings are in the order of time, from_ns < to_ns. */
double energy_between(const struct power_reading *readings, size_t n, int64_t from_ns,
                      int64_t to_ns, int64_t max_gap_ns);

#endif
