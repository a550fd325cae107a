/*
 * stream_loop - what the thread of a stream does: it moves bytes and counts them. The same loops
 * for TCP and TLS, and nothing in them but that.
 *
 * On a channel with an imposed loss (probes/pauses.h) both ends run loops of their own, so that the
 * others need not ask for it: there the first byte of each unit tells whether it is the last of a
 * burst, and the receiver answers such a unit with a byte when it has all of it.
 */
#ifndef BENCH_PROBES_STREAM_LOOP_H
#define BENCH_PROBES_STREAM_LOOP_H

#include "probes/pauses.h"
#include "probes/worker_context.h"
#include "transport/transport.h"

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

typedef void *stream_loop_fn(void *stream);

/* The loop of one side, without or with an imposed loss. */
stream_loop_fn *stream_loop_of(bool sends, bool slowed);

#endif
