/*
 * history - what the tables of a run's folder already hold, checked against the plan and entered
 * into its schedule.
 */
#ifndef BENCH_RUN_HISTORY_H
#define BENCH_RUN_HISTORY_H

#include "run/journal.h"
#include "run/schedule.h"

struct history {
    size_t trials[4]; /* committed, by enum trial_status, all attempts */
};

/* Reads all tables; nothing in them is changed. A half-written last line counts for nothing. A
 * table that is missing, has other columns or a row that the plan does not know is refused, with
 * file:line; schedule is unusable then. */
int history_read(struct history *ret, const char *folder, const struct scenario *scenario,
                 const struct plan *plan, struct schedule *schedule, struct error *error);

#endif
