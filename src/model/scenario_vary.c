/* The varied settings of a scenario, [vary]: PATH = VALUE VALUE ... */
#include "model/scenario_loader.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define PREFIX "vary."

/* ---- whose setting it is ---- */

static const char *path_of(const struct assignment *assignment) {
    return assignment->path + strlen(PREFIX);
}

/* Neither of a channel nor of a probe. */
static int refuse_other(struct loader *loader, const struct assignment *assignment) {
    const char *path = path_of(assignment), *key;
    const struct setting_group *group =
        registry_find(loader->registry, 1u << SETTING_SCENARIO, path, &key);

    if (!group || !setting_find(group, key))
        return error_set(loader->error, -EINVAL,
                         "%s: no setting that can be varied; right would be, say, "
                         "channel.NAME.tls.suites or probe.NAME.payload",
                         assignment->place);
    return error_set(loader->error, -EINVAL,
                     "%s: is the same for a whole run; settings of mechanisms (channel.NAME."
                     "MECHANISM.KEY) and of probes (probe.NAME.KEY) can be varied. Make a run for "
                     "each value, with --set %s=VALUE, and compare the runs",
                     assignment->place, path);
}

static const struct channel *find_channel(const struct scenario *scenario, const char *name) {
    for (size_t i = 0; i < scenario->n_channels; i++)
        if (text_equal(scenario->channels[i].name, name))
            return &scenario->channels[i];
    return NULL;
}

/* All are compared with the baseline as it is, and a control is the baseline once more. */
static int check_subject(struct loader *loader, const struct assignment *assignment,
                         const struct channel *channel) {
    const char *baseline = scenario_own(loader->scenario)->baseline;

    if (text_equal(channel->name, baseline))
        return error_set(loader->error, -EINVAL,
                         "%s: %s is the baseline, which the others are compared with; let "
                         "another channel inherit it and vary that, or name another baseline",
                         assignment->place, channel->name);
    if (channel_own(channel)->control != CONTROL_NONE)
        return error_set(loader->error, -EINVAL,
                         "%s: %s is a control, which is the baseline once more; vary another "
                         "channel",
                         assignment->place, channel->name);
    return 0;
}

/* The row of a mechanism's key, "tls.suites". */
static int find_channel_row(struct loader *loader, const struct assignment *assignment,
                            const struct channel *channel, const char *path,
                            struct factor *factor) {
    const char *key;

    if (!strchr(path, '.'))
        return error_set(loader->error, -EINVAL,
                         "%s: only settings of mechanisms can be varied, as "
                         "channel.%s.tls.suites; write a [channel.NAME] for each value",
                         assignment->place, channel->name);
    factor->group = registry_find(loader->registry, 1u << SETTING_CHANNEL, path, &key);
    if (!factor->group) {
        CLEANUP_FREE char *known = registry_names(loader->registry, SETTING_CHANNEL, "");

        return error_set(loader->error, -EINVAL, "%s: unknown mechanism; known are %s",
                         assignment->place, known);
    }
    factor->row = setting_find(factor->group, key);
    if (!factor->row)
        return error_set(loader->error, -EINVAL, "%s: unknown key; `bench list settings` shows all",
                         assignment->place);
    if (!channel_uses(channel, factor->group->name))
        return error_set(loader->error, -EINVAL, "%s: the channel does not use %s (use = %s)",
                         assignment->place, factor->group->name, channel_use(channel));
    return 0;
}

/* "channel.NAME.MECHANISM.KEY". 1: of a channel that the command line has left out. */
static int find_in_channel(struct loader *loader, const struct assignment *assignment,
                           struct factor *factor) {
    const char *name = path_of(assignment) + strlen("channel."), *dot = strchr(name, '.');
    const struct channel *channel;
    int r;

    factor->channel = dot ? strndup(name, (size_t)(dot - name)) : text_copy(name);
    channel = find_channel(loader->scenario, factor->channel);
    if (!channel && is_left_out(loader, assignment, "scenario.channels", factor->channel))
        return 1;
    if (!channel)
        return error_set(loader->error, -EINVAL, "%s: '%s' is none of the channels (%s)",
                         assignment->place, factor->channel,
                         scenario_own(loader->scenario)->channels);
    r = check_subject(loader, assignment, channel);
    return r < 0 ? r : find_channel_row(loader, assignment, channel, dot ? dot + 1 : "", factor);
}

