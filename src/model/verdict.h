/*
 * verdict - how many complete blocks the verdicts of a scenario take, by the rule that
 * analysis/comparison.h applies: what can be known before a run.
 */
#ifndef BENCH_MODEL_VERDICT_H
#define BENCH_MODEL_VERDICT_H

#include "model/scenario.h"

#define VERDICT_ALPHA 0.05
/* Blocks that `equivalent` takes at least, however narrow the interval: tests/benchmarks/simulate
 * holds its errors at this number. */
#define VERDICT_EQUIVALENT_BLOCKS 6

/* Blocks from which on `slower` and `faster` can be shown. The least p of a sign-flip test of n
 * blocks is 2^(1-n), and Holm multiplies the least of m comparisons by m: m 2^(1-n) < alpha. */
int64_t verdict_differ_blocks(size_t n_comparisons);

/* Comparisons with the baseline in the largest family: of one probe, over its variants. */
size_t verdict_comparisons(const struct scenario *scenario);

/* "equivalent takes 6 complete blocks, slower and faster 7 (3 comparisons of a probe with plain)",
 * and whether the scenario's blocks are too few; the caller's. NULL: nothing is compared. */
char *verdict_outlook(const struct scenario *scenario);

#endif
