#include "run/list.h"

#include "base/inifile.h"
#include "probes/probe.h"
#include "run/runner.h"
#include "security/mechanism.h"

#include <errno.h>
#include <string.h>

/* What lies between the trials: bring-ups, proofs, the workers' starts; as measured here. */
#define VISIT_OVERHEAD_NS (300 * 1000000LL)
#define TRIAL_OVERHEAD_NS (150 * 1000000LL)

static void print_row(const char *name, const char *text) {
    printf("  %-28s %s\n", name, text);
}

/* Which folder's files are shown, and which section holds their description. */
struct file_list {
    const char *folder, *section;
};

static void print_file(void *context, const char *name) {
    const struct file_list *list = context;
    CLEANUP_FREE char *path = text_format("%s/%s.ini", list->folder, name);
    CLEANUP(inifile_freep) struct inifile *file = NULL;
    const char *description;

    if (inifile_read(&file, path, NULL) < 0)
        return;
    description = inifile_get(file, list->section, "description");
    print_row(name, description ? description : "");
}

static void print_files(const char *folder, const char *section) {
    struct file_list list = {folder, section};

    scenario_each_file(folder, print_file, &list);
}

static void print_scenarios(const struct registry *registry, const char *folder) {
    (void)registry;
    print_files(folder, "scenario");
}

static void print_channels(const struct registry *registry, const char *folder) {
    CLEANUP_FREE char *channels = text_format("%s/channels", folder);

    (void)registry;
    print_files(channels, "channel");
}

static void print_mechanisms(const struct registry *registry, const char *folder) {
    (void)registry;
    (void)folder;
    for (size_t i = 0; i < n_mechanisms; i++) {
        print_row(mechanisms[i]->group->name, mechanisms[i]->help);
        for (size_t j = 0; j < mechanisms[i]->n_proofs; j++)
            printf("  %-28s   proof %s: %s\n", "", mechanisms[i]->proofs[j].name,
                   mechanisms[i]->proofs[j].help);
    }
}

static void print_probes(const struct registry *registry, const char *folder) {
    (void)registry;
    (void)folder;
    for (size_t i = 0; i < n_probes; i++)
        print_row(probe_name(probes[i]), probes[i]->help);
}

static void print_setting(const struct setting_group *group, const struct setting *row) {
    CLEANUP_FREE char *name = text_format(
        "%s%s.%s", group->scope == SETTING_CHANNEL ? "channel.NAME." : "", group->name, row->key);
    CLEANUP_FREE char *what = setting_describe(row);
    const char *key = name;

    if (strncmp(name, "channel.NAME.channel.", 21) == 0) {
        char *shorter = text_format("channel.NAME.%s", row->key);

        free(name);
        key = name = shorter;
    }
    printf("  %-36s %s\n  %-36s   %s; default %s\n", key, row->help, "", what,
           *row->fallback ? row->fallback : "empty");
}

static void print_settings(const struct registry *registry, const char *folder) {
    (void)folder;
    for (size_t i = 0; i < registry->n_groups; i++)
        for (size_t j = 0; j < registry->groups[i]->n_rows; j++)
            print_setting(registry->groups[i], &registry->groups[i]->rows[j]);
    printf("  %-36s another channel to start from\n", "channel.NAME.inherits");
    printf("  %-36s a published value, drawn beside ours\n", "reference.PROBE.CHANNEL");
    printf("  %-36s where the published values stand\n", "reference.source");
}

static void print_metrics(const struct registry *registry, const char *folder) {
    (void)registry;
    (void)folder;
    for (size_t i = 0; i < n_probes; i++)
        for (size_t j = 0; j < probes[i]->n_metrics; j++) {
            const struct metric *metric = &probes[i]->metrics[j];
            CLEANUP_FREE char *name =
                text_format("%s %s, %s", probe_name(probes[i]), metric->name, metric->unit);

            printf("  %-40s %s\n", name, metric->help);
        }
}

