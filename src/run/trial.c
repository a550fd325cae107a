#include "run/conduct.h"

#include "base/clock.h"
#include "base/jsonline.h"
#include "broker/mosquitto.h"
#include "probes/sequence.h"
#include "transport/congestion.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* After the measured time: what is still on its way may need a while on a slow link. Both ends look
 * whether anything moves; this is for one that has stopped doing so. */
#define DRAIN_NS (600 * NS_PER_S)
#define SLACK_NS (10 * NS_PER_S)

static bool sends(const struct worker *worker) {
    return json_is_true(json_object_get(worker->ready, "sends"));
}

char *running_trial_topic(const struct running_trial *trial) {
    const struct setting *row = setting_find(trial->probe->group, "topic");
    CLEANUP_FREE char *base =
        row ? setting_format(row, trial->id->measurement->settings) : text_copy("bench");

    return text_format("%s/%lld-%d", base, (long long)trial->id->trial, trial->id->attempt);
}

int64_t running_trial_tag(const struct running_trial *trial) {
    return (trial->run->tag + trial->id->trial * 8 + trial->id->attempt) % SEQUENCE_TAGS;
}

static int start_role(struct running_trial *trial, const struct role *role, const char *topic,
                      struct error *error) {
    const struct broker_settings *broker =
        settings_get(&trial->run->scenario->settings, &broker_group);
    struct worker *worker = &trial->workers[trial->n++];
    json_t *params = json_pack(
        "{s:o,s:O,s:s,s:I,s:I}", "settings",
        setting_block_to_json(trial->probe->group, trial->id->measurement->settings), "peers",
        trial->peers, "topic", topic, "tag", (json_int_t)running_trial_tag(trial), "inflight",
        (json_int_t)broker->max_inflight);
    int r;

    if (trial->probe->in_channel)
        (void)json_object_set(params, "pin", trial->deployment->tls);
    r = workers_start(&trial->run->workers, worker, role, params, WORKER_READY, TRIAL_READY_NS,
                      error);
    if (r == 0)
        (void)json_object_set(trial->peers, role->name, worker->ready);
    return r;
}

/* One after the other; each knows what those before it have said. Some run only when the settings
 * ask for them. */
static int start_roles(struct running_trial *trial, struct error *error) {
    const struct probe *probe = trial->probe;
    CLEANUP_FREE char *topic = running_trial_topic(trial);
    int r = 0;

    trial->workers = memory_new(probe->n_roles, sizeof(*trial->workers));
    for (size_t i = 0; i < probe->n_roles && r == 0; i++)
        if (!probe->roles[i].applies || probe->roles[i].applies(trial->id->measurement->settings))
            r = start_role(trial, &probe->roles[i], topic, error);
    return r;
}

/* Gives a signal to all senders or to all receivers. */
static int signal_all(struct running_trial *trial, bool senders, const char *signal,
                      const json_t *facts, struct error *error) {
    int r = 0;

    for (size_t i = 0; i < trial->n && r == 0; i++)
        if (sends(&trial->workers[i]) == senders)
            r = workers_signal(&trial->run->workers, &trial->workers[i], signal,
                               json_deep_copy(facts), error);
    return r;
}

/* The measured window: the broker is asked when all have opened theirs, and when all have closed
 * them. */
static int measure(struct running_trial *trial, struct error *error) {
    int64_t planned_ns = trial->probe->planned_ns(trial->id->measurement->settings);
    int64_t deadline = clock_monotonic_ns() + worker_longest_ns(planned_ns) + SLACK_NS;
    struct workers *workers = &trial->run->workers;
    int r = signal_all(trial, false, "go", NULL, error);

    if (r == 0)
        r = signal_all(trial, true, "go", NULL, error);
    if (r == 0)
        r = workers_await(workers, trial->workers, trial->n, WORKER_BEGUN, deadline, error);
    if (r == 0)
        r = usage_look(trial->deployment, &trial->looks[0], error);
    if (r == 0)
        r = workers_await(workers, trial->workers, trial->n, WORKER_DONE, deadline, error);
    return r == 0 ? usage_look(trial->deployment, &trial->looks[1], error) : r;
}

