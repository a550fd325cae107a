/*
 * bringup - one channel made ready on its hosts, proven, with telemetry on it; and taken down. And
 * what every part of a run needs to know: the runner's state.
 */
#ifndef BENCH_RUN_BRINGUP_H
#define BENCH_RUN_BRINGUP_H

#include "run/enough.h"
#include "run/meter.h"
#include "run/readings.h"
#include "run/runner.h"
#include "run/site.h"
#include "run/telemetry_log.h"
#include "run/workers.h"

struct runner {
    const struct run_options *options;
    const struct scenario *scenario;
    const struct plan *plan;
    struct schedule *schedule;
    struct workers workers;
    struct site site;
    struct readings readings;
    struct meter *meter; /* NULL: energy is not measured */
    bool meter_silent;   /* which the user has been told */
    char *window;        /* what was chosen for delivery, in words; NULL: the usual, or nothing */
    size_t failures;     /* channels in a row that did not come up */
    json_t *secrets;     /* an array: of each channel, as issued */
    struct journal *journal;
    struct progress *progress;
    struct run_outcome *outcome;
    struct enough enough;
    bool interrupted; /* only what takes no time is still done */

    /* The channel that is up. */
    bool prepared; /* something on its hosts */
    bool broker_up, telemetry_on;
    char *skipped;                       /* why it cannot be had on these hosts, or NULL */
    char *broken;                        /* why its trials are void, or NULL */
    json_t *session;                     /* "version", "cipher" and "group" of its MQTT sessions */
    struct worker publisher, subscriber; /* of telemetry */
    struct telemetry_log messages;
};

/* Brings the channel of the deployment up: what its hosts need, broker, proofs, telemetry. 0 also
 * when it cannot be had here, or when a proof broke, which runner->skipped and ->broken then tell.
 */
int bringup_start(struct runner *runner, const struct trial_id *id, struct error *error);

/* Takes it down and writes what its telemetry and its broker have left; also after a failure, when
 * little may be there. Only a record that cannot be kept is an error. */
int bringup_stop(struct runner *runner, const struct trial_id *id, struct error *error);

#endif
