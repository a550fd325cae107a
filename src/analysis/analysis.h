/*
 * analysis - a run and everything that is computed from it, each part from those before: what
 * tables, figures and pages are made of.
 */
#ifndef BENCH_ANALYSIS_ANALYSIS_H
#define BENCH_ANALYSIS_ANALYSIS_H

#include "analysis/findings.h"
#include "analysis/ladder.h"
#include "analysis/prediction.h"
#include "analysis/published.h"
#include "analysis/summary.h"

struct analysis {
    struct dataset *dataset;
    struct cells *cells;
    struct summary *summary;
    struct comparisons *comparisons;
    struct ladder *ladder;
    struct published *published;
    struct prediction *prediction;
    struct findings *findings;
};

/* Reads the run and computes all of it. The analysis belongs to the caller. Errors are those of
 * dataset_read(). */
int analysis_new(struct analysis **ret, const char *run_dir, struct error *error);
/* The same of a dataset that was read; it belongs to the analysis then. */
struct analysis *analysis_of(struct dataset *dataset);
void analysis_free(struct analysis *analysis);
DEFINE_CLEANUP(struct analysis *, analysis_free)

/* How well a run knows its ratios to the baseline, also while it is still going on. The widest 95 %
 * interval of all ratios to the baseline, of each probe's headline metric: its full width as a
 * share of the ratio (0.01: 1 %). NaN when some interval does not exist yet: fewer than two blocks
 * have a value of both channels, or one of them is zero. *ret_fewest: the blocks that the one with
 * the fewest rests on. */
int analysis_precision(const char *run_dir, double *ret_widest, size_t *ret_fewest,
                       struct error *error);

#endif
