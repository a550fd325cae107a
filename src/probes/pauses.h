/*
 * pauses - a loss imposed on a sender on purpose: the positive control of an experiment, which the
 * analysis must find. The sender is silent for a known share of its time.
 *
 * It sends in bursts. After each it waits until all has reached the application at the other end
 * (no buffer on the way may carry on meanwhile), then rests for as long as the share demands of the
 * time since the burst began. So the throughput is (1 - loss) of what the channel gives, whatever
 * limits it, and with all of its noise. A rest that is longer than TCP's retransmission timeout
 * (200 ms at least) makes TCP start slowly again: a loss of 5 % stays far below that.
 *
 * All streams of a sender rest together, or one would use what another leaves. The times are kept
 * in books over the whole trial, so that a rest that came out too long shortens the next.
 */
#ifndef BENCH_PROBES_PAUSES_H
#define BENCH_PROBES_PAUSES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pauses {
    int64_t loss_ppm; /* the share, in millionths; below 1,000,000 */
    pthread_mutex_t lock;
    pthread_cond_t all_here;
    size_t members, here;
    int64_t round;                 /* rests so far */
    _Atomic int64_t burst_ns;      /* when the burst began; 0: not yet */
    int64_t rest_ns, wake_ns;      /* when the last rest began, and should end */
    int64_t sending_ns, silent_ns; /* the books: sums */
};

/* For so many streams, each of which begins, and leaves when it ends. */
void pauses_init(struct pauses *pauses, int64_t loss_ppm, size_t members);
void pauses_begin(struct pauses *pauses);
void pauses_leave(struct pauses *pauses);

/* Whether the burst has lasted long enough: what is sent next shall be its last. */
bool pauses_due(const struct pauses *pauses);

/* When all of this stream has arrived: waits for the other streams, then rests until the next
 * burst; shorter when *stop is set. */
void pauses_take(struct pauses *pauses, const _Atomic bool *stop);

/* How long the next rest must be for the silent time to be the share of all time; not below 0. */
int64_t pauses_owed_ns(int64_t sending_ns, int64_t silent_ns, int64_t loss_ppm);

#endif
