/*
 * stream - bulk streams between two workers, one on the broker's host and one on client2's: the
 * probes path, transport and transport-per-unit, and the load beside another probe.
 */
#ifndef BENCH_PROBES_STREAM_H
#define BENCH_PROBES_STREAM_H

#include "probes/probe.h"

/* A row of stream_kinds: its probe, and what else sets it apart. */
struct stream_kind {
    struct probe probe; /* of the load the settings alone: it is no probe */
    bool per_unit;      /* as with write = per-unit, which these settings then do not have */
    /* Runs beside what another probe measures: warm-up and duration are that probe's, an imposed
     * loss is none of its own, and what it moves is told as a metric, load_throughput. */
    bool beside;
};
enum { STREAM_PATH, STREAM_TRANSPORT, STREAM_PER_UNIT, STREAM_LOAD };
extern const struct stream_kind stream_kinds[];

/* role.run of either end; role.context is the kind. */
int stream_server(struct worker_context *worker, struct error *error);
int stream_client(struct worker_context *worker, struct error *error);

#endif
