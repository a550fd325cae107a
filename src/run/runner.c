#include "run/run.h"

#include "base/jsonline.h"
#include "model/verdict.h"
#include "probes/delivery.h"
#include "probes/sequence.h"
#include "run/operations.h"
#include "run/room.h"
#include "run/speed.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/random.h>

/* ---- the whole plan ---- */

static bool is_same_block(const struct schedule_item *a, const struct schedule_item *b) {
    return a->deployment->block == b->deployment->block && a->attempt == b->attempt;
}

/* What belongs to a block when all of it is measured. */
static int end_block(struct run *run, const struct schedule_item *item, struct error *error) {
    int r;

    site_read_after(&run->site, run->journal, item->deployment->block, item->attempt);
    r = journal_flush(run->journal, error);
    return r < 0 ? r : enough_ask(&run->enough, journal_folder(run->journal), error);
}

/* The deployments that are still to be made, as far as one knows now. */
static size_t count_left(const struct run *run) {
    CLEANUP(schedule_list_clear)
    struct schedule_list first = schedule_first(run->schedule),
                         again = schedule_again(run->schedule);

    return (run->enough.reached ? 0 : first.n) + again.n;
}

/* Measures what is in the list, or of one that may be cut short as many of its blocks as are
 * enough. */
static int measure_blocks(struct run *run, const struct schedule_list *list, bool may_be_cut,
                          struct error *error) {
    progress_expect(run->progress, count_left(run));
    for (size_t i = 0; i < list->n; i++) {
        const struct schedule_item *item = &list->items[i];
        bool last = i + 1 == list->n || !is_same_block(item, item + 1);
        int r;

        if (i == 0 || !is_same_block(item - 1, item))
            site_read_before(&run->site);
        r = deployment_run(run, item, error);
        if (r == 0 && last)
            r = end_block(run, item, error);
        if (r < 0 || (last && may_be_cut && run->enough.reached))
            return r;
    }
    return 0;
}

/* All that is left, or enough of it; then a block with a failed trial is measured again whole,
 * once. What was enough may no longer be after that: then there is more to do. */
static int measure_plan(struct run *run, struct error *error) {
    do {
        CLEANUP(schedule_list_clear) struct schedule_list first = schedule_first(run->schedule);
        CLEANUP(schedule_list_clear) struct schedule_list again = {NULL, 0};
        int r = run->enough.reached ? 0 : measure_blocks(run, &first, true, error);

        if (r < 0)
            return r;
        again = schedule_again(run->schedule);
        r = measure_blocks(run, &again, false, error);
        if (r < 0)
            return r;
    } while (count_left(run));
    enough_tell(&run->enough, run->progress);
    return 0;
}

/* ---- set-up ---- */

static void relay(void *context, const char *spec, const char *line) {
    struct run *run = context;

    if (run->progress)
        progress_note(run->progress, "%s: %s", spec, line);
    else
        text_print(stderr, "%s: %s\n", spec, line);
}

static int open_site(struct run *run, struct error *error) {
    const struct hosts_settings *hosts = settings_get(&run->scenario->settings, &hosts_group);

    run->site = (struct site){
        .scenario = run->scenario,
        .workers = &run->workers,
        .measures = true,
        .options = {.certs = run->options->certs,
                    .folder = hosts->folder,
                    .cancel_fd = run->options->cancel_fd,
                    .relay = relay,
                    .context = run},
    };
    return site_open(&run->site, error);
}

static int open_meter(struct run *run, struct error *error) {
    const struct hosts_settings *hosts = settings_get(&run->scenario->settings, &hosts_group);

    return *hosts->meter ? meter_open(&run->meter, hosts->meter, run->options->root,
                                      run->options->cancel_fd, error)
                         : 0;
}

static int describe_site(struct run *run, struct error *error) {
    int r = site_describe(&run->site, run->options->root, error);

    if (r == 0)
        r = site_check_libraries(&run->site, error);
    if (r == 0)
        r = site_check_channels(&run->site, error);
    return r == 0 ? room_check_site(&run->site, error) : r;
}

