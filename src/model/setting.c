#include "model/setting.h"

#include "base/clock.h"
#include "base/suggestion.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

/* Largest first, so that the first that divides a value is the one to write. */
struct unit {
    const char *name;
    int64_t factor;
    const char *habits; /* how it is written elsewhere, where that is not near enough */
};
static const struct unit plain[] = {{"", 1, ""}};
static const struct unit bytes[] = {{"GiB", INT64_C(1) << 30, "G Gi GB"},
                                    {"MiB", INT64_C(1) << 20, "M Mi MB"},
                                    {"KiB", INT64_C(1) << 10, "K Ki KB"},
                                    {"B", 1, "byte bytes"}};
static const struct unit durations[] = {{"d", 86400 * NS_PER_S, "day days"},
                                        {"h", 3600 * NS_PER_S, "hr hrs hour hours"},
                                        {"min", 60 * NS_PER_S, "m minute minutes"},
                                        {"s", NS_PER_S, "sec secs second seconds"},
                                        {"ms", NS_PER_MS, "msec msecs millis"},
                                        {"us", 1000, "usec usecs micros"},
                                        {"ns", 1, "nsec nsecs nanos"}};
static const struct unit rates[] = {{"Gbit/s", 1000000000, "G Gb/s Gbps Gbit"},
                                    {"Mbit/s", 1000000, "M Mb/s Mbps Mbit"},
                                    {"kbit/s", 1000, "k kb/s kbps kbit"},
                                    {"bit/s", 1, "b/s bps bit"}};
static const struct unit percents[] = {{"%", 10000, "percent pct"}};

static const struct type {
    const char *words;        /* what a value is */
    const struct unit *units; /* of a number; NULL: none is one */
    size_t n_units;
    const char *names, *example; /* of the units, of a value */
    const char *zero, *finest;   /* the unit that 0 is written with; what all are multiples of */
} types[] = {
    [SETTING_TEXT] = {.words = "a text"},
    [SETTING_WORDS] = {.words = "words separated by blanks"},
    [SETTING_LIST] = {.words = "words separated by blanks"},
    [SETTING_RAW] = {.words = "a text"},
    [SETTING_CHOICE] = {.words = "one of"},
    [SETTING_COUNT] = {"a number", plain, ARRAY_SIZE(plain), "no unit", "50", "", "1"},
    [SETTING_BYTES] = {"a size in bytes", bytes, ARRAY_SIZE(bytes), "B, KiB, MiB or GiB", "64KiB",
                       "B", "1B"},
    [SETTING_DURATION] = {"a duration", durations, ARRAY_SIZE(durations), "us, ms, s, min, h or d",
                          "10s", "s", "1ns"},
    [SETTING_RATE] = {"a rate", rates, ARRAY_SIZE(rates), "bit/s, kbit/s, Mbit/s or Gbit/s",
                      "13.4Mbit/s", "bit/s", "1bit/s"},
    [SETTING_PERCENT] = {"a share", percents, ARRAY_SIZE(percents), "%", "0.5%", "%", "0.0001%"},
};

static bool is_text(const struct setting *row) {
    return row->type <= SETTING_RAW;
}

/* ---- habits of other tools ---- */

/* The text with `by` in the place of each of these characters, single blanks, and none around it;
 * the caller's. */
static char *without(const char *text, const char *characters, char by) {
    CLEANUP_FREE char *copy = text_copy(text);
    char *tidy = text_copy("");
    const char *cursor = copy, *word;
    size_t length;

    for (char *c = copy; *c; c++)
        *c = strchr(characters, *c) ? by : *c;
    while ((word = text_next_word(&cursor, &length))) {
        CLEANUP_FREE char *one = strndup(word, length);

        text_append(&tidy, " ", one);
    }
    return tidy;
}

