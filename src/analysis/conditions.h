/*
 * conditions - under what a run suffered, as sentences for below its table: processors that were
 * held back or too few, clocks that were compared too roughly. Nothing at all when there is nothing
 * to say.
 */
#ifndef BENCH_ANALYSIS_CONDITIONS_H
#define BENCH_ANALYSIS_CONDITIONS_H

#include "analysis/dataset.h"

/* Calls add with each sentence. */
void conditions_describe(const struct dataset *dataset,
                         void (*add)(void *context, const char *sentence), void *context);

#endif
