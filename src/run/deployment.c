#include "run/run.h"

#include "base/clock.h"
#include "base/jsonline.h"
#include "broker/broker.h"
#include "broker/mosquitto.h"
#include "model/fleet.h"
#include "probes/probe.h"
#include "probes/proof.h"
#include "probes/telemetry.h"
#include "security/mechanism.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Every attempt of a proof has CLIENT_ANSWER_S; together they rarely need 100 ms, but a minute over
 * a link with 300 ms there and back. */
#define PROOFS_NS (300 * NS_PER_S)
/* To start on a busy machine, and to connect, be it over the slowest of links. */
#define READY_NS (180 * NS_PER_S)
/* Of each of the two: what is to leave and what is to arrive has 10 s, as has a connection. */
#define END_NS (30 * NS_PER_S)
/* Two clocks drift apart by less than one in so many: NTP steers each by 500 ppm at most. */
#define MAX_DRIFT 1000

/* ---- what the mechanisms need on the hosts, say a tunnel between them ---- */

static const struct channel *channel_of(const struct deployment *deployment) {
    return &deployment->run->scenario->channels[deployment->id.deployment->channel];
}

/* The order "channel", by which a host knows what will be deployed; the caller's. */
static json_t *channel_order(const struct deployment *deployment) {
    const struct channel *channel = channel_of(deployment);
    const char *outer = deployment->run->site.address;
    const struct scenario *scenario = deployment->run->scenario;
    CLEANUP_FREE char *own = mechanism_address(channel);
    json_t *fleet =
        scenario_has_fleet(scenario)
            ? setting_block_to_json(&fleet_group, settings_get(&scenario->settings, &fleet_group))
            : NULL;

    return json_pack("{s:o,s:O,s:s,s:s,s:o*}", "channel", channel_to_json(channel), "secrets",
                     json_array_get(deployment->run->secrets, deployment->id.deployment->channel),
                     "address", own ? own : outer, "outer", outer, "fleet", fleet);
}

/* Gives a host its turn, and keeps what it tells for the other. */
static int give_turn(struct run *run, size_t host, json_t **heard, struct error *error) {
    struct host *one = run->workers.hosts[host];
    json_t *message = NULL;
    int r = host_order(one, "prepare",
                       json_pack("{s:b,s:b,s:s,s:O*}", "broker", host == 0, "alone",
                                 run->workers.n_hosts == 1, "outer", run->site.address, "heard",
                                 *heard),
                       &message, error);

    if (r < 0)
        return r == -EINTR || r == -EPIPE ? r : error_prefix(error, r, "%s", host_spec(one));
    json_decref(*heard);
    *heard = message;
    return 0;
}

/* Nothing but TRIAL_OK has its trials measured; the reason is taken. */
static void set_status(struct deployment *deployment, enum trial_status status, char *reason) {
    free(deployment->reason);
    deployment->status = status;
    deployment->reason = reason;
}

/* 0 also when there is nothing to do, or when it cannot be had on these hosts: TRIAL_SKIPPED, and
 * not tried again. */
static int prepare(struct deployment *deployment, struct error *error) {
    static const size_t turns[] = {0, 1, 0};
    struct workers *workers = &deployment->run->workers;
    size_t n_turns = workers->n_hosts == 1 ? 1 : ARRAY_SIZE(turns);
    json_auto_t *heard = NULL;
    int r = 0;

    if (!mechanism_prepares(channel_of(deployment)))
        return 0;
    deployment->prepared = true;
    for (size_t i = 0; i < workers->n_hosts && r == 0; i++)
        r = host_order(workers->hosts[i], "channel", channel_order(deployment), NULL, error);
    for (size_t i = 0; i < n_turns && r == 0; i++)
        r = give_turn(deployment->run, turns[i], &heard, error);
    if (r != -EOPNOTSUPP)
        return r;
    (void)json_array_set_new(deployment->run->site.lacking, deployment->id.deployment->channel,
                             json_string(error->text));
    set_status(deployment, TRIAL_SKIPPED, text_copy(error->text));
    return 0;
}

/* Undone by the hosts themselves when the driver does not come to it. */
static void undo_preparation(struct deployment *deployment) {
    const struct workers *workers = &deployment->run->workers;

    for (size_t i = 0; i < workers->n_hosts && deployment->prepared; i++)
        (void)host_notify(workers->hosts[i], "undo", NULL, NULL);
    deployment->prepared = false;
}

