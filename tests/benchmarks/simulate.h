/*
 * simulate - what the simulations share: a row of their table, and its bounds.
 */
#ifndef BENCH_TESTS_SIMULATE_H
#define BENCH_TESTS_SIMULATE_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

/* A row: a share, with its standard error as of n independent experiments (two comparisons of one
 * share their baseline). Bounds that are NaN do not exist; a row without any could not fail, and
 * counts as missed. Returns how many are missed. */
static inline int print_share_of(double n, const char *what, const char *how, double share,
                                 double low, double high) {
    bool within = !(share < low) && !(share > high) && !(isnan(low) && isnan(high));
    char wanted[40] = "no bounds";

    if (!isnan(low) && !isnan(high))
        (void)snprintf(wanted, sizeof(wanted), "%.1f to %.1f %%", 100 * low, 100 * high);
    else if (!isnan(low))
        (void)snprintf(wanted, sizeof(wanted), "at least %.1f %%", 100 * low);
    else if (!isnan(high))
        (void)snprintf(wanted, sizeof(wanted), "at most %.1f %%", 100 * high);
    printf("%-36s %-31s %6.2f %% -+ %.2f   %-15s %s\n", what, how, 100 * share,
           100 * sqrt(share * (1 - share) / n), wanted, within ? "ok" : "MISSED");
    (void)fflush(stdout);
    return !within;
}

static inline bool covers(double low, double high, double truth) {
    return low <= truth && truth <= high;
}

/* The exit status of so many rows out of bounds. */
static inline int say_missed(int missed) {
    if (missed)
        printf("\n%d out of bounds\n", missed);
    else
        printf("\nall within their bounds\n");
    return missed ? 1 : 0;
}

#endif
