#include "model/channel.h"

#include "base/suggestion.h"
#include "model/client_config.h"

#include <errno.h>
#include <string.h>

#define AT(member) .offset = offsetof(struct channel_settings, member)
static const struct setting rows[] = {
    {"description", SETTING_TEXT, "", AT(description),
     .help = "what the channel is, in a few words"},
    {"use", SETTING_WORDS, "", AT(use), .check = setting_check_names,
     .help = "the mechanisms in force, by name; none: unprotected"},
    {"control", SETTING_CHOICE, "none", .choices = "none same slowed", AT(control),
     .help = "none: a subject; same, slowed: the baseline again, as a control"},
    {"loss", SETTING_PERCENT, "0%", "0%", "90%", AT(loss_ppm),
     .help = "of the sender's rate, imposed where control = slowed"},
    {"mqtt", SETTING_CHOICE, "3.1.1", .choices = MQTT_VERSION_WORDS, AT(mqtt),
     .help = "the version of MQTT that the clients speak"},
};
const struct setting_group channel_group =
    SETTING_GROUP("channel", SETTING_CHANNEL, rows, struct channel_settings);

void channel_init(struct channel *channel, const char *name, const struct registry *registry) {
    channel->name = text_copy(name);
    channel->variant = text_copy("");
    channel->link = 0;
    settings_init(&channel->settings, registry, 1u << SETTING_CHANNEL);
}

void channel_copy(struct channel *ret, const char *name, const struct channel *channel) {
    ret->name = text_copy(name);
    ret->variant = text_copy(channel->variant);
    ret->link = channel->link;
    settings_copy(&ret->settings, &channel->settings);
}

void channel_clear(struct channel *channel) {
    free(channel->name);
    free(channel->variant);
    channel->name = channel->variant = NULL;
    settings_clear(&channel->settings);
}

char *channel_label(const struct channel *channel) {
    return text_format("%s%s%s", channel->name, *channel->variant ? " " : "", channel->variant);
}

const struct channel_settings *channel_own(const struct channel *channel) {
    return settings_get(&channel->settings, &channel_group);
}

bool channel_uses(const struct channel *channel, const char *mechanism) {
    return text_has_word(channel_own(channel)->use, mechanism);
}

const struct setting *channel_setting(const struct channel *channel, const char *path,
                                      const struct setting_group **ret_group, struct error *error) {
    const struct registry *registry = channel->settings.registry;
    const struct setting *row;

    *ret_group = &channel_group;
    row = strchr(path, '.') ? registry_find(registry, 1u << SETTING_CHANNEL, path, ret_group)
                            : setting_find(&channel_group, path);
    if (!*ret_group) {
        CLEANUP_FREE char *known = registry_names(registry, SETTING_CHANNEL, "");
        CLEANUP_FREE char *name = strndup(path, strcspn(path, "."));
        CLEANUP_FREE char *meant = suggestion(name, known);

        (void)error_set(error, -EINVAL, "unknown mechanism%s; known are %s", meant, known);
    } else if (!row) {
        const char *dot = strchr(path, '.');
        CLEANUP_FREE char *wrong = setting_unknown(*ret_group, dot ? dot + 1 : path);

        (void)error_set(error, -EINVAL, "%s", wrong);
    }
    return row;
}

int channel_assign(struct channel *channel, const char *path, const char *value,
                   struct error *error) {
    const struct setting_group *group;
    const struct setting *row = channel_setting(channel, path, &group, error);

    return row ? setting_assign(row, settings_edit(&channel->settings, group), value, error)
               : -EINVAL;
}

static int check_control(const struct channel *channel, struct error *error) {
    const struct channel_settings *own = channel_own(channel);

    if (own->control == CONTROL_SLOWED && !own->loss_ppm)
        return error_set(error, -EINVAL,
                         "control: slowed by nothing could not be found; add, say, loss = 5%%");
    if (own->control != CONTROL_SLOWED && own->loss_ppm)
        return error_set(error, -EINVAL,
                         "loss: is imposed on a control only; add control = slowed, or leave it "
                         "out");
    return 0;
}

int channel_check(const struct channel *channel, struct error *error) {
    const struct registry *registry = channel->settings.registry;
    const char *cursor = channel_own(channel)->use, *word;
    size_t length;

    while ((word = text_next_word(&cursor, &length))) {
        CLEANUP_FREE char *name = strndup(word, length);

        if (text_equal(name, channel_group.name) ||
            !registry_group(registry, SETTING_CHANNEL, name)) {
            CLEANUP_FREE char *known = registry_names(registry, SETTING_CHANNEL, "");
            CLEANUP_FREE char *meant = suggestion(name, known);

            return error_set(error, -EINVAL,
                             "use: unknown mechanism '%s'%s; `bench list mechanisms` shows all",
                             name, meant);
        }
    }
    if (check_control(channel, error) < 0)
        return -EINVAL;
    return registry->check_channel ? registry->check_channel(channel, error) : 0;
}

static bool in_use(const struct channel *channel, const struct setting_group *group) {
    return group->scope == SETTING_CHANNEL &&
           (group == &channel_group || channel_uses(channel, group->name));
}

/* What a control and its baseline need not have in common. */
static bool is_aside(const struct setting_group *group, const struct setting *row) {
    return group == &channel_group && text_has_word("description control loss", row->key);
}

static char *difference_in(const struct setting_group *group, const struct channel *channel,
                           const struct channel *other) {
    for (size_t i = 0; i < group->n_rows; i++) {
        const struct setting *row = &group->rows[i];
        CLEANUP_FREE char *here = setting_format(row, settings_get(&channel->settings, group));
        CLEANUP_FREE char *there = setting_format(row, settings_get(&other->settings, group));
        bool own = group == &channel_group;

        if (!is_aside(group, row) && !text_equal(here, there))
            return text_format("%s%s%s ('%s' instead of '%s')", own ? "" : group->name,
                               own ? "" : ".", row->key, here, there);
    }
    return NULL;
}

char *channel_difference(const struct channel *channel, const struct channel *other) {
    const struct registry *registry = channel->settings.registry;
    char *difference = NULL;

    for (size_t i = 0; i < registry->n_groups && !difference; i++)
        if (in_use(channel, registry->groups[i]))
            difference = difference_in(registry->groups[i], channel, other);
    return difference;
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
    int r = 0;

    if (!name || !json_is_object(blocks))
        return error_set(error, -EBADMSG, "not a channel: name or settings are missing");
    channel_init(&channel, name, registry);
    json_object_foreach(blocks, group_name, values) {
        size_t i = 0;
        void *block;

        while (i < registry->n_groups && (registry->groups[i]->scope != SETTING_CHANNEL ||
                                          !text_equal(registry->groups[i]->name, group_name)))
            i++;
        r = i < registry->n_groups
                ? setting_block_from_json(registry->groups[i], values, &block, error)
                : error_set(error, -EBADMSG, "unknown mechanism '%s'", group_name);
        if (r < 0)
            break;
        setting_block_free(registry->groups[i], channel.settings.blocks[i]);
        channel.settings.blocks[i] = block;
    }
    if (r < 0)
        channel_clear(&channel);
    else
        *ret = channel;
    return r;
}
