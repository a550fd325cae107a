/*
 * resumption - an interrupted run that is taken up again: its folder, checked and locked, its own
 * scenario, and what of its plan is still to be measured.
 */
#ifndef BENCH_RUN_RESUMPTION_H
#define BENCH_RUN_RESUMPTION_H

#include "run/history.h"
#include "run/schedule.h"

#include <jansson.h>

struct resumption {
    char *folder;
    int lock_fd; /* keeps others from the folder; -1 once a journal has taken it over */
    struct scenario *scenario;
    struct plan *plan;
    struct schedule *schedule;
    struct history history;
    json_t *environment; /* environment.json */
};

/* Refuses what is no run, another's that goes on, and a scenario or plan that is not what the run
 * began with. Changes nothing in the folder. No other file than the run's own is looked at. */
int resumption_open(struct resumption **ret, const char *folder, const struct registry *registry,
                    struct error *error);
void resumption_close(struct resumption *resumption);
DEFINE_CLEANUP(struct resumption *, resumption_close)

/* For a new run: enters what it promises into what will be its environment.json. */
int resumption_promise(json_t *environment, const struct scenario *scenario,
                       const struct plan *plan, struct error *error);

/* Enters the circumstances under which the run goes on. now is borrowed. */
void resumption_enter(struct resumption *resumption, json_t *now);

#endif
