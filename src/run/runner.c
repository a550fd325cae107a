#include "run/runner.h"

#include "base/clock.h"
#include "base/jsonline.h"
#include "base/process.h"
#include "run/environment.h"
#include "run/issue.h"
#include "run/trial.h"

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int64_t trial_planned_ns(const struct scenario *scenario, const char *name) {
    const struct probe *probe = probe_find(name);

    return probe->planned_ns(settings_get(&scenario->settings, probe->group));
}

static int64_t visits_planned_ns(const struct scenario *scenario, size_t n_visits) {
    int64_t visit = 0;

    for (size_t i = 0; i < scenario->n_probes; i++)
        visit += trial_planned_ns(scenario, scenario->probes[i]);
    return visit * (int64_t)n_visits;
}

int64_t run_planned_ns(const struct scenario *scenario, const struct plan *plan) {
    return visits_planned_ns(scenario, plan->n_visits);
}

void run_outcome_clear(struct run_outcome *outcome) {
    free(outcome->folder);
    *outcome = (struct run_outcome){.folder = NULL};
}

/* ---- one visit ---- */

static int commit(struct runner *runner, const struct trial_id *id,
                  const struct trial_result *result, struct error *error) {
    int r = journal_commit(runner->journal, id, result, error);

    if (r < 0)
        return r;
    (void)agenda_commit(runner->agenda, id->trial, id->attempt, result->status == TRIAL_FAILED);
    runner->outcome->trials[result->status]++;
    progress_trial(runner->progress, id, result, trial_planned_ns(runner->scenario, id->probe));
    return 0;
}

/* What fails may pass, a link that is down for a moment: after each channel in a row that did not
 * come up, the next is tried a while later. After the last, nothing will come of the rest either.
 */
static const int64_t pauses_ns[] = {0, 3 * NS_PER_S, 6 * NS_PER_S, 12 * NS_PER_S};

/* A channel that cannot come up fails its trials; but if nothing has ever come up, or nothing does
 * any more, it is the set-up that does not work, and no other channel would fare better. */
static int bring_up(struct runner *runner, const struct trial_id *id, char **ret_failure,
                    struct error *error) {
    size_t committed = 0;
    int r = site_pause(&runner->site, pauses_ns[runner->failures], error);

    if (r == 0)
        r = site_mend(&runner->site, error);
    if (r < 0)
        return r;
    r = bringup_start(runner, id, error);
    if (r == 0)
        runner->failures = 0;
    for (size_t i = 0; i < ARRAY_SIZE(runner->outcome->trials); i++)
        committed += runner->outcome->trials[i];
    if (r == 0 || r == -EINTR || !committed)
        return r;
    if (++runner->failures == ARRAY_SIZE(pauses_ns))
        return error_prefix(error, r, "%zu channels in a row did not come up; the last",
                            runner->failures);
    *ret_failure = text_format("the channel did not come up: %s", error->text);
    return 0;
}

/* Takes the signal, so that what is left to do can talk to the hosts; a second one ends that too.
 */
static void take_interrupt(struct runner *runner) {
    struct signalfd_siginfo taken;

    runner->interrupted = true;
    (void)!read(runner->options->cancel_fd, &taken, sizeof(taken));
}

/* The channel of a visit: whether it stands, or why it does not. */
struct standing {
    bool up;
    char *failure; /* it did not come up; owned */
};

/* One probe, on a channel that is brought up where it does not stand. */
static int measure(struct runner *runner, const struct trial_id *id, struct standing *channel,
                   struct trial_result *result, struct error *error) {
    int r = 0;

    if (!channel->up) {
        text_replace(&channel->failure, NULL);
        r = bring_up(runner, id, &channel->failure, error);
        channel->up = r == 0 && !channel->failure;
    }
    if (r < 0)
        return r;
    if (channel->up && !runner->broken)
        return trial_perform(runner, id, result, error);
    result->status = channel->failure ? TRIAL_FAILED : TRIAL_VOID;
    result->reason = text_copy(channel->failure ? channel->failure : runner->broken);
    return 0;
}

