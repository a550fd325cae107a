/* Reading a scenario: all sources become one list of assignments, which are then applied in order,
 * each knowing its place for messages. */
#include "model/scenario_channels.h"
#include "model/scenario_variants.h"

#include <errno.h>
#include <libgen.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define SCENARIO_SCOPES (1u << SETTING_SCENARIO | 1u << SETTING_PROBE)

static void add_file(struct loader *loader, const struct inifile *file) {
    for (size_t i = 0; i < file->n_entries; i++) {
        const struct inifile_entry *entry = &file->entries[i];

        assignments_add(&loader->given, place_of_entry(file, entry),
                        text_format("%s.%s", entry->section, entry->key), entry->value);
    }
}

/* ---- finding files ---- */

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

/* ---- published values, [reference] ---- */

/* Published values are no settings, yet must be the same when they are written and read again. */
struct published {
    char *text;
};

static const struct setting published_row = {.type = SETTING_TEXT, .fallback = ""};

static int check_published(struct loader *loader, const struct assignment *assignment) {
    struct published published = {NULL};
    int r = setting_assign(&published_row, &published, assignment->value, loader->error);

    free(published.text);
    return r < 0 ? error_prefix(loader->error, r, "%s", assignment->place) : 0;
}

/* The name may be that of a channel that this scenario does not measure. */
static int check_reference_name(struct loader *loader, const struct assignment *assignment,
                                const char *channel) {
    int r = check_name(channel, loader->error);

    if (r == 0 && strlen(assignment->path) - strlen("reference.") > 48)
        r = error_set(loader->error, -EINVAL, "is too long; PROBE.CHANNEL is read up to 48 bytes");
    return r < 0 ? error_prefix(loader->error, r, "%s", assignment->place) : 0;
}

/* PROBE.CHANNEL = NUMBER */
static int add_reference(struct loader *loader, const struct assignment *assignment) {
    const char *name = assignment->path + strlen("reference."), *dot = strchr(name, '.');
    CLEANUP_FREE char *probe = dot ? strndup(name, (size_t)(dot - name)) : NULL;
    CLEANUP_FREE char *group = text_format("probe.%s", probe ? probe : "");
    struct scenario *scenario = loader->scenario;
    double value;
    char *end;
    int r;

    if (!dot)
        return error_set(loader->error, -EINVAL,
                         "%s: neither `source` nor PROBE.CHANNEL, as in path.plain",
                         assignment->place);
    if (!registry_group(loader->registry, SETTING_PROBE, group))
        return unknown_probe(loader, assignment->place);
    r = check_reference_name(loader, assignment, dot + 1);
    if (r < 0)
        return r;
    value = strtod(assignment->value, &end);
    if (end == assignment->value || *end || !isfinite(value) || value <= 0)
        return error_set(loader->error, -EINVAL, "%s: '%s' is not a positive number, as in 13.4",
                         assignment->place, assignment->value);
    for (size_t i = 0; i < scenario->n_references; i++) {
        struct reference *old = &scenario->references[i];

        if (text_equal(old->probe, probe) && text_equal(old->channel, dot + 1)) {
            old->value = value;
            text_replace(&old->text, assignment->value);
            return 0;
        }
    }
    scenario->references =
        memory_room(scenario->references, scenario->n_references, sizeof(*scenario->references));
    scenario->references[scenario->n_references++] =
        (struct reference){probe, text_copy(dot + 1), value, text_copy(assignment->value)};
    probe = NULL;
    return 0;
}

