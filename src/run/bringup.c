#include "run/bringup.h"

#include "base/clock.h"
#include "base/jsonline.h"
#include "broker/mosquitto.h"
#include "probes/proof.h"
#include "probes/telemetry.h"
#include "run/prepare.h"

#include <errno.h>
#include <math.h>

/* Every attempt of a proof has CLIENT_ANSWER_S; together they rarely need 100 ms, but a minute over
 * a link with 300 ms there and back. */
#define PROOFS_NS (300 * NS_PER_S)
/* To start on a busy machine, and to connect. */
#define READY_NS (60 * NS_PER_S)
/* Of each of the two: what is to leave and what is to arrive has 10 s, as has a connection. */
#define END_NS (30 * NS_PER_S)
/* Two clocks drift apart by less than one in so many: NTP steers each by 500 ppm at most. */
#define MAX_DRIFT 1000

/* ---- broker ---- */

static int start_broker(struct runner *runner, const struct trial_id *id, struct error *error) {
    json_t *order = prepare_channel_order(runner, id);
    json_auto_t *answer = NULL, *copy = json_deep_copy(order);
    int r = host_order(runner->workers.hosts[0], "channel", order, NULL, error);

    if (r == 0)
        r = host_order(
            runner->workers.hosts[0], "broker-up",
            json_pack("{s:o}", "settings",
                      setting_block_to_json(
                          &broker_group, settings_get(&runner->scenario->settings, &broker_group))),
            &answer, error);
    if (r < 0)
        return r;
    runner->broker_up = true;
    if (runner->workers.n_hosts == 1)
        return 0;
    (void)json_object_set(copy, "port", json_object_get(answer, "port"));
    return host_order(runner->workers.hosts[1], "channel", json_incref(copy), NULL, error);
}

/* ---- proofs ---- */

static void take_proofs(struct runner *runner, const struct trial_id *id, const json_t *result) {
    const json_t *rows = json_object_get(result, "proofs"), *row;
    size_t i;

    runner->session = json_incref(json_object_get(result, "tls"));
    json_array_foreach(rows, i, row) {
        const char *proof = jsonline_text(row, "proof", "?");
        const char *expected = jsonline_text(row, "expected", "");
        const char *observed = jsonline_text(row, "observed", "");
        const char *cause = jsonline_text(row, "cause", "");
        const char *verdict = jsonline_text(row, "verdict", "");

        journal_proof(runner->journal, id, row);
        progress_detail(runner->progress, "  proof %-24s %-7s %s (%s)", proof, verdict, observed,
                        cause);
        if (!text_equal(verdict, "held") && !runner->broken)
            runner->broken = text_format("proof %s broken: expected %s, observed %s (%s)", proof,
                                         expected, observed, cause);
    }
    if (!json_array_size(rows))
        runner->broken = text_copy("no proof was made");
}

/* The peak of memory of a worker that measures nothing else. */
static void write_peak(struct runner *runner, const struct trial_id *id,
                       const struct worker *worker, const char *process) {
    const json_t *peak = json_object_get(json_object_get(worker->result, "metrics"), "peak_memory");

    if (peak)
        journal_metric(runner->journal, id, party_name(worker->role->party), process, "peak_memory",
                       json_number_value(peak));
}

static int prove(struct runner *runner, const struct trial_id *id, struct error *error) {
    struct worker examiner = {0};
    int r = workers_start(&runner->workers, &examiner, &role_proof, json_object(), error);

    progress_doing(runner->progress, id, "proofs");
    if (r == 0)
        r = workers_await(&runner->workers, &examiner, 1, WORKER_RESULT,
                          clock_monotonic_ns() + PROOFS_NS, error);
    if (r == 0) {
        take_proofs(runner, id, examiner.result);
        write_peak(runner, id, &examiner, "proof");
    }
    workers_drop(&runner->workers, &examiner);
    return r;
}

/* ---- telemetry ---- */

/* The two workers' words come in any order: a message is shown when both have told of it. */
static void hear_telemetry(void *context, const char *word, const json_t *line) {
    struct runner *runner = context;
    const struct telemetry_settings *settings =
        settings_get(&runner->scenario->settings, &telemetry_group);
    int64_t sequence = jsonline_integer(line, "sequence", 0);
    double latency_ms;

    telemetry_log_hear(&runner->messages, word, line);
    latency_ms = telemetry_log_latency_ms(&runner->messages, sequence);
    if (isfinite(latency_ms))
        progress_detail(runner->progress, "  client1 received #%lld on %s, %lld B, %.2f ms",
                        (long long)sequence, settings->topic, (long long)settings->payload_bytes,
                        latency_ms);
}

static int start_worker(struct runner *runner, struct worker *worker, const struct role *role,
                        struct error *error) {
    json_t *settings = setting_block_to_json(
        &telemetry_group, settings_get(&runner->scenario->settings, &telemetry_group));
    int r;

    worker->heard = hear_telemetry;
    worker->context = runner;
    r = workers_start(&runner->workers, worker, role, json_pack("{s:o}", "settings", settings),
                      error);
    if (r == 0)
        r = workers_await(&runner->workers, worker, 1, WORKER_READY,
                          clock_monotonic_ns() + READY_NS, error);
    return r == 0 ? workers_signal(&runner->workers, worker, "go", NULL, error) : r;
}

static int start_telemetry(struct runner *runner, struct error *error) {
    int r = start_worker(runner, &runner->subscriber, &role_telemetry_subscriber, error);

    if (r == 0)
        r = start_worker(runner, &runner->publisher, &role_telemetry_publisher, error);
    runner->telemetry_on = r == 0;
    return r;
}

