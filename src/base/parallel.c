#include "base/parallel.h"

#include "base/clock.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define MAX_THREADS 64

struct work {
    parallel_fn *one;
    void *context;
    size_t n;
    int64_t until_ns;
    _Atomic size_t next; /* the piece that nobody has begun */
    _Atomic int code;
    struct error error; /* of the thread whose code it is */
};

static void *work(void *argument) {
    struct work *all = argument;
    size_t i;

    while (atomic_load(&all->code) == 0 && (i = atomic_fetch_add(&all->next, 1)) < all->n) {
        struct error error = {""};
        int expected = 0, r = all->one(all->context, i, &error);

        if (r < 0 && atomic_compare_exchange_strong(&all->code, &expected, r))
            all->error = error;
        if (clock_monotonic_ns() >= all->until_ns)
            break;
    }
    return NULL;
}

int parallel_do(parallel_fn *one, void *context, size_t n, int64_t until_ns, size_t *ret_done,
                struct error *error) {
    struct work all = {.one = one, .context = context, .n = n, .until_ns = until_ns};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n_threads = cores < 1 ? 1 : cores > MAX_THREADS ? MAX_THREADS : (size_t)cores;
    pthread_t threads[MAX_THREADS];
    size_t n_started = 0, next;

    while (n_started + 1 < n_threads && n_started + 1 < n &&
           pthread_create(&threads[n_started], NULL, work, &all) == 0)
        n_started++;
    (void)work(&all);
    for (size_t i = 0; i < n_started; i++)
        (void)pthread_join(threads[i], NULL);
    if (all.code < 0)
        return error_set(error, all.code, "%s", all.error.text);
    next = all.next;
    if (ret_done)
        *ret_done = next < n ? next : n;
    return 0;
}
