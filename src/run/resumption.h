/*
 * resumption - an interrupted run that is taken up again: its folder, checked and locked, its own
 * scenario, and what of its plan is still to be measured.
 */
#ifndef BENCH_RUN_RESUMPTION_H
#define BENCH_RUN_RESUMPTION_H

#include "base/error.h"
#include "model/trial.h"
#include "run/schedule.h"

#include <jansson.h>

struct resumption {
    char *folder;
    int lock_fd; /* keeps others from the folder; -1 once a journal has taken it over */
    struct scenario *scenario;
    struct plan *plan;
    struct schedule *schedule;
    size_t trials[TRIAL_N_STATUSES]; /* committed, all attempts */
    json_t *environment;             /* environment.json */
};

/* Refuses what is no run, another's that goes on, and a scenario or plan that is not what the run
 * began with. Changes nothing in the folder. No other file than the run's own is looked at. */
int resumption_open(struct resumption **ret, const char *folder, const struct registry *registry,
                    struct error *error);
void resumption_close(struct resumption *resumption);
DEFINE_CLEANUP(struct resumption *, resumption_close)

/* A part of it, which needs folder, scenario, plan and schedule: reads all tables; nothing in them
 * is changed. A half-written last line counts for nothing. A table that is missing, has other
 * columns or a row that the plan does not know is refused, with file:line; schedule is unusable
 * then. */
int resumption_read_tables(struct resumption *resumption, struct error *error);

/* For a new run: enters what it promises, as SHA-256 of scenario and plan, into what will be its
 * environment.json. */
int resumption_promise(json_t *environment, const struct scenario *scenario,
                       const struct plan *plan, struct error *error);

/* Enters the circumstances under which the run goes on. now is borrowed. */
void resumption_enter(struct resumption *resumption, json_t *now);

#endif
