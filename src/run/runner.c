#include "run/runner.h"

#include "base/clock.h"
#include "base/jsonline.h"
#include "base/process.h"
#include "run/environment.h"
#include "run/issue.h"
#include "run/trial.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int64_t trial_planned_ns(const struct scenario *scenario, const char *name) {
    const struct probe *probe = probe_find(name);

    return probe->planned_ns(settings_get(&scenario->settings, probe->group));
}

int64_t run_planned_ns(const struct scenario *scenario, const struct plan *plan) {
    int64_t visit = 0;

    for (size_t i = 0; i < scenario->n_probes; i++)
        visit += trial_planned_ns(scenario, scenario->probes[i]);
    return visit * (int64_t)plan->n_visits;
}

void run_outcome_clear(struct run_outcome *outcome) {
    free(outcome->folder);
    *outcome = (struct run_outcome){.folder = NULL};
}

/* ---- one visit ---- */

static int commit(struct runner *runner, const struct trial_id *id, struct trial_result *result,
                  struct error *error) {
    int r = journal_commit(runner->journal, id, result, error);

    if (r == 0) {
        runner->outcome->trials[result->status]++;
        progress_trial(runner->progress, id, result, trial_planned_ns(runner->scenario, id->probe));
    }
    trial_result_clear(result);
    return r;
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

/* All probes on one channel; the channel is brought up again when a trial failed on it. */
static int visit(struct runner *runner, const struct visit *which, int attempt, bool *ret_failed,
                 struct error *error) {
    struct trial_id id = {.attempt = attempt,
                          .visit = which,
                          .channel = runner->scenario->channels[which->channel].name};
    CLEANUP_FREE char *failure = NULL;
    struct error late;
    bool up = false;
    int r = 0, end;

    runner->messages.written = 0;
    for (size_t i = 0; i < runner->plan->n_probes && r == 0; i++) {
        struct trial_result result = {.bytes = -1, .started_realtime_ns = clock_realtime_ns()};

        id.trial = which->trial + (int64_t)i;
        id.probe = runner->scenario->probes[i];
        if (!up) {
            text_replace(&failure, NULL);
            r = bring_up(runner, &id, &failure, error);
            up = r == 0 && !failure;
        }
        if (r == 0 && up && !runner->broken) {
            r = trial_perform(runner, &id, &result, error);
        } else if (r == 0) {
            result.status = failure ? TRIAL_FAILED : TRIAL_VOID;
            result.reason = text_copy(failure ? failure : runner->broken);
        }
        if (r < 0)
            break;
        *ret_failed = *ret_failed || result.status == TRIAL_FAILED;
        if (result.status == TRIAL_FAILED) {
            up = false;
            r = bringup_stop(runner, &id, error);
        }
        if (r == 0)
            r = commit(runner, &id, &result, error);
    }
    if (r == -EINTR)
        take_interrupt(runner);
    end = bringup_stop(runner, &id, &late);
    return r < 0 ? r : end < 0 ? error_set(error, end, "%s", late.text) : 0;
}

/* ---- the whole plan ---- */

static void plan_again(struct runner *runner, const bool *failed) {
    size_t n = 0;

    for (size_t i = 0; i < runner->plan->n_visits; i++)
        n += failed[runner->plan->visits[i].block];
    progress_extend(runner->progress, n * runner->plan->n_probes,
                    run_planned_ns(runner->scenario, runner->plan) /
                        (int64_t)runner->plan->n_visits * (int64_t)n);
}

/* A block with a failed trial is measured again whole, once, when all others are through. */
static int execute(struct runner *runner, struct error *error) {
    int64_t blocks = scenario_own(runner->scenario)->repetitions;
    CLEANUP_FREE bool *failed = memory_new((size_t)blocks + 1, sizeof(*failed));
    bool ignored = false;
    int r = 0;

    for (size_t i = 0; i < runner->plan->n_visits && r == 0; i++)
        r = visit(runner, &runner->plan->visits[i], 1, &failed[runner->plan->visits[i].block],
                  error);
    plan_again(runner, failed);
    for (size_t i = 0; i < runner->plan->n_visits && r == 0; i++)
        if (failed[runner->plan->visits[i].block])
            r = visit(runner, &runner->plan->visits[i], 2, &ignored, error);
    return r;
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

/* Before anything is made: the programs without which nothing works. */
static int check_programs(struct error *error) {
    CLEANUP_FREE char *broker = NULL;

    if (process_find(&broker, "mosquitto", NULL) < 0)
        return error_set(error, -ENOENT,
                         "the broker `mosquitto` is neither on PATH nor in /usr/sbin; "
                         "apt-get install mosquitto");
    return 0;
}

static int set_up(struct runner *runner, struct error *error) {
    json_auto_t *environment = NULL;
    int r = open_site(runner, error);

    if (r == 0)
        r = check_programs(error);
    if (r == 0)
        r = issue_channels(runner, error);
    if (r == 0)
        r = environment_collect(&runner->cast, runner->site.address, runner->options->root,
                                &environment, error);
    if (r == 0)
        r = journal_create(&runner->journal, runner->options->results, runner->scenario,
                           environment, error);
    if (r == 0)
        runner->outcome->folder = text_copy(journal_folder(runner->journal));
    for (size_t i = 0; i < runner->cast.n_hosts && r == 0; i++)
        host_watch(runner->cast.hosts[i]);
    return r;
}

static void describe(const struct runner *runner, int64_t planned_ns) {
    const struct scenario *scenario = runner->scenario;
    const struct scenario_settings *own = scenario_own(scenario);
    const struct hosts_settings *hosts = settings_get(&scenario->settings, &hosts_group);
    CLEANUP_FREE char *duration = progress_duration(planned_ns);
    size_t n_trials = runner->plan->n_visits * runner->plan->n_probes;

    progress_note(runner->progress, "hosts    broker and subscriber %s (%s), publisher %s",
                  hosts->broker, runner->site.address, hosts->publisher);
    progress_note(runner->progress, "plan     %s: %zu trial%s, %s to measure", own->name, n_trials,
                  n_trials == 1 ? "" : "s", duration);
    progress_note(runner->progress, "results  %s\n", runner->outcome->folder);
}

static void tear_down(struct runner *runner) {
    if (runner->progress)
        progress_free(runner->progress);
    if (runner->journal)
        journal_close(runner->journal);
    site_close(&runner->site);
    plan_free(runner->plan);
    json_decref(runner->secrets);
}

int run_scenario(const struct run_options *options, struct run_outcome *ret, struct error *error) {
    struct runner runner = {.options = options,
                            .scenario = options->scenario,
                            .plan = plan_new(options->scenario),
                            .secrets = json_object(),
                            .outcome = ret};
    int64_t planned_ns = run_planned_ns(options->scenario, runner.plan);
    int r;

    *ret = (struct run_outcome){.folder = NULL};
    r = set_up(&runner, error);
    if (r == 0) {
        runner.progress =
            progress_new(options->scenario, runner.plan, planned_ns, options->verbosity);
        runner.cast.tick = progress_tick;
        runner.cast.context = runner.progress;
        describe(&runner, planned_ns);
        r = execute(&runner, error);
    }
    ret->interrupted = r == -EINTR;
    tear_down(&runner);
    return ret->interrupted ? 0 : r;
}
