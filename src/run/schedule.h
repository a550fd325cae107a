/*
 * schedule - what of a plan is still to be measured, in which order, as which attempt: from the
 * plan and what the record of the run holds. No file, no clock.
 *
 * A block is measured when one of its attempts is complete: every measurement on every channel. One
 * that was begun and is not complete was interrupted, and is measured again whole; with order =
 * sequential, where a block is spread over the run, only if one of its deployments was cut short. A
 * block measured again is a new attempt, higher than any that has left a row in any table: no row
 * of one attempt is ever mixed with those of another.
 */
#ifndef BENCH_RUN_SCHEDULE_H
#define BENCH_RUN_SCHEDULE_H

#include "model/plan.h"

struct schedule;

/* The plan is borrowed. Nothing is measured yet. */
struct schedule *schedule_new(const struct plan *plan, enum scenario_order order);
void schedule_free(struct schedule *schedule);
DEFINE_CLEANUP(struct schedule *, schedule_free)

/* ---- what there is; trials, blocks and channels must be those of the plan ---- */

/* A row that belongs to this trial's deployment. */
void schedule_note(struct schedule *schedule, int64_t trial, int attempt);
/* The same, known by its block and channel. */
void schedule_note_channel(struct schedule *schedule, int block, size_t channel, int attempt);
/* The same, known by its block alone. */
void schedule_note_block(struct schedule *schedule, int block, int attempt);
/* The trial is committed; false when that attempt of it was before. */
bool schedule_commit(struct schedule *schedule, int64_t trial, int attempt, bool failed);

/* How many blocks are measured, and whether one was begun that is not. */
int64_t schedule_measured(const struct schedule *schedule, bool *ret_interrupted);

/* ---- what there is to do ---- */

struct schedule_item {
    const struct planned_deployment *deployment;
    int attempt;
};

struct schedule_list {
    struct schedule_item *items; /* the caller's */
    size_t n;
};

void schedule_list_clear(struct schedule_list *list);

/* The blocks that were interrupted, whole; then the deployments that are missing, as planned. */
struct schedule_list schedule_first(const struct schedule *schedule);
/* When those are through: the blocks whose only complete attempt has a failed trial, once more. */
struct schedule_list schedule_again(const struct schedule *schedule);

#endif
