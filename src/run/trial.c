#include "run/trial.h"

#include "base/clock.h"
#include "base/jsonline.h"
#include "broker/mosquitto.h"
#include "run/host_load.h"
#include "run/prepare.h"
#include "transport/congestion.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define MAX_ROLES 4
/* To start on a busy machine, and to connect: up to 64 times one after the other, which takes more
 * than a minute where a packet needs 300 ms there and back. */
#define READY_NS (180 * NS_PER_S)
/* After the measured time: what is still on its way may need a while on a slow link. Both ends look
 * whether anything moves; this is for one that has stopped doing so. */
#define DRAIN_NS (600 * NS_PER_S)
#define SLACK_NS (10 * NS_PER_S)

struct performance {
    struct runner *runner;
    const struct trial_id *id;
    const struct probe *probe;
    const void *settings;
    const struct role *roles[MAX_ROLES]; /* those that apply */
    struct actor actors[MAX_ROLES];
    size_t n;
    int64_t planned_ns;
    int64_t units; /* messages, blocks or connections of the measured time, at the receiver */
    json_t *peers;
    json_t *prepared[2]; /* what was prepared on the hosts, as usage */
    json_t *loads[2];    /* of the hosts, at the same instants */
    json_t *usage[2];    /* of the broker, when the window opens and when it closes */
    int64_t at_ns[2];    /* when that was, by the driver's clock */
};

static bool sends(const struct actor *actor) {
    return json_is_true(json_object_get(actor->ready, "sends"));
}

/* Some roles play only when the settings ask for them. */
static void choose_roles(struct performance *performance) {
    const struct probe *probe = performance->probe;

    for (size_t i = 0; i < probe->n_roles; i++)
        if (!probe->roles[i].applies || probe->roles[i].applies(performance->settings))
            performance->roles[performance->n++] = &probe->roles[i];
}

/* Below the probe's own topic, where it has one as a setting. */
static char *topic_of(const struct performance *performance) {
    const struct setting *row = setting_find(performance->probe->group, "topic");
    CLEANUP_FREE char *base = row ? setting_format(row, performance->settings) : text_copy("bench");

    return text_format("%s/%lld-%d", base, (long long)performance->id->trial,
                       performance->id->attempt);
}

/* Starts the roles one after the other; each knows what those before it have told. */
static int start_roles(struct performance *performance, struct error *error) {
    struct runner *runner = performance->runner;
    const struct probe *probe = performance->probe;
    const struct broker_settings *broker = settings_get(&runner->scenario->settings, &broker_group);
    CLEANUP_FREE char *topic = topic_of(performance);

    for (size_t i = 0; i < performance->n; i++) {
        struct actor *actor = &performance->actors[i];
        json_t *params = json_pack("{s:o,s:O,s:s}", "settings",
                                   setting_block_to_json(probe->group, performance->settings),
                                   "peers", performance->peers, "topic", topic);
        (void)json_object_set_new(params, "inflight", json_integer(broker->max_inflight));
        int r;

        if (probe->in_channel)
            (void)json_object_set(params, "pin", runner->session);
        r = cast_start(&runner->cast, actor, performance->roles[i], params, error);
        if (r == 0)
            r = cast_await(&runner->cast, actor, 1, ACTOR_READY, clock_monotonic_ns() + READY_NS,
                           error);
        if (r < 0)
            return r;
        (void)json_object_set(performance->peers, performance->roles[i]->name, actor->ready);
    }
    return 0;
}

/* Gives a cue to all senders or to all receivers. */
static int cue(struct performance *performance, bool senders, const char *word, const json_t *facts,
               struct error *error) {
    int r = 0;

    for (size_t i = 0; i < performance->n && r == 0; i++)
        if (sends(&performance->actors[i]) == senders)
            r = cast_tell(&performance->runner->cast, &performance->actors[i], word,
                          json_deep_copy(facts), error);
    return r;
}

static int look_at_broker(struct performance *performance, size_t which, struct error *error) {
    int r = host_order(performance->runner->cast.hosts[0], "broker-usage", NULL,
                       &performance->usage[which], error);

    performance->at_ns[which] = clock_monotonic_ns();
    if (r == 0)
        r = prepare_look(performance->runner, &performance->prepared[which], error);
    if (r == 0)
        r = host_load_look(performance->runner, &performance->loads[which], error);
    if (r == -ESRCH)
        r = cast_settle(&performance->runner->cast,
                        error_set(error, -ECANCELED, "the broker ended"), error);
    return r;
}

