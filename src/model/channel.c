#include "model/channel.h"

#include <errno.h>
#include <string.h>

static const struct setting rows[] = {
    {"description", SETTING_TEXT, "", .help = "what the channel is, in a few words",
     .offset = offsetof(struct channel_settings, description)},
    {"use", SETTING_WORDS, "", .help = "the mechanisms in force, by name; none: unprotected",
     .offset = offsetof(struct channel_settings, use)},
};
const struct setting_group channel_group =
    SETTING_GROUP("channel", SETTING_CHANNEL, rows, struct channel_settings);

void channel_init(struct channel *channel, const char *name, const struct registry *registry) {
    channel->name = text_copy(name);
    settings_init(&channel->settings, registry, 1u << SETTING_CHANNEL);
}

void channel_copy(struct channel *ret, const char *name, const struct channel *channel) {
    ret->name = text_copy(name);
    settings_copy(&ret->settings, &channel->settings);
}

void channel_clear(struct channel *channel) {
    free(channel->name);
    channel->name = NULL;
    settings_clear(&channel->settings);
}

static const struct channel_settings *own(const struct channel *channel) {
    return settings_get(&channel->settings, &channel_group);
}

const char *channel_description(const struct channel *channel) {
    return own(channel)->description;
}

const char *channel_use(const struct channel *channel) {
    return own(channel)->use;
}

bool channel_uses(const struct channel *channel, const char *mechanism) {
    return text_has_word(own(channel)->use, mechanism);
}

int channel_assign(struct channel *channel, const char *path, const char *value,
                   struct error *error) {
    const struct registry *registry = channel->settings.registry;
    const struct setting_group *group = &channel_group;
    const struct setting *row;
    const char *key = path;

    if (strchr(path, '.')) {
        group = registry_find(registry, 1u << SETTING_CHANNEL, path, &key);
        if (!group) {
            CLEANUP_FREE char *known = registry_names(registry, SETTING_CHANNEL, "");

            return error_set(error, -EINVAL, "unknown mechanism; known are %s", known);
        }
    }
    row = setting_find(group, key);
    if (!row)
        return error_set(error, -EINVAL, "unknown key; `bench list settings` shows all");
    return setting_assign(row, settings_edit(&channel->settings, group), value, error);
}

int channel_check(const struct channel *channel, struct error *error) {
    const struct registry *registry = channel->settings.registry;
    const char *cursor = channel_use(channel), *word;
    size_t length;

    while ((word = text_next_word(&cursor, &length))) {
        CLEANUP_FREE char *name = strndup(word, length);

        if (text_equal(name, channel_group.name) ||
            !registry_group(registry, SETTING_CHANNEL, name))
            return error_set(error, -EINVAL,
                             "use: unknown mechanism '%s'; `bench list mechanisms` shows all",
                             name);
    }
    return registry->check_channel ? registry->check_channel(channel, error) : 0;
}

static bool in_use(const struct channel *channel, const struct setting_group *group) {
    return group->scope == SETTING_CHANNEL &&
           (group == &channel_group || channel_uses(channel, group->name));
}

json_t *channel_to_json(const struct channel *channel) {
    const struct registry *registry = channel->settings.registry;
    json_t *object = json_pack("{s:s}", "name", channel->name), *blocks = json_object();

    for (size_t i = 0; i < registry->n_groups; i++)
        if (in_use(channel, registry->groups[i]))
            (void)json_object_set_new(
                blocks, registry->groups[i]->name,
                setting_block_to_json(registry->groups[i], channel->settings.blocks[i]));
    (void)json_object_set_new(object, "settings", blocks);
    return object;
}

int channel_from_json(struct channel *ret, const struct registry *registry, const json_t *object,
                      struct error *error) {
    const char *name = json_string_value(json_object_get(object, "name")), *group_name;
    json_t *blocks = json_object_get(object, "settings"), *values;
    struct channel channel;

    if (!name || !json_is_object(blocks))
        return error_set(error, -EBADMSG, "not a channel: name or settings are missing");
    channel_init(&channel, name, registry);
    json_object_foreach(blocks, group_name, values) {
        const struct setting_group *group = registry_group(registry, SETTING_CHANNEL, group_name);
        void *block;
        int r = group ? setting_block_from_json(group, values, &block, error)
                      : error_set(error, -EBADMSG, "unknown mechanism '%s'", group_name);

        if (r < 0) {
            channel_clear(&channel);
            return r;
        }
        for (size_t i = 0; i < registry->n_groups; i++)
            if (registry->groups[i] == group) {
                setting_block_free(group, channel.settings.blocks[i]);
                channel.settings.blocks[i] = block;
            }
    }
    *ret = channel;
    return 0;
}
