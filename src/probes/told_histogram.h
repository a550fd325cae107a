/*
 * told_histogram - a histogram on its way from a worker to the driver, without loss: only the
 * buckets that hold something.
 */
#ifndef BENCH_PROBES_TOLD_HISTOGRAM_H
#define BENCH_PROBES_TOLD_HISTOGRAM_H

#include "base/histogram.h"

#include <jansson.h>

/* The caller's. */
json_t *histogram_to_json(const struct histogram *histogram);
/* Adds what a worker has told; what is no bucket is passed over. */
void histogram_add_json(struct histogram *histogram, const json_t *told);

#endif
