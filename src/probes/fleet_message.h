/*
 * fleet_message - what the members of a fleet publish, and the account of what has arrived.
 *
 * A message begins with the trial's tag and its number among its member's messages (sequence.h),
 * its member, its step, and when it was due; the rest of the payload is filling. The account knows
 * of each member which numbers have come, in a few bytes.
 */
#ifndef BENCH_PROBES_FLEET_MESSAGE_H
#define BENCH_PROBES_FLEET_MESSAGE_H

#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLEET_MESSAGE_BYTES 24

struct fleet_message {
    int64_t tagged; /* its number, from 0, and the trial's tag above that */
    uint32_t member;
    uint32_t
        step; /* in whose measured time it was due, from 1; 0: in a warm-up, it counts nowhere */
    int64_t due_ns; /* by the clock of its publisher's host */
};

/* The first FLEET_MESSAGE_BYTES of a payload. */
void fleet_message_write(const struct fleet_message *message, unsigned char *payload);
void fleet_message_read(const unsigned char *payload, struct fleet_message *ret);

/* What one subscriber has had of one member: numbers below next - 64 count as seen. */
struct fleet_arrivals {
    uint64_t seen; /* of the 64 numbers before next, bit 0 the newest */
    int64_t next;  /* one more than the largest number so far */
};

struct fleet_account {
    struct fleet_arrivals *members; /* by number of the member */
    size_t n;
    int64_t arrived, duplicated, reordered; /* each first arrival; those again; after a later one */
};

void fleet_account_open(struct fleet_account *account, size_t n_members);
void fleet_account_close(struct fleet_account *account);
/* A message of a member has come; false when it has before. */
bool fleet_account_take(struct fleet_account *account, uint32_t member, int64_t number);

#endif
