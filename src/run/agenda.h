/*
 * agenda - what of a plan is still to be measured, in which order, as which attempt: from the plan
 * and what the record of the run holds. No file, no clock.
 *
 * A block is measured when one of its attempts is complete: every measurement on every channel. One
 * that was begun and is not complete was interrupted, and is measured again whole; with order =
 * sequential, where a block is spread over the run, only if one of its visits was cut short. A
 * block measured again is a new attempt, higher than any that has left a row in any table: no row
 * of one attempt is ever mixed with those of another.
 */
#ifndef BENCH_RUN_AGENDA_H
#define BENCH_RUN_AGENDA_H

#include "model/plan.h"

struct agenda;

/* The plan is borrowed. Nothing is measured yet. */
struct agenda *agenda_new(const struct plan *plan, enum scenario_order order);
void agenda_free(struct agenda *agenda);
DEFINE_CLEANUP(struct agenda *, agenda_free)

/* ---- what there is; trials, blocks and channels must be those of the plan ---- */

/* A row that belongs to this trial's visit. */
void agenda_note(struct agenda *agenda, int64_t trial, int attempt);
/* The same, known by its block and channel. */
void agenda_note_channel(struct agenda *agenda, int block, size_t channel, int attempt);
/* The same, known by its block alone. */
void agenda_note_block(struct agenda *agenda, int block, int attempt);
/* The trial is committed; false when that attempt of it was before. */
bool agenda_commit(struct agenda *agenda, int64_t trial, int attempt, bool failed);

/* How many blocks are measured, and whether one was begun that is not. */
int64_t agenda_measured(const struct agenda *agenda, bool *ret_interrupted);

/* ---- what there is to do ---- */

struct agenda_item {
    const struct visit *visit;
    int attempt;
};

struct agenda_list {
    struct agenda_item *items; /* the caller's, who frees it */
    size_t n;
};

/* The blocks that were interrupted, whole; then the visits that are missing, as planned. */
struct agenda_list agenda_first(const struct agenda *agenda);
/* When those are through: the blocks whose only complete attempt has a failed trial, once more. */
struct agenda_list agenda_again(const struct agenda *agenda);

#endif
