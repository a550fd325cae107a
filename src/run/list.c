#include "run/list.h"

#include "base/clock.h"
#include "base/inifile.h"
#include "base/place.h"
#include "base/suggestion.h"
#include "broker/broker.h"
#include "model/verdict.h"
#include "probes/probe.h"
#include "run/progress.h"
#include "run/run.h"
#include "security/mechanism.h"
#include "security/pki.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What lies between the trials: bring-ups, proofs, the workers' starts; as measured here. */
#define DEPLOYMENT_OVERHEAD_NS (300 * 1000000LL)
#define TRIAL_OVERHEAD_NS      (150 * 1000000LL)

static void print_row(const char *name, const char *text) {
    text_print(stdout, "  %-28s %s\n", name, text);
}

/* context: the section that holds its description. */
static void print_file(void *context, const char *name, const char *path) {
    CLEANUP(inifile_freep) struct inifile *file = NULL;
    const char *description;

    if (inifile_read(&file, path, NULL) < 0)
        return;
    description = inifile_get(file, context, "description");
    print_row(name, description ? description : "");
}

/* "1 channel", "3 channels", or "5 variants of 3 channels". */
static char *describe_number(size_t n, const char *noun, size_t n_variants) {
    const char *plural = n == 1 ? "" : "s";

    return n == n_variants ? text_format("%zu %s%s", n, noun, plural)
                           : text_format("%zu variants of %zu %s%s", n_variants, n, noun, plural);
}

/* What is to be printed. */
struct choice {
    const struct registry *registry;
    const char *part; /* "": all */
    bool brief;       /* names, and a line at most */
    size_t printed;
};

/* Whether a path is the part that is asked for, or begins with it. */
static bool is_in_part(const struct choice *choice, const char *path) {
    size_t length = strlen(choice->part);

    return !length || (strncmp(path, choice->part, length) == 0 &&
                       (path[length] == '.' || path[length] == '\0'));
}

static void print_mechanisms(struct choice *choice) {
    for (size_t i = 0; i < n_mechanisms; i++) {
        print_row(mechanisms[i]->group->name, mechanisms[i]->help);
        for (size_t j = 0; !choice->brief && j < mechanisms[i]->n_proofs; j++)
            printf("  %-28s   proof %s: %s\n", "", mechanisms[i]->proofs[j].name,
                   mechanisms[i]->proofs[j].help);
    }
    for (size_t i = 0; i < n_broker_kinds; i++)
        if (broker_kinds[i]->group)
            print_row(broker_kinds[i]->group->name, broker_kinds[i]->help);
}

static void print_probes(struct choice *choice) {
    (void)choice;
    for (size_t i = 0; i < n_probes; i++)
        print_row(probe_name(probes[i]), probes[i]->help);
}

static void print_setting(struct choice *choice, const struct setting_group *group,
                          const struct setting *row) {
    CLEANUP_FREE char *name = setting_path(group, row), *what = setting_describe(row);
    const char *in_file = group->scope == SETTING_CHANNEL ? strchr(name + 8, '.') + 1 : name;

    /* "tls" is short for channel.NAME.tls */
    if (!is_in_part(choice, name) && !is_in_part(choice, in_file))
        return;
    printf("  %-36s %s\n  %-36s   %s; default %s\n", name, row->help, "", what,
           *row->fallback ? row->fallback : "empty");
    choice->printed++;
}

/* How many there are of a group: the names are a page. */
static void print_group(const struct setting_group *group) {
    CLEANUP_FREE char *count = describe_number(group->n_rows, "setting", group->n_rows);

    print_row(group->name, count);
}

/* What is no row of a table. */
static const struct {
    const char *path, *help;
} other_settings[] = {
    {"channel.NAME.inherits", "another channel to start from"},
    {"vary.channel.NAME.MECHANISM.KEY", "values that it has in turn, separated by blanks"},
    {"vary.probe.NAME.KEY", "the same of a probe's setting"},
    {"reference.PROBE.CHANNEL", "a published value of the probe's first metric, shown beside ours"},
    {"reference.PROBE.METRIC.CHANNEL", "the same of any of its metrics"},
    {"reference.ratio.PROBE.METRIC.CHANNEL.BASELINE", "a published ratio to another channel"},
    {"reference.source", "where the published values stand"},
};