/* The publisher first; the subscriber then waits for what it knows to be on its way. */
static int stop_telemetry(struct runner *runner, struct error *error) {
    int r = workers_signal(&runner->workers, &runner->publisher, "stop", NULL, error);

    if (r == 0)
        r = workers_await(&runner->workers, &runner->publisher, 1, WORKER_RESULT,
                          clock_monotonic_ns() + END_NS, error);
    if (r == 0)
        r = workers_signal(
            &runner->workers, &runner->subscriber, "stop",
            json_pack("{s:I}", "sent",
                      (json_int_t)jsonline_integer(runner->publisher.result, "sent", 0)),
            error);
    if (r == 0)
        r = workers_await(&runner->workers, &runner->subscriber, 1, WORKER_RESULT,
                          clock_monotonic_ns() + END_NS, error);
    return r;
}

/* ---- clocks ---- */

/* The subscriber's clock against the publisher's. */
static void take_clocks(struct runner *runner, int64_t *ret_ahead_ns, int64_t *ret_bound_ns) {
    const struct host_clock *broker = &runner->site.clocks[0], *publisher = &runner->site.clocks[1];

    *ret_ahead_ns = broker->ahead_ns - publisher->ahead_ns;
    *ret_bound_ns = broker->bound_ns + publisher->bound_ns;
}

/* Before the first message: good enough to show latencies as they come. */
static int start_clocks(struct runner *runner, struct error *error) {
    struct telemetry_log *messages = &runner->messages;
    int r = 0;

    messages->ahead_ns = 0;
    messages->bound_ns = -1;
    if (runner->workers.n_hosts == 1)
        return 0;
    r = site_compare_clocks(&runner->site, error);
    if (r == 0)
        take_clocks(runner, &messages->ahead_ns, &messages->bound_ns);
    messages->compared_ns = clock_monotonic_ns();
    if (messages->bound_ns == 0) /* a lab: both hosts share one kernel and its clock */
        messages->bound_ns = -1;
    return r;
}

/* Behind the last message: clocks drift apart, so the middle of both comparisons is taken, and half
 * of their difference added to the bound. Without the second, nobody knows by how much they did. */
static void stop_clocks(struct runner *runner) {
    struct telemetry_log *messages = &runner->messages;
    int64_t ahead_ns, bound_ns, moved_ns;

    if (messages->bound_ns < 0)
        return;
    if (runner->interrupted || site_compare_clocks(&runner->site, NULL) < 0) {
        messages->bound_ns += (clock_monotonic_ns() - messages->compared_ns) / MAX_DRIFT;
        return;
    }
    take_clocks(runner, &ahead_ns, &bound_ns);
    moved_ns = ahead_ns - messages->ahead_ns;
    messages->ahead_ns += moved_ns / 2;
    if (bound_ns > messages->bound_ns)
        messages->bound_ns = bound_ns;
    messages->bound_ns += (moved_ns < 0 ? -moved_ns : moved_ns) / 2;
}

/* ---- all of it ---- */

int bringup_start(struct runner *runner, const struct trial_id *id, struct error *error) {
    int r;

    progress_doing(runner->progress, id, "broker");
    r = prepare_hosts(runner, id, error);
    if (r < 0 || runner->skipped)
        return r;
    r = start_broker(runner, id, error);
    if (r == 0)
        r = prove(runner, id, error);
    if (r == 0 && !runner->broken)
        r = start_clocks(runner, error);
    if (r == 0 && !runner->broken)
        r = start_telemetry(runner, error);
    return r;
}

/* A broker may end by itself in its last moments, too: what is told of that must be heard now, or
 * it would be taken for the next one's end. */
static int keep_log(struct runner *runner, const struct trial_id *id, struct error *error) {
    struct workers *workers = &runner->workers;
    json_auto_t *answer = NULL;
    const char *log = NULL;

    if (runner->broker_up && !workers->broker_end) {
        if (host_order(workers->hosts[0], "broker-down", NULL, &answer, NULL) == 0)
            log = jsonline_text(answer, "log", "");
        workers_hear_rest(workers, 0);
    }
    if (workers->broker_end)
        log = workers->broker_log ? workers->broker_log : "";
    return log ? journal_broker_log(runner->journal, id, log, error) : 0;
}

/* Whether all that was to arrive has had its time, so that the rest is lost: nothing is known of
 * that when one of those who would tell is gone. */
static bool end_telemetry(struct runner *runner, const struct trial_id *id) {
    CLEANUP_FREE char *label = NULL;
    struct error why;

    if (!runner->telemetry_on || runner->interrupted)
        return false;
    if (runner->workers.broker_end)
        return true;
    if (stop_telemetry(runner, &why) == 0)
        return true;
    label = channel_label(&runner->scenario->channels[id->deployment->channel]);
    progress_note(runner->progress, "block %d  %s  telemetry: %s", id->deployment->block, label,
                  why.text);
    return false;
}

int bringup_stop(struct runner *runner, const struct trial_id *id, struct error *error) {
    bool complete = end_telemetry(runner, id);
    int r;

    write_peak(runner, id, &runner->publisher, "telemetry");
    write_peak(runner, id, &runner->subscriber, "telemetry");
    workers_drop(&runner->workers, &runner->publisher);
    workers_drop(&runner->workers, &runner->subscriber);
    stop_clocks(runner);
    telemetry_log_write(&runner->messages, runner->journal, id, complete);
    r = keep_log(runner, id, error);
    if (r == 0)
        r = journal_flush(runner->journal, error);
    prepare_undo(runner);
    runner->broker_up = runner->telemetry_on = false;
    text_replace(&runner->skipped, NULL);
    text_replace(&runner->broken, NULL);
    text_replace(&runner->workers.broker_end, NULL);
    text_replace(&runner->workers.broker_log, NULL);
    json_decref(runner->session);
    runner->session = NULL;
    return r;
}
