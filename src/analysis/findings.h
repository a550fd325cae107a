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
#include "analysis/published.h"
#include "analysis/summary.h"

/* In the order in which they are read. */
enum finding_kind {
    FINDING_ANSWER,    /* what the run answers, in plain words */
    FINDING_UNSTEADY,  /* a control failed: nothing can be concluded; at most one */
    FINDING_LIMIT,     /* how much can be concluded at most */
    FINDING_VERDICT,   /* a channel against the baseline */
    FINDING_CONTROL,   /* what became of a control */
    FINDING_PUBLISHED, /* a published value or ratio beside what was measured */
    FINDING_CAUTION,   /* what the run suffered, or what limits the conclusions */
    FINDING_TRIALS,    /* the run's trials by status; a cell's that are not ok, or were measured
                          again */
    FINDING_PROOF,     /* what became of a channel's proof */
    FINDING_CHANNEL,   /* what a channel is */
    FINDING_TLS,       /* what a channel's trials negotiated */
    FINDING_LEGEND,    /* what the columns and verdicts of a table mean */
    FINDING_LOOKED,    /* what cautions were looked for */
    FINDING_WARNING,   /* rows of the run that could not be used */
    FINDING_SPEED,     /* what a processor does by itself; how much of a channel's time that is */
};

enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_ERROR };

struct finding {
    enum finding_kind kind;
    char *text; /* a whole sentence */
    enum severity severity;
    const char *probe, *variant, *channel, *verdict; /* which it is about; NULL: none */
};

struct findings {
    const struct dataset *dataset; /* what they are about */
    const struct cells *cells;
    const struct summary *summary;
    const struct comparisons *comparisons;
    const struct published *published;
    struct finding *list; /* by kind; within one, in the order of the scenario */
    size_t n;
};

/* The findings belong to the caller and point into the comparisons. */
struct findings *findings_new(const struct summary *summary, const struct comparisons *comparisons,
                              const struct published *published);
void findings_free(struct findings *findings);
DEFINE_CLEANUP(struct findings *, findings_free)

/* Adds a sentence. What is returned is good until the next is added. */
struct finding *findings_say(struct findings *findings, enum finding_kind kind, const char *format,
                             ...) __attribute__((format(printf, 3, 4)));

/* "answer", "unsteady", ...: the words of finding_kind. */
const char *finding_word(enum finding_kind kind);

/* ---- numbers as people read them ----
 *
 * The same in every sentence (scripts/reporting/numbers.py: in every table). What is not a finite
 * number is "-". All texts belong to the caller. */

/* "0.981"; very small ones with three digits, large ones with four. */
char *number_ratio(double ratio);
/* A share as "1.9 %", with two significant digits at least, never more than three decimals. */
char *number_percent(double share);
/* A share of which the size matters only, with two significant digits: "16 %", "0.43 %". */
char *number_about(double share);
/* A value in its unit, with four significant digits and all before the point. */
char *number_value(double value);
/* A share that was set, as it was written: "2 %", "0.5 %". */
char *number_margin(double share);

/* ---- what words them, each adding its own ---- */

#define ANSWER_LINES 5

/* What a run answers, in plain words with the ratio, one line to ANSWER_LINES: "mutual-tls
 * delivers 23 % of plain's throughput (95 % CI 21 to 25 %)." It follows from the declared
 * comparisons of the highest rung of the ladder that the run has, and of its probes that are on no
 * rung; controls are left out. What is undecided is called so, and an unsteady set-up answers
 * nothing. Before all others. */
void answer_add(struct findings *findings);

/* What a run suffered and what limits the conclusions from it, as cautions: trials that failed,
 * blocks that are missing, processors that were held back, values far from the rest, drift, trials
 * that depend on each other, segments sent again, messages lost, controls that nobody planned.
 * Nothing at all when there is nothing to say; nothing is left out of any figure because of it. */
void validity_add(struct findings *findings);
const char *validity_looked_for(void); /* all that */

/* "70 ok, 2 failed": from the `first` status on; "" for none. The caller's. */
char *validity_counts(const size_t counts[TRIAL_N_STATUSES], enum trial_status first);

/*
 * The distance from the median from which on a value is far, never less than `floor`; infinite for
 * less than three values, which have no majority. Values of trials are compared as their
 * logarithms, with the run's margin as floor; the time in which nothing arrived is compared over
 * all channels, with one step and a half.
 *
 * A value is far when its distance from the median is more than 6 MAD (the median of all such
 * distances; Hampel, "The influence curve and its role in robust estimation", 1974). MAD of few
 * values is itself a matter of chance: 6 of it would find an outlier in 25, 13, 17, 11, 12 and 9 %
 * of calm series of 3 to 8 values, and in 8 % of 10, 5 % of 20, 2 % of 100. So the factor is larger
 * in short series, as far as a simulation demands it for 2 % in all (tests/unit/test_outlier.c).
 */
double validity_outlier_limit(const double *values, size_t n, double floor, double *ret_median);

#endif
