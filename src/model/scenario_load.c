/* Reading a scenario: all sources become one list of assignments, which are then applied in order,
 * each knowing its place for messages. A channel is built when all of them are known: from the one
 * it inherits, from nothing when it says what it uses, else from its file, which may inherit as
 * well; then come its own keys in the order in which they were given. */
#include "model/scenario_load.h"

#include "base/file.h"
#include "base/inifile.h"
#include "base/suggestion.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <string.h>
#include <unistd.h>

#define SCENARIO_SCOPES (1u << SETTING_SCENARIO | 1u << SETTING_PROBE)
#define MAX_INHERITS    8

/* ---- assignments ---- */

/* Takes place and path, copies value. */
static void assignments_add(struct assignments *assignments, char *place, char *path,
                            const char *value, bool of_run) {
    assignments->list =
        memory_room(assignments->list, assignments->count, sizeof(*assignments->list));
    assignments->list[assignments->count++] =
        (struct assignment){place, path, text_copy(value), of_run};
}

/* The path of an entry is "section.key", but in the section `bare`, if there is one, "key". */
static void assignments_add_file(struct assignments *assignments, const struct inifile *file,
                                 const char *bare, bool of_run) {
    for (size_t i = 0; i < file->n_entries; i++) {
        const struct inifile_entry *entry = &file->entries[i];

        assignments_add(
            assignments,
            text_format("%s:%d: [%s] %s", file->path, entry->line, entry->section, entry->key),
            text_equal(entry->section, bare) ? text_copy(entry->key)
                                             : text_format("%s.%s", entry->section, entry->key),
            entry->value, of_run);
    }
}

static void assignments_clear(struct assignments *assignments) {
    for (size_t i = 0; i < assignments->count; i++) {
        free(assignments->list[i].place);
        free(assignments->list[i].path);
        free(assignments->list[i].value);
    }
    free(assignments->list);
    *assignments = (struct assignments){NULL, 0};
}

const struct assignment *assignments_find(const struct assignments *assignments, const char *path) {
    for (size_t i = assignments->count; i-- > 0;)
        if (text_equal(assignments->list[i].path, path))
            return &assignments->list[i];
    return NULL;
}

bool is_of_command_line(const struct assignment *assignment) {
    return strncmp(assignment->place, "--", 2) == 0;
}

bool is_left_out(const struct loader *loader, const struct assignment *said, const char *path,
                 const char *name) {
    const struct assignment *last = assignments_find(&loader->given, path);

    if (!last || !is_of_command_line(last) || is_of_command_line(said) ||
        text_has_word(last->value, name))
        return false;
    for (size_t i = 0; i < loader->given.count; i++)
        if (text_equal(loader->given.list[i].path, path) &&
            text_has_word(loader->given.list[i].value, name))
            return true;
    return false;
}

/* Puts the place where a key of the whole scenario was set in front of the message; returns code.
 */
static int blame_setting(struct loader *loader, const char *path, int code) {
    const struct assignment *assignment = assignments_find(&loader->given, path);

    return error_prefix(loader->error, code, "%s", assignment ? assignment->place : path);
}

/* ---- names and files ---- */

/* "paper" before "paper-order", though '-' comes before the '.' of ".ini". */
static int by_stem(const struct dirent **a, const struct dirent **b) {
    size_t length_a = strcspn((*a)->d_name, "."), length_b = strcspn((*b)->d_name, ".");
    int order = strncmp((*a)->d_name, (*b)->d_name, length_a < length_b ? length_a : length_b);

    return order ? order : (length_a > length_b) - (length_a < length_b);
}

static bool ends_in_ini(const char *name) {
    size_t length = strlen(name);

    return length > 4 && strcmp(name + length - 4, ".ini") == 0;
}

static int is_listed(const struct dirent *entry) {
    return ends_in_ini(entry->d_name) && strcmp(entry->d_name, "hosts.ini") != 0;
}

/* But for those that hide behind one of the same name in another folder, if there is one. */
static void each_file_in(const char *folder, const char *before, scenario_file_visitor *each,
                         void *context) {
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_listed, by_stem);

    for (int i = 0; i < count; i++) {
        CLEANUP_FREE char *path = text_format("%s/%s", folder, entries[i]->d_name);
        CLEANUP_FREE char *other = before ? text_format("%s/%s", before, entries[i]->d_name) : NULL;

        entries[i]->d_name[strlen(entries[i]->d_name) - 4] = '\0';
        if (!other || access(other, F_OK) < 0)
            each(context, entries[i]->d_name, path);
        free(entries[i]);
    }
    free(entries);
}

void scenario_each_file(const struct registry *registry, const char *folder, const char *subfolder,
                        scenario_file_visitor *each, void *context) {
    CLEANUP_FREE char *own = text_format("%s/%s", folder, subfolder);

    each_file_in(own, NULL, each, context);
    if (registry->shared_scenarios) {
        CLEANUP_FREE char *shared = text_format("%s/%s", registry->shared_scenarios, subfolder);

        each_file_in(shared, own, each, context);
    }
}

static void append_name(void *context, const char *name, const char *path) {
    (void)path;
    text_append(context, ", ", name);
}