/* All probes on one channel; the channel is brought up again when a trial failed on it. */
static int visit(struct runner *runner, const struct agenda_item *item, struct error *error) {
    struct trial_id id = {.attempt = item->attempt,
                          .visit = item->visit,
                          .channel = runner->scenario->channels[item->visit->channel].name};
    struct standing channel = {false, NULL};
    struct error late;
    int r = 0, end;

    runner->messages.written = 0;
    for (size_t i = 0; i < runner->plan->n_probes && r == 0; i++) {
        struct trial_result result = {.bytes = -1, .started_realtime_ns = clock_realtime_ns()};

        id.trial = item->visit->trial + (int64_t)i;
        id.probe = runner->scenario->probes[i];
        r = measure(runner, &id, &channel, &result, error);
        if (r == 0 && result.status == TRIAL_FAILED) {
            channel.up = false;
            r = bringup_stop(runner, &id, error);
        }
        if (r == 0)
            r = commit(runner, &id, &result, error);
        trial_result_clear(&result);
    }
    if (r == -EINTR)
        take_interrupt(runner);
    end = bringup_stop(runner, &id, &late);
    free(channel.failure);
    return r < 0 ? r : end < 0 ? error_set(error, end, "%s", late.text) : 0;
}

/* ---- the whole plan ---- */

static bool is_same_block(const struct agenda_item *a, const struct agenda_item *b) {
    return a->visit->block == b->visit->block && a->attempt == b->attempt;
}

/* Executes the list and frees what is in it. */
static int walk(struct runner *runner, struct agenda_list list, struct error *error) {
    int r = 0;

    for (size_t i = 0; i < list.n && r == 0; i++) {
        const struct agenda_item *item = &list.items[i];

        if (i == 0 || !is_same_block(item - 1, item))
            readings_before(&runner->readings);
        r = visit(runner, item, error);
        if (r == 0 && (i + 1 == list.n || !is_same_block(item, item + 1))) {
            readings_after(&runner->readings, runner->journal, item->visit->block, item->attempt);
            r = journal_flush(runner->journal, error);
        }
    }
    free(list.items);
    return r;
}

static size_t count_again(const struct agenda *agenda) {
    struct agenda_list list = agenda_again(agenda);

    free(list.items);
    return list.n;
}

/* The visits that are still to be made, as far as one knows now. */
static size_t count_left(const struct agenda *agenda) {
    struct agenda_list list = agenda_first(agenda);

    free(list.items);
    return list.n + count_again(agenda);
}

/* A block with a failed trial is measured again whole, once, when all others are through. */
static int execute(struct runner *runner, struct error *error) {
    size_t expected = count_again(runner->agenda), more;
    int r = walk(runner, agenda_first(runner->agenda), error);

    if (r < 0)
        return r;
    more = count_again(runner->agenda) - expected;
    progress_extend(runner->progress, more * runner->plan->n_probes,
                    visits_planned_ns(runner->scenario, more));
    return walk(runner, agenda_again(runner->agenda), error);
}

/* ---- set-up ---- */

static void relay(void *context, const char *spec, const char *line) {
    struct runner *runner = context;

    if (runner->progress)
        progress_note(runner->progress, "%s: %s", spec, line);
    else
        fprintf(stderr, "%s: %s\n", spec, line);
}

static int open_site(struct runner *runner, struct error *error) {
    const struct hosts_settings *hosts = settings_get(&runner->scenario->settings, &hosts_group);

    runner->site = (struct site){
        .scenario = runner->scenario,
        .cast = &runner->cast,
        .options = {.certs = runner->options->certs,
                    .folder = hosts->folder,
                    .cancel_fd = runner->options->cancel_fd,
                    .relay = relay,
                    .context = runner},
    };
    return site_open(&runner->site, error);
}

/* The run's folder: a new one, or that of the run that goes on. */
static int open_record(struct runner *runner, json_t *environment, struct error *error) {
    struct resumption *resumption = runner->options->resumption;
    int r;

    if (resumption) {
        resumption_enter(resumption, environment);
        r = journal_reopen(&runner->journal, resumption->folder, &resumption->lock_fd,
                           resumption->environment, error);
    } else {
        r = resumption_promise(environment, runner->scenario, runner->plan, error);
        if (r == 0)
            r = journal_create(&runner->journal, runner->options->results, runner->scenario,
                               environment, error);
    }
    if (r == 0)
        runner->outcome->folder = text_copy(journal_folder(runner->journal));
    return r;
}