static int measure(struct performance *performance, struct error *error) {
    struct cast *cast = &performance->runner->cast;
    int64_t deadline = clock_monotonic_ns() + stage_longest_ns(performance->planned_ns) + SLACK_NS;
    int r = cue(performance, false, "go", NULL, error);

    if (r == 0)
        r = cue(performance, true, "go", NULL, error);
    if (r == 0)
        r = cast_await(cast, performance->actors, performance->n, ACTOR_BEGUN, deadline, error);
    if (r == 0)
        r = look_at_broker(performance, 0, error);
    if (r == 0)
        r = cast_await(cast, performance->actors, performance->n, ACTOR_DONE, deadline, error);
    if (r == 0)
        r = look_at_broker(performance, 1, error);
    return r;
}

static int await_results(struct performance *performance, bool senders, int64_t deadline_ns,
                         struct error *error) {
    int r = 0;

    for (size_t i = 0; i < performance->n && r == 0; i++)
        if (sends(&performance->actors[i]) == senders)
            r = cast_await(&performance->runner->cast, &performance->actors[i], 1, ACTOR_RESULT,
                           deadline_ns, error);
    return r;
}

/* Senders first; receivers are told how much was sent, so that they know when they have it all. */
static int drain(struct performance *performance, struct error *error) {
    int64_t deadline = clock_monotonic_ns() + DRAIN_NS, sent = 0;
    json_auto_t *facts = NULL;
    int r = cue(performance, true, "stop", NULL, error);

    if (r == 0)
        r = await_results(performance, true, deadline, error);
    for (size_t i = 0; i < performance->n; i++)
        sent += jsonline_integer(performance->actors[i].result, "sent", 0);
    facts = json_pack("{s:I}", "sent", (json_int_t)sent);
    if (r == 0)
        r = cue(performance, false, "stop", facts, error);
    if (r == 0)
        r = await_results(performance, false, deadline, error);
    return r;
}

/* ---- the record ---- */

static void write_steps(struct performance *performance, const struct actor *actor) {
    const json_t *steps = json_object_get(actor->result, "steps"), *step;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)steps, i, step) journal_interval(
        performance->runner->journal, performance->id, party_name(actor->role->party),
        (double)json_integer_value(json_array_get(step, 0)) / 1e9,
        (double)json_integer_value(json_array_get(step, 1)) / 1e9,
        json_integer_value(json_array_get(step, 2)));
}

/* What its rows of metrics.csv call it. */
static const char *process_name(const struct actor *actor) {
    return jsonline_text(actor->ready, "process", sends(actor) ? "sender" : "receiver");
}

/* The probe's headline, if this is the role that tells it. */
static void take_headline(const struct performance *performance, const struct actor *actor,
                          struct trial_result *result) {
    const json_t *rows = json_object_get(actor->result, "metrics"), *row;
    const char *name = probe_headline(performance->probe)->name;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)rows, i,
                       row) if (text_equal(json_string_value(json_array_get(row, 0)), name))
        result->headline = json_number_value(json_array_get(row, 2));
}

static void write_metrics(struct performance *performance, const struct actor *actor) {
    const json_t *rows = json_object_get(actor->result, "metrics"), *row;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)rows, i, row) journal_metric(
        performance->runner->journal, performance->id, party_name(actor->role->party),
        process_name(actor), json_string_value(json_array_get(row, 0)),
        json_string_value(json_array_get(row, 1)), json_number_value(json_array_get(row, 2)));
}

static void write_distributions(struct performance *performance, const struct actor *actor) {
    const json_t *all = json_object_get(actor->result, "distributions"), *one, *row;
    size_t i, j;

    json_array_foreach((json_t *)(uintptr_t)all, i, one)
        json_array_foreach(json_array_get(one, 2), j, row) journal_distribution(
            performance->runner->journal, performance->id,
            json_string_value(json_array_get(one, 0)), json_string_value(json_array_get(one, 1)),
            json_number_value(json_array_get(row, 0)), json_integer_value(json_array_get(row, 1)));
}

/* A role's share of the broker's work: [metric, operations], of stage_share(). */
static void write_share(struct performance *performance, double broker_cpu_s) {
    for (size_t i = 0; i < performance->n; i++) {
        const json_t *share = json_object_get(performance->actors[i].result, "share");

        if (share)
            journal_metric(performance->runner->journal, performance->id, "broker", "mosquitto",
                           json_string_value(json_array_get(share, 0)), "us",
                           broker_cpu_s * 1e6 / json_number_value(json_array_get(share, 1)));
    }
}

/* The broker's window opens and closes a moment after the receiver's, so its CPU time is scaled to
 * the receiver's. */
