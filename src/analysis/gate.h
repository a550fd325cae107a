/*
 * gate - whether a run is slower than earlier ones of the same: series of a value a block in, a
 * verdict for each out. Pure functions; nothing here knows what was measured.
 *
 * Blocks of one run have more in common with each other than with those of another run: memory is
 * laid out otherwise, the machine has other neighbours, it is another day. A test of blocks alone
 * would take that for a change. So a run is a draw from all runs of its kind, and a block is a draw
 * within it: a random effect on each of two levels, as Kalibera and Jones describe it for
 * benchmarks ("Rigorous benchmarking in reasonable time", 2013). All is done on logarithms.
 *
 * A run's mean is the 20 % trimmed mean of its blocks, with the Winsorized variance (Yuen, "The
 * two-sample trimmed t for unequal population variances", 1974): on a machine with other work to do
 * single blocks stand far apart, and would decide alone.
 *
 * The new run's mean is held against that of the means of the B baseline runs, whose variance
 * s^2 holds what runs and what blocks scatter. With as many blocks in each run the variance of the
 * difference is s^2 (1 + 1 / B), which makes it a t test of one against B (Crawford and Howell,
 * "Comparing an individual's test score against norms derived from small samples", 1998). A new run
 * with more or fewer blocks than the baselines has less or more, by the variance within runs, and
 * degrees of freedom as Satterthwaite ("An approximate distribution of estimates of variance
 * components", 1946) has them, unless fewer of its blocks tell more; what blocks alone scatter is
 * the least.
 *
 * B - 1 degrees of freedom are few. Ratios of several channels and probes tell together how much
 * runs scatter: each s^2, in units of what its blocks alone would scatter, is drawn towards that of
 * all, as far as they agree (Smyth, "Linear models and empirical Bayes methods for assessing
 * differential expression in microarray experiments", 2004). Ratios are correlated and count for
 * fewer than they are. Absolute values, whose runs scatter together, are judged each by itself.
 *
 * `slower` takes two tests, the larger p counts (an intersection-union test, Berger 1982): this t
 * test, which many blocks of a run that is off cannot fool, and a permutation of blocks between the
 * new run and all baselines, by the sum of ranks (Wilcoxon, 1945), which few wild blocks cannot
 * fool. Both are one-sided; Holm corrects over all series. `no change` takes two one-sided t tests
 * at 5 % (TOST): the 90 % interval lies within the margin; it comes before `slower`, as in
 * comparison.h. tests/benchmarks/simulate_gate holds how often all of this is right.
 */
#ifndef BENCH_ANALYSIS_GATE_H
#define BENCH_ANALYSIS_GATE_H

#include "model/verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GATE_BASELINES 3 /* runs, at least: fewer do not say how much runs scatter */
#define GATE_BLOCKS    VERDICT_EQUIVALENT_BLOCKS /* of each run, at least */
#define GATE_LEVEL     0.90                      /* of the interval */
#define GATE_SHUFFLES  20000                     /* random permutations of blocks */
/* What is advised when it would decide, and not beyond. */
#define GATE_MOST_BLOCKS    200
#define GATE_MOST_BASELINES 30

/* The logarithm of a value a block; the caller's. */
struct gate_run {
    const double *logs;
    size_t n;
};

enum gate_kind { GATE_RATIO, GATE_ABSOLUTE };

struct gate_series {
    enum gate_kind kind;
    bool lower_is_better;
    struct gate_run now;
    const struct gate_run *before; /* the baseline runs */
    size_t n_before;
};

enum gate_verdict {
    GATE_NO_CHANGE,  /* within the margin */
    GATE_SLOWER,     /* worse, by the metric's own direction */
    GATE_FASTER,     /* better */
    GATE_NOT_SLOWER, /* not worse by as much as the margin; it may be better */
    GATE_UNDECIDED,
};

struct gate_judgement {
    double now, before; /* trimmed geometric means: of the blocks, of the baselines' means */
    double ratio, ci_low, ci_high; /* now / before, and its interval at GATE_LEVEL */
    double between_sd, within_sd;  /* of logarithms: of runs beside what their blocks explain, and
                                    * of blocks within a run */
    double freedom;                /* of the t test */
    double p_slower, p_slower_holm, p_faster, p_faster_holm;
    enum gate_verdict verdict;
    size_t blocks_missing, baselines_missing; /* to judge at all */
    size_t blocks_needed;    /* the new run would decide with so many, if nothing else changes; 0:
                              * not with GATE_MOST_BLOCKS */
    size_t baselines_needed; /* the same of baseline runs, and GATE_MOST_BASELINES */
};

/* Judges n series of one gate together; the margin is a share (0.05). What cannot be computed is
 * NaN. A run of fewer than GATE_BLOCKS blocks is left out of a series' baselines. The seed is that
 * of the random permutations. */
void gate_judge(const struct gate_series *series, size_t n, double margin, uint64_t seed,
                struct gate_judgement *ret);

/* "no change", "slower", "faster", "not slower", "undecided"; of an amount (dataset_is_amount)
 * "more", "less" and "not more". */
const char *gate_verdict_word(enum gate_verdict verdict, bool is_amount);

/* Of all: slower when one is, else undecided when one is, else no change. Without any: undecided.
 */
enum gate_verdict gate_conclude(const struct gate_judgement *judgements, size_t n);

#endif
