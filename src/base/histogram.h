/*
 * histogram - how often each value occurred, in fixed memory: times in nanoseconds mostly, but any
 * numbers from 0 on.
 *
 * The buckets are log-linear, after the idea of HdrHistogram: each doubling of the value is cut
 * into HISTOGRAM_PARTS equal buckets, so that a bucket is never wider than 1/HISTOGRAM_PARTS (0.8
 * %) of the values in it; values below 2 * HISTOGRAM_PARTS have a bucket each. Recording allocates
 * nothing and takes the same few steps for any value.
 */
#ifndef BENCH_BASE_HISTOGRAM_H
#define BENCH_BASE_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_PART_BITS 7
#define HISTOGRAM_PARTS     (1 << HISTOGRAM_PART_BITS)
/* Of all values that an int64_t can hold. */
#define HISTOGRAM_BUCKETS ((63 - HISTOGRAM_PART_BITS + 1) * HISTOGRAM_PARTS)

/* All zero bytes: nothing recorded. About 57 KiB: rather static or allocated than on a stack. */
struct histogram {
    int64_t counts[HISTOGRAM_BUCKETS];
    int64_t n;        /* of all values */
    int64_t min, max; /* exact; 0 while n is */
    double sum;
};

/* The largest value that is in a bucket. */
int64_t histogram_upper_bound(size_t bucket);

/* A value below 0, which no clock gives, counts as 0. */
void histogram_record(struct histogram *histogram, int64_t value);
/* Adds all that another has recorded. */
void histogram_add(struct histogram *histogram, const struct histogram *other);

/* The value at or below which `share` (0..1) of all values lie: by rank, and between the bounds of
 * its bucket by proportion, so within 0.8 % of the true one. NaN while there is none. */
double histogram_percentile(const struct histogram *histogram, double share);
double histogram_mean(const struct histogram *histogram); /* exact; NaN while there is none */

/* Whether so many values are enough to tell a percentile from the largest value: at least one must
 * be expected above it. */
bool histogram_supports(int64_t n, double share);

#endif
