#include "model/unit.h"

#include "base/clock.h"
#include "base/memory.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

/* Largest first, so that the first that divides a value is the one to write. */
static const struct unit bytes[] = {
    {"GiB", INT64_C(1) << 30}, {"MiB", INT64_C(1) << 20}, {"KiB", INT64_C(1) << 10}, {"B", 1}};
static const struct unit durations[] = {{"d", 86400 * NS_PER_S},
                                        {"h", 3600 * NS_PER_S},
                                        {"min", 60 * NS_PER_S},
                                        {"s", NS_PER_S},
                                        {"ms", NS_PER_MS},
                                        {"us", 1000},
                                        {"ns", 1}};
static const struct unit rates[] = {
    {"Gbit/s", 1000000000}, {"Mbit/s", 1000000}, {"kbit/s", 1000}, {"bit/s", 1}};
static const struct unit none[] = {{"", 1}};
static const struct unit percents[] = {{"%", 10000}};

static const struct {
    const struct unit *units;
    size_t count;
    const char *names, *example, *zero; /* zero: the unit that 0 is written with */
    const char *finest;                 /* what a value must be a multiple of */
} kinds[] = {
    [UNIT_NONE] = {none, ARRAY_SIZE(none), "no unit", "50", "", "1"},
    [UNIT_BYTES] = {bytes, ARRAY_SIZE(bytes), "B, KiB, MiB or GiB", "64KiB", "B", "1B"},
    [UNIT_DURATION] = {durations, ARRAY_SIZE(durations), "us, ms, s, min, h or d", "10s", "s",
                       "1ns"},
    [UNIT_RATE] = {rates, ARRAY_SIZE(rates), "bit/s, kbit/s, Mbit/s or Gbit/s", "13.4Mbit/s",
                   "bit/s", "1bit/s"},
    [UNIT_PERCENT] = {percents, ARRAY_SIZE(percents), "%", "0.5%", "%", "0.0001%"},
};

static const struct unit *find(enum unit_kind kind, const char *name) {
    for (size_t i = 0; i < kinds[kind].count; i++)
        if (strcmp(kinds[kind].units[i].name, name) == 0)
            return &kinds[kind].units[i];
    return NULL;
}

/* "12" or "12.5" into a whole part and a fraction of 10^-digits; returns where it ends, or NULL. */
static const char *scan(const char *text, int64_t *ret_whole, int64_t *ret_fraction,
                        int64_t *ret_scale) {
    const char *c = text;

    *ret_whole = *ret_fraction = 0;
    *ret_scale = 1;
    if (!isdigit((unsigned char)*c))
        return NULL;
    for (; isdigit((unsigned char)*c); c++)
        if (__builtin_mul_overflow(*ret_whole, 10, ret_whole) ||
            __builtin_add_overflow(*ret_whole, *c - '0', ret_whole))
            return NULL;
    if (*c != '.')
        return c;
    if (!isdigit((unsigned char)*++c))
        return NULL;
    for (; isdigit((unsigned char)*c); c++) {
        if (*ret_scale >= NS_PER_S)
            return NULL;
        *ret_fraction = *ret_fraction * 10 + (*c - '0');
        *ret_scale *= 10;
    }
    for (; *ret_scale > 1 && *ret_fraction % 10 == 0; *ret_scale /= 10)
        *ret_fraction /= 10; /* 1.500d is no longer than 1.5d */
    return c;
}

int unit_parse(enum unit_kind kind, const char *text, int64_t *ret, struct error *error) {
    int64_t whole, fraction, scale, value, part;
    const struct unit *unit;
    const char *end;

    if (!*text)
        return error_set(error, -EINVAL, "has no value; write, say, %s", kinds[kind].example);
    if (*text == '-')
        return error_set(error, -EINVAL, "'%s' is negative", text);
    end = scan(text, &whole, &fraction, &scale);
    if (!end)
        return error_set(error, isdigit((unsigned char)*text) ? -ERANGE : -EINVAL,
                         "'%s' is not a number that can be used here; write, say, %s", text,
                         kinds[kind].example);
    while (*end == ' ')
        end++;
    unit = find(kind, end);
    if (!unit && !*end)
        return error_set(error, -EINVAL, "'%s' lacks a unit (%s); write, say, %s%s", text,
                         kinds[kind].names, text, kinds[kind].units[kinds[kind].count / 2].name);
    if (!unit)
        return error_set(error, -EINVAL, "'%s' has the wrong unit; right would be %s, as in %s",
                         text, kinds[kind].names, kinds[kind].example);
    if (__builtin_mul_overflow(whole, unit->factor, &value) ||
        __builtin_mul_overflow(fraction, unit->factor, &part))
        return error_set(error, -ERANGE, "'%s' is too large", text);
    if (part % scale)
        return error_set(error, -EINVAL, "'%s' is not a whole number of the smallest unit, %s",
                         text, kinds[kind].finest);
    if (__builtin_add_overflow(value, part / scale, &value))
        return error_set(error, -ERANGE, "'%s' is too large", text);
    *ret = value;
    return 0;
}

/* A share has no unit that every value is a multiple of: up to four decimals. */
static char *format_percent(int64_t ppm) {
    CLEANUP_FREE char *digits =
        text_format("%lld.%04lld", (long long)(ppm / 10000), (long long)(ppm % 10000));
    size_t length = strlen(digits);

    while (digits[length - 1] == '0')
        digits[--length] = '\0';
    return text_format("%s%%", digits);
}

char *unit_format(enum unit_kind kind, int64_t value) {
    for (size_t i = 0; i < kinds[kind].count; i++)
        if (value && value % kinds[kind].units[i].factor == 0)
            return text_format("%lld%s", (long long)(value / kinds[kind].units[i].factor),
                               kinds[kind].units[i].name);
    return value ? format_percent(value) : text_format("0%s", kinds[kind].zero);
}
