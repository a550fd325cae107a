/*
 * dataset - a run folder in memory, checked: scenario.ini, definitions.csv, trials.csv, metrics.csv
 * and, of those that have them, blocks.csv and the clocks' bounds of telemetry.csv. The analysis
 * sees a run only through it.
 *
 * Of each block only the last complete attempt is used: the one that has a row for every channel
 * and probe of the scenario (and every variant that the block knows); where none is complete, the
 * last attempt as it is. Rows of the other attempts stay in `trials` with used = false.
 *
 * All that a dataset points to is its own and goes with it. Values have the unit of their
 * probe's headline metric, or of their series.
 */
#ifndef BENCH_REPORT_DATASET_H
#define BENCH_REPORT_DATASET_H

#include "base/error.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>

enum dataset_status {
    DATASET_OK,
    DATASET_FAILED,
    DATASET_VOID,
    DATASET_SKIPPED,
    DATASET_N_STATUSES,
};

struct dataset_channel {
    char *name, *description; /* "" when the scenario has none */
};

/* A probe with its headline metric. */
struct dataset_probe {
    char *name, *metric, *unit, *better, *help;
    bool in_trials; /* the values stand in trials.csv (throughput), else in metrics.csv */
    bool has_reference;
};

struct dataset_trial {
    long trial, attempt, block;
    size_t line;                    /* in trials.csv */
    size_t probe, channel, variant; /* places in the dataset's lists */
    enum dataset_status status;
    double value; /* of the headline metric; NaN when not ok */
    char *reason;
    bool used;
};

/* One kind of row of metrics.csv: "party.process.metric". */
struct dataset_series {
    char *name, *unit;
};

/* A row of metrics.csv that belongs to a used trial with status ok. */
struct dataset_value {
    size_t trial, series;
    double value;
};

/* A host whose processor was held back during the counted attempt of a block. */
struct dataset_throttling {
    long block;
    char *host;
    unsigned bits; /* as throttling_words() takes them; never 0 */
};

/* One-way latencies of telemetry, from one host's clock to another's, in the attempts that count.
 */
struct dataset_one_way {
    size_t n, n_below; /* all; those smaller than the bound of the clocks' comparison */
    double bound_ms;   /* the largest of these */
};

struct dataset {
    char *run_name;                                       /* the folder's name */
    char *scenario, *baseline, *hosts, *reference_source; /* "" when the scenario has none */
    long repetitions;                                     /* 0: not said */
    struct dataset_channel *channels;
    struct dataset_probe *probes;
    char **variants; /* in the order of their first row */
    struct dataset_trial *trials;
    struct dataset_series *series;
    struct dataset_value *values;
    size_t n_channels, n_probes, n_variants, n_trials, n_series, n_values;
    double *references;                     /* probes x channels; NaN: none */
    struct dataset_throttling *throttlings; /* by block */
    size_t n_throttlings;
    struct dataset_one_way one_way;
    char *warnings; /* lines for the user; "" when there are none */
};

/* Errors name the file and, where there is one, the line. */
int dataset_read(struct dataset **ret, const char *run_dir, struct error *error);
void dataset_free(struct dataset *dataset);
DEFINE_CLEANUP(struct dataset *, dataset_free)

/* The word of trials.csv. */
const char *dataset_status_word(enum dataset_status status);

/* The place of a channel or probe, or -1. */
int dataset_find_channel(const struct dataset *dataset, const char *name);
int dataset_find_probe(const struct dataset *dataset, const char *name);

static inline double dataset_reference(const struct dataset *dataset, size_t probe,
                                       size_t channel) {
    return dataset->references[probe * dataset->n_channels + channel];
}

#endif
