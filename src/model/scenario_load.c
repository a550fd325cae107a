/* Reading a scenario: all sources become one list of assignments, which are then applied in order,
 * each knowing its place for messages. */
#include "base/inifile.h"
#include "model/scenario.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define MAX_INHERITS 8
#define SCENARIO_SCOPES (1u << SETTING_SCENARIO | 1u << SETTING_PROBE)

struct assignment {
    char *place; /* "file:line: [section] key", "--set" */
    char *path, *value;
};

struct loader {
    const struct registry *registry;
    const char *folder;  /* scenarios/ */
    char *beside;        /* the scenario file's own folder */
    struct assignment *assignments;
    size_t count;
    struct scenario *scenario;
    struct error *error;
};

static void loader_clear(struct loader *loader) {
    for (size_t i = 0; i < loader->count; i++) {
        free(loader->assignments[i].place);
        free(loader->assignments[i].path);
        free(loader->assignments[i].value);
    }
    free(loader->assignments);
    free(loader->beside);
    if (loader->scenario)
        scenario_free(loader->scenario);
}

static void add(struct loader *loader, char *place, char *path, const char *value) {
    loader->assignments =
        memory_resize(loader->assignments, loader->count + 1, sizeof(*loader->assignments));
    loader->assignments[loader->count++] = (struct assignment){place, path, text_copy(value)};
}

static void add_file(struct loader *loader, const struct inifile *file) {
    for (size_t i = 0; i < file->n_entries; i++) {
        const struct inifile_entry *entry = &file->entries[i];

        add(loader,
            text_format("%s:%d: [%s] %s", file->path, entry->line, entry->section, entry->key),
            text_format("%s.%s", entry->section, entry->key), entry->value);
    }
}

/* ---- finding files ---- */

/* "a, b, c": the names of the *.ini files of a folder. */
static char *ini_names(const char *folder) {
    char *names = text_copy("");
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);

    for (int i = 0; i < count; i++) {
        size_t length = strlen(entries[i]->d_name);
        char *longer;

        if (length > 4 && strcmp(entries[i]->d_name + length - 4, ".ini") == 0 &&
            strcmp(entries[i]->d_name, "hosts.ini") != 0) {
            longer = text_format("%s%s%.*s", names, *names ? ", " : "", (int)length - 4,
                                 entries[i]->d_name);
            free(names);
            names = longer;
        }
        free(entries[i]);
    }
    free(entries);
    return names;
}

static bool is_path(const char *name) {
    size_t length = strlen(name);

    return strchr(name, '/') || (length > 4 && strcmp(name + length - 4, ".ini") == 0);
}

static int read_scenario_file(struct loader *loader, const char *name) {
    CLEANUP_FREE char *path =
        is_path(name) ? text_copy(name) : text_format("%s/%s.ini", loader->folder, name);
    CLEANUP(inifile_freep) struct inifile *file = NULL;
    CLEANUP_FREE char *copy = text_copy(path);
    int r;

    if (!is_path(name) && access(path, F_OK) < 0) {
        CLEANUP_FREE char *known = ini_names(loader->folder);

        return error_set(loader->error, -ENOENT, "unknown scenario '%s'; known are %s", name, known);
    }
    r = inifile_read(&file, path, loader->error);
    if (r < 0)
        return r;
    if (!file->n_entries)
        return error_set(loader->error, -EINVAL, "%s: empty: no scenario in it", path);
    loader->beside = text_copy(dirname(copy));
    add_file(loader, file);
    return 0;
}

static int read_hosts_file(struct loader *loader) {
    CLEANUP_FREE char *path = text_format("%s/hosts.ini", loader->folder);
    CLEANUP(inifile_freep) struct inifile *file = NULL;
    int r;

    if (access(path, F_OK) < 0)
        return 0;
    r = inifile_read(&file, path, loader->error);
    if (r < 0)
        return r;
    for (size_t i = 0; i < file->n_entries; i++)
        if (!text_equal(file->entries[i].section, "hosts"))
            return error_set(loader->error, -EINVAL, "%s:%d: [%s]: only [hosts] belongs here", path,
                             file->entries[i].line, file->entries[i].section);
    add_file(loader, file);
    return 0;
}

/* ---- applying ---- */

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

