/*
 * clock - time inside the program is int64_t nanoseconds of CLOCK_MONOTONIC; wall-clock time
 * (nanoseconds since 1970 UTC) is for people and files only.
 */
#ifndef BENCH_BASE_CLOCK_H
#define BENCH_BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

#define CLOCK_TEXT_SIZE 40

int64_t clock_monotonic_ns(void);
int64_t clock_realtime_ns(void);

/* "2026-11-22T08:30:00.123Z"; text has CLOCK_TEXT_SIZE bytes. */
void clock_format_utc(int64_t realtime_ns, char *text);
/* "20261122T083000Z", for names of folders. */
void clock_format_compact(int64_t realtime_ns, char *text);

/* Milliseconds until the monotonic deadline, rounded up, for poll(): 0 when it has passed. */
int clock_poll_ms(int64_t deadline_ns);

/* A clock that is so far from where it would have gone by itself was set. */
#define CLOCK_SET_NS (2 * NS_PER_S)
/* Of one that was: "the clock was set 1.5 hours ahead: ...", and what helps; the caller's. */
char *clock_set_words(double ahead_s);

/* Sleeps until the monotonic instant; returns early only when a signal arrives. */
void clock_sleep_until(int64_t deadline_ns);

#endif
