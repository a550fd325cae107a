#include "model/scenario_load.h"

#include "base/inifile.h"
#include "base/suggestion.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

/* Of every block. */
#define MAX_TRIALS 256
#define PREFIX     "vary."

/* ---- whose setting it is ---- */

static const char *path_of(const struct assignment *assignment) {
    return assignment->path + strlen(PREFIX);
}

/* Neither of a channel nor of a probe. */
static int refuse_other(struct loader *loader, const struct assignment *assignment) {
    const char *path = path_of(assignment);
    const struct setting_group *group;

    if (!registry_find(loader->registry, 1u << SETTING_SCENARIO, path, &group))
        return error_set(loader->error, -EINVAL,
                         "%s: no setting that can be varied; right would be, say, "
                         "channel.NAME.tls.suites or probe.NAME.payload",
                         assignment->place);
    return error_set(loader->error, -EINVAL,
                     "%s: is the same for a whole run; settings of mechanisms (channel.NAME."
                     "MECHANISM.KEY), of probes (probe.NAME.KEY) and of a lab's link (lab.KEY) "
                     "can be varied. Make a run for each value, with --set %s=VALUE, and compare "
                     "the runs",
                     assignment->place, path);
}

/* "lab.KEY": the deployment's link, if its hosts are in a lab, and the key is a link's. */
static int find_in_link(struct loader *loader, const struct assignment *assignment,
                        struct factor *factor) {
    const struct hosts_settings *hosts = settings_get(&loader->scenario->settings, &hosts_group);
    bool shapes = false;

    factor->row = registry_find(loader->registry, 1u << SETTING_SCENARIO, path_of(assignment),
                                &factor->group);
    for (size_t i = 0; factor->row && i < factor->group->n_presets; i++)
        shapes = shapes || text_equal(factor->row->key, factor->group->presets[i].key) ||
                 text_equal(factor->row->key, factor->group->presets[i].sets);
    if (!shapes)
        return refuse_other(loader, assignment);
    if (strncmp(hosts->broker, "lab:", 4) != 0)
        return error_set(loader->error, -EINVAL,
                         "%s: only the link of a lab can be shaped; right would be "
                         "--broker-host lab:a --publisher-host lab:b",
                         assignment->place);
    return 0;
}

static int not_measured(struct loader *loader, const char *place, const char *what,
                        const char *name, const char *known) {
    CLEANUP_FREE char *meant = suggestion(name, known);

    return error_set(loader->error, -EINVAL, "%s: '%s' is none of the %s (%s)%s", place, name, what,
                     known, meant);
}

/* "channel.NAME.MECHANISM.KEY". 1: of a channel that the command line has left out. Neither the
 * baseline can be varied, as all are compared with it as it is, nor a control, which is the
 * baseline once more. */
static int find_in_channel(struct loader *loader, const struct assignment *assignment,
                           struct factor *factor) {
    const char *name = path_of(assignment) + strlen("channel."), *dot = strchr(name, '.');
    const char *key = dot ? dot + 1 : "", *place = assignment->place;
    const struct scenario_settings *own = scenario_own(loader->scenario);
    const struct channel *channel;

    factor->channel = strndup(name, strcspn(name, "."));
    channel = scenario_channel(loader->scenario, factor->channel);
    if (!channel && is_left_out(loader, assignment, "scenario.channels", factor->channel))
        return 1;
    if (!channel)
        return not_measured(loader, place, "channels", factor->channel, own->channels);
    if (text_equal(channel->name, own->baseline))
        return error_set(loader->error, -EINVAL,
                         "%s: %s is the baseline, which the others are compared with; let "
                         "another channel inherit it and vary that, or name another baseline",
                         place, channel->name);
    if (channel_own(channel)->control != CONTROL_NONE)
        return error_set(loader->error, -EINVAL,
                         "%s: %s is a control, which is the baseline once more; vary another "
                         "channel",
                         place, channel->name);
    if (!strchr(key, '.'))
        return error_set(loader->error, -EINVAL,
                         "%s: only settings of mechanisms can be varied, as "
                         "channel.%s.tls.suites; write a [channel.NAME] for each value",
                         place, channel->name);
    factor->row = channel_setting(channel, key, &factor->group, loader->error);
    return factor->row ? check_in_use(loader, channel, place, key)
                       : error_prefix(loader->error, -EINVAL, "%s", place);
}

