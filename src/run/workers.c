#include "run/workers.h"

#include "base/clock.h"
#include "base/jsonline.h"

#include <errno.h>

#define TICK_NS (200 * NS_PER_MS)
/* How much later than its consequences the broker's end may be heard of: on a busy machine, by
 * another host over a way of its own. */
#define SETTLE_NS (2 * NS_PER_S)

size_t workers_host_of(const struct workers *workers, enum party party) {
    return party == PARTY_CLIENT2 && workers->n_hosts > 1 ? 1 : 0;
}

size_t workers_publishers(const struct workers *workers, size_t *ret_first) {
    size_t first = workers_host_of(workers, PARTY_CLIENT2);

    *ret_first = first;
    return workers->n_hosts - first;
}

const char *workers_further(const struct workers *workers, size_t host) {
    return host > 1 ? host_spec(workers->hosts[host]) : NULL;
}

/* What errors call a worker: its role, which several hosts have where it is of a fleet; the
 * caller's.
 */
static char *name_worker(const struct workers *workers, const struct worker *worker) {
    size_t first;

    if (!worker->role->fleet || workers_publishers(workers, &first) == 1)
        return text_copy(worker->role->name);
    return text_format("%s on %s", worker->role->name, host_spec(workers->hosts[worker->host]));
}

/* How far a worker is: the word by which it says so, and what it was to come to. */
static const struct {
    const char *word, *name;
} phases[] = {
    [WORKER_STARTED] = {NULL, "start"},          [WORKER_READY] = {"ready", "start"},
    [WORKER_BEGUN] = {"begin", "measured time"}, [WORKER_DONE] = {"done", "measured time's end"},
    [WORKER_RESULT] = {"result", "end"},
};

int workers_start_on(struct workers *workers, struct worker *worker, const struct role *role,
                     size_t host, json_t *params, enum worker_phase phase, int64_t limit_ns,
                     struct error *error) {
    json_auto_t *answer = NULL;
    CLEANUP_FREE char *name = NULL;
    size_t place = 0;
    int r;

    worker->role = role;
    worker->phase = WORKER_STARTED;
    worker->host = host;
    name = name_worker(workers, worker);
    r = host_order(workers->hosts[worker->host], "worker",
                   json_pack("{s:s,s:o}", "role", role->name, "params", params), &answer, error);
    if (r < 0)
        return r == -EINTR || r == -EPIPE ? r : error_prefix(error, r, "%s", name);
    worker->id = jsonline_integer(answer, "worker", 0);
    while (place < WORKERS_MAX && workers->started[place])
        place++;
    if (place == WORKERS_MAX)
        return error_set(error, -EBUSY, "too many workers");
    workers->started[place] = worker;
    return workers_await(workers, worker, 1, phase, clock_monotonic_ns() + limit_ns, error);
}

int workers_start(struct workers *workers, struct worker *worker, const struct role *role,
                  json_t *params, enum worker_phase phase, int64_t limit_ns, struct error *error) {
    return workers_start_on(workers, worker, role, workers_host_of(workers, role->party), params,
                            phase, limit_ns, error);
}

int workers_signal(struct workers *workers, struct worker *worker, const char *signal,
                   json_t *facts, struct error *error) {
    json_t *line = facts ? facts : json_object();

    (void)json_object_set_new(line, "do", json_string(signal));
    return host_notify(workers->hosts[worker->host], "tell",
                       json_pack("{s:I,s:o}", "worker", (json_int_t)worker->id, "line", line),
                       error);
}

int workers_ask(struct workers *workers, struct worker *worker, const char *word, json_t *facts,
                struct error *error) {
    json_decref(worker->answer);
    worker->answer = NULL;
    return workers_signal(workers, worker, word, facts, error);
}

/* ---- hearing ---- */

static void worker_said(struct worker *worker, json_t *line) {
    const char *word = jsonline_text(line, "say", "");

    if (text_equal(word, "failed")) {
        text_replace(&worker->failure, jsonline_text(line, "why", "?"));
        return;
    }
    if (text_equal(word, "answer")) {
        json_decref(worker->answer);
        worker->answer = json_incref(line);
        return;
    }
    for (enum worker_phase phase = WORKER_READY; phase <= WORKER_RESULT; phase++) {
        if (!text_equal(word, phases[phase].word))
            continue;
        worker->phase = phase;
        if (phase == WORKER_READY || phase == WORKER_RESULT) {
            json_t **place = phase == WORKER_READY ? &worker->ready : &worker->result;

            json_decref(*place);
            *place = json_incref(line);
        }
        return;
    }
    if (worker->heard)
        worker->heard(worker->context, word, line);
}

static void hear(struct workers *workers, size_t host, const json_t *event) {
    int64_t id = jsonline_integer(event, "worker", 0);
    const char *end = jsonline_text(event, "ended", NULL);

    if (json_object_get(event, "broker")) {
        text_replace(&workers->broker_end, jsonline_text(event, "why", "the broker ended"));
        text_replace(&workers->broker_log, jsonline_text(event, "log", ""));
        return;
    }
    for (size_t i = 0; i < WORKERS_MAX; i++) {
        struct worker *worker = workers->started[i];

        if (!worker || worker->id != id || worker->host != host)
            continue;
        if (!end)
            worker_said(worker, json_object_get(event, "line"));
        else if (!worker->failure && worker->phase < WORKER_RESULT)
            worker->failure = text_format("ended by itself (%s)", end);
    }
}

/* ---- waiting ---- */

