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

#include "run/progress.h"
#include "run/schedule.h"

/* Whether the run's files say that every interval is narrow enough; *ret_widest is the widest now
 * (its full width as a share of the ratio; NaN: not known, or it rests on fewer blocks than the
 * smallest number). ask is NULL: never asked, so the largest number of blocks is measured. */
struct enough_question {
    int (*ask)(void *context, const char *folder, bool *ret, double *ret_widest,
               struct error *error);
    void *context;
};

struct enough {
    struct enough_question question;
    const struct scenario *scenario;
    const struct schedule *schedule;
    bool asked;    /* at least once */
    bool reached;  /* the last answer */
    double widest; /* with it */
};

/* Asks, where the scenario and what is measured of it give a reason to. The tables of the folder
 * must have been flushed. */
int enough_ask(struct enough *enough, const char *folder, struct error *error);

/* Says at the end of a run why it ended; nothing where the number of blocks was fixed. */
void enough_tell(const struct enough *enough, struct progress *progress);

#endif
