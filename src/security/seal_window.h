/*
 * seal_window - which messages of a session have been opened: all that a receiver must remember to
 * open none twice. Messages may overtake each other by less than SEAL_WINDOW; what comes later than
 * that counts as opened.
 */
#ifndef BENCH_SECURITY_SEAL_WINDOW_H
#define BENCH_SECURITY_SEAL_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define SEAL_WINDOW 1024

/* Zeroed: nothing has been opened. */
struct seal_window {
    uint64_t next; /* one more than the highest counter */
    uint64_t seen[SEAL_WINDOW / 64];
};

/* Whether the message with this counter was opened, or may have been. */
bool seal_window_has(const struct seal_window *window, uint64_t counter);
/* It has been, now; the counter is less than UINT64_MAX and not in the window yet. */
void seal_window_add(struct seal_window *window, uint64_t counter);

#endif
