#include "model/scenario.h"

#include "base/inifile.h"
#include "base/suggestion.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

int repetitions_parse(const char *text, struct repetitions *ret, struct error *error) {
    static const struct setting blocks = {"", SETTING_COUNT, "50", "1", "100000", .offset = 0};
    static const struct setting precision = {"",        SETTING_PERCENT, "1%",
                                             "0.0001%", "1000%",         .offset = 0};
    const char *rest = text, *word;
    struct error what = {""};
    int64_t number;
    size_t length;
    int r;

    word = text_next_word(&rest, &length);
    if (!word || length != strlen("until") || memcmp(word, "until", length) != 0) {
        r = setting_assign(&blocks, &number, text, &what);
        if (r < 0)
            return error_set(error, r, "%s; also possible: until 1%%", what.text);
        if (ret)
            *ret = (struct repetitions){number, number, 0};
        return 0;
    }
    rest += strspn(rest, " \t");
    if (!*rest)
        return error_set(error, -EINVAL, "'%s' lacks a precision; write, say, until 1%%", text);
    r = setting_assign(&precision, &number, rest, error);
    if (r == 0 && ret)
        *ret = (struct repetitions){0, 0, (double)number / 1e6};
    return r;
}

static int check_repetitions(const char *value, struct error *error) {
    return repetitions_parse(value, NULL, error);
}

#define AT(member) .offset = offsetof(struct scenario_settings, member)
static const struct setting scenario_rows[] = {
    {"name", SETTING_TEXT, "", AT(name), .help = "how the run is called; empty: as the file"},
    {"description", SETTING_TEXT, "", AT(description),
     .help = "what the experiment is for, in a few words"},
    {"channels", SETTING_WORDS, "plain password mutual-tls", AT(channels),
     .check = setting_check_names, .help = "the channels to compare"},
    {"probes", SETTING_WORDS, "path transport delivery", AT(probes), .check = setting_check_names,
     .help = "the probes run on each channel"},
    {"repetitions", SETTING_TEXT, "50", AT(repetitions),
     .help = "blocks: trials of each kind; or, say, `until 1%`: until no interval is wider",
     .check = check_repetitions},
    {"repetitions_min", SETTING_COUNT, "20", "6", "100000", AT(repetitions_min),
     .help = "blocks at least, with until"},
    {"repetitions_max", SETTING_COUNT, "200", "6", "100000", AT(repetitions_max),
     .help = "blocks at most, with until"},
    {"order", SETTING_CHOICE, "shuffled", .choices = "shuffled sequential", AT(order),
     .help = "shuffled: each block in an order of its own; sequential: channel after channel"},
    {"seed", SETTING_COUNT, "2022", "0", "4294967295", AT(seed), .help = "of the shuffled order"},
    {"baseline", SETTING_TEXT, "", AT(baseline),
     .help = "what the others are compared with; empty: the first that is no control"},
    {"margin", SETTING_PERCENT, SCENARIO_MARGIN, "0.01%", "50%", AT(margin_ppm),
     .help = "differences below it are taken for equal; fixed before the run"},
};
const struct setting_group scenario_group =
    SETTING_GROUP("scenario", SETTING_SCENARIO, scenario_rows, struct scenario_settings);

/* What it can be; whether it is one of this network's is seen when the broker comes up. */
static int check_address(const char *value, struct error *error) {
    for (const char *c = value; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr(".:-_%", *c))
            return error_set(error, -EINVAL,
                             "'%s' is no address; right would be, say, 127.0.0.1, ::1 or a name",
                             value);
    if (text_has_word("0.0.0.0 0 :: ::0", value))
        return error_set(error, -EINVAL,
                         "'%s' is every address: a broker without passwords would be open to all; "
                         "name the one that is measured",
                         value);
    return 0;
}

/* It becomes part of a command line on the other machine, in single quotes. */
static int check_folder(const char *value, struct error *error) {
    if (!*value || *value == '~' || strpbrk(value, "'\\"))
        return error_set(error, -EINVAL,
                         "'%s' is no folder that can be used: empty, or a ~, quotation mark or "
                         "backslash in it; it is seen from where a login begins",
                         value);
    return 0;
}

/* Which there are the kernel of each host knows. */
static int check_congestion(const char *value, struct error *error) {
    if (*value && strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(value))
        return 0;
    return error_set(error, -EINVAL,
                     "'%s' is no congestion control; right would be, say, cubic, or default",
                     value);
}

/* The names of hosts stand in hosts.publishers. */
static int check_launcher(const char *value, struct error *error) {
    if (!*value || strstr(value, "%h"))
        return 0;
    return error_set(error, -EINVAL,
                     "'%s' has no %%h, in whose place each host's name comes; right would be, say, "
                     "exec:srun --nodes=1 --ntasks=1 --nodelist=%%h",
                     value);
}