/* "a, b, c": what scenario_each_file() names; the caller's. */
static char *names_in(const struct loader *loader, const char *subfolder) {
    char *names = text_copy("");

    scenario_each_file(loader->registry, loader->folder, subfolder, append_name, &names);
    return names;
}

/* Whether a folder, as it is called here, is the user's own or came with the program. */
static bool is_own(const struct loader *loader, const char *folder) {
    return text_equal(folder, loader->folder) ||
           text_equal(folder, loader->registry->shared_scenarios);
}

/* Of a scenario of this name, whether there is one or not; the caller's. */
static char *path_of(const struct loader *loader, const char *name) {
    const char *shared = loader->registry->shared_scenarios;
    char *path = text_format("%s/%s.ini", loader->folder, name);

    if (access(path, F_OK) < 0 && shared) {
        free(path);
        path = text_format("%s/%s.ini", shared, name);
    }
    return path;
}

int check_name(const char *name, struct error *error) {
    if (!*name || strlen(name) > 40) /* "channel.NAME" is a section of at most 48 bytes */
        return error_set(error, -EINVAL, "'%s' is no name: 1 to 40 bytes make one", name);
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-_", *c))
            return error_set(error, -EINVAL,
                             "'%s' is no name: letters, digits, '-' and '_' make one", name);
    return 0;
}

int unknown_probe(struct loader *loader, const char *place, const char *path) {
    CLEANUP_FREE char *known = registry_names(loader->registry, SETTING_PROBE, "probe.");
    CLEANUP_FREE char *name = strndup(path, strcspn(path, "."));
    CLEANUP_FREE char *meant = suggestion(name, known);

    return error_set(loader->error, -EINVAL, "%s: unknown probe%s; known are %s", place, meant,
                     known);
}

static bool is_path(const char *name) {
    return strchr(name, '/') || ends_in_ini(name);
}

/* ---- whose scenario it is ---- */

static bool holds_run(const char *folder) {
    static const char *const files[] = {"environment.json", "definitions.csv", "factors.csv",
                                        "trials.csv",       "metrics.csv",     "blocks.csv",
                                        "findings.csv",     "summary.csv"};

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        CLEANUP_FREE char *path = text_format("%s/%s", folder, files[i]);

        if (access(path, F_OK) == 0)
            return true;
    }
    return false;
}

/* As scenario_write() begins. */
static bool begins_as_run(const char *path) {
    CLEANUP(fclosep) FILE *file = fopen(path, "re");
    char line[16];

    return file && fgets(line, sizeof(line), file) &&
           strncmp(line + file_mark_bytes(line), "# format:", 9) == 0;
}

/* Whether somebody else may have written the file. In scenarios/ the user has put it. */
static bool is_of_run(const struct loader *loader, const char *path) {
    const char *shared_folder = loader->registry->shared_scenarios;
    CLEANUP_FREE char *named = text_copy(path), *real = realpath(path, NULL);
    CLEANUP_FREE char *own = loader->folder ? realpath(loader->folder, NULL) : NULL;
    CLEANUP_FREE char *shared = shared_folder ? realpath(shared_folder, NULL) : NULL;
    const char *real_folder = real ? dirname(real) : NULL, *slash = strrchr(path, '/');

    if (!loader->folder || !(own || shared) || !real_folder || holds_run(dirname(named)) ||
        holds_run(real_folder))
        return true;
    return !text_equal(real_folder, own) && !text_equal(real_folder, shared) &&
           (begins_as_run(path) || text_equal(slash ? slash + 1 : path, "scenario.ini"));
}

/* " (did you mean quick?)" for a "quick.ini" that is not there; the caller's. */
static char *named_by(const struct loader *loader, const char *path) {
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    CLEANUP_FREE char *stem = strndup(base, strlen(base) - (ends_in_ini(base) ? 4 : 0));
    CLEANUP_FREE char *there = NULL, *known = NULL;

    if (!loader->folder)
        return text_copy("");
    there = path_of(loader, stem);
    if (access(there, F_OK) == 0)
        return text_format(" (did you mean %s?)", stem);
    known = names_in(loader, ".");
    return suggestion(stem, known);
}

static int read_scenario_file(struct loader *loader, const char *name) {
    CLEANUP_FREE char *path = is_path(name) ? text_copy(name) : path_of(loader, name);
    CLEANUP(inifile_freep) struct inifile *file = NULL;
    CLEANUP_FREE char *copy = text_copy(path);
    int r;

    if (!is_path(name) && access(path, F_OK) < 0) {
        CLEANUP_FREE char *known = names_in(loader, "."), *meant = suggestion(name, known);

        return error_set(loader->error, -ENOENT, "unknown scenario '%s'%s; known are %s", name,
                         meant, known);
    }
    r = inifile_read(&file, path, loader->error);
    if (r == -ENOENT) {
        CLEANUP_FREE char *words = text_copy(loader->error->text), *meant = named_by(loader, path);

        return error_set(loader->error, r, "%s%s", words, meant);
    }
    if (r < 0)
        return r;
    if (!file->n_entries)
        return error_set(loader->error, -EINVAL, "%s: empty: no scenario in it", path);
    loader->beside = text_copy(dirname(copy));
    loader->of_run = is_of_run(loader, path);
    assignments_add_file(&loader->given, file, NULL, loader->of_run);
    return 0;
}

