#include "probes/pauses.h"

#include "base/clock.h"

/* Of a burst and its rest, about. */
#define CYCLE_NS (2500 * NS_PER_MS)
/* How often a rest looks whether it shall end. */
#define NAP_NS  (10 * NS_PER_MS)
#define MILLION 1000000

int64_t pauses_cycle_ns(int64_t duration_ns) {
    int64_t cycles = (duration_ns + CYCLE_NS / 2) / CYCLE_NS;

    return duration_ns / (cycles > 0 ? cycles : 1);
}

void pauses_init(struct pauses *pauses, int64_t loss_ppm, int64_t duration_ns, size_t members) {
    *pauses =
        (struct pauses){.loss_ppm = loss_ppm,
                        .arrived_ns = pauses_cycle_ns(duration_ns) / MILLION * (MILLION - loss_ppm),
                        .lock = PTHREAD_MUTEX_INITIALIZER,
                        .all_here = PTHREAD_COND_INITIALIZER,
                        .members = members};
}

void pauses_begin(struct pauses *pauses) {
    int64_t never = 0;

    (void)atomic_compare_exchange_strong(&pauses->burst_ns, &never, clock_monotonic_ns());
}

bool pauses_due(const struct pauses *pauses, int64_t sent, int64_t on_its_way) {
    double since = (double)(clock_monotonic_ns() - atomic_load(&pauses->burst_ns));

    /* What is on its way moves as fast as what has arrived. */
    return sent > on_its_way &&
           since * (double)sent / (double)(sent - on_its_way) >= (double)pauses->arrived_ns;
}

int64_t pauses_owed_ns(int64_t sending_ns, int64_t silent_ns, int64_t loss_ppm) {
    double due = (double)sending_ns * (double)loss_ppm / (double)(MILLION - loss_ppm);
    int64_t owed = (int64_t)due - silent_ns;

    return owed > 0 ? owed : 0;
}

/* Under the lock: when the last of the streams is here, the rest begins. */
static void begin_rest(struct pauses *pauses) {
    if (!pauses->here || pauses->here < pauses->members)
        return;
    pauses->rest_ns = clock_monotonic_ns();
    pauses->sending_ns += pauses->rest_ns - atomic_load(&pauses->burst_ns);
    pauses->wake_ns =
        pauses->rest_ns + pauses_owed_ns(pauses->sending_ns, pauses->silent_ns, pauses->loss_ppm);
    pauses->here = 0;
    pauses->round++;
    (void)pthread_cond_broadcast(&pauses->all_here);
}

void pauses_leave(struct pauses *pauses) {
    (void)pthread_mutex_lock(&pauses->lock);
    pauses->members--;
    begin_rest(pauses);
    (void)pthread_mutex_unlock(&pauses->lock);
}

/* The first to wake begins the next burst. */
static void end_rest(struct pauses *pauses) {
    (void)pthread_mutex_lock(&pauses->lock);
    if (pauses->rest_ns) {
        int64_t now = clock_monotonic_ns();

        pauses->silent_ns += now - pauses->rest_ns;
        pauses->rest_ns = 0;
        atomic_store(&pauses->burst_ns, now);
    }
    (void)pthread_mutex_unlock(&pauses->lock);
}

void pauses_take(struct pauses *pauses, const _Atomic bool *stop) {
    int64_t round, wake_ns, nap_ns;

    (void)pthread_mutex_lock(&pauses->lock);
    round = pauses->round;
    pauses->here++;
    begin_rest(pauses);
    while (pauses->round == round)
        (void)pthread_cond_wait(&pauses->all_here, &pauses->lock);
    wake_ns = pauses->wake_ns;
    (void)pthread_mutex_unlock(&pauses->lock);
    while (!atomic_load(stop) && (nap_ns = clock_monotonic_ns()) < wake_ns) {
        nap_ns += NAP_NS;
        clock_sleep_until(nap_ns < wake_ns ? nap_ns : wake_ns);
    }
    end_rest(pauses);
}
