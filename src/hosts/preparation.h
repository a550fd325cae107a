/*
 * preparation - what the mechanisms of a channel have prepared on this host, until it is undone.
 */
#ifndef BENCH_HOSTS_PREPARATION_H
#define BENCH_HOSTS_PREPARATION_H

#include "security/mechanism.h"

struct preparation {
    void **states; /* one for each of mechanisms[]; NULL: nothing is prepared */
};

/* Obeys the order "prepare": {"broker", "alone", "outer", "heard": what the other host has told},
 * for the channel of bringup. *ret is what the mechanisms tell here, {"tunnel": {...}}; the
 * caller's. -EOPNOTSUPP: it cannot be had here. */
int preparation_make(struct preparation *preparation, const struct bringup *bringup,
                     const json_t *order, json_t **ret, struct error *error);
/* {"tunnel": CPU seconds so far}, of those for whom it is known; the caller's. */
json_t *preparation_usage(const struct preparation *preparation);
/* Undoes all, if there is any. */
void preparation_undo(struct preparation *preparation);

#endif
