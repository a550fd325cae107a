/*
 * site - the hosts of a run and the ways between them: opened, joined, compared; opened again when
 * one is lost. What they are is environment.json, what each reads off itself around a block
 * blocks.csv.
 */
#ifndef BENCH_RUN_SITE_H
#define BENCH_RUN_SITE_H

#include "hosts/lab.h"
#include "run/journal.h"
#include "run/workers.h"

struct site {
    const struct scenario *scenario; /* borrowed */
    struct host_options options;
    struct workers *workers; /* whose hosts these are */
    char *address;           /* where the broker is reached: the setting, or found out */
    bool measures;           /* other runs on the same hosts are to know */
    char claim[40];          /* of the agents of this run, so that none is there twice */
    struct host_clock clocks[WORKERS_HOSTS_MAX];
    /* May not have hosts.congestion, and keeps its own. */
    bool keeps_congestion[WORKERS_HOSTS_MAX];
    json_t *relay;       /* of lab_join() */
    json_t *environment; /* of site_describe() */
    /* Of each channel, why it cannot be had here ("host NAME: reason"), or null: of
     * site_check_channels(), or seen when it was to be prepared. */
    json_t *lacking;
    /* Readings before a block, by host: {METRIC: {"value", "unit"}}, NULL where there are none. */
    json_t *before[WORKERS_HOSTS_MAX];
};

/* Whether channels and links can do with the hosts that the scenario names, by the names alone;
 * else site_open() refuses it. */
int site_check_hosts(const struct scenario *scenario, struct error *error);

/* Opens the hosts that the scenario names among the workers. -EINTR, or the set-up cannot work. */
int site_open(struct site *site, struct error *error);
void site_close(struct site *site);

/* When one is lost, opens all of them again; tries for a minute, in which a machine can start anew
 * and a cable can be put back. */
int site_mend(struct site *site, struct error *error);

/* Makes the link of a lab this one: a block of lab_group. Nothing where the hosts are in none. */
int site_shape(const struct site *site, const struct lab_settings *link, struct error *error);

/* Whether the link is that one, by the round trip of a packet from the publisher's host, and where
 * it has a rate by that of a few full ones: *ret, the caller's, are rows of proofs.csv. Of no lab:
 * NULL. */
int site_prove_link(const struct site *site, const struct lab_settings *link, json_t **ret,
                    struct error *error);

/* Lets some time pass; -EINTR when the user has had enough. */
int site_pause(const struct site *site, int64_t pause_ns, struct error *error);

/* Compares each host's clock with this one's, into site->clocks. */
int site_compare_clocks(struct site *site, struct error *error);

/* The circumstances of a run, into site->environment: {"started_utc", "commit", "hosts": [{"spec",
 * "parties", ...facts}]}. root: of the sources, may be NULL. -EINVAL when the data would not take
 * the way between the hosts (network_check()), or another errno when a host does not answer. The
 * functions below need it. */
int site_describe(struct site *site, const char *root, struct error *error);

/* Whether every host has the client libraries that the scenario asks for: builds of the same
 * sources may differ in that. */
int site_check_libraries(const struct site *site, struct error *error);
/* Whether the OpenSSL of every host knows what the channels ask for; what each channel needs and a
 * host lacks, this one for the CA, into site->lacking; and whether subscriber and publisher would
 * have the same group where the others leave it to OpenSSL: a delivery over two kinds of TLS is
 * void. That is not asked of a broker that is somebody else's. */
int site_check_channels(struct site *site, struct error *error);
/* Why that channel cannot be had here, or NULL; borrowed. */
const char *site_lacking(const struct site *site, size_t channel);
/* Between publisher and broker, as it was found, or the longest of a lab's links; NaN: not known.
 */
double site_round_trip_ms(const struct site *site);

/* What each host reads off itself around a block. What cannot be read, be it that a host is lost,
 * is left out: it spoils no block. */
void site_read_before(struct site *site);
void site_read_after(struct site *site, struct journal *journal, int block, int attempt);

#endif