/* ---- broker ---- */

static int start_broker(struct deployment *deployment, struct error *error) {
    const struct run *run = deployment->run;
    const void *settings = settings_get(&run->scenario->settings, &broker_group);
    json_auto_t *answer = NULL;
    int r = host_order(run->workers.hosts[0], "channel", channel_order(deployment), NULL, error);

    if (r < 0)
        return r;
    r = host_order(run->workers.hosts[0], "broker-up",
                   json_pack("{s:o}", "settings", setting_block_to_json(&broker_group, settings)),
                   &answer, error);
    if (r < 0)
        return r;
    deployment->broker_up = true;
    for (size_t i = 1; i < run->workers.n_hosts && r == 0; i++) {
        json_t *order = channel_order(deployment);

        (void)json_object_set(order, "port", json_object_get(answer, "port"));
        if (workers_further(&run->workers, i))
            (void)json_object_set_new(order, "member_host", json_true());
        r = host_order(run->workers.hosts[i], "channel", order, NULL, error);
    }
    return r;
}

/* ---- proofs ---- */

/* A broken one voids the trials; whether it is only a remark. */
static bool record_proof(struct deployment *deployment, const json_t *row) {
    const char *proof = jsonline_text(row, "proof", "?");
    const char *observed = jsonline_text(row, "observed", "");
    const char *cause = jsonline_text(row, "cause", "");
    const char *verdict = jsonline_text(row, "verdict", "");

    journal_proof(deployment->run->journal, &deployment->id, row);
    progress_detail(deployment->run->progress, terminal_style_of(verdict),
                    "  proof %-24s %-7s %s (%s)", proof, verdict, observed, cause);
    if (text_equal(verdict, "remark"))
        return true;
    if (!text_equal(verdict, "held") && deployment->status == TRIAL_OK)
        set_status(deployment, TRIAL_VOID,
                   text_format("proof %s broken: expected %s, observed %s (%s)", proof,
                               jsonline_text(row, "expected", ""), observed, cause));
    return false;
}

static void record_proofs(struct deployment *deployment, const json_t *result) {
    const json_t *proofs = json_object_get(result, "proofs"), *row;
    CLEANUP_FREE char *remarks = text_copy("");
    struct run *run = deployment->run;
    size_t i;

    if (!deployment->tls)
        deployment->tls = json_incref(json_object_get(result, "tls"));
    json_array_foreach(proofs, i, row) {
        if (record_proof(deployment, row))
            text_append(&remarks, ", ", jsonline_text(row, "proof", "?"));
    }
    if (*remarks && deployment->status == TRIAL_OK && deployment->id.deployment->block == 1)
        progress_note(run->progress, "block 1  %s  the broker is not as strict as asked: %s",
                      deployment->id.channel, remarks);
    if (!json_array_size(proofs) && deployment->status == TRIAL_OK)
        set_status(deployment, TRIAL_VOID, text_copy("no proof was made"));
}

/* The peak of memory of a worker that measures nothing else. */
static void record_peak(struct deployment *deployment, const struct worker *worker,
                        const char *process) {
    const json_t *peak = json_object_get(json_object_get(worker->result, "metrics"), "peak_memory");

    if (peak)
        journal_metric(deployment->run->journal, &deployment->id, party_name(worker->role->party),
                       process, "peak_memory", json_number_value(peak));
}

static int prove_as(struct deployment *deployment, const struct role *role, struct error *error) {
    struct workers *workers = &deployment->run->workers;
    struct worker prover = {0};
    int r;

    progress_doing(deployment->run->progress, &deployment->id, "proofs");
    r = workers_start(workers, &prover, role, json_object(), WORKER_RESULT, PROOFS_NS, error);
    if (r == 0) {
        record_proofs(deployment, prover.result);
        record_peak(deployment, &prover, "proof");
    }
    workers_drop(workers, &prover);
    return r;
}

static int prove(struct deployment *deployment, struct error *error) {
    int r = prove_as(deployment, &role_proof, error);

    if (r < 0 || !proof_is_at_broker(channel_of(deployment)))
        return r;
    return prove_as(deployment, &role_proof_at_broker, error);
}