static int stop_all(struct running_trial *trial, bool senders, const json_t *facts,
                    int64_t deadline_ns, struct error *error) {
    int r = signal_all(trial, senders, "stop", facts, error);

    for (size_t i = 0; i < trial->n && r == 0; i++)
        if (sends(&trial->workers[i]) == senders)
            r = workers_await(&trial->run->workers, &trial->workers[i], 1, WORKER_RESULT,
                              deadline_ns, error);
    return r;
}

/* Senders first; receivers are told how much was sent, so that they know when they have it all. */
static int drain(struct running_trial *trial, struct error *error) {
    int64_t deadline = clock_monotonic_ns() + DRAIN_NS, sent = 0;
    json_auto_t *facts = NULL;
    int r = stop_all(trial, true, NULL, deadline, error);

    if (r < 0)
        return r;
    for (size_t i = 0; i < trial->n; i++)
        sent += jsonline_integer(trial->workers[i].result, "sent", 0);
    facts = json_pack("{s:I}", "sent", (json_int_t)sent);
    return stop_all(trial, false, facts, deadline, error);
}

/* The phases of a probe that does not conduct. */
static int go_through(struct running_trial *trial, struct error *error) {
    int r = start_roles(trial, error);

    if (r == 0)
        r = measure(trial, error);
    return r < 0 ? r : drain(trial, error);
}

/* ---- the record ---- */

static void write_steps(struct running_trial *trial, const struct worker *worker) {
    const json_t *steps = json_object_get(worker->result, "steps"), *end;
    const json_t *moved = json_object_get(steps, "bytes");
    double start_s = 0;
    size_t i;

    json_array_foreach(json_object_get(steps, "end_ns"), i, end) {
        double end_s = (double)json_integer_value(end) / 1e9;

        journal_interval(trial->run->journal, trial->id, party_name(worker->role->party), start_s,
                         end_s, json_integer_value(json_array_get(moved, i)));
        start_s = end_s;
    }
}

/* What its rows of metrics.csv call it. */
static const char *process_name(const struct worker *worker) {
    return jsonline_text(worker->ready, "process", sends(worker) ? "sender" : "receiver");
}

/* Those that have rows of their own; NULL: they are added up by host (conduct_write_hosts()). */
static json_t *own_metrics(const struct worker *worker) {
    return worker->role->fleet ? NULL : json_object_get(worker->result, "metrics");
}

