/*
 * prediction - how much of the CPU time of a process is what its cryptography takes by itself: the
 * operations that it does for a byte or a connection (operations.csv), each at the speed at which
 * its host does it alone (speed.csv), beside what was measured.
 *
 * The sum is the least that they take: caches are shared, and what surrounds an operation counts
 * for the program. It may exceed what was measured by as much as the processor has changed since.
 */
#ifndef BENCH_ANALYSIS_PREDICTION_H
#define BENCH_ANALYSIS_PREDICTION_H

#include "analysis/findings.h"
#include "analysis/ladder.h"

struct prediction_row {
    size_t probe, variant, channel; /* places in the dataset's lists */
    const char *process;            /* "client2.sender" */
    const char *per, *unit;         /* of the three below: a "byte" in ns, a "connection" in us */
    double measured, predicted;
    double largest;        /* what the one algorithm takes that takes most */
    const char *algorithm; /* which */
    /* NULL: all is known; else the name that was negotiated of which it is not, and of how many
     * bytes it is: nothing is predicted then (NaN). */
    const char *unknown;
    int unknown_length;
};

struct prediction {
    const struct cells *cells;
    struct prediction_row *list; /* by cell, then by process */
    size_t n;
};

/* Has a row where CPU time of TLS was measured. The caller's. */
struct prediction *prediction_new(const struct cells *cells);
void prediction_free(struct prediction *prediction);
DEFINE_CLEANUP(struct prediction *, prediction_free)

/* The time of one operation of so many bytes on a host, in seconds: between two sizes that were
 * measured it grows evenly, above the largest with the bytes, below the smallest it stays. NaN when
 * none was. */
double prediction_time_s(const struct dataset *dataset, const char *host, const char *algorithm,
                         const char *operation, double bytes);

/* Of each host which cipher is the fastest; of each row how much of its time is predicted. */
void prediction_say(const struct prediction *prediction, struct findings *findings);

#endif
