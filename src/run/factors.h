/*
 * factors - factors.csv: which values of the varied settings each variant stands for.
 */
#ifndef BENCH_RUN_FACTORS_H
#define BENCH_RUN_FACTORS_H

#include "model/scenario.h"

/* Writes channel,variant,factor,value into the folder: for each variant that the other tables name,
 * a row for every setting that makes it; a header alone where nothing is varied. */
int factors_write(const char *folder, const struct scenario *scenario, struct error *error);

#endif
