/*
 * journal - the record of a run: its folder and the CSV files in it (columns: README.md).
 *
 * A trial counts when its row is in trials.csv, which is written and synced last; a file never ends
 * in half a row, also when the disk is full.
 */
#ifndef BENCH_RUN_JOURNAL_H
#define BENCH_RUN_JOURNAL_H

#include "base/error.h"
#include "base/memory.h"
#include "model/plan.h"
#include "model/trial.h"

#include <jansson.h>

struct journal;

/* Which trial a row is about. */
struct trial_id {
    int64_t trial;
    int attempt;
    const struct visit *visit;
    const char *channel, *probe;
};

/* Makes results/<name>-<UTC> (or a free name beside it) with scenario.ini, definitions.csv and
 * environment.json in it. facts is borrowed. */
int journal_create(struct journal **ret, const char *results, const struct scenario *scenario,
                   const json_t *environment, struct error *error);
void journal_close(struct journal *journal);
DEFINE_CLEANUP(struct journal *, journal_close)

const char *journal_folder(const struct journal *journal);

/* Rows of a trial that is not committed yet. */
void journal_metric(struct journal *journal, const struct trial_id *id, const char *party,
                    const char *process, const char *metric, const char *unit, double value);
void journal_interval(struct journal *journal, const struct trial_id *id, const char *party,
                      double start_s, double end_s, int64_t bytes);
/* Commits it: everything so far, then its row in trials.csv, to the disk. */
int journal_commit(struct journal *journal, const struct trial_id *id,
                   const struct trial_result *result, struct error *error);

/* A row as the proof role tells it: [proof, expected, observed, cause, verdict]. */
void journal_proof(struct journal *journal, const struct trial_id *id, const json_t *row);
void journal_telemetry(struct journal *journal, const struct trial_id *id, int64_t sequence,
                       int64_t due_utc_ns, double latency_ms, const char *status);
/* The broker's log of one bring-up. */
int journal_broker_log(struct journal *journal, const struct trial_id *id, const char *log,
                       struct error *error);

/* Hands all rows to the kernel. */
int journal_flush(struct journal *journal, struct error *error);

#endif
