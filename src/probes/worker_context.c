#include "probes/worker_context.h"

#include "base/clock.h"
#include "base/process.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* How long a receiver waits for an arrival at least: on a busy machine a short window may pass
 * without one. */
#define FIRST_NS (3 * NS_PER_S)
/* In a shorter one a busy machine may have stood still, not the stream. */
#define STANDSTILL_NS NS_PER_S
/* How often it looks whether an arrival was noted. */
#define LOOK_NS (2 * NS_PER_MS)

void worker_open(struct worker_context *worker, const struct role *role,
                 struct jsonline_reader *orders, int out_fd, const json_t *params,
                 const struct registry *registry) {
    *worker = (struct worker_context){.role = role,
                                      .orders = *orders,
                                      .out_fd = out_fd,
                                      .params = params,
                                      .registry = registry,
                                      .result = json_object()};
    jsonline_init(orders, orders->fd);
}

void worker_close(struct worker_context *worker) {
    jsonline_clear(&worker->orders);
    json_decref(worker->result);
    worker->result = NULL;
}

int worker_say(struct worker_context *worker, const char *word, json_t *facts,
               struct error *error) {
    json_t *line = facts ? facts : json_object();

    (void)json_object_set_new(line, "say", json_string(word));
    return jsonline_send(worker->out_fd, line, error);
}

int worker_await(struct worker_context *worker, const char *word, json_t **ret_facts,
                 struct error *error) {
    json_auto_t *line = NULL;
    int r = jsonline_wait(&worker->orders, -1, INT64_MAX, &line, error);

    if (r < 0)
        return r;
    if (!text_equal(jsonline_text(line, "do", NULL), word))
        return error_set(error, -EPROTO, "the driver said '%s' where '%s' was due",
                         jsonline_text(line, "do", "?"), word);
    if (ret_facts)
        *ret_facts = json_incref(line);
    return 0;
}

/* ---- streams ---- */

struct stream *stream_new(size_t n, int (*run)(struct stream *stream), _Atomic bool *stop) {
    struct stream *streams = aligned_alloc(_Alignof(struct stream), n * sizeof(*streams));

    if (!streams)
        abort();
    memset(streams, 0, n * sizeof(*streams));
    for (size_t i = 0; i < n; i++) {
        streams[i].run = run;
        streams[i].stop = stop;
    }
    return streams;
}

void *stream_run(void *argument) {
    struct stream *stream = argument;

    stream->code = stream->run(stream);
    atomic_store(&stream->ended, true);
    return NULL;
}

static struct snapshot look(const struct stream *streams, size_t n_streams) {
    struct snapshot snapshot = {.at_ns = clock_monotonic_ns()};

    for (size_t i = 0; i < n_streams; i++) {
        snapshot.bytes += atomic_load_explicit(&streams[i].counter.bytes, memory_order_relaxed);
        snapshot.units += atomic_load_explicit(&streams[i].counter.units, memory_order_relaxed);
    }
    return snapshot;
}

/* The same, and the processor's work until then: a system call. */
static struct snapshot look_closely(const struct stream *streams, size_t n_streams) {
    struct snapshot snapshot = look(streams, n_streams);
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    snapshot.cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    return snapshot;
}

/* ---- the window ---- */

/* Whether all streams still flow. */
static int check_streams(const struct stream *streams, size_t n_streams, struct error *error) {
    for (size_t i = 0; i < n_streams; i++)
        if (atomic_load(&streams[i].ended)) {
            if (streams[i].code < 0)
                return error_set(error, streams[i].code, "%s", streams[i].error.text);
            return error_set(error, -ECONNRESET, "the stream ended before its time");
        }
    return 0;
}

/* A window that is measured, and what was seen of its streams. */
struct watch {
    struct worker_context *worker;
    const struct worker_window *window;
    struct stream *streams;
    size_t n_streams;
    struct snapshot begin, end;
    int64_t seen_bytes, seen_ns; /* when something had moved that had not before */
    int64_t gap_ns;              /* the longest time in which nothing moved */
    struct snapshot *steps;      /* a receiver's, at the end of each; NULL before the window */
    size_t n_steps;
    int64_t next_step_ns;
};

static int64_t at_least(int64_t value, int64_t least) {
    return value > least ? value : least;
}

