#include "run/runner.h"

#include "model/verdict.h"
#include "probes/delivery.h"
#include "run/deployment.h"
#include "run/environment.h"
#include "run/issue.h"
#include "run/libraries.h"

#include <errno.h>
#include <math.h>
#include <string.h>

int64_t run_trial_planned_ns(const struct measurement *measurement) {
    return probe_find(measurement->probe)->planned_ns(measurement->settings);
}

static int64_t deployments_planned_ns(const struct scenario *scenario, size_t n_deployments) {
    int64_t deployment = 0;

    for (size_t i = 0; i < scenario->n_measurements; i++)
        deployment += run_trial_planned_ns(&scenario->measurements[i]);
    return deployment * (int64_t)n_deployments;
}

int64_t run_planned_ns(const struct scenario *scenario, const struct plan *plan) {
    return deployments_planned_ns(scenario, plan->n_deployments);
}

void run_outcome_clear(struct run_outcome *outcome) {
    free(outcome->folder);
    *outcome = (struct run_outcome){.folder = NULL};
}

/* ---- the whole plan ---- */

static bool is_same_block(const struct schedule_item *a, const struct schedule_item *b) {
    return a->deployment->block == b->deployment->block && a->attempt == b->attempt;
}

/* What belongs to a block when all of it is measured. */
static int end_block(struct runner *runner, const struct schedule_item *item, struct error *error) {
    int r;

    readings_after(&runner->readings, runner->journal, item->deployment->block, item->attempt);
    r = journal_flush(runner->journal, error);
    return r < 0 ? r
                 : enough_ask(&runner->enough, runner->options, runner->schedule,
                              journal_folder(runner->journal), error);
}

static size_t count(struct schedule_list list) {
    free(list.items);
    return list.n;
}

/* The deployments that are still to be made, as far as one knows now. */
static size_t count_left(const struct runner *runner) {
    return (runner->enough.reached ? 0 : count(schedule_first(runner->schedule))) +
           count(schedule_again(runner->schedule));
}

/* Executes the list, or of one that may be cut short as many of its blocks as are enough; frees
 * what is in it. */
static int walk(struct runner *runner, struct schedule_list list, bool may_be_cut,
                struct error *error) {
    size_t left = count_left(runner);
    bool cut = false;
    int r = 0;

    progress_expect(runner->progress, left * runner->plan->n_measurements,
                    deployments_planned_ns(runner->scenario, left));
    for (size_t i = 0; i < list.n && r == 0 && !cut; i++) {
        const struct schedule_item *item = &list.items[i];
        bool last = i + 1 == list.n || !is_same_block(item, item + 1);

        if (i == 0 || !is_same_block(item - 1, item))
            readings_before(&runner->readings);
        r = deployment_run(runner, item, error);
        if (r == 0 && last)
            r = end_block(runner, item, error);
        cut = last && may_be_cut && runner->enough.reached;
    }
    free(list.items);
    return r;
}

/* All that is left, or enough of it; then a block with a failed trial is measured again whole,
 * once. */
static int execute_once(struct runner *runner, struct error *error) {
    int r = 0;

    if (!runner->enough.reached)
        r = walk(runner, schedule_first(runner->schedule), true, error);
    return r < 0 ? r : walk(runner, schedule_again(runner->schedule), false, error);
}

/* What was enough may no longer be when a block of it was measured again: then there is more to do.
 */
