#include "probes/fleet_worker.h"

#include "base/clock.h"
#include "base/process.h"
#include "probes/conductor.h"

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>

/* ---- words ---- */

/* The next word of the driver; the clients go on until it comes. */
static int next_word(struct worker_context *worker, struct client_group *group, json_t **ret,
                     struct error *error) {
    while (group && !worker_has_word(worker)) {
        struct pollfd poller = {.fd = worker_fd(worker), .events = POLLIN};
        int r = client_group_run(group, INT64_MAX, worker_fd(worker), error);

        if (r < 0)
            return r;
        if (poll(&poller, 1, 0) > 0)
            break;
    }
    return jsonline_wait(&worker->orders, -1, INT64_MAX, ret, error);
}

static int obey_word(struct worker_context *worker, fleet_obey_fn *obey, void *context,
                     const json_t *line, struct error *error) {
    json_t *answer = json_object();
    int r = obey(context, jsonline_text(line, "do", "?"), line, answer, error);

    if (r == 0)
        return worker_say(worker, "answer", answer, error);
    json_decref(answer);
    return r;
}

int fleet_worker_serve(struct worker_context *worker, struct client_group *const *group,
                       fleet_obey_fn *obey, void *context, struct error *error) {
    int r = worker_say(worker, "ready", NULL, error);

    while (r == 0) {
        json_auto_t *line = NULL;

        r = next_word(worker, *group, &line, error);
        if (r < 0)
            return r;
        if (text_equal(jsonline_text(line, "do", NULL), "stop"))
            return 0;
        r = obey_word(worker, obey, context, line, error);
    }
    return r;
}

int fleet_worker_turn(struct worker_context *worker, struct client_group *group, int64_t until_ns,
                      struct error *error) {
    int r = client_group_run(group, until_ns, worker_fd(worker), error);
    struct pollfd poller = {.fd = worker_fd(worker), .events = POLLIN};

    if (r < 0 || clock_monotonic_ns() >= until_ns || poll(&poller, 1, 0) <= 0)
        return r;
    return error_set(error, -EPIPE, "the driver broke off");
}

int fleet_worker_wait(struct worker_context *worker, struct client_group *group, int64_t instant_ns,
                      struct error *error) {
    int r;

    do
        r = fleet_worker_turn(worker, group, instant_ns, error);
    while (r == 0 && clock_monotonic_ns() < instant_ns);
    return r;
}

int64_t fleet_worker_share(int64_t whole, int64_t count, int64_t all) {
    int64_t share = (int64_t)((double)whole * (double)count / (double)all + 0.5);

    return share > 1 ? share : 1;
}

/* ---- what it tells of itself ---- */

double fleet_worker_cpu_s(void) {
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void fleet_worker_put_usage(json_t *answer) {
    (void)json_object_set_new(answer, "memory", json_integer(process_own_memory(0)));
    (void)json_object_set_new(answer, "cpu_s", json_real(fleet_worker_cpu_s()));
}

void fleet_worker_put_wire(const struct client_group *group, json_t *answer) {
    struct client_group_wire wire;
    int64_t bytes, segments;

    client_group_wire(group, &wire);
    bytes = wire.sent_bytes + wire.received_bytes;
    segments = wire.sent_segments + wire.received_segments;
    (void)json_object_set_new(answer, "tcp_bytes", json_integer(bytes));
    (void)json_object_set_new(answer, "segments", json_integer(segments));
    (void)json_object_set_new(answer, "wire_bytes",
                              json_integer(bytes + segments * FLEET_HEADER_BYTES));
}

int fleet_worker_put_session(struct worker_context *worker, const struct client_group *group,
                             struct error *error) {
    struct client_group_counts counts;

    client_group_count(group, &counts);
    if (counts.accepted)
        worker_put_tls(worker, client_group_session(group));
    if (counts.other_tls)
        return error_set(error, -EPROTO,
                         "%lld connections have other TLS than the first; name a version, a suite "
                         "and a group (tls)",
                         (long long)counts.other_tls);
    return 0;
}