static int apply_published(struct loader *loader, const struct assignment *assignment) {
    int r = check_published(loader, assignment);

    if (r < 0)
        return r;
    if (!text_equal(assignment->path, "reference.source"))
        return add_reference(loader, assignment);
    text_replace(&loader->scenario->reference_source, assignment->value);
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

/* ---- what is compared: a baseline, controls that are one, and enough blocks of them ---- */

/* The file's baseline, when the command line has left that channel out. */
static bool is_outdated_baseline(const struct loader *loader, const struct scenario_settings *own) {
    const struct assignment *channels = assignments_find(&loader->given, "scenario.channels");
    const struct assignment *baseline = assignments_find(&loader->given, "scenario.baseline");

    return channels && baseline && strncmp(channels->place, "--", 2) == 0 &&
           strncmp(baseline->place, "--", 2) != 0 && !text_has_word(own->channels, own->baseline);
}

/* The first that is no control; the first where all are. */
static const char *first_subject(const struct scenario *scenario) {
    for (size_t i = 0; i < scenario->n_channels; i++)
        if (channel_own(&scenario->channels[i])->control == CONTROL_NONE)
            return scenario->channels[i].name;
    return scenario->channels[0].name;
}

/* Why a channel is no control of the baseline; remedy: what the user may rather have meant. */
static int check_control(struct loader *loader, const struct channel *channel,
                         const struct channel *baseline, const char *remedy) {
    CLEANUP(channel_difference_clear) struct channel_difference difference = {NULL, NULL, NULL};

    if (channel == baseline)
        (void)error_set(loader->error, -EINVAL,
                        "a control cannot be the baseline itself; %s, or leave %s out", remedy,
                        channel->name);
    else if (channel_differs(channel, baseline, &difference))
        (void)error_set(loader->error, -EINVAL,
                        "a control is the baseline once more, but %s differs from %s in %s ('%s' "
                        "instead of '%s'); %s, or leave %s out",
                        channel->name, baseline->name, difference.path, difference.value,
                        difference.other, remedy, channel->name);
    else
        return 0;
    return blame_channel_key(loader, channel->name, "control", -EINVAL);
}

static int check_controls(struct loader *loader, const char *left_out) {
    const struct scenario *scenario = loader->scenario;
    const struct channel *baseline = scenario_channel(scenario, scenario_own(scenario)->baseline);
    CLEANUP_FREE char *remedy = left_out ? text_format("add %s to the channels", left_out)
                                         : text_copy("let it inherit the baseline, unchanged");
    int r = 0;

    for (size_t i = 0; i < scenario->n_channels && r == 0; i++)
        if (channel_own(&scenario->channels[i])->control != CONTROL_NONE)
            r = check_control(loader, &scenario->channels[i], baseline, remedy);
    return r;
}

/* `until` looks at the comparison with the baseline after each block. */
static int check_until(struct loader *loader) {
    const struct scenario_settings *own = scenario_own(loader->scenario);
    const struct repetitions repetitions = scenario_repetitions(loader->scenario);
    const char *path = "scenario.repetitions";

    if (!repetitions.precision)
        return 0;
    if (own->order != ORDER_SHUFFLED) {
        (void)error_set(loader->error, -EINVAL,
                        "'%s' needs order = shuffled, where block after block is complete; leave "
                        "order out, or give a number",
                        own->repetitions);
    } else if (loader->scenario->n_channels < 2) {
        (void)error_set(loader->error, -EINVAL,
                        "'%s' needs a channel to compare with the baseline, %s; add one, or give "
                        "a number",
                        own->repetitions, own->baseline);
    } else if (repetitions.smallest > repetitions.largest) {
        path = assignments_find(&loader->given, "scenario.repetitions_min")
                   ? "scenario.repetitions_min"
                   : "scenario.repetitions_max";
        (void)error_set(loader->error, -EINVAL,
                        "at least %lld blocks (repetitions_min) are more than at most %lld "
                        "(repetitions_max)",
                        (long long)repetitions.smallest, (long long)repetitions.largest);
    } else {
        return 0;
    }
    return blame_setting(loader, path, -EINVAL);
}

static int check_design(struct loader *loader) {
    struct scenario_settings *own = settings_edit(&loader->scenario->settings, &scenario_group);
    CLEANUP_FREE char *left_out =
        is_outdated_baseline(loader, own) ? text_copy(own->baseline) : NULL;

    if (!*own->baseline || left_out)
        text_replace(&own->baseline, first_subject(loader->scenario));
    if (text_has_word(own->channels, own->baseline)) {
        int r = check_controls(loader, left_out);

        return r < 0 ? r : check_until(loader);
    }
    (void)error_set(loader->error, -EINVAL,
                    "'%s' is none of the channels (%s); name one of them, or leave it out",
                    own->baseline, own->channels);
    return blame_setting(loader, "scenario.baseline", -EINVAL);
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
    static int (*const steps[])(struct loader * loader) = {
        check_hosts, build_channels, check_design, build_probes, build_variants};
    int r = read_hosts_file(loader);

    if (r < 0)
        return r;
    /* Second: a scenario that names hosts means these, as that of the lab does. */
    r = read_scenario_file(loader, name);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n_overrides; i++)
        add_override(loader, &overrides[i]);
    settings_init(&loader->scenario->settings, loader->registry, SCENARIO_SCOPES);
    for (size_t i = 0; i < loader->given.count; i++) {
        r = apply_scenario(loader, &loader->given.list[i]);
        if (r < 0)
            return r;
    }
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