static int read_hosts_file(struct loader *loader) {
    CLEANUP_FREE char *path = loader->folder ? text_format("%s/hosts.ini", loader->folder) : NULL;
    CLEANUP(inifile_freep) struct inifile *file = NULL;
    int r;

    if (!path || access(path, F_OK) < 0)
        return 0;
    r = inifile_read(&file, path, loader->error);
    if (r < 0)
        return r;
    for (size_t i = 0; i < file->n_entries; i++)
        if (!text_equal(file->entries[i].section, "hosts"))
            return error_set(loader->error, -EINVAL, "%s:%d: [%s]: only [hosts] belongs here", path,
                             file->entries[i].line, file->entries[i].section);
    assignments_add_file(&loader->given, file, NULL, false);
    return 0;
}

/* The NAME of "channel.NAME.key", the caller's; NULL when path is nothing of the kind. */
static char *channel_of(const char *path) {
    size_t start = strlen("channel."), length;

    if (strncmp(path, "channel.", start) != 0)
        return NULL;
    length = strcspn(path + start, ".");
    return length && path[start + length] ? strndup(path + start, length) : NULL;
}

/* Those of files and those that the scenario defines itself; the caller's. */
static char *known_channels(const struct loader *loader) {
    char *known = loader->folder ? names_in(loader, "channels") : text_copy("");

    for (size_t i = 0; i < loader->given.count; i++) {
        CLEANUP_FREE char *name = channel_of(loader->given.list[i].path);
        CLEANUP_FREE char *use = name ? text_format("channel.%s.use", name) : NULL;
        CLEANUP_FREE char *inherits = name ? text_format("channel.%s.inherits", name) : NULL;

        if (name && text_equal(loader->given.list[i].path,
                               assignments_find(&loader->given, use) ? use : inherits))
            text_append(&known, ", ", name);
    }
    return known;
}

/* -ENOENT. What a section or --set says of a channel that there is not lacks what makes it one. */
static int unknown_channel(struct loader *loader, const char *name) {
    CLEANUP_FREE char *known = known_channels(loader), *meant = suggestion(name, known);

    for (size_t i = 0; i < loader->given.count; i++) {
        CLEANUP_FREE char *defined = channel_of(loader->given.list[i].path);

        if (text_equal(defined, name))
            return error_set(loader->error, -ENOENT,
                             "unknown channel '%s'%s: a [channel.%s] of its own needs `use = "
                             "MECHANISM...` or `inherits = CHANNEL`; known channels are %s",
                             name, meant, name, known);
    }
    return error_set(
        loader->error, -ENOENT,
        "unknown channel '%s'%s; known are %s, or define it in [channel.%s] with `use = "
        "MECHANISM...` or `inherits = CHANNEL`",
        name, meant, known, name);
}

/* The keys of channels/NAME.ini. -ENOENT: no such file, and the message says what there is. */
static int read_channel_file(struct loader *loader, const char *name, struct assignments *ret) {
    const char *const folders[] = {loader->beside, loader->folder,
                                   loader->registry->shared_scenarios};

    if (!loader->folder)
        return unknown_channel(loader, name);
    for (size_t i = 0; i < ARRAY_SIZE(folders) && folders[i]; i++) {
        CLEANUP_FREE char *path = text_format("%s/channels/%s.ini", folders[i], name);
        CLEANUP(inifile_freep) struct inifile *file = NULL;

        if (access(path, F_OK) < 0)
            continue;
        if (inifile_read(&file, path, loader->error) < 0)
            return -EINVAL;
        assignments_add_file(ret, file, "channel", loader->of_run && !is_own(loader, folders[i]));
        return 0;
    }
    return unknown_channel(loader, name);
}

/* ---- what it has executed, read and connected to ---- */

static void note_effect(struct loader *loader, const struct setting *row, char *path,
                        const char *value, const struct assignment *assignment) {
    struct scenario *scenario = loader->scenario;
    struct scenario_effect *effect;

    scenario->effects =
        memory_room(scenario->effects, scenario->n_effects, sizeof(*scenario->effects));
    effect = &scenario->effects[scenario->n_effects++];
    *effect = (struct scenario_effect){row->effect, path, text_copy(value),
                                       text_copy(assignment->place), false};
    effect->refused = assignment->of_run && scenario_effect_is_asked(effect);
}

/* Of the last assignment to each setting: none else counts. prefix: what their paths lack, that
 * --set has. A setting that is varied has the values of [vary]. */
static void note_effects(struct loader *loader, const struct assignments *from, unsigned scopes,
                         const char *prefix) {
    for (size_t i = 0; i < from->count; i++) {
        const struct assignment *one = &from->list[i];
        CLEANUP_FREE char *varied = text_format("vary.%s%s", prefix, one->path);
        const struct setting_group *group;
        const struct setting *row = registry_find(loader->registry, scopes, one->path, &group);

        if (row && assignments_find(from, one->path) == one &&
            !assignments_find(&loader->given, varied) && setting_effect(row, one->value))
            note_effect(loader, row, text_format("%s%s", prefix, one->path), one->value, one);
    }
}

