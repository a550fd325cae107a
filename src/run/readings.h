/*
 * readings - what each host reads off itself before and after each block: blocks.csv.
 */
#ifndef BENCH_RUN_READINGS_H
#define BENCH_RUN_READINGS_H

#include "run/journal.h"
#include "run/site.h"

struct readings {
    struct site *site; /* borrowed */
    char *interfaces[2];
    json_t *before[2]; /* by host: {METRIC: {"value", "unit"}}, NULL where none could be taken */
};

/* environment: as environment_collect() gave it; it names each host's interface. */
void readings_open(struct readings *readings, struct site *site, const json_t *environment);
void readings_close(struct readings *readings);

/* Around a block. What cannot be read, be it that a host is lost, is left out: it spoils no block.
 */
void readings_before(struct readings *readings);
void readings_after(struct readings *readings, struct journal *journal, int block, int attempt);

#endif