static const char *rest_for(const char *path, const char *channel) {
    const char *name, *rest;
    size_t length;

    rest = channel_rest(path, &name, &length);
    return rest && length == strlen(channel) && memcmp(name, channel, length) == 0 ? rest : NULL;
}

static int add_reference(struct loader *loader, const struct assignment *assignment) {
    const char *name = assignment->path + strlen("reference."), *dot = strchr(name, '.');
    struct scenario *scenario = loader->scenario;
    double value;
    char *end;

    if (strcmp(name, "source") == 0) {
        text_replace(&scenario->reference_source, assignment->value);
        return 0;
    }
    value = strtod(assignment->value, &end);
    if (!dot)
        return error_set(loader->error, -EINVAL,
                         "%s: neither `source` nor PROBE.CHANNEL, as in path.plain",
                         assignment->place);
    if (end == assignment->value || *end || !isfinite(value) || value <= 0)
        return error_set(loader->error, -EINVAL, "%s: '%s' is not a positive number, as in 13.4",
                         assignment->place, assignment->value);
    scenario->references = memory_resize(scenario->references, scenario->n_references + 1,
                                         sizeof(*scenario->references));
    scenario->references[scenario->n_references++] =
        (struct reference){strndup(name, (size_t)(dot - name)), text_copy(dot + 1), value,
                           text_copy(assignment->value)};
    return 0;
}

static int unknown(struct loader *loader, const struct assignment *assignment) {
    if (strncmp(assignment->path, "vary.", 5) == 0)
        return error_set(loader->error, -EINVAL,
                         "%s: varied settings are not supported yet; write a channel for each value",
                         assignment->place);
    if (strncmp(assignment->path, "probe.", 6) == 0) {
        CLEANUP_FREE char *known = registry_names(loader->registry, SETTING_PROBE, "probe.");

        return error_set(loader->error, -EINVAL, "%s: unknown probe; known are %s",
                         assignment->place, known);
    }
    return error_set(loader->error, -EINVAL,
                     "%s: unknown section; `bench list settings` shows all", assignment->place);
}

static int apply_scenario(struct loader *loader, const struct assignment *assignment) {
    const struct setting_group *group;
    const struct setting *row;
    const char *key, *name;
    size_t length;
    int r;

    if (channel_rest(assignment->path, &name, &length))
        return 0; /* its turn comes with its channel */
    if (strncmp(assignment->path, "reference.", 10) == 0)
        return add_reference(loader, assignment);
    group = registry_find(loader->registry, SCENARIO_SCOPES, assignment->path, &key);
    if (!group)
        return unknown(loader, assignment);
    row = setting_find(group, key);
    if (!row)
        return error_set(loader->error, -EINVAL,
                         "%s: unknown key; `bench list settings` shows all", assignment->place);
    r = setting_assign(row, settings_edit(&loader->scenario->settings, group), assignment->value,
                       loader->error);
    return r < 0 ? error_prefix(loader->error, r, "%s", assignment->place) : 0;
}

/* Reads channels/NAME.ini into a channel that has the defaults. */
static int read_channel_file(struct loader *loader, struct channel *channel) {
    const char *folders[] = {loader->beside, loader->folder};
    CLEANUP(inifile_freep) struct inifile *file = NULL;
    int r = -ENOENT;

    for (size_t i = 0; i < ARRAY_SIZE(folders) && !file; i++) {
        CLEANUP_FREE char *path = text_format("%s/channels/%s.ini", folders[i], channel->name);

        if (access(path, F_OK) < 0)
            continue;
        r = inifile_read(&file, path, loader->error);
        if (r < 0)
            return r;
    }
    if (!file) {
        CLEANUP_FREE char *folder = text_format("%s/channels", loader->folder);
        CLEANUP_FREE char *known = ini_names(folder);

        return error_set(loader->error, -ENOENT,
                         "unknown channel '%s'; known are %s, or define it in [channel.%s]",
                         channel->name, known, channel->name);
    }
    for (size_t i = 0; i < file->n_entries; i++) {
        const struct inifile_entry *entry = &file->entries[i];
        CLEANUP_FREE char *path = text_equal(entry->section, "channel")
                                      ? text_copy(entry->key)
                                      : text_format("%s.%s", entry->section, entry->key);

        r = channel_assign(channel, path, entry->value, loader->error);
        if (r < 0)
            return error_prefix(loader->error, r, "%s:%d: [%s] %s", file->path, entry->line,
                                entry->section, entry->key);
    }
    return 0;
}

