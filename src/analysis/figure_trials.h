/*
 * figure_trials - between the two files that make the figure of all trials: the values on one hand,
 * what is no value and the blocks on the other.
 */
#ifndef BENCH_ANALYSIS_FIGURE_TRIALS_H
#define BENCH_ANALYSIS_FIGURE_TRIALS_H

#include "analysis/figure.h"

struct figure_time {
    const char *label;
    double ms;
};

struct figure_trials {
    struct figure *figure;
    const struct figure_sources *sources;
    struct figure_file dots, beyond, marks, bands, axis;
    bool timed;    /* else trials are numbered */
    bool absolute; /* a panel shows the values themselves */
    int64_t start_ms;
    double end; /* of the axis */
    struct figure_time unit;
    size_t step; /* one in so many is drawn, at least */
    size_t drawn, all, n_beyond, failed, void_;
};

static inline bool figure_trials_tried(const struct dataset_trial *trial) {
    return trial->status != DATASET_SKIPPED;
}

/* Where a trial stands on the axis of time. */
double figure_trials_place(const struct figure_trials *trials, size_t trial);

/* Writes marks for the trials that failed or are void, also in attempts that do not count. */
void figure_trials_marks(struct figure_trials *trials);

/* Writes a band for every other block, if they can be told apart. What is to be said of them. */
const char *figure_trials_bands(struct figure_trials *trials);

#endif
