/*
 * comparison - one channel against another, block by block, by each probe's headline metric:
 * comparisons.csv and what tables, figures and sentences are made of. First all channels against
 * the scenario's baseline, which is the family that was declared beforehand; then all other pairs,
 * which carry no p_holm.
 *
 * The verdict is `equivalent` when the 90 % interval of the ratio lies within 1 -+ the scenario's
 * margin (two one-sided tests at 5 %); else `slower` or `faster` when p_holm < 0.05 (for other
 * pairs, which nobody declared: never); else `undecided`. Slower is worse by the metric's own
 * direction. Fewer than VERDICT_EQUIVALENT_BLOCKS complete blocks are `undecided`.
 *
 * What is finer than the resolution that the A/A control shows is `undecided`, too.
 * A control fails only when it is shown not to be what it is: the A/A control slower or faster, the
 * slowed one faster, or with less than half of its loss.
 */
#ifndef BENCH_ANALYSIS_COMPARISON_H
#define BENCH_ANALYSIS_COMPARISON_H

#include "analysis/cells.h"
#include "analysis/paired.h"
#include "model/verdict.h"

/* ---- what a set-up can see ----
 *
 * Its A/A control shows it: the baseline once more, whose ratio to the baseline is 1. How far the
 * interval of that ratio reaches is how far apart equal channels come out here.
 *
 * A difference is believed when its 95 % interval and the control's do not overlap. `equivalent` is
 * believed when the control was found equivalent, too. Both intervals are those that are printed.
 */

struct resolution {
    double low, high; /* from the lowest bound of any control, or 1, to the highest */
    bool known;       /* some control has an interval */
    bool equivalent;  /* all that have one were found equivalent */
};

/* Before any control: nothing is known. */
#define RESOLUTION_UNKNOWN ((struct resolution){1, 1, false, true})

/* Takes a control in; one without an interval (fewer than two blocks) says nothing. */
void resolution_add(struct resolution *resolution, const struct paired *control, bool equivalent);

/* Whether a difference is too close to 1 to be told from what equal channels show. */
bool resolution_hides(const struct resolution *resolution, const struct paired *paired);

/* Differences below this share of the baseline cannot be seen; 0 when nothing is known. */
double resolution_limit(const struct resolution *resolution);

/* Whether a control from which `loss` (0..1) of the throughput was taken shows that less than half
 * of it is gone: its 95 % interval lies above. An interval that reaches as far as that leaves open
 * what happened; and buffers may make up for a part of a sender's rest. */
bool resolution_refutes_loss(const struct paired *paired, double loss);

/* ---- comparisons ---- */

enum verdict { VERDICT_EQUIVALENT, VERDICT_SLOWER, VERDICT_FASTER, VERDICT_UNDECIDED };

struct comparison {
    size_t probe, variant, channel, baseline; /* places in the dataset's lists */
    bool declared;                            /* against the scenario's baseline */
    struct paired paired;                     /* its n: blocks that have both */
    double p_holm;                            /* NaN when not declared */
    size_t family;   /* comparisons that Holm corrects together: those that have a p; 0: none */
    bool skipped;    /* either channel was, in every trial: there will never be a ratio */
    bool can_differ; /* declared, and its blocks are enough for some difference to be shown */
    enum verdict verdict;
    bool failed;        /* a control that was shown not to be what it is; else false */
    const char *reason; /* why undecided, in words; "" otherwise */
};

struct comparisons {
    const struct cells *cells;
    struct comparison *list; /* the declared ones first, by probe, variant, channel */
    size_t n, n_declared;
};

/* The comparisons belong to the caller and point into the cells, which must outlive them. */
struct comparisons *comparisons_new(const struct cells *cells);
void comparisons_free(struct comparisons *comparisons);
DEFINE_CLEANUP(struct comparisons *, comparisons_free)

/* The declared comparison of a channel, or NULL (the baseline itself has none). */
const struct comparison *comparisons_find(const struct comparisons *comparisons, size_t probe,
                                          size_t variant, size_t channel);

/* What the A/A controls of a probe and variant show that can be seen. */
struct resolution comparisons_resolution(const struct comparisons *comparisons, size_t probe,
                                         size_t variant);

/* "equivalent", "slower", ... of the probe's headline; of an amount "more" and "less". */
const char *comparison_word(const struct dataset *dataset, const struct comparison *comparison);
/* The same, or "skipped": what became of the comparison. */
const char *comparison_outcome(const struct dataset *dataset, const struct comparison *comparison);

/* The widest 95 % interval of the declared comparisons, as a share of its ratio; NaN when one of
 * them does not exist yet, those of skipped channels aside. */
double comparisons_widest(const struct comparisons *comparisons);
/* The fewest blocks that any of them but skipped ones rests on; 0 when there are none. */
size_t comparisons_fewest(const struct comparisons *comparisons);

/* The most blocks that any of them rests on. */
size_t comparisons_most(const struct comparisons *comparisons);
/* The probes on which a control failed, ", " between them; "" for none; the caller's. */
char *comparisons_unsteady(const struct comparisons *comparisons);

#endif
