/*
 * enough - whether a run with `repetitions = until` has measured enough, as its files say.
 *
 * It is asked between two blocks, when every block that was begun is whole, so that an interrupted
 * run which goes on ends where it would have ended. From the smallest number of blocks on, each
 * answer replaces the one before: a block that is measured again may widen an interval. A block
 * without a value of some channel counts as measured, but its comparison rests on one block less:
 * the answer is no until each rests on the smallest number.
 */
#ifndef BENCH_RUN_ENOUGH_H
#define BENCH_RUN_ENOUGH_H

#include "run/runner.h"

struct enough {
    bool asked;    /* at least once */
    bool reached;  /* the last answer */
    double widest; /* with it */
};

/* Asks options->is_enough, where the scenario and what is measured of it give a reason to. The
 * tables of the folder must have been flushed. */
int enough_ask(struct enough *enough, const struct run_options *options,
               const struct schedule *schedule, const char *folder, struct error *error);

/* Says at the end of a run why it ended; nothing where the number of blocks was fixed. */
void enough_tell(const struct enough *enough, const struct scenario *scenario,
                 const struct schedule *schedule, struct progress *progress);

#endif
