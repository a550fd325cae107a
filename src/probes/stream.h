/*
 * stream - bulk streams between two workers, one on the broker's host and one on client2's: the
 * probes path, transport and transport-per-unit, and the load beside another probe.
 */
#ifndef BENCH_PROBES_STREAM_H
#define BENCH_PROBES_STREAM_H

#include "probes/pauses.h"
#include "probes/probe.h"
#include "transport/transport.h"

/* A row of stream_kinds: its probe, and what else sets it apart. */
struct stream_kind {
    struct probe probe; /* of the load the settings alone: it is no probe */
    bool per_unit;      /* as with write = per-unit, which these settings then do not have */
    /* Runs beside what another probe measures: warm-up and duration are that probe's, an imposed
     * loss is none of its own, and what it moves is told as a metric, load_throughput. */
    bool beside;
};
enum { STREAM_PATH, STREAM_TRANSPORT, STREAM_PER_UNIT, STREAM_LOAD };
extern const struct stream_kind stream_kinds[];

/* role.run of either end, of which the broker's party listens; role.context is the kind. */
int stream_end(struct worker_context *worker, struct error *error);

/* The longest that a stream may stand still. */
#define STREAM_STALL_NS (10 * INT64_C(1000000000))

/* What a stream's thread needs; the `context` of its struct stream. */
struct stream_loop {
    struct transport *transport;
    unsigned char *buffer; /* a sender's is filled, and one unit */
    size_t size;
    int64_t unit_bytes;    /* of either side */
    struct pauses *pauses; /* of all streams of a sender; for the slowed loops */
    int64_t look_ns;       /* the slowed sender's */
};

/* The loop of one side, without or with an imposed loss: what the thread of a stream does. It moves
 * bytes and counts them; the same loops for TCP and TLS, and nothing in them but that.
 *
 * On a channel with an imposed loss (probes/pauses.h) both ends run loops of their own, so that the
 * others need not ask for it: there the first byte of each unit tells whether it is the last of a
 * burst, and the receiver answers such a unit with a byte when it has all of it. */
typedef int stream_loop_fn(struct stream *stream);
stream_loop_fn *stream_loop_of(bool sends, bool slowed);

#endif
