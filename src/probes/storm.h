/*
 * storm - all members reconnect at once: after the broker was restarted as by a power cut, or after
 * the link was cut and restored.
 *
 * Time counts from the instant at which all begin, when broker and link are there again. Who is
 * refused or lost then tries again after a while. With `cut` the hosts of a lab lose their link, so
 * that the broker keeps its ends of the old connections; elsewhere clients reset theirs.
 */
#ifndef BENCH_PROBES_STORM_H
#define BENCH_PROBES_STORM_H

#include "probes/probe.h"

extern const struct probe probe_storm;

#endif
