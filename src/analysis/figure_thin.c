#include "analysis/figure_thin.h"

#include "analysis/statistics.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

/* How many times the distance of the quartiles a value is away from them that is shown apart, and
 * how many may be: more are nothing special. */
#define BEYOND     6
#define MAX_BEYOND 12

static size_t count(const bool *keep, size_t n) {
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        kept += keep[i];
    return kept;
}

/* Marks the least and the greatest of y[first..end). */
static void keep_extremes(const double *y, size_t first, size_t end, bool *keep) {
    size_t least = first, greatest = first;

    for (size_t i = first; i < end; i++) {
        least = y[i] < y[least] ? i : least;
        greatest = y[i] > y[greatest] ? i : greatest;
    }
    keep[least] = keep[greatest] = true;
}

size_t figure_thin_spans(const double *x, const double *y, size_t n, size_t spans, bool *ret_keep) {
    double width = n ? (x[n - 1] - x[0]) / (double)spans : 0;
    size_t first = 0;

    memset(ret_keep, 0, n * sizeof(*ret_keep));
    while (first < n) {
        /* Where the next span begins: from the number of this one, so that errors do not add up. */
        double end =
            x[0] + ((width > 0 ? (double)(size_t)((x[first] - x[0]) / width) : 0) + 1) * width;
        size_t next = first + 1;

        while (next < n && (x[next] < end || !(width > 0)))
            next++;
        keep_extremes(y, first, next, ret_keep);
        first = next;
    }
    if (n)
        ret_keep[0] = ret_keep[n - 1] = true;
    return count(ret_keep, n);
}

size_t figure_thin_every(const double *y, size_t n, size_t step, bool *ret_keep) {
    for (size_t i = 0; i < n; i++)
        ret_keep[i] = i % step == 0;
    if (n) {
        keep_extremes(y, 0, n, ret_keep);
        ret_keep[n - 1] = true;
    }
    return count(ret_keep, n);
}

struct figure_range figure_thin_inside(const double *values, size_t n, double least) {
    CLEANUP_FREE double *sorted = memory_new(n, sizeof(*sorted));
    struct figure_range inside;
    double q1, q3, reach;
    size_t beyond = 0;

    memcpy(sorted, values, n * sizeof(*sorted));
    statistics_sort(sorted, n);
    q1 = statistics_quantile(sorted, n, 0.25);
    q3 = statistics_quantile(sorted, n, 0.75);
    reach = BEYOND * fmax(q3 - q1, least);
    inside = (struct figure_range){q1 - reach, q3 + reach};
    for (size_t i = 0; i < n; i++)
        beyond += values[i] < inside.low || values[i] > inside.high;
    if (beyond && beyond <= MAX_BEYOND && 4 * beyond <= n)
        return inside;
    return (struct figure_range){-INFINITY, INFINITY};
}
