/*
 * progress - what a user sees while a run goes on: on a terminal, the picture (run/picture.h);
 * elsewhere a plain line a trial; with --quiet, those of failed and void trials.
 */
#ifndef BENCH_RUN_PROGRESS_H
#define BENCH_RUN_PROGRESS_H

#include "base/terminal.h"
#include "run/journal.h"

enum verbosity { QUIET, NORMAL, VERBOSE };

struct progress;

/* Writes to stdout. n_deployments: how many are to be measured. */
struct progress *progress_new(const struct scenario *scenario, size_t n_deployments,
                              enum verbosity verbosity);
void progress_free(struct progress *progress); /* leaves the last state on the screen */
DEFINE_CLEANUP(struct progress *, progress_free)

/* What is going on now ("proofs", a probe's name). */
void progress_doing(struct progress *progress, const struct trial_id *id, const char *doing);
void progress_trial(struct progress *progress, const struct trial_id *id,
                    const struct trial_result *result);
/* So many deployments are to come: more than were planned when a failed block is measured again,
 * fewer when what was measured is enough already. */
void progress_expect(struct progress *progress, size_t n_deployments);
/* A line for the user that stays. */
void progress_note(struct progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, only when --verbose was given. */
void progress_detail(struct progress *progress, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Draws the time anew, and at once when the terminal has another size; call it a few times a
 * second. */
void progress_tick(void *progress);

/* A long step before the first trial, zeroed but for what it makes ("certificates of members"): on
 * a terminal a bar, which goes when all is done; elsewhere a line, every 10 s at most. */
struct progress_step {
    const char *what;
    int64_t shown_ns; /* when it was, or when it began */
};
void progress_step(struct progress_step *step, int64_t done, int64_t all);

/* How long a trial measures; all trials of so many deployments, without what lies between them. */
int64_t progress_trial_ns(const struct measurement *measurement);
int64_t progress_planned_ns(const struct scenario *scenario, size_t n_deployments);

/* "1 h 24 min", "2 min 05 s", "34 s"; belongs to the caller. */
char *progress_duration(int64_t ns);

#endif
