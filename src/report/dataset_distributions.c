/* distributions.csv: histograms of the trials that count, those of a cell together. */
#include "report/dataset_source.h"

#include <math.h>
#include <string.h>

enum { TRIAL, ATTEMPT, METRIC, UNIT, UPPER_BOUND, COUNT };

/* The trial of the row at hand, if it counts: NULL else. */
static int find_trial(const struct source *source, const struct dataset_trial **ret) {
    const struct dataset *dataset = source->dataset;
    struct dataset_trial key, *trial;
    int r = source_integer(source, TRIAL, &key.trial);

    if (r == 0)
        r = source_integer(source, ATTEMPT, &key.attempt);
    if (r < 0)
        return r;
    trial = !dataset->n_trials ? NULL
                               : bsearch(&key, dataset->trials, dataset->n_trials, sizeof(key),
                                         dataset_compare_ids);
    *ret = trial && trial->used && trial->status == DATASET_OK ? trial : NULL;
    return 0;
}

/* That of the row before, mostly. */
static struct dataset_distribution *find_distribution(const struct source *source,
                                                      const struct dataset_trial *trial) {
    struct dataset *dataset = source->dataset;
    const char *metric = source_text(source, METRIC), *unit = source_text(source, UNIT);
    struct dataset_distribution *found;

    for (size_t i = dataset->n_distributions; i-- > 0;) {
        found = &dataset->distributions[i];
        if (found->probe == trial->probe && found->variant == trial->variant &&
            found->channel == trial->channel && text_equal(found->metric, metric) &&
            text_equal(found->unit, unit))
            return found;
    }
    dataset->distributions = memory_room(dataset->distributions, dataset->n_distributions,
                                         sizeof(*dataset->distributions));
    found = &dataset->distributions[dataset->n_distributions++];
    *found = (struct dataset_distribution){.probe = trial->probe,
                                           .variant = trial->variant,
                                           .channel = trial->channel,
                                           .metric = text_copy(metric),
                                           .unit = text_copy(unit)};
    return found;
}

static int take_bucket(const struct source *source) {
    const struct dataset_trial *trial;
    struct dataset_distribution *distribution;
    double upper_bound;
    long count;
    int r = find_trial(source, &trial);

    if (r == 0)
        r = source_real(source, UPPER_BOUND, &upper_bound);
    if (r == 0)
        r = source_integer(source, COUNT, &count);
    if (r < 0)
        return r;
    if (!(upper_bound >= 0))
        return source_reject(source, UPPER_BOUND, "is no bound of a bucket");
    if (!trial)
        return 0;
    distribution = find_distribution(source, trial);
    distribution->buckets =
        memory_room(distribution->buckets, distribution->n, sizeof(*distribution->buckets));
    distribution->buckets[distribution->n++] = (struct dataset_bucket){upper_bound, count};
    distribution->total += count;
    return 0;
}

static int compare_bounds(const void *a, const void *b) {
    const struct dataset_bucket *x = a, *y = b;

    return (x->upper_bound > y->upper_bound) - (x->upper_bound < y->upper_bound);
}

/* The same bucket of several trials becomes one. */
static void merge(struct dataset_distribution *distribution) {
    struct dataset_bucket *buckets = distribution->buckets;
    size_t n = 0;

    qsort(buckets, distribution->n, sizeof(*buckets), compare_bounds);
    for (size_t i = 0; i < distribution->n; i++)
        if (n > 0 && buckets[n - 1].upper_bound >= buckets[i].upper_bound)
            buckets[n - 1].count += buckets[i].count;
        else
            buckets[n++] = buckets[i];
    distribution->n = n;
}

int dataset_read_distributions(struct dataset *dataset, const char *run_dir, struct error *error) {
    static const char *const names[] = {"trial",       "attempt", "metric", "unit",
                                        "upper_bound", "count",   NULL};
    CLEANUP(source_close) struct source source = {.error = error};
    int r = source_open(&source, dataset, run_dir, "distributions.csv", names);

    while (r >= 0 && (r = source_next(&source)) > 0)
        r = take_bucket(&source);
    for (size_t i = 0; i < dataset->n_distributions; i++)
        merge(&dataset->distributions[i]);
    return r;
}
