/*
 * decimal - numbers as text, exactly as strtod() reads them, but quicker where that is easy.
 *
 * Up to 15 digits and a power of ten up to 10^22 are both exact as a double, so that their product
 * or quotient is rounded once only: the nearest double (Clinger, "How to read floating point
 * numbers accurately", 1990). Anything else is left to strtod().
 */
#ifndef BENCH_BASE_DECIMAL_H
#define BENCH_BASE_DECIMAL_H

#include <stdbool.h>

/* The whole text as a finite number; false when it is none (or empty), *ret is left alone then. */
bool decimal_read(const char *text, double *ret);

#endif
