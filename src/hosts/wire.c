#include "hosts/wire.h"

#include "base/clock.h"
#include "hosts/protocol.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define END_NS         (5 * NS_PER_S)
#define LOST_END_NS    NS_PER_S
#define MAX_LAST_WORDS 4096
#define MAX_LATE_READS 256 /* of up to 16 KiB; a window of ssh's is 2 MiB */

void wire_lose(struct wire *wire, const char *format, ...) {
    CLEANUP_FREE char *why = NULL;
    va_list arguments;

    if (wire->lost)
        return;
    va_start(arguments, format);
    why = text_vformat(format, arguments);
    va_end(arguments);
    wire->lost = text_format("host %s: %s", wire->spec, why);
}

int wire_is_lost(const struct wire *wire, struct error *error) {
    return error_set(error, -EPIPE, "%s", wire->lost);
}

int wire_send(struct wire *wire, json_t *line, struct error *error) {
    if (wire->lost)
        json_decref(line);
    else if (jsonline_send(wire->agent.in_fd, line, NULL) < 0)
        wire_lose(wire, "its agent has ended");
    return wire->lost ? wire_is_lost(wire, error) : 0;
}

/* ---- what comes ---- */

void wire_keep_words(struct wire *wire, const char *words) {
    CLEANUP_FREE char *visible = text_visible(words);
    CLEANUP_FREE char *all =
        text_format("%s%s\n", wire->last_words ? wire->last_words : "", visible);
    size_t length = strlen(all);

    text_replace(&wire->last_words, length > MAX_LAST_WORDS ? all + length - MAX_LAST_WORDS : all);
}

static void take_words(struct wire *wire) {
    CLEANUP_FREE char *visible = NULL;

    wire->words[wire->n_words] = '\0';
    wire->n_words = 0;
    if (!*wire->words)
        return;
    wire_keep_words(wire, wire->words);
    visible = text_visible(wire->words);
    if (wire->relay)
        wire->relay(wire->context, wire->spec, visible);
}

static void read_words(struct wire *wire) {
    char bytes[1024];
    ssize_t n = read(wire->agent.err_fd, bytes, sizeof(bytes));

    for (ssize_t i = 0; i < n; i++) {
        if (bytes[i] != '\n' && bytes[i] != '\r' && bytes[i])
            wire->words[wire->n_words++] = bytes[i];
        if (bytes[i] == '\n' || wire->n_words == sizeof(wire->words) - 1)
            take_words(wire);
    }
    if (n > 0 || (n < 0 && errno == EINTR))
        return;
    take_words(wire);
    memory_close_fdp(&wire->agent.err_fd);
}

/* Its last words, whole lines or not, without waiting: others may have inherited the stream, and
 * may fill it as fast as it is read. */
static void drain_words(struct wire *wire) {
    struct pollfd poller = {.fd = wire->agent.err_fd, .events = POLLIN};

    for (int i = 0; i < MAX_LATE_READS && wire->agent.err_fd >= 0 && poll(&poller, 1, 0) > 0; i++)
        read_words(wire);
    take_words(wire);
}

int wire_take_line(struct wire *wire, json_t **ret) {
    struct error error;
    int r = 1;

    while (r > 0) {
        json_auto_t *line = NULL;

        r = jsonline_next(&wire->lines, &line, &error);
        if (r > 0 && !json_object_get(line, "beat")) {
            *ret = jsonline_visible(line);
            return 1;
        }
    }
    if (r < 0)
        wire_lose(wire, "its agent speaks nonsense: %s", error.text);
    return wire->lost ? -EPIPE : 0;
}

static void read_lines(struct wire *wire) {
    if (jsonline_fill(&wire->lines, NULL) > 0)
        wire->heard_ns = clock_monotonic_ns();
    else
        wire_lose(wire, "its agent has ended");
}

/* ---- waiting ---- */

void wire_beat(struct wire *wire) {
    int64_t now = clock_monotonic_ns();

    if (!wire->watched || wire->lost || now - wire->beat_ns < AGENT_BEAT_NS)
        return;
    wire->beat_ns = now;
    (void)wire_send(wire, json_pack("{s:s}", "order", "beat"), NULL);
}

