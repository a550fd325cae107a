/*
 * number - numbers as people read them, the same in every sentence (scripts/reporting/numbers.py:
 * in every table). What is not a finite number is "-". All texts belong to the caller.
 */
#ifndef BENCH_ANALYSIS_NUMBER_H
#define BENCH_ANALYSIS_NUMBER_H

/* "0.981"; very small ones with three digits, large ones with four. */
char *number_ratio(double ratio);
/* A share as "1.9 %", with two significant digits at least, never more than three decimals. */
char *number_percent(double share);
/* A share of which the size matters only, with two significant digits: "16 %", "0.43 %". */
char *number_about(double share);
/* A share that was set, as it was written: "2 %", "0.5 %". */
char *number_margin(double share);

#endif