static int set_up(struct runner *runner, struct error *error) {
    json_auto_t *environment = NULL;
    int r = open_site(runner, error);

    if (r == 0)
        r = environment_collect(&runner->cast, runner->site.address, runner->options->root,
                                &environment, error);
    if (r == 0)
        r = issue_channels(runner, error);
    if (r == 0)
        r = open_record(runner, environment, error);
    readings_open(&runner->readings, &runner->site, environment);
    for (size_t i = 0; i < runner->cast.n_hosts && r == 0; i++)
        host_watch(runner->cast.hosts[i]);
    return r;
}

/* How much of the plan is there, and how long the rest measures. */
static void describe_rest(const struct runner *runner, size_t n_trials) {
    size_t visits = count_left(runner->agenda), again = count_again(runner->agenda);
    CLEANUP_FREE char *duration = progress_duration(visits_planned_ns(runner->scenario, visits));
    CLEANUP_FREE char *failed = again ? text_format(", %zu are measured once more after a failure",
                                                    again * runner->plan->n_probes)
                                      : text_copy("");

    progress_note(runner->progress, "resumed  %zu of %zu trials are there%s; %s to measure",
                  n_trials - (visits - again) * runner->plan->n_probes, n_trials, failed, duration);
}

static void describe(const struct runner *runner) {
    const struct scenario *scenario = runner->scenario;
    const struct scenario_settings *own = scenario_own(scenario);
    const struct hosts_settings *hosts = settings_get(&scenario->settings, &hosts_group);
    CLEANUP_FREE char *duration = progress_duration(run_planned_ns(scenario, runner->plan));
    size_t n_trials = runner->plan->n_visits * runner->plan->n_probes;

    progress_note(runner->progress, "hosts    broker and subscriber %s (%s), publisher %s",
                  hosts->broker, runner->site.address, hosts->publisher);
    progress_note(runner->progress, "plan     %s: %zu trial%s, %s to measure", own->name, n_trials,
                  n_trials == 1 ? "" : "s", duration);
    if (runner->options->resumption)
        describe_rest(runner, n_trials);
    progress_note(runner->progress, "results  %s\n", runner->outcome->folder);
}

static void tear_down(struct runner *runner) {
    if (runner->progress)
        progress_free(runner->progress);
    if (runner->journal)
        journal_close(runner->journal);
    readings_close(&runner->readings);
    site_close(&runner->site);
    json_decref(runner->secrets);
}

static int perform(struct runner *runner, size_t n_visits, struct error *error) {
    int r = set_up(runner, error);

    if (r < 0)
        return r;
    runner->progress =
        progress_new(runner->scenario, n_visits * runner->plan->n_probes,
                     visits_planned_ns(runner->scenario, n_visits), runner->options->verbosity);
    runner->cast.tick = progress_tick;
    runner->cast.context = runner->progress;
    describe(runner);
    return execute(runner, error);
}

/* Nothing is left of the run that was to go on: no host is needed to say that. */
static int tell_complete(const struct run_options *options, struct run_outcome *outcome) {
    outcome->folder = text_copy(options->resumption->folder);
    if (options->verbosity != QUIET)
        printf("%s is complete: nothing is left to measure\n", outcome->folder);
    return 0;
}

int run_scenario(const struct run_options *options, struct run_outcome *ret, struct error *error) {
    const struct resumption *resumption = options->resumption;
    CLEANUP(plan_freep) struct plan *plan = plan_new(options->scenario);
    CLEANUP(agenda_freep)
    struct agenda *fresh =
        agenda_new(plan, (enum scenario_order)scenario_own(options->scenario)->order);
    struct runner runner = {.options = options,
                            .scenario = options->scenario,
                            .plan = plan,
                            .agenda = resumption ? resumption->agenda : fresh,
                            .outcome = ret};
    size_t n_visits = count_left(runner.agenda);
    int r;

    *ret = (struct run_outcome){.folder = NULL};
    if (resumption)
        memcpy(ret->before, resumption->history.trials, sizeof(ret->before));
    if (!n_visits)
        return tell_complete(options, ret);
    runner.secrets = json_object();
    r = perform(&runner, n_visits, error);
    ret->interrupted = r == -EINTR;
    tear_down(&runner);
    return ret->interrupted ? 0 : r;
}
