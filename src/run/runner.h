/*
 * runner - executes a plan: block after block, channel after channel, probe after probe, and
 * records what came of it. It orders and records; it holds no key of a party.
 */
#ifndef BENCH_RUN_RUNNER_H
#define BENCH_RUN_RUNNER_H

#include "run/progress.h"
#include "run/resumption.h"

struct run_options {
    struct scenario *scenario; /* what it leaves open is chosen in it */
    struct resumption
        *resumption;     /* the run to go on with, whose scenario it is; NULL: a new one */
    const char *results; /* the folder in which the run's own is made */
    const char *certs;   /* folder of the PKI */
    const char *root;    /* of the sources, for the commit; may be NULL */
    int cancel_fd;       /* a signalfd; readable: stop */
    enum verbosity verbosity;
    /* For `repetitions = until`: whether the run's files say that every interval is narrow enough;
     * *ret_widest is the widest now (its full width as a share of the ratio; NaN: not known, or
     * it rests on fewer blocks than the smallest number).
     * NULL: never asked, so the largest number of blocks is measured. */
    int (*is_enough)(void *context, const char *folder, bool *ret, double *ret_widest,
                     struct error *error);
    void *context;
};

struct run_outcome {
    char *folder;     /* the run's, NULL when it did not come to one; owned */
    size_t trials[4]; /* by enum trial_status, all attempts */
    size_t before[4]; /* the same, what a resumed run had already */
    bool interrupted;
};

/* 0 when the plan was executed, or as much of it as is enough, or interrupted, or nothing of it was
 * left, however the trials ended; a negative errno when the set-up cannot work or the record cannot
 * be kept. ret is filled in either case. */
int run_scenario(const struct run_options *options, struct run_outcome *ret, struct error *error);
void run_outcome_clear(struct run_outcome *outcome);

/* How long a trial measures; all of a plan's trials, without what lies between them. */
int64_t run_trial_planned_ns(const struct measurement *measurement);
int64_t run_planned_ns(const struct scenario *scenario, const struct plan *plan);

#endif
