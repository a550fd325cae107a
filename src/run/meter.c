#include "run/meter.h"

#include "base/clock.h"
#include "base/process.h"
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Some meters need a while before they say anything. */
#define FIRST_NS (15 * NS_PER_S)
/* One reading may get lost. */
#define MAX_GAP_NS (3500 * NS_PER_MS)
#define MAX_LINE   128
/* An hour, the longest trial, of ten a second. */
#define CAPACITY  36000
#define MAX_WATTS 1e6

struct meter {
    struct process process;
    pthread_t thread;
    bool threaded;
    int heard_fd; /* readable when the first line has come, or none will */
    int stop_fd;  /* tells the thread to end */
    pthread_mutex_t lock;
    /* Under the lock. */
    struct power_reading readings[2 * CAPACITY]; /* the newest half stays when it is full */
    size_t n;
    char wrong[MAX_LINE]; /* the first line that was no reading */
};

/* ---- from power to energy ---- */

/* Of the part of the line from a to b that lies in the window; a power that falls or rises evenly
 * is, on the average, what it is in the middle. */
static double part(const struct power_reading *a, const struct power_reading *b, int64_t from_ns,
                   int64_t to_ns) {
    int64_t begin = a->at_ns > from_ns ? a->at_ns : from_ns;
    int64_t end = b->at_ns < to_ns ? b->at_ns : to_ns;
    double middle, share;

    if (end <= begin)
        return 0;
    middle = ((double)(begin - a->at_ns) + (double)(end - a->at_ns)) / 2;
    share = middle / (double)(b->at_ns - a->at_ns);
    return (a->watts + (b->watts - a->watts) * share) * (double)(end - begin) / 1e9;
}

double energy_between(const struct power_reading *readings, size_t n, int64_t from_ns,
                      int64_t to_ns, int64_t max_gap_ns) {
    double sum = 0;

    if (n == 0 || readings[0].at_ns > from_ns)
        return NAN;
    for (size_t i = 0; i < n && readings[i].at_ns < to_ns; i++) {
        const struct power_reading last = {to_ns, readings[i].watts};
        const struct power_reading *next = i + 1 < n ? &readings[i + 1] : &last;

        if (next->at_ns <= from_ns)
            continue;
        if (next->at_ns - readings[i].at_ns > max_gap_ns)
            return NAN;
        sum += part(&readings[i], next, from_ns, to_ns);
    }
    return sum;
}

/* ---- its thread ---- */

static void keep(struct meter *meter, struct power_reading reading) {
    if (meter->n == 2 * CAPACITY) {
        memmove(meter->readings, meter->readings + CAPACITY, CAPACITY * sizeof(*meter->readings));
        meter->n = CAPACITY;
    }
    meter->readings[meter->n++] = reading;
}

static void take_line(struct meter *meter, char *line) {
    struct power_reading reading = {.at_ns = clock_monotonic_ns()};
    char *start = line + strspn(line, " \t");

    start[strcspn(start, " \t\r\n")] = '\0';
    (void)pthread_mutex_lock(&meter->lock);
    if (text_real(start, &reading.watts) && fabs(reading.watts) < MAX_WATTS)
        keep(meter, reading);
    else if (!*meter->wrong)
        (void)snprintf(meter->wrong, sizeof(meter->wrong), "%s", *start ? start : "(nothing)");
    (void)pthread_mutex_unlock(&meter->lock);
}

static void ring(int fd) {
    static const uint64_t one = 1;

    (void)!write(fd, &one, sizeof(one));
}

/* Takes the whole lines of what is in the buffer; what is longer than a line may be is one. */
static void take_lines(struct meter *meter, char *buffer, size_t *length) {
    char *end;

    while ((end = memchr(buffer, '\n', *length)) || *length == MAX_LINE - 1) {
        size_t taken = end ? (size_t)(end - buffer) + 1 : *length;
        char line[MAX_LINE];

        (void)snprintf(line, sizeof(line), "%.*s", (int)taken, buffer);
        take_line(meter, line);
        ring(meter->heard_fd);
        *length -= taken;
        memmove(buffer, buffer + taken, *length);
    }
}

