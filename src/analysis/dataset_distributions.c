/* distributions.csv: histograms of the trials that count, those of a cell together. */
#include "analysis/dataset_source.h"
#include "analysis/names.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { TRIAL, ATTEMPT, METRIC, UNIT, UPPER_BOUND, COUNT };

/* What the rows of one distribution of one trial have in all. */
struct tally {
    size_t trial; /* its place in the dataset's list */
    const char *metric;
    int64_t total;
    size_t line; /* of the last row */
};

struct distributions {
    struct source source;
    struct names keys; /* "trial.attempt.metric" of the tallies */
    struct tally *tallies;
};

static void distributions_clear(struct distributions *distributions) {
    source_close(&distributions->source);
    names_clear(&distributions->keys);
    free(distributions->tallies);
}

/* The trial of the row at hand, if it counts: NULL else. */
static int find_trial(const struct source *source, const struct dataset_trial **ret) {
    int r = source_trial(source, ret);

    if (r == 0 && *ret && (!(*ret)->used || (*ret)->status != DATASET_OK))
        *ret = NULL;
    return r;
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

/* Adds the row at hand to what its trial has of its distribution. */
static void count_row(struct distributions *distributions, const struct dataset_trial *trial,
                      int64_t count) {
    const struct source *source = &distributions->source;
    size_t known = distributions->keys.n, number;
    CLEANUP_FREE char *head = text_format("%ld.%ld.", trial->trial, trial->attempt);
    CLEANUP_FREE char *key = text_format("%s%s", head, source_text(source, METRIC));

    number = names_number(&distributions->keys, key, strlen(key));
    if (number == known) {
        distributions->tallies =
            memory_room(distributions->tallies, known, sizeof(*distributions->tallies));
        distributions->tallies[known] =
            (struct tally){.trial = (size_t)(trial - source->dataset->trials),
                           .metric = distributions->keys.texts[known] + strlen(head)};
    }
    distributions->tallies[number].total += count;
    distributions->tallies[number].line = source->reader->line;
}

static int take_bucket(struct distributions *distributions) {
    const struct source *source = &distributions->source;
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
    count_row(distributions, trial, count);
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

/* A metric of each trial says how many there are. */
static int check_totals(const struct distributions *distributions, struct error *error) {
    const struct dataset *dataset = distributions->source.dataset;

    for (size_t i = 0; i < distributions->keys.n; i++) {
        const struct tally *tally = &distributions->tallies[i];
        const struct dataset_trial *trial = &dataset->trials[tally->trial];
        const char *metric = "";
        double count = dataset_counted_by(dataset, tally->metric, tally->trial, &metric);

        if (!isnan(count) && count != (double)tally->total)
            return error_set(error, -EBADMSG,
                             "%s:%zu: count: %s of trial %ld, attempt %ld has %lld in all, but %s "
                             "is %.9g",
                             distributions->source.reader->path, tally->line, tally->metric,
                             trial->trial, trial->attempt, (long long)tally->total, metric, count);
    }
    return 0;
}

int dataset_read_distributions(struct dataset *dataset, const char *run_dir, struct error *error) {
    static const char *const names[] = {"trial",       "attempt", "metric", "unit",
                                        "upper_bound", "count",   NULL};
    CLEANUP(distributions_clear) struct distributions distributions = {.source.error = error};
    int r = source_open(&distributions.source, dataset, run_dir, "distributions.csv", names);

    while (r >= 0 && (r = source_next(&distributions.source)) > 0)
        r = take_bucket(&distributions);
    if (r == 0)
        r = check_totals(&distributions, error);
    for (size_t i = 0; i < dataset->n_distributions; i++)
        merge(&dataset->distributions[i]);
    return r;
}
