#include "base/decimal.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define EXACT_DIGITS 15 /* 10^15 < 2^53 */
#define EXACT_POWER  22 /* 10^22 = 2^22 5^22, and 5^22 < 2^53 */

static const double powers[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                               1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                               1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Digits from *cursor, at most as many as are exact with those that are there already; *n counts
 * all but leading zeros. */
static void take_digits(const char **cursor, uint64_t *digits, int *n) {
    for (; is_digit(**cursor) && *n <= EXACT_DIGITS; (*cursor)++) {
        *digits = *digits * 10 + (uint64_t)(**cursor - '0');
        *n += *digits != 0;
    }
}

/* "e-07" behind the digits; false when it is none, or no small one. */
static bool take_exponent(const char **cursor, int *exponent) {
    const char *c = *cursor + 1;
    bool negative = *c == '-';
    int value = 0;

    c += *c == '-' || *c == '+';
    if (!is_digit(*c))
        return false;
    for (; is_digit(*c) && value < 1000; c++)
        value = value * 10 + (*c - '0');
    *exponent += negative ? -value : value;
    *cursor = c;
    return true;
}

/* [-]digits[.digits][e[+-]digits] within the bounds; false for anything else. */
static bool read_exactly(const char *text, double *ret) {
    const char *c = text + (*text == '-'), *first = c, *point;
    uint64_t digits = 0;
    int n = 0, exponent = 0;
    double value;

    take_digits(&c, &digits, &n);
    if (c == first)
        return false;
    if (*c == '.') {
        point = ++c;
        take_digits(&c, &digits, &n);
        exponent = (int)(point - c);
    }
    if ((*c == 'e' || *c == 'E') && !take_exponent(&c, &exponent))
        return false;
    if (*c || n > EXACT_DIGITS || exponent < -EXACT_POWER || exponent > EXACT_POWER)
        return false;
    value = exponent < 0 ? (double)digits / powers[-exponent] : (double)digits * powers[exponent];
    *ret = *text == '-' ? -value : value;
    return true;
}

bool decimal_read(const char *text, double *ret) {
    double value;
    char *end;

    /* Where doubles are computed with more digits than they keep, they are rounded twice. */
    if (FLT_EVAL_METHOD == 0 && read_exactly(text, ret))
        return true;
    value = strtod(text, &end);
    if (end == text || *end || !isfinite(value))
        return false;
    *ret = value;
    return true;
}
