#include "probes/fitted_slope.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

static double mean(const double *values, size_t n) {
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return sum / (double)n;
}

bool fitted_slope_make(const double *x, const double *y, size_t n, struct fitted_slope *ret) {
    double mean_x = mean(x, n), mean_y = mean(y, n), xx = 0, xy = 0, rest = 0, half;

    for (size_t i = 0; i < n; i++) {
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        xy += (x[i] - mean_x) * (y[i] - mean_y);
    }
    if (n < 2 || !(xx > 0))
        return false;
    *ret = (struct fitted_slope){xy / xx, NAN, NAN};
    if (n < 3)
        return true;
    for (size_t i = 0; i < n; i++) {
        double off = y[i] - mean_y - ret->value * (x[i] - mean_x);

        rest += off * off;
    }
    half = gsl_cdf_tdist_Pinv(0.975, (double)n - 2) * sqrt(rest / ((double)n - 2) / xx);
    ret->low = ret->value - half;
    ret->high = ret->value + half;
    return true;
}
