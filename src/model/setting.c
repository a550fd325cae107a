#include "model/setting.h"

#include "base/clock.h"
#include "base/suggestion.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* Largest first, so that the first that divides a value is the one to write. */
struct unit {
    const char *name;
    int64_t factor;
};
static const struct unit plain[] = {{"", 1}};
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
static const struct unit percents[] = {{"%", 10000}};

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

/* Of a number: "1,5s", or one in a list, "1s,". */
static int check_comma(const char *value, struct error *error) {
    const char *comma = strchr(value, ',');
    bool decimal = comma && comma > value && isdigit((unsigned char)comma[-1]) &&
                   isdigit((unsigned char)comma[1]) && !strchr(comma + 1, ',');
    CLEANUP_FREE char *right = comma ? without(value, ",", decimal ? '.' : ' ') : NULL;

    if (!comma)
        return 0;
    return error_set(error, -EINVAL, "'%s' has a %s; write %s", value,
                     decimal ? "decimal comma: here it is a point"
                             : "comma: values of a list stand apart by blanks",
                     right);
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

int setting_number_parse(enum setting_type type, const char *text, int64_t *ret,
                         struct error *error) {
    const struct type *kind = &types[type];
    int64_t whole, fraction, scale, value, part;
    const struct unit *unit = NULL;
    const char *end;

    if (!*text)
        return error_set(error, -EINVAL, "has no value; write, say, %s", kind->example);
    if (*text == '-')
        return error_set(error, -EINVAL, "'%s' is negative", text);
    end = scan(text, &whole, &fraction, &scale);
    if (!end)
        return error_set(error, isdigit((unsigned char)*text) ? -ERANGE : -EINVAL,
                         "'%s' is not a number that can be used here; write, say, %s", text,
                         kind->example);
    while (*end == ' ')
        end++;
    for (size_t i = 0; i < kind->n_units && !unit; i++)
        unit = strcmp(kind->units[i].name, end) == 0 ? &kind->units[i] : NULL;
    if (!unit && !*end)
        return error_set(error, -EINVAL, "'%s' lacks a unit (%s); write, say, %s%s", text,
                         kind->names, text, kind->units[kind->n_units / 2].name);
    if (!unit) {
        CLEANUP_FREE char *meant = suggestion(end, kind->names);

        return error_set(error, -EINVAL, "'%s' has the wrong unit%s; right would be %s, as in %s",
                         text, meant, kind->names, kind->example);
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
    return text && setting_number_parse(row->type, text, ret, NULL) == 0;
}

static int assign_number(const struct setting *row, void *block, const char *value,
                         struct error *error) {
    CLEANUP_FREE char *what = setting_describe(row);
    int64_t number, limit;
    int r = setting_number_parse(row->type, value, &number, error);

    if (r == -ERANGE || (r == 0 && ((bound(row, row->min, &limit) && number < limit) ||
                                    (bound(row, row->max, &limit) && number > limit))))
        return error_set(error, -ERANGE, "'%s' is out of bounds; right would be %s", value, what);
    if (r < 0)
        return r;
    *number_at(row, block) = number;
    return 0;
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
    meant = suggestion(value, row->choices);
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
        return error_set(error, -EINVAL, "has no value; leave the line out for the default, %s",
                         row->fallback);
    if (is_text(row))
        return assign_text(row, block, value, error);
    if (check_marks(value, error) < 0)
        return -EINVAL;
    if (row->type == SETTING_CHOICE)
        return assign_choice(row, block, value, error);
    return check_comma(value, error) < 0 ? -EINVAL : assign_number(row, block, value, error);
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