const char *list_other_setting(size_t i, const char **ret_help) {
    if (i >= ARRAY_SIZE(other_settings))
        return NULL;
    *ret_help = other_settings[i].help;
    return other_settings[i].path;
}

static void print_settings(struct choice *choice) {
    const struct registry *registry = choice->registry;

    for (size_t i = 0; i < registry->n_groups; i++) {
        if (choice->brief)
            print_group(registry->groups[i]);
        for (size_t j = 0; !choice->brief && j < registry->groups[i]->n_rows; j++)
            print_setting(choice, registry->groups[i], &registry->groups[i]->rows[j]);
    }
    for (size_t i = 0; !choice->brief && i < ARRAY_SIZE(other_settings); i++) {
        const char *path = other_settings[i].path, *help = other_settings[i].help;

        if (!is_in_part(choice, path))
            continue;
        if (strlen(path) > 36)
            printf("  %s\n  %-36s %s\n", path, "", help);
        else
            printf("  %-36s %s\n", path, help);
        choice->printed++;
    }
}

static void print_metrics(struct choice *choice) {
    for (size_t i = 0; i < n_probes; i++) {
        CLEANUP_FREE char *count =
            describe_number(probes[i]->n_metrics, "metric", probes[i]->n_metrics);

        if (choice->brief)
            print_row(probe_name(probes[i]), count);
        for (size_t j = 0; !choice->brief && j < probes[i]->n_metrics; j++) {
            const struct metric *metric = &probes[i]->metrics[j];
            CLEANUP_FREE char *path = text_format("%s.%s", probe_name(probes[i]), metric->name);
            CLEANUP_FREE char *name =
                text_format("%s %s, %s", probe_name(probes[i]), metric->name, metric->unit);

            if (!is_in_part(choice, path))
                continue;
            printf("  %-40s %s", name, metric->help);
            if (metric->better != METRIC_NONE)
                printf(" (%s is better)", metric_better_word(metric->better));
            printf("\n");
            choice->printed++;
        }
    }
}

/* Kinds are tables in the code, or files below scenarios/. */
static const struct {
    const char *kind;
    void (*print)(struct choice *choice);
    const char *subfolder, *section;
    bool in_parts;
} kinds[] = {
    {"scenarios", NULL, ".", "scenario", false},
    {"channels", NULL, "channels", "channel", false},
    {"mechanisms", print_mechanisms, "", "", false},
    {"probes", print_probes, "", "", false},
    {"settings", print_settings, "", "", true},
    {"metrics", print_metrics, "", "", true},
};

const char *list_kind(size_t i) {
    return i < ARRAY_SIZE(kinds) ? kinds[i].kind : NULL;
}

static int refuse_kind(const char *kind, struct error *error) {
    CLEANUP_FREE char *known = text_copy(""), *meant = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        text_append(&known, ", ", kinds[i].kind);
    meant = suggestion(kind, known);
    return error_set(error, -EINVAL, "nothing called '%s' to list%s; right would be one of: %s",
                     kind, meant, known);
}

/* What would have been a part: what `list` names. */
static int refuse_part(const struct choice *choice, const char *kind, struct error *error) {
    CLEANUP_FREE char *known = text_copy(""), *meant = NULL;
    bool settings = text_equal(kind, "settings");

    for (size_t i = 0; settings && i < choice->registry->n_groups; i++)
        text_append(&known, ", ", choice->registry->groups[i]->name);
    for (size_t i = 0; !settings && i < n_probes; i++)
        text_append(&known, ", ", probe_name(probes[i]));
    meant = suggestion(choice->part, known);
    return error_set(error, -EINVAL, "no %s '%s'%s; right would be one of: %s", kind, choice->part,
                     meant, known);
}

