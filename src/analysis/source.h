/*
 * source - the CSV files of a run, one after the other, row by row, with the columns that are
 * wanted; for the parts of reading.h. The first complaint counts, as "file:line: column: 'field' is
 * wrong like that"; from then on there are no more rows, and what is asked of the row at hand is 0,
 * NaN or "": whoever takes a row looks at source.r once.
 */
#ifndef BENCH_ANALYSIS_SOURCE_H
#define BENCH_ANALYSIS_SOURCE_H

#include "analysis/dataset.h"
#include "base/csv.h"

#include <jansson.h>

/* A field is named by its place in the list of names that source_read() got. */
struct source {
    struct dataset *dataset;
    const char *run_dir;
    struct error *error;
    int r;                      /* 0, or the negative errno of what went wrong */
    struct csv_reader *reader;  /* of the file at hand, or that was read last */
    int columns[16];            /* -1: not in this run */
    struct dataset_trial *last; /* that source_trial() found */
};

/* The run's environment.json, NULL where it has none that can be read; the caller's. */
json_t *source_environment(const struct source *source);

void source_close(struct source *source);

/* Whether that is a file: a link, a FIFO or a device in the folder of a stranger's run is none. */
bool source_is_file(const char *path);

/* Calls `take` for each row of a file, and returns source->r. `names` ends with NULL; a name that
 * begins with '?' is of a column that not every run has. A half-written last line is left out, with
 * a warning. */
int source_read(struct source *source, const char *file, const char *const *names,
                void (*take)(struct source *source, void *context), void *context);

/* ---- the row at hand ---- */

bool source_has(const struct source *source, int name); /* the column */
const char *source_text(const struct source *source, int name);
const char *source_keep(const struct source *source, int name); /* the same, as the dataset's */
long source_integer(struct source *source, int name);
double source_real(struct source *source, int name);  /* "": NaN */
double source_count(struct source *source, int name); /* of bytes; "": NaN */
/* The channel by its name and its variant, and what the variant has behind the channel's part. */
size_t source_channel(struct source *source, int channel, int variant, const char **ret_rest);
/* Of a file whose first two fields are trial and attempt: the row's trial, NULL when it is not
 * among the dataset's. */
struct dataset_trial *source_trial(struct source *source);
/* Of a file whose first two fields are block and attempt: whether the attempt counts. */
bool source_counts(struct source *source);

/* Complains of a field of the row at hand: `format` says how it is wrong. */
void source_reject(struct source *source, int name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a line for the user to the dataset's warnings. */
void source_warn(struct source *source, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- the parts of reading, each once those before it are there ---- */

/* trials.csv, and which attempt of a block counts. */
int trials_read(struct source *source);

/* metrics.csv: the values of the trials that count, and whether those of a trial agree with each
 * other and with trials.csv. */
int metrics_read(struct source *source);
/* How many values a distribution of a trial must have, and the metric that says so; NaN where none
 * does. */
double metrics_count(const struct dataset *dataset, const char *distribution, size_t trial,
                     const char **ret_metric);

/* What not every run has, of the attempts that count: what the hosts suffered in its blocks,
 * telemetry, proofs, distributions, and the steps of its trials. */
int records_read(struct source *source);

/* speed.csv and operations.csv, which not every run has. */
int speeds_read(struct source *source);

#endif