static int check_meter(const char *value, struct error *error) {
    CLEANUP_FREE char *meant = NULL;

    if (!*value || text_equal(value, "pi5") ||
        (strncmp(value, "exec:", 5) == 0 && value[5 + strspn(value + 5, " ")]))
        return 0;
    meant = suggestion_of_list(value, "exec pi5");
    return error_set(error, -EINVAL,
                     "'%s' is no meter%s; right would be exec:COMMAND, which writes a line a "
                     "second: a number of watts; or pi5",
                     value, meant);
}

#define HOSTS_AT(member) .offset = offsetof(struct hosts_settings, member)
static const struct setting hosts_rows[] = {
    {"broker", SETTING_TEXT, "local", HOSTS_AT(broker),
     .help = "host of broker and subscriber: local, lab:a, lab:b, ssh://[user@]name[:port], "
             "exec:ARGV...",
     .effect = SETTING_EXECUTES, .harmless = "local lab:a lab:b"},
    {"publisher", SETTING_TEXT, "local", HOSTS_AT(publisher),
     .help = "host of the publisher; the same kinds", .effect = SETTING_EXECUTES,
     .harmless = "local lab:a lab:b"},
    {"publishers", SETTING_LIST, "", HOSTS_AT(publishers),
     .help = "hosts of several publishers, for probes with many clients; the other probes use the "
             "first. Empty: publisher. With a launcher, their names: node[1-8]",
     .effect = SETTING_EXECUTES,
     .harmless = "local lab:a lab:b lab:c lab:d lab:e lab:f lab:g lab:h lab:i lab:j lab:k lab:l "
                 "lab:m lab:n lab:o lab:p lab:q lab:r lab:s lab:t lab:u lab:v lab:w lab:x lab:y "
                 "lab:z"},
    {"launcher", SETTING_TEXT, "", HOSTS_AT(launcher),
     .help = "what starts an agent on each of publishers, whose name comes in place of %h: "
             "exec:srun --nodes=1 --ntasks=1 --nodelist=%h",
     .check = check_launcher, .effect = SETTING_EXECUTES},
    {"address", SETTING_TEXT, "", HOSTS_AT(address),
     .help = "where the broker is reached, and so which link is measured; empty: found out",
     .check = check_address, .effect = SETTING_CONNECTS},
    {"congestion", SETTING_TEXT, "cubic", HOSTS_AT(congestion),
     .help = "congestion control of all connections, both ends; `default`: each host's own",
     .check = check_congestion},
    {"folder", SETTING_TEXT, "mqtt-security-bench", HOSTS_AT(folder),
     .help = "of this program on other machines, as seen from where a login begins",
     .check = check_folder, .effect = SETTING_EXECUTES},
    {"meter", SETTING_TEXT, "", HOSTS_AT(meter),
     .help = "exec:COMMAND, executed where this is started, which writes a line a second: the "
             "electrical power in watts; pi5: what a Raspberry Pi 5 tells of itself; empty: energy "
             "is not measured",
     .check = check_meter, .effect = SETTING_EXECUTES, .harmless = "pi5"},
};
const struct setting_group hosts_group =
    SETTING_GROUP("hosts", SETTING_SCENARIO, hosts_rows, struct hosts_settings);

const struct scenario_settings *scenario_own(const struct scenario *scenario) {
    return settings_get(&scenario->settings, &scenario_group);
}

char *scenario_name_publishers(const struct scenario *scenario) {
    const struct hostlist *list = &scenario->publishers;
    char *words = list->n > 1 ? text_format("%zu publishers", list->n) : text_copy("publisher");

    for (size_t i = 0; i < list->n; i++)
        text_append(&words, i ? ", " : " ", list->names[i]);
    return words;
}

struct repetitions scenario_repetitions(const struct scenario *scenario) {
    const struct scenario_settings *own = scenario_own(scenario);
    struct repetitions repetitions = {0, 0, 0};

    (void)repetitions_parse(own->repetitions, &repetitions, NULL); /* checked when it was set */
    if (repetitions.precision > 0) {
        repetitions.smallest = own->repetitions_min;
        repetitions.largest = own->repetitions_max;
    }
    return repetitions;
}

const struct channel *scenario_channel(const struct scenario *scenario, const char *name) {
    for (size_t i = 0; i < scenario->n_channels; i++)
        if (text_equal(scenario->channels[i].name, name))
            return &scenario->channels[i];
    return NULL;
}