/* Of a value that is neither a text nor a list of more than names. */
static int check_marks(const char *value, struct error *error) {
    if (strchr(value, '#')) {
        CLEANUP_FREE char *start = strndup(value, strcspn(value, "#"));
        CLEANUP_FREE char *right = without(start, "", ' ');

        return error_set(error, -EINVAL,
                         "'%s' has a '#': behind a value a comment begins with ' ;'; write %s",
                         value, right);
    }
    if (strpbrk(value, "\"'")) {
        CLEANUP_FREE char *right = without(value, ",\"'", ' ');

        return error_set(error, -EINVAL, "'%s' has quotation marks; write %s", value, right);
    }
    return 0;
}

int setting_check_names(const char *words, struct error *error) {
    int r = check_marks(words, error);

    if (r == 0 && strchr(words, ',')) {
        CLEANUP_FREE char *right = without(words, ",", ' ');

        return error_set(error, -EINVAL, "'%s' has commas: names stand apart by blanks; write %s",
                         words, right);
    }
    return r;
}

/* ---- numbers with units ---- */

/* "12" or "12.5" into a whole part and a fraction of 10^-digits; returns where it ends, or NULL. */
static const char *scan(const char *text, int64_t *ret_whole, int64_t *ret_fraction,
                        int64_t *ret_scale) {
    size_t digits;
    char *end;

    *ret_fraction = 0;
    *ret_scale = 1;
    errno = 0;
    *ret_whole = strtoll(text, &end, 10);
    if (!isdigit((unsigned char)*text) || errno)
        return NULL;
    if (*end != '.')
        return end;
    digits = strspn(end + 1, "0123456789");
    if (!digits || digits > 9)
        return NULL;
    *ret_fraction = strtoll(end + 1, &end, 10);
    while (digits--)
        *ret_scale *= 10;
    for (; *ret_scale > 1 && *ret_fraction % 10 == 0; *ret_scale /= 10)
        *ret_fraction /= 10; /* 1.500d is no longer than 1.5d */
    return end;
}

/* What was probably meant by a unit that there is not: as others write it, or nearly as here. */
static char *unit_meant(const struct type *kind, const char *unit) {
    CLEANUP_FREE char *names = text_copy("");

    for (size_t i = 0; i < kind->n_units; i++) {
        const char *cursor = kind->units[i].habits, *word;
        size_t length;

        text_append(&names, " ", kind->units[i].name);
        while ((word = text_next_word(&cursor, &length)))
            if (strlen(unit) == length && strncasecmp(word, unit, length) == 0)
                return text_format(" (did you mean %s?)", kind->units[i].name);
    }
    return suggestion(unit, names);
}

static char *advise(const struct setting *row, const char *number);

/* Of a row only what messages advise: its bounds are not looked at. */
static int parse(const struct setting *row, const char *text, int64_t *ret, struct error *error) {
    const struct type *kind = &types[row->type];
    int64_t whole, fraction, scale, value, part;
    const struct unit *unit = NULL;
    CLEANUP_FREE char *right = NULL;
    const char *end;

    if (*text == '-')
        return error_set(error, -EINVAL, "'%s' is negative", text);
    end = scan(text, &whole, &fraction, &scale);
    if (!end) {
        right = advise(row, "");
        if (!*text)
            return error_set(error, -EINVAL, "has no value; write, say, %s", right);
        return error_set(error, isdigit((unsigned char)*text) ? -ERANGE : -EINVAL,
                         "'%s' is not a number that can be used here; write, say, %s", text, right);
    }
    if (row->type == SETTING_COUNT && memchr(text, '.', (size_t)(end - text)))
        return error_set(error, -EINVAL, "'%s' has a decimal point: a whole number has none", text);
    while (*end == ' ')
        end++;
    for (size_t i = 0; i < kind->n_units && !unit; i++)
        unit = strcmp(kind->units[i].name, end) == 0 ? &kind->units[i] : NULL;
    if (!unit && !*end) {
        right = advise(row, text);
        return error_set(error, -EINVAL, "'%s' lacks a unit (%s); write, say, %s", text,
                         kind->names, right);
    }
    if (!unit) {
        CLEANUP_FREE char *meant = unit_meant(kind, end);

        right = advise(row, "");
        return error_set(error, -EINVAL, "'%s' has the wrong unit%s; right would be %s, as in %s",
                         text, meant, kind->names, right);
    }
    if (__builtin_mul_overflow(whole, unit->factor, &value) ||
        __builtin_mul_overflow(fraction, unit->factor, &part))
        return error_set(error, -ERANGE, "'%s' is too large", text);
    if (part % scale)
        return error_set(error, -EINVAL, "'%s' is not a whole number of the smallest unit, %s",
                         text, kind->finest);
    if (__builtin_add_overflow(value, part / scale, &value))
        return error_set(error, -ERANGE, "'%s' is too large", text);
    *ret = value;
    return 0;
}

