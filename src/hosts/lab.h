/*
 * lab - hosts on one machine: network namespaces, each with an agent of its own, the links between
 * them shaped, their processor time limited. Two are joined by a veth pair or by a relay. Where
 * several publishers' hosts are, the broker's has a bridge, and to it a veth pair from each of
 * them: every publisher has a link of its own.
 *
 *   broker's host           192.0.2.1
 *   publishers' hosts       192.0.2.2, 192.0.2.3, ... in their order
 *   ... further addresses   198.18.2.1 to .199 of the first, 198.18.3.1 ... of the next
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

/* Where the broker's host is, within the namespaces of the lab only. */
#define LAB_BROKER_ADDRESS "192.0.2.1"

/* lab:a to lab:z. */
#define LAB_HOSTS_MAX 26

/* Whether the specification is of a host in a lab. */
bool lab_is(const char *spec);
/* Whether the link takes a relay, which joins two hosts, not more. */
bool lab_takes_relay(const struct lab_settings *link);

/* The driver's side: joins hosts that have just been opened, the broker's first, by links that can
 * be each of these. *ret, the caller's: NULL, or what is known of the relay that some of them take:
 * {"relay_pid", "limit_frames_s", "limit_bit_s"}. */
int lab_join(struct host *const *hosts, size_t n_hosts, const struct lab_settings *const *links,
             size_t n_links, json_t **ret, struct error *error);
/* Shapes the links anew, all alike, and reads back that they are so. */
int lab_shape(struct host *const *hosts, size_t n_hosts, const struct lab_settings *settings,
              struct error *error);

/* An agent's side: what it must give back when it leaves. */
struct lab_seat {
    struct relay relay; /* a child of this one, or RELAY_NONE */
    bool relayed;       /* the link is a relay, this one's or the other's child */
    char *cgroup;       /* its own control group, or NULL */
    int64_t slow_ns;    /* by how much longer than elsewhere an answer may take over the link */
    size_t n_ports;     /* of its bridge; 0: it has none */
    int place;          /* of a publisher's host, from 1; 0: of the broker's */
    int64_t addresses;  /* that its clients have */
};

/* Obeys the order "lab": {"place": 0 for the broker's host, a publisher's from 1, "addresses",
 * "cpu_percent"}, and to whom the links lead, be it "mates": the process ids of the other agents in
 * their order for the one that makes the links, or "relay": true for the one that starts it,
 * "relay_pid" for the other. Refuses outside of a fresh namespace. *ret: what lab_join() tells. */
int lab_take_seat(struct lab_seat *seat, const json_t *order, json_t **ret, struct error *error);
/* Obeys the order "lab-shape": {"settings"}, which all seats are given. */
int lab_shape_seat(struct lab_seat *seat, const json_t *order, struct error *error);
/* Obeys the order "lab-cut": {"cut"}: takes this seat's end of the link down, or up again. What is
 * sent meanwhile comes nowhere. A link that is a relay cannot be cut: -EOPNOTSUPP. */
int lab_cut_seat(struct lab_seat *seat, const json_t *order, struct error *error);
/* Adds what readings.h is about: where this seat has the relay, its counts of frames
 * (relay_look()), "relay_carried" and so on. */
void lab_put_readings(struct lab_seat *seat, json_t *readings);
/* The addresses that connections from this seat are to take turns with: ["192.0.2.2", ...], or NULL
 * where the kernel chooses the only one. The caller's. */
json_t *lab_seat_addresses(const struct lab_seat *seat);
/* Where the end of the relay shows, or -1. */
int lab_seat_fd(const struct lab_seat *seat);
void lab_leave_seat(struct lab_seat *seat);

#endif
