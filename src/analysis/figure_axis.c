#include "analysis/figure_axis.h"

#include "base/memory.h"

#include <math.h>

void figure_range_add(struct figure_range *range, double value) {
    if (!isfinite(value))
        return;
    if (range->low > range->high) {
        *range = (struct figure_range){value, value};
        return;
    }
    range->low = fmin(range->low, value);
    range->high = fmax(range->high, value);
}

static void add_tic(char **tics, double value, const struct figure_axis *axis) {
    /* What is as good as at the end of the axis belongs to it. */
    if (value >= axis->low * (1 - 1e-9) && value <= axis->high * (1 + 1e-9)) {
        CLEANUP_FREE char *text = text_format("%g", value);

        text_append(tics, " ", text);
    }
}

static double decades_of(const struct figure_axis *axis) {
    return log10(axis->high) - log10(axis->low); /* their quotient may be too large */
}

/* Powers of ten; between them as many steps as there is room for. */
static char *logarithmic_tics(const struct figure_axis *axis) {
    static const double many[] = {1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8}, some[] = {1, 2, 5},
                        one[] = {1};
    double decades = decades_of(axis);
    const double *steps = decades < 1 ? many : decades < 4 ? some : one;
    size_t n = decades < 1 ? ARRAY_SIZE(many) : decades < 4 ? ARRAY_SIZE(some) : ARRAY_SIZE(one);
    int stride = decades > 10 ? (int)ceil(decades / 10) : 1;
    char *tics = text_copy("");

    for (int power = (int)floor(log10(axis->low)); power <= log10(axis->high); power += stride)
        for (size_t i = 0; i < n; i++)
            add_tic(&tics, steps[i] * pow(10, power), axis);
    return tics;
}

struct figure_axis figure_axis_fit(struct figure_range range, double log_above) {
    struct figure_axis axis = {range.low, range.high, false, NULL};
    double room;

    if (!(range.low <= range.high))
        axis.low = 0, axis.high = 1;
    axis.logarithmic = axis.low > 0 && axis.high / axis.low > log_above;
    if (axis.logarithmic) {
        room = pow(10, fmin(0.04 * decades_of(&axis), 0.3));
        axis.low /= room;
        axis.high *= room;
        axis.tics = logarithmic_tics(&axis);
        return axis;
    }
    room = 0.05 * (axis.high - axis.low);
    /* All equal, or nearly: gnuplot's marks need a difference that its numbers can show. */
    if (room < 1e-7 * fmax(fabs(axis.low), fabs(axis.high)))
        room = 0.05 * fmax(fabs(axis.low), fabs(axis.high));
    if (!(room > 0))
        room = 1;
    axis.low -= room;
    axis.high += room;
    axis.tics = text_copy("");
    return axis;
}
