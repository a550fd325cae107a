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

static int compare_blocks(const void *key, const void *element) {
    const long *block = key;
    const struct dataset_attempt *attempt = element;

    return (*block > attempt->block) - (*block < attempt->block);
}

const struct dataset_attempt *dataset_find_block(const struct dataset *dataset, long block) {
    return dataset->n_counted ? bsearch(&block, dataset->counted, dataset->n_counted,
                                        sizeof(*dataset->counted), compare_blocks)
                              : NULL;
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

/* Metrics whose name is no word for people. */
static const struct {
    const char *metric, *words;
} worded[] = {
    {"broker_cpu_per_message", "broker CPU per message"},
    {"delivered_rate", "messages per second"},
    {"time_99", "time until 99 % are back"},
};

char *dataset_words(const char *metric) {
    char *words = text_copy(metric);

    for (size_t i = 0; i < ARRAY_SIZE(worded); i++)
        if (text_equal(worded[i].metric, metric))
            text_replace(&words, worded[i].words);
    for (char *c = words; *c; c++)
        *c = *c == '_' ? ' ' : *c;
    return words;
}

bool dataset_is_amount(const char *metric, const char *unit, const char *better) {
    bool is_waited = text_has_word("s ms us", unit) && !strstr(metric, "cpu");

    return !text_equal(better, "higher") && !is_waited;
}

bool dataset_is_called(const char *series, const char *metric) {
    size_t length = strlen(series), tail = strlen(metric);

    return text_equal(series, metric) || (length > tail && series[length - tail - 1] == '.' &&
                                          text_equal(series + length - tail, metric));
}

bool dataset_is_of_probe(const struct dataset *dataset, size_t series, size_t probe) {
    const struct dataset_series *one = &dataset->series[series];

    for (size_t i = one->first; i < one->first + one->n; i++)
        if (dataset->trials[dataset->values[i].trial].probe == probe)
            return true;
    return false;
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

double dataset_reference(const struct dataset *dataset, size_t probe, int series, size_t channel,
                         int baseline) {
    for (size_t i = 0; i < dataset->n_references; i++) {
        const struct dataset_reference *one = &dataset->references[i];

        if (one->probe == probe && one->series == series && one->channel == channel &&
            one->baseline == baseline)
            return one->value;
    }
    return NAN;
}

int dataset_compare_ids(const void *a, const void *b) {
    const struct dataset_trial *x = a, *y = b;

    if (x->trial != y->trial)
        return x->trial < y->trial ? -1 : 1;
    return (x->attempt > y->attempt) - (x->attempt < y->attempt);
}

const char *dataset_keep(struct dataset *dataset, char *text) {
    dataset->texts = memory_room(dataset->texts, dataset->n_texts, sizeof(*dataset->texts));
    dataset->texts[dataset->n_texts++] = text;
    return text;
}

size_t dataset_place(struct dataset *dataset, const char ***list, size_t *n, const char *text,
                     size_t length) {
    for (size_t i = 0; i < *n; i++)
        if (strncmp((*list)[i], text, length) == 0 && !(*list)[i][length])
            return i;
    *list = memory_room(*list, *n, sizeof(**list));
    (*list)[*n] = dataset_keep(dataset, text_format("%.*s", (int)length, text));
    return (*n)++;
}

void dataset_free(struct dataset *dataset) {
    void *const lists[] = {dataset->channels,      dataset->probes,     dataset->variants,
                           dataset->trials,        dataset->series,     dataset->counted,
                           dataset->values,        dataset->references, dataset->warnings,
                           dataset->troubles,      dataset->latencies,  dataset->proofs,
                           dataset->distributions, dataset->texts,      dataset->speeds,
                           dataset->operations,    dataset->terms,      dataset};

    for (size_t i = 0; i < dataset->n_texts; i++)
        free(dataset->texts[i]);
    for (size_t i = 0; i < dataset->n_distributions; i++)
        free(dataset->distributions[i].buckets);
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        free(lists[i]);
}
