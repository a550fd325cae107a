/* What the latency probe's way of waiting and waking takes by itself, without any network. */
#include "probes/latency_loop.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS      100
#define INTERVAL_NS NS_PER_MS

struct echo {
    int fd;
    struct histogram latency_ns;
};

/* Receives instants and notes how long ago they were, as the subscriber does. */
static void *listen_on(void *argument) {
    struct echo *echo = argument;
    struct pollfd poller = {.fd = echo->fd, .events = POLLIN};
    int64_t due_ns;

    while (poll(&poller, 1, -1) > 0 && read(echo->fd, &due_ns, sizeof(due_ns)) > 0)
        histogram_record(&echo->latency_ns, clock_monotonic_ns() - due_ns);
    return NULL;
}

static void *speak(void *argument) {
    int fd = *(const int *)argument;
    int64_t start_ns = clock_monotonic_ns();

    (void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    for (int64_t i = 1; i <= ROUNDS; i++) {
        int64_t due_ns = start_ns + i * INTERVAL_NS, left = due_ns - clock_monotonic_ns();
        struct timespec timeout = {.tv_nsec = left > 0 ? (long)left : 0};

        (void)ppoll(NULL, 0, &timeout, NULL);
        if (write(fd, &due_ns, sizeof(due_ns)) != sizeof(due_ns))
            break;
    }
    (void)shutdown(fd, SHUT_WR);
    return NULL;
}

int latency_floor(int64_t *ret_ns, struct error *error) {
    CLEANUP_FREE struct echo *echo = memory_new(1, sizeof(*echo));
    pthread_t listener, speaker;
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return error_errno(error, -errno, "socket pair");
    echo->fd = fds[1];
    if (pthread_create(&listener, NULL, listen_on, echo) != 0) {
        (void)close(fds[0]);
        (void)close(fds[1]);
        return error_set(error, -EAGAIN, "no thread for the floor of the latency");
    }
    if (pthread_create(&speaker, NULL, speak, &fds[0]) == 0)
        (void)pthread_join(speaker, NULL);
    else
        (void)shutdown(fds[0], SHUT_WR);
    (void)pthread_join(listener, NULL);
    (void)close(fds[0]);
    (void)close(fds[1]);
    if (!echo->latency_ns.n)
        return error_set(error, -EAGAIN, "the floor of the latency could not be measured");
    *ret_ns = (int64_t)histogram_percentile(&echo->latency_ns, 0.5);
    return 0;
}
