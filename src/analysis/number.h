/*
 * number - numbers as people read them, the same in every table, page and sentence. What is not a
 * finite number is "-". All texts belong to the caller.
 */
#ifndef BENCH_ANALYSIS_NUMBER_H
#define BENCH_ANALYSIS_NUMBER_H

#include <stddef.h>

/* Decimals for numbers that stand below each other: four digits of the smallest mean; up to two
 * more when the spread is so small that it needs them; never more than seven digits of the largest.
 * NaN in either list says nothing. */
int number_decimals(const double *means, const double *spreads, size_t n);

char *number_text(double value, int decimals);
/* "12.71 .. 12.83" */
char *number_range(double low, double high, int decimals);
/* "0.981"; very small ones with three digits, large ones with four. */
char *number_ratio(double ratio);
/* "0.0287 .. 0.0303": of an interval of a ratio. */
char *number_ratio_range(double low, double high);
/* A share as "1.9 %", with two significant digits at least, never more than three decimals. */
char *number_percent(double share);
/* A share of which the size matters only, with two significant digits: "16 %", "0.43 %". */
char *number_about(double share);
/* A share that was set, as it was written: "2 %", "0.5 %". */
char *number_margin(double share);

#endif
