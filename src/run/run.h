/*
 * run - what the parts of a run work on, from its set-up to its end.
 */
#ifndef BENCH_RUN_RUN_H
#define BENCH_RUN_RUN_H

#include "run/enough.h"
#include "run/meter.h"
#include "run/readings.h"
#include "run/runner.h"
#include "run/site.h"

struct run {
    const struct run_options *options;
    const struct scenario *scenario;
    const struct plan *plan;
    struct schedule *schedule;
    struct workers workers;
    struct site site;
    struct readings readings;
    struct meter *meter; /* NULL: energy is not measured */
    bool meter_silent;   /* which the user knows */
    char *window;        /* what was chosen for delivery, in words; NULL: the usual, or nothing */
    size_t failures;     /* channels in a row that did not come up */
    json_t *secrets;     /* an array: of each channel, as issued */
    struct journal *journal;
    struct progress *progress;
    struct run_outcome *outcome;
    struct enough enough;
    bool interrupted; /* only what takes no time is still done */
};

#endif
