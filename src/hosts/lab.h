/*
 * lab - two hosts on one machine: network namespaces that a veth pair or a relay joins, each with
 * an agent of its own, the link between them shaped, their processor time limited.
 *
 * The namespaces have no name: they end with the last process in them. An agent makes its own when
 * it is started (command line), the driver then tells both where to sit (lab_join), and each sits
 * down (lab_take_seat).
 */
#ifndef BENCH_HOSTS_LAB_H
#define BENCH_HOSTS_LAB_H

#include "hosts/host.h"
#include "hosts/link.h"
#include "hosts/relay.h"

/* Where the two hosts of a lab are, within their namespaces only. */
#define LAB_BROKER_ADDRESS    "192.0.2.1"
#define LAB_PUBLISHER_ADDRESS "192.0.2.2"

/* Whether the specification is of a host in a lab. */
bool lab_is(const char *spec);

/* The driver's side: joins two hosts that have just been opened, the broker's first, by a link that
 * can be each of these. *ret, the caller's: NULL, or what is known of the relay that some of them
 * take: {"relay_pid", "limit_frames_s", "limit_bit_s"}. */
int lab_join(struct host *const hosts[2], const struct lab_settings *const *links, size_t n_links,
             json_t **ret, struct error *error);
/* Shapes the link anew, and reads back that it is so. */
int lab_shape(struct host *const hosts[2], const struct lab_settings *settings,
              struct error *error);

/* An agent's side: what it must give back when it leaves. */
struct lab_seat {
    struct relay relay; /* a child of this one, or RELAY_NONE */
    bool relayed;       /* the link is a relay, this one's or the other's child */
    char *cgroup;       /* its own control group, or NULL */
    int64_t slow_ns;    /* by how much longer than elsewhere an answer may take over the link */
};

/* Obeys the order "lab": {"address": "192.0.2.1/24", "cpu_percent"}, and to whom the link leads, be
 * it "mate": process id of the other agent for the one that makes the link, or "relay": true for
 * the one that starts it, "relay_pid" for the other. Refuses outside of a fresh namespace. *ret:
 * what lab_join() tells. */
int lab_take_seat(struct lab_seat *seat, const json_t *order, json_t **ret, struct error *error);
/* Obeys the order "lab-shape": {"settings"}, which both seats are given. */
int lab_shape_seat(struct lab_seat *seat, const json_t *order, struct error *error);
/* Adds what readings.h is about: where this seat has the relay, its counts of frames
 * (relay_look()), "relay_carried" and so on. */
void lab_put_readings(struct lab_seat *seat, json_t *readings);
/* Where the end of the relay shows, or -1. */
int lab_seat_fd(const struct lab_seat *seat);
void lab_leave_seat(struct lab_seat *seat);

#endif