static int note_varied_effects(struct loader *loader) {
    for (size_t i = 0; i < loader->scenario->n_factors; i++) {
        const struct factor *factor = &loader->scenario->factors[i];
        CLEANUP_FREE char *path = text_format("vary.%s", factor->path);
        CLEANUP_FREE char *values = text_copy("");
        bool any = false;

        for (size_t k = 0; k < factor->n_values; k++) {
            text_append(&values, " ", factor->values[k]);
            any |= setting_effect(factor->row, factor->values[k]) != SETTING_NO_EFFECT;
        }
        if (any)
            note_effect(loader, factor->row, text_copy(path), values,
                        assignments_find(&loader->given, path));
    }
    return 0;
}

/* ---- channels ---- */

int check_in_use(struct loader *loader, const struct channel *channel, const char *place,
                 const char *key) {
    const char *dot = strchr(key, '.');
    CLEANUP_FREE char *mechanism = dot ? strndup(key, (size_t)(dot - key)) : NULL;

    if (mechanism && !channel_uses(channel, mechanism))
        return error_set(loader->error, -EINVAL, "%s: the channel does not use %s (use = %s)",
                         place, mechanism, channel_own(channel)->use);
    return 0;
}

/* What an option or --set leaves empty has, without it, the value that files say, or its default.
 */
static int refuse_empty(struct loader *loader, const struct assignment *empty,
                        const struct setting *row, const char *otherwise) {
    return error_set(loader->error, -EINVAL, "%s: has no value; leave it out for %s", empty->place,
                     otherwise ? otherwise : row->fallback);
}

/* Whether the command line sets it to nothing, which it cannot be. */
static bool is_emptied(const struct assignment *assignment, const struct setting *row) {
    return row && !*assignment->value && *row->fallback && is_of_command_line(assignment);
}

/* What the last assignment to a path says that stands before this one; NULL: there is none. */
static const char *said_before(const struct assignments *list, const char *path,
                               const struct assignment *one) {
    const char *value = NULL;

    for (size_t i = 0; i < list->count && &list->list[i] != one; i++)
        if (text_equal(list->list[i].path, path) && *list->list[i].value)
            value = list->list[i].value;
    return value;
}

/* Sets the keys whose paths start with prefix, and remembers where each was set. What is used is
 * known behind the last. */
static int set_keys(struct loader *loader, struct channel *channel, const struct assignments *from,
                    const char *prefix) {
    size_t first = loader->origins.count;
    const struct setting_group *group;
    const struct setting *row;
    int r;

    for (size_t i = 0; i < from->count; i++) {
        const struct assignment *one = &from->list[i];
        const char *key = one->path + strlen(prefix);

        if (strncmp(one->path, prefix, strlen(prefix)) != 0 || strcmp(key, "inherits") == 0)
            continue;
        row = channel_setting(channel, key, &group, loader->error);
        if (is_emptied(one, row))
            return refuse_empty(loader, one, row, said_before(&loader->origins, key, NULL));
        r = channel_assign(channel, key, one->value, loader->error);
        if (r < 0)
            return error_prefix(loader->error, r, "%s", one->place);
        assignments_add(&loader->origins, text_copy(one->place), text_copy(key), one->value,
                        one->of_run);
    }
    for (size_t i = first; i < loader->origins.count; i++) {
        const struct assignment *origin = &loader->origins.list[i];

        r = check_in_use(loader, channel, origin->place, origin->path);
        if (r < 0)
            return r;
    }
    return 0;
}

/* What a check complains of starts with a key: in its stead comes the place where it was set. */
static int blame_key(struct loader *loader, const char *channel, int code) {
    struct error what = *loader->error;
    size_t length = strcspn(what.text, ":");
    CLEANUP_FREE char *key = strndup(what.text, length);
    const struct assignment *origin = assignments_find(&loader->origins, key);

    return origin ? error_set(loader->error, code, "%s%s", origin->place, what.text + length)
                  : error_prefix(loader->error, code, "channel %s", channel);
}

static int build_channel(struct loader *loader, const char *name, int depth, struct channel *ret);

/* Starts a channel from the one that it inherits. */
static int inherit(struct loader *loader, const char *name, const struct assignment *inherits,
                   int depth, struct channel *ret) {
    struct channel parent;
    int r;

    if (depth >= MAX_INHERITS)
        return error_set(loader->error, -EINVAL, "%s: inherits itself, or too deep a chain",
                         inherits->place);
    r = build_channel(loader, inherits->value, depth + 1, &parent);
    if (r == -ENOENT)
        return error_prefix(loader->error, -EINVAL, "%s", inherits->place);
    if (r < 0)
        return r;
    channel_copy(ret, name, &parent);
    channel_clear(&parent);
    return 0;
}

