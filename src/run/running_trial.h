/*
 * running_trial - a trial while it is measured: its workers, and what the record is made of.
 */
#ifndef BENCH_RUN_RUNNING_TRIAL_H
#define BENCH_RUN_RUNNING_TRIAL_H

#include "run/usage.h"

/* To start on a busy machine, and to connect: up to 64 times one after the other, which takes more
 * than a minute where a packet needs 300 ms there and back. */
#define TRIAL_READY_NS (180 * INT64_C(1000000000))

struct running_trial {
    const struct deployment *deployment;
    struct run *run;
    const struct trial_id *id;
    const struct probe *probe;
    struct worker *workers; /* of the roles that apply */
    size_t n;
    int64_t units;       /* messages, blocks or connections of the measured time, at the receiver */
    json_t *peers;       /* by role: what it has said when it was ready */
    const json_t *share; /* of the broker's work, that a role has said (worker_share()), or NULL */
    struct usage looks[2]; /* when the window opens and when it closes */
    char *remarks;         /* of a probe that conducts; NULL: none */
};

/* Below the probe's own topic, where it has one as a setting; the caller's. */
char *running_trial_topic(const struct running_trial *trial);
/* Each attempt's own, and one of this run's. */
int64_t running_trial_tag(const struct running_trial *trial);

#endif