/* Before anything else runs there. A run that goes on has it already. */
static int measure_speed(struct run *run, struct error *error) {
    if (run->options->resumption || !speed_matters(run->scenario))
        return 0;
    return speed_collect(&run->workers, 1 + workers_host_of(&run->workers, PARTY_CLIENT2), false,
                         run->options->verbosity != QUIET, &run->speed, error);
}

/* Before the record is opened, which has it: a run that goes on keeps it. */
static int choose_window(struct run *run, struct error *error) {
    struct scenario *scenario = run->options->scenario;
    double round_trip_ms = site_round_trip_ms(&run->site);
    int64_t window = delivery_choose_window(scenario, round_trip_ms);
    CLEANUP_FREE char *text =
        setting_format(setting_find(probe_delivery.group, "window"),
                       settings_get(&scenario->settings, probe_delivery.group));

    (void)error;
    if (window && isnan(round_trip_ms))
        run->window = text_format("%s: the round trip to the broker is not known", text);
    else if (window && window != delivery_window(0))
        run->window =
            text_format("%s: the round trip to the broker takes %.1f ms", text, round_trip_ms);
    return 0;
}

/* What the command line must repeat when the run's scenario is measured again: ["PATH=VALUE"]. */
static json_t *list_repeated(const struct scenario *scenario) {
    json_t *list = json_array();

    for (size_t i = 0; i < scenario->n_effects; i++) {
        const struct scenario_effect *effect = &scenario->effects[i];

        if (scenario_effect_is_asked(effect))
            (void)json_array_append_new(list, json_sprintf("%s=%s", effect->path, effect->value));
    }
    return list;
}

/* The run's folder: a new one, or that of the run that goes on. */
static int open_record(struct run *run, struct error *error) {
    struct resumption *resumption = run->options->resumption;
    json_t *environment = run->site.environment;
    int r;

    if (resumption) {
        resumption_enter(resumption, environment);
        r = journal_reopen(&run->journal, resumption->folder, &resumption->lock_fd,
                           resumption->environment, error);
    } else {
        (void)json_object_set_new(environment, "repeat", list_repeated(run->scenario));
        r = resumption_promise(environment, run->scenario, run->plan, error);
        if (r == 0)
            r = journal_create(&run->journal, run->options->results, run->scenario, environment,
                               error);
        if (r == 0 && run->speed)
            r = journal_speed(run->journal, run->speed, error);
        if (r == 0 && run->speed)
            r = operations_write(journal_folder(run->journal), run->scenario, &run->workers, error);
    }
    if (r == 0)
        run->outcome->folder = text_copy(journal_folder(run->journal));
    return r;
}

static int set_up(struct run *run, size_t n_deployments, struct error *error) {
    static int (*const steps[])(struct run * run, struct error * error) = {
        open_site,     open_meter,     describe_site, measure_speed,
        choose_window, issue_channels, open_record};

    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        int r = steps[i](run, error);

        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < run->workers.n_hosts; i++)
        host_watch(run->workers.hosts[i]);
    run->progress = progress_new(run->scenario, n_deployments, run->options->verbosity);
    run->workers.tick = progress_tick;
    run->workers.context = run->progress;
    return 0;
}

/* Of a number of blocks that is not fixed only the largest is known. */
static const char *at_most(const struct run *run) {
    return scenario_repetitions(run->scenario).precision > 0 ? "at most " : "";
}

/* How much of the plan is there, and how long the rest measures. */
static void describe_rest(const struct run *run, size_t n_trials) {
    CLEANUP(schedule_list_clear)
    struct schedule_list first = schedule_first(run->schedule),
                         again = schedule_again(run->schedule);
    CLEANUP_FREE char *duration =
        progress_duration(progress_planned_ns(run->scenario, count_left(run)));
    CLEANUP_FREE char *failed = text_format(", %zu are measured once more after a failure",
                                            again.n * run->plan->n_measurements);

    progress_note(run->progress, "resumed  %zu of %s%zu trials are there%s; %s%s to measure",
                  n_trials - first.n * run->plan->n_measurements, at_most(run), n_trials,
                  again.n ? failed : "", run->enough.reached ? "" : at_most(run), duration);
}