int list_print(const char *kind, const char *part, const struct registry *registry,
               const char *folder, struct error *error) {
    struct choice choice = {registry, part, kind == NULL, 0};
    bool found = false;

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (kind && !text_equal(kind, kinds[i].kind))
            continue;
        found = true;
        if (*part && !kinds[i].in_parts)
            return error_set(error, -EINVAL, "%s have no parts; `bench list %s` shows all", kind,
                             kind);
        if (!*part)
            printf("%s%s\n", kind || i == 0 ? "" : "\n", kinds[i].kind);
        if (kinds[i].print)
            kinds[i].print(&choice);
        else
            scenario_each_file(registry, folder, kinds[i].subfolder, print_file,
                               (char *)kinds[i].section);
        if (*part && !choice.printed)
            return refuse_part(&choice, kind, error);
    }
    if (!kind)
        printf("\n`%s list settings probe.connect` shows a part, `%s list metrics` all.\n",
               place_call(), place_call());
    return found ? 0 : refuse_kind(kind, error);
}

/* Whether no variant of the same channel stands before it. */
static bool is_first_variant(const struct scenario *scenario, size_t channel) {
    return channel == 0 ||
           !text_equal(scenario->channels[channel].name, scenario->channels[channel - 1].name);
}

/* How long so many blocks take; the caller's. */
static char *duration_of(const struct scenario *scenario, int64_t n_blocks) {
    size_t n_deployments = (size_t)n_blocks * scenario->n_channels;
    int64_t overhead_ns =
        DEPLOYMENT_OVERHEAD_NS + (int64_t)scenario->n_measurements * TRIAL_OVERHEAD_NS;

    return progress_duration(progress_planned_ns(scenario, n_deployments) +
                             (int64_t)n_deployments * overhead_ns);
}

/* "3 channels x 2 probes" */
static char *describe_block(const struct scenario *scenario) {
    CLEANUP_FREE char *channels = NULL, *measurements = NULL;
    size_t n = 0;

    for (size_t i = 0; i < scenario->n_channels; i++)
        n += is_first_variant(scenario, i);
    channels = describe_number(n, "channel", scenario->n_channels);
    measurements = describe_number(scenario->n_probes, "probe", scenario->n_measurements);
    return text_format("%s x %s", channels, measurements);
}

/* How many blocks and trials, in which order, and how long they take. */
static void print_extent(const struct scenario *scenario, const struct plan *plan) {
    const struct scenario_settings *own = scenario_own(scenario);
    struct repetitions repetitions = scenario_repetitions(scenario);
    CLEANUP_FREE char *shortest = duration_of(scenario, repetitions.smallest);
    CLEANUP_FREE char *longest = duration_of(scenario, repetitions.largest);
    CLEANUP_FREE char *block = describe_block(scenario);
    size_t n_blocks = (size_t)repetitions.largest;
    size_t n_trials = plan->n_deployments * plan->n_measurements;
    CLEANUP_FREE char *blocks = describe_number(n_blocks, "block", n_blocks);
    CLEANUP_FREE char *trials = describe_number(n_trials, "trial", n_trials);

    if (repetitions.precision > 0)
        text_print(
            stdout,
            "  until every interval of the comparison with %s is narrower than %.7g %%\n"
            "  at least %lld, at most %lld blocks x %s = %zu to %zu trials, each block in an "
            "order of its own; about %s to %s\n",
            own->baseline, repetitions.precision * 100, (long long)repetitions.smallest,
            (long long)repetitions.largest, block,
            (size_t)repetitions.smallest * scenario->n_channels * scenario->n_measurements,
            n_trials, shortest, longest);
    else
        printf("  %s x %s = %s, %s; about %s\n", blocks, block, trials,
               own->order == ORDER_SHUFFLED ? "each block in an order of its own"
                                            : "channel by channel",
               longest);
}

/* A channel, and below it its variants. */
static void print_channel(const struct scenario *scenario, size_t place) {
    const struct channel *channel = &scenario->channels[place];
    struct error error;

    if (is_first_variant(scenario, place))
        text_print(stdout, "  %-20s %s%s (%s)\n", channel->name, channel_own(channel)->description,
                   text_equal(channel->name, scenario_own(scenario)->baseline) ? ", the baseline"
                                                                               : "",
                   *channel_own(channel)->use ? channel_own(channel)->use : "no mechanism");
    if (*channel->variant)
        text_print(stdout, "  %-20s with %s\n", "", channel->variant);
    if (issue_check_possible(scenario, channel, &error) < 0)
        text_print(stdout, "  %-20s cannot be had: %s\n", "", error.text);
}

