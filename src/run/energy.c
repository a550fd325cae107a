#include "run/energy.h"

#include <math.h>

/* Of the part of the line from a to b that lies in the window; a power that falls or rises evenly
 * is, on the average, what it is in the middle. */
static double part(const struct power_reading *a, const struct power_reading *b, int64_t from_ns,
                   int64_t to_ns) {
    int64_t begin = a->at_ns > from_ns ? a->at_ns : from_ns;
    int64_t end = b->at_ns < to_ns ? b->at_ns : to_ns;
    double middle, share;

    if (end <= begin)
        return 0;
    middle = ((double)(begin - a->at_ns) + (double)(end - a->at_ns)) / 2;
    share = middle / (double)(b->at_ns - a->at_ns);
    return (a->watts + (b->watts - a->watts) * share) * (double)(end - begin) / 1e9;
}

double energy_between(const struct power_reading *readings, size_t n, int64_t from_ns,
                      int64_t to_ns, int64_t max_gap_ns) {
    double sum = 0;

    if (n == 0 || readings[0].at_ns > from_ns)
        return NAN;
    for (size_t i = 0; i < n && readings[i].at_ns < to_ns; i++) {
        const struct power_reading last = {to_ns, readings[i].watts};
        const struct power_reading *next = i + 1 < n ? &readings[i + 1] : &last;

        if (next->at_ns <= from_ns)
            continue;
        if (next->at_ns - readings[i].at_ns > max_gap_ns)
            return NAN;
        sum += part(&readings[i], next, from_ns, to_ns);
    }
    return sum;
}
