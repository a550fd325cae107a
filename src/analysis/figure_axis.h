/*
 * figure_axis - from where to where an axis goes, and its marks where gnuplot has none that suit.
 */
#ifndef BENCH_ANALYSIS_FIGURE_AXIS_H
#define BENCH_ANALYSIS_FIGURE_AXIS_H

#include <stdbool.h>

struct figure_axis {
    double low, high; /* always low < high; both above 0 when logarithmic */
    bool logarithmic;
    char *tics; /* numbers, separated by blanks; "" : as gnuplot has them */
};

/* The range of some values: begin with FIGURE_RANGE_NONE; what is not finite says nothing. */
struct figure_range {
    double low, high;
};
#define FIGURE_RANGE_NONE ((struct figure_range){1, 0})
void figure_range_add(struct figure_range *range, double value);

/* An axis with some room at both ends, for a range of any width, even of none. Logarithmic when all
 * is above 0 and the highest is more than log_above times the lowest. What it points to belongs to
 * the caller, who frees `tics`. */
struct figure_axis figure_axis_fit(struct figure_range range, double log_above);

#endif
