#include "model/scenario_channels.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MAX_INHERITS 8

/* "channel.NAME.rest": the rest and the length of NAME; NULL when path is nothing of the kind. */
static const char *channel_rest(const char *path, const char **ret_name, size_t *ret_length) {
    const char *dot;

    if (strncmp(path, "channel.", 8) != 0)
        return NULL;
    *ret_name = path + 8;
    dot = strchr(*ret_name, '.');
    if (!dot || dot == *ret_name)
        return NULL;
    *ret_length = (size_t)(dot - *ret_name);
    return dot + 1;
}

bool is_of_channel(const char *path) {
    const char *name;
    size_t length;

    return channel_rest(path, &name, &length) != NULL;
}

static const char *rest_for(const char *path, const char *channel) {
    const char *name, *rest;
    size_t length;

    rest = channel_rest(path, &name, &length);
    return rest && length == strlen(channel) && memcmp(name, channel, length) == 0 ? rest : NULL;
}

static const struct assignment *find_key(const struct loader *loader, const char *channel,
                                         const char *key) {
    CLEANUP_FREE char *path = text_format("channel.%s.%s", channel, key);

    return assignments_find(&loader->given, path);
}

/* Sets a key of the channel and remembers where that was done. */
static int assign(struct loader *loader, struct channel *channel, const char *place,
                  const char *key, const char *value) {
    int r = channel_assign(channel, key, value, loader->error);

    if (r < 0)
        return error_prefix(loader->error, r, "%s", place);
    assignments_add(&loader->origins, text_copy(place), text_copy(key), value);
    return 0;
}

/* What a check complains of starts with a key: in its stead comes the place where it was set. */
static int blame_key(struct loader *loader, const char *channel, int code) {
    struct error what = loader->error ? *loader->error : (struct error){""};
    size_t length = strcspn(what.text, ":");
    CLEANUP_FREE char *key = strndup(what.text, length);
    const struct assignment *origin = assignments_find(&loader->origins, key);

    return origin ? error_set(loader->error, code, "%s%s", origin->place, what.text + length)
                  : error_prefix(loader->error, code, "channel %s", channel);
}

/* -ENOENT: no such file, and the message says what there is. */
static int open_channel_file(struct loader *loader, const char *name, struct inifile **ret) {
    const char *folders[] = {loader->beside, loader->folder};
    CLEANUP_FREE char *folder = NULL, *known = NULL;

    if (!loader->folder)
        return error_set(loader->error, -ENOENT, "unknown channel '%s'; define it in [channel.%s]",
                         name, name);
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        CLEANUP_FREE char *path = text_format("%s/channels/%s.ini", folders[i], name);

        if (access(path, F_OK) == 0)
            return inifile_read(ret, path, loader->error) < 0 ? -EINVAL : 0;
    }
    folder = text_format("%s/channels", loader->folder);
    known = ini_names(folder);
    return error_set(loader->error, -ENOENT,
                     "unknown channel '%s'; known are %s, or define it in [channel.%s]", name,
                     known, name);
}

/* A setting of a mechanism that the channel does not use would silently mean nothing. */
static int check_in_use(struct loader *loader, const struct channel *channel, const char *place,
                        const char *key) {
    const char *dot = strchr(key, '.');
    CLEANUP_FREE char *mechanism = dot ? strndup(key, (size_t)(dot - key)) : NULL;

    if (mechanism && !channel_uses(channel, mechanism))
        return error_set(loader->error, -EINVAL, "%s: the channel does not use %s (use = %s)",
                         place, mechanism, channel_use(channel));
    return 0;
}

static int build_channel(struct loader *loader, const char *name, int depth, struct channel *ret);

/* Starts from another channel; place is where that was said. */
static int inherit(struct loader *loader, const char *name, const char *parent_name,
                   const char *place, int depth, struct channel *ret) {
    struct channel parent;
    int r;

    if (depth >= MAX_INHERITS)
        return error_set(loader->error, -EINVAL, "%s: inherits itself, or too deep a chain", place);
    r = build_channel(loader, parent_name, depth + 1, &parent);
    if (r == -ENOENT)
        return error_prefix(loader->error, -EINVAL, "%s", place);
    if (r < 0)
        return r;
    channel_copy(ret, name, &parent);
    channel_clear(&parent);
    return 0;
}

static bool is_inherits(const struct inifile_entry *entry) {
    return text_equal(entry->section, "channel") && text_equal(entry->key, "inherits");
}

/* The channel that a file starts from: the one it inherits, wherever in it that stands, or the
 * defaults. */
static int begin_file(struct loader *loader, const struct inifile *file, const char *name,
                      int depth, struct channel *ret) {
    for (size_t i = 0; i < file->n_entries; i++) {
        CLEANUP_FREE char *place = place_of_entry(file, &file->entries[i]);

        if (is_inherits(&file->entries[i]))
            return inherit(loader, name, file->entries[i].value, place, depth, ret);
    }
    channel_init(ret, name, loader->registry);
    return 0;
}