/* The longest that the first arrival is waited for; so no gap is longer. */
static int64_t longest_gap_ns(int64_t duration_ns) {
    return at_least(duration_ns, FIRST_NS);
}

/* The longest that a window stays closed, or open, for want of an arrival. */
static int64_t patience_ns(const struct watch *watch) {
    int64_t longest = longest_gap_ns(watch->window->duration_ns);

    return at_least(longest, 3 * (watch->gap_ns < longest ? watch->gap_ns : longest));
}

int64_t worker_longest_ns(int64_t planned_ns) {
    return planned_ns + 7 * longest_gap_ns(planned_ns);
}

/* Waits until the instant, but not past the driver's end or, by more than a step, a stream's. */
static int wait_until(struct watch *watch, int64_t instant_ns, struct error *error) {
    struct pollfd poller = {.fd = watch->worker->orders.fd, .events = POLLIN};
    int64_t left;

    while ((left = instant_ns - clock_monotonic_ns()) > 0) {
        struct timespec timeout = {0};
        struct snapshot now;
        int r;

        left = left > WORKER_STEP_NS ? WORKER_STEP_NS : left;
        timeout.tv_nsec = (long)left;
        if (ppoll(&poller, 1, &timeout, NULL) > 0)
            return error_set(error, -EPIPE, "the driver broke off");
        r = check_streams(watch->streams, watch->n_streams, error);
        if (r < 0)
            return r;
        now = look(watch->streams, watch->n_streams);
        if (now.bytes == watch->seen_bytes)
            continue;
        watch->gap_ns = at_least(watch->gap_ns, now.at_ns - watch->seen_ns);
        watch->seen_bytes = now.bytes;
        watch->seen_ns = now.at_ns;
    }
    return 0;
}

/* The sender hears `go` later than its receiver, on a busy host or over a slow ssh: until something
 * has come there is nothing to be measured. */
