/*
 * source - a CSV file of a run with the columns that are wanted. The first complaint counts, as
 * "file:line: column: 'field' is wrong like that"; from then on there are no more rows, and what is
 * asked of the row at hand is 0, NaN or "": whoever takes a row looks at source.r once.
 */
#ifndef BENCH_ANALYSIS_SOURCE_H
#define BENCH_ANALYSIS_SOURCE_H

#include "analysis/dataset.h"
#include "base/csv.h"

/* A field is named by its place in the list of names that source_open() got. */
struct source {
    struct dataset *dataset;
    struct csv_reader *reader; /* NULL while the file could not be read */
    int columns[16];           /* -1: not in this run */
    int r;                     /* 0, or the negative errno of what went wrong */
    struct error *error;
};

/* Whether that is a file: a link, a FIFO or a device in the folder of a stranger's run is none. */
bool source_is_file(const char *path);

/* `names` ends with NULL; a name that begins with '?' is of a column that not every run has. */
void source_open(struct source *source, struct dataset *dataset, const char *run_dir,
                 const char *file, const char *const *names, struct error *error);
void source_close(struct source *source);

/* Whether there is another row; it is at hand then. A half-written last line is left out, with a
 * warning. */
bool source_next(struct source *source);

/* Of the row at hand. */
bool source_has(const struct source *source, int name); /* the column */
const char *source_text(const struct source *source, int name);
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

/* ---- lists of distinct texts ---- */

struct texts {
    char **list; /* in the order in which they were first asked for */
    size_t n;
};

/* The place of the first `length` bytes of text, which are added if they are new. */
size_t texts_place(struct texts *texts, const char *text, size_t length);
void texts_clear(struct texts *texts);

#endif
