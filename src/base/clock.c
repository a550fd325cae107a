#include "base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <time.h>

static int64_t now_ns(clockid_t id) {
    struct timespec now;

    (void)clock_gettime(id, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t clock_monotonic_ns(void) {
    return now_ns(CLOCK_MONOTONIC);
}

int64_t clock_realtime_ns(void) {
    return now_ns(CLOCK_REALTIME);
}

void clock_format_utc(int64_t realtime_ns, char *text) {
    time_t seconds = (time_t)(realtime_ns / NS_PER_S);
    char date[24];
    struct tm utc;

    (void)gmtime_r(&seconds, &utc);
    (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(text, CLOCK_TEXT_SIZE, "%s.%03dZ", date,
                   (int)(realtime_ns % NS_PER_S / NS_PER_MS));
}

void clock_format_compact(int64_t realtime_ns, char *text) {
    time_t seconds = (time_t)(realtime_ns / NS_PER_S);
    struct tm utc;

    (void)gmtime_r(&seconds, &utc);
    (void)strftime(text, CLOCK_TEXT_SIZE, "%Y%m%dT%H%M%SZ", &utc);
}

int clock_poll_ms(int64_t deadline_ns) {
    int64_t left = deadline_ns - clock_monotonic_ns();

    if (left <= 0)
        return 0;
    left = (left + NS_PER_MS - 1) / NS_PER_MS;
    return left > INT_MAX ? INT_MAX : (int)left;
}

void clock_sleep_until(int64_t deadline_ns) {
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / NS_PER_S),
                             .tv_nsec = (long)(deadline_ns % NS_PER_S)};

    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}
