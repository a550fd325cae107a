/*
 * scenario_variants - the varied settings of a scenario ([vary]: PATH = VALUE VALUE ...) and the
 * variants of its channels and probes: each combination of them.
 */
#ifndef BENCH_MODEL_SCENARIO_VARIANTS_H
#define BENCH_MODEL_SCENARIO_VARIANTS_H

#include "model/scenario_loader.h"

/* Once channels and probes are there: reads the varied settings, puts the variants of each channel
 * in its place, and makes the measurements of each probe. */
int build_variants(struct loader *loader);

#endif