/* ---- the link of a lab ---- */

/* A channel is brought up and proven over a link that holds nothing back: what it protects does
 * not depend on the link, and a slow one would take minutes for it. */
static int open_link(const struct deployment *deployment, struct error *error) {
    CLEANUP_FREE struct lab_settings *open = setting_block_new(&lab_group);

    return site_shape(&deployment->run->site, open, error);
}

/* Shapes the link and measures whether it is so: rows of proofs.csv. */
static int shape_link(struct deployment *deployment, struct error *error) {
    const struct scenario *scenario = deployment->run->scenario;
    const struct lab_settings *link = scenario->links[channel_of(deployment)->link].settings;
    json_auto_t *proofs = NULL;
    const json_t *proof;
    size_t i;
    int r = site_shape(&deployment->run->site, link, error);

    if (r == 0)
        r = site_prove_link(&deployment->run->site, link, &proofs, error);
    json_array_foreach(proofs, i, proof)(void) record_proof(deployment, proof);
    return r;
}

/* ---- clocks ---- */

/* The subscriber's clock against the publisher's. */
static void read_clocks(const struct site *site, int64_t *ret_ahead_ns, int64_t *ret_bound_ns) {
    const struct host_clock *broker = &site->clocks[0], *publisher = &site->clocks[1];

    *ret_ahead_ns = broker->ahead_ns - publisher->ahead_ns;
    *ret_bound_ns = broker->bound_ns + publisher->bound_ns;
}

/* Before the first message: good enough to show latencies as they come. */
static int compare_clocks(struct deployment *deployment, struct error *error) {
    struct telemetry_log *messages = &deployment->messages;
    struct run *run = deployment->run;
    int r;

    messages->ahead_ns = 0;
    messages->bound_ns = -1;
    if (run->workers.n_hosts == 1)
        return 0;
    r = site_compare_clocks(&run->site, error);
    if (r < 0)
        return r;
    read_clocks(&run->site, &messages->ahead_ns, &messages->bound_ns);
    messages->compared_ns = clock_monotonic_ns();
    if (messages->bound_ns == 0) /* a lab: both hosts share one kernel and its clock */
        messages->bound_ns = -1;
    return 0;
}

/* Behind the last message: clocks drift apart, so the middle of both comparisons is taken, and half
 * of their difference added to the bound. Without the second, nobody knows by how much they did. */
static void compare_clocks_again(struct deployment *deployment) {
    struct telemetry_log *messages = &deployment->messages;
    struct run *run = deployment->run;
    int64_t ahead_ns, bound_ns, moved_ns;

    if (messages->bound_ns < 0)
        return;
    if (run->interrupted || site_compare_clocks(&run->site, NULL) < 0) {
        messages->bound_ns += (clock_monotonic_ns() - messages->compared_ns) / MAX_DRIFT;
        return;
    }
    read_clocks(&run->site, &ahead_ns, &bound_ns);
    moved_ns = ahead_ns - messages->ahead_ns;
    messages->ahead_ns += moved_ns / 2;
    if (bound_ns > messages->bound_ns)
        messages->bound_ns = bound_ns;
    messages->bound_ns += (moved_ns < 0 ? -moved_ns : moved_ns) / 2;
}

/* ---- telemetry ---- */

static const struct telemetry_settings *telemetry_of(const struct run *run) {
    return settings_get(&run->scenario->settings, &telemetry_group);
}

/* What the two workers say comes in any order: a message is shown when both have reported it. */
static void hear_telemetry(void *context, const char *word, const json_t *line) {
    struct deployment *deployment = context;
    const struct telemetry_settings *settings = telemetry_of(deployment->run);
    int64_t sequence = jsonline_integer(line, "sequence", 0);
    double latency_ms;

    telemetry_log_hear(&deployment->messages, word, line);
    latency_ms = telemetry_log_latency_ms(&deployment->messages, sequence);
    if (isfinite(latency_ms))
        progress_detail(deployment->run->progress, STYLE_PLAIN,
                        "  client1 received #%lld on %s, %lld B, %.2f ms", (long long)sequence,
                        jsonline_text(line, "topic", ""), (long long)settings->payload_bytes,
                        latency_ms);
}

