#include "analysis/dataset.h"

#include <math.h>
#include <string.h>

int dataset_find_channel(const struct dataset *dataset, const char *name) {
    for (size_t i = 0; i < dataset->n_channels; i++)
        if (text_equal(dataset->channels[i].name, name))
            return (int)i;
    return -1;
}

int dataset_find_probe(const struct dataset *dataset, const char *name) {
    for (size_t i = 0; i < dataset->n_probes; i++)
        if (text_equal(dataset->probes[i].name, name))
            return (int)i;
    return -1;
}

int dataset_find_series(const struct dataset *dataset, const char *name) {
    for (size_t i = 0; i < dataset->n_series; i++)
        if (text_equal(dataset->series[i].name, name))
            return (int)i;
    return -1;
}

size_t dataset_top_rung(const struct dataset *dataset) {
    size_t top = 0;

    for (size_t i = 0; i < dataset->n_probes; i++)
        top = dataset->probes[i].rung > top ? dataset->probes[i].rung : top;
    return top;
}

char *dataset_rung(const struct dataset *dataset, size_t probe, size_t variant) {
    const char *name = dataset_variant(dataset, variant);

    return text_format("%s%s%s", dataset->probes[probe].name, *name ? ", " : "", name);
}

char *dataset_words(const char *metric) {
    char *words = text_copy(metric);

    for (char *c = words; *c; c++)
        *c = *c == '_' ? ' ' : *c;
    return words;
}

double dataset_value(const struct dataset *dataset, size_t series, size_t trial) {
    const struct dataset_value *values = dataset->values + dataset->series[series].first;
    size_t low = 0, high = dataset->series[series].n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (values[middle].trial < trial)
            low = middle + 1;
        else
            high = middle;
    }
    return low < dataset->series[series].n && values[low].trial == trial ? values[low].value : NAN;
}

int dataset_compare_ids(const void *a, const void *b) {
    const struct dataset_trial *x = a, *y = b;

    if (x->trial != y->trial)
        return x->trial < y->trial ? -1 : 1;
    return (x->attempt > y->attempt) - (x->attempt < y->attempt);
}

static void free_all(void *const *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        free(list[i]);
}

#define FREE_ALL(...)                                                                              \
    free_all((void *const[]){__VA_ARGS__}, sizeof((void *const[]){__VA_ARGS__}) / sizeof(void *))

void dataset_channel_clear(struct dataset_channel *channel) {
    FREE_ALL(channel->name, channel->base, channel->variant, channel->description, channel->tls);
}

void dataset_free(struct dataset *dataset) {
    for (size_t i = 0; i < dataset->n_channels; i++)
        dataset_channel_clear(&dataset->channels[i]);
    for (size_t i = 0; i < dataset->n_probes; i++) {
        struct dataset_probe *one = &dataset->probes[i];

        FREE_ALL(one->name, one->metric, one->unit, one->better, one->help, one->sender,
                 one->receiver);
    }
    for (size_t i = 0; i < dataset->n_variants; i++)
        free(dataset->variants[i]);
    for (size_t i = 0; i < dataset->n_trials; i++)
        free(dataset->trials[i].reason);
    for (size_t i = 0; i < dataset->n_series; i++)
        FREE_ALL(dataset->series[i].name, dataset->series[i].unit);
    for (size_t i = 0; i < dataset->n_throttlings; i++)
        free(dataset->throttlings[i].host);
    for (size_t i = 0; i < dataset->n_proofs; i++) {
        struct dataset_proof *one = &dataset->proofs[i];

        FREE_ALL(one->name, one->expected, one->observed, one->cause);
    }
    for (size_t i = 0; i < dataset->n_distributions; i++) {
        struct dataset_distribution *one = &dataset->distributions[i];

        FREE_ALL(one->metric, one->unit, one->buckets);
    }
    FREE_ALL(dataset->run_name, dataset->scenario, dataset->baseline, dataset->hosts,
             dataset->reference_source, dataset->channels, dataset->probes, dataset->variants,
             dataset->trials, dataset->series, dataset->counted, dataset->values,
             dataset->references, dataset->warnings, dataset->throttlings, dataset->latencies,
             dataset->proofs, dataset->distributions, dataset);
}