int setting_number_parse(enum setting_type type, const char *text, int64_t *ret,
                         struct error *error) {
    const struct setting row = {.type = type, .fallback = types[type].example};

    return parse(&row, text, ret, error);
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

char *setting_number_format(enum setting_type type, int64_t value) {
    const struct type *kind = &types[type];

    for (size_t i = 0; i < kind->n_units; i++)
        if (value && value % kind->units[i].factor == 0)
            return text_format("%lld%s", (long long)(value / kind->units[i].factor),
                               kind->units[i].name);
    return value ? format_percent(value) : text_format("0%s", kind->zero);
}

/* ---- one value ---- */

static char **text_at(const struct setting *row, const void *block) {
    return (char **)((char *)(uintptr_t)block + row->offset);
}

static int64_t *number_at(const struct setting *row, const void *block) {
    return (int64_t *)((char *)(uintptr_t)block + row->offset);
}

/* Bounds are written in the tables by us: what does not parse there is no bound. */
static bool bound(const struct setting *row, const char *text, int64_t *ret) {
    return text && parse(row, text, ret, NULL) == 0;
}

static bool is_within(const struct setting *row, int64_t number) {
    int64_t limit;

    return !(bound(row, row->min, &limit) && number < limit) &&
           !(bound(row, row->max, &limit) && number > limit);
}

static int assign_number(const struct setting *row, void *block, const char *value,
                         struct error *error) {
    CLEANUP_FREE char *what = setting_describe(row);
    int64_t number;
    int r = parse(row, value, &number, error);

    if (r == -ERANGE || (r == 0 && !is_within(row, number)))
        return error_set(error, -ERANGE, "'%s' is out of bounds; right would be %s", value, what);
    if (r < 0)
        return r;
    *number_at(row, block) = number;
    return 0;
}

/* ---- what messages advise: never what would be refused as well ---- */

static bool takes(const struct setting *row, const char *text) {
    int64_t number;

    return parse(row, text, &number, NULL) == 0 && is_within(row, number);
}

/* A number without its unit: "0.05" with the one that the row's default has. NULL: no unit of a
 * default makes it right. */
static char *with_unit(const struct setting *row, const char *number) {
    const char *const models[] = {row->fallback, types[row->type].example};

    for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
        CLEANUP_FREE char *whole =
            text_format("%s%s", number, models[i] + strspn(models[i], "0123456789."));

        /* A default of 0 says nothing of how the others are written. */
        if ((strtod(models[i], NULL) > 0 || strtod(number, NULL) <= 0) && takes(row, whole))
            return text_copy(whole);
    }
    return NULL;
}

/* Of a share: "0.05" is rather 5% than 0.05%. NULL: it is not below 1, or the row takes no such. */
static char *as_fraction(const struct setting *row, const char *number) {
    CLEANUP_FREE char *share = text_format("%s%%", number), *whole = NULL;
    int64_t ppm;

    if (row->type != SETTING_PERCENT || parse(row, share, &ppm, NULL) < 0 || !ppm || ppm >= 10000)
        return NULL;
    whole = setting_number_format(SETTING_PERCENT, 100 * ppm);
    return takes(row, whole) ? text_copy(whole) : NULL;
}

/* Of a size: most programs count bytes. NULL: the row takes no such. */
static char *as_bytes(const struct setting *row, const char *number) {
    CLEANUP_FREE char *whole = text_format("%sB", number);

    return row->type == SETTING_BYTES && takes(row, whole) ? text_copy(whole) : NULL;
}