static void write_distributions(struct running_trial *trial, const struct worker *worker) {
    const char *name;
    json_t *distribution;

    json_object_foreach(json_object_get(worker->result, "distributions"), name, distribution) {
        const json_t *counts = json_object_get(distribution, "counts"), *bound;
        size_t i;

        json_array_foreach(json_object_get(distribution, "upper_bounds"), i, bound) {
            journal_distribution(trial->run->journal, trial->id, name,
                                 jsonline_text(distribution, "unit", ""), json_number_value(bound),
                                 json_integer_value(json_array_get(counts, i)));
        }
    }
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
static bool remark_host(const struct running_trial *trial, size_t i, struct trial_result *result) {
    CLEANUP_FREE char *words = NULL;

    if (!trial->run->site.keeps_congestion[i])
        return false;
    words = text_format("%s keeps its own congestion control: another takes CAP_NET_ADMIN there, "
                        "which ordinary users and most containers have not (hosts.congestion)",
                        host_spec(trial->run->workers.hosts[i]));
    remark(result, words);
    return true;
}

/* A broker that is another's, or a kernel that does not let: what such a trial measures is another
 * thing than the rungs beside it. */
static void remark_congestion(struct running_trial *trial, struct trial_result *result) {
    const struct hosts_settings *hosts =
        settings_get(&trial->run->scenario->settings, &hosts_group);
    const char *used = jsonline_text(trial->looks[1].broker, "congestion", "");
    CLEANUP_FREE char *words = NULL;
    bool kept = false;

    for (size_t i = 0; i < trial->run->workers.n_hosts; i++)
        kept = remark_host(trial, i, result) || kept;
    if (kept || !*used || text_equal(used, hosts->congestion) ||
        text_equal(hosts->congestion, CONGESTION_DEFAULT) ||
        !setting_find(trial->probe->group, "topic")) /* it does not publish */
        return;
    words = text_format("the broker sends under %s, not under %s (hosts.congestion)", used,
                        hosts->congestion);
    remark(result, words);
}

/* "client1 on local has TLSv1.3 TLS_AES_256_GCM_SHA384 x25519 ecdsa_secp256r1_sha256"; the
 * caller's. */
static char *name_tls(const struct workers *workers, enum party party, size_t host,
                      const json_t *tls) {
    return text_format("%s on %s has %s %s %s %s", party_name(party),
                       host_spec(workers->hosts[host]), jsonline_text(tls, "version", "no TLS"),
                       jsonline_text(tls, "cipher", ""), jsonline_text(tls, "group", ""),
                       jsonline_text(tls, "signature", ""));
}

/* The channel's is what the proofs of client2 have found. */
static char *explain_tls(const struct running_trial *trial, const struct worker *worker,
                         const json_t *tls) {
    const struct workers *workers = &trial->run->workers;
    CLEANUP_FREE char *its = name_tls(workers, worker->role->party, worker->host, tls);
    CLEANUP_FREE char *channels = name_tls(
        workers, PARTY_CLIENT2, workers_host_of(workers, PARTY_CLIENT2), trial->deployment->tls);
    bool other_group = !json_equal(json_object_get(tls, "group"),
                                   json_object_get(trial->deployment->tls, "group"));

    return text_format("TLS is not the channel's: %s, the channel's %s%s", its, channels,
                       other_group ? "; name a group that all have (tls.groups)" : "");
}

/* A trial over a TLS connection that is not the channel's says nothing about the channel. A process
 * with members tells of none when none of them came up. */
static void judge_tls(const struct running_trial *trial, const struct worker *worker,
                      struct trial_result *result) {
    const json_t *tls = json_object_get(worker->result, "tls");

    if (result->status != TRIAL_OK || (worker->role->fleet && !tls))
        return;
    (void)snprintf(result->tls.version, sizeof(result->tls.version), "%s",
                   jsonline_text(tls, "version", ""));
    (void)snprintf(result->tls.cipher, sizeof(result->tls.cipher), "%s",
                   jsonline_text(tls, "cipher", ""));
    (void)snprintf(result->tls.group, sizeof(result->tls.group), "%s",
                   jsonline_text(tls, "group", ""));
    if (!json_is_true(json_object_get(worker->result, "resumed"))) /* then nothing is signed */
        (void)snprintf(result->tls.signature, sizeof(result->tls.signature), "%s",
                       jsonline_text(tls, "signature", ""));
    if (!trial->probe->in_channel || json_equal(tls, trial->deployment->tls))
        return;
    make_void(result, explain_tls(trial, worker, tls));
}

/* Where nobody tells of TLS nothing says that it was the channel's. */
static void judge_untold(const struct running_trial *trial, struct trial_result *result) {
    for (size_t i = 0; i < trial->n; i++)
        if (json_object_get(trial->workers[i].result, "tls"))
            return;
    if (trial->probe->in_channel && result->status == TRIAL_OK)
        make_void(result, text_copy("no process tells of a connection: whether TLS was the "
                                    "channel's is not known"));
}

/* One arrival is the least by which a figure can differ from its neighbours. */
static void judge_grain(const struct running_trial *trial, const struct worker *worker,
                        struct trial_result *result) {
    const struct scenario_settings *design =
        settings_get(&trial->run->scenario->settings, &scenario_group);
    int64_t arrivals = jsonline_integer(worker->result, "arrivals", 0);
    CLEANUP_FREE char *words = NULL;

    if (result->status != TRIAL_OK || arrivals <= 0 ||
        4e6 / (double)arrivals <= (double)design->margin_ppm)
        return;
    words =
        text_format("one of %lld arrivals is %.1f %% of this figure, more than a quarter of the "
                    "margin: a longer %s.duration counts finer",
                    (long long)arrivals, 100.0 / (double)arrivals, trial->probe->group->name);
    remark(result, words);
}

/* What a stranger's connection takes of broker and link nobody knows. One that has come stays, as
 * far as is known, until the channel is taken down. */
static void judge_guests(const struct running_trial *trial, struct trial_result *result) {
    const char *uninvited = jsonline_text(trial->looks[1].broker, "uninvited", NULL);

    if (!uninvited || result->status != TRIAL_OK)
        return;
    make_void(result,
              text_format("the broker had an uninvited client, from %s; keep it away, or let "
                          "it listen elsewhere (hosts.address)",
                          uninvited));
}

/* Writes the rows of what the workers, the broker and the hosts have said, and judges it. */
static void record_results(struct running_trial *trial, struct trial_result *result) {
    result->status = TRIAL_OK;
    remark(result, trial->remarks);
    for (size_t i = 0; i < trial->n; i++) {
        const struct worker *worker = &trial->workers[i];
        const char *name;
        json_t *value;

        json_object_foreach(own_metrics(worker), name, value) {
            journal_metric(trial->run->journal, trial->id, party_name(worker->role->party),
                           process_name(worker), name, json_number_value(value));
            if (text_equal(name, probe_headline(trial->probe, trial->run->scenario)->name))
                result->headline = json_number_value(value);
        }
        write_distributions(trial, worker);
        if (json_object_get(worker->result, "share"))
            trial->share = json_object_get(worker->result, "share");
        if (worker->role->beside) /* its metrics are all that the trial has of it */
            continue;
        judge_tls(trial, worker, result);
        remark(result, jsonline_text(worker->result, "remark", NULL));
        if (sends(worker) || trial->probe->conduct)
            continue;
        write_steps(trial, worker);
        result->bytes = jsonline_integer(worker->result, "bytes", -1);
        trial->units = jsonline_integer(worker->result, "units", 0);
        result->duration_s = (double)jsonline_integer(worker->result, "elapsed_ns", 0) / 1e9;
        judge_grain(trial, worker, result);
    }
    if (trial->probe->conduct)
        conduct_write_hosts(trial);
    judge_untold(trial, result);
    remark_congestion(trial, result);
    judge_guests(trial, result);
    usage_write(trial->run, trial->id, trial->looks, result->duration_s, trial->share,
                trial->units);
}

static void clear(struct running_trial *trial) {
    for (size_t i = 0; i < trial->n; i++)
        workers_drop(&trial->run->workers, &trial->workers[i]);
    free(trial->workers);
    free(trial->remarks);
    json_decref(trial->peers);
    usage_clear(&trial->looks[0]);
    usage_clear(&trial->looks[1]);
}

int trial_run(const struct deployment *deployment, struct trial_result *result,
              struct error *error) {
    const struct trial_id *id = &deployment->id;
    struct running_trial trial = {.deployment = deployment,
                                  .run = deployment->run,
                                  .id = id,
                                  .probe = probe_find(id->probe),
                                  .peers = json_object()};
    int r;

    result->started_realtime_ns = clock_realtime_ns();
    progress_doing(trial.run->progress, id, id->probe);
    r = trial.probe->conduct ? conduct(&trial, result, error) : go_through(&trial, error);
    if (r == 0) {
        record_results(&trial, result);
    } else if (r != -EINTR) { /* a lost host too fails the trial, not the run */
        result->status = TRIAL_FAILED;
        result->reason = text_copy(error->text);
        r = 0;
    }
    clear(&trial);
    return r;
}
