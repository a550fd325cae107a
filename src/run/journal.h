/*
 * journal - the record of a run: its folder and the CSV files in it (columns: docs/files.md).
 *
 * A trial counts when its row is in trials.csv, which is written and synced last; a file never ends
 * in half a row, also when the disk is full. A row is one line: line ends in texts become blanks.
 *
 * Only one journal at a time can be open on a folder: it holds a lock on it.
 */
#ifndef BENCH_RUN_JOURNAL_H
#define BENCH_RUN_JOURNAL_H

#include "base/csv.h"
#include "base/error.h"
#include "base/memory.h"
#include "model/plan.h"
#include "model/trial.h"

#include <jansson.h>

struct journal;

/* trials.csv last: it is what commits. */
enum journal_table {
    JOURNAL_METRICS,
    JOURNAL_DISTRIBUTIONS,
    JOURNAL_INTERVALS,
    JOURNAL_PROOFS,
    JOURNAL_TELEMETRY,
    JOURNAL_BLOCKS,
    JOURNAL_TRIALS,
    JOURNAL_N_TABLES
};

extern const struct journal_layout {
    const char *name;
    const struct csv_column *columns;
    size_t n_columns;
} journal_layouts[JOURNAL_N_TABLES];

/* Which trial a row is about. */
struct trial_id {
    int64_t trial;
    int attempt;
    const struct planned_deployment *deployment;
    const char *channel, *channel_variant; /* what is up, for all trials of the deployment */
    const struct measurement *measurement;
    const char *probe, *variant; /* the variant: of channel and measurement */
};

/* Makes results/<name>-<UTC> (or a free name beside it) with scenario.ini, definitions.csv,
 * factors.csv, the empty tables and environment.json, the last, in it, all on the disk. environment
 * is borrowed. */
int journal_create(struct journal **ret, const char *results, const struct scenario *scenario,
                   const json_t *environment, struct error *error);
/* Writes speed.csv, of what speed_collect() found. */
int journal_speed(const struct journal *journal, const json_t *speed, struct error *error);
/* Goes on with a run's tables, a half-written last line of which is cut off; environment replaces
 * the run's. lock_fd, of journal_lock(), becomes the journal's own. */
int journal_reopen(struct journal **ret, const char *folder, int *lock_fd,
                   const json_t *environment, struct error *error);
/* A descriptor that keeps others from writing to the run's folder until it is closed; -EBUSY when
 * another run is at it. */
int journal_lock(const char *folder, struct error *error);
void journal_close(struct journal *journal);
DEFINE_CLEANUP(struct journal *, journal_close)

const char *journal_folder(const struct journal *journal);

/* Rows of a trial that is not committed yet. A metric's unit is that of its probe's table. */
void journal_metric(struct journal *journal, const struct trial_id *id, const char *party,
                    const char *process, const char *name, double value);
/* The same of one host, as its specification calls it, where the party has several; NULL: as
 * journal_metric(). */
void journal_host_metric(struct journal *journal, const struct trial_id *id, const char *party,
                         const char *process, const char *host, const char *name, double value);
/* count values of the metric were above the row before and not above upper_bound. */
void journal_distribution(struct journal *journal, const struct trial_id *id, const char *metric,
                          const char *unit, double upper_bound, int64_t count);
void journal_interval(struct journal *journal, const struct trial_id *id, const char *party,
                      double start_s, double end_s, int64_t bytes);
/* Commits it: everything so far, then its row in trials.csv, to the disk. */
int journal_commit(struct journal *journal, const struct trial_id *id,
                   const struct trial_result *result, struct error *error);

/* A proof as its role tells it (probes/proof.h). */
void journal_proof(struct journal *journal, const struct trial_id *id, const json_t *proof);
/* bound_ms: of the latency's error, where two clocks are in it; else NaN. */
void journal_telemetry(struct journal *journal, const struct trial_id *id, int64_t sequence,
                       int64_t due_utc_ns, double latency_ms, const char *status, double bound_ms);
/* What was read on a host before and after a block; NaN: not there. */
void journal_reading(struct journal *journal, int block, int attempt, const char *host,
                     const char *metric, const char *unit, double before, double after);
/* The broker's log of one bring-up. */
int journal_broker_log(struct journal *journal, const struct trial_id *id, const char *log,
                       struct error *error);

/* Brings all rows onto the disk. Between bring-ups: their telemetry comes after their trials,
 * and nobody makes it again for a block that is measured. */
int journal_flush(struct journal *journal, struct error *error);

#endif
