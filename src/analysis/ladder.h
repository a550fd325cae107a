/*
 * ladder - for each channel, what is left of the path's throughput on each rung (path, the lowest,
 * and the probes above it, which move the same bytes), what that costs in processor time at every
 * party, and how many bytes are on the wire for one of payload: whether it is the crypto, the
 * broker or the link.
 *
 * A rung whose settings are varied stands, in each variant, on those below it: in the same variant,
 * or as they are where nothing of them is varied. All is computed within blocks. A ladder exists
 * when a run has the lowest rung and another.
 */
#ifndef BENCH_ANALYSIS_LADDER_H
#define BENCH_ANALYSIS_LADDER_H

#include "analysis/cells.h"

/* A mean with its 95 % t interval over blocks; NaN where there is none. */
struct ladder_mean {
    size_t n;
    double mean, low, high;
};

/* Seconds of processor time for 10^9 bytes: what a share of a core in percent is divided by. Not
 * from cpu_s: that is of a process's own window, which at the sender need not be as long as the
 * receiver's. */
#define BY_GIGABYTES 0.0

/* Of a metric of "party.process" in the cell's trials, divided by a number or BY_GIGABYTES. */
struct ladder_mean ladder_metric(const struct cells *cells, const struct cell *cell,
                                 const char *process, const char *metric, double by);

/* Whose processor time: by the process names of metrics.csv. */
enum ladder_process { LADDER_SENDER, LADDER_RECEIVER, LADDER_BROKER, LADDER_N_PROCESSES };

/* Whose processors: one host is the broker's when it is both. */
enum ladder_host { LADDER_BROKER_HOST, LADDER_PUBLISHER_HOST, LADDER_N_HOSTS };

/* What holds a step back is all that was full: "sender's processor" (the process was busy for
 * LADDER_BUSY of a core or more), "all cores of the broker's host" (LADDER_BUSY of all of them, by
 * whoever it was), "CPU quota of the broker's host" (it was used up in LADDER_THROTTLED of its
 * periods); else "not a processor": then it is the link, or waiting. "not known" when neither was
 * full and the processes' shares or the host's are not recorded; "" without trials. */
#define LADDER_BUSY      0.9
#define LADDER_THROTTLED 0.5

struct ladder_step {
    size_t probe, variant, channel; /* places in the dataset's lists */
    struct ladder_mean throughput;  /* Mbit/s */
    struct ladder_mean
        of_path;             /* throughput by that of path in the same block; of path itself: 1 */
    struct ladder_mean lost; /* what this rung takes from the one before, as a share of path's */
    struct ladder_mean cpu[LADDER_N_PROCESSES];   /* seconds of processor time per 10^9 bytes */
    struct ladder_mean share[LADDER_N_PROCESSES]; /* of one core, 0..1 */
    struct ladder_mean busy[LADDER_N_HOSTS];      /* of all cores, by whoever it was, 0..1 */
    struct ladder_mean throttled[LADDER_N_HOSTS]; /* of the quota's periods: those in which it was
                                                  used up, 0..1; NaN: no quota */
    char limit[320];                              /* what holds it back, in a few words */
    struct ladder_mean wire; /* bytes on the wire (an estimate) per byte of payload */
    double wire_theory;      /* the same by formula; NaN: none */
};

struct ladder {
    const struct cells *cells;
    struct ladder_step *list; /* by variant and channel, then from rung to rung */
    size_t n;
};

/* The ladder belongs to the caller; n = 0 when there is none. */
struct ladder *ladder_new(const struct cells *cells);
void ladder_free(struct ladder *ladder);
DEFINE_CLEANUP(struct ladder *, ladder_free)

#endif