/* A setting of a mechanism that the channel does not use would silently mean nothing. */
static int check_in_use(struct loader *loader, const struct channel *channel,
                        const struct assignment *assignment, const char *rest) {
    const char *dot = strchr(rest, '.');
    CLEANUP_FREE char *mechanism = dot ? strndup(rest, (size_t)(dot - rest)) : NULL;

    if (mechanism && !channel_uses(channel, mechanism))
        return error_set(loader->error, -EINVAL, "%s: the channel does not use %s (use = %s)",
                         assignment->place, mechanism, channel_use(channel));
    return 0;
}

static const struct assignment *find_assignment(const struct loader *loader, const char *channel,
                                                const char *key) {
    const struct assignment *found = NULL;

    for (size_t i = 0; i < loader->count; i++) {
        const char *rest = rest_for(loader->assignments[i].path, channel);

        if (rest && strcmp(rest, key) == 0)
            found = &loader->assignments[i];
    }
    return found;
}

static int check_name(const char *name, struct error *error) {
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-_", *c))
            return error_set(error, -EINVAL,
                             "'%s' is no name: letters, digits, '-' and '_' make one", name);
    return 0;
}

/* A channel starts from the one it inherits, from nothing when it says what it uses, else from its
 * file; then come its own keys in the order in which they were given. */
static int build_channel(struct loader *loader, const char *name, int depth, struct channel *ret) {
    const struct assignment *inherits = find_assignment(loader, name, "inherits");
    struct channel channel, parent;
    int r = check_name(name, loader->error);

    if (r < 0)
        return r;
    if (inherits && depth >= MAX_INHERITS)
        return error_set(loader->error, -ELOOP, "%s: inherits itself, or too deep a chain",
                         inherits->place);
    if (inherits) {
        r = build_channel(loader, inherits->value, depth + 1, &parent);
        if (r < 0)
            return r;
        channel_copy(&channel, name, &parent);
        channel_clear(&parent);
    } else {
        channel_init(&channel, name, loader->registry);
        if (!find_assignment(loader, name, "use"))
            r = read_channel_file(loader, &channel);
    }
    for (int only_used = 0; only_used < 2; only_used++)
        for (size_t i = 0; i < loader->count && r == 0; i++) {
            const struct assignment *assignment = &loader->assignments[i];
            const char *rest = rest_for(assignment->path, name);

            if (!rest || strcmp(rest, "inherits") == 0)
                continue;
            r = only_used ? check_in_use(loader, &channel, assignment, rest)
                          : channel_assign(&channel, rest, assignment->value, loader->error);
            if (r < 0 && !only_used)
                (void)error_prefix(loader->error, r, "%s", assignment->place);
        }
    if (r == 0) {
        r = channel_check(&channel, loader->error);
        if (r < 0)
            (void)error_prefix(loader->error, r, "channel %s", name);
    }
    if (r < 0)
        channel_clear(&channel);
    else
        *ret = channel;
    return r;
}

/* Every [channel.NAME] is built and so checked, also those that this scenario does not measure. */
static int check_unlisted(struct loader *loader) {
    for (size_t i = 0; i < loader->count; i++) {
        const char *start;
        size_t length;
        CLEANUP_FREE char *name = NULL;
        struct channel channel;
        int r;

        if (!channel_rest(loader->assignments[i].path, &start, &length))
            continue;
        name = strndup(start, length);
        r = build_channel(loader, name, 0, &channel);
        if (r == -ENOENT)
            (void)error_prefix(loader->error, r, "%s", loader->assignments[i].place);
        if (r < 0)
            return r;
        channel_clear(&channel);
    }
    return 0;
}

