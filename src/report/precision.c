#include "report/precision.h"

#include "report/dataset.h"
#include "report/statistics.h"

#include <math.h>

/* The log-ratios to the baseline of one probe, channel and variant: their number, mean and sum of
 * squared deviations, updated one by one (Welford 1962). */
struct ratios {
    size_t n;
    double mean, squares;
};

static void take(struct ratios *ratios, double log_ratio) {
    double deviation = log_ratio - ratios->mean;

    ratios->n++;
    ratios->mean += deviation / (double)ratios->n;
    ratios->squares += deviation * (log_ratio - ratios->mean);
}

/* (exp(high) - exp(low)) / exp(mean). */
static double relative_width(const struct ratios *ratios) {
    double low, high;

    if (ratios->n < 2)
        return NAN;
    statistics_t_interval(ratios->n, ratios->mean, sqrt(ratios->squares / (double)(ratios->n - 1)),
                          STATISTICS_LEVEL, &low, &high);
    return 2 * sinh((high - low) / 2);
}

static int compare(size_t a, size_t b) {
    return (a > b) - (a < b);
}

/* Whether two trials belong to the same pass: probe, variant, block. */
static int compare_passes(const struct dataset_trial *a, const struct dataset_trial *b) {
    int order = compare(a->probe, b->probe);

    if (order == 0)
        order = compare(a->variant, b->variant);
    return order ? order : (a->block > b->block) - (a->block < b->block);
}

/* By pass; of each pass the baseline first. */
static int compare_trials(const void *a, const void *b, void *baseline) {
    const struct dataset_trial *x = *(const struct dataset_trial *const *)a;
    const struct dataset_trial *y = *(const struct dataset_trial *const *)b;
    size_t first = *(const size_t *)baseline;
    int order = compare_passes(x, y);

    return order ? order : (y->channel == first) - (x->channel == first);
}

/* The trials that count, in that order; the list belongs to the caller. */
static const struct dataset_trial **sort_trials(const struct dataset *dataset, size_t baseline,
                                                size_t *ret_n) {
    const struct dataset_trial **sorted = memory_new(dataset->n_trials, sizeof(*sorted));
    size_t n = 0;

    for (size_t i = 0; i < dataset->n_trials; i++)
        if (dataset->trials[i].used && dataset->trials[i].status == DATASET_OK)
            sorted[n++] = &dataset->trials[i];
    qsort_r(sorted, n, sizeof(*sorted), compare_trials, &baseline);
    *ret_n = n;
    return sorted;
}

static size_t cell_of(const struct dataset *dataset, size_t probe, size_t channel, size_t variant) {
    return (probe * dataset->n_channels + channel) * dataset->n_variants + variant;
}

static double widest(const struct dataset *dataset, const struct ratios *cells, size_t baseline) {
    double result = NAN;

    for (size_t probe = 0; probe < dataset->n_probes; probe++)
        for (size_t channel = 0; channel < dataset->n_channels; channel++)
            for (size_t variant = 0; variant < dataset->n_variants && channel != baseline;
                 variant++) {
                double width = relative_width(&cells[cell_of(dataset, probe, channel, variant)]);

                if (!isfinite(width))
                    return NAN;
                result = fmax(result, width); /* the number, where one is none */
            }
    return result;
}

int report_precision(const char *run_dir, double *ret_widest, struct error *error) {
    CLEANUP(dataset_freep) struct dataset *dataset = NULL;
    CLEANUP_FREE const struct dataset_trial **sorted = NULL;
    CLEANUP_FREE struct ratios *cells = NULL;
    const struct dataset_trial *base = NULL;
    size_t baseline, n;
    int r = dataset_read(&dataset, run_dir, error);

    if (r < 0)
        return r;
    baseline = (size_t)dataset_find_channel(dataset, dataset->baseline); /* may be no place */
    sorted = sort_trials(dataset, baseline, &n);
    cells = memory_new(cell_of(dataset, dataset->n_probes, 0, 0) + 1, sizeof(*cells));
    for (size_t i = 0; i < n; i++) {
        const struct dataset_trial *trial = sorted[i];

        if (trial->channel == baseline)
            base = trial;
        else if (base && compare_passes(base, trial) == 0)
            take(&cells[cell_of(dataset, trial->probe, trial->channel, trial->variant)],
                 log(trial->value / base->value));
    }
    *ret_widest = widest(dataset, cells, baseline);
    return 0;
}
