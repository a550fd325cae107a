/*
 * fleet - many clients that connect as client2 does, each as somebody of its own: how many, how
 * they connect, how they share themselves out over hosts and processes, and what they are called.
 *
 * A member is one of them, by its number, from 0. Its client identifier is client2's with "-m" and
 * that number behind it, "client2-m17": a session of client2's, as
 * security/client_id_scheme.h has it. Durations are nanoseconds.
 */
#ifndef BENCH_MODEL_FLEET_H
#define BENCH_MODEL_FLEET_H

#include "model/member.h"
#include "model/setting.h"

/* Below it members publish, each to a topic of its own that ends in its number:
 * TOPIC/TRIAL/SHARE/17. Where a channel has rules (acl), they permit that, and client1 to read it.
 */
#define FLEET_TOPIC "bench/fleet"

/* Connections that take shares of their messages, at most: 64 shares, each with 64 of them. */
#define FLEET_MAX_SUBSCRIBERS 4096

/* Whose certificate a member shows. */
enum fleet_certificates { FLEET_OWN, FLEET_SHARED };

/* The settings [fleet] of a scenario; on its way to the hosts in the order "channel", where the
 * scenario has a probe with a fleet. */
struct fleet_plan {
    int64_t clients;
    int64_t certificates; /* enum fleet_certificates */
    int64_t connect_rate; /* connections begun a second, of all members; 0: as fast as it goes */
    int64_t keepalive_ns; /* CONNECT has whole seconds: round up */
};
extern const struct setting_group fleet_group;

/* The keep-alive as CONNECT has it. */
int64_t fleet_keepalive_s(const struct fleet_plan *plan);

/* Members in a row: first, first + 1 ... */
struct fleet_part {
    int64_t first, count;
};

/* Part `part` of `n_parts`, of which none is larger than another by more than one member. */
struct fleet_part fleet_part(int64_t clients, size_t n_parts, size_t part);

/* "client2-m17" of "client2"; the caller's. */
char *fleet_member_name(const char *base, int64_t member);
/* The way back is fleet_member_of() in member.h. */

#endif
