/*
 * conductor - what the driver lets a probe do that directs many processes (probe.conduct): give
 * them words, hear their answers, look at the broker, restart it, cut the link, write down what
 * came of it.
 *
 * The members of the fleet are with processes on the publishers' hosts, "clients", which have the
 * role of the probe that is `fleet`; another role of the probe is one process on its party's host,
 * "subscribers". All instants are the driver's monotonic clock in nanoseconds, but inside of
 * answers, which have the clock of their host; an "at_ns" among the facts of a word is given to
 * each host by its own clock. JSON that is handed in is taken, what is handed out is the caller's.
 */
#ifndef BENCH_PROBES_CONDUCTOR_H
#define BENCH_PROBES_CONDUCTOR_H

#include "base/error.h"
#include "base/histogram.h"
#include "model/fleet.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conductor;

enum conductor_whom { CONDUCTOR_CLIENTS, CONDUCTOR_SUBSCRIBERS };

/* One process with members. */
struct conductor_part {
    struct fleet_part members;
    /* How far its clock is ahead of the subscribers', and by how much that may be wrong; 0 and 0 on
     * one machine. */
    int64_t ahead_ns, bound_ns;
};

/* The broker at one moment; NaN: not known. */
struct conductor_look {
    int64_t at_ns;
    double cpu_s;
    double memory_bytes; /* anonymous, the share of this process: no code, no libraries */
    double group_bytes;  /* of its control group, where neither driver nor members are in that */
};

/* Errors of all but the last group fail the trial, with their words for its reason; or they are
 * -EINTR, or of a lost host. */
struct conductor_verbs {
    /* Gives a word to each process, and does not wait. */
    int (*tell)(struct conductor *conductor, enum conductor_whom whom, const char *word,
                json_t *facts, struct error *error);
    /* Waits until each has answered the last word: *ret (may be NULL), an array in their order. */
    int (*hear)(struct conductor *conductor, enum conductor_whom whom, int64_t limit_ns,
                json_t **ret, struct error *error);
    /* Lets time pass. */
    int (*wait)(struct conductor *conductor, int64_t until_ns, struct error *error);
    int (*look)(struct conductor *conductor, struct conductor_look *ret, struct error *error);
    /* Kills the broker, as a power cut would, and starts it again where it was. */
    int (*restart_broker)(struct conductor *conductor, struct error *error);
    /* Cuts the link of the publishers' hosts, or joins it again: false in *ret where it is no link
     * of ours, and nothing was done. */
    int (*cut_link)(struct conductor *conductor, bool cut, bool *ret, struct error *error);
    /* The measured time: of CPU time, energy and whatever else is looked at around it. */
    int (*begin)(struct conductor *conductor, struct error *error);
    int (*end)(struct conductor *conductor, struct error *error);
    /* Of several measured times the one that ended last is the trial's. */
    void (*keep)(struct conductor *conductor);

    /* Of the fleet as a whole. What NaN is not known has no row. */
    void (*metric)(struct conductor *conductor, const char *name, double value);
    void (*distribution)(struct conductor *conductor, const char *name, const char *unit,
                         const struct histogram *histogram, double scale);
    /* A step of the measured time, in which so many bytes arrived. */
    void (*interval)(struct conductor *conductor, int64_t start_ns, int64_t end_ns, int64_t bytes);
    /* A trial that is ok, but: words for its reader; borrowed. */
    void (*remark)(struct conductor *conductor, const char *words);
};

struct conductor {
    const struct conductor_verbs *verbs;
    const struct fleet_plan *fleet;
    const struct conductor_part *parts; /* of the processes with members */
    size_t n_parts;
    int64_t answer_ns; /* how long a connection may take, all others of the fleet beside it */
    /* To be set: the trial's measured time, and messages or connections in it. */
    int64_t window_ns, units;
};

/* Those who are refused or lost try again after so long. */
#define CONDUCTOR_RETRY_NS (INT64_C(1) * 1000000000)
/* What an answer may need besides what is asked for, on a busy machine. */
#define CONDUCTOR_SLACK_NS (INT64_C(60) * 1000000000)

/* tell() and hear(). */
int conductor_ask(struct conductor *conductor, enum conductor_whom whom, const char *word,
                  json_t *facts, int64_t limit_ns, json_t **ret, struct error *error);

/* Lets the processes make their clients, with these facts besides (may be NULL); at_once: so many
 * connections of each may be under way, 0: as is usual. *ret (may be NULL): their answers. */
int conductor_open(struct conductor *conductor, int64_t at_once, json_t *facts, json_t **ret,
                   struct error *error);
/* Lets that share of the members of each process connect, and waits until they are up, or no more
 * come up. *ret (may be NULL): their answers. -ECONNREFUSED, with reasons, when none is up. */
int conductor_connect(struct conductor *conductor, double share, json_t **ret, struct error *error);
/* Lets all connect that are not up, and waits for them. -ECONNREFUSED, with their number and the
 * reasons, when some do not come up. */
int conductor_connect_all(struct conductor *conductor, struct error *error);
/* Remarks on members that are not up, with their reasons, where there are some. */
void conductor_remark_absent(struct conductor *conductor, const json_t *answers);

/* Writes METRICS_OF_FLEET. */
void conductor_put_counts(struct conductor *conductor, const json_t *answers);

/* Of answers: the sum of a number that each may have; a number of one. */
double conductor_sum(const json_t *answers, const char *name);
/* Adds a histogram that each may have (told_histogram.h). */
void conductor_add(const json_t *answers, const char *name, struct histogram *histogram);
/* "12 connack 5, not authorised; 3 timed out": the reasons of all answers, the most frequent first;
 * "" when there are none. The caller's. */
char *conductor_reasons(const json_t *answers);

/* Headers of IP and TCP that are reckoned for each segment. */
#define FLEET_HEADER_BYTES 52
#define FLEET_HEADERS      "52 bytes for each segment, as of IPv4 with timestamps"

/* Rows of a table, to be put into those of probes with a fleet. */
/* clang-format off */
#define METRICS_OF_FLEET                                                                           \
    {"clients_up", "connections", METRIC_HIGHER, false, "members that were up at the end"},        \
    {"refused", "connections", METRIC_LOWER, false, "attempts that did not come up"},              \
    {"lost", "connections", METRIC_LOWER, false, "connections that ended, but by our own doing"}
/* clang-format on */

#endif