static int start_reporter(struct deployment *deployment, struct worker *worker,
                          const struct role *role, struct error *error) {
    struct workers *workers = &deployment->run->workers;
    json_t *settings = setting_block_to_json(&telemetry_group, telemetry_of(deployment->run));
    int r;

    worker->heard = hear_telemetry;
    worker->context = deployment;
    r = workers_start(workers, worker, role,
                      json_pack("{s:o,s:I,s:I}", "settings", settings, "tag",
                                (json_int_t)deployment->run->tag, "first",
                                (json_int_t)deployment->sent),
                      WORKER_READY, READY_NS, error);
    return r == 0 ? workers_signal(workers, worker, "go", NULL, error) : r;
}

static int start_telemetry(struct deployment *deployment, struct error *error) {
    int r = start_reporter(deployment, &deployment->subscriber, &role_telemetry_subscriber, error);

    if (r == 0)
        r = start_reporter(deployment, &deployment->publisher, &role_telemetry_publisher, error);
    deployment->telemetry_on = r == 0;
    return r;
}

static int stop_reporter(struct deployment *deployment, struct worker *worker, json_t *facts,
                         struct error *error) {
    struct workers *workers = &deployment->run->workers;
    int r = workers_signal(workers, worker, "stop", facts, error);

    return r < 0 ? r
                 : workers_await(workers, worker, 1, WORKER_RESULT, clock_monotonic_ns() + END_NS,
                                 error);
}

/* The publisher first; the subscriber then waits for what it knows to be on its way. */
static int stop_reporters(struct deployment *deployment, struct error *error) {
    int r = stop_reporter(deployment, &deployment->publisher, NULL, error);

    deployment->sent =
        jsonline_integer(deployment->publisher.result, "sent", (int64_t)deployment->messages.count);
    return r < 0 ? r
                 : stop_reporter(deployment, &deployment->subscriber,
                                 json_pack("{s:I}", "sent", (json_int_t)deployment->sent), error);
}

/* Notes whether all that was to arrive has had its time, so that the rest is lost: nothing is known
 * of that when one of those who would tell is gone. */
static void stop_telemetry(struct deployment *deployment) {
    struct run *run = deployment->run;
    CLEANUP_FREE char *label = NULL;
    struct error why;

    if (!deployment->telemetry_on)
        return;
    deployment->telemetry_on = false;
    deployment->incomplete |= run->interrupted;
    if (run->interrupted || run->workers.broker_end || stop_reporters(deployment, &why) == 0)
        return;
    deployment->incomplete = true;
    label = channel_label(channel_of(deployment));
    progress_note(run->progress, "block %d  %s  telemetry: %s", deployment->id.deployment->block,
                  label, why.text);
}

static void drop_telemetry(struct deployment *deployment) {
    workers_drop(&deployment->run->workers, &deployment->publisher);
    workers_drop(&deployment->run->workers, &deployment->subscriber);
}

/* ---- start and stop ---- */

/* Brings the channel up: what its hosts need, broker, proofs, telemetry. 0 also when it cannot be
 * had here, or when a proof broke. */
static int start(struct deployment *deployment, struct error *error) {
    const char *lacking = site_lacking(&deployment->run->site, deployment->id.deployment->channel);
    int r;

    if (lacking) {
        set_status(deployment, TRIAL_SKIPPED, text_copy(lacking));
        return 0;
    }
    progress_doing(deployment->run->progress, &deployment->id, "broker");
    r = open_link(deployment, error);
    if (r < 0)
        return r;
    r = prepare(deployment, error);
    if (r < 0 || deployment->status != TRIAL_OK)
        return r;
    r = start_broker(deployment, error);
    if (r < 0)
        return r;
    r = prove(deployment, error);
    if (r < 0 || deployment->status != TRIAL_OK)
        return r;
    r = shape_link(deployment, error);
    if (r < 0 || deployment->status != TRIAL_OK)
        return r;
    r = compare_clocks(deployment, error);
    return r < 0 ? r : start_telemetry(deployment, error);
}

/* A broker may end by itself in its last moments, too: its report must be heard now, or
 * it would be taken for the next one's end. */