static int build_channels(struct loader *loader) {
    struct scenario *scenario = loader->scenario;
    struct scenario_settings *own = settings_edit(&scenario->settings, &scenario_group);
    const char *cursor = own->channels, *word;
    size_t length;

    while ((word = text_next_word(&cursor, &length))) {
        CLEANUP_FREE char *name = strndup(word, length);
        int r;

        scenario->channels = memory_resize(scenario->channels, scenario->n_channels + 1,
                                           sizeof(*scenario->channels));
        r = build_channel(loader, name, 0, &scenario->channels[scenario->n_channels]);
        if (r < 0)
            return r;
        scenario->n_channels++;
    }
    if (!scenario->n_channels)
        return error_set(loader->error, -EINVAL, "[scenario] channels: none is named");
    if (!*own->baseline)
        text_replace(&own->baseline, scenario->channels[0].name);
    if (!text_has_word(own->channels, own->baseline))
        return error_set(loader->error, -EINVAL,
                         "[scenario] baseline: '%s' is none of the channels (%s)", own->baseline,
                         own->channels);
    return 0;
}

static int build_probes(struct loader *loader) {
    struct scenario *scenario = loader->scenario;
    const char *cursor = scenario_own(scenario)->probes, *word;
    size_t length;

    while ((word = text_next_word(&cursor, &length))) {
        CLEANUP_FREE char *name = text_format("probe.%.*s", (int)length, word);

        if (!registry_group(loader->registry, SETTING_PROBE, name)) {
            CLEANUP_FREE char *known = registry_names(loader->registry, SETTING_PROBE, "probe.");

            return error_set(loader->error, -EINVAL,
                             "[scenario] probes: unknown probe '%.*s'; known are %s", (int)length,
                             word, known);
        }
        scenario->probes =
            memory_resize(scenario->probes, scenario->n_probes + 1, sizeof(*scenario->probes));
        scenario->probes[scenario->n_probes++] = strndup(word, length);
    }
    return scenario->n_probes ? 0 : error_set(loader->error, -EINVAL,
                                              "[scenario] probes: none is named");
}

static void name_scenario(struct scenario *scenario, const char *name) {
    struct scenario_settings *own = settings_edit(&scenario->settings, &scenario_group);
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
    size_t length = strlen(base);

    if (*own->name)
        return;
    free(own->name);
    own->name = strndup(base, is_path(base) ? length - 4 : length);
    if (!*own->name)
        text_replace(&own->name, "scenario");
}

static int load(struct loader *loader, const char *name, const struct scenario_override *overrides,
                size_t n_overrides) {
    int r = read_hosts_file(loader);
    size_t n_hosts = loader->count;

    if (r == 0)
        r = read_scenario_file(loader, name);
    for (size_t i = 0; i < n_overrides; i++)
        add(loader, text_format("%s %s", overrides[i].origin, overrides[i].path),
            text_copy(overrides[i].path), overrides[i].value);
    settings_init(&loader->scenario->settings, loader->registry, SCENARIO_SCOPES);
    /* The user's hosts.ini overrides the scenario's own hosts, so it comes second. */
    for (size_t i = n_hosts; i < loader->count - n_overrides && r == 0; i++)
        r = apply_scenario(loader, &loader->assignments[i]);
    for (size_t i = 0; i < n_hosts && r == 0; i++)
        r = apply_scenario(loader, &loader->assignments[i]);
    for (size_t i = loader->count - n_overrides; i < loader->count && r == 0; i++)
        r = apply_scenario(loader, &loader->assignments[i]);
    if (r == 0)
        r = check_unlisted(loader);
    if (r == 0)
        r = build_channels(loader);
    if (r == 0)
        r = build_probes(loader);
    if (r == 0) {
        struct scenario_settings *own = settings_edit(&loader->scenario->settings, &scenario_group);

        name_scenario(loader->scenario, name);
        r = check_name(own->name, loader->error);
    }
    return r;
}

int scenario_load(struct scenario **ret, const struct registry *registry, const char *folder,
                  const char *name, const struct scenario_override *overrides, size_t n_overrides,
                  struct error *error) {
    struct loader loader = {.registry = registry,
                            .folder = folder,
                            .scenario = memory_new(1, sizeof(struct scenario)),
                            .error = error};
    int r = load(&loader, name, overrides, n_overrides);

    if (r == 0) {
        *ret = loader.scenario;
        loader.scenario = NULL;
    }
    loader_clear(&loader);
    return r == -ENOENT ? -EINVAL : r;
}
