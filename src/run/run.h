/*
 * run - executes a plan: block after block, channel after channel, probe after probe, and records
 * what came of it. It orders and records; it holds no key of a party.
 *
 * Here is what the parts of a run work on, and its steps, from the whole (runner.c) down to one
 * trial (trial.c).
 */
#ifndef BENCH_RUN_RUN_H
#define BENCH_RUN_RUN_H

#include "run/enough.h"
#include "run/meter.h"
#include "run/resumption.h"
#include "run/site.h"
#include "run/telemetry_log.h"

struct run_options {
    struct scenario *scenario; /* what it leaves open is chosen in it */
    struct resumption
        *resumption;     /* the run to go on with, whose scenario it is; NULL: a new one */
    const char *results; /* the folder in which the run's own is made */
    const char *certs;   /* folder of the PKI */
    const char *root;    /* of the sources, for the commit; may be NULL */
    int cancel_fd;       /* a signalfd; readable: stop */
    enum verbosity verbosity;
    struct enough_question question; /* for `repetitions = until` */
};

struct run_outcome {
    char *folder;                    /* the run's, NULL when it did not come to one; the caller's */
    size_t trials[TRIAL_N_STATUSES]; /* all attempts */
    size_t before[TRIAL_N_STATUSES]; /* the same, what a resumed run had already */
    bool interrupted;
};

struct run {
    const struct run_options *options;
    const struct scenario *scenario;
    const struct plan *plan;
    struct schedule *schedule;
    int64_t tag; /* of its messages, chosen at random: no other run's at a broker have the same */
    struct workers workers;
    struct site site;
    struct meter *meter; /* NULL: energy is not measured */
    bool meter_silent;   /* which the user knows */
    char *window;        /* what was chosen for delivery, in words; NULL: the usual, or nothing */
    size_t failures;     /* bring-ups in a row that came to nothing */
    bool *down;          /* of each channel: it was among those */
    bool came_up;        /* a channel did */
    size_t absent;       /* channels with somebody else's broker that was not there at first */
    json_t *secrets;     /* an array: of each channel, as issued */
    json_t *speed;       /* of speed_collect(); NULL: no channel makes use of it */
    struct journal *journal;
    struct progress *progress;
    struct run_outcome *outcome;
    struct enough enough;
    bool interrupted; /* only what takes no time is still done */
};

struct deployment {
    struct run *run;
    struct trial_id id; /* the trial at hand; block, attempt and channel are those of all */
    char *variant;      /* of it */
    bool up;            /* it stands */
    enum trial_status
        status; /* not TRIAL_OK: what its trials are without being measured, and why: */
    char *reason;
    bool prepared; /* something on its hosts */
    bool broker_up, telemetry_on;
    bool foreign;     /* the broker is somebody else's */
    char *absence;    /* why it did not come up, or NULL */
    bool one_session; /* the broker lets a client have one connection: telemetry or a trial */
    int64_t sent;     /* telemetry's messages, before it last rested */
    bool incomplete;  /* it is not known whether all of those arrived that were to */
    json_t *tls;      /* of its MQTT sessions: that of worker_put_tls() */
    struct worker publisher, subscriber; /* of telemetry */
    struct telemetry_log messages;
};

/* 0 when the plan was executed, or as much of it as is enough, or interrupted, or nothing of it was
 * left, however the trials ended; a negative errno when the set-up cannot work or the record cannot
 * be kept. ret is filled in either case. */
int run_scenario(const struct run_options *options, struct run_outcome *ret, struct error *error);

/* Whether the files on this machine that a run of the scenario will read are what they must be. */
int issue_check_files(const struct scenario *scenario, struct error *error);
/* Whether there can be the fleet of the scenario's probes, if one of them has any, on every
 * channel. */
int issue_check_fleet(const struct scenario *scenario, struct error *error);
/* Whether a channel can be had, as far as this machine knows: as mechanism_possible(), of the hosts
 * that are here. */
int issue_check_possible(const struct scenario *scenario, const struct channel *channel,
                         struct error *error);
/* What the driver issues once before a run: certificates and generated secrets, for all channels of
 * the scenario; fills run->secrets, those of each channel apart. The CA is here; keys and requests
 * are made by the agents of those hosts where their holders live, and only requests come from
 * there, only certificates go there. -EINTR when the user wants to leave. */
int issue_channels(struct run *run, struct error *error);

/* Makes one channel ready on its hosts, proves it, with telemetry on it, measures what the item
 * says on it, commits its trials, and takes it down. After a failed trial the channel is brought up
 * again for the next. A channel that does not come up fails its trials. Errors are -EINTR, and what
 * makes the rest of the run impossible. */
int deployment_run(struct run *run, const struct schedule_item *item, struct error *error);

/* Performs one probe on the channel that is up: measures the deployment's trial at hand, and fills
 * result; what goes wrong with the trial is result's status and reason. Only -EINTR and what makes
 * the run impossible are errors. Its rows wait for journal_commit(). */
int trial_run(const struct deployment *deployment, struct trial_result *result,
              struct error *error);

#endif
