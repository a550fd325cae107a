/*
 * resolution - what a set-up can see, as its A/A control shows it: the baseline once more, whose
 * ratio to the baseline is 1. How far the interval of that ratio reaches is how far apart equal
 * channels come out here.
 *
 * A difference is believed when its 95 % interval and the control's do not overlap. `equivalent` is
 * believed when the control was found equivalent, too. Both intervals are those that are printed.
 */
#ifndef BENCH_ANALYSIS_RESOLUTION_H
#define BENCH_ANALYSIS_RESOLUTION_H

#include "analysis/paired.h"

#include <stdbool.h>

struct resolution {
    double low, high; /* from the lowest bound of any control, or 1, to the highest */
    bool known;       /* some control has an interval */
    bool equivalent;  /* all that have one were found equivalent */
};

/* Before any control: nothing is known. */
#define RESOLUTION_UNKNOWN ((struct resolution){1, 1, false, true})

/* Takes a control in; one without an interval (fewer than two blocks) says nothing. */
void resolution_add(struct resolution *resolution, const struct paired *control, bool equivalent);

/* Whether a difference is too close to 1 to be told from what equal channels show. */
bool resolution_hides(const struct resolution *resolution, const struct paired *paired);

/* Differences below this share of the baseline cannot be seen; 0 when nothing is known. */
double resolution_limit(const struct resolution *resolution);

/* Whether a control from which `loss` (0..1) of the throughput was taken shows that less than half
 * of it is gone: its 95 % interval lies above. An interval that reaches as far as that leaves open
 * what happened; and buffers may make up for a part of a sender's rest. */
bool resolution_refutes_loss(const struct paired *paired, double loss);

#endif
