/*
 * answer - what a run answers, in at most five lines of plain words with the ratio: "mutual-tls
 * delivers 23 % of plain's throughput (95 % CI 21 to 25 %)." It follows from the declared
 * comparisons of the highest rung of the ladder that the run has, and of its probes that are on no
 * rung; controls are left out. What is undecided is called so, and an unsteady set-up answers
 * nothing.
 */
#ifndef BENCH_ANALYSIS_ANSWER_H
#define BENCH_ANALYSIS_ANSWER_H

#include "analysis/comparison.h"

#define ANSWER_LINES 5

/* Fills ret with whole sentences, which are the caller's. Returns how many: at least one. */
size_t answer_lines(const struct comparisons *comparisons, char *ret[ANSWER_LINES]);

#endif
