/*
 * meter - electrical power as a command tells it: a child of the driver that writes a line a
 * reading, each a number of watts. What it measures (one board, both, a whole shelf) is known to
 * whoever plugged it in.
 *
 * A thread takes the lines and notes when each came. A meter that ends or says something else
 * amid a run costs the run nothing but its energy.
 */
#ifndef BENCH_RUN_METER_H
#define BENCH_RUN_METER_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct meter;

struct power_reading {
    int64_t at_ns;
    double watts;
};

/* Starts what `spec` names ("exec:COMMAND WORD...", or "pi5": scripts/meter-pi5 below `root`) and
 * waits for its first reading. The meter is the caller's. -EINTR when cancel_fd becomes readable
 * before. */
int meter_open(struct meter **ret, const char *spec, const char *root, int cancel_fd,
               struct error *error);
/* Ends the command. NULL is no meter. */
void meter_close(struct meter *meter);

/* The energy between two instants of the monotonic clock, the later of which is past, in joules;
 * NaN when no reading tells (and without a meter). */
double meter_energy_j(struct meter *meter, int64_t from_ns, int64_t to_ns);

/* The energy between two instants, in joules. The power is taken to change evenly from one reading
 * to the next (the trapezoidal rule), and to stay as it was behind the newest. NaN where that says
 * nothing: when the first reading comes after from_ns, or when there is no reading for longer than
 * max_gap_ns anywhere between from_ns and to_ns. The readings are in the order of time, from_ns <
 * to_ns. */
double energy_between(const struct power_reading *readings, size_t n, int64_t from_ns,
                      int64_t to_ns, int64_t max_gap_ns);

#endif