/* What is right in the place of a number without a unit: that number, or else an example. */
static char *advise(const struct setting *row, const char *number) {
    CLEANUP_FREE char *fraction = *number ? as_fraction(row, number) : NULL;
    CLEANUP_FREE char *n_bytes = *number ? as_bytes(row, number) : NULL;
    CLEANUP_FREE char *whole = *number ? with_unit(row, number) : NULL;
    const char *example = types[row->type].example;

    if (fraction && whole)
        return text_format("%s, or %s if it is no fraction", fraction, whole);
    if (n_bytes && whole && !text_equal(n_bytes, whole))
        return text_format("%s or %s", n_bytes, whole);
    if (fraction || n_bytes || whole)
        return text_copy(fraction ? fraction : n_bytes ? n_bytes : whole);
    return text_copy(takes(row, example) ? example : row->fallback);
}

/* "1.5s" as it is, "1.5" with a unit, and an example where neither is right. */
static char *amend(const struct setting *row, const char *value) {
    const char *unit = value + strspn(value, "0123456789.");

    return takes(row, value) ? text_copy(value) : advise(row, *unit ? "" : value);
}

/* "1,000" and "1,000,000KiB": digits in threes, and nothing else has a comma. */
static bool has_thousands(const char *value) {
    size_t first = strspn(value, "0123456789");

    if (!first || first > 3 || *value == '0')
        return false;
    for (value += first; *value == ','; value += 4)
        if (strspn(value + 1, "0123456789") != 3)
            return false;
    return !strchr(value, ',');
}

static char *without_commas(const char *value) {
    char *bare = text_copy(value), *end = bare;

    for (; *value; value++)
        if (*value != ',')
            *end++ = *value;
    *end = '\0';
    return bare;
}

/* Of a number: "1,5s", "1,000", or one in a list, "1s,". */
static int check_comma(const struct setting *row, const char *value, struct error *error) {
    const char *comma = strchr(value, ',');
    bool single = comma && comma > value && isdigit((unsigned char)comma[-1]) &&
                  isdigit((unsigned char)comma[1]) && !strchr(comma + 1, ',');
    bool decimal = single && row->type != SETTING_COUNT;
    CLEANUP_FREE char *bare = comma ? without_commas(value) : NULL;
    CLEANUP_FREE char *thousands = comma && has_thousands(value) ? amend(row, bare) : NULL;
    CLEANUP_FREE char *point = comma ? without(value, ",", decimal ? '.' : ' ') : NULL;
    CLEANUP_FREE char *fraction = decimal ? amend(row, point) : NULL;

    if (!comma)
        return 0;
    if (thousands && fraction && !text_equal(thousands, fraction))
        return error_set(error, -EINVAL,
                         "'%s' has a comma; write %s, or %s if it is a decimal comma", value,
                         thousands, fraction);
    if (thousands)
        return error_set(error, -EINVAL, "'%s' has a comma; write %s", value, thousands);
    if (decimal)
        return error_set(error, -EINVAL, "'%s' has a decimal comma: here it is a point; write %s",
                         value, fraction);
    if (single)
        return error_set(error, -EINVAL,
                         "'%s' has a comma: a whole number has none; in [vary] values stand apart "
                         "by blanks",
                         value);
    return error_set(error, -EINVAL,
                     "'%s' has a comma: in [vary] values stand apart by blanks; write %s", value,
                     point);
}

static int assign_choice(const struct setting *row, void *block, const char *value,
                         struct error *error) {
    const char *cursor = row->choices, *word;
    int r = row->check ? row->check(value, error) : 0;
    CLEANUP_FREE char *meant = NULL;
    size_t length;

    if (r < 0)
        return r;
    for (int64_t i = 0; (word = text_next_word(&cursor, &length)); i++)
        if (strlen(value) == length && memcmp(word, value, length) == 0) {
            *number_at(row, block) = i;
            return 0;
        }
    /* "TLSv1.2" is a number with its name in front. */
    word = value + strcspn(value, "0123456789");
    meant = *word && text_has_word(row->choices, word) ? text_format(" (did you mean %s?)", word)
                                                       : suggestion(value, row->choices);
    return error_set(error, -EINVAL, "'%s' is none of: %s%s", value, row->choices, meant);
}