static int keep_broker_log(struct deployment *deployment, struct error *error) {
    struct workers *workers = &deployment->run->workers;
    json_auto_t *answer = NULL;
    const char *log = NULL;

    if (deployment->broker_up && !workers->broker_end) {
        if (host_order(workers->hosts[0], "broker-down", NULL, &answer, NULL) == 0)
            log = jsonline_text(answer, "log", "");
        workers_hear_rest(workers, 0);
    }
    if (workers->broker_end)
        log = workers->broker_log ? workers->broker_log : "";
    return log ? journal_broker_log(deployment->run->journal, &deployment->id, log, error) : 0;
}

/* Takes it down and writes what its telemetry and its broker have left; also after a failure, when
 * little may be there. Only a record that cannot be kept is an error. */
static int stop(struct deployment *deployment, struct error *error) {
    struct run *run = deployment->run;
    int r;

    stop_telemetry(deployment);
    record_peak(deployment, &deployment->publisher, "telemetry");
    record_peak(deployment, &deployment->subscriber, "telemetry");
    drop_telemetry(deployment);
    compare_clocks_again(deployment);
    telemetry_log_write(&deployment->messages, run->journal, &deployment->id,
                        !deployment->incomplete);
    r = keep_broker_log(deployment, error);
    if (r == 0)
        r = journal_flush(run->journal, error);
    undo_preparation(deployment);
    deployment->up = deployment->broker_up = deployment->telemetry_on = false;
    deployment->incomplete = false;
    deployment->sent = 0;
    set_status(deployment, TRIAL_OK, NULL);
    text_replace(&run->workers.broker_end, NULL);
    text_replace(&run->workers.broker_log, NULL);
    json_decref(deployment->tls);
    deployment->tls = NULL;
    return r;
}

/* What fails may pass, a link that is down for a moment: after each bring-up in a row that came to
 * nothing, the next is tried a while later. */
static const int64_t pauses_ns[] = {0, 3 * NS_PER_S, 6 * NS_PER_S, 12 * NS_PER_S};

/* Channels that may come up: the others are skipped. */
static size_t count_possible(const struct run *run) {
    size_t n = 0;

    for (size_t i = 0; i < run->scenario->n_channels; i++)
        n += !site_lacking(&run->site, i);
    return n;
}

/* Counts one more. Whether it is the set-up that does not work, and no other channel would fare
 * better: so many in a row, of so many different channels as there are, have come to nothing; or
 * the channels alone when none has ever come up. */
static bool is_last_failure(struct run *run, size_t channel) {
    size_t n_down = 0;

    run->down[channel] = true;
    for (size_t i = 0; i < run->scenario->n_channels; i++)
        n_down += run->down[i];
    run->failures++;
    return (!run->came_up || run->failures >= ARRAY_SIZE(pauses_ns)) &&
           (n_down >= count_possible(run) || n_down >= ARRAY_SIZE(pauses_ns));
}

/* A channel that cannot come up fails its trials. Of somebody else's broker that the set-up does
 * not work can be said only when all channels are such, and none has come up. */
static int fail_deployment(struct deployment *deployment, int code, struct error *error) {
    struct run *run = deployment->run;
    char *words;

    if (deployment->foreign && deployment->id.deployment->block == 1 && deployment->id.attempt == 1)
        run->absent++;
    if (deployment->foreign ? !run->came_up && run->absent >= count_possible(run)
                            : is_last_failure(run, deployment->id.deployment->channel))
        return run->failures < 2
                   ? code
                   : error_prefix(error, code, "no channel came up in %zu tries in a row; the last",
                                  run->failures);
    words = text_format("the channel did not come up: %s", error->text);
    deployment->absence = text_copy(words);
    set_status(deployment, TRIAL_FAILED, words);
    return 0;
}

static int start_or_fail(struct deployment *deployment, struct error *error) {
    struct run *run = deployment->run;
    size_t last = ARRAY_SIZE(pauses_ns) - 1;
    int64_t pause_ns = run->came_up ? pauses_ns[run->failures < last ? run->failures : last] : 0;
    int r;

    if (deployment->absence) { /* what did not come up will not for the next probe either */
        set_status(deployment, TRIAL_FAILED, text_copy(deployment->absence));
        return 0;
    }
    r = site_pause(&run->site, pause_ns, error);
    if (r < 0)
        return r;
    r = site_mend(&run->site, error);
    if (r < 0)
        return r;
    r = start(deployment, error);
    deployment->up = r == 0;
    if (r < 0)
        return r == -EINTR ? r : fail_deployment(deployment, r, error);
    if (deployment->status == TRIAL_SKIPPED)
        return 0; /* nothing was tried */
    run->failures = 0;
    memset(run->down, 0, run->scenario->n_channels * sizeof(*run->down));
    run->came_up = true;
    return 0;
}