/* The first that is not there yet, or NULL. */
static const struct worker *find_late(const struct worker *workers, size_t n,
                                      enum worker_phase phase) {
    for (size_t i = 0; i < n; i++)
        if (workers[i].phase < phase)
            return &workers[i];
    return NULL;
}

/* The broker's end comes first: what workers say then is only its consequence. */
static int check_failures(const struct workers *workers, struct error *error) {
    if (workers->broker_end)
        return error_set(error, -ECANCELED, "%s", workers->broker_end);
    for (size_t i = 0; i < WORKERS_MAX; i++) {
        const struct worker *worker = workers->started[i];
        CLEANUP_FREE char *name = NULL;

        if (!worker || !worker->failure)
            continue;
        name = name_worker(workers, worker);
        return error_set(error, -ECANCELED, "%s: %s", name, worker->failure);
    }
    return 0;
}

/* One event, or a moment without any. */
static int pump(struct workers *workers, int64_t deadline_ns, struct error *error) {
    int64_t tick = clock_monotonic_ns() + TICK_NS;
    json_auto_t *event = NULL;
    size_t host;
    int r = host_next_event(workers->hosts, workers->n_hosts,
                            tick < deadline_ns ? tick : deadline_ns, &event, &host, error);

    if (r == 0)
        hear(workers, host, event);
    if (workers->tick)
        workers->tick(workers->context);
    return r == -ETIMEDOUT ? 0 : r;
}

int workers_await_cause(struct workers *workers, int code, struct error *error) {
    int64_t deadline = clock_monotonic_ns() + SETTLE_NS;

    while (!workers->broker_end && clock_monotonic_ns() < deadline) {
        int r = pump(workers, deadline, error);

        if (r < 0)
            return r;
    }
    (void)check_failures(workers, error);
    return code;
}

int workers_wait(struct workers *workers, int64_t until_ns, struct error *error) {
    int r = 0;

    while (r == 0 && clock_monotonic_ns() < until_ns)
        r = pump(workers, until_ns, error);
    return r;
}

int workers_watch(struct workers *workers, int64_t until_ns, struct error *error) {
    int r;

    while ((r = check_failures(workers, error)) == 0 && clock_monotonic_ns() < until_ns) {
        r = pump(workers, until_ns, error);
        if (r < 0)
            return r;
    }
    return r < 0 ? workers_await_cause(workers, r, error) : 0;
}

void workers_hear_rest(struct workers *workers, size_t host) {
    int64_t end = clock_monotonic_ns() + SETTLE_NS; /* of one that says more and more */
    json_t *event;
    size_t only;

    while (clock_monotonic_ns() < end &&
           host_next_event(&workers->hosts[host], 1, 0, &event, &only, NULL) == 0) {
        hear(workers, host, event);
        json_decref(event);
    }
}

/* Lets events come until the deadline, and hears all that was said when it has passed: we may be
 * the one who was late, suspended on a laptop. True in *ret_over: it has. */
static int pump_until(struct workers *workers, int64_t deadline_ns, bool *ret_over,
                      struct error *error) {
    if (clock_monotonic_ns() < deadline_ns)
        return pump(workers, deadline_ns, error);
    *ret_over = true;
    for (size_t i = 0; i < workers->n_hosts; i++)
        workers_hear_rest(workers, i);
    return 0;
}

/* "its end", "its answer": what it did not come to. */
static int late_error(const struct workers *workers, const struct worker *late, const char *what,
                      struct error *error) {
    CLEANUP_FREE char *name = name_worker(workers, late);

    return error_set(error, -ETIMEDOUT, "%s did not come to its %s in time", name, what);
}

int workers_await(struct workers *workers, struct worker *awaited, size_t n,
                  enum worker_phase phase, int64_t deadline_ns, struct error *error) {
    const struct worker *late;
    bool over = false;

    while ((late = find_late(awaited, n, phase))) {
        int r = check_failures(workers, error);

        if (r < 0)
            return workers_await_cause(workers, r, error);
        if (over)
            return late_error(workers, late, phases[phase].name, error);
        r = pump_until(workers, deadline_ns, &over, error);
        if (r < 0)
            return r;
    }
    return check_failures(workers, error);
}

/* The first that has not answered, or NULL. */
static const struct worker *find_silent(const struct worker *workers, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!workers[i].answer)
            return &workers[i];
    return NULL;
}

int workers_hear_answers(struct workers *workers, struct worker *asked, size_t n,
                         int64_t deadline_ns, struct error *error) {
    const struct worker *silent;
    bool over = false;

    while ((silent = find_silent(asked, n))) {
        int r = check_failures(workers, error);

        if (r < 0)
            return workers_await_cause(workers, r, error);
        if (over)
            return late_error(workers, silent, "answer", error);
        r = pump_until(workers, deadline_ns, &over, error);
        if (r < 0)
            return r;
    }
    return check_failures(workers, error);
}

void workers_drop(struct workers *workers, struct worker *worker) {
    if (worker->id)
        (void)host_notify(workers->hosts[worker->host], "drop",
                          json_pack("{s:I}", "worker", (json_int_t)worker->id), NULL);
    for (size_t i = 0; i < WORKERS_MAX; i++)
        if (workers->started[i] == worker)
            workers->started[i] = NULL;
    json_decref(worker->ready);
    json_decref(worker->result);
    json_decref(worker->answer);
    free(worker->failure);
    *worker = (struct worker){.heard = worker->heard, .context = worker->context};
}
