/*
 * validity - what a run suffered and what limits the conclusions from it, as sentences: trials that
 * failed, blocks that are missing, processors that were held back, drift, trials that depend on
 * each other, segments sent again, messages lost, controls that nobody planned. Nothing at all when
 * there is nothing to say; validity_looked_for() says what was looked for.
 */
#ifndef BENCH_ANALYSIS_VALIDITY_H
#define BENCH_ANALYSIS_VALIDITY_H

#include "analysis/cells.h"
#include "analysis/summary.h"

/* Calls add with each sentence. */
void validity_describe(const struct cells *cells, const struct summary *summary,
                       void (*add)(void *context, const char *sentence), void *context);

const char *validity_looked_for(void);

#endif
