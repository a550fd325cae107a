#include "probes/stage.h"

#include "base/clock.h"
#include "base/process.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* How long a receiver waits for its sender to begin. */
#define FIRST_NS (3 * NS_PER_S)

void stage_open(struct stage *stage, struct jsonline_reader *orders, int out_fd,
                const json_t *params, const struct registry *registry) {
    *stage = (struct stage){.orders = *orders,
                            .out_fd = out_fd,
                            .params = params,
                            .registry = registry,
                            .result = json_object()};
    jsonline_init(orders, orders->fd);
}

void stage_close(struct stage *stage) {
    jsonline_clear(&stage->orders);
    json_decref(stage->result);
    stage->result = NULL;
}

int stage_say(struct stage *stage, const char *word, json_t *facts, struct error *error) {
    json_t *line = facts ? facts : json_object();

    (void)json_object_set_new(line, "say", json_string(word));
    return jsonline_send(stage->out_fd, line, error);
}

int stage_await(struct stage *stage, const char *word, json_t **ret_facts, struct error *error) {
    json_auto_t *line = NULL;
    int r = jsonline_wait(&stage->orders, -1, INT64_MAX, &line, error);

    if (r < 0)
        return r;
    if (!text_equal(jsonline_text(line, "do", NULL), word))
        return error_set(error, -EPROTO, "the driver said '%s' where '%s' was due",
                         jsonline_text(line, "do", "?"), word);
    if (ret_facts)
        *ret_facts = json_incref(line);
    return 0;
}

/* ---- measuring ---- */

/* What all streams have moved, at one instant. */
struct snapshot {
    int64_t at_ns, bytes, units;
    double cpu_s;
};

