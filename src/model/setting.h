/*
 * setting - every key a user can set is one row of a table: how it is called, what it may hold,
 * its default, its help, and where its value is stored.
 *
 * Tables live with their owner (a probe's with the probe). The parser, --set, `list settings`, the
 * resolved scenario and the lines between driver, agent and worker all read the same rows.
 *
 * A group is a set of rows that share a prefix and are stored in one struct of the owner's: the
 * "block". Blocks are made here with the defaults in them and belong to whoever made them.
 */
#ifndef BENCH_MODEL_SETTING_H
#define BENCH_MODEL_SETTING_H

#include "base/error.h"
#include "base/memory.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum setting_type {
    SETTING_TEXT,     /* char *, one line */
    SETTING_WORDS,    /* char *, a list separated by single blanks */
    SETTING_RAW,      /* char *, anything at all: between our own processes only */
    SETTING_CHOICE,   /* int64_t: the place in `choices` */
    SETTING_COUNT,    /* int64_t, a plain number */
    SETTING_BYTES,    /* int64_t, written 30B, 64KiB, 1MiB */
    SETTING_DURATION, /* int64_t nanoseconds, written 100ms, 10s, 5min, 30d */
    SETTING_RATE,     /* int64_t bit/s, written 13.4Mbit/s */
    SETTING_PERCENT,  /* int64_t millionths, written 2%, 0.5% */
};

struct setting {
    const char *key;
    enum setting_type type;
    const char *fallback;  /* the default, as a user would write it; "" for an empty text */
    const char *min, *max; /* bounds, as a user would write them (numbers only) */
    const char *choices;   /* SETTING_CHOICE: the permitted words, separated by blanks */
    const char *help;
    size_t offset;
    /* A further check of a text, of words or of a choice's word, or NULL; error says what is wrong,
     * what is right. */
    int (*check)(const char *value, struct error *error);
};

/* What a group's settings belong to, and so where in a scenario they are written. */
enum setting_scope {
    SETTING_SCENARIO, /* [name] of a scenario */
    SETTING_PROBE,    /* [probe.NAME] of a scenario; the group's name is "probe.NAME" */
    SETTING_CHANNEL,  /* [name] of a channel file, name.key in [channel.NAME] of a scenario */
    SETTING_INTERNAL, /* between our own processes only */
};

struct setting_group {
    const char *name;
    enum setting_scope scope;
    const struct setting *rows;
    size_t n_rows;
    size_t size; /* of the block */
};

/* A group whose block is `struct type`, from an array of rows. */
#define SETTING_GROUP(group_name, group_scope, array, type)                                        \
    {                                                                                              \
        .name = (group_name), .scope = (group_scope), .rows = (array),                             \
        .n_rows = ARRAY_SIZE(array), .size = sizeof(type)                                          \
    }

/* A new block with every default in it. */
void *setting_block_new(const struct setting_group *group);
void *setting_block_copy(const struct setting_group *group, const void *block);
void setting_block_free(const struct setting_group *group, void *block);

/* The row of a key, or NULL. */
const struct setting *setting_find(const struct setting_group *group, const char *key);

/* Reads value into the block. The error says what is wrong and what would be right, without the
 * place, which the caller puts in front. The block is untouched on failure. */
int setting_assign(const struct setting *row, void *block, const char *value, struct error *error);

/* The value as a user would write it; the text belongs to the caller. */
char *setting_format(const struct setting *row, const void *block);
/* What a value may be, in words: "a duration from 1ms to 1h"; belongs to the caller. */
char *setting_describe(const struct setting *row);

/* The word of a SETTING_CHOICE's value, in memory of its own. */
char *setting_choice_word(const char *choices, int64_t index);

/* A block as a flat object of text values, and back. An unknown or missing key is an error. */
json_t *setting_block_to_json(const struct setting_group *group, const void *block);
int setting_block_from_json(const struct setting_group *group, const json_t *object, void **ret,
                            struct error *error);

#endif
