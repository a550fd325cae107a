/*
 * findings - what may be concluded from a run, in sentences that follow from the verdicts and from
 * nothing else. "Not significant" is never turned into "equal".
 *
 * When a control did not come out as it must (the A/A channel equivalent to the baseline, the
 * slowed one slower), the first finding says that the set-up was too unsteady to conclude.
 */
#ifndef BENCH_REPORT_FINDINGS_H
#define BENCH_REPORT_FINDINGS_H

#include "report/comparison.h"

enum finding_kind {
    FINDING_UNSTEADY, /* the controls forbid conclusions; at most one, the first */
    FINDING_CONTROL,  /* what became of a control */
    FINDING_VERDICT,  /* a channel against the baseline */
    FINDING_CAUTION,  /* what the run suffered, or what limits the conclusions (validity) */
};

struct finding {
    enum finding_kind kind;
    const struct comparison *comparison; /* of a control or verdict; else NULL */
    char *text;                          /* a whole sentence */
};

struct findings {
    struct finding *list; /* in the order in which they are to be read */
    size_t n;
};

/* The findings belong to the caller and point into the comparisons. */
struct findings *findings_new(const struct comparisons *comparisons);
void findings_free(struct findings *findings);
DEFINE_CLEANUP(struct findings *, findings_free)

#endif
