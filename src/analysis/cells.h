/*
 * cells - a dataset's used trials by probe, variant and channel, each in the order of time: what
 * every statistic is computed from. A cell exists for every channel of a probe and variant that
 * was tried; a probe that was never tried has cells of no variant (variant = n_variants), so that
 * tables can say so. They stand in the scenario's order: probe, variant, channel.
 *
 * Cells point into their dataset, which must outlive them.
 */
#ifndef BENCH_ANALYSIS_CELLS_H
#define BENCH_ANALYSIS_CELLS_H

#include "analysis/dataset.h"

struct cell {
    size_t probe, variant, channel;
    const uint32_t *trials; /* places in the dataset's list, by time; of any status */
    size_t n;
    size_t n_before;                    /* further trials, not ok, whose block was measured again */
    const struct dataset_trial *before; /* the first of these, by number and attempt; or NULL */
};

struct cells {
    const struct dataset *dataset;
    struct cell *list;
    size_t n;
    uint32_t *order; /* what the cells' lists lie in */
};

/* The cells belong to the caller. O(n log n). */
struct cells *cells_new(const struct dataset *dataset);
void cells_free(struct cells *cells);
DEFINE_CLEANUP(struct cells *, cells_free)

/* Copies the headline values of the trials that are ok, by time, into an array with room for
 * cell->n. Returns how many. */
size_t cells_values(const struct cells *cells, const struct cell *cell, double *ret_values);

/* The cell's value, of a series or DATASET_HEADLINE, in each block that the dataset counts, by
 * block; NaN where it has none. The caller's. */
double *cells_by_block(const struct cells *cells, const struct cell *cell, int series);

/* The values of two cells in the blocks that have both, by block. The arrays have room for the
 * smaller n. Returns how many. */
size_t cells_pairs(const struct cells *cells, const struct cell *a, const struct cell *b,
                   int series, double *ret_a, double *ret_b);

#endif