/* "probe.NAME.KEY". 1: of a probe that the command line has left out. */
static int find_in_probe(struct loader *loader, const struct assignment *assignment,
                         struct factor *factor) {
    const char *start = path_of(assignment) + strlen("probe."), *key;
    CLEANUP_FREE char *name = strndup(start, strcspn(start, "."));
    const char *probes = scenario_own(loader->scenario)->probes;

    factor->group = registry_find(loader->registry, 1u << SETTING_PROBE, path_of(assignment), &key);
    if (!factor->group)
        return unknown_probe(loader, assignment->place);
    if (!text_has_word(probes, name))
        return is_left_out(loader, assignment, "scenario.probes", name)
                   ? 1
                   : error_set(loader->error, -EINVAL, "%s: '%s' is none of the probes (%s)",
                               assignment->place, name, probes);
    factor->row = setting_find(factor->group, key);
    return factor->row
               ? 0
               : error_set(loader->error, -EINVAL,
                           "%s: unknown key; `bench list settings` shows all", assignment->place);
}

/* ---- its values ---- */

/* A value, checked by the setting's row, as a user would write it shortest. */
static int add_value(struct loader *loader, const struct assignment *assignment,
                     struct factor *factor, const char *value, void *scratch) {
    int r = setting_assign(factor->row, scratch, value, loader->error);
    char *text;

    if (r < 0)
        return error_prefix(loader->error, r, "%s", assignment->place);
    text = setting_format(factor->row, scratch);
    factor->values = memory_room(factor->values, factor->n_values, sizeof(*factor->values));
    factor->values[factor->n_values++] = text;
    for (size_t i = 0; i + 1 < factor->n_values; i++)
        if (text_equal(factor->values[i], text))
            return error_set(loader->error, -EINVAL, "%s: names '%s' twice", assignment->place,
                             value);
    return 0;
}

static int take_values(struct loader *loader, const struct assignment *assignment,
                       struct factor *factor) {
    const char *cursor = assignment->value, *word;
    void *scratch = setting_block_new(factor->group);
    size_t length;
    int r = 0;

    while (r == 0 && (word = text_next_word(&cursor, &length))) {
        CLEANUP_FREE char *value = strndup(word, length);

        r = add_value(loader, assignment, factor, value, scratch);
    }
    setting_block_free(factor->group, scratch);
    if (r == 0 && !factor->n_values)
        return error_set(loader->error, -EINVAL,
                         "%s: has no value; right would be some, separated by blanks",
                         assignment->place);
    return r;
}

/* It must be the same when it has been written into a resolved scenario, in as many lines as it
 * takes, and read again. */
static int check_length(struct loader *loader, const struct assignment *assignment,
                        const struct factor *factor) {
    size_t room = 190 - strlen(" += "), path = strlen(factor->path);

    for (size_t i = 0; i < factor->n_values && path <= 48; i++)
        if (path + strlen(factor->values[i]) > room)
            path = SIZE_MAX;
    if (path <= 48)
        return 0;
    return error_set(loader->error, -EINVAL,
                     "%s: is too long; a path of at most 48 bytes, in a line of at most 190 with "
                     "each value, can be read again",
                     assignment->place);
}

/* ---- all of them ---- */

static int take_factor(struct loader *loader, const struct assignment *assignment,
                       struct factor *factor) {
    const char *path = path_of(assignment);
    int r;

    factor->path = text_copy(path);
    if (strncmp(path, "channel.", 8) == 0)
        r = find_in_channel(loader, assignment, factor);
    else if (strncmp(path, "probe.", 6) == 0)
        r = find_in_probe(loader, assignment, factor);
    else
        r = refuse_other(loader, assignment);
    if (r == 0)
        r = take_values(loader, assignment, factor);
    return r == 0 ? check_length(loader, assignment, factor) : r;
}

/* Of several with the same path, in the file and on the command line, the last is meant. */
int read_factors(struct loader *loader) {
    struct scenario *scenario = loader->scenario;
    int r = 0;

    for (size_t i = 0; i < loader->given.count && r >= 0; i++) {
        const struct assignment *assignment = &loader->given.list[i];

        if (strncmp(assignment->path, PREFIX, strlen(PREFIX)) != 0 ||
            assignments_find(&loader->given, assignment->path) != assignment)
            continue;
        scenario->factors =
            memory_room(scenario->factors, scenario->n_factors, sizeof(*scenario->factors));
        scenario->factors[scenario->n_factors] = (struct factor){.path = NULL};
        r = take_factor(loader, assignment, &scenario->factors[scenario->n_factors++]);
        if (r == 1)
            factor_clear(&scenario->factors[--scenario->n_factors]);
    }
    return r < 0 ? r : 0;
}