/* "probe.NAME.KEY". 1: of a probe that the command line has left out. */
static int find_in_probe(struct loader *loader, const struct assignment *assignment,
                         struct factor *factor) {
    const char *path = path_of(assignment), *start = path + strlen("probe.");
    CLEANUP_FREE char *name = strndup(start, strcspn(start, "."));
    const char *probes = scenario_own(loader->scenario)->probes;

    factor->row = registry_find(loader->registry, 1u << SETTING_PROBE, path, &factor->group);
    if (!factor->group)
        return unknown_probe(loader, assignment->place, name);
    if (!text_has_word(probes, name))
        return is_left_out(loader, assignment, "scenario.probes", name)
                   ? 1
                   : not_measured(loader, assignment->place, "probes", name, probes);
    if (!factor->row) {
        CLEANUP_FREE char *wrong =
            setting_unknown(factor->group, path + strlen(factor->group->name) + 1);

        return error_set(loader->error, -EINVAL, "%s: %s", assignment->place, wrong);
    }
    return 0;
}

/* ---- its values ---- */

/* Each is checked by the setting's row, and kept as a user would write it shortest. */
static int take_values(struct loader *loader, const struct assignment *assignment,
                       struct factor *factor) {
    const char *cursor = assignment->value, *word;
    void *scratch = setting_block_new(factor->group);
    size_t length;
    int r = 0;

    while (r == 0 && (word = text_next_word(&cursor, &length))) {
        CLEANUP_FREE char *value = strndup(word, length);
        char *text;

        r = setting_assign(factor->row, scratch, value, loader->error);
        if (r < 0) {
            (void)error_prefix(loader->error, r, "%s", assignment->place);
            break;
        }
        text = setting_format(factor->row, scratch);
        for (size_t i = 0; i < factor->n_values; i++)
            if (text_equal(factor->values[i], text))
                r = error_set(loader->error, -EINVAL, "%s: names '%s' twice", assignment->place,
                              value);
        factor->values = memory_room(factor->values, factor->n_values, sizeof(*factor->values));
        factor->values[factor->n_values++] = text;
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
    size_t room = INIFILE_MAX_LINE - strlen(" += "), path = strlen(factor->path);

    for (size_t i = 0; i < factor->n_values && path <= INIFILE_MAX_KEY; i++)
        if (path + strlen(factor->values[i]) > room)
            path = SIZE_MAX;
    if (path <= INIFILE_MAX_KEY)
        return 0;
    return error_set(loader->error, -EINVAL,
                     "%s: is too long; a path of at most %d bytes, in a line of at most %d with "
                     "each value, can be read again",
                     assignment->place, INIFILE_MAX_KEY, INIFILE_MAX_LINE);
}

static int take_factor(struct loader *loader, const struct assignment *assignment,
                       struct factor *factor) {
    const char *path = path_of(assignment);
    int r;

    factor->path = text_copy(path);
    if (strncmp(path, "channel.", 8) == 0)
        r = find_in_channel(loader, assignment, factor);
    else if (strncmp(path, "probe.", 6) == 0)
        r = find_in_probe(loader, assignment, factor);
    else if (strncmp(path, "lab.", 4) == 0)
        r = find_in_link(loader, assignment, factor);
    else
        r = refuse_other(loader, assignment);
    if (r != 0)
        return r;
    r = take_values(loader, assignment, factor);
    return r < 0 ? r : check_length(loader, assignment, factor);
}

/* Of several with the same path, in the file and on the command line, the last is meant. */
static int read_factors(struct loader *loader) {
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

/* ---- what a varied setting is called ---- */

/* Whether both can be part of the same trial's variant. */
static bool meet(const struct factor *a, const struct factor *b) {
    if (factor_of_link(a) || factor_of_link(b))
        return true;
    if (a->channel && b->channel)
        return text_equal(a->channel, b->channel);
    return a->channel || b->channel || a->group == b->group;
}

/* The last so many parts of a dotted path. */
static const char *last_parts(const char *path, size_t n) {
    const char *start = path + strlen(path);

    for (;;) {
        while (start > path && start[-1] != '.')
            start--;
        if (start == path || --n == 0)
            return start;
        start--;
    }
}

static void label(struct scenario *scenario, struct factor *factor) {
    for (size_t n = 1;; n++) {
        const char *text = last_parts(factor->path, n);
        bool shared = false;

        for (size_t i = 0; i < scenario->n_factors; i++) {
            const struct factor *other = &scenario->factors[i];

            shared = shared || (other != factor && meet(factor, other) &&
                                text_equal(last_parts(other->path, n), text));
        }
        if (shared && text != factor->path)
            continue;
        factor->label = text_copy(text);
        return;
    }
}

/* ---- combinations ---- */

/* The varied settings of one channel or probe, or of the link. */
struct factors {
    const struct factor **list;
    size_t n, n_variants; /* MAX_TRIALS + 1: too many */
};

/* Those of the channel or, where it is NULL, of the measurement's probe; with neither, of the link.
 */
static struct factors factors_of(const struct scenario *scenario, const struct channel *channel,
                                 const struct measurement *measurement) {
    struct factors factors = {NULL, 0, 1};

    for (size_t i = 0; i < scenario->n_factors; i++) {
        const struct factor *factor = &scenario->factors[i];

        if (!(channel       ? factor_of_channel(factor, channel)
              : measurement ? factor_of_probe(factor, measurement)
                            : factor_of_link(factor)))
            continue;
        factors.list = memory_room(factors.list, factors.n, sizeof(const struct factor *));
        factors.list[factors.n++] = factor;
        factors.n_variants *= factor->n_values;
        if (factors.n_variants > MAX_TRIALS)
            factors.n_variants = MAX_TRIALS + 1;
    }
    return factors;
}

static void factors_clear(struct factors *factors) {
    free(factors->list);
}

/* The value of the factor at `place` in a variant: the last factor's changes fastest. */
static const char *value_in(const struct factors *factors, size_t place, size_t variant) {
    for (size_t i = factors->n - 1; i > place; i--)
        variant /= factors->list[i]->n_values;
    return factors->list[place]->values[variant % factors->list[place]->n_values];
}

/* "suites=TLS_AES_128_GCM_SHA256 groups=X25519" */
static char *name_variant(const struct factors *factors, size_t variant) {
    char *name = text_copy("");

    for (size_t i = 0; i < factors->n; i++) {
        CLEANUP_FREE char *one =
            text_format("%s=%s", factors->list[i]->label, value_in(factors, i, variant));

        text_append(&name, " ", one);
    }
    return name;
}

/* ---- probes ---- */

/* The values were checked when they were read. */
static void add_measurements(struct scenario *scenario, const char *probe) {
    CLEANUP_FREE char *name = text_format("probe.%s", probe);
    const struct setting_group *group =
        registry_group(scenario->settings.registry, SETTING_PROBE, name);
    struct measurement measurement = {.probe = probe, .group = group};
    CLEANUP(factors_clear) struct factors factors = factors_of(scenario, NULL, &measurement);

    scenario->measurements =
        memory_resize(scenario->measurements, scenario->n_measurements + factors.n_variants,
                      sizeof(*scenario->measurements));
    for (size_t v = 0; v < factors.n_variants; v++) {
        measurement.variant = name_variant(&factors, v);
        measurement.settings = setting_block_copy(group, settings_get(&scenario->settings, group));
        for (size_t i = 0; i < factors.n; i++)
            (void)setting_assign(factors.list[i]->row, measurement.settings,
                                 value_in(&factors, i, v), NULL);
        scenario->measurements[scenario->n_measurements++] = measurement;
    }
}

/* ---- the link ---- */

static bool varies(const struct factors *factors, const char *key) {
    for (size_t i = 0; i < factors->n; i++)
        if (text_equal(factors->list[i]->row->key, key))
            return true;
    return false;
}

/* Whether the command line says, once or varied, what this preset goes by. */
static bool is_chosen_now(const struct loader *loader, const char *path) {
    CLEANUP_FREE char *varied = text_format(PREFIX "%s", path);
    const struct assignment *once = assignments_find(&loader->given, path);
    const struct assignment *each = assignments_find(&loader->given, varied);

    return (once && is_of_command_line(once)) || (each && is_of_command_line(each));
}

/* Whether the scenario sets that itself, so that no profile does. One that the command line names
 * is meant to set what a file does: a run's own scenario.ini has all of its link. */
static bool sets_itself(const struct loader *loader, const struct setting_group *group,
                        const char *key) {
    CLEANUP_FREE char *path = text_format("%s.%s", group->name, key);
    const struct assignment *given = assignments_find(&loader->given, path);

    for (size_t i = 0; given && !is_of_command_line(given) && i < group->n_presets; i++) {
        CLEANUP_FREE char *chosen = text_format("%s.%s", group->name, group->presets[i].key);

        if (text_equal(group->presets[i].sets, key) && is_chosen_now(loader, chosen))
            return false;
    }
    return given != NULL;
}

/* What the scenario sets itself, then what is varied, then what a profile sets of the rest. */
static void *resolve_link(const struct loader *loader, const struct setting_group *group,
                          const struct factors *factors, size_t variant) {
    void *block = setting_block_new(group);

    for (size_t i = 0; i < group->n_rows; i++) {
        CLEANUP_FREE char *path = text_format("%s.%s", group->name, group->rows[i].key);
        const struct assignment *given = assignments_find(&loader->given, path);

        if (given && sets_itself(loader, group, group->rows[i].key))
            (void)setting_assign(&group->rows[i], block, given->value, NULL);
    }
    for (size_t i = 0; i < factors->n; i++)
        (void)setting_assign(factors->list[i]->row, block, value_in(factors, i, variant), NULL);
    for (size_t i = 0; i < group->n_presets; i++) {
        const struct setting_preset *preset = &group->presets[i];
        CLEANUP_FREE char *word = setting_format(setting_find(group, preset->key), block);

        if (text_equal(word, preset->word) && !varies(factors, preset->sets) &&
            !sets_itself(loader, group, preset->sets))
            (void)setting_assign(setting_find(group, preset->sets), block, preset->value, NULL);
    }
    return block;
}

/* The values were checked when they were read. */
static void add_links(struct loader *loader) {
    struct scenario *scenario = loader->scenario;
    const struct setting_group *group = registry_group(loader->registry, SETTING_SCENARIO, "lab");
    CLEANUP(factors_clear) struct factors factors = factors_of(scenario, NULL, NULL);

    scenario->links = memory_new(factors.n_variants, sizeof(*scenario->links));
    scenario->n_links = factors.n_variants;
    for (size_t v = 0; v < factors.n_variants; v++)
        scenario->links[v] = (struct link){name_variant(&factors, v),
                                           group ? resolve_link(loader, group, &factors, v) : NULL};
    /* What is not varied is as in every variant. */
    for (size_t i = 0; group && i < group->n_rows; i++) {
        CLEANUP_FREE char *value = setting_format(&group->rows[i], scenario->links[0].settings);

        (void)setting_assign(&group->rows[i], settings_edit(&scenario->settings, group), value,
                             NULL);
    }
}

/* ---- channels ---- */

static const char *place_of(const struct loader *loader, const struct factor *factor) {
    CLEANUP_FREE char *path = text_format("vary.%s", factor->path);

    return assignments_find(&loader->given, path)->place;
}

/* "tls.suites" of "channel.mutual-tls.tls.suites" */
static const char *key_of(const struct factor *factor) {
    return factor->path + strlen("channel.") + strlen(factor->channel) + 1;
}

/* What a check complains of starts with a key: if that is varied, its line is meant. */
static int blame_variant(struct loader *loader, const struct factors *factors, const char *variant,
                         int code) {
    const struct factor *blamed = factors->list[0];
    size_t length = strcspn(loader->error->text, ":");

    for (size_t i = 0; i < factors->n; i++)
        if (strlen(key_of(factors->list[i])) == length &&
            strncmp(key_of(factors->list[i]), loader->error->text, length) == 0)
            blamed = factors->list[i];
    return error_prefix(loader->error, code, "%s: with %s", place_of(loader, blamed), variant);
}

/* Puts one variant of a channel behind the others; it belongs to the scenario also on failure. */
static int add_variant(struct loader *loader, const struct channel *channel,
                       const struct factors *factors, size_t variant) {
    struct scenario *scenario = loader->scenario;
    struct channel *added;
    int r = 0;

    scenario->channels =
        memory_room(scenario->channels, scenario->n_channels, sizeof(*scenario->channels));
    added = &scenario->channels[scenario->n_channels++];
    channel_copy(added, channel->name, channel);
    if (!factors->n)
        return 0;
    free(added->variant);
    added->variant = name_variant(factors, variant);
    for (size_t i = 0; i < factors->n && r == 0; i++)
        r = channel_assign(added, key_of(factors->list[i]), value_in(factors, i, variant),
                           loader->error);
    if (r == 0)
        r = channel_check(added, loader->error);
    return r < 0 ? blame_variant(loader, factors, added->variant, r) : 0;
}

/* Puts a channel once for each link in its own place. */
static void expand_links(struct scenario *scenario) {
    struct channel *channel = &scenario->channels[scenario->n_channels - 1];
    CLEANUP_FREE char *own = text_copy(channel->variant);

    for (size_t i = 0; i < scenario->n_links; i++) {
        if (i) {
            scenario->channels =
                memory_room(scenario->channels, scenario->n_channels, sizeof(*scenario->channels));
            channel = &scenario->channels[scenario->n_channels++];
            channel_copy(channel, channel[-1].name, &channel[-1]);
        }
        channel->link = i;
        text_replace(&channel->variant, own);
        if (*scenario->links[i].variant)
            text_append(&channel->variant, " ", scenario->links[i].variant);
    }
}

static int expand_channels(struct loader *loader) {
    struct scenario *scenario = loader->scenario;
    struct channel *channels = scenario->channels;
    size_t n = scenario->n_channels;
    int r = 0;

    scenario->channels = NULL;
    scenario->n_channels = 0;
    for (size_t i = 0; i < n; i++) {
        CLEANUP(factors_clear) struct factors factors = factors_of(scenario, &channels[i], NULL);

        for (size_t v = 0; v < factors.n_variants && r == 0; v++) {
            r = add_variant(loader, &channels[i], &factors, v);
            if (r == 0)
                expand_links(scenario);
        }
        channel_clear(&channels[i]);
    }
    free(channels);
    return r;
}

static int check_size(struct loader *loader) {
    const struct scenario *scenario = loader->scenario;
    size_t channels = 0;

    for (size_t i = 0; i < scenario->n_channels; i++) {
        CLEANUP(factors_clear)
        struct factors factors = factors_of(scenario, &scenario->channels[i], NULL);

        channels += factors.n_variants * scenario->n_links;
    }
    if (!scenario->n_factors || channels * scenario->n_measurements <= MAX_TRIALS)
        return 0;
    return error_set(loader->error, -EINVAL,
                     "%s: with what else is varied this makes more than %d trials of every block; "
                     "vary less at a time",
                     place_of(loader, &scenario->factors[scenario->n_factors - 1]), MAX_TRIALS);
}

int build_variants(struct loader *loader) {
    struct scenario *scenario = loader->scenario;
    int r = read_factors(loader);

    if (r < 0)
        return r;
    for (size_t i = 0; i < scenario->n_factors; i++)
        label(scenario, &scenario->factors[i]);
    for (size_t i = 0; i < scenario->n_probes; i++)
        add_measurements(scenario, scenario->probes[i]);
    add_links(loader);
    r = check_size(loader);
    return r < 0 ? r : expand_channels(loader);
}
