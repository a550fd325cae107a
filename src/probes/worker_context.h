/*
 * worker_context - what a role runs in: its conversation with the driver, and the measuring of what
 * its streams move.
 *
 * Every worker goes through the same phases: `ready` (it can begin), `go` (the driver's word),
 * `begin` and `done` (its own window of measurement has opened, has closed), `stop` (the driver's
 * word, with what the other side has told), `result`. The streams run in threads of their own and
 * do nothing but move bytes and count; their counters are looked at from outside, so that a
 * measured loop needs neither clock nor lock.
 *
 * Throughput is what arrived after the first arrival of the window, up to and with its last, over
 * the time between these two. Counted between two instants that are no arrivals, whole messages or
 * records would be up to one too few or too many, in every trial the same way where the warm-up
 * begins with the first of them.
 */
#ifndef BENCH_PROBES_WORKER_CONTEXT_H
#define BENCH_PROBES_WORKER_CONTEXT_H

#include "base/histogram.h"
#include "base/jsonline.h"
#include "model/client_config.h"
#include "model/fleet.h"
#include "model/metric.h"
#include "model/setting.h"
#include "model/trial.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#define WORKER_STEP_NS (100 * 1000000LL)
/* After the last message, silence of this length means that what is due is lost: a link by radio
 * rests for seconds, and TCP then asks again ever more rarely. */
#define WORKER_LOST_NS (10 * 1000000000LL)

struct role;

struct worker_context {
    const struct role *role; /* that it has been told to be */
    struct jsonline_reader orders;
    int out_fd;
    const json_t *params; /* of the role; borrowed */
    /* Set by role_run(): the settings of the role's group, its party's client, and the fleet. */
    void *settings;
    struct client_config *client;
    struct fleet_plan *fleet; /* NULL: the scenario has none */
    const struct registry *registry;
    json_t *result; /* what will be said at the end; borrowed by nobody else */
    /* Set by worker_measure(). */
    _Atomic bool measuring; /* the window is open; for threads that keep books of their own */
    double cpu_s;           /* of this process in the window */
};

/* What one stream has moved; each on a cache line of its own, written by its thread only. */
struct stream_counter {
    _Alignas(64) _Atomic int64_t bytes;
    _Atomic int64_t units; /* messages, connections, or a receiver's arrivals */
};

/* What all streams have moved, at one instant. */
struct snapshot {
    int64_t at_ns, bytes, units;
    double cpu_s; /* of this process */
};

/* An arrival that is asked for, and the stream notes that has the next one. */
enum arrival_state { ARRIVAL_IDLE, ARRIVAL_ASKED, ARRIVAL_NOTED };
struct arrival {
    _Alignas(64) _Atomic int state;
    const struct stream *streams; /* all that are measured together */
    size_t n_streams;
    struct snapshot snapshot; /* when and of what it was noted */
};

/* One thread that moves bytes until `stop` is set or the other side ends. Whoever opens it sets
 * run, stop and context. */
struct stream {
    struct stream_counter counter;
    struct arrival *arrival; /* a receiver's; NULL: none is asked for */
    struct arrival own;      /* the first stream's is that of all */
    pthread_t thread;
    int (*run)(struct stream *stream); /* its loop; returns the code */
    _Atomic bool *stop;
    _Atomic bool ended;
    int code; /* why it ended: 0 or a negative errno, with words in error */
    struct error error;
    void *context; /* the role's own */
};

/* So many streams with this loop, whose contexts are to be set; free() ends them. */
struct stream *stream_new(size_t n, int (*run)(struct stream *stream), _Atomic bool *stop);
/* What the thread of a stream does: its loop, and says that it has ended. */
void *stream_run(void *stream);

/* Notes that a stream has an arrival now. */
void arrival_note(struct arrival *arrival);

/* Counts what a stream has moved in all: `units` are a receiver's arrivals, each the end of the
 * read that completed it. */
