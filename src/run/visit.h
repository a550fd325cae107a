/*
 * visit - one channel brought up, every probe measured on it once, and taken down.
 */
#ifndef BENCH_RUN_VISIT_H
#define BENCH_RUN_VISIT_H

#include "run/bringup.h"

/* Measures what the item says and commits its trials; the channel is brought up again when a trial
 * failed on it. A channel that does not come up fails its trials. Errors are -EINTR, and what makes
 * the rest of the run impossible. */
int visit_make(struct runner *runner, const struct agenda_item *item, struct error *error);

#endif
