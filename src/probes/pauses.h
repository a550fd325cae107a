/*
 * pauses - a loss imposed on a sender on purpose: the positive control of an experiment, which the
 * analysis must find. The sender is silent for a known share of its time.
 *
 * It sends in bursts. After each it waits until all has reached the application at the other end
 * (no buffer on the way may carry on meanwhile), then rests for as long as the share demands of the
 * time since the burst began. So the throughput is (1 - loss) of what the channel gives, whatever
 * limits it, and with all of its noise.
 *
 * A burst and its rest last about 2.5 s, and the measured time is a whole number of them, so that
 * it does not matter where in one it begins. Longer would be too long: after a rest beyond TCP's
 * retransmission timeout (200 ms at least) TCP starts slowly again; a loss of 5 % stays below that.
 * Shorter would be too short: a shaper that saves up what was not used (tbf's burst) makes up for
 * that much of every rest; 16 KiB at 13.4 Mbit/s are 10 ms, so that 4.6 of 5 % are left.
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
    int64_t loss_ppm;   /* the share, in millionths; below 1,000,000 */
    int64_t arrived_ns; /* from a burst's begin, when all of it should have arrived */
    pthread_mutex_t lock;
    pthread_cond_t all_here;
    size_t members, here;
    int64_t round;                 /* rests so far */
    _Atomic int64_t burst_ns;      /* when the burst began; 0: not yet */
    int64_t rest_ns, wake_ns;      /* when the last rest began, and should end */
    int64_t sending_ns, silent_ns; /* the books: sums */
};

/* For a measured time, and so many streams, each of which begins, and leaves when it ends. */
void pauses_init(struct pauses *pauses, int64_t loss_ppm, int64_t duration_ns, size_t members);
void pauses_begin(struct pauses *pauses);
void pauses_leave(struct pauses *pauses);

/* Whether what is sent next shall be the burst's last: with so much of it sent (in any unit) and so
 * much of that still on its way, that will have arrived in time. */
bool pauses_due(const struct pauses *pauses, int64_t sent, int64_t on_its_way);

/* When all of this stream has arrived: waits for the other streams, then rests until the next
 * burst; shorter when *stop is set. */
void pauses_take(struct pauses *pauses, const _Atomic bool *stop);

/* How long a burst and its rest shall last. */
int64_t pauses_cycle_ns(int64_t duration_ns);
/* How long the next rest must be for the silent time to be the share of all time; not below 0. */
int64_t pauses_owed_ns(int64_t sending_ns, int64_t silent_ns, int64_t loss_ppm);

#endif
