/*
 * published - what somebody else has measured beside what the run has: for each metric that has
 * published values ([reference] of the scenario) a row for every channel, with its mean, and its
 * ratio to the channel that the published ratios are to.
 *
 * What has its place in the table of headline metrics already (`in_table`: the probe's headline,
 * and the ratio to the scenario's baseline) is listed, too, for the sentences; the other rows are
 * references.csv. Ratios are those of comparison.h, within blocks, for any metric and any channel
 * as baseline; nobody declared them beforehand: they carry no verdict.
 */
#ifndef BENCH_ANALYSIS_PUBLISHED_H
#define BENCH_ANALYSIS_PUBLISHED_H

#include "analysis/paired.h"
#include "analysis/summary.h"

/* A published value farther than this from ours, either way, was not measured of the same thing. */
#define PUBLISHED_COMPARABLE 10.0

struct published_row {
    size_t probe, variant, channel; /* places in the dataset's lists */
    int series;                     /* or DATASET_HEADLINE */
    int baseline;                   /* a channel; -1: there is none */
    bool in_table;
    const char *name;                    /* of the metric, as [reference] has it */
    const char *metric, *unit;           /* as summary.csv has them */
    struct statistics statistics;        /* n = 0: not measured */
    size_t blocks;                       /* that have both channels */
    double ratio, ratio_low, ratio_high; /* paired_ratio(); of the baseline itself 1 */
    double reference, reference_ratio;   /* NaN: nothing was published */
};

struct published {
    const struct dataset *dataset;
    /* By probe, metric and baseline in the order of [reference], then by variant and channel. */
    struct published_row *list;
    size_t n;
};

/* The list belongs to the caller and points into the summary's dataset. */
struct published *published_new(const struct cells *cells, const struct summary *summary);
void published_free(struct published *published);
DEFINE_CLEANUP(struct published *, published_free)

/* "yes" or "no"; "" where one of the two is missing. */
const char *published_comparable(double measured, double reference);

#endif