static inline void stream_count(struct stream *stream, int64_t bytes, int64_t units) {
    atomic_store_explicit(&stream->counter.bytes, bytes, memory_order_relaxed);
    atomic_store_explicit(&stream->counter.units, units, memory_order_relaxed);
    if (stream->arrival &&
        atomic_load_explicit(&stream->arrival->state, memory_order_relaxed) == ARRIVAL_ASKED)
        arrival_note(stream->arrival);
}

/* The window of measurement, in nanoseconds from `go`, or, of a receiver, from its first arrival.
 */
struct worker_window {
    int64_t warmup_ns, duration_ns;
};

/* Speaks on out_fd and hears through orders (whose buffer is then the context's). */
void worker_open(struct worker_context *worker, const struct role *role,
                 struct jsonline_reader *orders, int out_fd, const json_t *params,
                 const struct registry *registry);
void worker_close(struct worker_context *worker);

/* Tells the driver something: {"say": word, ...facts}; facts (may be NULL) is taken. */
int worker_say(struct worker_context *worker, const char *word, json_t *facts, struct error *error);
/* Waits for the driver's word; *ret_facts (may be NULL) is the caller's. -EPIPE: the driver has
 * gone. */
int worker_await(struct worker_context *worker, const char *word, json_t **ret_facts,
                 struct error *error);
/* The descriptor of the driver's words, for poll(). */
static inline int worker_fd(const struct worker_context *worker) {
    return worker->orders.fd;
}
/* Whether a word came together with one that was read already: of that poll() knows nothing. */
static inline bool worker_has_word(const struct worker_context *worker) {
    return worker->orders.length > 0;
}

/* Waits for `go`, starts the streams' threads, says `begin` and `done` around the window, and puts
 * bytes, units, elapsed_ns and CPU seconds of the window into worker->result. The streams go on:
 * worker_finish() ends them.
 *
 * What receives is measured between arrivals, and has its steps of 100 ms in the result, too: the
 * window opens with the first arrival after the warm-up and closes with the first one after its
 * duration. For either it waits for its duration again, for 3 s, or for three times the longest gap
 * between arrivals so far, whichever is longest; -ENODATA when none has come by then, or none in
 * all of the duration, be it more than 1 s, where arrivals were three times as close before. */
int worker_measure(struct worker_context *worker, const struct worker_window *window,
                   struct stream *streams, size_t n_streams, bool receives, struct error *error);
/* How long that may take at most, of a window of this length, warm-up included. */
int64_t worker_longest_ns(int64_t planned_ns);

/* Joins the threads, whose loops all have time limits of their own. Returns the first failure. */
int worker_finish(struct stream *streams, size_t n_streams, struct error *error);

/* All phases of a role of operations, not of bulk data, from `ready`, which says that its metrics
 * are those of a `client`, until its streams have ended, all of which end by streams[0].stop. */
int worker_measure_client(struct worker_context *worker, const struct worker_window *window,
                          struct stream *streams, size_t n_streams, struct error *error);

/* Adds a row of metrics.csv to the result; its unit stands in the probe's table of metrics. */
void worker_metric(struct worker_context *worker, const char *name, double value);
/* Shares the processors' work in the window among `count` operations ("connection"): a metric
 * cpu_per_OPERATION of this process, and one of the broker, which the driver knows. */
void worker_share(struct worker_context *worker, const char *operation, int64_t count);
/* Adds a metric's whole distribution: rows of distributions.csv, a bucket that holds something
 * each. `scale` recorded values (nanoseconds, say) are one unit (ms). One role of a probe does so
 * for a metric: the rows name no party. */
void worker_distribution(struct worker_context *worker, const char *metric, const char *unit,
                         const struct histogram *histogram, double scale);
/* Adds peak memory, and says `result`. */
int worker_report(struct worker_context *worker, struct error *error);

/* Tells what TLS the role's connection has, empty texts without. */
void worker_put_tls(struct worker_context *worker, const struct tls_session *session);

#endif