/* -ENOENT: there is no channel of this name; the caller knows where it was named. */
static int build_channel(struct loader *loader, const char *name, int depth, struct channel *ret) {
    CLEANUP(assignments_clear) struct assignments of_file = {NULL, 0};
    CLEANUP_FREE char *prefix = text_format("channel.%s.", name);
    CLEANUP_FREE char *inherits_path = text_format("%sinherits", prefix);
    CLEANUP_FREE char *use_path = text_format("%suse", prefix);
    const struct assignment *inherits = assignments_find(&loader->given, inherits_path);
    int r = 0;

    if (depth == 0)
        assignments_clear(&loader->origins);
    if (check_name(name, loader->error) < 0)
        return -ENOENT;
    if (!inherits && !assignments_find(&loader->given, use_path)) {
        r = read_channel_file(loader, name, &of_file);
        if (r < 0)
            return r;
        inherits = assignments_find(&of_file, "inherits");
    }
    if (inherits)
        r = inherit(loader, name, inherits, depth, ret);
    else
        channel_init(ret, name, loader->registry);
    if (r < 0)
        return r;
    r = set_keys(loader, ret, &of_file, "");
    if (r == 0)
        r = set_keys(loader, ret, &loader->given, prefix);
    if (r == 0) {
        r = channel_check(ret, loader->error);
        r = r < 0 ? blame_key(loader, name, r) : 0;
    }
    if (r < 0)
        channel_clear(ret);
    return r;
}

/* Puts the place where a key of a channel of the scenario was set in front of the message; returns
 * code. */
