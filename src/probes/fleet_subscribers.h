/*
 * fleet_subscribers - the role of the process that receives what a fleet publishes: connections of
 * client1 that take shares of the topics, on the broker's host. Every message is accounted for.
 *
 * Words and their facts, obeyed as those of fleet_clients.h:
 *
 *   open   qos payload subscribers per_topic answer_ns    connects and subscribes
 *   begin  at_ns warmup_ns duration_ns step parts         what is counted from now on; the
 *          measured time begins warmup_ns behind at_ns. parts: of the processes with members
 *          [{"first", "ahead_ns"}], how far their clocks are ahead of this one
 *   end    sent published   what they have handed over since, and in the measured time: waits for
 *          all of it, or until nothing more comes; {"arrived", "in_window", "latency" ...}
 *   stop                    the result
 */
#ifndef BENCH_PROBES_FLEET_SUBSCRIBERS_H
#define BENCH_PROBES_FLEET_SUBSCRIBERS_H

#include "probes/probe.h"

/* How long a step is, whose bytes are one number of `steps`: WORKER_STEP_NS, or several of these
 * where the measured time is longer than an hour, as an answer is one line. */
int64_t fleet_subscribers_step_ns(int64_t duration_ns);

int fleet_subscribers_run(struct worker_context *worker, struct error *error);

#endif
