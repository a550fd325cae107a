/* Reading a scenario: all sources become one list of assignments, which are then applied in order,
 * each knowing its place for messages. */
#include "base/inifile.h"
#include "model/scenario_loader.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <string.h>
#include <unistd.h>

#define SCENARIO_SCOPES (1u << SETTING_SCENARIO | 1u << SETTING_PROBE)

/* ---- assignments ---- */

void assignments_add(struct assignments *assignments, char *place, char *path, const char *value) {
    assignments->list =
        memory_room(assignments->list, assignments->count, sizeof(*assignments->list));
    assignments->list[assignments->count++] = (struct assignment){place, path, text_copy(value)};
}

void assignments_clear(struct assignments *assignments) {
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

static bool is_of_command_line(const struct assignment *assignment) {
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

int blame_setting(struct loader *loader, const char *path, int code) {
    const struct assignment *assignment = assignments_find(&loader->given, path);

    return error_prefix(loader->error, code, "%s", assignment ? assignment->place : path);
}

static void add_file(struct loader *loader, const struct inifile *file) {
    for (size_t i = 0; i < file->n_entries; i++) {
        const struct inifile_entry *entry = &file->entries[i];

        assignments_add(
            &loader->given,
            text_format("%s:%d: [%s] %s", file->path, entry->line, entry->section, entry->key),
            text_format("%s.%s", entry->section, entry->key), entry->value);
    }
}

/* ---- finding files ---- */

/* "paper" before "paper-order", though '-' comes before the '.' of ".ini". */
static int by_stem(const struct dirent **a, const struct dirent **b) {
    size_t length_a = strcspn((*a)->d_name, "."), length_b = strcspn((*b)->d_name, ".");
    int order = strncmp((*a)->d_name, (*b)->d_name, length_a < length_b ? length_a : length_b);

    return order ? order : (length_a > length_b) - (length_a < length_b);
}

static int is_ini(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);

    return length > 4 && strcmp(entry->d_name + length - 4, ".ini") == 0 &&
           strcmp(entry->d_name, "hosts.ini") != 0;
}

void scenario_each_file(const char *folder, void (*visit)(void *context, const char *name),
                        void *context) {
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_ini, by_stem);

    for (int i = 0; i < count; i++) {
        entries[i]->d_name[strlen(entries[i]->d_name) - 4] = '\0';
        visit(context, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

static void append_name(void *context, const char *name) {
    text_append(context, ", ", name);
}

char *ini_names(const char *folder) {
    char *names = text_copy("");

    scenario_each_file(folder, append_name, &names);
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

        return error_set(loader->error, -ENOENT, "unknown scenario '%s'; known are %s", name,
                         known);
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
    add_file(loader, file);
    return 0;
}

/* ---- applying ---- */

static int unknown(struct loader *loader, const struct assignment *assignment) {
    if (strncmp(assignment->path, "probe.", 6) == 0)
        return unknown_probe(loader, assignment->place);
    return error_set(loader->error, -EINVAL, "%s: unknown section; `bench list settings` shows all",
                     assignment->place);
}

static int apply_scenario(struct loader *loader, const struct assignment *assignment) {
    const struct setting_group *group;
    const struct setting *row;
    const char *key;
    int r;

    if (is_of_channel(assignment->path) || strncmp(assignment->path, "vary.", 5) == 0)
        return 0;
    if (strncmp(assignment->path, "reference.", 10) == 0)
        return apply_published(loader, assignment);
    group = registry_find(loader->registry, SCENARIO_SCOPES, assignment->path, &key);
    if (!group)
        return unknown(loader, assignment);
    row = setting_find(group, key);
    if (!row)
        return error_set(loader->error, -EINVAL, "%s: unknown key; `bench list settings` shows all",
                         assignment->place);
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

            (void)error_set(loader->error, -EINVAL, "unknown probe '%.*s'; known are %s",
                            (int)length, word, known);
            return blame_setting(loader, "scenario.probes", -EINVAL);
        }
        scenario->probes =
            memory_room(scenario->probes, scenario->n_probes, sizeof(*scenario->probes));
        scenario->probes[scenario->n_probes++] = strndup(word, length);
    }
    if (scenario->n_probes)
        return 0;
    (void)error_set(loader->error, -EINVAL, "none is named");
    return blame_setting(loader, "scenario.probes", -EINVAL);
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
    own->name = strndup(base, is_path(base) ? length - 4 : length);
    if (!*own->name)
        text_replace(&own->name, "scenario");
    r = check_name(own->name, loader->error);
    return r < 0 ? error_prefix(loader->error, r, "%s", name) : 0;
}

/* "--set PATH"; an option of its own says enough. */
static void add_override(struct loader *loader, const struct scenario_override *override) {
    assignments_add(&loader->given,
                    text_equal(override->origin, "--set") ? text_format("--set %s", override->path)
                                                          : text_copy(override->origin),
                    text_copy(override->path), override->value);
}

static int apply_all(struct loader *loader) {
    int r = 0;

    for (size_t i = 0; i < loader->given.count && r == 0; i++)
        r = apply_scenario(loader, &loader->given.list[i]);
    return r;
}

static int check_hosts(struct loader *loader) {
    const struct hosts_settings *hosts = settings_get(&loader->scenario->settings, &hosts_group);
    int (*check)(const char *spec, struct error *error) = loader->registry->check_host;

    if (check && check(hosts->broker, loader->error) < 0)
        return blame_setting(loader, "hosts.broker", -EINVAL);
    if (check && check(hosts->publisher, loader->error) < 0)
        return blame_setting(loader, "hosts.publisher", -EINVAL);
    return 0;
}

static int load(struct loader *loader, const char *name, const struct scenario_override *overrides,
                size_t n_overrides) {
    int r = read_hosts_file(loader);

    if (r == 0) /* second: a scenario that names hosts means these, as that of the lab does */
        r = read_scenario_file(loader, name);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n_overrides; i++)
        add_override(loader, &overrides[i]);
    settings_init(&loader->scenario->settings, loader->registry, SCENARIO_SCOPES);
    r = apply_all(loader);
    if (r == 0)
        r = check_hosts(loader);
    if (r == 0)
        r = build_channels(loader);
    if (r == 0)
        r = check_design(loader);
    if (r == 0)
        r = build_probes(loader);
    if (r == 0)
        r = build_variants(loader);
    return r == 0 ? name_scenario(loader, name) : r;
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