static int blame_channel_key(struct loader *loader, const char *channel, const char *key,
                             int code) {
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

/* Builds the channels that the scenario names. Every other [channel.NAME] is built as well, and so
 * checked. */
static int build_channels(struct loader *loader) {
    struct scenario *scenario = loader->scenario;
    const char *cursor = scenario_own(scenario)->channels, *word;
    size_t length;
    int r;

    for (size_t i = 0; i < loader->given.count; i++) {
        CLEANUP_FREE char *name = channel_of(loader->given.list[i].path);
        struct channel channel;

        if (!name)
            continue;
        r = build_channel(loader, name, 0, &channel);
        if (r == -ENOENT)
            return error_prefix(loader->error, -EINVAL, "%s", loader->given.list[i].place);
        if (r < 0)
            return r;
        channel_clear(&channel);
    }
    while ((word = text_next_word(&cursor, &length))) {
        CLEANUP_FREE char *name = strndup(word, length);
        CLEANUP_FREE char *prefix = text_format("channel.%s.", name);

        scenario->channels =
            memory_room(scenario->channels, scenario->n_channels, sizeof(*scenario->channels));
        r = build_channel(loader, name, 0, &scenario->channels[scenario->n_channels]);
        if (r == -ENOENT)
            return blame_setting(loader, "scenario.channels", -EINVAL);
        if (r < 0)
            return r;
        scenario->n_channels++;
        note_effects(loader, &loader->origins, 1u << SETTING_CHANNEL, prefix);
    }
    if (scenario->n_channels)
        return 0;
    return blame_setting(loader, "scenario.channels",
                         error_set(loader->error, -EINVAL, "none is named"));
}

/* ---- applying ---- */

/* Where a setting belongs whose path lacks its start, in words: that of a mechanism or of a probe,
 * or a key alone. NULL: nowhere. The caller's. */
static char *belonging(const struct loader *loader, const struct assignment *assignment) {
    const char *path = assignment->path, *dot = strchr(path, '.'), *key = dot ? dot + 1 : path;
    CLEANUP_FREE char *name = strndup(path, (size_t)(dot ? dot - path : 0));
    CLEANUP_FREE char *probe = text_format("probe.%s", name);
    bool option = is_of_command_line(assignment);
    const struct registry *registry = loader->registry;
    CLEANUP_FREE char *places = text_copy("");

    if (text_equal(name, "channel"))
        return text_format(option ? "channel.NAME.%s, of the channel NAME" : "[channel.NAME] %s",
                           key);
    if (registry_group(registry, SETTING_CHANNEL, name))
        return text_format(option ? "channel.NAME.%s, of the channel NAME" : "[channel.NAME] %s",
                           path);
    if (registry_group(registry, SETTING_PROBE, probe))
        return option ? text_format("%s.%s", probe, key) : text_format("[%s] %s", probe, key);
    for (size_t i = 0; !dot && i < registry->n_groups; i++) {
        const struct setting_group *group = registry->groups[i];
        CLEANUP_FREE char *place = text_format("%s.%s", group->name, key);

        if (SCENARIO_SCOPES & 1u << group->scope && setting_find(group, key))
            text_append(&places, ", ", place);
    }
    return *places ? text_copy(places) : NULL;
}

/* Neither a section of settings nor one that is read otherwise; or, of a group, no such key. */
static int unknown_setting(struct loader *loader, const struct assignment *assignment,
                           const struct setting_group *group) {
    CLEANUP_FREE char *wrong = NULL;

    if (group) {
        wrong = setting_unknown(group, assignment->path + strlen(group->name) + 1);
    } else if ((wrong = belonging(loader, assignment))) {
        return error_set(loader->error, -EINVAL, "%s: unknown section; right would be %s",
                         assignment->place, wrong);
    } else {
        CLEANUP_FREE char *known = registry_names(loader->registry, SETTING_SCENARIO, "");
        CLEANUP_FREE char *name = strndup(assignment->path, strcspn(assignment->path, "."));
        CLEANUP_FREE char *meant = NULL;

        text_append(&known, " ", "probe channel vary reference");
        meant = suggestion(name, known);
        wrong = text_format("unknown section%s; `bench list settings` shows all", meant);
    }
    return error_set(loader->error, -EINVAL, "%s: %s", assignment->place, wrong);
}

static int apply_scenario(struct loader *loader, const struct assignment *assignment) {
    CLEANUP_FREE char *channel = channel_of(assignment->path);
    const struct setting_group *group;
    const struct setting *row;
    int r;

    if (channel || strncmp(assignment->path, "vary.", 5) == 0)
        return 0; /* their turn comes */
    if (strncmp(assignment->path, "reference.", 10) == 0)
        return take_reference(loader, assignment);
    row = registry_find(loader->registry, SCENARIO_SCOPES, assignment->path, &group);
    if (!group && strncmp(assignment->path, "probe.", 6) == 0)
        return unknown_probe(loader, assignment->place, assignment->path + 6);
    if (!row)
        return unknown_setting(loader, assignment, group);
    if (is_emptied(assignment, row))
        return refuse_empty(loader, assignment, row,
                            said_before(&loader->given, assignment->path, assignment));
    r = setting_assign(row, settings_edit(&loader->scenario->settings, group), assignment->value,
                       loader->error);
    return r < 0 ? error_prefix(loader->error, r, "%s", assignment->place) : 0;
}

static int build_probes(struct loader *loader) {
    struct scenario *scenario = loader->scenario;
    const char *cursor = scenario_own(scenario)->probes, *word;
    size_t length;

    while ((word = text_next_word(&cursor, &length))) {
        CLEANUP_FREE char *name = text_format("probe.%.*s", (int)length, word);

        if (!registry_group(loader->registry, SETTING_PROBE, name)) {
            CLEANUP_FREE char *known = registry_names(loader->registry, SETTING_PROBE, "probe.");
            CLEANUP_FREE char *meant = suggestion(name + strlen("probe."), known);

            return blame_setting(loader, "scenario.probes",
                                 error_set(loader->error, -EINVAL,
                                           "unknown probe '%.*s'%s; known are %s", (int)length,
                                           word, meant, known));
        }
        scenario->probes =
            memory_room(scenario->probes, scenario->n_probes, sizeof(*scenario->probes));
        scenario->probes[scenario->n_probes++] = strndup(word, length);
    }
    if (scenario->n_probes)
        return 0;
    return blame_setting(loader, "scenario.probes",
                         error_set(loader->error, -EINVAL, "none is named"));
}

/* ---- what is compared: a baseline, controls that are one, and enough blocks of them ---- */

/* The file's baseline, when the command line has left that channel out. */
static bool is_outdated_baseline(const struct loader *loader, const struct scenario_settings *own) {
    const struct assignment *channels = assignments_find(&loader->given, "scenario.channels");
    const struct assignment *baseline = assignments_find(&loader->given, "scenario.baseline");

    return channels && baseline && is_of_command_line(channels) && !is_of_command_line(baseline) &&
           !text_has_word(own->channels, own->baseline);
}

/* The first that is no control; the first where all are. */
static const char *first_subject(const struct scenario *scenario) {
    for (size_t i = 0; i < scenario->n_channels; i++)
        if (channel_own(&scenario->channels[i])->control == CONTROL_NONE)
            return scenario->channels[i].name;
    return scenario->channels[0].name;
}

/* A control is the baseline once more, but not the baseline itself. */
static int check_controls(struct loader *loader, const char *left_out) {
    const struct scenario *scenario = loader->scenario;
    const struct channel *baseline = scenario_channel(scenario, scenario_own(scenario)->baseline);
    /* What the user may rather have meant. */
    CLEANUP_FREE char *remedy = left_out ? text_format("add %s to the channels", left_out)
                                         : text_copy("let it inherit the baseline, unchanged");

    for (size_t i = 0; i < scenario->n_channels; i++) {
        const struct channel *channel = &scenario->channels[i];
        CLEANUP_FREE char *difference = channel_difference(channel, baseline);

        if (channel_own(channel)->control == CONTROL_NONE)
            continue;
        if (channel == baseline)
            (void)error_set(loader->error, -EINVAL,
                            "a control cannot be the baseline itself; %s, or leave %s out", remedy,
                            channel->name);
        else if (difference)
            (void)error_set(loader->error, -EINVAL,
                            "a control is the baseline once more, but %s differs from %s in %s; "
                            "%s, or leave %s out",
                            channel->name, baseline->name, difference, remedy, channel->name);
        else
            continue;
        return blame_channel_key(loader, channel->name, "control", -EINVAL);
    }
    return 0;
}

/* `until` looks at the comparison with the baseline after each block. */
static int check_until(struct loader *loader) {
    const struct scenario_settings *own = scenario_own(loader->scenario);
    const struct repetitions repetitions = scenario_repetitions(loader->scenario);
    const char *path = "scenario.repetitions";

    if (!repetitions.precision)
        return 0;
    if (own->order != ORDER_SHUFFLED)
        (void)error_set(loader->error, -EINVAL,
                        "'%s' needs order = shuffled, where block after block is complete; leave "
                        "order out, or give a number",
                        own->repetitions);
    else if (loader->scenario->n_channels < 2)
        (void)error_set(loader->error, -EINVAL,
                        "'%s' needs a channel to compare with the baseline, %s; add one, or give "
                        "a number",
                        own->repetitions, own->baseline);
    else if (repetitions.smallest > repetitions.largest) {
        path = assignments_find(&loader->given, "scenario.repetitions_min")
                   ? "scenario.repetitions_min"
                   : "scenario.repetitions_max";
        (void)error_set(loader->error, -EINVAL,
                        "at least %lld blocks (repetitions_min) are more than at most %lld "
                        "(repetitions_max)",
                        (long long)repetitions.smallest, (long long)repetitions.largest);
    } else
        return 0;
    return blame_setting(loader, path, -EINVAL);
}

static int check_design(struct loader *loader) {
    struct scenario_settings *own = settings_edit(&loader->scenario->settings, &scenario_group);
    CLEANUP_FREE char *left_out =
        is_outdated_baseline(loader, own) ? text_copy(own->baseline) : NULL;
    int r;

    if (!*own->baseline || left_out)
        text_replace(&own->baseline, first_subject(loader->scenario));
    if (!text_has_word(own->channels, own->baseline)) {
        CLEANUP_FREE char *meant = suggestion(own->baseline, own->channels);

        return blame_setting(
            loader, "scenario.baseline",
            error_set(loader->error, -EINVAL,
                      "'%s' is none of the channels (%s)%s; name one of them, or leave it out",
                      own->baseline, own->channels, meant));
    }
    r = check_controls(loader, left_out);
    return r < 0 ? r : check_until(loader);
}

/* Last: what a setting is that was left out may depend on one that is inherited or varied. */
static int settle_channels(struct loader *loader) {
    void (*settle)(struct channel * channel) = loader->registry->settle_channel;

    for (size_t i = 0; settle && i < loader->scenario->n_channels; i++)
        settle(&loader->scenario->channels[i]);
    return 0;
}

/* ---- all of it ---- */

/* A scenario that gives itself no name has its file's. */
static int name_scenario(struct loader *loader, const char *name) {
    struct scenario_settings *own = settings_edit(&loader->scenario->settings, &scenario_group);
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
    size_t length = strlen(base);
    int r;

    if (*own->name) {
        r = check_name(own->name, loader->error);
        return r < 0 ? blame_setting(loader, "scenario.name", r) : 0;
    }
    free(own->name);
    own->name = strndup(base, ends_in_ini(base) ? length - 4 : length);
    if (!*own->name)
        text_replace(&own->name, "scenario");
    r = check_name(own->name, loader->error);
    return r < 0 ? error_prefix(loader->error, r, "%s", name) : 0;
}

/* ---- hosts ---- */

/* Of its place, what names the file or the command line: all but the line and the key. */
static size_t source_length(const struct assignment *assignment) {
    const char *section = strstr(assignment->place, ": [hosts] ");
    size_t length = section ? (size_t)(section - assignment->place) : 2;

    while (section && length && assignment->place[length - 1] != ':')
        length--;
    return length;
}

static void drop(struct assignments *assignments, const char *path) {
    size_t kept = 0;

    for (size_t i = 0; i < assignments->count; i++) {
        struct assignment *one = &assignments->list[i];

        if (!text_equal(one->path, path)) {
            assignments->list[kept++] = *one;
            continue;
        }
        free(one->place);
        free(one->path);
        free(one->value);
    }
    assignments->count = kept;
}

/* One publisher's host or several: where two sources say it, the later counts; in one, as in a
 * resolved scenario, beside several the one is what it is by default. */
static int choose_publishers(struct loader *loader) {
    const struct assignment *one = assignments_find(&loader->given, "hosts.publisher");
    const struct assignment *several = assignments_find(&loader->given, "hosts.publishers");
    size_t length;

    if (!one || !several || !*several->value)
        return 0;
    length = source_length(one);
    if (length != source_length(several) || strncmp(one->place, several->place, length) != 0) {
        drop(&loader->given, one > several ? "hosts.publishers" : "hosts.publisher");
        return 0;
    }
    if (!text_equal(one->value, setting_find(&hosts_group, "publisher")->fallback))
        return error_set(loader->error, -EINVAL,
                         "%s: '%s' stands beside hosts.publishers; name every publisher's host "
                         "there, and leave this out",
                         one->place, one->value);
    drop(&loader->given, "hosts.publisher");
    return 0;
}

/* What the settings come to: the specification of each. */
static int list_publishers(struct loader *loader, const struct hosts_settings *hosts) {
    bool (*begins)(const char *word) = loader->registry->begins_host;
    struct hostlist *list = &loader->scenario->publishers;
    int r;

    if (!*hosts->publishers || (!*hosts->launcher && !begins)) {
        *list = (struct hostlist){memory_new(1, sizeof(*list->names)), 1};
        list->names[0] = text_copy(hosts->publisher);
        return 0;
    }
    r = *hosts->launcher ? hostlist_expand(hosts->publishers, list, loader->error)
                         : hostlist_split(hosts->publishers, begins, list, loader->error);
    if (r == 0 && *hosts->launcher)
        hostlist_launch(list, hosts->launcher);
    return r;
}

/* What stands for a name is replaced in hosts.launcher alone. */
static int refuse_template(const char *spec, struct error *error) {
    if (!strstr(spec, "%h"))
        return 0;
    return error_set(error, -EINVAL,
                     "'%s' has a %%h, which is a host's name in hosts.launcher only; say it there, "
                     "and the names in hosts.publishers",
                     spec);
}

/* Each of several has a part of its own. */
static int check_publishers(struct loader *loader, const struct hosts_settings *hosts) {
    int (*check)(const char *spec, struct error *error) = loader->registry->check_host;
    const struct hostlist *list = &loader->scenario->publishers;
    int r = 0;

    for (size_t i = 0; i < list->n && r == 0; i++) {
        r = check ? check(list->names[i], loader->error) : 0;
        if (r == 0)
            r = refuse_template(list->names[i], loader->error);
        if (r == 0 && list->n > 1 && text_equal(list->names[i], hosts->broker))
            r = error_set(loader->error, -EINVAL,
                          "'%s' is the broker's host; only one publisher's host alone can be that",
                          hosts->broker);
    }
    return r;
}

static int check_hosts(struct loader *loader) {
    const struct hosts_settings *hosts = settings_get(&loader->scenario->settings, &hosts_group);
    int (*check)(const char *spec, struct error *error) = loader->registry->check_host;
    bool launched = *hosts->publishers && *hosts->launcher;
    int r;

    if ((check && check(hosts->broker, loader->error) < 0) ||
        refuse_template(hosts->broker, loader->error) < 0)
        return blame_setting(loader, "hosts.broker", -EINVAL);
    if (*hosts->launcher && !assignments_find(&loader->given, "hosts.publisher") && !launched)
        return blame_setting(loader, "hosts.launcher",
                             error_set(loader->error, -EINVAL,
                                       "starts the hosts that hosts.publishers names, and it names "
                                       "none; --set hosts.publishers='node[1-8]'"));
    r = list_publishers(loader, hosts);
    if (r < 0)
        return blame_setting(loader, "hosts.publishers", r);
    r = check_publishers(loader, hosts);
    if (r < 0 && *hosts->launcher && !launched)
        return blame_setting(loader, "hosts.publisher",
                             error_set(loader->error, r,
                                       "'%s' is no host; names for hosts.launcher belong into "
                                       "hosts.publishers",
                                       hosts->publisher));
    if (r < 0)
        return blame_setting(loader,
                             launched             ? "hosts.launcher"
                             : *hosts->publishers ? "hosts.publishers"
                                                  : "hosts.publisher",
                             r);
    return 0;
}

static int load(struct loader *loader, const char *name, const struct scenario_override *overrides,
                size_t n_overrides) {
    static int (*const steps[])(struct loader * loader) = {
        check_hosts,    build_channels,  check_design,       build_probes,
        build_variants, settle_channels, note_varied_effects};
    int r = read_hosts_file(loader);

    if (r < 0)
        return r;
    /* Second: a scenario that names hosts means these, as that of the lab does. */
    r = read_scenario_file(loader, name);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n_overrides; i++) {
        const char *origin = overrides[i].origin, *path = overrides[i].path;

        /* An option of its own says enough. */
        assignments_add(&loader->given,
                        text_equal(origin, "--set") ? text_format("--set %s", path)
                                                    : text_copy(origin),
                        text_copy(path), overrides[i].value, false);
    }
    r = choose_publishers(loader);
    if (r < 0)
        return r;
    settings_init(&loader->scenario->settings, loader->registry, SCENARIO_SCOPES);
    for (size_t i = 0; i < loader->given.count; i++) {
        r = apply_scenario(loader, &loader->given.list[i]);
        if (r < 0)
            return r;
    }
    note_effects(loader, &loader->given, SCENARIO_SCOPES, "");
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        r = steps[i](loader);
        if (r < 0)
            return r;
    }
    return name_scenario(loader, name);
}

int scenario_load(struct scenario **ret, const struct registry *registry, const char *folder,
                  const char *name, const struct scenario_override *overrides, size_t n_overrides,
                  struct error *error) {
    struct error unwanted;
    struct loader loader = {.registry = registry,
                            .folder = folder,
                            .scenario = memory_new(1, sizeof(struct scenario)),
                            .error = error ? error : &unwanted};
    int r = load(&loader, name, overrides, n_overrides);

    if (r == 0)
        *ret = loader.scenario;
    else
        scenario_free(loader.scenario);
    assignments_clear(&loader.given);
    assignments_clear(&loader.origins);
    free(loader.beside);
    return r == -ENOENT ? -EINVAL : r;
}