/* The keys of channels/NAME.ini. */
static int add_file_keys(struct loader *loader, const struct inifile *file,
                         struct channel *channel) {
    size_t first = loader->origins.count;
    int r;

    for (size_t i = 0; i < file->n_entries; i++) {
        const struct inifile_entry *entry = &file->entries[i];
        CLEANUP_FREE char *place = place_of_entry(file, entry);
        CLEANUP_FREE char *path = text_equal(entry->section, "channel")
                                      ? text_copy(entry->key)
                                      : text_format("%s.%s", entry->section, entry->key);

        if (is_inherits(entry))
            continue;
        r = assign(loader, channel, place, path, entry->value);
        if (r < 0)
            return r;
    }
    for (size_t i = first; i < loader->origins.count; i++) {
        r = check_in_use(loader, channel, loader->origins.list[i].place,
                         loader->origins.list[i].path);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_channel_file(struct loader *loader, const char *name, int depth,
                             struct channel *ret) {
    CLEANUP(inifile_freep) struct inifile *file = NULL;
    struct channel channel;
    int r = open_channel_file(loader, name, &file);

    if (r == 0)
        r = begin_file(loader, file, name, depth, &channel);
    if (r < 0)
        return r;
    r = add_file_keys(loader, file, &channel);
    if (r < 0)
        channel_clear(&channel);
    else
        *ret = channel;
    return r;
}

/* What the channel starts from. */
static int begin_channel(struct loader *loader, const char *name, int depth, struct channel *ret) {
    const struct assignment *inherits = find_key(loader, name, "inherits");

    if (inherits)
        return inherit(loader, name, inherits->value, inherits->place, depth, ret);
    if (!find_key(loader, name, "use"))
        return read_channel_file(loader, name, depth, ret);
    channel_init(ret, name, loader->registry);
    return 0;
}

static int add_own_keys(struct loader *loader, struct channel *channel) {
    int r = 0;

    for (int only_used = 0; only_used < 2; only_used++)
        for (size_t i = 0; i < loader->given.count && r == 0; i++) {
            const struct assignment *assignment = &loader->given.list[i];
            const char *rest = rest_for(assignment->path, channel->name);

            if (!rest || strcmp(rest, "inherits") == 0)
                continue;
            r = only_used ? check_in_use(loader, channel, assignment->place, rest)
                          : assign(loader, channel, assignment->place, rest, assignment->value);
        }
    return r;
}

/* -ENOENT: there is no channel of this name; the caller knows where it was named. */
static int build_channel(struct loader *loader, const char *name, int depth, struct channel *ret) {
    struct channel channel;
    int r = check_name(name, loader->error) < 0 ? -ENOENT : 0;

    if (depth == 0)
        assignments_clear(&loader->origins);
    if (r == 0)
        r = begin_channel(loader, name, depth, &channel);
    if (r < 0)
        return r;
    r = add_own_keys(loader, &channel);
    if (r == 0) {
        r = channel_check(&channel, loader->error);
        if (r < 0)
            (void)blame_key(loader, name, r);
    }
    if (r < 0)
        channel_clear(&channel);
    else
        *ret = channel;
    return r;
}

/* Every [channel.NAME] is built and so checked, also those that this scenario does not measure. */
static int check_unlisted(struct loader *loader) {
    for (size_t i = 0; i < loader->given.count; i++) {
        const char *start;
        size_t length;
        CLEANUP_FREE char *name = NULL;
        struct channel channel;
        int r;

        if (!channel_rest(loader->given.list[i].path, &start, &length))
            continue;
        name = strndup(start, length);
        r = build_channel(loader, name, 0, &channel);
        if (r == -ENOENT)
            return error_prefix(loader->error, -EINVAL, "%s", loader->given.list[i].place);
        if (r < 0)
            return r;
        channel_clear(&channel);
    }
    return 0;
}

static int build_listed(struct loader *loader) {
    struct scenario *scenario = loader->scenario;
    const char *cursor = scenario_own(scenario)->channels, *word;
    size_t length;

    while ((word = text_next_word(&cursor, &length))) {
        CLEANUP_FREE char *name = strndup(word, length);
        int r;

        scenario->channels =
            memory_room(scenario->channels, scenario->n_channels, sizeof(*scenario->channels));
        r = build_channel(loader, name, 0, &scenario->channels[scenario->n_channels]);
        if (r == -ENOENT)
            return blame_setting(loader, "scenario.channels", -EINVAL);
        if (r < 0)
            return r;
        scenario->n_channels++;
    }
    if (scenario->n_channels)
        return 0;
    (void)error_set(loader->error, -EINVAL, "none is named");
    return blame_setting(loader, "scenario.channels", -EINVAL);
}

int build_channels(struct loader *loader) {
    int r = check_unlisted(loader);

    return r < 0 ? r : build_listed(loader);
}

int blame_channel_key(struct loader *loader, const char *channel, const char *key, int code) {
    struct error what = *loader->error;
    const struct assignment *origin;
    struct channel again;

    /* What made it is known while it is built. */
    if (build_channel(loader, channel, 0, &again) == 0)
        channel_clear(&again);
    *loader->error = what;
    origin = assignments_find(&loader->origins, key);
    return origin ? error_prefix(loader->error, code, "%s", origin->place)
                  : error_prefix(loader->error, code, "channel %s: %s", channel, key);
}