/* The words with single blanks between them; a doubled word is an error but in a SETTING_LIST. */
static char *tidy_words(const struct setting *row, const char *value, struct error *error) {
    char *tidy = memory_new(strlen(value) + 2, 1);
    const char *cursor = value, *word;
    size_t length, end = 0;

    while ((word = text_next_word(&cursor, &length))) {
        CLEANUP_FREE char *copy = strndup(word, length);

        if (row->type == SETTING_WORDS && text_has_word(tidy, copy)) {
            free(tidy);
            (void)error_set(error, -EINVAL, "names '%s' twice", copy);
            return NULL;
        }
        if (end)
            tidy[end++] = ' ';
        memcpy(tidy + end, word, length);
        end += length;
        tidy[end] = '\0';
    }
    return tidy;
}

/* A value must be the same when it has been written into a resolved scenario and read again: lines
 * of 190 bytes, where blanks around a value do not count and " ;" starts a comment. */
#define MAX_TEXT  150
#define MAX_WORDS 2000 /* of a list, which may take several lines */
#define MAX_LIST  8000

static bool has_long_word(const char *value) {
    const char *word;
    size_t length;

    while ((word = text_next_word(&value, &length)))
        if (length > MAX_TEXT)
            return true;
    return false;
}

static int check_text(const char *value, size_t max, struct error *error) {
    json_auto_t *carried = json_string(value);
    size_t length = strlen(value);

    if (!carried)
        return error_set(error, -EINVAL, "is no UTF-8 text");
    if (length > max)
        return error_set(error, -EINVAL, "is too long; at most %zu bytes", max);
    if (max > MAX_TEXT && has_long_word(value))
        return error_set(error, -EINVAL, "has a word that is too long; at most %d bytes", MAX_TEXT);
    if (length && (isspace((unsigned char)value[0]) || isspace((unsigned char)value[length - 1])))
        return error_set(error, -EINVAL, "has blanks around it");
    for (const char *c = value; *c; c++)
        if (*c == '\r' || *c == '\n' ||
            (*c == ';' && (c == value || isspace((unsigned char)c[-1]))))
            return error_set(error, -EINVAL, "neither ' ;' nor a line end can be part of a value");
    return 0;
}

static size_t most_of(const struct setting *row) {
    return row->type == SETTING_LIST ? MAX_LIST : row->type == SETTING_WORDS ? MAX_WORDS : MAX_TEXT;
}

static int assign_text(const struct setting *row, void *block, const char *value,
                       struct error *error) {
    CLEANUP_FREE char *tidy =
        setting_is_list(row) ? tidy_words(row, value, error) : text_copy(value);
    int r;

    if (!tidy)
        return -EINVAL;
    r = row->type == SETTING_RAW ? 0 : check_text(tidy, most_of(row), error);
    if (r == 0 && row->check)
        r = row->check(tidy, error);
    if (r < 0)
        return r;
    text_replace(text_at(row, block), tidy);
    return 0;
}

int setting_assign(const struct setting *row, void *block, const char *value, struct error *error) {
    if (!*value && *row->fallback)
        return error_set(error, -EINVAL, "has no value; leave it out for the default, %s",
                         row->fallback);
    if (is_text(row))
        return assign_text(row, block, value, error);
    if (check_marks(value, error) < 0)
        return -EINVAL;
    if (row->type == SETTING_CHOICE)
        return assign_choice(row, block, value, error);
    return check_comma(row, value, error) < 0 ? -EINVAL : assign_number(row, block, value, error);
}