static int execute(struct runner *runner, struct error *error) {
    int r;

    do
        r = execute_once(runner, error);
    while (r == 0 && count_left(runner));
    if (r == 0)
        enough_tell(&runner->enough, runner->scenario, runner->schedule, runner->progress);
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
        .workers = &runner->workers,
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

static int open_meter(struct runner *runner, struct error *error) {
    const struct hosts_settings *hosts = settings_get(&runner->scenario->settings, &hosts_group);

    return *hosts->meter
               ? meter_open(&runner->meter, hosts->meter, runner->options->cancel_fd, error)
               : 0;
}

/* Before the record is opened, which has it: a run that goes on keeps it. */
static void choose_window(struct runner *runner, const json_t *environment) {
    struct scenario *scenario = runner->options->scenario;
    const json_t *hosts = json_object_get(environment, "hosts");
    const json_t *publisher = json_array_get(hosts, json_array_size(hosts) - 1);
    const json_t *trip = json_object_get(json_object_get(publisher, "network"), "round_trip_ms");
    double round_trip_ms = trip ? json_number_value(trip) : NAN;
    int64_t window = delivery_choose_window(scenario, round_trip_ms);
    CLEANUP_FREE char *text =
        setting_format(setting_find(probe_delivery.group, "window"),
                       settings_get(&scenario->settings, probe_delivery.group));

    if (window && !trip)
        runner->window = text_format("%s: the round trip to the broker is not known", text);
    else if (window && window != delivery_window(0))
        runner->window =
            text_format("%s: the round trip to the broker takes %.1f ms", text, round_trip_ms);
}

static int set_up(struct runner *runner, struct error *error) {
    json_auto_t *environment = NULL;
    int r = open_site(runner, error);

    if (r == 0)
        r = open_meter(runner, error);
    if (r == 0)
        r = environment_collect(&runner->workers, runner->site.address, runner->options->root,
                                &environment, error);
    if (r == 0)
        r = libraries_check(runner->scenario, environment, error);
    if (r == 0)
        choose_window(runner, environment);
    if (r == 0)
        r = issue_channels(runner, error);
    if (r == 0)
        r = open_record(runner, environment, error);
    readings_open(&runner->readings, &runner->site, environment);
    for (size_t i = 0; i < runner->workers.n_hosts && r == 0; i++)
        host_watch(runner->workers.hosts[i]);
    return r;
}

/* Of a number of blocks that is not fixed only the largest is known. */
static const char *at_most(const struct runner *runner) {
    return scenario_repetitions(runner->scenario).precision > 0 ? "at most " : "";
}

/* How much of the plan is there, and how long the rest measures. */
static void describe_rest(const struct runner *runner, size_t n_trials) {
    size_t first = count(schedule_first(runner->schedule)),
           again = count(schedule_again(runner->schedule));
    CLEANUP_FREE char *duration =
        progress_duration(deployments_planned_ns(runner->scenario, count_left(runner)));
    CLEANUP_FREE char *failed = again ? text_format(", %zu are measured once more after a failure",
                                                    again * runner->plan->n_measurements)
                                      : text_copy("");

    progress_note(runner->progress, "resumed  %zu of %s%zu trials are there%s; %s%s to measure",
                  n_trials - first * runner->plan->n_measurements, at_most(runner), n_trials,
                  failed, runner->enough.reached ? "" : at_most(runner), duration);
}

static void describe(const struct runner *runner) {
    const struct scenario *scenario = runner->scenario;
    const struct scenario_settings *own = scenario_own(scenario);
    const struct hosts_settings *hosts = settings_get(&scenario->settings, &hosts_group);
    CLEANUP_FREE char *duration = progress_duration(run_planned_ns(scenario, runner->plan));
    CLEANUP_FREE char *outlook = verdict_outlook(scenario);
    size_t n_trials = runner->plan->n_deployments * runner->plan->n_measurements;

    progress_note(runner->progress, "hosts    broker and subscriber %s (%s), publisher %s",
                  hosts->broker, runner->site.address, hosts->publisher);
    progress_note(runner->progress, "plan     %s: %s%zu trial%s, %s to measure", own->name,
                  at_most(runner), n_trials, n_trials == 1 ? "" : "s", duration);
    if (runner->window)
        progress_note(runner->progress, "delivery probe.delivery.window is %s", runner->window);
    if (outlook)
        progress_note(runner->progress, "verdicts %s", outlook);
    if (runner->options->resumption)
        describe_rest(runner, n_trials);
    progress_note(runner->progress, "results  %s\n", runner->outcome->folder);
}

/* Hosts first: they may speak until they are closed, and what shows that must still be there. */
static void tear_down(struct runner *runner) {
    site_close(&runner->site);
    if (runner->progress)
        progress_free(runner->progress);
    readings_close(&runner->readings);
    if (runner->journal)
        journal_close(runner->journal);
    meter_close(runner->meter);
    json_decref(runner->secrets);
    free(runner->window);
}

static int perform(struct runner *runner, size_t n_deployments, struct error *error) {
    int r = set_up(runner, error);

    if (r < 0)
        return r;
    runner->progress = progress_new(runner->scenario, n_deployments * runner->plan->n_measurements,
                                    deployments_planned_ns(runner->scenario, n_deployments),
                                    runner->options->verbosity);
    runner->workers.tick = progress_tick;
    runner->workers.context = runner->progress;
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
    CLEANUP(schedule_freep)
    struct schedule *fresh =
        schedule_new(plan, (enum scenario_order)scenario_own(options->scenario)->order);
    struct runner runner = {.options = options,
                            .scenario = options->scenario,
                            .plan = plan,
                            .schedule = resumption ? resumption->schedule : fresh,
                            .outcome = ret};
    size_t n_deployments;
    int r = 0;

    *ret = (struct run_outcome){.folder = NULL};
    if (resumption) {
        memcpy(ret->before, resumption->history.trials, sizeof(ret->before));
        r = enough_ask(&runner.enough, options, runner.schedule, resumption->folder, error);
    }
    if (r < 0)
        return r;
    n_deployments = count_left(&runner);
    if (!n_deployments)
        return tell_complete(options, ret);
    runner.secrets = json_array();
    r = perform(&runner, n_deployments, error);
    ret->interrupted = r == -EINTR;
    tear_down(&runner);
    return ret->interrupted ? 0 : r;
}