bool scenario_repeat(struct scenario *scenario, const char *path, const char *value) {
    for (size_t i = 0; i < scenario->n_effects; i++) {
        struct scenario_effect *effect = &scenario->effects[i];

        if (!text_equal(effect->path, path) || !text_equal(effect->value, value))
            continue;
        effect->refused = false;
        return true;
    }
    return false;
}

bool factor_of_channel(const struct factor *factor, const struct channel *channel) {
    return factor->channel && text_equal(factor->channel, channel->name);
}

bool factor_of_probe(const struct factor *factor, const struct measurement *measurement) {
    return !factor->channel && factor->group == measurement->group;
}

bool factor_of_link(const struct factor *factor) {
    return factor->group && factor->group->scope == SETTING_SCENARIO;
}

char *scenario_variant(const struct channel *channel, const struct measurement *measurement) {
    return text_format("%s%s%s", channel->variant,
                       *channel->variant && *measurement->variant ? " " : "", measurement->variant);
}

void factor_clear(struct factor *factor) {
    for (size_t i = 0; i < factor->n_values; i++)
        free(factor->values[i]);
    free(factor->values);
    free(factor->path);
    free(factor->label);
    free(factor->channel);
}

static const struct setting_group *link_group(const struct scenario *scenario) {
    return registry_group(scenario->settings.registry, SETTING_SCENARIO, "lab");
}

static void free_variants(struct scenario *scenario) {
    for (size_t i = 0; i < scenario->n_links; i++) {
        free(scenario->links[i].variant);
        if (scenario->links[i].settings)
            setting_block_free(link_group(scenario), scenario->links[i].settings);
    }
    free(scenario->links);
    for (size_t i = 0; i < scenario->n_measurements; i++) {
        free(scenario->measurements[i].variant);
        setting_block_free(scenario->measurements[i].group, scenario->measurements[i].settings);
    }
    free(scenario->measurements);
    for (size_t i = 0; i < scenario->n_factors; i++)
        factor_clear(&scenario->factors[i]);
    free(scenario->factors);
}

void reference_clear(struct reference *reference) {
    free(reference->probe);
    free(reference->metric);
    free(reference->channel);
    free(reference->baseline);
    free(reference->key);
    free(reference->text);
}

void scenario_free(struct scenario *scenario) {
    free_variants(scenario);
    settings_clear(&scenario->settings);
    for (size_t i = 0; i < scenario->n_channels; i++)
        channel_clear(&scenario->channels[i]);
    free(scenario->channels);
    for (size_t i = 0; i < scenario->n_probes; i++)
        free(scenario->probes[i]);
    free(scenario->probes);
    for (size_t i = 0; i < scenario->n_references; i++)
        reference_clear(&scenario->references[i]);
    free(scenario->references);
    for (size_t i = 0; i < scenario->n_effects; i++) {
        free(scenario->effects[i].path);
        free(scenario->effects[i].value);
        free(scenario->effects[i].place);
    }
    free(scenario->effects);
    hostlist_clear(&scenario->publishers);
    free(scenario->reference_source);
    free(scenario);
}

/* Whether [vary] has the values of this setting of a channel, NULL: of the link. */
static bool is_varied(const struct scenario *scenario, const struct channel *channel,
                      const struct setting *row) {
    for (size_t i = 0; i < scenario->n_factors; i++) {
        const struct factor *factor = &scenario->factors[i];

        if (factor->row == row &&
            (channel ? factor_of_channel(factor, channel) : factor_of_link(factor)))
            return true;
    }
    return false;
}

/* What the i-th variant of a channel, which follow each other, has of a group, NULL: that of the
 * link; NULL behind the last. */
static const void *block_of(const struct scenario *scenario, const struct channel *channel,
                            const struct setting_group *group, size_t i, const char **ret_variant) {
    const struct channel *one;

    if (!channel) {
        if (group != link_group(scenario) || i >= scenario->n_links)
            return NULL;
        *ret_variant = scenario->links[i].variant;
        return scenario->links[i].settings;
    }
    one = channel + i;
    if (one >= scenario->channels + scenario->n_channels || !text_equal(one->name, channel->name))
        return NULL;
    *ret_variant = one->variant;
    return settings_get(&one->settings, group);
}

/* Whether a setting that was left out became another in some variant: it cannot be written for all,
 * and becomes so again when it is left out again. */
static bool depends(const struct scenario *scenario, const struct channel *channel,
                    const struct setting_group *group, const struct setting *row) {
    const char *variant;
    const void *block = block_of(scenario, channel, group, 0, &variant);
    CLEANUP_FREE char *first = block ? setting_format(row, block) : NULL;
    bool differs = false;

    for (size_t i = 1;
         block && !differs && (block = block_of(scenario, channel, group, i, &variant)); i++) {
        CLEANUP_FREE char *value = setting_format(row, block);

        differs = !text_equal(value, first);
    }
    return differs && !is_varied(scenario, channel, row);
}