static void print_measurement(const struct scenario *scenario, size_t place) {
    const struct measurement *measurement = &scenario->measurements[place];
    const char *help = probe_find(measurement->probe)->help;
    CLEANUP_FREE char *duration = progress_duration(progress_trial_ns(measurement));

    if (!*measurement->variant)
        printf("  %-20s %s (%s a trial)\n", measurement->probe, help, duration);
    else if (place == 0 || measurement->probe != measurement[-1].probe)
        printf("  %-20s %s\n", measurement->probe, help);
    if (*measurement->variant)
        text_print(stdout, "  %-20s with %s (%s a trial)\n", "", measurement->variant, duration);
}

/* What it makes this program do beyond measuring, and by which setting. */
static void print_effects(const struct scenario *scenario) {
    if (scenario->n_effects)
        printf("commands, files and addresses\n");
    for (size_t i = 0; i < scenario->n_effects; i++) {
        const struct scenario_effect *effect = &scenario->effects[i];

        text_print(stdout, "  %-20s %s (%s)\n", setting_effect_word(effect->effect), effect->value,
                   effect->path);
    }
}

static void print_hosts(const struct scenario *scenario) {
    const struct hosts_settings *hosts = settings_get(&scenario->settings, &hosts_group);
    const struct hostlist *publishers = &scenario->publishers;

    if (publishers->n < 2)
        return;
    printf("hosts\n");
    text_print(stdout, "  %-20s %s\n", "broker, subscriber", hosts->broker);
    for (size_t i = 0; i < publishers->n; i++)
        text_print(stdout, "  %-20s %s\n", i ? "" : "publishers", publishers->names[i]);
}

void list_plan(const struct scenario *scenario) {
    const struct scenario_settings *own = scenario_own(scenario);
    CLEANUP(plan_freep) struct plan *plan = plan_new(scenario);
    CLEANUP_FREE char *outlook = verdict_outlook(scenario);

    text_print(stdout, "%s: %s\n", own->name, own->description);
    printf("channels%s", "\n");
    for (size_t i = 0; i < scenario->n_channels; i++)
        print_channel(scenario, i);
    printf("probes%s", "\n");
    for (size_t i = 0; i < scenario->n_measurements; i++)
        print_measurement(scenario, i);
    print_hosts(scenario);
    print_effects(scenario);
    printf("plan\n");
    print_extent(scenario, plan);
    if (outlook)
        text_print(stdout, "  %s\n", outlook);
    printf("  first bring-ups:");
    for (size_t i = 0; i < plan->n_deployments && i < 2 * scenario->n_channels; i++) {
        const struct channel *channel = &scenario->channels[plan->deployments[i].channel];
        CLEANUP_FREE char *label = channel_label(channel);

        text_print(stdout, "%s %s", i && scenario->n_factors ? "," : "", label);
    }
    printf("%s\n", plan->n_deployments > 2 * scenario->n_channels ? " ..." : "");
}

static const char *const in_token[] = {[PKI_TOKENS_NONE] = "",
                                       [PKI_TOKENS_CLIENTS] = " (keys of the clients in a token)",
                                       [PKI_TOKENS_BROKER] = " (key of the broker in a token)",
                                       [PKI_TOKENS_ALL] = " (all keys in a token)"};

int list_certificates(const char *certs, struct error *error) {
    struct pki_chain chain;
    size_t cursor = 0;

    while (pki_next_chain(&cursor, &chain)) {
        CLEANUP_FREE char *store = pki_store(certs, &chain);
        struct pki_entry *entries = NULL;
        struct error lacking;
        size_t n = 0;
        int r = 0;

        if (pki_check_chain(&chain, &lacking) == 0)
            r = pki_list(store, &entries, &n, error);
        else if (access(store, F_OK) == 0)
            text_print(stdout, "%s: %s\n", store, lacking.text);
        if (r < 0)
            return r;
        if (n)
            text_print(stdout, "%s%s\n", store, in_token[chain.tokens]);
        for (size_t i = 0; i < n; i++) {
            char until[CLOCK_TEXT_SIZE];

            clock_format_utc(entries[i].not_after_ns, until);
            text_print(stdout, "  %-10s %-10s by %-26s until %.10s  %s\n", entries[i].name,
                       entries[i].key_type, entries[i].issuer, until, entries[i].addresses);
        }
        pki_list_free(entries, n);
    }
    return 0;
}