void *setting_block_new(const struct setting_group *group) {
    void *block = memory_new(1, group->size);
    struct error error;

    for (size_t i = 0; i < group->n_rows; i++) {
        const struct setting *row = &group->rows[i];

        if (is_text(row))
            *text_at(row, block) = text_copy(row->fallback);
        else if (setting_assign(row, block, row->fallback, &error) < 0) {
            /* A default of ours that its own row refuses: a unit test reads every table. */
            fprintf(stderr, "bench: %s.%s: default %s\n", group->name, row->key, error.text);
            abort();
        }
    }
    return block;
}

void *setting_block_copy(const struct setting_group *group, const void *block) {
    void *copy = memory_new(1, group->size);

    memcpy(copy, block, group->size);
    for (size_t i = 0; i < group->n_rows; i++)
        if (is_text(&group->rows[i]))
            *text_at(&group->rows[i], copy) = text_copy(*text_at(&group->rows[i], block));
    return copy;
}

void setting_block_free(const struct setting_group *group, void *block) {
    if (!block)
        return;
    for (size_t i = 0; i < group->n_rows; i++)
        if (is_text(&group->rows[i]))
            free(*text_at(&group->rows[i], block));
    free(block);
}

const struct setting *setting_find(const struct setting_group *group, const char *key) {
    for (size_t i = 0; i < group->n_rows; i++)
        if (strcmp(group->rows[i].key, key) == 0)
            return &group->rows[i];
    return NULL;
}

char *setting_unknown(const struct setting_group *group, const char *key) {
    CLEANUP_FREE char *known = text_copy(""), *meant = NULL;

    for (size_t i = 0; i < group->n_rows; i++)
        text_append(&known, " ", group->rows[i].key);
    meant = suggestion(key, known);
    return text_format("unknown key%s; `bench list settings` shows all", meant);
}

static bool is_harmless(const struct setting *row, const char *value) {
    const char *word;
    size_t length;

    if (text_equal(value, row->fallback))
        return true;
    if (!row->harmless || row->type != SETTING_LIST)
        return row->harmless && text_has_word(row->harmless, value);
    while ((word = text_next_word(&value, &length))) {
        CLEANUP_FREE char *copy = strndup(word, length);

        if (!text_has_word(row->harmless, copy))
            return false;
    }
    return true;
}

enum setting_effect setting_effect(const struct setting *row, const char *value) {
    return is_harmless(row, value) ? SETTING_NO_EFFECT : row->effect;
}

const char *setting_effect_word(enum setting_effect effect) {
    static const char *const words[] = {[SETTING_NO_EFFECT] = "does nothing with",
                                        [SETTING_EXECUTES] = "executes",
                                        [SETTING_READS] = "reads",
                                        [SETTING_CONNECTS] = "connects to"};

    return words[effect];
}

char *setting_choice_word(const char *choices, int64_t index) {
    const char *cursor = choices, *word;
    size_t length;

    while ((word = text_next_word(&cursor, &length)))
        if (index-- == 0)
            return strndup(word, length);
    return text_copy("?");
}

char *setting_format(const struct setting *row, const void *block) {
    if (is_text(row))
        return text_copy(*text_at(row, block));
    if (row->type == SETTING_CHOICE)
        return setting_choice_word(row->choices, *number_at(row, block));
    return setting_number_format(row->type, *number_at(row, block));
}

char *setting_path(const struct setting_group *group, const struct setting *row) {
    const char *scope = group->scope == SETTING_CHANNEL ? "channel.NAME." : "";

    return *scope && text_equal(group->name, "channel")
               ? text_format("%s%s", scope, row->key)
               : text_format("%s%s.%s", scope, group->name, row->key);
}

char *setting_describe(const struct setting *row) {
    const char *words = types[row->type].words;

    if (row->type == SETTING_CHOICE)
        return text_format("%s: %s", words, row->choices);
    if (row->min && row->max)
        return text_format("%s from %s to %s", words, row->min, row->max);
    if (row->min || row->max)
        return text_format("%s of at %s %s", words, row->min ? "least" : "most",
                           row->min ? row->min : row->max);
    return text_copy(words);
}