/* Bytes of a comment. */
#define LINE_MOST 180

/* For the reader: what these settings are in each variant, in lines as long as they may be. */
static void write_dependent(FILE *out, const struct scenario *scenario,
                            const struct channel *channel, const char *prefix,
                            const struct setting_group *group, const bool *dependent) {
    const char *variant;
    const void *block;

    for (size_t i = 0; (block = block_of(scenario, channel, group, i, &variant)); i++) {
        CLEANUP_FREE char *line = text_format("# %s:", variant);

        for (size_t k = 0; k < group->n_rows; k++) {
            CLEANUP_FREE char *value = setting_format(&group->rows[k], block);
            CLEANUP_FREE char *one = text_format("%s%s = %s", prefix, group->rows[k].key, value);

            if (!dependent[k])
                continue;
            if (strlen(line) + 1 + strlen(one) > LINE_MOST) {
                fprintf(out, "%s\n", line);
                free(line);
                line = text_format("# %s:", variant);
            }
            text_append(&line, " ", one);
        }
        fprintf(out, "%s\n", line);
    }
}

/* Of a channel, NULL: of none. An empty value of a row whose default is not empty cannot be
 * written, nor be set. */
static void write_block(FILE *out, const struct scenario *scenario, const struct channel *channel,
                        const char *prefix, const struct setting_group *group, const void *block) {
    CLEANUP_FREE bool *dependent = memory_new(group->n_rows, sizeof(*dependent));
    bool any = false;

    for (size_t i = 0; i < group->n_rows; i++) {
        dependent[i] = depends(scenario, channel, group, &group->rows[i]);
        any = any || dependent[i];
    }
    if (any)
        write_dependent(out, scenario, channel, prefix, group, dependent);
    for (size_t i = 0; i < group->n_rows; i++) {
        CLEANUP_FREE char *value = setting_format(&group->rows[i], block);
        CLEANUP_FREE char *key = text_format("%s%s", prefix, group->rows[i].key);

        if (dependent[i])
            continue;
        if (setting_is_list(&group->rows[i]))
            inifile_write_words(out, key, value);
        else
            fprintf(out, "%s = %s\n", key, value);
    }
}

/* Where a channel is varied, its first variant: [vary] has the rest. */
static void write_channel(FILE *out, const struct scenario *scenario,
                          const struct channel *channel) {
    const struct registry *registry = channel->settings.registry;

    fprintf(out, "\n[channel.%s]\n", channel->name);
    write_block(out, scenario, channel, "", &channel_group, channel_own(channel));
    for (size_t g = 0; g < registry->n_groups; g++) {
        const struct setting_group *group = registry->groups[g];
        CLEANUP_FREE char *prefix = text_format("%s.", group->name);

        if (group->scope == SETTING_CHANNEL && channel_uses(channel, group->name))
            write_block(out, scenario, channel, prefix, group, channel->settings.blocks[g]);
    }
}

static void write_factors(FILE *out, const struct scenario *scenario) {
    if (scenario->n_factors)
        fprintf(out, "\n[vary]\n");
    for (size_t i = 0; i < scenario->n_factors; i++) {
        const struct factor *factor = &scenario->factors[i];
        CLEANUP_FREE char *values = text_copy("");

        for (size_t k = 0; k < factor->n_values; k++)
            text_append(&values, " ", factor->values[k]);
        inifile_write_words(out, factor->path, values);
    }
}

void scenario_write(const struct scenario *scenario, FILE *out) {
    const struct registry *registry = scenario->settings.registry;

    fprintf(out,
            "# format: %d\n"
            "# Resolved by mqtt-security-bench %s: the same experiment, every default written "
            "out.\n",
            SCENARIO_FORMAT, BENCH_VERSION);
    for (size_t g = 0; g < registry->n_groups; g++) {
        if (!scenario->settings.blocks[g])
            continue;
        fprintf(out, "\n[%s]\n", registry->groups[g]->name);
        write_block(out, scenario, NULL, "", registry->groups[g], scenario->settings.blocks[g]);
    }
    for (size_t i = 0; i < scenario->n_channels; i++)
        if (i == 0 || !text_equal(scenario->channels[i].name, scenario->channels[i - 1].name))
            write_channel(out, scenario, &scenario->channels[i]);
    write_factors(out, scenario);
    if (scenario->n_references)
        fprintf(out, "\n[reference]\nsource = %s\n",
                scenario->reference_source ? scenario->reference_source : "");
    for (size_t i = 0; i < scenario->n_references; i++)
        fprintf(out, "%s = %s\n", scenario->references[i].key, scenario->references[i].text);
}