/* ---- trials ---- */

static int commit(struct run *run, const struct trial_id *id, const struct trial_result *result,
                  struct error *error) {
    int r = journal_commit(run->journal, id, result, error);

    if (r < 0)
        return r;
    (void)schedule_commit(run->schedule, id->trial, id->attempt, result->status == TRIAL_FAILED);
    run->outcome->trials[result->status]++;
    progress_trial(run->progress, id, result);
    return 0;
}

/* Where the broker lets a client have one connection, telemetry rests while a probe measures; and
 * while one conducts, that starts the broker anew. */
static bool telemetry_rests(const struct deployment *deployment) {
    return deployment->one_session || probe_find(deployment->id.probe)->conduct;
}

static void rest_telemetry(struct deployment *deployment) {
    if (!telemetry_rests(deployment))
        return;
    stop_telemetry(deployment);
    drop_telemetry(deployment);
}

static int wake_telemetry(struct deployment *deployment, struct trial_result *result,
                          struct error *error) {
    int r;

    if (!telemetry_rests(deployment) || result->status == TRIAL_FAILED)
        return 0;
    r = start_telemetry(deployment, error);
    if (r == 0 || r == -EINTR)
        return r;
    result->status = TRIAL_FAILED;
    text_replace(&result->reason, error->text);
    return 0;
}

/* One probe, on a channel that is brought up where it does not stand. */
static int measure_trial(struct deployment *deployment, size_t place, struct error *error) {
    const struct measurement *measurement = &deployment->run->scenario->measurements[place];
    CLEANUP(trial_result_clear)
    struct trial_result result = {.bytes = -1, .started_realtime_ns = clock_realtime_ns()};
    struct trial_id *id = &deployment->id;
    int r;

    free(deployment->variant);
    deployment->variant = scenario_variant(channel_of(deployment), measurement);
    id->trial = id->deployment->trial + (int64_t)place;
    id->measurement = measurement;
    id->probe = measurement->probe;
    id->variant = deployment->variant;
    r = deployment->up ? 0 : start_or_fail(deployment, error);
    if (r < 0)
        return r;
    result.status = deployment->status;
    result.reason = text_copy(deployment->reason);
    if (result.status == TRIAL_OK) {
        rest_telemetry(deployment);
        r = trial_run(deployment, &result, error);
        if (r == 0)
            r = wake_telemetry(deployment, &result, error);
    }
    if (r == 0 && result.status == TRIAL_FAILED)
        r = stop(deployment, error);
    return r == 0 ? commit(deployment->run, id, &result, error) : r;
}

/* Takes the signal, so that what is left to do can talk to the hosts; a second one ends that too.
 */
static void take_interrupt(struct run *run) {
    struct signalfd_siginfo taken;

    run->interrupted = true;
    (void)!read(run->options->cancel_fd, &taken, sizeof(taken));
}

int deployment_run(struct run *run, const struct schedule_item *item, struct error *error) {
    const struct channel *channel = &run->scenario->channels[item->deployment->channel];
    struct deployment deployment = {.run = run,
                                    .id = {.attempt = item->attempt,
                                           .deployment = item->deployment,
                                           .channel = channel->name,
                                           .channel_variant = channel->variant}};
    const struct broker_kind *kind = broker_kind_of(channel);
    struct error late;
    int r = 0, end;

    deployment.foreign = kind->group != NULL;
    deployment.one_session = kind->one_session && kind->one_session(channel);
    for (size_t i = 0; i < run->scenario->n_measurements && r == 0; i++)
        r = measure_trial(&deployment, i, error);
    if (r == -EINTR)
        take_interrupt(run);
    end = stop(&deployment, &late);
    free(deployment.variant);
    free(deployment.absence);
    return r < 0 ? r : end < 0 ? error_set(error, end, "%s", late.text) : 0;
}
