/*
 * setting - every key a user can set is one row of a table: how it is called, what it may hold,
 * its default, its help, and where its value is stored.
 *
 * Tables live with their owner (a probe's with the probe). The parser, --set, `list settings`, the
 * resolved scenario and the lines between driver, agent and worker all read the same rows.
 *
 * A group is a set of rows that share a prefix and are stored in one struct of the owner's: the
 * "block". Blocks are made here with the defaults in them and belong to whoever made them. The
 * registry has all groups of this program, handed over by main; settings are a block for each group
 * of a kind.
 *
 * To add a setting: a row in its owner's table. To add a type: a line in enum setting_type and the
 * row of types[] in setting.c.
 */
#ifndef BENCH_MODEL_SETTING_H
#define BENCH_MODEL_SETTING_H

#include "base/error.h"
#include "base/memory.h"
#include "model/metric.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum setting_type {
    SETTING_TEXT,     /* char *, one line */
    SETTING_WORDS,    /* char *, a list separated by single blanks */
    SETTING_LIST,     /* the same, where a word may stand twice, and the list be longer */
    SETTING_RAW,      /* char *, anything at all: between our own processes only */
    SETTING_CHOICE,   /* int64_t: the place in `choices` */
    SETTING_COUNT,    /* int64_t, a plain number */
    SETTING_BYTES,    /* int64_t, written 30B, 64KiB, 1MiB */
    SETTING_DURATION, /* int64_t nanoseconds, written 100ms, 10s, 5min, 30d */
    SETTING_RATE,     /* int64_t bit/s, written 13.4Mbit/s */
    SETTING_PERCENT,  /* int64_t millionths, written 2%, 0.5% */
};

/* What a value makes this program do beyond measuring. What a run's scenario says of the first two
 * is done only where the command line repeats it: somebody else may have written it. */
enum setting_effect {
    SETTING_NO_EFFECT,
    SETTING_EXECUTES, /* a command, or this program on a host that the value names */
    SETTING_READS,    /* a file */
    SETTING_CONNECTS, /* to an address */
};

struct setting {
    const char *key;
    enum setting_type type;
    const char *fallback;  /* the default, as a user would write it; "" for an empty text */
    const char *min, *max; /* bounds, as a user would write them (numbers only) */
    const char *choices;   /* SETTING_CHOICE: the permitted words, separated by blanks */
    const char *help;
    size_t offset;
    /* A further check of a text, of words or of what stands for a choice, before that is looked up,
     * or NULL; error says what is wrong, what is right. */
    int (*check)(const char *value, struct error *error);
    /* Of every value but the default and these words, or a list of them. */
    enum setting_effect effect;
    const char *harmless;
};

/* What a group's settings belong to, and so where in a scenario they are written. */
enum setting_scope {
    SETTING_SCENARIO, /* [name] of a scenario */
    SETTING_PROBE,    /* [probe.NAME] of a scenario; the group's name is "probe.NAME" */
    SETTING_CHANNEL,  /* [name] of a channel file, name.key in [channel.NAME] of a scenario */
    SETTING_INTERNAL, /* between our own processes only */
};

/* What a word of a SETTING_CHOICE sets of its group, where the user has set nothing else. */
struct setting_preset {
    const char *key, *word;   /* "profile", "lte-m" */
    const char *sets, *value; /* "rate", "375kbit/s" */
};