json_t *setting_block_to_json(const struct setting_group *group, const void *block) {
    json_t *object = json_object();

    for (size_t i = 0; i < group->n_rows; i++) {
        CLEANUP_FREE char *value = setting_format(&group->rows[i], block);

        (void)json_object_set_new(object, group->rows[i].key, json_string(value));
    }
    return object;
}

int setting_block_from_json(const struct setting_group *group, const json_t *object, void **ret,
                            struct error *error) {
    void *block;
    int r = 0;

    if (json_object_size(object) != group->n_rows)
        return error_set(error, -EBADMSG, "%s: %zu values where %zu belong", group->name,
                         json_object_size(object), group->n_rows);
    block = setting_block_new(group);
    for (size_t i = 0; i < group->n_rows && r == 0; i++) {
        const char *value = json_string_value(json_object_get(object, group->rows[i].key));

        r = value ? setting_assign(&group->rows[i], block, value, error)
                  : error_set(error, -EBADMSG, "is missing");
        if (r < 0)
            (void)error_prefix(error, r, "%s.%s", group->name, group->rows[i].key);
    }
    if (r < 0)
        setting_block_free(group, block);
    else
        *ret = block;
    return r;
}

/* ---- all groups ---- */

void settings_init(struct settings *settings, const struct registry *registry, unsigned scopes) {
    settings->registry = registry;
    settings->blocks = memory_new(registry->n_groups, sizeof(void *));
    for (size_t i = 0; i < registry->n_groups; i++)
        if (scopes & 1u << registry->groups[i]->scope)
            settings->blocks[i] = setting_block_new(registry->groups[i]);
}

void settings_copy(struct settings *ret, const struct settings *settings) {
    const struct registry *registry = settings->registry;

    ret->registry = registry;
    ret->blocks = memory_new(registry->n_groups, sizeof(void *));
    for (size_t i = 0; i < registry->n_groups; i++)
        if (settings->blocks[i])
            ret->blocks[i] = setting_block_copy(registry->groups[i], settings->blocks[i]);
}

void settings_clear(struct settings *settings) {
    for (size_t i = 0; settings->blocks && i < settings->registry->n_groups; i++)
        setting_block_free(settings->registry->groups[i], settings->blocks[i]);
    free(settings->blocks);
    settings->blocks = NULL;
}

void *settings_edit(struct settings *settings, const struct setting_group *group) {
    for (size_t i = 0; i < settings->registry->n_groups; i++)
        if (settings->registry->groups[i] == group)
            return settings->blocks[i];
    return NULL;
}

const void *settings_get(const struct settings *settings, const struct setting_group *group) {
    return settings_edit((struct settings *)(uintptr_t)settings, group);
}

const struct setting *registry_find(const struct registry *registry, unsigned scopes,
                                    const char *path, const struct setting_group **ret_group) {
    size_t best = 0;

    *ret_group = NULL;
    for (size_t i = 0; i < registry->n_groups; i++) {
        const struct setting_group *group = registry->groups[i];
        size_t length = strlen(group->name);

        if (scopes & 1u << group->scope && length > best &&
            strncmp(path, group->name, length) == 0 && path[length] == '.') {
            *ret_group = group;
            best = length;
        }
    }
    return *ret_group ? setting_find(*ret_group, path + best + 1) : NULL;
}

const struct setting_group *registry_group(const struct registry *registry,
                                           enum setting_scope scope, const char *name) {
    for (size_t i = 0; i < registry->n_groups; i++)
        if (registry->groups[i]->scope == scope && strcmp(registry->groups[i]->name, name) == 0)
            return registry->groups[i];
    return NULL;
}

char *registry_names(const struct registry *registry, enum setting_scope scope,
                     const char *prefix) {
    char *names = text_copy("");

    for (size_t i = 0; i < registry->n_groups; i++) {
        const char *name = registry->groups[i]->name;

        if (registry->groups[i]->scope == scope && strncmp(name, prefix, strlen(prefix)) == 0)
            text_append(&names, ", ", name + strlen(prefix));
    }
    return names;
}
