/*
 * registry - all groups of settings that this program has, handed over by main, and sets of
 * blocks: one block for each group of a kind, with its defaults until something else is set.
 */
#ifndef BENCH_MODEL_REGISTRY_H
#define BENCH_MODEL_REGISTRY_H

#include "model/setting.h"

struct channel;

struct registry {
    const struct setting_group *const *groups;
    size_t n_groups;
    /* Whether the mechanisms of a channel fit together and their settings make sense. */
    int (*check_channel)(const struct channel *channel, struct error *error);
    /* Whether this names a host; may be NULL. */
    int (*check_host)(const char *spec, struct error *error);
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

/* The group that is meant by the longest fitting start of a dotted path, among those of the scopes
 * in the mask; *ret_key is what follows. NULL when there is none. */
const struct setting_group *registry_find(const struct registry *registry, unsigned scopes,
                                          const char *path, const char **ret_key);
/* A group by its name and scope, or NULL. */
const struct setting_group *registry_group(const struct registry *registry,
                                           enum setting_scope scope, const char *name);
/* The names of all groups of a scope, separated by ", ", without prefix; the caller's. */
char *registry_names(const struct registry *registry, enum setting_scope scope, const char *prefix);

#endif
