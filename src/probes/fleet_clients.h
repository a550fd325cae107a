/*
 * fleet_clients - the role of a process with members of the fleet: they connect, publish on an
 * absolute schedule, are cut off, come back. It obeys words of the conductor, answers each with
 * what came of it, and keeps its connections alive meanwhile.
 *
 * Parameters beside those of every role: "first" and "count" of its members, "part" and "n_parts",
 * which of the processes with members it is, "addresses" (local ones, may be absent). Words and
 * their facts; each answer has the counts of put_counts():
 *
 *   open     retry_ns at_once answer_ns qos payload subscribers
 *                              makes the clients: of their configs, certificates and keys
 *   connect  share limit_ns    until that share (0..1) of its members is up, or it gets no further
 *   look                       {"memory", "cpu_s", "wire_bytes" ...} beside the counts
 *   publish  at_ns warmup_ns duration_ns interval_ns step
 *                              each member once an interval; {"offered", "published", "late" ...}
 *   drop                       cuts all connections without a word
 *   storm    at_ns limit_ns    all begin to connect at that instant; {"back": histogram of ns}
 *   stop                       the result
 */
#ifndef BENCH_PROBES_FLEET_CLIENTS_H
#define BENCH_PROBES_FLEET_CLIENTS_H

#include "probes/probe.h"

int fleet_clients_run(struct worker_context *worker, struct error *error);

/* A row of a probe's roles. */
#define FLEET_CLIENTS_ROLE(role_name)                                                              \
    {                                                                                              \
        .name = (role_name), .party = PARTY_CLIENT2, .run = fleet_clients_run, .many_files = true, \
        .fleet = true                                                                              \
    }

/* A publication that began so long after it was due, or later, is late: what a busy machine may
 * take to let a process have its turn is less. */
#define FLEET_LATE_NS (10 * INT64_C(1000000))

/* Where members publish, one topic each: "TOPIC/GROUP/MEMBER", by which groups of topics are shared
 * out among subscribers. The caller's. */
char *fleet_topic(const char *topic, int64_t member, int64_t subscribers);

#endif
