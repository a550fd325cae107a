/*
 * metric - what a probe measures: its name, its unit, and which direction is better.
 */
#ifndef BENCH_MODEL_METRIC_H
#define BENCH_MODEL_METRIC_H

#include <stdbool.h>

enum metric_better { METRIC_NONE, METRIC_HIGHER, METRIC_LOWER };

struct metric {
    const char *name, *unit;
    enum metric_better better;
    bool headline; /* the one that table, figure and verdict usually are about; one a probe */
    const char *help;
};

static inline const char *metric_better_word(enum metric_better better) {
    return better == METRIC_HIGHER ? "higher" : better == METRIC_LOWER ? "lower" : "none";
}

#endif
