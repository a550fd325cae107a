/*
 * dataset_source - within dataset*.c only: a CSV file of a run with the columns that are wanted,
 * whose complaints are all "file:line: column: 'field' is wrong like that".
 */
#ifndef BENCH_ANALYSIS_DATASET_SOURCE_H
#define BENCH_ANALYSIS_DATASET_SOURCE_H

#include "analysis/dataset.h"
#include "base/csv.h"

/* A field is named by its place in the list of names that source_open() got. */
struct source {
    struct csv_reader *reader; /* NULL while the file could not be read; source_close() frees it */
    struct dataset *dataset;
    int columns[16];
    struct error *error;
};

/* `names` ends with NULL. */
int source_open(struct source *source, struct dataset *dataset, const char *run_dir,
                const char *file, const char *const *names);
static inline void source_close(struct source *source) {
    csv_reader_closep(&source->reader);
}

/* 1: the next row is at hand; 0: there is none; or a negative errno. A half-written last line is
 * left out, with a warning. */
int source_next(struct source *source);

/* Of the row at hand. */
static inline const char *source_text(const struct source *source, int name) {
    return source->reader->fields[source->columns[name]];
}
int source_integer(const struct source *source, int name, long *ret);
int source_real(const struct source *source, int name, double *ret);  /* "": NaN */
int source_count(const struct source *source, int name, double *ret); /* of bytes; "": NaN */
int source_reject(const struct source *source, int name, const char *why);

/* Looks for a column that not every run has, and makes it field `name`; false when it is not there.
 */
bool source_has(struct source *source, int name, const char *column);

/* dataset_factors.c: factors.csv, once the scenario's channels and probes are there. */
int dataset_read_factors(struct dataset *dataset, const char *run_dir, struct error *error);
void dataset_channel_clear(struct dataset_channel *channel);
/* The channel of a row from its name and its variant (a column that may be missing), and what the
 * variant has behind the channel's part. */
int source_channel(const struct source *source, int channel, int variant, size_t *ret_channel,
                   const char **ret_rest);

/* Adds a line for the user to the dataset's warnings. */
void dataset_warn(struct dataset *dataset, const char *line);

/* dataset_rows.c: trials.csv, once scenario and definitions are there; which attempts count. */
int dataset_read_trials(struct dataset *dataset, const char *run_dir, struct error *error);
/* By trial, then attempt: the order of the dataset's list. */
int dataset_compare_ids(const void *a, const void *b);
/* dataset_metrics.c: metrics.csv, once the trials are there. */
int dataset_read_metrics(struct dataset *dataset, const char *run_dir, struct error *error);

/* dataset_agreement.c: whether the values of each trial agree with each other. */
int dataset_check_metrics(const struct dataset *dataset, const char *run_dir, struct error *error);
/* How many values a distribution of a trial must have, and the metric that says so; NaN where none
 * does. */
double dataset_counted_by(const struct dataset *dataset, const char *distribution, size_t trial,
                          const char **ret_metric);

/* Of a file whose first two fields are trial and attempt: the row's trial, NULL when it is not
 * among the dataset's. */
int source_trial(const struct source *source, const struct dataset_trial **ret);
/* Of a file whose first two fields are block and attempt: the row's block, and whether it is of the
 * attempt that counts. */
int source_attempt(const struct source *source, long *ret_block, bool *ret_counts);

/* Once it is known which attempts count. dataset_blocks.c: */
int dataset_read_blocks(struct dataset *dataset, const char *run_dir, struct error *error);
/* dataset_channels.c: */
int dataset_read_telemetry(struct dataset *dataset, const char *run_dir, struct error *error);
int dataset_read_proofs(struct dataset *dataset, const char *run_dir, struct error *error);
/* dataset_distributions.c: */
int dataset_read_distributions(struct dataset *dataset, const char *run_dir, struct error *error);
/* dataset_intervals.c: */
int dataset_read_intervals(struct dataset *dataset, const char *run_dir, struct error *error);

#endif
