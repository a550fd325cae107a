/*
 * relay - a link in user space, for what tc's tbf cannot do: two interfaces in a network namespace
 * of its own, between which each Ethernet frame is carried on when its time has come. A process of
 * its own (`bench relay`), the child of one agent of a lab, which it dies with.
 *
 * Each direction by itself, in this order: a frame waits for its share of the rate (a bucket of
 * `burst` bytes, as tbf's), or is dropped where more than `queue` bytes would wait; it is lost, or
 * it arrives after the delay and a part of the jitter that is drawn evenly. None overtakes another.
 * A frame's time counts from when the kernel took it, not from when the relay was woken.
 */
#ifndef BENCH_HOSTS_RELAY_H
#define BENCH_HOSTS_RELAY_H

#include "base/error.h"
#include "base/jsonline.h"
#include "base/process.h"
#include "hosts/link.h"

/* What the relay's interfaces are called in its namespace, which is that of its process. */
#define RELAY_END_BROKER    "broker"
#define RELAY_END_PUBLISHER "publisher"

/* The largest frame: MTU 1500 and the Ethernet header. */
#define RELAY_FRAME_BYTES 1514

/* Frames that can be on their way in one direction: with small ones that is less than as many bytes
 * of large ones, and what comes on top is overrun. */
#define RELAY_SLOTS 32768

#define RELAY_LATE_NS INT64_C(1000000)

struct relay {
    struct process process;
    struct jsonline_reader lines;
    /* What it carried of the largest frames in each direction, both at once, when it started. */
    int64_t frames_s, bit_s;
};

#define RELAY_NONE ((struct relay){.process = PROCESS_NONE})

/* Starts it; its ends are laid by whoever makes interfaces of these names in its namespace. */
int relay_start(struct relay *ret, struct error *error);
void relay_stop(struct relay *relay);
/* For one whose output has ended: how its process did; the caller's. */
char *relay_end(struct relay *relay);

/* Shapes the link anew; *ret: what it says that it does now (a block of lab_group as JSON). */
int relay_shape(struct relay *relay, const struct lab_settings *settings, json_t **ret,
                struct error *error);

/* What has become of the frames of both directions since it was started: {"carried", "lost",
 * "dropped" (the queue was full), "overrun" (more came than the relay can take), "late" (left more
 * than RELAY_LATE_NS after their time)}. */
int relay_look(struct relay *relay, json_t **ret, struct error *error);

/* Whether a relay that carries so much can be this link: -EOPNOTSUPP and the most that it can. */
int relay_check(const struct lab_settings *settings, int64_t limit_bit_s, struct error *error);

/* The whole life of the process; returns its exit status. */
int relay_main(void);

#endif