static int await_first(struct watch *watch, struct error *error) {
    int64_t deadline = clock_monotonic_ns() + longest_gap_ns(watch->window->duration_ns);

    while (watch->seen_bytes == 0 && clock_monotonic_ns() < deadline) {
        int r = wait_until(watch, clock_monotonic_ns() + LOOK_NS, error);

        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- from arrival to arrival ---- */

void arrival_note(struct arrival *arrival) {
    int asked = ARRIVAL_ASKED;

    /* Of several streams one is the first. */
    if (!atomic_compare_exchange_strong(&arrival->state, &asked, ARRIVAL_IDLE))
        return;
    arrival->snapshot = look_closely(arrival->streams, arrival->n_streams);
    atomic_store(&arrival->state, ARRIVAL_NOTED);
}

/* Waits until the instant, and notes each step that ends by then. A process that was stopped
 * meanwhile has one long step, not many empty ones. */
static int step_until(struct watch *watch, int64_t instant_ns, struct error *error) {
    while (watch->steps && watch->next_step_ns <= instant_ns) {
        struct snapshot now;
        int r = wait_until(watch, watch->next_step_ns, error);

        if (r < 0)
            return r;
        now = look(watch->streams, watch->n_streams);
        watch->steps[watch->n_steps++] = now;
        watch->next_step_ns =
            now.at_ns + WORKER_STEP_NS - (now.at_ns - watch->begin.at_ns) % WORKER_STEP_NS;
    }
    return wait_until(watch, instant_ns, error);
}

static int silence(int64_t silent_ns, struct error *error) {
    return error_set(error, -ENODATA, "nothing has arrived for %.1f s", (double)silent_ns / 1e9);
}

/* Asks for the next arrival and waits for it. */
static int await_arrival(struct watch *watch, struct snapshot *ret, struct error *error) {
    struct arrival *arrival = &watch->streams[0].own;
    int64_t deadline = clock_monotonic_ns() + patience_ns(watch);

    atomic_store(&arrival->state, ARRIVAL_ASKED);
    while (atomic_load(&arrival->state) != ARRIVAL_NOTED) {
        int r;

        if (clock_monotonic_ns() > deadline)
            return silence(clock_monotonic_ns() - watch->seen_ns, error);
        r = step_until(watch, clock_monotonic_ns() + LOOK_NS, error);
        if (r < 0)
            return r;
    }
    *ret = arrival->snapshot;
    return 0;
}

/* Whether a window in which nothing came but its last arrival is one of a standstill: arrivals that
 * were as rare before, large ones on a slow link, are none. */
static bool is_standstill(const struct watch *watch, int64_t usual_ns) {
    int64_t silent_ns = watch->end.at_ns - watch->begin.at_ns;

    return watch->end.units - watch->begin.units <= 1 && silent_ns > STANDSTILL_NS &&
           silent_ns > 3 * usual_ns;
}

/* From the first arrival after the warm-up to the first one after the duration. */
static int measure_arrivals(struct watch *watch, struct error *error) {
    int64_t duration = watch->window->duration_ns, usual;
    size_t capacity = (size_t)((duration + 3 * longest_gap_ns(duration)) / WORKER_STEP_NS) + 3;
    int r = await_arrival(watch, &watch->begin, error);

    if (r < 0)
        return r;
    usual = at_least(watch->gap_ns, watch->begin.at_ns - watch->seen_ns);
    r = worker_say(watch->worker, "begin", NULL, error);
    if (r < 0)
        return r;
    watch->steps = memory_new(capacity, sizeof(*watch->steps));
    watch->next_step_ns = watch->begin.at_ns + WORKER_STEP_NS;
    r = step_until(watch, watch->begin.at_ns + duration, error);
    if (r < 0)
        return r;
    r = await_arrival(watch, &watch->end, error);
    if (r < 0)
        return r;
    if (is_standstill(watch, usual))
        return silence(watch->end.at_ns - watch->begin.at_ns, error);
    /* The last step ends with the window; none is shorter than half of the others. */
    while (watch->n_steps > 0 &&
           watch->steps[watch->n_steps - 1].at_ns > watch->end.at_ns - WORKER_STEP_NS / 2)
        watch->n_steps--;
    watch->steps[watch->n_steps++] = watch->end;
    return 0;
}

/* Of what is no receiver: its own time. */
static int measure_time(struct watch *watch, struct error *error) {
    struct worker_context *worker = watch->worker;
    int r = worker_say(worker, "begin", NULL, error);

    if (r < 0)
        return r;
    watch->begin = look_closely(watch->streams, watch->n_streams);
    atomic_store(&worker->measuring, true);
    r = wait_until(watch, watch->begin.at_ns + watch->window->duration_ns, error);
    atomic_store(&worker->measuring, false);
    watch->end = look_closely(watch->streams, watch->n_streams);
    return r;
}

static void put_window(const struct watch *watch) {
    const struct snapshot *begin = &watch->begin, *end = &watch->end;
    struct worker_context *worker = watch->worker;
    int64_t elapsed_ns = end->at_ns - begin->at_ns, bytes = begin->bytes;
    json_t *ends, *moved;

    (void)json_object_set_new(worker->result, "bytes", json_integer(end->bytes - begin->bytes));
    (void)json_object_set_new(worker->result, "units", json_integer(end->units - begin->units));
    (void)json_object_set_new(worker->result, "elapsed_ns", json_integer(elapsed_ns));
    worker->cpu_s = end->cpu_s - begin->cpu_s;
    worker_metric(worker, "cpu_s", worker->cpu_s);
    worker_metric(worker, "cpu_share", 100 * worker->cpu_s * 1e9 / (double)elapsed_ns);
    if (!watch->steps)
        return;
    (void)json_object_set_new(worker->result, "arrivals", json_integer(end->units - begin->units));
    /* When each step ended, in ns from the beginning of the window, and what arrived in it. Lists
     * beside each other: a step a line would repeat the keys 36,000 times in an hour. */
    ends = json_array();
    moved = json_array();
    for (size_t i = 0; i < watch->n_steps; i++) {
        const struct snapshot *step = &watch->steps[i];

        (void)json_array_append_new(ends, json_integer(step->at_ns - begin->at_ns));
        (void)json_array_append_new(moved, json_integer(step->bytes - bytes));
        bytes = step->bytes;
    }
    (void)json_object_set_new(worker->result, "steps",
                              json_pack("{s:o,s:o}", "end_ns", ends, "bytes", moved));
}

static int start_streams(struct watch *watch, bool receives, struct error *error) {
    struct stream *streams = watch->streams;

    streams[0].own.streams = streams;
    streams[0].own.n_streams = watch->n_streams;
    watch->seen_ns = clock_monotonic_ns();
    for (size_t i = 0; i < watch->n_streams; i++) {
        streams[i].arrival = receives ? &streams[0].own : NULL;
        if (pthread_create(&streams[i].thread, NULL, stream_run, &streams[i]) != 0)
            return error_set(error, -EAGAIN, "no thread for stream %zu", i + 1);
    }
    return 0;
}

static void clear_watch(struct watch *watch) {
    free(watch->steps);
}

int worker_measure(struct worker_context *worker, const struct worker_window *window,
                   struct stream *streams, size_t n_streams, bool receives, struct error *error) {
    CLEANUP(clear_watch)
    struct watch watch = {
        .worker = worker, .window = window, .streams = streams, .n_streams = n_streams};
    int r = worker_await(worker, "go", NULL, error);

    if (r < 0)
        return r;
    r = start_streams(&watch, receives, error);
    if (r < 0)
        return r;
    r = receives ? await_first(&watch, error) : 0;
    if (r < 0)
        return r;
    r = wait_until(&watch, clock_monotonic_ns() + window->warmup_ns, error);
    if (r < 0)
        return r;
    r = receives ? measure_arrivals(&watch, error) : measure_time(&watch, error);
    if (r < 0)
        return r;
    put_window(&watch);
    return worker_say(worker, "done", NULL, error);
}

int worker_finish(struct stream *streams, size_t n_streams, struct error *error) {
    int r = 0;

    for (size_t i = 0; i < n_streams; i++) {
        (void)pthread_join(streams[i].thread, NULL);
        if (r == 0 && streams[i].code < 0)
            r = error_set(error, streams[i].code, "%s", streams[i].error.text);
    }
    return r;
}

int worker_measure_client(struct worker_context *worker, const struct worker_window *window,
                          struct stream *streams, size_t n_streams, struct error *error) {
    int r = worker_say(worker, "ready", json_pack("{s:s}", "process", "client"), error);

    if (r < 0)
        return r;
    r = worker_measure(worker, window, streams, n_streams, false, error);
    if (r < 0)
        return r;
    r = worker_await(worker, "stop", NULL, error);
    if (r < 0)
        return r;
    atomic_store(streams[0].stop, true);
    return worker_finish(streams, n_streams, error);
}

/* ---- the result ---- */

/* The object of that name in the result, made where there is none yet. */
static json_t *part_of_result(struct worker_context *worker, const char *name) {
    json_t *part = json_object_get(worker->result, name);

    if (!part) {
        part = json_object();
        (void)json_object_set_new(worker->result, name, part);
    }
    return part;
}

void worker_metric(struct worker_context *worker, const char *name, double value) {
    (void)json_object_set_new(part_of_result(worker, "metrics"), name, json_real(value));
}

void worker_share(struct worker_context *worker, const char *operation, int64_t count) {
    CLEANUP_FREE char *name = text_format("cpu_per_%s", operation);

    worker_metric(worker, name, worker->cpu_s * 1e6 / (double)count);
    (void)json_object_set_new(
        worker->result, "share",
        json_pack("{s:s,s:I}", "metric", name, "operations", (json_int_t)count));
}

void worker_distribution(struct worker_context *worker, const char *metric, const char *unit,
                         const struct histogram *histogram, double scale) {
    json_t *bounds = json_array(), *counts = json_array();

    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (!histogram->counts[i])
            continue;
        (void)json_array_append_new(bounds, json_real((double)histogram_upper_bound(i) / scale));
        (void)json_array_append_new(counts, json_integer(histogram->counts[i]));
    }
    (void)json_object_set_new(
        part_of_result(worker, "distributions"), metric,
        json_pack("{s:s,s:o,s:o}", "unit", unit, "upper_bounds", bounds, "counts", counts));
}

void worker_put_tls(struct worker_context *worker, const struct tls_session *session) {
    (void)json_object_set_new(worker->result, "tls",
                              json_pack("{s:s,s:s,s:s,s:s,s:s}", "version", session->version,
                                        "cipher", session->cipher, "group", session->group,
                                        "signature", session->signature, "client_signature",
                                        session->client_signature));
}

int worker_report(struct worker_context *worker, struct error *error) {
    worker_metric(worker, "peak_memory", (double)process_peak_memory(0));
    return worker_say(worker, "result", json_incref(worker->result), error);
}