static void write_broker(struct performance *performance, double duration_s) {
    struct journal *journal = performance->runner->journal;
    const struct trial_id *id = performance->id;
    double cpu_s = json_real_value(json_object_get(performance->usage[1], "cpu_s")) -
                   json_real_value(json_object_get(performance->usage[0], "cpu_s"));
    double elapsed_s = (double)(jsonline_integer(performance->usage[1], "at_ns", 0) -
                                jsonline_integer(performance->usage[0], "at_ns", 0)) /
                       1e9;

    if (!json_object_get(performance->usage[1], "at_ns"))
        return; /* an external broker */
    if (elapsed_s > 0) {
        double in_window_s = cpu_s / elapsed_s * duration_s;

        journal_metric(journal, id, "broker", "mosquitto", "cpu_s", "s", in_window_s);
        journal_metric(journal, id, "broker", "mosquitto", "cpu_share", "%",
                       100 * cpu_s / elapsed_s);
        write_share(performance, in_window_s);
        prepare_write(performance->runner, id, performance->prepared[0], performance->prepared[1],
                      duration_s);
    }
    journal_metric(journal, id, "broker", "mosquitto", "peak_memory", "B",
                   (double)jsonline_integer(performance->usage[1], "peak_memory", 0));
    journal_metric(journal, id, "broker", "agent", "peak_memory", "B",
                   (double)jsonline_integer(performance->usage[1], "agent_peak_memory", 0));
}

/* A run goes on without its meter, but not without a word. */
static void tell_of_silence(struct runner *runner) {
    if (runner->meter && !runner->meter_silent)
        progress_note(runner->progress, "hosts.meter has given too few readings for this trial; "
                                        "it has no energy, and others may have none");
    runner->meter_silent = true;
}

/* Of the meter, whose window is the broker's: scaled as that is. */
static void write_energy(struct performance *performance, double duration_s) {
    struct journal *journal = performance->runner->journal;
    const struct trial_id *id = performance->id;
    const int64_t *at_ns = performance->at_ns;
    double elapsed_s = (double)(at_ns[1] - at_ns[0]) / 1e9;
    double power_w = meter_energy_j(performance->runner->meter, at_ns[0], at_ns[1]) / elapsed_s;

    if (!isfinite(power_w)) {
        tell_of_silence(performance->runner);
        return;
    }
    journal_metric(journal, id, "meter", "all", "energy", "J", power_w * duration_s);
    journal_metric(journal, id, "meter", "all", "power", "W", power_w);
    if (performance->units > 0)
        journal_metric(journal, id, "meter", "all", "energy_per_unit", "J",
                       power_w * duration_s / (double)performance->units);
}

/* Of a trial that is ok; what it is worth is for the reader to say. */
static void remark(struct trial_result *result, const char *words) {
    if (result->status != TRIAL_OK || !words)
        return;
    if (!result->reason)
        result->reason = text_copy("");
    text_append(&result->reason, "; ", words);
}

/* The reason is taken. */
static void make_void(struct trial_result *result, char *reason) {
    result->status = TRIAL_VOID;
    free(result->reason);
    result->reason = reason;
}

/* Of a host whose user may not have what is asked for: all of its connections are under its own. */
static bool remark_host(const struct performance *performance, size_t i,
                        struct trial_result *result) {
    CLEANUP_FREE char *words = NULL;

    if (!performance->runner->site.keeps_congestion[i])
        return false;
    words = text_format("%s keeps its own congestion control: an ordinary user there may not have "
                        "another (hosts.congestion)",
                        host_spec(performance->runner->cast.hosts[i]));
    remark(result, words);
    return true;
}

/* A broker that is another's, or a kernel that does not let: what such a trial measures is another
 * thing than the rungs beside it. */
static void remark_congestion(struct performance *performance, struct trial_result *result) {
    const struct hosts_settings *hosts =
        settings_get(&performance->runner->scenario->settings, &hosts_group);
    const char *used = jsonline_text(performance->usage[1], "congestion", "");
    CLEANUP_FREE char *words = NULL;
    bool kept = false;

    for (size_t i = 0; i < performance->runner->cast.n_hosts; i++)
        kept = remark_host(performance, i, result) || kept;
    if (kept || !*used || text_equal(used, hosts->congestion) ||
        text_equal(hosts->congestion, CONGESTION_DEFAULT) ||
        !setting_find(performance->probe->group, "topic")) /* it does not publish */
        return;
    words = text_format("the broker sends under %s, not under %s (hosts.congestion)", used,
                        hosts->congestion);
    remark(result, words);
}

static void take_text(const json_t *array, size_t index, char *text, size_t size) {
    const char *value = json_string_value(json_array_get(array, index));

    (void)snprintf(text, size, "%s", value ? value : "");
}

