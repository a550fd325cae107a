/*
 * repetitions - how many blocks a scenario measures: a number of them, or as many as it takes.
 */
#ifndef BENCH_MODEL_REPETITIONS_H
#define BENCH_MODEL_REPETITIONS_H

#include "base/error.h"

#include <stdint.h>

/* What a resolved number of blocks is, and when it is enough. */
struct repetitions {
    int64_t smallest, largest; /* blocks, both included; equal where the number is fixed */
    /* Go on until every 95 % interval of the comparison with the baseline is narrower than this:
     * its full width as a share of the ratio, 0.01 for 1 %. 0: the number is fixed. */
    double precision;
};

/* Reads "50" or "until 1%". Of the latter smallest and largest are 0: settings of their own say
 * them. ret may be NULL. */
int repetitions_parse(const char *text, struct repetitions *ret, struct error *error);

#endif
