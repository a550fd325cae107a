/*
 * gate_runs - a run beside earlier runs of the same, read from their folders and matched by the
 * names of probe, variant, channel and metric: what gate.h judges, and what it found.
 *
 * Of each channel but the baseline its ratio to the baseline, block by block; and, of the baseline
 * runs that were measured on the same machines, the value of every channel itself. A channel that
 * is a control in all runs is left out.
 *
 * The same machines: environment.json names as many hosts, and those are alike in kind, model,
 * processor, number of processors, architecture, AES instructions, governor and highest frequency.
 * What runs on them (kernel, broker, libraries) is what a gate is about: it is said where it
 * differs, and judged.
 */
#ifndef BENCH_ANALYSIS_GATE_RUNS_H
#define BENCH_ANALYSIS_GATE_RUNS_H

#include "analysis/gate.h"
#include "base/error.h"
#include "base/memory.h"

#define GATE_MARGIN "5%" /* unless another one is asked for */

/* What is asked. The texts are the caller's. */
struct gate_question {
    const char *run; /* folders */
    const char *const *baselines;
    size_t n_baselines;
    const char *const *metrics; /* "PROBE" or "PROBE.METRIC"; none: the headline of every probe */
    size_t n_metrics;
    double margin;
    bool ratios_only;
};

/* One of the runs; the first is the one that is judged. */
struct gate_member {
    char *folder;
    size_t blocks;      /* that count, complete or not */
    bool same_machines; /* as those of the first */
};

/* What is judged, each once, in the order of the run's table: ratios first. Texts are the answer's.
 */
struct gate_row {
    const char *probe, *variant, *channel, *metric, *unit, *better;
    bool headline;  /* the metric is that of the probe */
    bool is_amount; /* of which there is more or less */
    enum gate_kind kind;
    size_t blocks, baselines; /* of the run; runs that count */
    const char *remark;       /* why nothing can be said; "" otherwise */
    struct gate_judgement judgement;
};

struct gate_answer {
    struct gate_member *members;
    size_t n_members;
    struct gate_row *rows;
    size_t n_rows;
    const char *baseline; /* the channel that ratios are to; "": none */
    bool absolute;        /* absolute values are judged, too */
    char *machines;       /* what differs of those: lines; "" when nothing does */
    char *differences;    /* of software and of channels' settings: lines */
    char *warnings;       /* of reading: lines */
    double margin;
    enum gate_verdict verdict;
    char **texts;
    size_t n_texts;
};

/* Reads all runs and judges. -EINVAL, -EBADMSG and the like: the question, or files, are wrong. The
 * answer is the caller's. */
int gate_answer_new(struct gate_answer **ret, const struct gate_question *question,
                    struct error *error);
void gate_answer_free(struct gate_answer *answer);
DEFINE_CLEANUP(struct gate_answer *, gate_answer_free)

#endif
