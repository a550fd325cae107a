#include "model/setting.h"

#include "model/unit.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static bool is_text(const struct setting *row) {
    return row->type <= SETTING_RAW;
}

static enum unit_kind unit_of(const struct setting *row) {
    static const enum unit_kind units[] = {
        [SETTING_COUNT] = UNIT_NONE,        [SETTING_BYTES] = UNIT_BYTES,
        [SETTING_DURATION] = UNIT_DURATION, [SETTING_RATE] = UNIT_RATE,
        [SETTING_PERCENT] = UNIT_PERCENT,
    };

    return units[row->type];
}

static char **text_at(const struct setting *row, const void *block) {
    return (char **)((char *)(uintptr_t)block + row->offset);
}

static int64_t *number_at(const struct setting *row, const void *block) {
    return (int64_t *)((char *)(uintptr_t)block + row->offset);
}

/* Bounds are written in the tables by us: what does not parse there is no bound. */
static bool bound(const struct setting *row, const char *text, int64_t *ret) {
    return text && unit_parse(unit_of(row), text, ret, NULL) == 0;
}

static int assign_number(const struct setting *row, void *block, const char *value,
                         struct error *error) {
    CLEANUP_FREE char *what = setting_describe(row);
    int64_t number, limit;
    int r = unit_parse(unit_of(row), value, &number, error);

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
    size_t length;

    for (int64_t i = 0; (word = text_next_word(&cursor, &length)); i++)
        if (strlen(value) == length && memcmp(word, value, length) == 0) {
            int r = row->check ? row->check(value, error) : 0;

            if (r == 0)
                *number_at(row, block) = i;
            return r;
        }
    return error_set(error, -EINVAL, "'%s' is none of: %s", value, row->choices);
}

/* The words with single blanks between them; a doubled word is an error. */
static char *tidy_words(const char *value, struct error *error) {
    char *tidy = memory_new(strlen(value) + 2, 1);
    const char *cursor = value, *word;
    size_t length, end = 0;

    while ((word = text_next_word(&cursor, &length))) {
        CLEANUP_FREE char *copy = strndup(word, length);

        if (text_has_word(tidy, copy)) {
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
    if (strpbrk(value, "\r\n"))
        return error_set(error, -EINVAL, "neither ' ;' nor a line end can be part of a value");
    for (const char *c = value; *c; c++)
        if (*c == ';' && (c == value || isspace((unsigned char)c[-1])))
            return error_set(error, -EINVAL, "neither ' ;' nor a line end can be part of a value");
    return 0;
}

static int assign_text(const struct setting *row, void *block, const char *value,
                       struct error *error) {
    CLEANUP_FREE char *tidy =
        row->type == SETTING_WORDS ? tidy_words(value, error) : text_copy(value);
    int r = tidy ? 0 : -EINVAL;

    if (r == 0 && row->type != SETTING_RAW)
        r = check_text(tidy, row->type == SETTING_WORDS ? MAX_WORDS : MAX_TEXT, error);
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
    if (row->type == SETTING_CHOICE)
        return assign_choice(row, block, value, error);
    return assign_number(row, block, value, error);
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
    return unit_format(unit_of(row), *number_at(row, block));
}

char *setting_describe(const struct setting *row) {
    static const char *const kinds[] = {
        [SETTING_TEXT] = "a text",         [SETTING_WORDS] = "words separated by blanks",
        [SETTING_RAW] = "a text",          [SETTING_CHOICE] = "one of",
        [SETTING_COUNT] = "a number",      [SETTING_BYTES] = "a size in bytes",
        [SETTING_DURATION] = "a duration", [SETTING_RATE] = "a rate",
        [SETTING_PERCENT] = "a share",
    };

    if (row->type == SETTING_CHOICE)
        return text_format("one of: %s", row->choices);
    if (row->min && row->max)
        return text_format("%s from %s to %s", kinds[row->type], row->min, row->max);
    if (row->min || row->max)
        return text_format("%s of at %s %s", kinds[row->type], row->min ? "least" : "most",
                           row->min ? row->min : row->max);
    return text_copy(kinds[row->type]);
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
    void *block = setting_block_new(group);
    int r = 0;

    if (json_object_size(object) != group->n_rows)
        r = error_set(error, -EBADMSG, "%s: %zu values where %zu belong", group->name,
                      json_object_size(object), group->n_rows);
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