/* A trial over a TLS connection that is not the channel's says nothing about the channel. */
static void judge_tls(struct performance *performance, struct trial_result *result,
                      const json_t *tls) {
    if (result->status != TRIAL_OK)
        return;
    take_text(tls, 0, result->tls.version, sizeof(result->tls.version));
    take_text(tls, 1, result->tls.cipher, sizeof(result->tls.cipher));
    take_text(tls, 2, result->tls.group, sizeof(result->tls.group));
    if (!performance->probe->in_channel || json_equal(tls, performance->runner->session))
        return;
    make_void(result, text_format("TLS is not the channel's: %s %s %s", result->tls.version,
                                  result->tls.cipher, result->tls.group));
}

/* One arrival is the least by which a figure can differ from its neighbours. */
static void judge_grain(const struct performance *performance, const struct actor *actor,
                        struct trial_result *result) {
    const struct scenario_settings *design =
        settings_get(&performance->runner->scenario->settings, &scenario_group);
    int64_t arrivals = jsonline_integer(actor->result, "arrivals", 0);
    CLEANUP_FREE char *words = NULL;

    if (result->status != TRIAL_OK || arrivals <= 0 ||
        4e6 / (double)arrivals <= (double)design->margin_ppm)
        return;
    words =
        text_format("one of %lld arrivals is %.1f %% of this figure, more than a quarter of the "
                    "margin: a longer %s.duration counts finer",
                    (long long)arrivals, 100.0 / (double)arrivals, performance->probe->group->name);
    remark(result, words);
}

/* What a stranger's connection takes of broker and link nobody knows. One that has come stays, as
 * far as is known, until the channel is taken down. */
static void judge_guests(const struct performance *performance, struct trial_result *result) {
    const char *uninvited = jsonline_text(performance->usage[1], "uninvited", NULL);

    if (!uninvited || result->status != TRIAL_OK)
        return;
    make_void(result,
              text_format("the broker had an uninvited client, from %s; keep it away, or let "
                          "it listen elsewhere (hosts.address)",
                          uninvited));
}

static void take_results(struct performance *performance, struct trial_result *result) {
    result->status = TRIAL_OK;
    for (size_t i = 0; i < performance->n; i++) {
        const struct actor *actor = &performance->actors[i];

        write_metrics(performance, actor);
        write_distributions(performance, actor);
        take_headline(performance, actor, result);
        if (actor->role->beside) /* its metrics are all that the trial has of it */
            continue;
        judge_tls(performance, result, json_object_get(actor->result, "tls"));
        remark(result, jsonline_text(actor->result, "remark", NULL));
        if (sends(actor))
            continue;
        write_steps(performance, actor);
        result->bytes = jsonline_integer(actor->result, "bytes", -1);
        performance->units = jsonline_integer(actor->result, "units", 0);
        result->duration_s = (double)jsonline_integer(actor->result, "elapsed_ns", 0) / 1e9;
        judge_grain(performance, actor, result);
    }
    remark_congestion(performance, result);
    judge_guests(performance, result);
    write_broker(performance, result->duration_s);
    host_load_write(performance->runner, performance->id, performance->loads[0],
                    performance->loads[1], result->duration_s);
    write_energy(performance, result->duration_s);
}

int trial_perform(struct runner *runner, const struct trial_id *id, struct trial_result *result,
                  struct error *error) {
    struct performance performance = {
        .runner = runner, .id = id, .probe = probe_find(id->probe), .peers = json_object()};
    int r;

    performance.settings = id->measurement->settings;
    choose_roles(&performance);
    performance.planned_ns = performance.probe->planned_ns(performance.settings);
    *result = (struct trial_result){.bytes = -1, .started_realtime_ns = clock_realtime_ns()};
    progress_stage(runner->progress, id, id->probe);
    r = start_roles(&performance, error);
    if (r == 0)
        r = measure(&performance, error);
    if (r == 0)
        r = drain(&performance, error);
    if (r == 0) {
        take_results(&performance, result);
    } else if (r != -EINTR) { /* a lost host too fails the trial, not the run */
        result->status = TRIAL_FAILED;
        result->reason = text_copy(error->text);
        r = 0;
    }
    for (size_t i = 0; i < performance.n; i++)
        cast_drop(&runner->cast, &performance.actors[i]);
    json_decref(performance.peers);
    json_decref(performance.usage[0]);
    json_decref(performance.usage[1]);
    json_decref(performance.prepared[0]);
    json_decref(performance.prepared[1]);
    json_decref(performance.loads[0]);
    json_decref(performance.loads[1]);
    return r;
}
