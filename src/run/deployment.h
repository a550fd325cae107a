/*
 * deployment - one channel made ready on its hosts, proven, with telemetry on it; every probe
 * measured on it once; and taken down. After a failed trial the channel is brought up again for
 * the next.
 */
#ifndef BENCH_RUN_DEPLOYMENT_H
#define BENCH_RUN_DEPLOYMENT_H

#include "run/run.h"
#include "run/telemetry_log.h"

struct deployment {
    struct run *run;
    struct trial_id id; /* the trial at hand; block, attempt and channel are those of all */
    char *variant;      /* of it */
    bool up;            /* it stands, or `skipped` or `broken` says why nothing is measured on it */
    char *failure;      /* why it did not come up, or NULL */
    char *skipped;      /* why it cannot be had on these hosts, or NULL */
    char *broken;       /* why its trials are void, or NULL */
    bool prepared;      /* something on its hosts */
    bool broker_up, telemetry_on;
    json_t *tls;                         /* of its MQTT sessions: "version", "cipher", "group" */
    struct worker publisher, subscriber; /* of telemetry */
    struct telemetry_log messages;
};

/* Measures what the item says and commits its trials. A channel that does not come up fails its
 * trials. Errors are -EINTR, and what makes the rest of the run impossible. */
int deployment_run(struct run *run, const struct schedule_item *item, struct error *error);

#endif
