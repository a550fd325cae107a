#include "base/clock.h"

#include "base/memory.h"

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

struct date {
    int year, month, day, hour, minute, second;
};

/* Not by gmtime_r(): where time_t has 32 bits it ends in 2038, before a certificate may. (Years
 * begin in March here, so that the leap day is the last of its year; eras have 400 years.) */
static struct date date_of(int64_t realtime_ns) {
    int64_t seconds = realtime_ns / NS_PER_S - (realtime_ns % NS_PER_S < 0);
    int64_t days = seconds / 86400 - (seconds % 86400 < 0) + 719468; /* since 0000-03-01 */
    int64_t second = seconds - (days - 719468) * 86400, day = days % 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t day_of_year = day - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* 0: March */

    return (struct date){
        .year = (int)(year + days / 146097 * 400 + (month >= 10)),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
        .hour = (int)(second / 3600),
        .minute = (int)(second / 60 % 60),
        .second = (int)(second % 60),
    };
}

void clock_format_utc(int64_t realtime_ns, char *text) {
    struct date date = date_of(realtime_ns);
    int64_t ms = (realtime_ns % NS_PER_S + NS_PER_S) % NS_PER_S / NS_PER_MS;

    (void)snprintf(text, CLOCK_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", date.year,
                   date.month, date.day, date.hour, date.minute, date.second, (int)ms);
}

void clock_format_compact(int64_t realtime_ns, char *text) {
    struct date date = date_of(realtime_ns);

    (void)snprintf(text, CLOCK_TEXT_SIZE, "%04d%02d%02dT%02d%02d%02dZ", date.year, date.month,
                   date.day, date.hour, date.minute, date.second);
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

char *clock_set_words(double ahead_s) {
    static const struct {
        double least_s, unit_s;
        int decimals;
        const char *word;
    } units[] = {{10 * 86400, 86400, 0, "days"}, {3600, 3600, 1, "hours"}, {0, 1, 0, "s"}};
    double away_s = ahead_s < 0 ? -ahead_s : ahead_s;
    size_t i = 0;

    while (away_s < units[i].least_s)
        i++;
    return text_format("the clock was set %.*f %s %s: certificates and tokens may be taken for "
                       "invalid, and the times in the record are wrong; have it right before a run "
                       "(timedatectl set-ntp true)",
                       units[i].decimals, away_s / units[i].unit_s, units[i].word,
                       ahead_s < 0 ? "back" : "ahead");
}