struct setting_group {
    const char *name;
    enum setting_scope scope;
    const struct setting *rows;
    size_t n_rows;
    size_t size; /* of the block */
    const struct setting_preset *presets;
    size_t n_presets;
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

static inline bool setting_is_list(const struct setting *row) {
    return row->type == SETTING_WORDS || row->type == SETTING_LIST;
}

/* The row of a key, or NULL. */
const struct setting *setting_find(const struct setting_group *group, const char *key);
/* "unknown key", what was probably meant, and where all are shown; the caller's. */
char *setting_unknown(const struct setting_group *group, const char *key);

/* The check of words that are names: without commas, quotation marks and what stands behind a '#',
 * as lists have them elsewhere. */
int setting_check_names(const char *words, struct error *error);

/* Reads value into the block. The error says what is wrong and what would be right, without the
 * place, which the caller puts in front. The block is untouched on failure. */
int setting_assign(const struct setting *row, void *block, const char *value, struct error *error);

/* The value as a user would write it; the text belongs to the caller. */
char *setting_format(const struct setting *row, const void *block);
/* How --set calls a row of a group, with NAME for a channel's; the caller's. */
char *setting_path(const struct setting_group *group, const struct setting *row);
/* What a value may be, in words: "a duration from 1ms to 1h"; belongs to the caller. */
char *setting_describe(const struct setting *row);

/* What this value makes the program do. */
enum setting_effect setting_effect(const struct setting *row, const char *value);
/* "executes", "reads", "connects to" */
const char *setting_effect_word(enum setting_effect effect);

/* The word of a SETTING_CHOICE's value, in memory of its own. */
char *setting_choice_word(const char *choices, int64_t index);

/* A whole, non-negative number with the unit of its type ("1.5s" is 1500 ms, but "1.5B" is
 * refused): -EINVAL with what is wrong, -ERANGE when it does not fit. */
int setting_number_parse(enum setting_type type, const char *text, int64_t *ret,
                         struct error *error);
/* The shortest exact form with the largest fitting unit; the caller's. */
char *setting_number_format(enum setting_type type, int64_t value);

/* A block as a flat object of text values, and back. An unknown or missing key is an error. */
json_t *setting_block_to_json(const struct setting_group *group, const void *block);
int setting_block_from_json(const struct setting_group *group, const json_t *object, void **ret,
                            struct error *error);

struct channel;

struct registry {
    const struct setting_group *const *groups;
    size_t n_groups;
    /* Writes into settings of a channel that were left out what then is; may be NULL. */
    void (*settle_channel)(struct channel *channel);
    /* Whether the mechanisms of a channel fit together and their settings make sense. */
    int (*check_channel)(const struct channel *channel, struct error *error);
    /* Whether this names a host, and whether a specification of one begins with this word; may be
     * NULL. */
    int (*check_host)(const char *spec, struct error *error);
    bool (*begins_host)(const char *word);
    /* What the probe of this group measures. */
    const struct metric *(*metrics)(const struct setting_group *probe, size_t *ret_n);
    /* The folder of scenarios behind the user's own: that of an installed program; or NULL. */
    const char *shared_scenarios;
};

/* One block a group of the registry; those of other scopes stay NULL. */
struct settings {
    const struct registry *registry;
    void **blocks;
};

/* Defaults for all groups whose scope is in the mask (1 << SETTING_SCENARIO | ...). The inside of
 * a struct settings belongs to it; settings_clear() frees it. */
void settings_init(struct settings *settings, const struct registry *registry, unsigned scopes);
void settings_copy(struct settings *ret, const struct settings *settings);
void settings_clear(struct settings *settings);

/* The block of a group, to be read through the owner's struct. */
const void *settings_get(const struct settings *settings, const struct setting_group *group);
void *settings_edit(struct settings *settings, const struct setting_group *group);

/* The row that is meant by a dotted path, whose longest fitting start names a group of the scopes
 * in the mask: *ret_group, or NULL when there is none. NULL when the group has no such key. */
const struct setting *registry_find(const struct registry *registry, unsigned scopes,
                                    const char *path, const struct setting_group **ret_group);
/* A group by its name and scope, or NULL. */
const struct setting_group *registry_group(const struct registry *registry,
                                           enum setting_scope scope, const char *name);
/* The names of all groups of a scope, separated by ", ", without prefix; the caller's. */
char *registry_names(const struct registry *registry, enum setting_scope scope, const char *prefix);

#endif
