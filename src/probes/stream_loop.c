#include "probes/stream_loop.h"

#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

/* How often a slowed sender looks whether its burst shall end. */
#define LOOK_NS (5 * NS_PER_MS)

static void end_stream(struct stream *stream, int code, const char *what) {
    if (code < 0)
        stream->code = error_errno(&stream->error, code, "%s", what);
    atomic_store(&stream->ended, true);
}

/* Receives for a sender. The other side may be slow, as long as what we sent moves. */
static ssize_t hear(const struct stream_loop *loop, void *data, size_t size) {
    int on_its_way = INT_MAX, before;

    for (;;) {
        ssize_t n = loop->transport->ops->receive(loop->transport, data, size);

        before = on_its_way;
        if (n != -ETIMEDOUT || ioctl(loop->transport->fd, SIOCOUTQ, &on_its_way) < 0 ||
            on_its_way >= before)
            return n;
    }
}

/* Until the receiver has finished too: to close on what it has said, be it a session ticket, would
 * reset the connection under what is still on its way. */
static int await_receiver(const struct stream_loop *loop) {
    ssize_t n;

    do
        n = hear(loop, loop->buffer, loop->size);
    while (n > 0);
    /* Of any other end the receiver knows: it counts what it has, and will say. */
    return n == -ETIMEDOUT ? -ETIMEDOUT : 0;
}

static void *end_sender(struct stream *stream, int code) {
    const struct stream_loop *loop = stream->context;

    loop->transport->ops->finish(loop->transport);
    if (code == 0)
        code = await_receiver(loop);
    end_stream(stream, code, "sending");
    return NULL;
}

static void *send_loop(void *argument) {
    struct stream *stream = argument;
    struct stream_loop *loop = stream->context;
    struct transport *transport = loop->transport;
    int64_t bytes = 0;
    int r = 0;

    while (r == 0 && !atomic_load_explicit(stream->stop, memory_order_relaxed)) {
        r = transport->ops->send(transport, loop->buffer, loop->size);
        if (r == 0)
            bytes += (int64_t)loop->size;
        stream_count(stream, bytes, 0);
    }
    return end_sender(stream, r);
}

static void *receive_loop(void *argument) {
    struct stream *stream = argument;
    struct stream_loop *loop = stream->context;
    struct transport *transport = loop->transport;
    int64_t bytes = 0, arrivals = 0;
    ssize_t n;

    while ((n = transport->ops->receive(transport, loop->buffer, loop->size)) > 0) {
        bytes += n;
        stream_count(stream, bytes, ++arrivals);
    }
    transport->ops->finish(transport);
    end_stream(stream, (int)n, "receiving");
    return NULL;
}

/* ---- with an imposed loss ---- */

static int await_answer(const struct stream_loop *loop) {
    char answer;
    ssize_t n;

    loop->transport->ops->flush(loop->transport);
    n = hear(loop, &answer, 1);
    return n > 0 ? 0 : n < 0 ? (int)n : -ECONNRESET;
}

/* Whether the next unit is the last of a burst of which so many bytes were sent. It looks only now
 * and then: to ask the kernel for every unit would slow the sender. */
static bool is_last(struct stream_loop *loop, int64_t sent) {
    int64_t now = clock_monotonic_ns();
    int on_its_way = 0;

    if (now < loop->look_ns)
        return false;
    loop->look_ns = now + LOOK_NS;
    (void)ioctl(loop->transport->fd, SIOCOUTQ, &on_its_way);
    return pauses_due(loop->pauses, sent, on_its_way);
}

static void *send_slowed(void *argument) {
    struct stream *stream = argument;
    struct stream_loop *loop = stream->context;
    int64_t bytes = 0, begun = 0;
    int r = 0;

    pauses_begin(loop->pauses);
    while (r == 0 && !atomic_load_explicit(stream->stop, memory_order_relaxed)) {
        bool last = is_last(loop, bytes - begun);

        loop->buffer[0] = last;
        r = loop->transport->ops->send(loop->transport, loop->buffer, loop->size);
        if (r == 0)
            bytes += (int64_t)loop->size;
        stream_count(stream, bytes, 0);
        if (last && r == 0)
            r = await_answer(loop);
        if (last && r == 0) {
            pauses_take(loop->pauses, stream->stop);
            begun = bytes;
        }
    }
    pauses_leave(loop->pauses);
    return end_sender(stream, r);
}

/* Where the unit ends that is the last of a burst, if it begins in these n bytes at position. */
static int64_t find_last(const struct stream_loop *loop, int64_t position, int64_t n) {
    int64_t unit = loop->unit_bytes, begin = (position + unit - 1) / unit * unit;

    for (; begin < position + n; begin += unit)
        if (loop->buffer[begin - position])
            return begin + unit;
    return -1;
}

static void *receive_slowed(void *argument) {
    struct stream *stream = argument;
    struct stream_loop *loop = stream->context;
    struct transport *transport = loop->transport;
    int64_t bytes = 0, arrivals = 0, answer_at = -1;
    ssize_t n;

    while ((n = transport->ops->receive(transport, loop->buffer, loop->size)) > 0) {
        if (answer_at < 0)
            answer_at = find_last(loop, bytes, n);
        bytes += n;
        stream_count(stream, bytes, ++arrivals);
        if (answer_at < 0 || bytes < answer_at)
            continue;
        answer_at = -1;
        /* When the sender has gone, the next that is received says how. */
        if (transport->ops->send(transport, "", 1) == 0)
            transport->ops->flush(transport);
    }
    transport->ops->finish(transport);
    end_stream(stream, (int)n, "receiving");
    return NULL;
}

stream_loop_fn *stream_loop_of(bool sends, bool slowed) {
    static stream_loop_fn *const loops[2][2] = {{receive_loop, receive_slowed},
                                                {send_loop, send_slowed}};

    return loops[sends][slowed];
}