/* By the time at which nothing could be read yet: this process may have been stopped since. */
static void judge_silence(struct wire *wire, int64_t looked_ns) {
    if (wire->watched && looked_ns - wire->heard_ns > AGENT_SILENCE_NS)
        wire_lose(wire, "nothing was heard of its agent for %d s",
                  (int)(AGENT_SILENCE_NS / NS_PER_S));
}

int wire_attend(struct wire *const *wires, size_t n, struct wire_wait *wait, struct error *error) {
    int64_t now = clock_monotonic_ns(), wake = now + AGENT_BEAT_NS / 2;
    struct pollfd pollers[2 * WIRES_MAX + 1];
    int count;

    for (size_t i = 0; i < n; i++) {
        struct wire *wire = wires[i];

        wire_beat(wire);
        pollers[2 * i] =
            (struct pollfd){.fd = wire->lost ? -1 : wire->agent.out_fd, .events = POLLIN};
        pollers[2 * i + 1] = (struct pollfd){.fd = wire->agent.err_fd, .events = POLLIN};
    }
    pollers[2 * n] = (struct pollfd){.fd = wires[0]->cancel_fd, .events = POLLIN};
    count = poll(pollers, 2 * (nfds_t)n + 1,
                 clock_poll_ms(wake < wait->deadline_ns ? wake : wait->deadline_ns));
    if (count < 0)
        return 0; /* a signal: the caller looks again */
    for (size_t i = 0; i < n; i++) {
        if (pollers[2 * i + 1].revents)
            read_words(wires[i]);
        if (pollers[2 * i].revents)
            read_lines(wires[i]);
        else if (!wait->obeying)
            judge_silence(wires[i], now);
    }
    if (pollers[2 * n].revents)
        return error_set(error, -EINTR, "interrupted");
    if (now >= wait->deadline_ns)
        wait->late++;
    return (count == 0 && clock_monotonic_ns() >= wait->deadline_ns) || wait->late > MAX_LATE_READS
               ? error_set(error, -ETIMEDOUT, "nothing happened in time")
               : 0;
}

/* ---- the end ---- */

/* Reads, so that nothing keeps the agent from ending, until it has closed its stdout. */
static void await_end(struct wire *wire, int64_t deadline_ns) {
    bool open = true;

    while (open && clock_monotonic_ns() < deadline_ns) {
        struct pollfd pollers[2] = {{.fd = wire->agent.out_fd, .events = POLLIN},
                                    {.fd = wire->agent.err_fd, .events = POLLIN}};

        if (poll(pollers, 2, clock_poll_ms(deadline_ns)) <= 0)
            continue;
        if (pollers[1].revents)
            read_words(wire);
        if (pollers[0].revents)
            open = jsonline_fill(&wire->lines, NULL) > 0;
        wire->lines.length = wire->lines.scanned = 0;
    }
}

void wire_end(struct wire *wire) {
    int64_t deadline = clock_monotonic_ns() + (wire->lost ? LOST_END_NS : END_NS);
    struct process_end end;

    if (wire->agent.pid > 0) {
        memory_close_fdp(&wire->agent.in_fd);
        await_end(wire, deadline);
        while (clock_monotonic_ns() < deadline && !process_reap(&wire->agent, &end) &&
               wire->agent.pid > 0)
            clock_sleep_until(clock_monotonic_ns() + NS_PER_MS);
        drain_words(wire);
    }
    process_stop(&wire->agent);
}

int wire_reap(struct wire *wire, char **ret_how) {
    struct process_end end;
    bool ended;

    memory_close_fdp(&wire->agent.in_fd);
    ended = process_reap_soon(&wire->agent, &end);
    drain_words(wire);
    *ret_how = ended ? process_end_text(end.status) : text_copy("and it did not end");
    return ended && WIFEXITED(end.status) ? WEXITSTATUS(end.status) : -1;
}

void wire_clear(struct wire *wire) {
    wire_end(wire);
    jsonline_clear(&wire->lines);
    free(wire->last_words);
    free(wire->lost);
}
