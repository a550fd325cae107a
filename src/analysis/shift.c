#include "analysis/shift.h"

#include "analysis/statistics.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Doubles in their order as integers, so that halving an interval ends at a single double. */
static int64_t rank_of(double value) {
    int64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bits < 0 ? INT64_MIN - bits : bits;
}

static double of_rank(int64_t rank) {
    int64_t bits = rank < 0 ? INT64_MIN - rank : rank;
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* Rounds monotonously: along a row or column of sorted values averages never fall. */
static double average(double a, double b) {
    return a / 2 + b / 2;
}

/* How many Walsh averages are at most `limit`, and the smallest of the others: as the first of the
 * two rises, the last partner that is small enough falls. */
static int64_t count_averages(const double *sorted, size_t n, double limit, double *ret_next) {
    int64_t count = 0;
    size_t end = n; /* sorted[i]'s partners i..end-1 are small enough */

    *ret_next = INFINITY;
    for (size_t i = 0; i < n; i++) {
        while (end > i && average(sorted[i], sorted[end - 1]) > limit)
            end--;
        if (end < n && end >= i)
            *ret_next = fmin(*ret_next, average(sorted[i], sorted[end]));
        if (end <= i) /* nor are those of any later one */
            break;
        count += (int64_t)(end - i);
    }
    return count;
}

double shift_hodges_lehmann(double *differences, size_t n) {
    int64_t all = (int64_t)n * ((int64_t)n + 1) / 2, middle = (all + 1) / 2, low, high;
    double next, found;

    if (n == 0)
        return NAN;
    statistics_sort(differences, n);
    low = rank_of(differences[0]);
    high = rank_of(differences[n - 1]);
    while (low < high) { /* the smallest double with at least half of the averages up to it */
        int64_t half = (low & high) + ((low ^ high) >> 1);

        if (count_averages(differences, n, of_rank(half), &next) >= middle)
            high = half;
        else
            low = half + 1;
    }
    found = of_rank(low);
    if (all % 2 == 0 && count_averages(differences, n, found, &next) == middle)
        found = average(found, next);
    return found;
}

double shift_cliff_delta(double *values, double *baselines, size_t n) {
    int64_t balance = 0;
    size_t below = 0, up_to = 0; /* baselines below the value, and not above it */

    if (n == 0)
        return NAN;
    statistics_sort(values, n);
    statistics_sort(baselines, n);
    for (size_t i = 0; i < n; i++) {
        while (below < n && baselines[below] < values[i])
            below++;
        while (up_to < n && baselines[up_to] <= values[i])
            up_to++;
        balance += (int64_t)below - (int64_t)(n - up_to);
    }
    return (double)balance / ((double)n * (double)n);
}
