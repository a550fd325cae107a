/*
 * network - the way that the data takes, seen from this host, and whether two hosts' ways fit.
 *
 * /sys/class/net is not looked at: in a network namespace it can still show another's interfaces.
 */
#ifndef BENCH_HOSTS_NETWORK_H
#define BENCH_HOSTS_NETWORK_H

#include "base/error.h"
#include "hosts/peek.h"

#include <jansson.h>

/* What this host knows of the address that the data takes, a number or a name:
 *   machine        of which machine and network namespace all of this is
 *   address        in numbers; instead of it "unresolved", and why
 *   own            whether the address is one of this host's
 *   own_addresses  [{"interface", "address"}], all that the host has but link-local ones
 *   interface      the one that has the address; for others' addresses the one that leads there
 *   mtu, speed_mbit_s, offloads ("tso gso gro", or "none"), wifi (see readings.h) of the interface
 *   round_trip_ms  the shortest time that a TCP handshake with the address took, or its refusal
 *   route, source, gateway    of packets to the address; instead of them "no_route", and why
 *   way_back       with a peer (the source of the other host's packets): {"address", "interface",
 *                  "route", ...} or {"address", "no_route"} of what goes from address to peer
 * What cannot be read is absent. peer may be NULL or "". The caller's. */
json_t *network_collect(struct peek *peek, const char *address, const char *peer);

/* {"round_trip_ms"}: the shortest of several, each of which may take limit_ns; empty where none
 * came back, or the address cannot be resolved. The caller's. */
json_t *network_round_trip(const char *address, int64_t limit_ns);

/* The bytes that each frame of a train is on the link, its Ethernet header included. */
#define TRAIN_FRAME_BYTES 1514

/* Sends so many full frames to an IPv4 address, one right behind the other, which come back (ICMP
 * echo): {"last": the number of the last that did, from 0, "ms": from the sending of the first to
 * that}; empty where none came within limit_ns, or this is not root in its namespace. The caller's.
 */
json_t *network_train(const char *address, int64_t n_frames, int64_t limit_ns);

/* Adds what `ip -json route get` says: interface, source, gateway. */
void network_parse_route(json_t *route, const char *text);

/* Whether the data will cross the network between the hosts, from what network_collect() gave on
 * both (on the broker's with the publisher's "source" as its peer); the specs are for the message.
 * Of one host alone publisher_side may be NULL. 0, or -EINVAL and what is wrong. */
int network_check(const json_t *broker_side, const json_t *publisher_side, const char *broker_spec,
                  const char *publisher_spec, struct error *error);

#endif