static void describe(const struct run *run) {
    const struct scenario *scenario = run->scenario;
    const struct scenario_settings *own = scenario_own(scenario);
    const struct hosts_settings *hosts = settings_get(&scenario->settings, &hosts_group);
    CLEANUP_FREE char *publishers = scenario_name_publishers(scenario);
    CLEANUP_FREE char *duration =
        progress_duration(progress_planned_ns(scenario, run->plan->n_deployments));
    CLEANUP_FREE char *outlook = verdict_outlook(scenario);
    size_t n_trials = run->plan->n_deployments * run->plan->n_measurements;

    progress_note(run->progress, "hosts    broker and subscriber %s (%s), %s", hosts->broker,
                  run->site.address, publishers);
    if (run->site.relay)
        progress_note(run->progress,
                      "link     a relay, which carries up to %.4g Mbit/s each way here",
                      (double)jsonline_integer(run->site.relay, "limit_bit_s", 0) / 1e6);
    progress_note(run->progress, "plan     %s: %s%zu trial%s, %s to measure", own->name,
                  at_most(run), n_trials, n_trials == 1 ? "" : "s", duration);
    if (run->window)
        progress_note(run->progress, "delivery probe.delivery.window is %s", run->window);
    if (outlook)
        progress_note(run->progress, "verdicts %s", outlook);
    if (run->options->resumption)
        describe_rest(run, n_trials);
    progress_note(run->progress, "results  %s\n", run->outcome->folder);
}

/* Hosts first: they may speak until they are closed, and what shows that must still be there. */
static void tear_down(struct run *run) {
    site_close(&run->site);
    progress_freep(&run->progress);
    journal_closep(&run->journal);
    meter_close(run->meter);
    json_decref(run->secrets);
    json_decref(run->speed);
    free(run->down);
    free(run->window);
}

int run_scenario(const struct run_options *options, struct run_outcome *ret, struct error *error) {
    const struct resumption *resumption = options->resumption;
    CLEANUP(plan_freep) struct plan *plan = plan_new(options->scenario);
    CLEANUP(schedule_freep)
    struct schedule *fresh =
        schedule_new(plan, (enum scenario_order)scenario_own(options->scenario)->order);
    struct run run = {.options = options,
                      .scenario = options->scenario,
                      .plan = plan,
                      .schedule = resumption ? resumption->schedule : fresh,
                      .outcome = ret};
    size_t n_deployments;
    int r = 0;

    (void)!getrandom(&run.tag, sizeof(run.tag), 0);
    run.tag &= SEQUENCE_TAGS - 1;
    *ret = (struct run_outcome){.folder = NULL};
    run.enough = (struct enough){
        .question = options->question, .scenario = run.scenario, .schedule = run.schedule};
    if (resumption) {
        memcpy(ret->before, resumption->trials, sizeof(ret->before));
        r = enough_ask(&run.enough, resumption->folder, error);
    }
    if (r < 0)
        return r;
    n_deployments = count_left(&run);
    if (!n_deployments) { /* of a run that was to go on: no host is needed to say that */
        ret->folder = text_copy(resumption->folder);
        text_print(stdout, "%s is complete: nothing is left to measure\n", ret->folder);
        return 0;
    }
    run.secrets = json_array();
    run.down = memory_new(run.scenario->n_channels, sizeof(*run.down));
    r = set_up(&run, n_deployments, error);
    if (r == 0) {
        describe(&run);
        r = measure_plan(&run, error);
    }
    tear_down(&run);
    ret->interrupted = r == -EINTR;
    return ret->interrupted ? 0 : r;
}
