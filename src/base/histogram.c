#include "base/histogram.h"

#include <math.h>

/* Values that share their highest bit, from 2 * PARTS on, are PARTS buckets; those below have one
 * each, which is the same formula with a shift of 0. */
static size_t bucket_of(int64_t value) {
    int shift = 0;

    if (value >= 2 * HISTOGRAM_PARTS)
        shift = 63 - __builtin_clzll((unsigned long long)value) - HISTOGRAM_PART_BITS;
    return (size_t)shift * HISTOGRAM_PARTS + (size_t)(value >> shift);
}

static int64_t lower_bound(size_t bucket) {
    size_t shift = bucket < 2 * HISTOGRAM_PARTS ? 0 : bucket / HISTOGRAM_PARTS - 1;

    return (int64_t)(bucket - shift * HISTOGRAM_PARTS) << shift;
}

int64_t histogram_upper_bound(size_t bucket) {
    return bucket + 1 < HISTOGRAM_BUCKETS ? lower_bound(bucket + 1) - 1 : INT64_MAX;
}

void histogram_record(struct histogram *histogram, int64_t value) {
    if (value < 0)
        value = 0;
    if (value > histogram->max)
        histogram->max = value;
    if (value < histogram->min || histogram->n == 0)
        histogram->min = value;
    histogram->sum += (double)value;
    histogram->n++;
    histogram->counts[bucket_of(value)]++;
}

void histogram_add(struct histogram *histogram, const struct histogram *other) {
    if (!other->n)
        return;
    if (other->min < histogram->min || histogram->n == 0)
        histogram->min = other->min;
    if (other->max > histogram->max)
        histogram->max = other->max;
    histogram->sum += other->sum;
    histogram->n += other->n;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        histogram->counts[i] += other->counts[i];
}

static double within(const struct histogram *histogram, double value) {
    return value < (double)histogram->min   ? (double)histogram->min
           : value > (double)histogram->max ? (double)histogram->max
                                            : value;
}

double histogram_percentile(const struct histogram *histogram, double share) {
    /* The smallest rank that holds the share; the fraction mends what multiplying has rounded. */
    double rank = ceil(share * (double)histogram->n - 1e-9), below = 0;
    size_t bucket = 0;

    if (!histogram->n)
        return NAN;
    rank = rank < 1 ? 1 : rank;
    while (below + (double)histogram->counts[bucket] < rank && bucket + 1 < HISTOGRAM_BUCKETS)
        below += (double)histogram->counts[bucket++];
    /* Its values are taken to lie evenly between the bounds, the middle one in the middle. */
    return within(histogram, (double)lower_bound(bucket) +
                                 (double)(histogram_upper_bound(bucket) - lower_bound(bucket)) *
                                     (rank - below - 0.5) / (double)histogram->counts[bucket]);
}

double histogram_mean(const struct histogram *histogram) {
    return histogram->n ? histogram->sum / (double)histogram->n : NAN;
}

bool histogram_supports(int64_t n, double share) {
    return (double)n * (1 - share) >= 1 - 1e-9;
}
