#include "model/registry.h"

#include <string.h>

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

const struct setting_group *registry_find(const struct registry *registry, unsigned scopes,
                                          const char *path, const char **ret_key) {
    const struct setting_group *best = NULL;
    size_t best_length = 0;

    for (size_t i = 0; i < registry->n_groups; i++) {
        const struct setting_group *group = registry->groups[i];
        size_t length = strlen(group->name);

        if (scopes & 1u << group->scope && length > best_length &&
            strncmp(path, group->name, length) == 0 && path[length] == '.') {
            best = group;
            best_length = length;
            *ret_key = path + length + 1;
        }
    }
    return best;
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
