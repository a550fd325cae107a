#include "analysis/number.h"

#include "base/memory.h"

#include <math.h>

/* What rounds to zero has no sign. */
static double without_sign_of_zero(double value, int decimals) {
    return fabs(value) < 0.5 * pow(10, -decimals) ? 0 : value;
}

char *number_ratio(double ratio) {
    return !isfinite(ratio)           ? text_copy("-")
           : ratio > 0 && ratio < 0.1 ? text_format("%.3g", ratio)
                                      : text_format(ratio < 100 ? "%.3f" : "%.4g", ratio);
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