/* Until the command has closed its output or the driver has had enough. */
static void *listen_to(void *argument) {
    struct meter *meter = argument;
    struct pollfd pollers[2] = {{.fd = meter->process.out_fd, .events = POLLIN},
                                {.fd = meter->stop_fd, .events = POLLIN}};
    char buffer[MAX_LINE];
    size_t length = 0;

    while (poll(pollers, 2, -1) >= 0 || errno == EINTR) {
        ssize_t n;

        if (pollers[1].revents)
            break;
        n = read(pollers[0].fd, buffer + length, sizeof(buffer) - 1 - length);
        if (n <= 0)
            break;
        length += (size_t)n;
        take_lines(meter, buffer, &length);
    }
    ring(meter->heard_fd);
    return NULL;
}

/* ---- the driver's side ---- */

static int start(struct meter *meter, const char *spec, const char *root, struct error *error) {
    bool pi5 = text_equal(spec, "pi5");
    const char *argv[64] = {NULL}, *cursor = pi5 ? "" : spec + strlen("exec:"), *word;
    struct process_options options = {
        .argv = argv, .in = PROCESS_NULL, .out = PROCESS_PIPE, .err = PROCESS_KEEP};
    size_t n = 0, length;
    int r;

    if (pi5)
        argv[n++] = text_format("%s/scripts/meter-pi5", root ? root : ".");
    while (n + 1 < ARRAY_SIZE(argv) && (word = text_next_word(&cursor, &length)))
        argv[n++] = strndup(word, length);
    r = n ? process_start(&meter->process, &options, error)
          : error_set(error, -EINVAL, "names no program");
    while (n)
        free((char *)(uintptr_t)argv[--n]);
    return r;
}

static int await_first(struct meter *meter, int cancel_fd, struct error *error) {
    struct pollfd pollers[2] = {{.fd = meter->heard_fd, .events = POLLIN},
                                {.fd = cancel_fd, .events = POLLIN}};
    int64_t deadline = clock_monotonic_ns() + FIRST_NS;
    int r;

    do
        r = poll(pollers, 2, clock_poll_ms(deadline));
    while (r < 0 && errno == EINTR);
    if (r > 0 && pollers[1].revents)
        return error_set(error, -EINTR, "interrupted");
    (void)pthread_mutex_lock(&meter->lock);
    if (meter->n)
        r = 0;
    else if (*meter->wrong)
        r = error_set(error, -EINVAL,
                      "said '%s'; right would be a line a reading, each a number of watts",
                      meter->wrong);
    else if (r > 0)
        r = error_set(error, -ENODATA, "ended and gave no reading");
    else
        r = error_set(error, -ETIMEDOUT, "gave no reading within %d s", (int)(FIRST_NS / NS_PER_S));
    (void)pthread_mutex_unlock(&meter->lock);
    return r;
}

int meter_open(struct meter **ret, const char *spec, const char *root, int cancel_fd,
               struct error *error) {
    struct meter *meter = memory_new(1, sizeof(*meter));
    int r;

    meter->process = PROCESS_NONE;
    (void)pthread_mutex_init(&meter->lock, NULL);
    meter->heard_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    meter->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r = start(meter, spec, root, error);
    if (r == 0) {
        meter->threaded = pthread_create(&meter->thread, NULL, listen_to, meter) == 0;
        r = meter->threaded ? await_first(meter, cancel_fd, error)
                            : error_set(error, -EAGAIN, "no thread for it");
    }
    if (r < 0) {
        meter_close(meter);
        return r == -EINTR ? r : error_prefix(error, r, "hosts.meter: %s", spec);
    }
    *ret = meter;
    return 0;
}

void meter_close(struct meter *meter) {
    if (!meter)
        return;
    if (meter->threaded) {
        ring(meter->stop_fd);
        (void)pthread_join(meter->thread, NULL);
    }
    process_stop(&meter->process);
    memory_close_fdp(&meter->heard_fd);
    memory_close_fdp(&meter->stop_fd);
    (void)pthread_mutex_destroy(&meter->lock);
    free(meter);
}

double meter_energy_j(struct meter *meter, int64_t from_ns, int64_t to_ns) {
    double energy_j;

    if (!meter)
        return NAN;
    (void)pthread_mutex_lock(&meter->lock);
    energy_j = energy_between(meter->readings, meter->n, from_ns, to_ns, MAX_GAP_NS);
    (void)pthread_mutex_unlock(&meter->lock);
    return energy_j;
}