static double cpu_seconds(void) {
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static struct snapshot look(const struct stream *streams, size_t n_streams) {
    struct snapshot snapshot = {.at_ns = clock_monotonic_ns()};

    for (size_t i = 0; i < n_streams; i++) {
        snapshot.bytes += atomic_load_explicit(&streams[i].counter.bytes, memory_order_relaxed);
        snapshot.units += atomic_load_explicit(&streams[i].counter.units, memory_order_relaxed);
    }
    return snapshot;
}

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

/* Waits until the instant, but not past the driver's end or, by more than a step, a stream's. */
static int wait_until(struct stage *stage, const struct stream *streams, size_t n_streams,
                      int64_t instant_ns, struct error *error) {
    struct pollfd poller = {.fd = stage->orders.fd, .events = POLLIN};
    int64_t left;
    int r = 0;

    while (r == 0 && (left = instant_ns - clock_monotonic_ns()) > 0) {
        struct timespec timeout = {0};

        left = left > STAGE_STEP_NS ? STAGE_STEP_NS : left;
        timeout.tv_nsec = (long)left;
        if (ppoll(&poller, 1, &timeout, NULL) > 0)
            return error_set(error, -EPIPE, "the driver broke off");
        r = check_streams(streams, n_streams, error);
    }
    return r;
}

/* The sender hears `go` later than its receiver, on a busy host or over a slow ssh: until something
 * has come there is nothing to be measured. When nothing comes for long, that is the measurement.
 */
static int await_first(struct stage *stage, const struct stream *streams, size_t n_streams,
                       struct error *error) {
    int64_t deadline = clock_monotonic_ns() + FIRST_NS;
    int r = 0;

    while (r == 0 && look(streams, n_streams).bytes == 0 && clock_monotonic_ns() < deadline)
        r = wait_until(stage, streams, n_streams, clock_monotonic_ns() + NS_PER_MS, error);
    return r;
}

/* The window in steps of 100 ms, a row [start, end, bytes] each, in ns from its beginning. */
static int measure_steps(struct stage *stage, const struct stage_window *window,
                         const struct stream *streams, size_t n_streams, int64_t *steps,
                         size_t *ret_steps, struct snapshot *ret_end, struct error *error) {
    int64_t opened = clock_monotonic_ns(), closes = opened + window->duration_ns;
    struct snapshot snapshot;
    size_t n = 0;
    int r;

    do {
        int64_t next = opened + (int64_t)(n + 1) * STAGE_STEP_NS;

        if (next > closes - STAGE_STEP_NS / 2)
            next = closes;
        r = wait_until(stage, streams, n_streams, next, error);
        if (r < 0)
            return r;
        snapshot = look(streams, n_streams);
        steps[2 * n] = snapshot.at_ns;
        steps[2 * n + 1] = snapshot.bytes;
        n++;
    } while (snapshot.at_ns < closes);
    snapshot.cpu_s = cpu_seconds();
    *ret_steps = n;
    *ret_end = snapshot;
    return 0;
}

static void put_window(struct stage *stage, const struct snapshot *begin,
                       const struct snapshot *end) {
    (void)json_object_set_new(stage->result, "bytes", json_integer(end->bytes - begin->bytes));
    (void)json_object_set_new(stage->result, "units", json_integer(end->units - begin->units));
    (void)json_object_set_new(stage->result, "elapsed_ns", json_integer(end->at_ns - begin->at_ns));
    stage->cpu_s = end->cpu_s - begin->cpu_s;
    stage_metric(stage, "cpu_s", "s", stage->cpu_s);
    stage_metric(stage, "cpu_share", "%",
                 100 * stage->cpu_s * 1e9 / (double)(end->at_ns - begin->at_ns));
}

static void put_steps(struct stage *stage, const struct snapshot *begin, const int64_t *steps,
                      size_t n_steps) {
    json_t *rows = json_array();
    int64_t at = begin->at_ns, bytes = begin->bytes;

    for (size_t i = 0; i < n_steps; i++) {
        (void)json_array_append_new(rows, json_pack("[I,I,I]", (json_int_t)(at - begin->at_ns),
                                                    (json_int_t)(steps[2 * i] - begin->at_ns),
                                                    (json_int_t)(steps[2 * i + 1] - bytes)));
        at = steps[2 * i];
        bytes = steps[2 * i + 1];
    }
    (void)json_object_set_new(stage->result, "steps", rows);
}

int stage_measure(struct stage *stage, const struct stage_window *window, struct stream *streams,
                  size_t n_streams, void *(*run)(void *stream), bool steps, struct error *error) {
    size_t capacity = (size_t)(window->duration_ns / STAGE_STEP_NS) + 2, n_steps;
    CLEANUP_FREE int64_t *rows = memory_new(2 * capacity, sizeof(*rows));
    struct snapshot begin, end;
    int r = stage_await(stage, "go", NULL, error);

    for (size_t i = 0; i < n_streams && r == 0; i++)
        if (pthread_create(&streams[i].thread, NULL, run, &streams[i]) != 0)
            r = error_set(error, -EAGAIN, "no thread for stream %zu", i + 1);
    if (r == 0 && steps)
        r = await_first(stage, streams, n_streams, error);
    if (r == 0)
        r = wait_until(stage, streams, n_streams, clock_monotonic_ns() + window->warmup_ns, error);
    if (r == 0)
        r = stage_say(stage, "begin", NULL, error);
    if (r < 0)
        return r;
    begin = look(streams, n_streams);
    begin.cpu_s = cpu_seconds();
    atomic_store(&stage->measuring, true);
    r = measure_steps(stage, window, streams, n_streams, rows, &n_steps, &end, error);
    atomic_store(&stage->measuring, false);
    if (r < 0)
        return r;
    put_window(stage, &begin, &end);
    if (steps)
        put_steps(stage, &begin, rows, n_steps);
    return stage_say(stage, "done", NULL, error);
}

int stage_finish(struct stream *streams, size_t n_streams, struct error *error) {
    int r = 0;

    for (size_t i = 0; i < n_streams; i++) {
        (void)pthread_join(streams[i].thread, NULL);
        if (r == 0 && streams[i].code < 0)
            r = error_set(error, streams[i].code, "%s", streams[i].error.text);
    }
    return r;
}

/* ---- the result ---- */

void stage_metric(struct stage *stage, const char *name, const char *unit, double value) {
    json_t *rows = json_object_get(stage->result, "metrics");

    if (!rows) {
        rows = json_array();
        (void)json_object_set_new(stage->result, "metrics", rows);
    }
    (void)json_array_append_new(rows, json_pack("[s,s,f]", name, unit, value));
}

void stage_share(struct stage *stage, const char *operation, int64_t count) {
    CLEANUP_FREE char *name = text_format("cpu_per_%s", operation);

    stage_metric(stage, name, "us", stage->cpu_s * 1e6 / (double)count);
    (void)json_object_set_new(stage->result, "share", json_pack("[s,I]", name, (json_int_t)count));
}

void stage_distribution(struct stage *stage, const char *metric, const char *unit,
                        const struct histogram *histogram, double scale) {
    json_t *all = json_object_get(stage->result, "distributions"), *rows = json_array();

    if (!all) {
        all = json_array();
        (void)json_object_set_new(stage->result, "distributions", all);
    }
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        if (histogram->counts[i])
            (void)json_array_append_new(rows,
                                        json_pack("[f,I]", (double)histogram_upper_bound(i) / scale,
                                                  (json_int_t)histogram->counts[i]));
    (void)json_array_append_new(all, json_pack("[s,s,o]", metric, unit, rows));
}

void stage_put_session(struct stage *stage, const struct tls_session *session) {
    (void)json_object_set_new(
        stage->result, "tls",
        json_pack("[s,s,s]", session->version, session->cipher, session->group));
}

int stage_report(struct stage *stage, struct error *error) {
    stage_metric(stage, "peak_memory", "B", (double)process_peak_memory(0));
    return stage_say(stage, "result", json_incref(stage->result), error);
}
