/*
 * site - the hosts of a run and the way between them: opened, joined, compared; opened again when
 * one is lost.
 */
#ifndef BENCH_RUN_SITE_H
#define BENCH_RUN_SITE_H

#include "model/scenario.h"
#include "run/workers.h"

struct site {
    const struct scenario *scenario; /* borrowed */
    struct host_options options;
    struct workers *workers; /* whose hosts these are */
    char *address;           /* where the broker is reached: the setting, or found out */
    char claim[40];          /* of the agents of this run, so that none is there twice */
    struct host_clock clocks[2];
    bool keeps_congestion[2]; /* may not have hosts.congestion, and keeps its own */
};

/* Opens the hosts that the scenario names among the workers. -EINTR, or the set-up cannot work. */
int site_open(struct site *site, struct error *error);
void site_close(struct site *site);

/* When one is lost, opens all of them again; tries for a minute, in which a machine can start anew
 * and a cable can be put back. */
int site_mend(struct site *site, struct error *error);

/* Lets some time pass; -EINTR when the user has had enough. */
int site_pause(const struct site *site, int64_t pause_ns, struct error *error);

/* Compares each host's clock with this one's, into site->clocks. */
int site_compare_clocks(struct site *site, struct error *error);

#endif
