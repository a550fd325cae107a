/*
 * telemetry_log - what became of every telemetry message of one bring-up.
 *
 * Publisher and subscriber each tell the time of their own host's monotonic clock; `ahead` says how
 * far apart these are.
 */
#ifndef BENCH_RUN_TELEMETRY_LOG_H
#define BENCH_RUN_TELEMETRY_LOG_H

#include "run/journal.h"

struct telemetry_message {
    int64_t due_ns, due_utc_ns; /* 0: never published */
    int64_t arrived_ns;         /* 0: not yet */
    int64_t copies;             /* arrivals after the first */
};

struct telemetry_log {
    struct telemetry_message *messages; /* by sequence, from 1 */
    size_t count;
    int64_t written; /* messages of earlier bring-ups of the same deployment, whose numbers go on */
    /* How far the subscriber's clock is ahead of the publisher's, and by how much that may be
     * wrong: -1 when both read the same clock. */
    int64_t ahead_ns, bound_ns, compared_ns; /* and when that was found out */
};

/* Takes in what the publisher (`published`) and the subscriber (`arrived`) say, in any order. */
void telemetry_log_hear(struct telemetry_log *log, const char *word, const json_t *line);

/* A message's latency, from when it was due, in ms; NaN when it has not arrived. */
double telemetry_log_latency_ms(const struct telemetry_log *log, int64_t sequence);

/* Writes a row for every message, and one more for every further copy of it, and forgets them.
 * complete: what has not arrived will not; else nothing is said of it. */
void telemetry_log_write(struct telemetry_log *log, struct journal *journal,
                         const struct trial_id *id, bool complete);

#endif
