/*
 * sequence - which of a publisher's numbered messages have arrived: how many, how many twice, how
 * many after a later one. In constant memory, a few steps a message.
 *
 * What MQTT promises for messages of one publisher on one topic: in order at every quality of
 * service (first arrivals; MQTT 3.1.1, 4.6); none twice at QoS 0 and 2; none lost at QoS 1 and 2.
 */
#ifndef BENCH_PROBES_SEQUENCE_H
#define BENCH_PROBES_SEQUENCE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* How far behind the newest a number is still known. One that comes later than that is taken for a
 * duplicate, so that a message too many never hides one that is missing. */
#define SEQUENCE_WINDOW (64 * 1024)
#define SEQUENCE_BITS   40
#define SEQUENCE_MAX    ((INT64_C(1) << SEQUENCE_BITS) - 1) /* the largest number */

/* Above its number a message carries the tag of its trial, by which what is late of another trial,
 * or of another run, is known and left out. */
#define SEQUENCE_TAGS (INT64_C(1) << 22) /* how many there are; one more bit is the prober's */

/* All zero bytes: nothing has arrived, and numbers begin at 0. */
struct sequence {
    int64_t next; /* one more than the largest so far */
    int64_t arrived, duplicated, reordered;
    uint64_t seen[SEQUENCE_WINDOW / 64];
};

/* A message has arrived, with a number from 0 to SEQUENCE_MAX. False when it has before. */
bool sequence_take(struct sequence *sequence, int64_t number);

/* Whether what was promised was kept, of `sent` messages, after the last has arrived. A loss at QoS
 * 0 is none of it; nor is the order where it is not `ordered`, as of messages of different
 * connections, one of which may overtake the other. -EIO, and what was broken in words. */
int sequence_check(const struct sequence *sequence, int64_t sent, int qos, bool ordered,
                   struct error *error);

#endif
