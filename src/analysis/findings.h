/*
 * findings - what may be concluded from a run, in sentences that follow from the verdicts and from
 * nothing else ("not significant" is never turned into "equal"), and what else is to be said of it:
 * findings.csv is all that any table or page says in words.
 *
 * The answer comes first. When a control failed (comparison.h) it says that nothing can be
 * concluded. Then comes what limits all others: too few blocks, and what cannot be detected here.
 */
#ifndef BENCH_ANALYSIS_FINDINGS_H
#define BENCH_ANALYSIS_FINDINGS_H

#include "analysis/comparison.h"
#include "analysis/summary.h"

/* In the order in which they are read. */
enum finding_kind {
    FINDING_ANSWER,   /* what the run answers, in plain words (answer.h) */
    FINDING_UNSTEADY, /* a control failed: nothing can be concluded; at most one */
    FINDING_LIMIT,    /* how much can be concluded at most */
    FINDING_VERDICT,  /* a channel against the baseline */
    FINDING_CONTROL,  /* what became of a control */
    FINDING_CAUTION,  /* what the run suffered, or what limits the conclusions (validity.h) */
    FINDING_TRIALS,   /* the run's trials by status; a cell's that are not ok, or were measured
                         again */
    FINDING_PROOF,    /* what became of a channel's proof */
    FINDING_CHANNEL,  /* what a channel is */
    FINDING_TLS,      /* what a channel's trials negotiated */
    FINDING_LEGEND,   /* what the columns and verdicts of a table mean */
    FINDING_LOOKED,   /* what cautions were looked for */
    FINDING_WARNING,  /* rows of the run that could not be used */
};

enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_ERROR };

struct finding {
    enum finding_kind kind;
    char *text; /* a whole sentence */
    enum severity severity;
    const char *probe, *variant, *channel, *verdict; /* which it is about; NULL: none */
};

struct findings {
    struct finding *list; /* by kind; within one, in the order of the scenario */
    size_t n;
};

/* The findings belong to the caller and point into the comparisons. */
struct findings *findings_new(const struct summary *summary, const struct comparisons *comparisons);
void findings_free(struct findings *findings);
DEFINE_CLEANUP(struct findings *, findings_free)

/* "answer", "unsteady", ...: the words of finding_kind. */
const char *finding_word(enum finding_kind kind);

#endif