static const struct {
    const char *kind;
    void (*print)(const struct registry *registry, const char *folder);
} kinds[] = {
    {"scenarios", print_scenarios}, {"channels", print_channels}, {"mechanisms", print_mechanisms},
    {"probes", print_probes},       {"settings", print_settings}, {"metrics", print_metrics},
};

int list_print(const char *kind, const struct registry *registry, const char *folder,
               struct error *error) {
    bool found = false;

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (kind && !text_equal(kind, kinds[i].kind))
            continue;
        found = true;
        printf("%s%s\n", kind || i == 0 ? "" : "\n", kinds[i].kind);
        kinds[i].print(registry, folder);
    }
    return found ? 0
                 : error_set(error, -EINVAL,
                             "nothing called '%s' to list; right would be scenarios, channels, "
                             "mechanisms, probes, settings or metrics",
                             kind);
}

/* How long so many blocks take; the caller's. */
static char *duration_of(const struct scenario *scenario, const struct plan *plan,
                         int64_t n_blocks) {
    struct plan part = *plan;

    part.n_visits = (size_t)n_blocks * scenario->n_channels;
    return progress_duration(run_planned_ns(scenario, &part) +
                             (int64_t)part.n_visits *
                                 (VISIT_OVERHEAD_NS + (int64_t)part.n_probes * TRIAL_OVERHEAD_NS));
}

/* How many blocks and trials, in which order, and how long they take. */
static void print_extent(const struct scenario *scenario, const struct plan *plan) {
    const struct scenario_settings *own = scenario_own(scenario);
    struct repetitions repetitions = scenario_repetitions(scenario);
    CLEANUP_FREE char *shortest = duration_of(scenario, plan, repetitions.smallest);
    CLEANUP_FREE char *longest = duration_of(scenario, plan, repetitions.largest);

    if (repetitions.precision > 0)
        printf("  until every interval of the comparison with %s is narrower than %.7g %%\n"
               "  at least %lld, at most %lld blocks x %zu channels x %zu probes = %zu to %zu "
               "trials, each block in an order of its own; about %s to %s\n",
               own->baseline, repetitions.precision * 100, (long long)repetitions.smallest,
               (long long)repetitions.largest, scenario->n_channels, scenario->n_probes,
               (size_t)repetitions.smallest * scenario->n_channels * scenario->n_probes,
               plan->n_visits * plan->n_probes, shortest, longest);
    else
        printf("  %lld blocks x %zu channels x %zu probes = %zu trials, %s; about %s\n",
               (long long)repetitions.largest, scenario->n_channels, scenario->n_probes,
               plan->n_visits * plan->n_probes,
               own->order == ORDER_SHUFFLED ? "each block in an order of its own"
                                            : "channel by channel",
               longest);
}

void list_plan(const struct scenario *scenario) {
    const struct scenario_settings *own = scenario_own(scenario);
    CLEANUP(plan_freep) struct plan *plan = plan_new(scenario);

    printf("%s: %s\n", own->name, own->description);
    printf("channels%s", "\n");
    for (size_t i = 0; i < scenario->n_channels; i++) {
        const struct channel *channel = &scenario->channels[i];

        printf("  %-20s %s%s (%s)\n", channel->name, channel_description(channel),
               text_equal(channel->name, own->baseline) ? ", the baseline" : "",
               *channel_use(channel) ? channel_use(channel) : "no mechanism");
    }
    printf("probes%s", "\n");
    for (size_t i = 0; i < scenario->n_probes; i++) {
        const struct probe *probe = probe_find(scenario->probes[i]);
        CLEANUP_FREE char *duration =
            progress_duration(probe->planned_ns(settings_get(&scenario->settings, probe->group)));

        printf("  %-20s %s (%s a trial)\n", scenario->probes[i], probe->help, duration);
    }
    printf("plan\n");
    print_extent(scenario, plan);
    printf("  first bring-ups:");
    for (size_t i = 0; i < plan->n_visits && i < 2 * scenario->n_channels; i++)
        printf(" %s", scenario->channels[plan->visits[i].channel].name);
    printf("%s\n", plan->n_visits > 2 * scenario->n_channels ? " ..." : "");
}
