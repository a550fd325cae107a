#include "analysis/number.h"

#include "base/memory.h"

#include <math.h>

/* 10^place is the leading digit of value. */
static int leading_place(double value) {
    return (int)floor(log10(value));
}

int number_decimals(const double *means, const double *spreads, size_t n) {
    double least = INFINITY, most = 0, spread = 0;
    int decimals, wanted;

    for (size_t i = 0; i < n; i++) {
        double mean = fabs(means[i]);

        if (mean > 0) /* false for NaN */
            least = fmin(least, mean);
        most = fmax(most, mean);
        if (isfinite(spreads[i])) /* NaN: not known; infinite: too large to square */
            spread = fmax(spread, spreads[i]);
    }
    if (!(most > 0) || !isfinite(most))
        return 0;
    decimals = 3 - leading_place(least);
    wanted = spread > 0 ? 1 - leading_place(spread) : decimals;
    if (wanted > decimals)
        decimals = wanted > decimals + 2 ? decimals + 2 : wanted;
    if (decimals > 6 - leading_place(most))
        decimals = 6 - leading_place(most);
    return decimals < 0 ? 0 : decimals > 12 ? 12 : decimals;
}

/* What rounds to zero has no sign. */
static double without_sign_of_zero(double value, int decimals) {
    return fabs(value) < 0.5 * pow(10, -decimals) ? 0 : value;
}

char *number_text(double value, int decimals) {
    return isfinite(value) ? text_format("%.*f", decimals, without_sign_of_zero(value, decimals))
                           : text_copy("-");
}

char *number_range(double low, double high, int decimals) {
    return isfinite(low) && isfinite(high)
               ? text_format("%.*f .. %.*f", decimals, without_sign_of_zero(low, decimals),
                             decimals, without_sign_of_zero(high, decimals))
               : text_copy("-");
}

char *number_ratio(double ratio) {
    return !isfinite(ratio)           ? text_copy("-")
           : ratio > 0 && ratio < 0.1 ? text_format("%.3g", ratio)
                                      : text_format(ratio < 100 ? "%.3f" : "%.4g", ratio);
}

char *number_ratio_range(double low, double high) {
    CLEANUP_FREE char *from = number_ratio(low), *to = number_ratio(high);

    return isfinite(low) && isfinite(high) ? text_format("%s .. %s", from, to) : text_copy("-");
}

char *number_percent(double share) {
    double percent = fabs(share * 100);
    int decimals = percent >= 10 ? 1 : percent >= 0.1 ? 2 : 3;

    return isfinite(percent)
               ? text_format("%.*f %%", decimals, without_sign_of_zero(share * 100, decimals))
               : text_copy("-");
}

char *number_about(double share) {
    double percent = fabs(share * 100);
    int decimals = percent >= 9.95 ? 0 : percent >= 0.995 ? 1 : percent >= 0.0995 ? 2 : 3;

    return isfinite(percent) ? text_format("%.*f %%", decimals, percent) : text_copy("-");
}

char *number_margin(double share) {
    return text_format("%.6g %%", share * 100);
}
