/*
 * findings - what may be concluded from a run, in sentences that follow from the verdicts and from
 * nothing else. "Not significant" is never turned into "equal".
 *
 * When a control failed (comparison.h) the first finding says that nothing can be concluded, before
 * any other. Then comes what limits all of them: too few blocks, and what cannot be seen here.
 */
#ifndef BENCH_ANALYSIS_FINDINGS_H
#define BENCH_ANALYSIS_FINDINGS_H

#include "analysis/comparison.h"
#include "analysis/summary.h"

enum finding_kind {
    FINDING_UNSTEADY, /* a control failed: nothing can be concluded; at most one, the first */
    FINDING_LIMIT,    /* how much can be concluded at most */
    FINDING_VERDICT,  /* a channel against the baseline */
    FINDING_CONTROL,  /* what became of a control */
    FINDING_CAUTION,  /* what the run suffered, or what limits the conclusions (validity.h) */
};

struct finding {
    enum finding_kind kind;
    const struct comparison *comparison; /* of a verdict or control; else NULL */
    char *text;                          /* a whole sentence */
};

struct findings {
    struct finding *list; /* in the order of their kinds; within one, of the scenario */
    size_t n;
};

/* The findings belong to the caller and point into the comparisons. */
struct findings *findings_new(const struct summary *summary, const struct comparisons *comparisons);
void findings_free(struct findings *findings);
DEFINE_CLEANUP(struct findings *, findings_free)

#endif
