/*
 * lab - two hosts on one machine: network namespaces that a veth pair joins, each with an agent of
 * its own, the link between them shaped, their processor time limited.
 *
 * The namespaces have no name: they end with the last process in them. An agent makes its own when
 * it is started (command line), the driver then tells both where to sit (lab_join), and each sits
 * down (lab_take_seat).
 */
#ifndef BENCH_HOSTS_LAB_H
#define BENCH_HOSTS_LAB_H

#include "hosts/host.h"
#include "model/setting.h"

struct lab_settings {
    int64_t rate_bit_s; /* of each direction; 0: as fast as it goes */
    int64_t burst_bytes, queue_bytes;
    int64_t delay_ns;                                  /* one way */
    int64_t loss_ppm;                                  /* of packets, one way */
    int64_t broker_cpu_percent, publisher_cpu_percent; /* of one core; 0: no limit */
};
extern const struct setting_group lab_group;

/* Where the two hosts of a lab are, within their namespaces only. */
#define LAB_BROKER_ADDRESS    "192.0.2.1"
#define LAB_PUBLISHER_ADDRESS "192.0.2.2"

/* Whether the specification is of a host in a lab. */
bool lab_is(const char *spec);

/* The driver's side: joins two hosts that have just been opened. */
int lab_join(struct host *broker, struct host *publisher, const struct lab_settings *settings,
             struct error *error);

/* An agent's side: what it must give back when it leaves. */
struct lab_seat {
    char *cgroup; /* its own control group, or NULL */
};

/* Obeys the order "lab": {"address": "192.0.2.1/24", "mate": process id of the other agent for the
 * one that makes the link, "cpu_percent", "settings"}. Refuses outside of a fresh namespace. */
int lab_take_seat(struct lab_seat *seat, const json_t *order, struct error *error);
void lab_leave_seat(struct lab_seat *seat);

#endif
